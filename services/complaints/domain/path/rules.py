"""What a rulebook says about the path of a case: steps, who takes them, what they ask for, what follows what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from services.complaints.domain.rulebook import AppliesTo, Grant
from shared.regulations.values import Sourced
from shared.worktime import Duration

#: Steps that have a command of their own; the rulebook's ``steps`` say who may take them.
COMMANDS: Mapping[str, str] = {
    "decide_validity": "decide_validity",
    "attempt_contact": "attempt_contact",
    "record_progress": "record_progress",
    "reply": "reply",
    "close": "close_case",
}
VALIDITY, REPLY, CLOSE = "decide_validity", "reply", "close"


class FieldKind(StrEnum):
    """What a field of a step holds."""

    TEXT = "text"
    CHOICE = "choice"
    YES_NO = "yes_no"
    MOMENT = "moment"
    #: One or more names, such as those of departments.
    NAMES = "names"
    #: Yuan as text, at most two decimals.
    AMOUNT = "amount"
    #: A whole number above nothing, as text.
    COUNT = "count"
    #: What the case itself says; a form that carries something else is refused.
    OF_CASE = "of_case"
    #: What an earlier step says; the same holds.
    OF_STEP = "of_step"


class CaseValue(StrEnum):
    """What of a case a form repeats."""

    NUMBER = "number"
    CUSTOMER = "customer_id"
    COMPLAINANT = "complainant_type"
    DEMAND = "demand"
    PROBLEM = "problem"
    RECEIVED_AT = "received_at"


@dataclass(frozen=True, slots=True)
class Option:
    """One value of a choice; not permitted on the grounds listed."""

    code: str
    name: str
    not_on_grounds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FieldRule:
    """One field of a step.

    ``needed_for`` makes it required while another field of the step has one of the values given;
    ``default`` is taken where nothing is said. ``source`` is the field's own where it differs from the step's.
    ``same_as`` says which field of an earlier step one of the kind of_step repeats.
    """

    code: str
    name: str
    kind: FieldKind = FieldKind.TEXT
    required: bool = True
    options: tuple[Option, ...] = ()
    value: CaseValue | None = None
    default: str | None = None
    needed_for: NeededFor | None = None
    source: str | None = None
    same_as: SameAs | None = None


@dataclass(frozen=True, slots=True)
class SameAs:
    """What ``field`` of the step ``step`` holds."""

    step: str
    field: str


@dataclass(frozen=True, slots=True)
class NeededFor:
    """While ``field`` has one of ``values``."""

    field: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """That ``field`` of the step ``step`` holds ``value``: a code, or ``true`` or ``false``."""

    step: str
    field: str
    value: str


@dataclass(frozen=True, slots=True)
class When:
    """On which cases a step is asked for; what is empty asks nothing.

    ``answers`` must all have been given and none of ``unless``; of ``taken`` all steps must have been taken.
    """

    validity: AppliesTo = AppliesTo.ANY
    levels: tuple[str, ...] = ()
    grounds: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    answers: tuple[Answer, ...] = ()
    unless: tuple[Answer, ...] = ()
    taken: tuple[str, ...] = ()

    @property
    def steps(self) -> set[str]:
        """Return the steps the condition looks at."""
        return {answer.step for answer in (*self.answers, *self.unless)} | set(self.taken)


@dataclass(frozen=True, slots=True)
class SendBack:
    """That the value ``value`` in ``field`` opens the step ``to`` again, and all that rests on it."""

    field: str
    value: str
    to: str


@dataclass(frozen=True, slots=True)
class EachOf:
    """That the step is taken once for each: for every option of the field ``by``, or every name listed elsewhere.

    ``step`` and ``field`` say where the names were recorded.
    """

    by: str
    step: str | None = None
    field: str | None = None


@dataclass(frozen=True, slots=True)
class AlsoGrant:
    """Somebody else who may take a step that has a command of its own, on the cases of ``when``."""

    role: str
    when: When
    source: str


@dataclass(frozen=True, slots=True)
class StepDue:
    """By when a step is to be taken, counted from the receipt of the case, or from the step ``after``.

    Exactly one of ``duration`` and ``same_day`` is filled; the latter means the end of the same calendar day.
    """

    duration: Sourced[Duration] | None = None
    same_day: Sourced[bool] | None = None
    after: str | None = None


@dataclass(frozen=True, slots=True)
class PathStep:
    """One step. Nobody who took a step of ``not_by`` may take it."""

    code: str
    name: str
    source: str
    grants: tuple[Grant, ...] = ()
    also: tuple[AlsoGrant, ...] = ()
    form: tuple[FieldRule, ...] = ()
    after: tuple[str, ...] = ()
    when: When = field(default_factory=When)
    mandatory: bool = False
    not_by: tuple[str, ...] = ()
    each_of: EachOf | None = None
    sends_back: SendBack | None = None
    due: StepDue | None = None

    @property
    def command(self) -> str | None:
        """Return the command that takes the step; None for those taken with ``take_step``."""
        return COMMANDS.get(self.code)

    @property
    def clock(self) -> str:
        """Return what the step's clock is called."""
        return f"step.{self.code}"

    @property
    def rests_on(self) -> set[str]:
        """Return the steps it follows or asks something of."""
        recorded = {self.each_of.step} if self.each_of is not None and self.each_of.step else set()
        return {*self.after, *self.when.steps, *recorded}

    def field(self, code: str) -> FieldRule | None:
        """Return the field called ``code``."""
        return next((rule for rule in self.form if rule.code == code), None)


@dataclass(frozen=True, slots=True)
class Path:
    """The steps of a path in their order; each rests only on steps before it."""

    steps: tuple[PathStep, ...]

    def __iter__(self) -> Iterator[PathStep]:
        return iter(self.steps)

    def step(self, code: str) -> PathStep | None:
        """Return the step called ``code``."""
        return next((step for step in self.steps if step.code == code), None)

    def resting_on(self, code: str) -> set[str]:
        """Return ``code`` and every step that rests on it, directly or through others."""
        found = {code}
        for step in self.steps:
            if step.rests_on & found:
                found.add(step.code)
        return found


@dataclass(frozen=True, slots=True)
class Taken:
    """A step somebody took; ``fields`` is JSON-safe. ``void`` once it has to be taken again."""

    step: str
    by: str
    role: str
    at: datetime
    fields: Mapping[str, Any]
    void: bool = False
