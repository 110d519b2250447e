"""What a rulebook says of an obligation (定期义务): whose it is, how often, until when, and what proves it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from services.reporting.domain.obligations.schedule import Reminder, Schedule
from shared.regulations.values import Sourced


class Per(StrEnum):
    """For whom it is due, each by itself."""

    UNIT = "unit"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class RecordProof:
    """A record of a register: of the period its field ``day`` names, by itself of that it was opened in.

    Where it is due for each, the record is theirs whom its field ``owner`` names, by itself who opened it. Only in
    one of the ``states`` named does it prove anything.
    """

    register: str
    day: str | None = None
    owner: str | None = None
    states: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Obligation:
    """One duty that comes back.

    It is that of whoever holds the ``role``; with ``per`` of each unit, or of each person, that ``of`` names or that
    the staff directory has: there those at one of ``posts``, or all. ``to`` are roles that it is owed to: they hear
    of it too. Without a ``schedule`` nobody said how often, and nothing is due. A record, a published report of the
    kind ``report``, or without either the word of whoever owes it, with a reference, proves it.
    """

    code: str
    name: str
    source: str
    role: str
    schedule: Schedule | None = None
    per: Per | None = None
    of: Sourced[tuple[str, ...]] | None = None
    posts: tuple[str, ...] = ()
    to: tuple[str, ...] = ()
    record: RecordProof | None = None
    report: str | None = None
    remind: Reminder | None = None

    @property
    def by_word(self) -> bool:
        """Tell whether the word of whoever owes it is its proof."""
        return self.record is None and self.report is None
