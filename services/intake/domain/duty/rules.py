"""What an organisation's rulebook says about duty (值班): shifts, duty log and handover, as immutable values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from shared.regulations.values import Sourced
from shared.worktime import Duration


class Part(StrEnum):
    """The two sides of a handover."""

    OUTGOING = "outgoing"
    INCOMING = "incoming"


@dataclass(frozen=True, slots=True)
class Hours:
    """A stretch of a day; one that ends at or before its beginning ends on the next day."""

    start: time
    end: time

    def on(self, day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """Return its first instant on ``day`` and the first after it."""
        last = day if self.end > self.start else day + timedelta(days=1)
        return datetime.combine(day, self.start, zone), datetime.combine(last, self.end, zone)


@dataclass(frozen=True, slots=True)
class ShiftTemplate:
    """A kind of shift (班次): code, name and the stretches of time it works."""

    code: str
    name: str
    hours: tuple[Hours, ...]
    source: str

    def spans(self, day: date, zone: ZoneInfo) -> list[tuple[datetime, datetime]]:
        """Return when it works on ``day``."""
        return [hours.on(day, zone) for hours in self.hours]


@dataclass(frozen=True, slots=True)
class LogKind:
    """A kind of entry of the duty log and the fields it ``asks`` to be filled.

    With ``on_holidays`` the page of a statutory holiday is not signed without one; one that is ``planned`` is
    written with the emergency plan (应急预案) it opens.
    """

    code: str
    name: str
    source: str
    asks: tuple[str, ...] = ()
    on_holidays: bool = False
    planned: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """An emergency plan (应急预案): what is to be done, and the departments that are told at once."""

    code: str
    name: str
    points: tuple[str, ...]
    departments: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True)
class Signing:
    """Who signs a page of the duty log, and how many days after the end of its period at the latest."""

    roles: tuple[str, ...]
    days: int
    source: str


@dataclass(frozen=True, slots=True)
class Sampling:
    """How many per cent of a month's entries are checked."""

    percent: int
    source: str


@dataclass(frozen=True, slots=True)
class Count:
    """Something both sides count; ``holders`` asks who has each, as for keys."""

    code: str
    name: str
    source: str
    holders: bool = False


@dataclass(frozen=True, slots=True)
class Check:
    """A point one side answers yes or no; another answer than ``expects`` is refused, or must be explained."""

    code: str
    name: str
    source: str
    expects: bool = True
    explained: bool = False
    by: Part = Part.OUTGOING


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading that must be written under; "none" counts, nothing does not."""

    code: str
    name: str
    source: str


@dataclass(frozen=True, slots=True)
class Form:
    """What a handover, or a closing, asks before it is signed.

    ``signed`` names the rule of two signatures and the roles of whoever takes over (none: anybody else);
    ``prepared`` how long before the change the checks of the outgoing side are done; ``questions`` the rule that
    asks for answers; ``finished`` that important work is not handed over; ``accepted`` that each open item is
    accepted; ``sealed`` that cash goes into a numbered envelope; ``borne`` that who did not lock bears the loss.
    """

    signed: Sourced[tuple[str, ...]]
    counts: tuple[Count, ...] = ()
    checks: tuple[Check, ...] = ()
    headings: tuple[Heading, ...] = ()
    prepared: Sourced[Duration] | None = None
    questions: Sourced[bool] | None = None
    finished: Sourced[bool] | None = None
    accepted: Sourced[bool] | None = None
    sealed: Sourced[bool] | None = None
    borne: Sourced[bool] | None = None
    takings: Sourced[bool] | None = None


@dataclass(frozen=True, slots=True)
class Roster:
    """What a roster must keep: cover, days in a row, days of rest, people asked for."""

    covers: Sourced[bool] | None = None
    gaps: Sourced[bool] | None = None
    run: Sourced[int] | None = None
    rest_days: Sourced[int] | None = None
    plan: Sourced[bool] | None = None
    drawn_by: Sourced[tuple[str, ...]] | None = None


@dataclass(frozen=True, slots=True)
class Attendance:
    """What holds of coming and leaving.

    ``early`` is how long before the shift its people are there; ``stays`` that nobody leaves before the end;
    ``hands_over`` the shifts nobody leaves before the handover (none named: all); ``extends`` the shifts that go on
    while a conversation is open; ``stand_in`` how long one stands in; ``absence`` that an empty post without an
    accepted swap is absence without leave (旷工); ``ready`` what is prepared before work.
    """

    early: Sourced[Duration] | None = None
    stays: Sourced[bool] | None = None
    hands_over: Sourced[tuple[str, ...]] | None = None
    extends: Sourced[tuple[str, ...]] | None = None
    stand_in: Sourced[Duration] | None = None
    absence: Sourced[bool] | None = None
    ready: tuple[Heading, ...] = ()


@dataclass(frozen=True, slots=True)
class DutyRules:
    """The duty part of one version of an organisation's rulebook; without shifts it has no duty."""

    shifts: tuple[ShiftTemplate, ...] = ()
    writers: Sourced[tuple[str, ...]] | None = None
    readers: Sourced[tuple[str, ...]] | None = None
    kinds: tuple[LogKind, ...] = ()
    plans: tuple[Plan, ...] = ()
    daily: Signing | None = None
    monthly: Signing | None = None
    sample: Sampling | None = None
    carried: Sourced[bool] | None = None
    roster: Roster = field(default_factory=Roster)
    attendance: Attendance = field(default_factory=Attendance)
    handover: Form | None = None
    closing: Form | None = None

    def shift(self, code: str) -> ShiftTemplate | None:
        """Return the shift called ``code``, if there is one."""
        return next((shift for shift in self.shifts if shift.code == code), None)

    def kind(self, code: str) -> LogKind | None:
        """Return the kind of entry called ``code``, if there is one."""
        return next((kind for kind in self.kinds if kind.code == code), None)

    def plan(self, code: str) -> Plan | None:
        """Return the emergency plan called ``code``, if there is one."""
        return next((plan for plan in self.plans if plan.code == code), None)

    def roles(self) -> Iterator[tuple[str, str]]:
        """Yield every role the section names, with its path."""
        for name, value in (
            ("writers.value", self.writers),
            ("readers.value", self.readers),
            ("roster.drawn_by.value", self.roster.drawn_by),
        ):
            for role in value.value if value else ():
                yield f"duty.{name}", role
        for place, signing in (("daily", self.daily), ("monthly", self.monthly)):
            for role in signing.roles if signing else ():
                yield f"duty.{place}.roles", role
        for place, form in (("handover", self.handover), ("closing", self.closing)):
            for role in form.signed.value if form else ():
                yield f"duty.{place}.signed.value", role
