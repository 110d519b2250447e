"""Finds, or installs where it may, the programs that the private local stack is made of.

Runs under a bare Python, before the project's virtual environment exists: standard library only.
``python -m kefu.local.install`` makes sure of both programs and says in plain words what is missing.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from kefu.local.errors import LocalStackError

REPOSITORY = Path(__file__).resolve().parents[2]

#: Where distributions keep the server's own scripts. The wrapper that Debian puts on the PATH insists on a
#: user of its own, so these come first.
_BROKER_PLACES = (
    Path("/usr/lib/rabbitmq/bin"),
    Path("/opt/rabbitmq/sbin"),
    Path("/opt/homebrew/opt/rabbitmq/sbin"),
    Path("/usr/local/opt/rabbitmq/sbin"),
)

_BROKER_MISSING = """\
RabbitMQ is needed and was not found. Any one of these helps:
  - install it:          sudo apt-get install rabbitmq-server   (macOS: brew install rabbitmq)
  - use one that runs:   set KEFU_BROKER_ADMIN_URL to it, for `make run`
  - use containers:      install Docker, then `make up`"""

_TIME_LIMIT = 900


def _announce(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class BrokerBinaries:
    """Where RabbitMQ's server script and Erlang's port mapper are."""

    server: Path
    epmd: Path


def find_broker() -> BrokerBinaries | None:
    """Return the machine's RabbitMQ, None when it has none."""
    on_path = shutil.which("rabbitmq-server")
    places = [*(place / "rabbitmq-server" for place in _BROKER_PLACES), *([Path(on_path)] if on_path else [])]
    epmd = shutil.which("epmd", path=f"{os.environ.get('PATH', os.defpath)}:/usr/bin:/usr/local/bin")
    server = next((place for place in places if os.access(place, os.X_OK)), None)
    return BrokerBinaries(server, Path(epmd)) if server and epmd else None


def ensure_broker(say: Say = _announce) -> BrokerBinaries:
    """Return the machine's RabbitMQ; install Debian's package first where this user may.

    Raises LocalStackError, with what to do, when there is none and it cannot be installed. ``say`` is told
    what takes long.
    """
    found = find_broker()
    if found:
        return found
    if not _may_use_apt():
        raise LocalStackError(_BROKER_MISSING)
    say("Installing RabbitMQ with apt-get (about a minute) …")
    _apt_install("rabbitmq-server")
    found = find_broker()
    if not found:
        raise LocalStackError(_BROKER_MISSING)
    return found


def ensure_embedded_database(root: Path, say: Say = _announce) -> Path:
    """Return the program of the embedded database, installed below ``root`` in an environment of its own.

    It is installed from the hashed lock ``requirements/embedded-db.txt`` into ``root``/.kefu/embedded-db when
    it is not there or the lock has changed; several processes may ask at once. Raises LocalStackError when
    it cannot be installed.
    """
    place = root / ".kefu" / "embedded-db"
    program = place / "bin" / "secantusd-py"
    lock_file = root / "requirements" / "embedded-db.txt"
    place.parent.mkdir(exist_ok=True)
    with (place.parent / "embedded-db.lock").open("wb") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        environment = Environment(place, (lock_file,))
        if not environment.is_current():
            say("Installing the embedded database (half a minute) …")
            environment.create()
            environment.pip_install("--require-hashes", "-r", str(lock_file))
            environment.remember()
    return program


@dataclass(frozen=True, slots=True)
class Environment:
    """A virtual environment at ``place`` that holds what some files say, and remembers what they said."""

    place: Path
    files: tuple[Path, ...]

    @property
    def python(self) -> Path:
        """The environment's interpreter."""
        return self.place / "bin" / "python"

    def is_current(self) -> bool:
        """Whether it was finished at this very place and none of the files has changed since."""
        return self.python.exists() and self._remembered() == self._state()

    def create(self) -> None:
        """Make the environment; one that stands is kept, unless it was moved or its Python is gone.

        Raises LocalStackError when this Python cannot make virtual environments.
        """
        ensure_venv_module()
        moved = self._remembered()[:1] not in ([], self._state()[:1])
        clear = ["--clear"] if moved or not self.python.exists() else []
        _run(
            [sys.executable, "-m", "venv", *clear, str(self.place)],
            purpose=f"make the virtual environment {self.place}",
            env=dict(os.environ),
        )

    def pip_install(self, *arguments: str) -> None:
        """Run pip inside the environment; raises LocalStackError with its last lines when it fails."""
        _run(
            [str(self.python), "-m", "pip", "install", "--quiet", "--no-input", *arguments],
            purpose=f"install the Python packages of {self.place.name}",
            env=os.environ | {"PIP_DISABLE_PIP_VERSION_CHECK": "1"},
        )

    def remember(self) -> None:
        """Note that everything is installed."""
        self._stamp.write_text("\n".join(self._state()), encoding="utf-8")

    @property
    def _stamp(self) -> Path:
        return self.place / "kefu-stamp"

    def _remembered(self) -> list[str]:
        try:
            return self._stamp.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return []

    def _state(self) -> list[str]:
        # Scripts inside a virtual environment name its place, so one that was moved is not current.
        digest = hashlib.sha256()
        for file in self.files:
            digest.update(file.read_bytes())
        return [str(self.place.resolve()), digest.hexdigest()]


def ensure_venv_module() -> None:
    """Make sure that this Python can make virtual environments; install Debian's package where it may.

    Raises LocalStackError with what to do otherwise.
    """
    if importlib.util.find_spec("ensurepip"):
        return
    package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
    if not _may_use_apt():
        raise LocalStackError(
            "This Python cannot make virtual environments. "
            f"Install what is missing: sudo apt-get install {package}"
        )
    _apt_install(package)


def _may_use_apt() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def _apt_install(package: str) -> None:
    """Install a Debian package, as root; waits for other installations to finish."""
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    patient = ["apt-get", "-qy", "-o", "DPkg::Lock::Timeout=300"]
    # A fresh machine's package lists are empty, an old one's may be stale; whether that mattered, the
    # installation tells.
    with contextlib.suppress(LocalStackError):
        _run([*patient, "update"], purpose="refresh the package lists", env=environment)
    _run(
        [*patient, "install", "--no-install-recommends", package],
        purpose=f"install {package}",
        env=environment,
    )


def _run(command: Sequence[str], *, purpose: str, env: dict[str, str]) -> None:
    """Run ``command``; raises LocalStackError with the end of its output when it fails or takes too long."""
    try:
        done = subprocess.run(  # noqa: S603 - the commands are our own
            command,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=_TIME_LIMIT,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LocalStackError(f"Could not {purpose}: {error}") from error
    if done.returncode:
        last = "\n".join(done.stdout.splitlines()[-15:])
        raise LocalStackError(
            f"Could not {purpose}. The end of what `{' '.join(command)}` said, "
            f"which may just mean that the network is away:\n{last}"
        )


def main() -> int:
    """Make sure of the broker and the embedded database; return the exit status."""
    try:
        ensure_broker()
        ensure_embedded_database(REPOSITORY)
    except LocalStackError as error:
        _announce(error.message)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
