"""The roster (排班表) of a period: who works which shift on which day, what is wrong with it, and swaps (调班)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from services.intake.domain.duty.rules import DutyRules
from shared.aggregate import Aggregate
from shared.errors import Conflict, Forbidden, RuleRefused
from shared.history import Cause
from shared.regulations.values import DESIGN

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Assignment:
    """One person on one shift of one day."""

    staff: str
    shift: str
    day: date


@dataclass(slots=True)
class Swap:
    """A shift one person gives and another takes: proposed, then accepted or declined by the other."""

    no: int
    giver: str
    taker: str
    shift: str
    day: date
    state: str = "proposed"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong with a roster: an ``error`` keeps it from being drawn, a ``warning`` does not."""

    code: str
    severity: str
    source: str
    day: date
    staff: str | None = None
    start: datetime | None = None
    minutes: int | None = None
    number: int | None = None

    def as_data(self) -> dict[str, Any]:
        """Return the JSON shape; ``number`` is people short, days in a row or days of rest."""
        return {
            "code": self.code,
            "severity": self.severity,
            "source": self.source,
            "day": self.day.isoformat(),
            "staff": self.staff,
            "start": self.start.isoformat() if self.start else None,
            "minutes": self.minutes,
            "number": self.number,
        }


@dataclass(kw_only=True)
class DrawnRoster(Aggregate):
    """The roster of a desk from ``first`` to ``last``, both included."""

    desk: str
    first: date
    last: date
    regulation: str
    assignments: list[Assignment]
    swaps: list[Swap] = field(default_factory=list)

    def draw(self, findings: Sequence[Finding], at: datetime, cause: Cause) -> None:
        """Record that it stands, with the codes of what is not as it should be."""
        data = {
            "roster_id": self.id,
            "desk": self.desk,
            "first": self.first.isoformat(),
            "last": self.last.isoformat(),
            "assignments": len(self.assignments),
            "warnings": sorted({finding.code for finding in findings}),
        }
        self.record("roster_drawn", data, at=at, cause=cause)

    def on(self, day: date, shift: str) -> list[str]:
        """Return who works ``shift`` on ``day``, swaps counted in."""
        return [each.staff for each in self.assignments if (each.day, each.shift) == (day, shift)]

    def propose(self, swap: Swap, at: datetime, cause: Cause) -> None:
        """Offer one's own shift to another; Conflict when it is not one's own."""
        if swap.giver not in self.on(swap.day, swap.shift):
            raise Conflict("you do not work that shift")
        self.swaps.append(swap)
        self._tell(swap, at, cause)

    def answer(
        self, number: int, *, accepted: bool, by: str, at: datetime, rules: DutyRules, zone: ZoneInfo, cause: Cause
    ) -> Swap:  # fmt: skip
        """Accept or decline a swap, as the one it was offered to; an overlap with their own shifts is refused."""
        swap = next((each for each in self.swaps if each.no == number), None)
        if swap is None or swap.state != "proposed":
            raise Conflict(f"no swap {number} waits for an answer")
        if by != swap.taker:
            raise Forbidden("only the one a shift is offered to accepts it")
        if accepted:
            old = Assignment(swap.giver, swap.shift, swap.day)
            if old not in self.assignments:
                raise Conflict("the shift was given away meanwhile")
            swapped = [
                Assignment(swap.taker, swap.shift, swap.day) if each == old else each
                for each in self.assignments
            ]
            refuse_overlaps(swapped, rules, zone)
            self.assignments = swapped
        swap.state = "accepted" if accepted else "declined"
        self._tell(swap, at, cause)
        return swap

    def _tell(self, swap: Swap, at: datetime, cause: Cause) -> None:
        self.record(
            "shift_swapped", {"roster_id": self.id, "desk": self.desk} | swap_view(swap), at=at, cause=cause
        )


def swap_view(swap: Swap) -> dict[str, Any]:
    """Return the JSON shape of a swap."""
    return {
        "no": swap.no,
        "giver": swap.giver,
        "taker": swap.taker,
        "shift": swap.shift,
        "day": swap.day.isoformat(),
        "state": swap.state,
    }


def refuse_overlaps(assignments: Sequence[Assignment], rules: DutyRules, zone: ZoneInfo) -> None:
    """RuleRefused when somebody would be on two shifts at once."""
    found = list(_overlaps(assignments, rules, zone))
    if found:
        raise RuleRefused(
            f"{found[0].staff} would be on two shifts at once on {found[0].day}",
            rule=found[0].source,
            details={"findings": [finding.as_data() for finding in found]},
        )


def findings(
    assignments: Sequence[Assignment],
    first: date,
    last: date,
    rules: DutyRules,
    zone: ZoneInfo,
    needed: Mapping[date, int],
) -> list[Finding]:
    """Return what is wrong with a roster, by day: overlaps, uncovered hours, too many days, too few people."""
    found = [
        *_overlaps(assignments, rules, zone),
        *_uncovered(assignments, first, last, rules, zone),
        *_runs(assignments, rules),
        *_short_of_rest(assignments, first, last, rules),
        *_short_of_people(assignments, rules, needed),
    ]
    return sorted(found, key=lambda each: (each.day, each.code, each.staff or ""))


def _spans(
    assignments: Sequence[Assignment], rules: DutyRules, zone: ZoneInfo
) -> Iterator[tuple[Assignment, datetime, datetime]]:
    for each in assignments:
        template = rules.shift(each.shift)
        for start, end in template.spans(each.day, zone) if template else ():
            yield each, start, end


def _overlaps(assignments: Sequence[Assignment], rules: DutyRules, zone: ZoneInfo) -> Iterator[Finding]:
    by_staff: dict[str, list[tuple[datetime, datetime, Assignment]]] = defaultdict(list)
    for each, start, end in _spans(assignments, rules, zone):
        by_staff[each.staff].append((start, end, each))
    for staff, spans in by_staff.items():
        spans.sort(key=lambda span: (span[0], span[1]))
        for (_, end, _), (start, _, later) in pairwise(spans):
            if start < end:
                template = rules.shift(later.shift)
                source = template.source if template else DESIGN
                minutes = (end - start) // timedelta(minutes=1)
                yield Finding("overlap", "error", source, later.day, staff, start, minutes)


def _uncovered(
    assignments: Sequence[Assignment], first: date, last: date, rules: DutyRules, zone: ZoneInfo
) -> Iterator[Finding]:
    """Yield the stretches nobody works: of all hours on a 24-hour duty, else between a day's first and last."""
    spans = sorted((start, end) for _, start, end in _spans(assignments, rules, zone))
    covers, gaps = rules.roster.covers, rules.roster.gaps
    if covers is not None and covers.value:
        # A day of duty begins with its first shift: the hours before belong to the night shift of the day before.
        starts = [hours.start for shift in rules.shifts for hours in shift.hours]
        begin = datetime.combine(first, min(starts, default=time.min), zone)
        over = begin + (last - first + _DAY)
        for start, end in _holes(spans, begin, over):
            yield _hole("uncovered", "error", covers.source, start, end)
    elif gaps is not None and gaps.value:
        for day in (first + _DAY * number for number in range((last - first).days + 1)):
            today = [span for span in spans if span[0].date() == day]
            if today:
                for start, end in _holes(today, today[0][0], max(end for _, end in today)):
                    yield _hole("gap", "warning", gaps.source, start, end)


def _holes(
    spans: Sequence[tuple[datetime, datetime]], begin: datetime, over: datetime
) -> Iterator[tuple[datetime, datetime]]:
    reached = begin
    for start, end in spans:
        if reached < min(start, over):
            yield reached, min(start, over)
        reached = max(reached, end)
    if reached < over:
        yield reached, over


def _hole(code: str, severity: str, source: str, start: datetime, end: datetime) -> Finding:
    return Finding(
        code, severity, source, start.date(), start=start, minutes=(end - start) // timedelta(minutes=1)
    )


def _days(assignments: Sequence[Assignment]) -> dict[str, list[date]]:
    days: dict[str, set[date]] = defaultdict(set)
    for each in assignments:
        days[each.staff].add(each.day)
    return {staff: sorted(worked) for staff, worked in days.items()}


def _runs(assignments: Sequence[Assignment], rules: DutyRules) -> Iterator[Finding]:
    """Yield every day in a row beyond those allowed (做六休一)."""
    most = rules.roster.run
    if most is None:
        return
    for staff, days in _days(assignments).items():
        row, before = 0, date.min
        for day in days:
            row = row + 1 if day - before == _DAY else 1
            before = day
            if row > most.value:
                yield Finding("too_many_days", "warning", most.source, day, staff, number=row)


def _short_of_rest(
    assignments: Sequence[Assignment], first: date, last: date, rules: DutyRules
) -> Iterator[Finding]:
    """Yield who has too few days off in a month the roster holds whole."""
    least = rules.roster.rest_days
    if least is None:
        return
    for month in _whole_months(first, last):
        after = (month + _DAY * 31).replace(day=1)
        for staff, days in _days(assignments).items():
            off = (after - month).days - sum(month <= day < after for day in days)
            if off < least.value:
                yield Finding("too_little_rest", "warning", least.source, month, staff, number=off)


def _whole_months(first: date, last: date) -> Iterator[date]:
    month = first if first.day == 1 else (first.replace(day=1) + _DAY * 31).replace(day=1)
    while (after := (month + _DAY * 31).replace(day=1)) <= last + _DAY:
        yield month
        month = after


def _short_of_people(
    assignments: Sequence[Assignment], rules: DutyRules, needed: Mapping[date, int]
) -> Iterator[Finding]:
    plan = rules.roster.plan
    if plan is None:
        return
    for day, asked in needed.items():
        short = asked - len({each.staff for each in assignments if each.day == day})
        if short > 0:
            yield Finding("shortage", "warning", plan.source, day, number=short)
