"""Reading how complaints are received out of the complaints rulebooks: the shape of the key ``receiving``."""

from __future__ import annotations

from collections.abc import Iterator
from string import Formatter
from typing import Any

import marshmallow
from marshmallow import fields, validates_schema

from services.complaints.domain.receiving.rules import (
    CardField,
    CardRule,
    CardValue,
    Grants,
    LateEntryRule,
    OpinionRule,
    OverdueRule,
    ReceivingRules,
    RefusalRule,
    SourceRule,
)
from services.complaints.domain.rulebook import ClockEnd, Grant
from shared.regulations.fields import (
    REQUIRED,
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


class _GrantRow(Row):
    builds = Grant
    role = Text(**REQUIRED)
    channels = Many(Text(), least=1, load_default=())
    source = Text()


def _grants() -> fields.Field[Any]:
    return Many(nested(_GrantRow()), least=1, **REQUIRED)


class _GrantsRow(Row):
    builds = Grants
    grants = _grants()
    source = source()


class _OpinionRow(Row):
    builds = OpinionRule
    grants = _grants()
    required = Flag(load_default=True)
    source = source()


class _SourceRow(Row):
    builds = SourceRule
    code = Text()
    name = Text(**REQUIRED)
    channels = Many(Text(), least=1, load_default=())
    owners = Many(Text(), least=1, load_default=())
    department = Text()
    by_audit = Flag(load_default=False)
    priority = Whole(least=1)
    source = source()


class _Template(Value[str]):
    """Text with places such as ``{reason}``, each a plain name."""

    def read(self, value: object) -> str:
        """Read one value."""
        text = Text().read(value)
        try:
            names = [name for _, name, _, _ in Formatter().parse(text) if name is not None]
        except ValueError as error:
            raise marshmallow.ValidationError(f"is no text with places: {error}") from None
        odd = [name for name in names if not name.isidentifier()]
        if odd:
            raise marshmallow.ValidationError(f"has a place without a plain name: {{{odd[0]}}}")
        return text


class _RefusalRow(Row):
    builds = RefusalRule
    text = _Template(**REQUIRED)
    binding = Flag(load_default=False)
    source = source()


class _LateEntryRow(Row):
    builds = LateEntryRule
    by = nested(_GrantsRow(), **REQUIRED)
    within = sourced_duration(load_default=None)


class _OverdueRow(Row):
    builds = OverdueRule
    code = Text()
    name = Text(**REQUIRED)
    ends = Many(OneOf(ClockEnd), least=1, **REQUIRED)
    by_audit = Flag(load_default=False)
    source = source()


class _CardFieldRow(Row):
    builds = CardField
    code = Text()
    name = Text(**REQUIRED)
    required = Flag(load_default=True)
    value = OneOf(CardValue)
    source = Text()


class _CardRow(Row):
    builds = CardRule
    name = Text(**REQUIRED)
    grants = _grants()
    form = Table(_CardFieldRow(), **REQUIRED)
    approvals = nested(_GrantsRow())
    before_closing = sourced(Flag())
    source = source()


class _ReceivingRow(Row):
    builds = ReceivingRules
    sources = Table(_SourceRow(), load_default=())
    clarify = nested(_GrantsRow())
    opinion = nested(_OpinionRow())
    impartial = sourced(Flag())
    refusal = nested(_RefusalRow())
    late_entry = nested(_LateEntryRow())
    overdue = Table(_OverdueRow(), load_default=())
    record_card = nested(_CardRow())

    @validates_schema
    def _a_channel_is_of_one_source(self, data: dict[str, Any], **_: object) -> None:
        seen: dict[str, str] = {}
        problems: dict[str, Any] = {}
        for rule in data["sources"]:
            for channel in rule.channels:
                other = seen.setdefault(channel, rule.code)
                if other != rule.code:
                    problems[rule.code] = {"channels": [f"{channel!r} is of the source {other} already"]}
        if problems:
            raise marshmallow.ValidationError({"sources": problems})


def receiving_field() -> fields.Field[Any]:
    """Return the field for the key ``receiving``."""
    return nested(_ReceivingRow())


def receiving_roles(rules: ReceivingRules | None) -> Iterator[tuple[str, str]]:
    """Yield every role the key names, with its place."""
    if rules is None:
        return
    for origin in rules.sources:
        for number, owner in enumerate(origin.owners):
            yield f"receiving.sources.{origin.code}.owners.{number}", owner
    for place, grants in _granted(rules):
        for number, grant in enumerate(grants):
            yield f"receiving.{place}.{number}.role", grant.role


def _granted(rules: ReceivingRules) -> Iterator[tuple[str, tuple[Grant, ...]]]:
    if rules.clarify is not None:
        yield "clarify.grants", rules.clarify.grants
    if rules.opinion is not None:
        yield "opinion.grants", rules.opinion.grants
    if rules.late_entry is not None:
        yield "late_entry.by.grants", rules.late_entry.by.grants
    if rules.record_card is not None:
        yield "record_card.grants", rules.record_card.grants
        if rules.record_card.approvals is not None:
            yield "record_card.approvals.grants", rules.record_card.approvals.grants


def receiving_problems(data: dict[str, Any]) -> dict[str, Any]:
    """Return which clocks name a source that the rulebook does not have, by clock."""
    receiving: ReceivingRules | None = data.get("receiving")
    known = {rule.code for rule in receiving.sources} if receiving is not None else set()
    return {
        clock.name: {
            "sources": [f"there is no source {code!r}" for code in sorted(set(clock.sources) - known)]
        }
        for clock in data["clocks"]
        if set(clock.sources) - known
    }
