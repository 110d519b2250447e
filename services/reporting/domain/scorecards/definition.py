"""What a rulebook says about one scorecard: its lines, what feeds them, and what follows at which score; immutable."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from shared.registers.definition import Condition
from shared.regulations.values import Sourced


class Unit(StrEnum):
    """What a scorecard counts in: points (分) or yuan (元)."""

    POINTS = "points"
    YUAN = "yuan"


class Taking(StrEnum):
    """Which of a person's records give a figure: the sum of the month's, or the latest up to the month's end."""

    SUM = "sum"
    LATEST = "latest"


@dataclass(frozen=True, slots=True)
class Feed:
    """Which records of ``register`` are meant.

    ``person`` names the field with the member of staff, ``day`` the date or moment the record belongs to (without it
    the day it was opened). All conditions of ``when`` must hold, and of ``states`` one, if they are named.
    """

    register: str
    person: str
    day: str | None = None
    when: tuple[Condition, ...] = ()
    states: tuple[str, ...] = ()
    quantity: str | None = None


@dataclass(frozen=True, slots=True)
class Rate:
    """What each occurrence comes to from the ``at``-th of the month on."""

    at: int
    each: Decimal
    source: str


@dataclass(frozen=True, slots=True)
class Step:
    """What all occurrences of a month come to together once there are ``at``; it replaces their sum."""

    at: int
    total: Decimal
    source: str


@dataclass(frozen=True, slots=True)
class Part:
    """A figure times its weight."""

    figure: str
    weight: Decimal
    source: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a card: either occurrences that count, or ``parts`` of figures that are added up.

    Of the occurrences in the order of their days the first ``free`` cost nothing. The others come to ``rates`` each,
    times the quantity of the record if its feed names one; ``percent_of`` makes the rate a percentage of a figure.
    ``steps`` replace the sum; of several the one with the most occurrences.
    """

    code: str
    name: str
    source: str
    feeds: tuple[Feed, ...] = ()
    rates: tuple[Rate, ...] = ()
    steps: tuple[Step, ...] = ()
    free: Sourced[int] | None = None
    percent_of: str | None = None
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True)
class Figure:
    """A number that records tell of a person."""

    code: str
    name: str
    feed: Feed
    taking: Taking = Taking.SUM


@dataclass(frozen=True, slots=True)
class Consequence:
    """What follows when the total is at or below ``at_most``, or at or above ``at_least``, for ``months`` running.

    Without a border it never follows: the source does not give one. What ``replaces`` another follows instead of it.
    """

    code: str
    name: str
    source: str
    at_most: Sourced[Decimal] | None = None
    at_least: Sourced[Decimal] | None = None
    months: int = 1
    replaces: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scorecard:
    """One kind of card; each person has one a month, which begins at ``begins``."""

    code: str
    name: str
    source: str
    lines: tuple[Line, ...]
    unit: Unit = Unit.POINTS
    begins: Sourced[Decimal] | None = None
    figures: tuple[Figure, ...] = ()
    consequences: tuple[Consequence, ...] = ()

    @property
    def months_back(self) -> int:
        """Return how many months before its own a card has to know."""
        return max((each.months - 1 for each in self.consequences), default=0)

    @property
    def feeds(self) -> tuple[tuple[str, Feed], ...]:
        """Return every feed with the code of its line."""
        return tuple((line.code, feed) for line in self.lines for feed in line.feeds)
