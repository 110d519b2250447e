"""Dying between any two steps: a stand-in process counts its steps and stops where a test says."""

from __future__ import annotations

from collections.abc import Callable


class Crashed(BaseException):
    """The process is gone; no handler of ordinary errors may see this."""


class Steps:
    """Counts what a process does to the outside world, from 1; something may happen just before a step.

    Stopping before step k is the same as stopping after step k-1, so trying every k tries every place.
    """

    def __init__(self) -> None:
        """Let every step pass."""
        self.taken = 0
        self._before: dict[int, Callable[[], None]] = {}

    def before(self, number: int, action: Callable[[], None]) -> None:
        """Do ``action`` just before step ``number``, counted from the start."""
        self._before[number] = action

    def crash_before(self, number: int) -> None:
        """Raise Crashed in the place of step ``number`` and in the place of every later one."""
        self._crash_at = number

    _crash_at: int | None = None

    def step(self) -> None:
        """Count one step; called right before the step has its effect."""
        self.taken += 1
        action = self._before.pop(self.taken, None)
        if action is not None:
            action()
        if self._crash_at is not None and self.taken >= self._crash_at:
            raise Crashed
