"""The two streams the command writes to; colour and drawing only on a terminal."""

from __future__ import annotations

import sys

from rich.console import Console

#: What tables are made for; a narrower terminal folds, a wider one is not filled.
WIDTH = 100


def console_for(*, stderr: bool = False) -> Console:
    """Return a console for one of the standard streams; output to anything but a terminal is 100 wide."""
    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, width=None if stream.isatty() else WIDTH, highlight=False)


class _Lazy:
    """Stands for the console of whatever the stream is at the moment of writing."""

    def __init__(self, *, stderr: bool) -> None:
        self._stderr = stderr

    def print(self, *what: object, **how: object) -> None:
        """Print as rich does."""
        console_for(stderr=self._stderr).print(*what, **how)  # type: ignore[arg-type]  # rich's own arguments


output = _Lazy(stderr=False)
errors = _Lazy(stderr=True)
