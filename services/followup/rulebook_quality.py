"""Reading the quality section of the rulebooks, and what must hold between its parts."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import marshmallow
from marshmallow import fields, validates_schema

from services.followup.domain.quality.rules import (
    Approval,
    Card,
    CardItem,
    Marking,
    Period,
    Phrase,
    QualityRules,
    SampleRule,
    Scan,
    Weight,
)
from shared.registers.rows import ConfidentialRow
from shared.registers.rows_values import Codes, Number
from shared.regulations.fields import (
    REQUIRED,
    Exact,
    Flag,
    Many,
    OneOf,
    Row,
    Table,
    Text,
    Whole,
    nested,
    source,
    sourced,
)

_ALL = 100


class _PhraseRow(Row):
    builds = Phrase
    code = Text(**REQUIRED)
    name = Text(**REQUIRED)
    scan = OneOf(Scan, **REQUIRED)
    groups = Many(Many(Text(), least=1), least=1, **REQUIRED)
    until = Codes(load_default=())
    when = Codes(load_default=())
    alert = Flag(load_default=False)
    source = source()

    @validates_schema
    def _says_before_what(self, data: dict[str, Any], **_: object) -> None:
        if (data["scan"] is Scan.BEFORE) != bool(data["until"]):
            raise marshmallow.ValidationError("goes with before, and before with it", "until")


class _ItemRow(Row):
    builds = CardItem
    code = Text(**REQUIRED)
    name = Text(**REQUIRED)
    marking = OneOf(Marking, **REQUIRED)
    most = Exact(load_default=Decimal(1))
    weight = Exact(load_default=Decimal(1))
    fatal = Flag(load_default=False)
    optional = Flag(load_default=False)
    phrase = Text(load_default=None)
    source = source()

    @validates_schema
    def _is_whole(self, data: dict[str, Any], **_: object) -> None:
        if (data["marking"] is Marking.PHRASE) != (data["phrase"] is not None):
            raise marshmallow.ValidationError("goes with marking: phrase, and that with it", "phrase")
        if data["weight"] == 0 or (data["marking"] is Marking.MARK and data["most"] == 0):
            raise marshmallow.ValidationError("brings nothing: must be more than 0", "weight")


class _CardRow(Row):
    builds = Card
    code = Text(**REQUIRED)
    name = Text(**REQUIRED)
    items = Table(_ItemRow(), **REQUIRED)
    pass_at = sourced(Exact(), load_default=None)
    source = source()


class _WeightRow(Row):
    builds = Weight
    code = Text(**REQUIRED)
    attribute = Text(**REQUIRED)
    weight = Whole(least=2, most=10, **REQUIRED)
    values = Codes(load_default=())
    at_most = Number(load_default=None)
    source = source()

    @validates_schema
    def _says_which(self, data: dict[str, Any], **_: object) -> None:
        if bool(data["values"]) == (data["at_most"] is not None):
            raise marshmallow.ValidationError("names values, or at_most does", "values")


class _ApprovalRow(Row):
    builds = Approval
    roles = Codes(**REQUIRED)
    by_day = Whole(least=1, most=28, load_default=None)
    source = source()


class _SampleRow(Row):
    builds = SampleRule
    code = Text(**REQUIRED)
    name = Text(**REQUIRED)
    item = Text(**REQUIRED)
    roles = sourced(Codes(), load_default=None)
    card = sourced(Text(), load_default=None)
    percent = sourced(Exact(), load_default=None)
    least = sourced(Whole(least=1), load_default=None)
    size = sourced(Whole(least=1), load_default=None)
    strata = sourced(Codes(), load_default=None)
    weights = Table(_WeightRow(), load_default=())
    period = OneOf(Period, load_default=None)
    once = Flag(load_default=False)
    people = Flag(load_default=False)
    summary = sourced(Flag(), load_default=None)
    blind = Flag(load_default=False)
    target = sourced(Exact(), load_default=None)
    approval = nested(_ApprovalRow(), load_default=None)
    confidential = nested(ConfidentialRow(), load_default=None)
    source = source()

    @validates_schema
    def _fits_itself(self, data: dict[str, Any], **_: object) -> None:
        if data["percent"] is not None and data["percent"].value > _ALL:
            raise marshmallow.ValidationError("is more than all", "percent")
        approval = data["approval"]
        if approval is not None and approval.by_day is not None and data["period"] is None:
            raise marshmallow.ValidationError(
                "goes with a period: it is a day of the month after", "approval"
            )


class QualityRow(Row):
    """The section ``quality``; every key may be left out."""

    builds = QualityRules
    samples = Table(_SampleRow(), load_default=())
    cards = Table(_CardRow(), load_default=())
    phrases = Table(_PhraseRow(), load_default=())
    not_own = sourced(Flag(), load_default=None)

    @validates_schema
    def _names_what_there_is(self, data: dict[str, Any], **_: object) -> None:
        cards, phrases = ({row.code for row in data[key]} for key in ("cards", "phrases"))
        problems: dict[str, Any] = {}
        for rule in data["samples"]:
            if rule.card is not None and rule.card.value not in cards:
                problems.setdefault("samples", {})[rule.code] = {"card": ["there is no such card"]}
        for card in data["cards"]:
            for item in card.items:
                if item.phrase is not None and item.phrase not in phrases:
                    fault = {item.code: {"phrase": ["there is no such phrase"]}}
                    problems.setdefault("cards", {}).setdefault(card.code, {"items": {}})["items"] |= fault
        if problems:
            raise marshmallow.ValidationError(problems)


def quality_field() -> fields.Field[Any]:
    """Return the field for the section ``quality``."""
    return nested(QualityRow(), load_default=QualityRules())


def quality_roles(rules: QualityRules) -> Iterator[tuple[str, str]]:
    """Yield every role the section names, with its path."""
    for rule in rules.samples:
        head = f"quality.samples.{rule.code}"
        named = {
            "roles": () if rule.roles is None else rule.roles.value,
            "approval.roles": () if rule.approval is None else rule.approval.roles,
            "confidential.roles": () if rule.confidential is None else rule.confidential.roles,
        }
        for place, roles in named.items():
            for role in roles:
                yield f"{head}.{place}", role
