"""Prepares a checkout: `make setup`. Run by the machine's own Python, so with the standard library only.

Makes .venv from the hashed lock requirements/dev.txt and installs the project into it; beside that it sees to
RabbitMQ and the embedded database, which `make run` and `make test` use where no server is given by URL
(KEFU_BROKER_ADMIN_URL, KEFU_MONGO_URL). A second call finds everything in place and returns at once.

Exit status 0 when .venv is ready; a missing broker is only told, for many targets need none.
"""

from __future__ import annotations

import fcntl
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from kefu.local.errors import LocalStackError  # noqa: E402 - the path comes first
from kefu.local.install import Environment, ensure_broker, ensure_embedded_database  # noqa: E402

LOCK_FILE = ROOT / "requirements" / "dev.txt"
OLDEST, NEWEST = (3, 11), (3, 12)


def is_given(variable: str) -> bool:
    """Whether a setting is there, as a variable or in the file that ``<variable>_FILE`` names."""
    return bool(os.environ.get(variable) or os.environ.get(f"{variable}_FILE"))


def silent(_text: str) -> None:
    """Say nothing: this script tells its progress itself."""


def install_project(environment: Environment) -> None:
    """Install the lock and, without a download of its own, the project itself."""
    environment.create()
    environment.pip_install("--require-hashes", "-r", str(LOCK_FILE))
    environment.pip_install("--no-deps", "--no-build-isolation", "--editable", str(ROOT))


class Job(threading.Thread):
    """One part of the preparation, run beside the others."""

    def __init__(self, title: str, work: Callable[[], object]) -> None:
        """Start ``work`` at once; ``failure`` holds why it failed, if it did."""
        super().__init__(name=title, daemon=True)
        self.failure: LocalStackError | None = None
        self._work = work
        self._begun = time.monotonic()
        self.start()

    def run(self) -> None:
        """Do the work and say how long it took."""
        try:
            self._work()
        except LocalStackError as error:
            self.failure = error
        outcome = "not available" if self.failure else "ready"
        print(f"{CLEAR}setup: {self.name} {outcome} ({time.monotonic() - self._begun:.0f} s)", flush=True)


CLEAR = "\r\033[K" if sys.stdout.isatty() else ""


def wait_for(jobs: list[Job]) -> None:
    """Return when all are done; on a terminal a line counts the seconds."""
    begun = time.monotonic()
    while waiting := [job.name for job in jobs if job.is_alive()]:
        if CLEAR:
            print(
                f"{CLEAR}setup: {', '.join(waiting)} … {time.monotonic() - begun:.0f} s", end="", flush=True
            )
        next(job for job in jobs if job.name in waiting).join(timeout=1)


def main() -> int:
    """Prepare the checkout; return the exit status."""
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        print(
            f"setup: Python 3.11 or 3.12 is needed, this is {sys.version.split()[0]}. Give the one to use: "
            "make setup PYTHON=/path/to/python3.11",
            file=sys.stderr,
        )
        return 1
    environment = Environment(ROOT / ".venv", (LOCK_FILE, ROOT / "pyproject.toml"))
    if environment.is_current():
        return 0
    state = ROOT / ".kefu"
    state.mkdir(exist_ok=True)
    with (state / "setup.lock").open("wb") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if environment.is_current():  # another call was quicker
            return 0
        print("setup: first the tools and packages, a minute or two; the next call takes no time", flush=True)
        packages = Job("Python packages", lambda: install_project(environment))
        jobs = [packages]
        if not is_given("KEFU_BROKER_ADMIN_URL"):
            jobs.append(Job("RabbitMQ", lambda: ensure_broker(silent)))
        if not is_given("KEFU_MONGO_URL"):
            jobs.append(Job("embedded database", lambda: ensure_embedded_database(ROOT, silent)))
        wait_for(jobs)
        for job in jobs:
            if job.failure:
                print(f"\n{job.name}: {job.failure.message}\n", file=sys.stderr)
        if packages.failure:
            return 1
        environment.remember()
    return 0


if __name__ == "__main__":
    sys.exit(main())
