"""What a rulebook says of requests: kinds, processes, actions, routes, clocks; typed immutable values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeVar

from services.intake.domain.requests.areas import Area, area_of
from shared.regulations.values import Sourced
from shared.worktime import Duration

#: What a rule holds for: each field named has one of its values. What is not known counts as false.
Condition = Mapping[str, tuple[Any, ...]]


class Shape(StrEnum):
    """What may stand in a field."""

    TEXT = "text"
    FLAG = "flag"
    MOMENT = "moment"
    DAY = "day"
    COUNT = "count"
    CHOICE = "choice"
    PRICED = "priced"


@dataclass(frozen=True, slots=True)
class Field:
    """A thing to be known of a request; ``least`` belongs to counts, ``choices`` to choices."""

    code: str
    name: str
    shape: Shape
    least: int
    choices: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True)
class Level:
    """An urgency (紧急程度); the lowest rank is served first."""

    code: str
    name: str
    rank: int
    source: str


@dataclass(frozen=True, slots=True)
class Unit:
    """A department, station or queue: who leads it, who stands in, and who alone sees its list."""

    code: str
    name: str
    leader: str
    deputy: str | None
    seen_by: tuple[str, ...]
    source: str

    @property
    def leads(self) -> tuple[str, ...]:
        """Return the roles in charge, the leader first."""
        return (self.leader,) if self.deputy is None else (self.leader, self.deputy)


@dataclass(frozen=True, slots=True)
class Delay:
    """Who must consent to a later time, and the rule that says so."""

    roles: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True)
class ClockRule:
    """A time limit: ``within`` from its start, other times ``by`` a field's value in ``cases``.

    Or none is counted: it ends at the time in the field ``until``, or with the day. When it is breached, ``task``
    falls to the role ``task_to``.
    """

    code: str
    name: str
    within: Sourced[Duration] | None
    by: str | None
    cases: Mapping[str, Sourced[Duration]]
    until: str | None
    same_day: bool
    task: str | None
    task_to: str | None
    delay: Delay | None
    source: str

    def duration(self, facts: Mapping[str, Any]) -> Sourced[Duration] | None:
        """Return how long it is for a request of which ``facts`` are known; None when it has no time."""
        return self.cases.get(str(facts.get(self.by)), self.within) if self.by else self.within


@dataclass(frozen=True, slots=True)
class Demand:
    """What must be so before a step: a field is filled, or has one of ``values``, or holds another field's text.

    With ``action`` instead of ``field`` that action must have been taken.
    """

    field: str | None
    action: str | None
    values: tuple[Any, ...]
    holds: str | None
    when: Condition
    source: str


@dataclass(frozen=True, slots=True)
class Effect:
    """What follows: a notice to a role, a task for one, an answer to be given, or fields that are set."""

    when: Condition
    notify: str | None
    task: str | None
    to: str | None
    message: str | None
    sets: Mapping[str, Any]
    source: str


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of a process and the role that is responsible for it."""

    code: str
    name: str
    owner: str
    source: str


@dataclass(frozen=True, slots=True)
class Action:
    """What may be done: by whom, at which stages (all when none is named), what it takes and what follows.

    What it fills in may lead the request to another unit (``routes``), as it does on opening.
    """

    code: str
    name: str
    by: tuple[str, ...]
    stages: tuple[str, ...]
    to: str | None
    fills: tuple[str, ...]
    demands: tuple[Demand, ...]
    effects: tuple[Effect, ...]
    starts: tuple[str, ...]
    meets: tuple[str, ...]
    does: tuple[str, ...]
    replies: bool
    closes: bool
    routes: bool
    source: str


@dataclass(frozen=True, slots=True)
class Process:
    """The stages of a kind of request, in order, and what may be done; ``effects`` whenever they come to hold."""

    code: str
    stages: tuple[Stage, ...]
    actions: tuple[Action, ...]
    effects: tuple[Effect, ...]

    def action(self, code: str) -> Action | None:
        """Return the action called ``code``."""
        return _coded(self.actions, code)


@dataclass(frozen=True, slots=True)
class Route:
    """To which unit, or which role, a request goes ``when`` it is so."""

    when: Condition
    unit: str | None
    role: str | None
    source: str


@dataclass(frozen=True, slots=True)
class Subtype:
    """A special sort of a kind, for all customers or for some classes of them."""

    code: str
    name: str
    classes: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of request: what becomes one, who may open one by hand, where it goes and what runs from then.

    ``again`` is the rule by which a second contact before the first is answered is a breach, ``once`` the one
    by which nobody opens a second request of an open one, ``seen_within`` the one by which only those
    concerned look at it.
    """

    code: str
    name: str
    process: str
    categories: tuple[str, ...]
    channels: tuple[str, ...]
    by: tuple[str, ...]
    level: str
    fills: tuple[str, ...]
    demands: tuple[Demand, ...]
    effects: tuple[Effect, ...]
    starts: tuple[str, ...]
    subtypes: tuple[Subtype, ...]
    unit: str | None
    routes: tuple[Route, ...]
    again: str | None
    once: str | None
    seen_within: str | None
    source: str

    def takes(self, category: str, channel: str) -> bool:
        """Return whether a contact becomes a request of this kind."""
        return category in self.categories and (not self.channels or channel in self.channels)


@dataclass(frozen=True, slots=True)
class Handoff:
    """When a request may be given to somebody else (首问负责制)."""

    demands: tuple[Demand, ...]
    source: str


@dataclass(frozen=True, slots=True)
class Departments:
    """How departments work together: who rules when they disagree, and whether closing waits for them."""

    office: Sourced[str] | None
    lead: str | None
    before_closing: str | None


@dataclass(frozen=True, slots=True)
class Price:
    """A paid service (有偿服务) of the price list."""

    code: str
    name: str
    price: Decimal


@dataclass(frozen=True, slots=True)
class PriceList:
    """What may be charged (收费标准), and nothing else."""

    items: tuple[Price, ...]
    source: str


@dataclass(frozen=True, slots=True)
class RequestRules:
    """The requests of one version of a rulebook; empty where contacts stay contacts."""

    levels: tuple[Level, ...] = ()
    facts: tuple[Field, ...] = ()
    units: tuple[Unit, ...] = ()
    areas: tuple[Area, ...] = ()
    clocks: tuple[ClockRule, ...] = ()
    processes: tuple[Process, ...] = ()
    kinds: tuple[Kind, ...] = ()
    handoff: Handoff | None = None
    departments: Departments | None = None
    price_list: PriceList | None = None

    def kind(self, code: str) -> Kind | None:
        """Return the kind called ``code``."""
        return _coded(self.kinds, code)

    def kind_for(self, category: str, channel: str) -> Kind | None:
        """Return the kind that a contact becomes; of several the one that is listed last, the most special one."""
        return next((kind for kind in reversed(self.kinds) if kind.takes(category, channel)), None)

    def process_of(self, kind: Kind) -> Process:
        """Return the process of ``kind``."""
        return next(process for process in self.processes if process.code == kind.process)

    def field(self, code: str) -> Field:
        """Return the field called ``code``, which the rulebook names elsewhere."""
        return next(field for field in self.facts if field.code == code)

    def level(self, code: str) -> Level | None:
        """Return the level called ``code``."""
        return _coded(self.levels, code)

    def unit(self, code: str) -> Unit | None:
        """Return the unit called ``code``."""
        return _coded(self.units, code)

    def clock(self, code: str) -> ClockRule | None:
        """Return the clock called ``code``."""
        return _coded(self.clocks, code)

    def area_of(self, address: str) -> str | None:
        """Return the area that ``address`` lies in; None when it cannot be said."""
        return area_of(self.areas, address)


_C = TypeVar("_C", Level, Unit, ClockRule, Kind, Action)


def _coded(rows: tuple[_C, ...], code: str) -> _C | None:
    return next((row for row in rows if row.code == code), None)


def holds(when: Condition, known: Mapping[str, Any]) -> bool:
    """Return whether ``when`` is so of what is ``known``."""
    return all((known.get(name) or False) in values for name, values in when.items())
