"""Use cases of how exactly data is entered: note what had to be refused, and count it by member of staff."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Protocol

from services.intake.domain.wrong_entry import WrongEntry
from services.intake.handlers.ruling import Rules
from shared.acting import Caller, cause_of
from shared.clock import Clock
from shared.ids import derived_id

#: What is counted when nobody says of which days.
_DAYS = 30


class Shelf(Protocol):
    """Where refused commands are kept."""

    def insert(self, aggregate: WrongEntry) -> bool:
        """Write a new one; False when it is there."""
        ...

    def on_day(self, org: str, staff: str, day: str) -> int:
        """Return how many are kept of one member of staff and day."""
        ...

    def by_staff(
        self, org: str, first: str, last: str, *, limit: int, skip: int
    ) -> Sequence[tuple[str, int, Mapping[str, int]]]:
        """Return a page of the staff with entries of these days: how many, and by field."""
        ...


class Accuracy:
    """Counts field errors by member of staff (B-STD-16)."""

    def __init__(self, shelf: Shelf, rules: Rules, clock: Clock) -> None:
        """Keep refused commands on ``shelf``."""
        self._shelf, self._rules, self._clock = shelf, rules, clock

    def note(self, call: Caller, method: str, fields: Sequence[str]) -> None:
        """Note once for each call which fields were wrong, up to the rulebook's number a day of one person."""
        now = self._clock.now()
        ruling = self._rules.in_force(call.org, now)
        rule = ruling.rules.wrong_entries_a_day
        if rule is None:
            return
        day = now.astimezone(ruling.zone).date().isoformat()
        if self._shelf.on_day(call.org, call.actor, day) < rule.value:
            # Two people may use the same key; a repeat by the same one is no second mistake.
            cause, entry_id = cause_of(call), derived_id("we", call.key, call.actor)
            self._shelf.insert(
                WrongEntry.of(
                    entry_id, call.org, method, fields, day=day, at=now, source=rule.source, cause=cause
                )
            )

    def count(self, call: Caller, data: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return a page of the staff with refused commands of some days, how many, and by field."""
        now = self._clock.now()
        today = now.astimezone(self._rules.in_force(call.org, now).zone).date()
        last = data["last"] or today
        first = data["first"] or last - timedelta(days=_DAYS - 1)
        rows = self._shelf.by_staff(
            call.org, first.isoformat(), last.isoformat(), limit=data["limit"], skip=data["skip"]
        )
        return [{"staff": staff, "count": count, "fields": dict(fields)} for staff, count, fields in rows]
