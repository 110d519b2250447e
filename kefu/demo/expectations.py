"""What a demo day must leave behind, worked out from the day alone, and how the stack's answers compare."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kefu.demo.arrivals import LOCAL
from kefu.demo.handling import STATES
from kefu.demo.model import Day, Item, Reaction
from kefu.demo.trades import ORGANISATIONS
from shared.ids import derived_id


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of the day: what it counts, what it must be, what it is."""

    what: str
    expected: int
    found: int

    @property
    def right(self) -> bool:
        """Return whether the two are the same."""
        return self.expected == self.found


@dataclass(frozen=True, slots=True)
class Expected:
    """One contact that must be registered; ``problem`` is set for a complaint."""

    event_id: str
    org: str
    contact_id: str
    month: str
    problem: str | None


class Expectations:
    """The day's promises, ready to be compared."""

    def __init__(self, day: Day, now: datetime) -> None:
        """``now`` is the moment the day ends at; months are those of the organisations' own time zone."""
        self.day = day
        self.contacts = tuple(_expected(item) for item in day.items if item.expected == "accepted")
        self.complaints = tuple(contact for contact in self.contacts if contact.problem is not None)
        present = {contact.org for contact in self.contacts}
        self.orgs = tuple(org for org in ORGANISATIONS if org in present)
        months = Counter(contact.month for contact in self.contacts)
        # Shortly after midnight on the first, the day's contacts belong to the month before.
        self.month = max(months, key=lambda month: (months[month], month))
        self.months = tuple(sorted({month_of(now), *months}))
        self.rejected = tuple(item for item in day.items if item.expected == "rejected")
        self.dead = tuple(item for item in day.items if item.expected == "dead")

    def count(self, org: str) -> int:
        """Return how many contacts of ``org`` must be registered."""
        return sum(contact.org == org for contact in self.contacts)

    def rejected_of(self, org: str) -> int:
        """Return how many events must be rejected under ``org``."""
        return sum(item.org == org for item in self.rejected)

    def reported(self, org: str) -> dict[str, int]:
        """Return by how much the figures of ``org`` must rise, over all months of the day."""
        planned = [self.day.plan[c.event_id] for c in self.complaints if c.org == org and self.has_plan(c)]
        return {
            "contacts": self.count(org),
            "rejected events": self.rejected_of(org),
            "cases": len(planned),
            "cases closed": sum(STATES[reaction.stage] == "closed" for reaction in planned),
            "callbacks made": sum(len(reaction.callbacks) for reaction in planned),
        }

    def has_plan(self, contact: Expected) -> bool:
        """Return whether the complaint opens a case of its own; any other repeats an earlier one."""
        return contact.event_id in self.day.plan

    def reaction(self, contact: Expected) -> Reaction:
        """Return what staff do about the complaint."""
        return self.day.plan[contact.event_id]


def month_of(moment: datetime) -> str:
    """Return the month of the aware ``moment`` where the organisations are, such as ``2026-11``."""
    return f"{moment.astimezone(LOCAL):%Y-%m}"


def reported_figures(months: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Return what ``month_statistics`` says, added up over ``months``, under the names of ``reported``."""
    sums: Counter[str] = Counter()
    for month in months:
        sums["contacts"] += month["contacts"]["total"]
        sums["rejected events"] += month["rejected_events"]
        sums["cases"] += month["cases"]["received"]
        sums["cases closed"] += month["cases"]["closed"]
        sums["callbacks made"] += month["callbacks"]["made"]
    return dict(sums)


def rejected_as_expected(items: Sequence[Item], rejections: Iterable[Mapping[str, Any]]) -> int:
    """Return how many of ``items`` were rejected for the reason they were spoilt with."""
    reasons = {row["event_id"]: row["reasons"] for row in rejections}
    return sum(
        any(
            _hinted(item, f"{reason['field']} {reason['reason']}")
            for reason in reasons.get(item.event_id, ())
        )
        for item in items
    )


def dead_as_expected(items: Sequence[Item], letters: Iterable[tuple[bytes, str]]) -> int:
    """Return how many of ``items`` are among the dead ``letters`` (body, reason) with the reason expected."""
    reasons = dict(letters)
    return sum(_hinted(item, reasons.get(item.body, "")) for item in items)


def _hinted(item: Item, text: str) -> bool:
    return bool(text) and (item.reason_hint or "").lower() in text.lower()


def _expected(item: Item) -> Expected:
    event = json.loads(item.body)
    data = event["data"]
    return Expected(
        event_id=event["id"],
        org=event["org"],
        contact_id=derived_id("ct", event["source"], event["id"]),
        month=month_of(datetime.fromisoformat(data["received_at"])),
        problem=data["complaint"]["problem"] if data.get("complaint") else None,
    )
