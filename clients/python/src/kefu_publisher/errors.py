"""What can go wrong, in words that say what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class KefuPublisherError(Exception):
    """Base of everything that this package raises on purpose."""


@dataclass(frozen=True)
class Problem:
    """One thing wrong with an event: the path of the ``field`` and the ``reason``, never the value."""

    field: str
    reason: str


class InvalidEvent(KefuPublisherError, ValueError):
    """An event that Kefu would refuse whatever the organisation; ``problems`` names every field that is wrong."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        """Tell ``problems``, all at once."""
        super().__init__("; ".join(f"{problem.field} {problem.reason}" for problem in problems))
        self.problems = tuple(problems)


class NotPublished(KefuPublisherError):
    """Events the broker did not confirm; ``unpublished`` are their ids in the order given.

    What was taken before them, or in the same batch, and is not named was confirmed. Publishing an event again
    under its id and source is safe.
    """

    def __init__(self, message: str, unpublished: Sequence[str]) -> None:
        """Say ``message`` and which events it concerns."""
        super().__init__(message)
        self.unpublished = tuple(unpublished)


class Refused(NotPublished):
    """The broker answered and would not take the events: its queue is full, or a right or a setting is wrong."""


class NotRouted(NotPublished):
    """The broker has no queue for the events: Kefu's topology is not declared on this broker or virtual host."""


class Unreachable(NotPublished):
    """The broker could not be reached, or did not confirm in time; it may still have taken the events."""
