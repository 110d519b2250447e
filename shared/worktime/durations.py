"""What a deadline is asked for (an amount of a unit) and what the answer looks like."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from shared.worktime.errors import WorktimeError

Unit = Literal["minutes", "hours", "days", "working_days", "working_hours"]

UNITS: tuple[Unit, ...] = get_args(Unit)
DAY_UNITS: frozenset[Unit] = frozenset({"days", "working_days"})


@dataclass(frozen=True, slots=True)
class Duration:
    """An amount of a unit, and how the ends of the count are treated.

    ``from_next_day`` starts the count on the day after the start's date; ``end_of_day`` ends it at the local
    midnight that closes the last counted day. Raises ``bad_amount`` unless the amount is a whole number of at
    least 1, ``unknown_unit`` and ``bad_flag``.
    """

    amount: int
    unit: Unit
    from_next_day: bool = False
    end_of_day: bool = False

    def __post_init__(self) -> None:
        """Refuse what has no meaning."""
        check_amount(self.amount)
        check_unit(self.unit)
        _check_flag("from_next_day", self.from_next_day)
        _check_flag("end_of_day", self.end_of_day)


@dataclass(frozen=True, slots=True)
class Due:
    """A deadline: ``at``, in the calendar's zone, is the first instant that is too late.

    ``provisional`` says that the count looked at a year whose official days off are not known, so that a
    later calendar version may move it; ``calendar_version`` names the version it was computed with.
    """

    at: datetime
    provisional: bool
    calendar_version: str


def check_amount(amount: object) -> None:
    """Raise ``bad_amount`` unless ``amount`` is a whole number of at least 1."""
    if isinstance(amount, bool) or not isinstance(amount, int) or amount < 1:
        raise WorktimeError("bad_amount", f"the amount must be a whole number of at least 1, got {amount!r}")


def check_unit(unit: object) -> None:
    """Raise ``unknown_unit`` unless ``unit`` is one of ``UNITS``."""
    if not isinstance(unit, str) or unit not in UNITS:
        raise WorktimeError("unknown_unit", f"the unit must be one of {', '.join(UNITS)}, got {unit!r}")


def _check_flag(name: str, value: object) -> None:
    if not isinstance(value, bool):
        raise WorktimeError("bad_flag", f"{name} must be true or false, got {value!r}")
