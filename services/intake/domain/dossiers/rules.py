"""What a rulebook says about dossiers (档案): which documents, by when, to whom, and what waits for them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from shared.regulations.values import Sourced
from shared.worktime import Duration

#: What a stage follows when it does not follow another one: the document coming in.
RECEIVED = "received"
#: What completeness may be counted from when not from a mark: the opening of the dossier.
OPENED = "opened"
#: The clock of completeness; stages and marks may not be called so.
COMPLETE = "complete"
#: What clocks of loans are called by, before the number of the loan.
LOAN = "loan"

Facts = Mapping[str, str]

#: Who may do something, and the rule that says so.
Roles = Sourced[tuple[str, ...]]


class Make(StrEnum):
    """Whether a document is an original (原件) or a copy (复印件)."""

    ORIGINAL = "original"
    COPY = "copy"


class Way(StrEnum):
    """Whether a document is brought in, or prepared to be handed out."""

    IN = "in"
    OUT = "out"


class Weekday(StrEnum):
    """Days of the week, Monday first."""

    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A fact of the dossier and the values of it for which something applies."""

    code: str
    values: tuple[str, ...]


When = tuple[Wanted, ...]


def applies(when: When, facts: Facts) -> bool:
    """Return whether every fact of ``when`` has one of its values; a fact that is not known has none."""
    return all(facts.get(wanted.code) in wanted.values for wanted in when)


@dataclass(frozen=True, slots=True)
class Fact:
    """Something known of a dossier's subject: one of ``values``, or a sum of money where ``amount`` holds."""

    code: str
    name: str
    values: tuple[str, ...] = ()
    amount: bool = False
    required: bool = False


@dataclass(frozen=True, slots=True)
class Form:
    """One of several documents any of which makes an item; only ``when`` the facts say so."""

    code: str
    name: str
    source: str
    when: When = ()


@dataclass(frozen=True, slots=True)
class Needs:
    """How many documents an item takes in all, and of them originals and copies."""

    any: int = 1
    original: int = 0
    copy: int = 0


@dataclass(frozen=True, slots=True)
class Holder:
    """With whom a document ends up, when the facts say so."""

    holder: str
    source: str
    when: When = ()


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the list: what is asked for, in which forms, how many, and who holds it in the end.

    It is asked for unless ``required`` is false, ``when`` the facts say so. ``numbered``: not without its number.
    """

    code: str
    name: str
    source: str
    group: str | None = None
    way: Way = Way.IN
    required: bool = True
    when: When = ()
    forms: tuple[Form, ...] = ()
    needs: Needs = Needs()
    holders: tuple[Holder, ...] = ()
    numbered: bool = False

    def holder(self, facts: Facts) -> Holder | None:
        """Return who is to hold its documents; the first whose facts apply."""
        return next((holder for holder in self.holders if applies(holder.when, facts)), None)


@dataclass(frozen=True, slots=True)
class Gate:
    """What must be there before something: ``items``, all that is asked for, ``marks``, and ``facts`` known."""

    source: str
    facts: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    complete: bool = False
    marks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Batch:
    """Days on which documents go up together (每周一、四); with ``keeps_copy`` not before one is kept."""

    weekdays: tuple[Weekday, ...]
    source: str
    keeps_copy: bool = False


@dataclass(frozen=True, slots=True)
class Closing:
    """A request that a stage closes, when the facts say so."""

    request: str
    source: str
    when: When = ()


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage each document passes through, and what limits the time between it and the one it comes ``after``.

    Empty ``items`` and ``makes`` are all. The document is then held by ``to``, by whom its item says where the
    stage ``distributes``, or as before; one that ``returns`` is in the file again. ``signed`` names the rule that
    asks for a receipt slip (签收单); ``files``: it is bound and filed (立卷归档) with it. Once no document waits for
    it any more, it ``closes`` requests.
    """

    code: str
    name: str
    source: str
    items: tuple[str, ...] = ()
    makes: tuple[Make, ...] = ()
    when: When = ()
    after: str = RECEIVED
    within: Sourced[Duration] | None = None
    same_day: Sourced[bool] | None = None
    batch: Batch | None = None
    grants: Roles | None = None
    to: str | None = None
    distributes: bool = False
    returns: bool = False
    signed: Sourced[bool] | None = None
    files: bool = False
    gates: tuple[Gate, ...] = ()
    closes: tuple[Closing, ...] = ()

    def concerns(self, item: str, make: Make, facts: Facts) -> bool:
        """Return whether a document of ``item`` passes through it."""
        return (
            (not self.items or item in self.items)
            and (not self.makes or make in self.makes)
            and applies(self.when, facts)
        )


@dataclass(frozen=True, slots=True)
class Mark:
    """Something done with the dossier as a whole: delivered, stamped, registered, approved, signed.

    A ``tracked`` one is a line of the progress sheet (进度追踪表单) and has a day it is to be done by. ``picks``
    names the item one of whose documents is chosen with it. ``reviewers``: it stands once one of each of these
    roles gave it (会审).
    """

    code: str
    name: str
    source: str
    grants: Roles | None = None
    tracked: bool = False
    picks: str | None = None
    gates: tuple[Gate, ...] = ()
    reviewers: Roles | None = None


@dataclass(frozen=True, slots=True)
class Completion:
    """By when everything asked for is handed in, counted ``since`` a mark or the opening, and who is bound to it.

    ``excuse``: to whom reasons are explained beforehand (事前说明原因); without it there is no excuse.
    """

    since: str
    within: Sourced[Duration]
    bound: tuple[str, ...] = ()
    excuse: Roles | None = None


@dataclass(frozen=True, slots=True)
class Care:
    """A person in charge of a dossier, by role, and the rule that says so."""

    role: str
    source: str


@dataclass(frozen=True, slots=True)
class Receipts:
    """The slip (签收单) customers sign for papers, and to whom it is passed on."""

    passed_to: str
    source: str


@dataclass(frozen=True, slots=True)
class DossierRule:
    """One kind of dossier; ``source`` is the rule that asks for it.

    ``abouts`` are the kinds of things one may be about. Only ``confidential`` roles see and work on it, where
    there are any; ``lending`` and ``retention`` name who signs for loans and who sets how long it is kept.
    """

    code: str
    name: str
    source: str
    abouts: tuple[str, ...]
    items: tuple[Item, ...]
    groups: tuple[str, ...] = ()
    facts: tuple[Fact, ...] = ()
    stages: tuple[Stage, ...] = ()
    marks: tuple[Mark, ...] = ()
    completion: Completion | None = None
    hands_in: Roles | None = None
    keeper: Care | None = None
    responsible: Care | None = None
    confidential: Roles | None = None
    lending: Roles | None = None
    retention: Roles | None = None
    receipts: Receipts | None = None

    def item(self, code: str) -> Item | None:
        """Return the item called ``code``."""
        return next((item for item in self.items if item.code == code), None)

    def stage(self, code: str) -> Stage | None:
        """Return the stage called ``code``."""
        return next((stage for stage in self.stages if stage.code == code), None)

    def mark(self, code: str) -> Mark | None:
        """Return the mark called ``code``."""
        return next((mark for mark in self.marks if mark.code == code), None)

    def fact(self, code: str) -> Fact | None:
        """Return the fact called ``code``."""
        return next((fact for fact in self.facts if fact.code == code), None)


@dataclass(frozen=True, slots=True)
class Limit:
    """How long a stage may take that the handbook only calls prompt; the organisation's own decision."""

    code: str
    within: Sourced[Duration]


@dataclass(frozen=True, slots=True)
class Review:
    """Which roles review what a mark stands for."""

    code: str
    reviewers: Roles


@dataclass(frozen=True, slots=True)
class DossierSettings:
    """What an organisation decides about one kind of dossier where its handbook leaves it open."""

    code: str
    limits: tuple[Limit, ...] = ()
    reviews: tuple[Review, ...] = ()

    def applied(self, rule: DossierRule) -> DossierRule:
        """Return ``rule`` with these decisions; what the handbook says itself stays."""
        limits = {limit.code: limit.within for limit in self.limits}
        reviews = {review.code: review.reviewers for review in self.reviews}
        return replace(
            rule,
            stages=tuple(
                replace(stage, within=limits[stage.code]) if _open(stage) and stage.code in limits else stage
                for stage in rule.stages
            ),
            marks=tuple(
                replace(mark, reviewers=mark.reviewers or reviews.get(mark.code)) for mark in rule.marks
            ),
        )


def _open(stage: Stage) -> bool:
    return stage.within is None and stage.same_day is None and stage.batch is None


def dossier_rule(
    rules: Collection[DossierRule], settings: Collection[DossierSettings], code: str
) -> DossierRule | None:
    """Return the kind ``code`` with the organisation's own decisions; None where the rulebook has no such kind."""
    rule = next((rule for rule in rules if rule.code == code), None)
    own = next((own for own in settings if own.code == code), None)
    return rule if rule is None or own is None else own.applied(rule)
