"""Dying between any two steps: a stand-in process counts its steps and stops where a test says."""

from __future__ import annotations

from collections.abc import Callable


class Crashed(BaseException):
    """The process is gone; no handler of ordinary errors may see this."""


class Steps:
    """Counts what a process does to the outside world, from 1; something may happen just before a step.

    Stopping before step k is the same as stopping after step k-1, so trying every k tries every place.
    """

    def __init__(self, *, crash_before: int | None = None) -> None:
        """Let every step pass, or raise Crashed in the place of step ``crash_before`` and every later one."""
        self.taken = 0
        self._crash_before = crash_before
        self._before: dict[int, Callable[[], None]] = {}

    def before(self, number: int, action: Callable[[], None]) -> None:
        """Do ``action`` once, just before step ``number``."""
        self._before[number] = action

    def step(self) -> None:
        """Count one step; to be called right before the step has its effect."""
        self.taken += 1
        action = self._before.pop(self.taken, None)
        if action is not None:
            action()
        if self._crash_before is not None and self.taken >= self._crash_before:
            raise Crashed
