"""Child processes that never outlive this one.

Three nets, one below the other: whoever starts a child stops it; what is left at a normal exit is stopped by
an ``atexit`` hook; and if this process is killed, the kernel kills the children (Linux, see ``leash``).
"""

from __future__ import annotations

import atexit
import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import IO

from kefu.local import leash
from kefu.local.errors import LocalStackError

_EXIT_GRACE = 10.0
_LOG_TAIL_LINES = 15
_LOG_TAIL_BYTES = 64 * 1024


class Child:
    """One run of a program, in a session of its own so that Ctrl-C reaches only the parent."""

    def __init__(
        self, name: str, command: Sequence[str | Path], *, env: Mapping[str, str], cwd: Path, log_path: Path
    ) -> None:
        """Start ``command`` with exactly ``env``; its output is appended to ``log_path``.

        Raises LocalStackError when no process can be made; a program that is missing shows as a child that
        ends at once with status 127.
        """
        self.name = name
        self.log_path = log_path
        on_leash = [
            sys.executable,
            "-I",
            "-S",
            leash.__file__,
            str(os.getpid()),
            *(str(part) for part in command),
        ]
        with log_path.open("ab") as log:
            try:
                self._process = _keeper.spawn(on_leash, env=dict(env), cwd=cwd, log=log)
            except OSError as error:
                raise LocalStackError(f"{name} could not be started: {error}") from error
        _living.add(self)

    @property
    def pid(self) -> int:
        """The process id; the program's own, for the leash becomes the program."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process is still there."""
        return self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """The exit code, negative for the signal that ended it; None while it runs."""
        return self._process.poll()

    def ask_to_stop(self) -> None:
        """Send SIGTERM and return at once; nothing happens to a child that has ended."""
        self._process.send_signal(signal.SIGTERM)

    def terminate(self, timeout: float) -> int:
        """Ask the child to stop, kill it after ``timeout`` seconds; return its exit code."""
        self.ask_to_stop()
        try:
            code = self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            return self.kill()
        _living.discard(self)
        return code

    def kill(self) -> int:
        """Kill the child and whatever it started in its process group, at once; return its exit code."""
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        code = self._process.wait()
        _living.discard(self)
        return code

    def last_words(self) -> str:
        """Return the end of the child's log, for error messages; it may be empty."""
        return tail(self.log_path)


class _Keeper:
    """Starts every child from one thread that lives as long as the process.

    The kernel ties a child to the *thread* that started it: started from a pool's worker, it would die with
    the worker.
    """

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def spawn(
        self, command: list[str], *, env: dict[str, str], cwd: Path, log: IO[bytes]
    ) -> subprocess.Popen[bytes]:
        answer: queue.SimpleQueue[subprocess.Popen[bytes] | OSError] = queue.SimpleQueue()

        def job() -> None:
            try:
                answer.put(
                    subprocess.Popen(  # noqa: S603 - the commands are our own
                        command,
                        env=env,
                        cwd=cwd,
                        stdin=subprocess.DEVNULL,
                        stdout=log,
                        stderr=subprocess.STDOUT,
                        start_new_session=True,
                    )
                )
            except OSError as error:
                answer.put(error)

        self._start_thread()
        self._jobs.put(job)
        outcome = answer.get()
        if isinstance(outcome, OSError):
            raise outcome
        return outcome

    def _start_thread(self) -> None:
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                # A daemon: other threads are ended before the atexit hooks run, and the children with them.
                self._thread = threading.Thread(target=self._run, name="keeper-of-children", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            self._jobs.get()()


_keeper = _Keeper()
_living: set[Child] = set()


def stop_all(timeout: float = _EXIT_GRACE) -> None:
    """Stop every child of this process that still runs: ask them all at once, then kill what stays."""
    children = list(_living)
    for child in children:
        child.ask_to_stop()
    for child in children:
        child.terminate(timeout)


def exit_on_signals() -> None:
    """Turn SIGTERM and SIGHUP into an orderly exit, so that ``finally`` and ``atexit`` stop the children.

    For the command line's main thread. Ctrl-C needs no help: Python raises KeyboardInterrupt.
    """

    def leave(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave)


def tail(path: Path, lines: int = _LOG_TAIL_LINES) -> str:
    """Return the last ``lines`` lines of a text file; an unreadable file gives an empty text."""
    try:
        with path.open("rb") as log:
            log.seek(max(0, path.stat().st_size - _LOG_TAIL_BYTES))
            text = log.read().decode("utf-8", errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:])


def _forget_in_fork() -> None:
    """In a forked copy of this process: the children belong to the original."""
    _living.clear()


os.register_at_fork(after_in_child=_forget_in_fork)
atexit.register(stop_all)
