"""Reading what a rulebook says about dossiers: the shape of its sections and what must hold between values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import marshmallow
from marshmallow import validates_schema

from services.intake.domain.dossiers.rules import (
    COMPLETE,
    LOAN,
    OPENED,
    RECEIVED,
    Batch,
    Care,
    Closing,
    Completion,
    DossierRule,
    DossierSettings,
    Fact,
    Form,
    Gate,
    Holder,
    Item,
    Limit,
    Make,
    Mark,
    Needs,
    Receipts,
    Review,
    Roles,
    Stage,
    Wanted,
    Way,
    Weekday,
    When,
)
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
from shared.regulations.values import Sourced


class _When(Value[When]):
    """A mapping of facts to the values for which something applies."""

    def read(self, value: object) -> When:
        """Read one value."""
        if not isinstance(value, Mapping):
            raise marshmallow.ValidationError("must be a mapping of facts to lists of values")
        listed = Many(Text(), least=1)
        return tuple(Wanted(Text().read(code), listed.read(values)) for code, values in value.items())


class _RolesRow(Row):
    builds = Sourced
    value = Many(Text(), least=1, data_key="roles", **REQUIRED)
    source = source()


class _FactRow(Row):
    builds = Fact
    code = Text(**REQUIRED)
    name = Text(**REQUIRED)
    values = Many(Text())
    amount = Flag()
    required = Flag()


class _FormRow(Row):
    builds = Form
    code = Text(**REQUIRED)
    name = Text(**REQUIRED)
    when = _When()
    source = source()


class _NeedsRow(Row):
    builds = Needs
    any = Whole(least=0)
    original = Whole(least=0)
    copy = Whole(least=0)


class _HolderRow(Row):
    builds = Holder
    holder = Text(**REQUIRED)
    when = _When()
    source = source()


class _ItemRow(Row):
    builds = Item
    code = Text(**REQUIRED)
    name = Text(**REQUIRED)
    group = Text()
    way = OneOf(Way)
    required = Flag()
    when = _When()
    forms = Table(_FormRow())
    needs = nested(_NeedsRow())
    holders = Many(nested(_HolderRow()))
    numbered = Flag()
    source = source()


class _GateRow(Row):
    builds = Gate
    facts = Many(Text())
    items = Many(Text())
    complete = Flag()
    marks = Many(Text())
    source = source()


class _BatchRow(Row):
    builds = Batch
    weekdays = Many(OneOf(Weekday), least=1, **REQUIRED)
    keeps_copy = Flag()
    source = source()


class _ClosingRow(Row):
    builds = Closing
    request = Text(**REQUIRED)
    when = _When()
    source = source()


class _StageRow(Row):
    builds = Stage
    code = Text(**REQUIRED)
    name = Text(**REQUIRED)
    items = Many(Text())
    makes = Many(OneOf(Make))
    when = _When()
    after = Text()
    within = sourced_duration()
    same_day = sourced(Flag())
    batch = nested(_BatchRow())
    grants = nested(_RolesRow())
    to = Text()
    distributes = Flag()
    returns = Flag()
    signed = sourced(Flag())
    files = Flag()
    gates = Many(nested(_GateRow()))
    closes = Many(nested(_ClosingRow()))
    source = source()

    @validates_schema
    def _one_of_each(self, data: dict[str, Any], **_: object) -> None:
        if sum(name in data for name in ("within", "same_day", "batch")) > 1:
            raise marshmallow.ValidationError("has more than one of within, same_day and batch")
        if sum(bool(data.get(name)) for name in ("to", "distributes", "returns")) > 1:
            raise marshmallow.ValidationError("has more than one of to, distributes and returns")


class _MarkRow(Row):
    builds = Mark
    code = Text(**REQUIRED)
    name = Text(**REQUIRED)
    grants = nested(_RolesRow())
    tracked = Flag()
    picks = Text()
    gates = Many(nested(_GateRow()))
    reviewers = nested(_RolesRow())
    source = source()


class _CompletionRow(Row):
    builds = Completion
    since = Text(**REQUIRED)
    within = sourced_duration(**REQUIRED)
    bound = Many(Text())
    excuse = nested(_RolesRow())


class _CareRow(Row):
    builds = Care
    role = Text(**REQUIRED)
    source = source()


class _ReceiptsRow(Row):
    builds = Receipts
    passed_to = Text(**REQUIRED)
    source = source()


class DossierRow(Row):
    """One kind of dossier."""

    code = Text(**REQUIRED)
    name = Text(**REQUIRED)
    abouts = Many(Text(), least=1, **REQUIRED)
    groups = Many(Text())
    facts = Table(_FactRow())
    items = Table(_ItemRow(), **REQUIRED)
    stages = Table(_StageRow())
    marks = Table(_MarkRow())
    completion = nested(_CompletionRow())
    hands_in = nested(_RolesRow())
    keeper = nested(_CareRow())
    responsible = nested(_CareRow())
    confidential = nested(_RolesRow())
    lending = nested(_RolesRow())
    retention = nested(_RolesRow())
    receipts = nested(_ReceiptsRow())
    source = source()

    @staticmethod
    def builds(**data: Any) -> DossierRule:
        """Build the kind and check that all its names lead somewhere."""
        rule = DossierRule(**data)
        faults = [f"{place} names {code!r}, which is not there" for place, code in _dangling(rule)]
        names = [*(stage.code for stage in rule.stages), *(mark.code for mark in rule.marks)]
        reserved = {COMPLETE, LOAN, RECEIVED, OPENED}
        faults += [
            f"{name!r} is used twice or reserved"
            for name in sorted(set(names))
            if names.count(name) > 1 or name in reserved
        ]
        if faults:
            raise marshmallow.ValidationError(faults)
        return rule


class _LimitRow(Row):
    builds = Limit
    code = Text(**REQUIRED)
    within = sourced_duration(**REQUIRED)


class _ReviewRow(Row):
    builds = Review
    code = Text(**REQUIRED)
    reviewers = nested(_RolesRow(), **REQUIRED)


class DossierSettingsRow(Row):
    """What an organisation decides about one kind of dossier."""

    builds = DossierSettings
    code = Text(**REQUIRED)
    limits = Table(_LimitRow())
    reviews = Table(_ReviewRow())


def _dangling(rule: DossierRule) -> Iterator[tuple[str, str]]:
    """Yield every name in ``rule`` that nothing in it is called by, and where it stands."""
    for place, when in _conditions(rule):
        for wanted in when:
            fact = rule.fact(wanted.code)
            if fact is None:
                yield f"{place}.when", wanted.code
            elif not set(wanted.values) <= set(fact.values):
                yield f"{place}.when.{wanted.code}", ", ".join(wanted.values)
    items = {item.code for item in rule.items}
    marks = {mark.code for mark in rule.marks}
    stages = {stage.code for stage in rule.stages}
    facts = {fact.code for fact in rule.facts}
    named: tuple[tuple[str, tuple[str | None, ...], set[str] | set[str | None]], ...] = (
        *((f"items.{item.code}.group", (item.group,), {None, *rule.groups}) for item in rule.items),
        *((f"stages.{stage.code}.items", stage.items, items) for stage in rule.stages),
        *((f"stages.{stage.code}.after", (stage.after,), {RECEIVED, *stages}) for stage in rule.stages),
        *((f"marks.{mark.code}.picks", (mark.picks,), {None, *items}) for mark in rule.marks),
        *((f"{place}.items", gate.items, items) for place, gate in _gates(rule)),
        *((f"{place}.marks", gate.marks, marks) for place, gate in _gates(rule)),
        *((f"{place}.facts", gate.facts, facts) for place, gate in _gates(rule)),
    )
    for place, names, known in named:
        yield from ((place, str(name)) for name in names if name not in known)
    if rule.completion is not None and rule.completion.since not in marks | {OPENED}:
        yield "completion.since", rule.completion.since


def _gates(rule: DossierRule) -> Iterator[tuple[str, Gate]]:
    yield from ((f"stages.{stage.code}.gates", gate) for stage in rule.stages for gate in stage.gates)
    yield from ((f"marks.{mark.code}.gates", gate) for mark in rule.marks for gate in mark.gates)


def _conditions(rule: DossierRule) -> Iterator[tuple[str, When]]:
    for item in rule.items:
        yield f"items.{item.code}", item.when
        yield from ((f"items.{item.code}.forms.{form.code}", form.when) for form in item.forms)
        yield from ((f"items.{item.code}.holders", holder.when) for holder in item.holders)
    for stage in rule.stages:
        yield f"stages.{stage.code}", stage.when
        yield from ((f"stages.{stage.code}.closes", closing.when) for closing in stage.closes)


def dossier_roles(
    rules: tuple[DossierRule, ...], settings: tuple[DossierSettings, ...]
) -> Iterator[tuple[str, str]]:
    """Yield every role that the rules of dossiers give something to, with its path: nobody else may do it."""
    for rule in rules:
        place = f"dossiers.{rule.code}"
        for name in ("hands_in", "confidential", "lending", "retention"):
            yield from _each(f"{place}.{name}", getattr(rule, name))
        for care in (rule.keeper, rule.responsible):
            if care is not None:
                yield place, care.role
        if rule.completion is not None:
            yield from ((f"{place}.completion.bound", role) for role in rule.completion.bound)
            yield from _each(f"{place}.completion.excuse", rule.completion.excuse)
        for stage in rule.stages:
            yield from _each(f"{place}.stages.{stage.code}.grants", stage.grants)
        for mark in rule.marks:
            yield from _each(f"{place}.marks.{mark.code}.grants", mark.grants)
    for own in settings:
        for review in own.reviews:
            yield from _each(f"dossier_settings.{own.code}.reviews.{review.code}", review.reviewers)


def dossier_faults(
    rules: tuple[DossierRule, ...], settings: tuple[DossierSettings, ...]
) -> dict[str, list[str]]:
    """Return what organisations decide about kinds, stages and marks that are not there, by section."""
    wrong = []
    for own in settings:
        rule = next((rule for rule in rules if rule.code == own.code), None)
        if rule is None:
            wrong.append(f"there are no dossiers of the kind {own.code!r}")
            continue
        wrong += [
            f"{own.code} has no stage {limit.code!r}" for limit in own.limits if not rule.stage(limit.code)
        ]
        wrong += [
            f"{own.code} has no mark {review.code!r}" for review in own.reviews if not rule.mark(review.code)
        ]
    return {"dossier_settings": wrong} if wrong else {}


def _each(place: str, roles: Roles | None) -> Iterator[tuple[str, str]]:
    if roles is not None:
        yield from ((place, role) for role in roles.value)
