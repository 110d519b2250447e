"""What is wrong with rulebook files, all of it at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing that is wrong: the file, the dotted path inside it (empty: the whole file) and the reason."""

    file: str
    path: str
    reason: str

    def __str__(self) -> str:
        """Return one line: file, path, reason."""
        return f"{self.file}: {self.path}: {self.reason}" if self.path else f"{self.file}: {self.reason}"


class RegulationError(Exception):
    """Rulebook files that cannot be used; ``faults`` names every problem found, sorted, each once."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        """``faults`` must not be empty."""
        self.faults = tuple(sorted(set(faults)))
        count = len(self.faults)
        heading = f"the rulebooks have {count} problem{'s' if count > 1 else ''}:"
        super().__init__("\n  ".join([heading, *map(str, self.faults)]))
