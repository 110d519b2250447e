"""What a rulebook says about investigations (调查) and corrective actions (整改), as immutable values.

Everything a handbook leaves open is ``None`` or empty, and what rests on it is refused.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from services.complaints.domain.path.rules import FieldRule, PathStep
from services.complaints.domain.rulebook import Choice
from shared.authority import Authority
from shared.regulations.values import Sourced
from shared.worktime import Duration

#: The field of a report that says how the matter is prevented (防范措施).
PREVENTION_FIELD = "prevention"

Roles = Sourced[tuple[str, ...]]


class Need(StrEnum):
    """What a case may be asked for."""

    #: An investigation whose report is approved.
    INVESTIGATION = "investigation"
    #: An approved report that says how the matter is prevented.
    PREVENTION = "prevention"
    #: A corrective action that was done, and none left open.
    ACTION = "action"


class Before(StrEnum):
    """Before what of the case it is asked for."""

    REPLY = "reply"
    CLOSE = "close"


class Phase(StrEnum):
    """What must have become of an investigation before something is put on its record."""

    OPEN = "open"
    APPROVED = "approved"
    CASE_CLOSED = "case_closed"


@dataclass(frozen=True, slots=True)
class Method:
    """One way to investigate (调查方法); ``needs_reason`` where it is the exception."""

    code: str
    name: str
    source: str
    needs_reason: bool = False


@dataclass(frozen=True, slots=True)
class FormRule:
    """What is to be written down: a form of the rulebook and the rule that lists it."""

    name: str
    form: tuple[FieldRule, ...]
    source: str

    def as_step(self, code: str) -> PathStep:
        """Return the form as a step of the name ``code``, by whose means forms are filled."""
        return PathStep(code, self.name, self.source, form=self.form)

    def has(self, code: str) -> bool:
        """Tell whether it has the field ``code``."""
        return any(rule.code == code for rule in self.form)


@dataclass(frozen=True, slots=True)
class RecordRule:
    """One kind of record on an investigation: a meeting, an opinion passed on, progress, the archiving.

    ``after`` is a kind of which there must be one before; one with ``before_report`` must be there before the
    report is submitted. ``archives`` marks the one whose id is the archive's number.
    """

    code: str
    what: FormRule
    roles: tuple[str, ...]
    phase: Phase = Phase.OPEN
    once: bool = False
    after: str | None = None
    before_report: bool = False
    archives: bool = False

    @property
    def source(self) -> str:
        """Return the rule that asks for it."""
        return self.what.source


@dataclass(frozen=True, slots=True)
class Cause:
    """One node of the tree of causes (原因)."""

    code: str
    name: str
    source: str
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class RecurrenceRule:
    """That the same cause within so many days before a report counts as a recurrence (重复发生)."""

    days: int
    source: str

    @property
    def period(self) -> timedelta:
        """Return how far back is looked."""
        return timedelta(days=self.days)


@dataclass(frozen=True, slots=True)
class Distribution:
    """To which departments an approved report goes."""

    departments: tuple[Choice, ...]
    source: str

    @property
    def codes(self) -> tuple[str, ...]:
        """Return the departments' codes."""
        return tuple(choice.code for choice in self.departments)


@dataclass(frozen=True, slots=True)
class RequiredRule:
    """What cases of ``levels`` and ``grounds`` need ``before`` they are answered or closed; empty ones mean all."""

    code: str
    needs: tuple[Need, ...]
    source: str
    before: Before = Before.CLOSE
    levels: tuple[str, ...] = ()
    grounds: tuple[str, ...] = ()

    def covers(self, level: str, ground: str | None) -> bool:
        """Tell whether a case of ``level`` on ``ground`` is asked for it."""
        return (not self.levels or level in self.levels) and (not self.grounds or ground in self.grounds)


@dataclass(frozen=True, slots=True)
class ActionKind:
    """One kind of corrective action, and how long it may take."""

    code: str
    name: str
    source: str
    within: Sourced[Duration] | None = None


@dataclass(frozen=True, slots=True)
class ActionExtensionRule:
    """Who may give an action more time, for which reasons, how often at most."""

    roles: tuple[str, ...]
    reasons: tuple[Choice, ...]
    at_most: int
    source: str


@dataclass(frozen=True, slots=True)
class CheckRule:
    """Who checks whether an action helped: not before so long after it was done, and within so long."""

    roles: tuple[str, ...]
    source: str
    not_before: Sourced[Duration] | None = None
    within: Sourced[Duration] | None = None


@dataclass(frozen=True, slots=True)
class ActionRules:
    """What the rulebook says of corrective actions; with ``approvals`` one is a draft until it is approved."""

    opens: Roles
    kinds: tuple[ActionKind, ...]
    approvals: Roles | None = None
    extensions: ActionExtensionRule | None = None
    check: CheckRule | None = None

    def kind(self, code: str) -> ActionKind | None:
        """Return the kind called ``code``."""
        return next((kind for kind in self.kinds if kind.code == code), None)


@dataclass(frozen=True, slots=True)
class InvestigationRules:
    """The key ``investigation`` of a complaints rulebook. The first of ``methods`` is the usual one."""

    opens: Roles | None = None
    investigators: Roles | None = None
    methods: tuple[Method, ...] = ()
    findings: FormRule | None = None
    report: FormRule | None = None
    causes: tuple[Cause, ...] = ()
    recurrence: RecurrenceRule | None = None
    reviews: Authority | None = None
    distribution: Distribution | None = None
    records: tuple[RecordRule, ...] = ()
    required: tuple[RequiredRule, ...] = ()
    actions: ActionRules | None = None

    def method(self, code: str) -> Method | None:
        """Return the method called ``code``."""
        return next((method for method in self.methods if method.code == code), None)

    def record_rule(self, code: str) -> RecordRule | None:
        """Return the kind of record called ``code``."""
        return next((record for record in self.records if record.code == code), None)

    @property
    def leaves(self) -> tuple[str, ...]:
        """Return the causes under which there are no others; a report names these."""
        parents = {cause.parent for cause in self.causes}
        return tuple(cause.code for cause in self.causes if cause.code not in parents)

    def under(self, code: str) -> frozenset[str]:
        """Return the cause ``code`` with everything under it; only itself where the tree does not have it."""
        found = {code}
        for cause in self.causes:
            # A parent stands before its children.
            if cause.parent in found:
                found.add(cause.code)
        return frozenset(found)

    def required_of(self, level: str, ground: str | None, moments: Collection[Before]) -> list[RequiredRule]:
        """Return what a case of ``level`` on ``ground`` is asked for before any of ``moments``."""
        return [rule for rule in self.required if rule.before in moments and rule.covers(level, ground)]

    def roles(self) -> Iterator[tuple[str, str]]:
        """Yield every role named, with its place under the key."""
        yield from _numbered("opens.value", self.opens.value if self.opens is not None else ())
        yield from _numbered("investigators.value", self.investigators.value if self.investigators else ())
        for number, place in enumerate(self.reviews.places if self.reviews is not None else ()):
            yield from _numbered(f"reviews.sequence.{number}.roles", place.roles)
        for record in self.records:
            yield from _numbered(f"records.{record.code}.roles", record.roles)
        if self.actions is not None:
            yield from _action_roles(self.actions)


def _action_roles(actions: ActionRules) -> Iterator[tuple[str, str]]:
    yield from _numbered("actions.opens.value", actions.opens.value)
    yield from _numbered("actions.approvals.value", actions.approvals.value if actions.approvals else ())
    yield from _numbered("actions.extensions.roles", actions.extensions.roles if actions.extensions else ())
    yield from _numbered("actions.check.roles", actions.check.roles if actions.check is not None else ())


def _numbered(path: str, roles: Collection[str]) -> Iterator[tuple[str, str]]:
    for number, role in enumerate(roles):
        yield f"{path}.{number}", role
