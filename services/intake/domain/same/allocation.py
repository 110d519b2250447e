"""A list of customers or leads on its way to staff: listed, distributed, and each contacted in time and in detail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import ClassVar

from services.intake.domain.same.rules import Allocation as AllocationRules
from services.intake.domain.same.shares import shares
from shared.errors import RuleRefused
from shared.history import Cause
from shared.timed import Timed
from shared.worktime import Calendar

MORNING = "distribution"
PASSED = "pass"


@dataclass(frozen=True, slots=True)
class Subject:
    """One on the list: whom, from which region, by which channel, how it was screened, and who has it."""

    id: str
    region: str | None = None
    channel: str | None = None
    screened: str | None = None
    staff: str | None = None
    contacted_at: datetime | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Able:
    """Somebody to distribute to: how able against the others, and for which regions; none named is all."""

    staff: str
    ability: int = 1
    regions: tuple[str, ...] = ()
    load: int = 0


@dataclass(kw_only=True)
class Allocation(Timed):
    """One list; ``keys`` are unique, so that no lead is on two."""

    subject: ClassVar[str] = "allocation"

    kind: str
    subjects: list[Subject]
    keys: tuple[str, ...]
    listed_by: str
    listed_at: datetime
    open: bool = True
    allocated_by: str | None = None
    allocated_at: datetime | None = None
    late: bool = False

    def listed(self, at: datetime, cause: Cause) -> None:
        """Record that the list came."""
        data = {"allocation_id": self.id, "kind": self.kind, "count": len(self.subjects)}
        self.record("allocation_listed", data, at=at, cause=cause)

    def distribute(
        self,
        staff: Sequence[Able],
        rules: AllocationRules,
        source: str,
        calendar: Calendar,
        at: datetime,
        cause: Cause,
    ) -> None:
        """Give everybody their share and start the clocks of the first contacts; RuleRefused where it is done."""
        if self.allocated_at is not None:
            raise RuleRefused(f"{self.id} is distributed already", rule=source)
        unscreened = [each.id for each in self.subjects if each.screened != PASSED]
        kind = rules.kind(self.kind)
        if kind is not None and kind.screened and unscreened:
            raise RuleRefused(f"not screened: {', '.join(unscreened)}", rule=source)
        given = distributed(self.subjects, staff, most=None if rules.quota is None else rules.quota.value)
        left = [each.id for each in self.subjects if each.id not in given]
        if left:
            rule = source if rules.quota is None else rules.quota.source
            raise RuleRefused(f"nobody has room for {', '.join(left)}", rule=rule)
        self.subjects = [replace(each, staff=given[each.id]) for each in self.subjects]
        self.allocated_by, self.allocated_at = cause.actor, at
        self.late = self.meet_clock(MORNING, at, cause) is False
        counts: dict[str, int] = {}
        for each in given.values():
            counts[each] = counts.get(each, 0) + 1
        shared = [{"staff": name, "count": count} for name, count in sorted(counts.items())]
        data = {"allocation_id": self.id, "late": self.late, "shares": shared, "source": source}
        self.record("allocation_made", data, at=at, cause=cause)
        if rules.first_contact is not None:
            for subject in self.subjects:
                self.begin_clock(_clock(subject.id), rules.first_contact, calendar, at, cause)

    def contacted(
        self, subject_id: str, note: str, rules: AllocationRules, at: datetime, cause: Cause
    ) -> None:
        """Note the first contact; only one in detail ends its clock. RuleRefused for whoever was not given it."""
        subject = next((each for each in self.subjects if each.id == subject_id), None)
        source = next((kind.source for kind in rules.kinds if kind.code == self.kind), "design")
        if subject is None or subject.staff != cause.actor:
            raise RuleRefused(f"{subject_id} was not given to you", rule=source)
        if rules.detail is not None and len("".join(note.split())) < rules.detail.value:
            message = f"the record must have at least {rules.detail.value} characters"
            raise RuleRefused(message, rule=rules.detail.source)
        done = replace(subject, contacted_at=subject.contacted_at or at, note=note)
        self.subjects = [done if each.id == subject_id else each for each in self.subjects]
        on_time = self.meet_clock(_clock(subject_id), at, cause)
        self.open = any(each.contacted_at is None for each in self.subjects)
        data = {"allocation_id": self.id, "subject": subject_id, "on_time": on_time}
        self.record("subject_contacted", data, at=at, cause=cause)

    def due(self, subject_id: str) -> datetime | None:
        """Return until when somebody is to be contacted; None when that is not waited for."""
        clock = self.clock(_clock(subject_id))
        return None if clock is None else clock.due_at


def distributed(
    subjects: Sequence[Subject], staff: Sequence[Able], *, most: int | None = None
) -> Mapping[str, str]:
    """Return who gets which subject: in equal numbers weighed by ability, each region to those who have it.

    Nobody gets more than ``most`` with what they have already; who is left over is not in the answer.
    """
    given: dict[str, str] = {}
    load = {each.staff: each.load for each in staff}
    regions = dict.fromkeys(subject.region for subject in subjects)
    for region in regions:
        waiting = [subject.id for subject in subjects if subject.region == region]
        able = [each for each in staff if not each.regions or region in each.regions]
        bounds = [None if most is None else max(most - load[each.staff], 0) for each in able]
        counts = shares(len(waiting), [each.ability for each in able], bounds)
        names = [each.staff for each, count in zip(able, counts, strict=True) for _ in range(count)]
        for subject_id, name in zip(waiting, names, strict=False):
            given[subject_id] = name
            load[name] += 1
    return given


def _clock(subject_id: str) -> str:
    return f"first_contact.{subject_id}"


@dataclass(frozen=True, slots=True)
class Place:
    """A place where people wait, or a shop with its traffic: how much there is, and how many agents."""

    code: str
    load: int
    agents: int = 0


@dataclass(frozen=True, slots=True)
class Advice:
    """How many agents each place should have, and who should move."""

    agents: dict[str, int] = field(default_factory=dict)
    moves: tuple[tuple[str, str, int], ...] = ()


def advise(places: Sequence[Place], total: int) -> Advice:
    """Return how ``total`` agents are spread evenly by load, and the moves from those with too many."""
    counts = shares(total, [place.load for place in places])
    wanted = {place.code: count for place, count in zip(places, counts, strict=True)}
    spare = {p.code: p.agents - wanted[p.code] for p in places if p.agents > wanted[p.code]}
    moves: list[tuple[str, str, int]] = []
    for place in places:
        lacking = wanted[place.code] - place.agents
        for code in list(spare):
            moved = min(lacking, spare[code])
            if moved > 0:
                moves.append((code, place.code, moved))
                spare[code] -= moved
                lacking -= moved
    return Advice(wanted, tuple(moves))
