"""What a rulebook says of care (客户关怀): kinds of campaigns, whom they choose, when they begin by themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from services.followup.domain.person import Person
from shared.errors import Forbidden
from shared.regulations.values import Sourced
from shared.worktime import Duration

_MONTHS_IN = {"month": 1, "quarter": 3, "half_year": 6, "year": 12}


class Makes(StrEnum):
    """What a campaign makes for each person it reaches."""

    MESSAGE = "message"
    #: A record of a register, such as a visit to be made.
    TASK = "task"
    #: Traits of the person.
    MARK = "mark"


class Every(StrEnum):
    """How often a campaign begins by itself, once in each stretch of the calendar."""

    MONTH = "month"
    QUARTER = "quarter"
    HALF_YEAR = "half_year"
    YEAR = "year"


@dataclass(frozen=True, slots=True)
class Reminder:
    """The date ``counts_from`` of a person brings the message.

    From ``begins`` to ``ends`` days after it, negative before it. ``yearly`` for what comes round every year, such as
    a birthday; who was born on 29 February has it on the 28th in other years. Where no rule gives ``begins``,
    nothing comes by itself.
    """

    counts_from: str
    source: str
    yearly: bool = False
    begins: Sourced[int] | None = None
    ends: Sourced[int] | None = None

    @property
    def last(self) -> int:
        """Return the last day; where none is given, that of the date itself, or thirty days after ``begins``."""
        if self.ends is not None:
            return self.ends.value
        begins = self.begins.value if self.begins else 0
        return 0 if begins < 0 else begins + 30

    def occurrence(self, person: Person, today: date) -> date | None:
        """Return the date that is to be spoken of today; None when there is none, or today is outside."""
        text = person.dates.get(self.counts_from)
        if text is None or self.begins is None:
            return None
        given = date.fromisoformat(text)
        for day in self._days(given, today):
            if self.begins.value <= (today - day).days <= self.last:
                return day
        return None

    def _days(self, given: date, today: date) -> tuple[date, ...]:
        if not self.yearly:
            return (given,)
        return tuple(_in_year(given, year) for year in (today.year - 1, today.year, today.year + 1))


@dataclass(frozen=True, slots=True)
class AtLeast:
    """Only persons whose ``trait`` is a number of at least ``value``; nobody where no value is given."""

    trait: str
    source: str
    value: Sourced[int] | None = None

    def holds(self, person: Person) -> bool:
        """Tell whether the person has as many; what is no number is none."""
        number = _number(person.trait(self.trait))
        return self.value is not None and number is not None and number >= self.value.value


@dataclass(frozen=True, slots=True)
class Below:
    """Only persons whose ``trait`` is a number below the campaign's ``variable``, such as owners of earlier phases."""

    trait: str
    variable: str
    source: str

    def holds(self, person: Person, variables: Mapping[str, str]) -> bool:
        """Tell whether the person's number is below; what is no number is not."""
        mine, limit = _number(person.trait(self.trait)), _number(variables.get(self.variable))
        return mine is not None and limit is not None and mine < limit


@dataclass(frozen=True, slots=True)
class Festival:
    """A day that comes round: every year on ``day`` of the solar calendar, or that of the ``lunar`` name."""

    code: str
    name: str
    source: str
    day: str | None = None
    lunar: str | None = None


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """Whoever is told says that they know, ``within`` a time where one is given."""

    source: str
    within: Sourced[Duration] | None = None


@dataclass(frozen=True, slots=True)
class CareKind:
    """A kind of campaign.

    ``consent`` says that who wants no such messages gets none, and that the monthly cap holds; ``grants`` are the
    roles that may start it, all where it is empty.
    """

    code: str
    name: str
    makes: Makes
    purpose: str
    source: str
    template: str | None = None
    channel: str | None = None
    consent: Sourced[bool] | None = None
    grants: tuple[str, ...] = ()
    where: Mapping[str, str] = field(default_factory=dict)
    at_least: AtLeast | None = None
    below: Below | None = None
    register: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    marks: Mapping[str, str] = field(default_factory=dict)
    acknowledge: Acknowledgement | None = None
    reminder: Reminder | None = None
    festivals: tuple[str, ...] = ()
    every: Sourced[Every] | None = None

    @property
    def asks_consent(self) -> bool:
        """Return whether it goes only to who has not declined such messages."""
        return self.consent is not None and self.consent.value

    def check_starter(self, roles: frozenset[str]) -> None:
        """Raise Forbidden unless one of ``roles`` may start it."""
        if self.grants and roles.isdisjoint(self.grants):
            needed = " or ".join(self.grants)
            raise Forbidden(f"the campaign {self.code} is started by {needed}", rule=self.source)

    def wants(self, person: Person, today: date, variables: Mapping[str, str]) -> str | None:
        """Return the date of the person that is spoken of, "" where it is none of theirs; None when not chosen."""
        if person.erased or (self.at_least is not None and not self.at_least.holds(person)):
            return None
        if self.below is not None and not self.below.holds(person, variables):
            return None
        if self.reminder is None:
            return ""
        day = self.reminder.occurrence(person, today)
        return None if day is None else day.isoformat()


@dataclass(frozen=True, slots=True)
class CareRules:
    """The section ``care``; ``cap`` is how many messages that ask for consent a customer gets in a month."""

    kinds: tuple[CareKind, ...] = ()
    festivals: tuple[Festival, ...] = ()
    cap: Sourced[int] | None = None

    def kind(self, code: str) -> CareKind | None:
        """Return the kind called ``code``."""
        return next((kind for kind in self.kinds if kind.code == code), None)

    def festivals_of(self, kind: CareKind) -> tuple[Festival, ...]:
        """Return the festivals a kind begins on."""
        return tuple(festival for festival in self.festivals if festival.code in kind.festivals)


def stretch_of(every: Every, today: date) -> str:
    """Return the name of the stretch of the calendar that ``today`` lies in, such as ``2026-quarter-4``."""
    number = (today.month - 1) // _MONTHS_IN[every.value] + 1
    return f"{today.year}-{every.value}-{number}"


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() else None


def _in_year(given: date, year: int) -> date:
    try:
        return given.replace(year=year)
    except ValueError:
        return date(year, 3, 1) - timedelta(days=1)
