"""Reading the section ``files`` of the intake rulebooks: the shape of customer files and what must hold in it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import marshmallow
from marshmallow import validates_schema

from services.intake.domain.files.rules import (
    Coded,
    FieldType,
    FileClass,
    FileField,
    FileRules,
    Filing,
    Fresh,
    Freshness,
    LifeState,
    OnContact,
    RelationKind,
    Standard,
    StandardList,
    Transfer,
)
from services.intake.domain.files.values import BASIC
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
)

_KINDS = ("household", "company", "person")


class _Kind(Value[str]):
    """A kind of customer."""

    def read(self, value: object) -> str:
        """Read one value."""
        if not isinstance(value, str) or value not in _KINDS:
            raise marshmallow.ValidationError(f"must be one of {', '.join(_KINDS)}: {value!r}")
        return value


class _Pattern(Value[str]):
    """A regular expression."""

    def read(self, value: object) -> str:
        """Read one value."""
        try:
            return re.compile(str(value)).pattern
        except re.error as error:
            raise marshmallow.ValidationError(f"is no regular expression: {error}") from None


def _texts(**kwargs: Any) -> Many:
    return Many(Text(), **({"load_default": ()} | kwargs))


def _kinds() -> Many:
    return Many(_Kind(), load_default=())


class _CodedRow(Row):
    builds = Coded
    code = Text(**REQUIRED)
    name = Text(**REQUIRED)
    source = source()


class _FieldRow(Row):
    builds = FileField
    code = Text(**REQUIRED)
    name = Text(**REQUIRED)
    source = source()
    type = OneOf(FieldType, load_default=FieldType.TEXT)
    required = Flag(load_default=False)
    key = Flag(load_default=False)
    kinds = _kinds()
    origins = _texts()
    choices = _texts()
    searched = Flag(load_default=False)
    personal = Flag(load_default=True)

    @validates_schema
    def _fits_together(self, data: dict[str, Any], **_: object) -> None:
        if (data["type"] is FieldType.CHOICE) != bool(data["choices"]):
            raise marshmallow.ValidationError("belong to a choice, and a choice needs them", "choices")
        if data["code"] in BASIC and (data["type"] is not FieldType.TEXT or data["searched"]):
            raise marshmallow.ValidationError("is text in every file, and searched in its own way", "type")


class _StandardRow(Row):
    builds = Standard
    code = Text(**REQUIRED)
    fields_ = Many(Text(), least=1, data_key="fields", attribute="fields", **REQUIRED)
    source = source()
    kinds = _kinds()
    pattern = _Pattern(load_default=None)
    refuses = _texts()
    listed = Text(load_default=None)


class _ListRow(Row):
    builds = StandardList
    code = Text(**REQUIRED)
    name = Text(**REQUIRED)
    values = Many(Text(), least=1, **REQUIRED)
    source = source()


class _LifeStateRow(Row):
    builds = LifeState
    code = Text(**REQUIRED)
    name = Text(**REQUIRED)
    moves_to = _texts(**REQUIRED, load_default=marshmallow.missing)
    source = source()


class _OnContactRow(Row):
    builds = OnContact
    category = Text(**REQUIRED)
    state = Text(**REQUIRED)
    source = source()


class _ClassRow(Row):
    builds = FileClass
    code = Text(**REQUIRED)
    name = Text(**REQUIRED)
    keeper = Text(load_default=None, allow_none=True)
    source = source()


class _FilingRow(Row):
    builds = Filing
    classifiers = Many(Text(), least=1, **REQUIRED)
    source = source()


class _FreshnessRow(Row):
    builds = Freshness
    what = Text(**REQUIRED)
    within_days = Whole(least=1, most=3660, **REQUIRED)
    source = source()

    @validates_schema
    def _known(self, data: dict[str, Any], **_: object) -> None:
        if data["what"] not in set(Fresh):
            raise marshmallow.ValidationError(f"must be one of {', '.join(Fresh)}", "what")


class _TransferRow(Row):
    builds = Transfer
    copies = _texts(**REQUIRED, load_default=marshmallow.missing)
    specials = _texts()
    source = source()


class _RelationRow(Row):
    builds = RelationKind
    code = Text(**REQUIRED)
    name = Text(**REQUIRED)
    notes = _texts()
    source = source()


class FileRulesRow(Row):
    """The section ``files``."""

    builds = FileRules
    fields_ = Table(_FieldRow(), data_key="fields", attribute="fields", load_default=())
    standards = Table(_StandardRow(), load_default=())
    lists = Table(_ListRow(), load_default=())
    phases = Table(_CodedRow(), load_default=())
    origins = Table(_CodedRow(), load_default=())
    lifecycle = Table(_LifeStateRow(), load_default=())
    on_contact = Table(_OnContactRow(), key="category", load_default=())
    classes = Table(_ClassRow(), load_default=())
    filing = nested(_FilingRow(), load_default=None)
    extraction = sourced(Flag(), load_default=None)
    specialists = sourced(Many(Text(), least=1), load_default=None)
    freshness = Table(_FreshnessRow(), key="what", load_default=())
    transfer = nested(_TransferRow(), load_default=None)
    relations = Table(_RelationRow(), load_default=())
    confirmed_first = sourced(Many(Text(), least=1), load_default=None)
    followed = sourced(Many(Text(), least=1), load_default=None)
    notices = Table(_CodedRow(), load_default=())

    @validates_schema(skip_on_field_errors=True)
    def _names_what_is_there(self, data: dict[str, Any], **_: object) -> None:
        states = [each.code for each in data["lifecycle"]]
        fields = [*BASIC, *(each.code for each in data["fields"])]
        for state in data["lifecycle"]:
            _known(state.moves_to, states, f"lifecycle.{state.code}.moves_to")
        _known([each.state for each in data["on_contact"]], states, "on_contact")
        _known(data["followed"].value if data["followed"] else (), states, "followed")
        _known(data["confirmed_first"].value if data["confirmed_first"] else (), fields, "confirmed_first")
        for standard in data["standards"]:
            _known(standard.fields, fields, f"standards.{standard.code}.fields")
        origins = [each.code for each in data["origins"]]
        for field in data["fields"]:
            _known(field.origins, origins, f"fields.{field.code}.origins")


def _known(named: Iterable[str], there: list[str], where: str) -> None:
    unknown = [each for each in named if each not in there]
    if unknown:
        raise marshmallow.ValidationError(f"{', '.join(unknown)}: there is no such thing here", where)


def file_roles(rules: FileRules) -> Iterator[tuple[str, str]]:
    """Yield every role the section names, with its path."""
    for role in rules.filing.classifiers if rules.filing else ():
        yield "files.filing.classifiers", role
    for role in rules.transfer.specials if rules.transfer else ():
        yield "files.transfer.specials", role
