"""What a record is made of besides its values: what was done to it, put right, and what it still owes others."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Act:
    """One person's step; ``done`` when no further signature was needed, ``sets`` what it filled in."""

    action: str
    by: str
    role: str
    at: datetime
    from_state: str
    to_state: str
    done: bool
    sets: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Correction:
    """One field put right: what stood there, what stands there now, by whom and why."""

    field: str
    before: Any
    after: Any
    by: str
    role: str
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class ClockNotice:
    """Who is told when a clock fires; kept with the record, because the timer reads no rulebook."""

    code: str
    at: tuple[str, ...]
    to: tuple[str, ...]
    to_field: str | None
    why: str
    source: str


@dataclass(frozen=True, slots=True)
class Owed:
    """A change of a balance that the record has made and the balance may not know of yet."""

    key: str
    balance_id: str
    stock: str
    item: str
    place: str | None
    amount: str
    source: str
    told: bool


@dataclass(frozen=True, slots=True)
class ToOpen:
    """A step after which the rule ``rule`` opens other records; ``turn`` tells an action's repeats apart."""

    rule: str
    by: str
    turn: str = ""


@dataclass(frozen=True, slots=True)
class ClockOpening:
    """A rule that opens other records when a clock fires; kept, because the timer reads no rulebook."""

    rule: str
    at: tuple[str, ...]
