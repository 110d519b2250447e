"""Telling how far a long task has come: a bar on a terminal, plain lines everywhere else."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn


class Teller(Protocol):
    """What a task says of its progress: one phase after the other."""

    def begin(self, title: str, total: int) -> None:
        """Start the phase ``title`` of ``total`` steps."""
        ...

    def advance(self, done: int) -> None:
        """Say how many steps of the phase are done by now."""
        ...

    def end(self) -> None:
        """End the phase."""
        ...


class Bars:
    """One bar a phase, drawn while the context is open."""

    def __init__(self, console: Console) -> None:
        """Draw on ``console``, which must be a terminal."""
        self._progress = Progress(
            TextColumn("{task.description:<34}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
        )
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        """Start drawing."""
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the bars as they are."""
        self._progress.stop()

    def begin(self, title: str, total: int) -> None:
        """Add the phase's bar."""
        self._task = self._progress.add_task(title, total=total)

    def advance(self, done: int) -> None:
        """Move the bar."""
        if self._task is not None:
            self._progress.update(self._task, completed=done)

    def end(self) -> None:
        """Stop the bar's clock."""
        if self._task is not None:
            self._progress.stop_task(self._task)
        self._task = None


class Lines:
    """One line at the end of each phase, for logs and pipes."""

    def __init__(self, console: Console) -> None:
        """Write to ``console``."""
        self._console = console
        self._title = ""
        self._total = self._done = 0
        self._begun = 0.0

    def __enter__(self) -> Self:
        """Nothing has to be prepared."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing has to be tidied up."""

    def begin(self, title: str, total: int) -> None:
        """Remember the phase."""
        self._title, self._total, self._done, self._begun = title, total, 0, time.monotonic()

    def advance(self, done: int) -> None:
        """Remember how far it is."""
        self._done = done

    def end(self) -> None:
        """Write the phase's line."""
        seconds = time.monotonic() - self._begun
        self._console.print(
            f"{self._title}: {self._done} of {self._total} ({seconds:.1f} s)", highlight=False
        )


def teller_for(console: Console) -> Bars | Lines:
    """Return bars for a terminal, lines for anything else."""
    return Bars(console) if console.is_terminal else Lines(console)
