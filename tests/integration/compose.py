"""Docker Compose as the tests call it: with the images that scripts/stand-in-images.sh chose, if it ran."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
#: Written by scripts/stand-in-images.sh; without it compose's own defaults, the official images, are used.
IMAGES_FILE = ROOT / ".kefu" / "images.env"


class StackFailed(Exception):
    """The stack, or a part of it, did not come up; the message holds the last lines of its log."""


def compose(*arguments: str, environment: Mapping[str, str] | None = None, timeout: float = 600) -> str:
    """Run ``docker compose`` on the repository's docker-compose.yml and return what it printed.

    ``environment`` is laid over this process's own. Raises ``StackFailed`` with the end of what it complained
    of when it fails, ``subprocess.TimeoutExpired`` after ``timeout`` seconds.
    """
    done = run_compose(*arguments, environment=environment, timeout=timeout)
    if done.returncode != 0:
        hint = (
            "" if IMAGES_FILE.exists() else "\nNo registry at hand? scripts/stand-in-images.sh makes images."
        )
        ended = f"docker compose {' '.join(arguments)} ended with {done.returncode}"
        raise StackFailed(f"{ended}:\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}{hint}")
    return done.stdout


def run_compose(
    *arguments: str, environment: Mapping[str, str] | None = None, timeout: float = 600
) -> subprocess.CompletedProcess[str]:
    """Run ``docker compose`` and return how it ended; see ``compose``."""
    images = ["--env-file", str(IMAGES_FILE)] if IMAGES_FILE.exists() else []
    return subprocess.run(
        ["docker", "compose", "--project-directory", str(ROOT), *images, *arguments],
        cwd=ROOT,
        # Bake is a plugin that many machines do not have; without it compose warns at every build.
        env={**os.environ, "COMPOSE_BAKE": "false", **(environment or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )


def what_is_missing() -> str | None:
    """Return in plain words why nothing can be run in containers here; None if it can."""
    try:
        # Asked by its own command: the Python client leaves a socket open when nobody answers.
        subprocess.run(["docker", "version"], capture_output=True, text=True, check=True, timeout=60)
    except (OSError, subprocess.SubprocessError) as error:
        said = str(getattr(error, "stderr", None) or error).strip().splitlines()
        return f"no container engine answers; scripts/engine.sh starts one ({said[-1] if said else error})"
    try:
        compose("version", "--short")
    except (StackFailed, OSError) as error:
        return f"`docker compose` does not work; scripts/engine.sh fetches it ({error})"
    return None
