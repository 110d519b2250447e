"""Reading the followup part of the rulebooks: the shape of its files and what must hold between values."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import time
from pathlib import Path
from string import Formatter
from typing import Any

import marshmallow
from marshmallow import validates_schema

from services.followup.domain.rulebook import (
    AppliesTo,
    Attempts,
    CallbackRule,
    Effect,
    Element,
    FollowupRules,
    MessageTemplate,
    Outcome,
    Period,
    QuietHours,
    ReceiptRule,
    Step,
    Trigger,
)
from services.followup.rulebook_care import CareRow, care_problems, care_roles
from services.followup.rulebook_contacts import quotas_field, quotas_problems
from services.followup.rulebook_quality import quality_field, quality_roles
from services.followup.rulebook_surveys import survey_problems, survey_roles, surveys_field
from services.followup.rulebook_talks import (
    BatchRow,
    FestivalRow,
    RecordFormRow,
    RemedyRow,
    ScriptRow,
    talk_problems,
)
from services.handbooks import why_not_citable
from services.names import SERVICES
from shared.registers.rows import register_roles, registers_field, registers_problems
from shared.regulations import Rulebooks
from shared.regulations.fields import (
    REQUIRED,
    Exact,
    Flag,
    Many,
    OneOf,
    Row,
    Table,
    Text,
    Value,
    Whole,
    nested,
    source,
    sourced,
    sourced_duration,
)
from shared.regulations.loading import Loaded, read_all
from shared.regulations.values import Sourced

PROFILES = Path(__file__).parent / "regulations"


class _TimeOfDay(Value[time]):
    """A local time of day in quotes, such as ``"21:00"``."""

    def read(self, value: object) -> time:
        """Return the time; unquoted ones are refused, since YAML would turn them into numbers."""
        try:
            if isinstance(value, str):
                return time.fromisoformat(value)
        except ValueError:
            pass
        raise marshmallow.ValidationError(f'must be a time of day in quotes such as "21:00": {value!r}')


class _Codes(Value[dict[str, str]]):
    """Codes by code."""

    def read(self, value: object) -> dict[str, str]:
        """Return them; anything but text is refused."""
        if not isinstance(value, dict) or not all(isinstance(t, str) for pair in value.items() for t in pair):
            raise marshmallow.ValidationError(f"must give codes by code: {value!r}")
        return dict(value)


class _OutcomeRow(Row):
    builds = Outcome
    code = Text(**REQUIRED)
    name = Text(**REQUIRED)
    effect = OneOf(Effect, **REQUIRED)
    source = source()


class _AttemptsRow(Row):
    builds = Attempts
    most = Whole(least=1, **REQUIRED)
    spacing = sourced_duration(load_default=None, allow_none=True)
    then = Text(load_default=None, allow_none=True)
    source = source()


class _StepRow(Row):
    builds = Step
    days = Whole(least=1, load_default=None, allow_none=True)
    months = Whole(least=1, load_default=None, allow_none=True)
    upto = Whole(least=1, load_default=None, allow_none=True)

    @validates_schema
    def _counts_in_one_unit(self, data: dict[str, Any], **_: object) -> None:
        if (data["days"] is None) == (data["months"] is None):
            raise marshmallow.ValidationError("must give days or months, one of the two", "days")


class _PeriodRow(Row):
    builds = Period
    where = _Codes(load_default=dict)
    anchor = Text(load_default=None, allow_none=True)
    once = Flag(load_default=False)
    source = source()


class _CallbackRow(Row):
    builds = CallbackRule
    code = Text(**REQUIRED)
    trigger = sourced(OneOf(Trigger), **REQUIRED)
    applies_to = sourced(OneOf(AppliesTo), load_default=Sourced(AppliesTo.ANY, "design"))
    outcomes = Many(nested(_OutcomeRow()), **REQUIRED)
    due = sourced_duration()
    share = sourced(Exact())
    never_by_handler = sourced(Flag())
    kinds = Many(Text(), load_default=())
    once = Text(load_default=None, allow_none=True)
    until = Text(load_default=None, allow_none=True)
    level = Whole(least=1, load_default=1)
    attempts = nested(_AttemptsRow(), load_default=None, allow_none=True)
    by_agent = sourced(Text())
    hand_over = sourced(Text())
    period = nested(_PeriodRow(), load_default=None, allow_none=True)
    every = sourced(Many(nested(_StepRow()), least=1))

    @validates_schema
    def _is_triggered(self, data: dict[str, Any], **_: object) -> None:
        if (data["trigger"].value is Trigger.PERIOD) != (data["period"] is not None):
            raise marshmallow.ValidationError("goes with the trigger period, and only with it", "period")
        if data["trigger"].value in (Trigger.OCCASION, Trigger.CALLBACK_FAILED) and not data["kinds"]:
            raise marshmallow.ValidationError("must name at least one", "kinds")

    @validates_schema
    def _can_come_to_an_end(self, data: dict[str, Any], **_: object) -> None:
        if not any(outcome.effect is Effect.CLOSE for outcome in data["outcomes"]):
            raise marshmallow.ValidationError(f"none of them has the effect {Effect.CLOSE.value}", "outcomes")


class _ElementRow(Row):
    builds = Element
    code = Text(**REQUIRED)
    variables = Many(Text(), load_default=())
    words = Many(Text(), load_default=())


class _MessageRow(Row):
    builds = MessageTemplate
    code = Text(**REQUIRED)
    text = Text(**REQUIRED)
    required = Many(nested(_ElementRow()), load_default=())
    source = source()

    @validates_schema
    def _says_what_is_demanded(self, data: dict[str, Any], **_: object) -> None:
        try:
            parts = list(Formatter().parse(data["text"]))
        except ValueError as error:
            raise marshmallow.ValidationError(str(error), "text") from None
        variables = {name for _, name, _, _ in parts if name is not None}
        odd = sorted(name for name in variables if not name.isidentifier())
        if odd or any(form or conversion for _, _, form, conversion in parts):
            raise marshmallow.ValidationError("holds something else than plain {variables}", "text")
        problems = {}
        for number, element in enumerate(data["required"]):
            lacking = [f"{{{name}}}" for name in element.variables if name not in variables]
            lacking += [f"the words {words}" for words in element.words if words not in data["text"]]
            if lacking or not (element.variables or element.words):
                problems[number] = [
                    f"{element.code}: the text lacks {', '.join(lacking) or 'any sign of it'}"
                ]
        if problems:
            raise marshmallow.ValidationError({"required": problems})


class _QuietHoursRow(Row):
    builds = QuietHours
    begins = _TimeOfDay(**REQUIRED)
    ends = _TimeOfDay(**REQUIRED)
    source = source()


class _ReceiptRow(Row):
    builds = ReceiptRule
    channels = Many(Text(), **REQUIRED)
    message = Text(**REQUIRED)
    source = source()


class FollowupRulesSchema(Row):
    """The sections of a followup rulebook."""

    builds = FollowupRules
    callbacks = Table(_CallbackRow(), load_default=())
    messages = Table(_MessageRow(), load_default=())
    quiet_hours = Many(nested(_QuietHoursRow()), load_default=())
    receipt = nested(_ReceiptRow(), load_default=None, allow_none=True)
    registers = registers_field()
    callback_records = Table(RecordFormRow(), load_default=())
    remedies = Table(RemedyRow(), load_default=())
    scripts = Table(ScriptRow(), load_default=())
    festivals = Table(FestivalRow(), load_default=())
    batches = Table(BatchRow(), load_default=())
    callback_channels = sourced(Many(Text(), least=1))

    @validates_schema
    def _leaves_time_to_call(self, data: dict[str, Any], **_: object) -> None:
        minutes = (time(minute // 60, minute % 60) for minute in range(24 * 60))
        hours = data["quiet_hours"]
        if hours and all(any(stretch.covers(minute) for stretch in hours) for minute in minutes):
            raise marshmallow.ValidationError("leave no minute of the day to call in", "quiet_hours")

    @validates_schema
    def _failed_callbacks_exist(self, data: dict[str, Any], **_: object) -> None:
        known = {rule.code for rule in data["callbacks"]}
        for rule in data["callbacks"]:
            odd = sorted(set(rule.kinds) - known) if rule.trigger.value is Trigger.CALLBACK_FAILED else []
            if odd:
                problem = f"are no callbacks of this rulebook: {', '.join(odd)}"
                raise marshmallow.ValidationError({"callbacks": {rule.code: {"kinds": [problem]}}})

    contact_quotas = quotas_field()
    surveys = surveys_field()
    quality = quality_field()
    care = nested(CareRow())

    @validates_schema
    def _care_has_what_it_names(self, data: dict[str, Any], **_: object) -> None:
        templates = [template.code for template in data["messages"]]
        registers = [register.code for register in data["registers"]]
        problems = care_problems(data["care"], templates, registers) if "care" in data else {}
        if problems:
            raise marshmallow.ValidationError({"care": {"kinds": problems}})

    @validates_schema
    def _registers_fit(self, data: dict[str, Any], **_: object) -> None:
        problems = registers_problems(data["registers"])
        if problems:
            raise marshmallow.ValidationError({"registers": problems})

    @validates_schema
    def _talks_fit(self, data: dict[str, Any], **_: object) -> None:
        problems = talk_problems(data)
        if problems:
            raise marshmallow.ValidationError(problems)

    @validates_schema
    def _contact_quotas_fit(self, data: dict[str, Any], **_: object) -> None:
        problems = quotas_problems(data["contact_quotas"], data["registers"])
        if problems:
            raise marshmallow.ValidationError({"contact_quotas": problems})

    @validates_schema
    def _surveys_fit(self, data: dict[str, Any], **_: object) -> None:
        problems = survey_problems(data["surveys"], tuple(each.code for each in data.get("messages", ())))
        if problems:
            raise marshmallow.ValidationError({"surveys": problems})

    @validates_schema
    def _has_what_receipts_say(self, data: dict[str, Any], **_: object) -> None:
        receipt = data.get("receipt")
        codes = [template.code for template in data.get("messages", ())]
        if receipt is not None and receipt.message not in codes:
            known = ", ".join(codes) or "none"
            raise marshmallow.ValidationError({"receipt": {"message": [f"is no template: there is {known}"]}})


def _roles(rules: FollowupRules) -> Iterator[tuple[str, str]]:
    """Yield every role the rulebook names, with its path."""
    yield from register_roles(rules.registers)
    for rule in rules.callbacks:
        if rule.hand_over is not None:
            yield f"callbacks.{rule.code}.hand_over", rule.hand_over.value
    yield from survey_roles(rules.surveys)
    yield from quality_roles(rules.quality)
    yield from care_roles(rules.care)


def _read(sections: Any) -> FollowupRules:
    rules: FollowupRules = FollowupRulesSchema().load(sections)
    return rules


def read_rulebooks(
    organisations: Path, profiles: Path = PROFILES, *, unfollowed: bool = True
) -> Loaded[FollowupRules]:
    """Return the followup rulebooks of all ``organisations`` and of all profiles, with every fault of their files.

    Without ``unfollowed`` only the profiles that an organisation follows are gone through.
    """
    return read_all(
        profiles,
        organisations,
        _read,
        "followup",
        SERVICES,
        roles=_roles,
        refuse_source=why_not_citable,
        unfollowed=unfollowed,
    )


def load_rulebooks(organisations: Path, profiles: Path = PROFILES) -> Rulebooks[FollowupRules]:
    """Return the followup rulebooks of all ``organisations``; RegulationError names every bad file."""
    return read_rulebooks(organisations, profiles, unfollowed=False).sound()
