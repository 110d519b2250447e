"""A calendar: which days are worked, in which sessions, in which time zone; an immutable, versioned value."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from itertools import accumulate
from zoneinfo import ZoneInfo

from shared.worktime.intervals import Span
from shared.worktime.official import Official, OfficialYear
from shared.worktime.sessions import Sessions, Week
from shared.worktime.zones import session_spans


class DayKind(StrEnum):
    """Why a day is worked or not."""

    WORKING = "working day"
    MAKE_UP = "make-up working day"
    EXTRA = "extra working day"
    HALF = "half day"
    WEEKEND = "weekend"
    HOLIDAY = "holiday"
    CLOSED = "closed"

    @property
    def worked(self) -> bool:
        """Whether a day of this kind is a working day."""
        return self not in _NOT_WORKED


_NOT_WORKED = frozenset({DayKind.WEEKEND, DayKind.HOLIDAY, DayKind.CLOSED})


@dataclass(frozen=True, slots=True)
class DayInfo:
    """One local day of a calendar: its kind, its name (official or own) if any, its sessions if worked."""

    day: date
    kind: DayKind
    name: str
    sessions: Sessions


@dataclass(frozen=True, slots=True)
class Exceptions:
    """An organisation's own days: closures with their reason, extra working days and half days.

    Sessions are None where the weekday's own apply. A closure beats everything but must not also be an extra
    working day; a half day shortens a day that is worked anyway and leaves a day off alone.
    """

    closures: Mapping[date, str] = field(default_factory=dict)
    extra: Mapping[date, Sessions | None] = field(default_factory=dict)
    half: Mapping[date, Sessions] = field(default_factory=dict)

    def described(self) -> str:
        """Return a text that differs whenever two sets of exceptions differ in what they make of a day."""
        return f"{sorted(self.closures)}/{_sorted_text(self.extra)}/{_sorted_text(self.half)}"


@dataclass(frozen=True, slots=True, eq=False)
class Calendar:
    """An immutable calendar; two are equal when their versions are.

    ``version`` is derived from everything that can change an answer: name, zone, week, exceptions and the
    official data, so new official data gives a new version by itself. Years are worked out when first
    needed and kept.
    """

    name: str
    zone: ZoneInfo
    week: Week
    official: Official
    exceptions: Exceptions = field(default_factory=Exceptions)
    version: str = field(init=False)
    _official_years: dict[int, OfficialYear] = field(init=False, repr=False, default_factory=dict)
    _working_days: dict[int, tuple[int, ...]] = field(init=False, repr=False, default_factory=dict)
    _session_spans: dict[int, tuple[Span, ...]] = field(init=False, repr=False, default_factory=dict)
    _session_totals: dict[int, tuple[int, ...]] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Work out the version."""
        parts = (
            self.name,
            self.zone.key,
            self.week.described(),
            self.exceptions.described(),
            self.official.version,
        )
        digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]
        object.__setattr__(self, "version", f"{self.name}-{self.official.version}-{digest}")

    def __eq__(self, other: object) -> bool:
        """Compare by version."""
        return isinstance(other, Calendar) and other.version == self.version

    def __hash__(self) -> int:
        """Hash by version."""
        return hash(self.version)

    def with_sessions(self, sessions: Sessions) -> Calendar:
        """Return this calendar with ``sessions`` on every worked day; single days keep their own."""
        week = Week.same_every_day(sessions, self.week.working)
        changed = Calendar(self.name, self.zone, week, self.official, self.exceptions)
        # Which days are worked does not depend on their sessions, so what was worked out serves both.
        object.__setattr__(changed, "_official_years", self._official_years)
        object.__setattr__(changed, "_working_days", self._working_days)
        return changed

    def official_year(self, year: int) -> OfficialYear:
        """Return the official days of ``year``."""
        known = self._official_years.get(year)
        if known is None:
            known = self._official_years[year] = self.official.year(year)
        return known

    def provisional(self, year: int) -> bool:
        """Return whether the official days of ``year`` are not known, so that dates in it may still move."""
        return not self.official_year(year).known

    def day(self, day: date) -> DayInfo:
        """Return what ``day`` is in this calendar."""
        kind, name = self._kind(day)
        return DayInfo(day, kind, name, self._sessions(day) if kind.worked else ())

    def is_working_day(self, day: date) -> bool:
        """Return whether ``day`` is worked (half days are)."""
        return self._kind(day)[0].worked

    def working_days(self, year: int) -> tuple[int, ...]:
        """Return the proleptic ordinals of the working days of ``year``, ascending."""
        days = self._working_days.get(year)
        if days is None:
            span = range(date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal() + 1)
            days = tuple(number for number in span if self.is_working_day(date.fromordinal(number)))
            self._working_days[year] = days
        return days

    def session_spans(self, year: int) -> tuple[Span, ...]:
        """Return the session time of ``year`` as ascending spans in microseconds since 1970."""
        spans = self._session_spans.get(year)
        if spans is None:
            days = map(date.fromordinal, self.working_days(year))
            spans = tuple(span for day in days for span in self.spans_of(day))
            self._session_spans[year] = spans
        return spans

    def session_totals(self, year: int) -> tuple[int, ...]:
        """Return the accumulated lengths of ``session_spans(year)`` in microseconds."""
        totals = self._session_totals.get(year)
        if totals is None:
            totals = tuple(accumulate(end - start for start, end in self.session_spans(year)))
            self._session_totals[year] = totals
        return totals

    def spans_of(self, day: date) -> tuple[Span, ...]:
        """Return the session time of ``day`` in microseconds since 1970; none if it is not worked."""
        return session_spans(self.zone, day, self.day(day).sessions)

    def _kind(self, day: date) -> tuple[DayKind, str]:
        if day in self.exceptions.closures:
            return DayKind.CLOSED, self.exceptions.closures[day]
        official = self.official_year(day.year)
        if day in self.exceptions.extra:
            return DayKind.EXTRA, ""
        if day in official.make_up:
            kind, name = DayKind.MAKE_UP, official.make_up[day]
        elif day in official.days_off:
            return DayKind.HOLIDAY, official.days_off[day]
        elif self._is_weekend(day, official):
            return DayKind.WEEKEND, ""
        else:
            kind, name = DayKind.WORKING, ""
        return (DayKind.HALF, name) if day in self.exceptions.half else (kind, name)

    def _is_weekend(self, day: date, official: OfficialYear) -> bool:
        if self.week.working is None:
            return day in official.weekend
        return day.weekday() not in self.week.working

    def _sessions(self, day: date) -> Sessions:
        own = self.exceptions.extra.get(day) or self.exceptions.half.get(day)
        return own or self.week.by_weekday[day.weekday()]


def _sorted_text(days: Mapping[date, Sessions | None]) -> str:
    rows = ((day, sessions) for day, sessions in sorted(days.items(), key=lambda row: row[0]))
    return ";".join(f"{day}={','.join(map(str, sessions or ()))}" for day, sessions in rows)
