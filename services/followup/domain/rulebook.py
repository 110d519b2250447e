"""What an organisation's rulebook says about callbacks and messages, as typed immutable values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum

from services.followup.domain.batches_rules import BatchRule
from services.followup.domain.care.rules import CareRules
from services.followup.domain.contacts.quotas import Quota
from services.followup.domain.quality.rules import QualityRules
from services.followup.domain.recording import RecordForm, Remedy
from services.followup.domain.scripts import Festival, Script
from services.followup.domain.surveys.definition import SurveyKind
from shared.registers.definition import Register
from shared.regulations.values import Sourced
from shared.worktime import Duration


class Trigger(StrEnum):
    """The event after which a callback is made."""

    CASE_REPLIED = "case_replied"
    #: A request of intake's is closed; the rule's kinds are codes of its kind or subtype.
    REQUEST_CLOSED = "request_closed"
    #: Something happened with a customer that staff or another system noted; the kinds are its codes.
    OCCASION = "occasion"
    #: Another callback was given up, or left a customer discontent; the kinds are codes of callbacks.
    CALLBACK_FAILED = "callback_failed"
    #: Time has passed: the rule's ``period`` says for whom and how often.
    PERIOD = "period"
    #: Somebody compiled a batch of customers to be called.
    BATCH = "batch"


class AppliesTo(StrEnum):
    """Which cases are called back."""

    ANY = "any"
    VALID = "valid"


class Effect(StrEnum):
    """What an outcome of a callback does to the matter it is about."""

    CLOSE = "close"
    REOPEN = "reopen"
    RETRY = "retry"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One permitted result of a callback: code, Chinese name and effect."""

    code: str
    name: str
    effect: Effect
    source: str


@dataclass(frozen=True, slots=True)
class Attempts:
    """How many calls that reach nobody are enough, and how long to wait between two.

    After the last one the callback goes on by the channel ``then``, once; without it, it is given up.
    """

    most: int
    source: str
    spacing: Sourced[Duration] | None = None
    then: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """Every ``days`` or ``months``, one of the two, for the first ``upto`` months; None means for ever."""

    days: int | None = None
    months: int | None = None
    upto: int | None = None


@dataclass(frozen=True, slots=True)
class Period:
    """Whom to call periodically: customers chosen by ``where``, counted from their day ``anchor``.

    Without an anchor it is every month from its first day, and the callback is due by the month's end. With
    ``once`` only the first of the days counts, until the anchor is another day.
    """

    source: str
    where: Mapping[str, str]
    anchor: str | None = None
    once: bool = False


@dataclass(frozen=True, slots=True)
class CallbackRule:
    """A callback to be made: after which event, on which cases, until when, with which outcomes.

    ``due`` is ``None`` when neither the handbook nor the organisation gives a time; the callback is then
    made without a deadline. ``share`` is the percentage of the matters that must be called back.
    ``never_by_handler`` forbids the callback to whoever handled the matter.
    ``kinds`` narrow the trigger; ``once`` and ``until`` are occasions of the same reference that must have come
    before, or must not. ``by_agent`` names the trait of a customer that holds who alone may call; ``hand_over``
    the role it goes to when its time has passed. ``every`` is how often a ``period`` with an anchor comes round;
    without it nothing is made.
    """

    code: str
    trigger: Sourced[Trigger]
    applies_to: Sourced[AppliesTo]
    outcomes: tuple[Outcome, ...]
    due: Sourced[Duration] | None = None
    share: Sourced[Decimal] | None = None
    never_by_handler: Sourced[bool] | None = None
    kinds: tuple[str, ...] = ()
    once: str | None = None
    until: str | None = None
    level: int = 1
    attempts: Attempts | None = None
    by_agent: Sourced[str] | None = None
    hand_over: Sourced[str] | None = None
    period: Period | None = None
    every: Sourced[tuple[Step, ...]] | None = None

    def fits(self, *codes: str | None) -> bool:
        """Return whether its kinds, if it has any, hold one of ``codes``."""
        return not self.kinds or any(code in self.kinds for code in codes)

    def outcome(self, code: str) -> Outcome | None:
        """Return the outcome called ``code``, or ``None`` when the rulebook does not permit it."""
        return next((outcome for outcome in self.outcomes if outcome.code == code), None)


@dataclass(frozen=True, slots=True)
class Element:
    """Something a message must contain: variables it must fill in, or words it must say."""

    code: str
    variables: tuple[str, ...]
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MessageTemplate:
    """A message's text with ``{variables}`` and the elements its rule demands; all are in the text."""

    code: str
    text: str
    required: tuple[Element, ...]
    source: str

    def missing(self, values: Mapping[str, str]) -> tuple[str, ...]:
        """Return the required variables that ``values`` leave out or blank, in the order demanded."""
        wanted = (variable for element in self.required for variable in element.variables)
        return tuple(variable for variable in wanted if not values.get(variable, "").strip())

    def render(self, values: Mapping[str, str]) -> str:
        """Return the text with ``values`` filled in, taken literally; KeyError for a variable not given."""
        return self.text.format_map(values)


@dataclass(frozen=True, slots=True)
class ReceiptRule:
    """A complaint that came in through one of ``channels`` is answered at once with the template ``message``."""

    channels: tuple[str, ...]
    message: str
    source: str


@dataclass(frozen=True, slots=True)
class QuietHours:
    """A stretch of the local day in which nobody is called; it may run over midnight."""

    begins: time
    ends: time
    source: str

    def covers(self, local: time) -> bool:
        """Tell whether the local time of day falls into the stretch; the end is outside."""
        if self.begins <= self.ends:
            return self.begins <= local < self.ends
        return local >= self.begins or local < self.ends


@dataclass(frozen=True, slots=True)
class FollowupRules:
    """The followup part of one version of an organisation's rulebook."""

    callbacks: tuple[CallbackRule, ...]
    messages: tuple[MessageTemplate, ...]
    quiet_hours: tuple[QuietHours, ...]
    receipt: ReceiptRule | None = None
    registers: tuple[Register, ...] = ()
    callback_records: tuple[RecordForm, ...] = ()
    remedies: tuple[Remedy, ...] = ()
    scripts: tuple[Script, ...] = ()
    festivals: tuple[Festival, ...] = ()
    batches: tuple[BatchRule, ...] = ()
    #: By what customers may be called back, where the organisation says so.
    callback_channels: Sourced[tuple[str, ...]] | None = None
    contact_quotas: tuple[Quota, ...] = ()
    surveys: tuple[SurveyKind, ...] = ()
    quality: QualityRules = field(default_factory=QualityRules)
    care: CareRules = field(default_factory=CareRules)

    def quiet_until(self, local: datetime) -> datetime | None:
        """Return when the stretch ends in which nobody is disturbed at ``local``; None when there is none."""
        until = local
        # Stretches may follow one upon another; a round without an end means that all day is quiet.
        for _ in self.quiet_hours:
            for stretch in self.quiet_hours:
                if stretch.covers(until.time()):
                    day = until.date() + timedelta(days=stretch.ends <= until.time())
                    until = datetime.combine(day, stretch.ends, local.tzinfo)
        return None if until == local else until

    def callbacks_after(self, trigger: Trigger, *, valid: bool) -> tuple[CallbackRule, ...]:
        """Return the callbacks to be made after ``trigger`` on a matter found valid or not."""
        return tuple(
            rule
            for rule in self.callbacks
            if rule.trigger.value is trigger and (valid or rule.applies_to.value is AppliesTo.ANY)
        )

    def callback(self, code: str) -> CallbackRule | None:
        """Return the callback called ``code``, or ``None`` when the rulebook does not arm it."""
        return next((rule for rule in self.callbacks if rule.code == code), None)

    def register(self, code: str) -> Register | None:
        """Return the register called ``code``, or ``None`` when the rulebook has none."""
        return next((register for register in self.registers if register.code == code), None)

    def record_form(self, rule: str) -> RecordForm | None:
        """Return the form for callbacks of ``rule``, or ``None`` when the rulebook has none."""
        return next((form for form in self.callback_records if form.code == rule), None)

    def script(self, code: str) -> Script | None:
        """Return the script called ``code``, or ``None`` when the rulebook has none."""
        return next((script for script in self.scripts if script.code == code), None)

    def batch(self, code: str) -> BatchRule | None:
        """Return the kind of batch called ``code``, or ``None`` when the rulebook has none."""
        return next((rule for rule in self.batches if rule.code == code), None)

    def survey(self, code: str) -> SurveyKind | None:
        """Return the kind of survey called ``code``, or ``None`` when the rulebook has none."""
        return next((kind for kind in self.surveys if kind.code == code), None)

    def message(self, code: str) -> MessageTemplate | None:
        """Return the template called ``code``, or ``None`` when the rulebook has none."""
        return next((template for template in self.messages if template.code == code), None)
