"""Reading what the rulebooks say of personal data; every field of every record must have a class."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields as fields_of
from typing import Any

import marshmallow
from marshmallow import validates_schema

from services.intake.domain.contact import Contact
from services.intake.domain.customer import Customer
from services.intake.domain.privacy.rules import (
    HARMLESS,
    ClassRule,
    DataClass,
    Exporting,
    FieldRule,
    Granting,
    Mask,
    Opening,
    Privacy,
    Purpose,
    Reading,
    Subject,
)
from shared.aggregate import Aggregate
from shared.regulations.fields import (
    REQUIRED,
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
    sourced_duration,
)

#: The records whose fields must all be in the catalogue. A part that keeps personal data adds its own.
CATALOGUED: dict[str, type[Aggregate]] = {"customer": Customer, "contact": Contact}
_BASE = frozenset(field.name for field in fields_of(Aggregate))


def _names(**how: Any) -> Many:
    return Many(Text(), **how)


class _ClassRow(Row):
    builds = ClassRule
    code = OneOf(DataClass, **REQUIRED)
    name = Text(**REQUIRED)
    shown_to = _names(**REQUIRED)
    collect = Text(**REQUIRED)
    store = Text(**REQUIRED)
    use = Text(**REQUIRED)
    share = Text(**REQUIRED)
    open = Text(**REQUIRED)
    source = source()


class _FieldRow(Row):
    builds = FieldRule
    code = Text(**REQUIRED)
    data_class = OneOf(DataClass, data_key="class", required=True, error_messages={"required": "is missing"})
    of_unit = OneOf(DataClass, load_default=None)
    subject = OneOf(Subject, load_default=Subject.PERSON)
    purposes = _names(least=1, **REQUIRED)
    collected = Text(**REQUIRED)
    mask = OneOf(Mask, load_default=Mask.HIDDEN)
    derived = Flag(load_default=False)
    source = source()

    @validates_schema
    def _identifies(self, data: dict[str, Any], **_: object) -> None:
        if data["derived"] and data["subject"] is Subject.PERSON and data["data_class"] in HARMLESS:
            raise marshmallow.ValidationError(
                "is derived and identifies a person, so it is at least personal (B-DSE-05)", "class"
            )


class _PurposeRow(Row):
    builds = Purpose
    code = Text(**REQUIRED)
    name = Text(**REQUIRED)
    marketing = Flag(load_default=False)
    source = source()


class _OpeningRow(Row):
    builds = Opening
    roles = _names(least=1, **REQUIRED)
    source = source()


def _source_of(*, source: str) -> str:
    return source


class _SourceRow(Row):
    builds = staticmethod(_source_of)
    source = source()


class _StepRow(Row):
    roles = _names(**REQUIRED)
    approvals = _names(least=1, **REQUIRED)
    source = source()


class _GrantingRow(_StepRow):
    builds = Granting


class _ReadingRow(_StepRow):
    builds = Reading
    valid_for = sourced_duration(**REQUIRED)


class _ExportingRow(_StepRow):
    builds = Exporting
    above = sourced(Whole(), **REQUIRED)


class PrivacyRow(Row):
    """The section ``privacy``."""

    builds = Privacy
    classes = Table(_ClassRow(), **REQUIRED)
    catalogue = Table(_FieldRow(), **REQUIRED)
    purposes = Table(_PurposeRow(), **REQUIRED)
    units = sourced(_names(), **REQUIRED)
    opening = nested(_OpeningRow(), **REQUIRED)
    reading = nested(_ReadingRow(), **REQUIRED)
    exporting = nested(_ExportingRow(), **REQUIRED)
    erasing = nested(_GrantingRow(), **REQUIRED)
    auditing = nested(_OpeningRow(), **REQUIRED)
    confidentiality = nested(_SourceRow(), **REQUIRED)
    opt_out = nested(_SourceRow(), **REQUIRED)

    @validates_schema
    def _complete(self, data: dict[str, Any], **_: object) -> None:
        problems = dict(_problems(data))
        if problems:
            raise marshmallow.ValidationError(problems)


def _problems(data: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    listed = {row.code for row in data["catalogue"]}
    for record, kind in CATALOGUED.items():
        missing = [f"{record}.{f.name}" for f in fields_of(kind) if f.name not in _BASE]
        for code in missing:
            if code not in listed:
                yield "catalogue", [f"{code} has no class: every field of a record is in the catalogue"]
    classes = {row.code for row in data["classes"]}
    purposes = {row.code for row in data["purposes"]}
    for row in data["catalogue"]:
        for used in {row.data_class, row.of_unit or row.data_class} - classes:
            yield "classes", [f"{used} is used by {row.code} and has no rules for its stages of life"]
        for purpose in {*row.purposes} - purposes:
            yield "purposes", [f"{purpose} is named by {row.code} and not listed"]


def privacy_roles(rules: Privacy | None) -> Iterator[tuple[str, str]]:
    """Yield every role the section names, with its path."""
    if rules is None:
        return
    for row in rules.classes:
        for role in row.shown_to:
            yield f"privacy.classes.{row.code}.shown_to", role
    steps: tuple[tuple[str, Granting], ...] = (
        ("reading", rules.reading),
        ("exporting", rules.exporting),
        ("erasing", rules.erasing),
    )
    for name, step in steps:
        for role in (*step.roles, *step.approvals):
            yield f"privacy.{name}", role
    for name, opening in (("opening", rules.opening), ("auditing", rules.auditing)):
        for role in opening.roles:
            yield f"privacy.{name}", role
