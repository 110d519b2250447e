"""Checking what is entered into a customer file against its fields and standards, and keeping it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from services.intake.domain.files.rules import FieldType, FileField, FileRules
from shared.errors import Problem, RuleRefused, ValidationFailed

#: What every file has beside the fields of the rulebook.
BASIC = ("name", "phone", "unit")
_LONGEST = {"name": 100, "phone": 32, "unit": 50}


@dataclass(frozen=True, slots=True)
class Entered:
    """One entry of a list and the day it was made."""

    text: str
    on: date


@dataclass(frozen=True, slots=True)
class Held:
    """What a file holds in one field: numbers and days as text, a list as its entries.

    ``origin`` says where the value comes from; ``confirmed_on`` when the customer confirmed it, if so.
    """

    value: Any
    origin: str
    at: datetime
    entries: tuple[Entered, ...] = ()
    searched: bool = False
    personal: bool = True
    confirmed_on: date | None = None

    @property
    def texts(self) -> tuple[str, ...]:
        """Return what is searched for."""
        return (
            tuple(entry.text for entry in self.entries)
            if self.entries
            else ((self.value,) if isinstance(self.value, str) else ())
        )

    def shown(self) -> Any:
        """Return the JSON shape of the value."""
        if self.entries:
            return [{"text": entry.text, "on": entry.on.isoformat()} for entry in self.entries]
        return self.value


@dataclass(frozen=True, slots=True)
class Entering:
    """The circumstances of an entry: where the value comes from, when, and which day that is."""

    origin: str
    at: datetime
    today: date


def check_basic(rules: FileRules, kind: str, given: Mapping[str, Any]) -> None:
    """Refuse a name, phone or unit that is not written as the rulebook's standards ask."""
    for code, value in given.items():
        if value is not None and (not isinstance(value, str) or not 0 < len(value) <= _LONGEST[code]):
            raise _wrong(code, f"must be text of at most {_LONGEST[code]} characters")
        if value:
            _by_standard(rules, kind, code, value)


def hold(rules: FileRules, kind: str, code: str, value: Any, how: Entering, before: Held | None) -> Held:
    """Return what a file keeps for ``value`` of the field ``code``; ``before`` is what it held.

    ValidationFailed when there is no such field or the value is of another type, RuleRefused by the rule of a
    standard the value is not written by.
    """
    field = rules.field(code)
    if field is None or not field.belongs_to(kind):
        known = ", ".join(each.code for each in rules.fields if each.belongs_to(kind)) or "none"
        raise _wrong(code, f"is no field of a {kind}'s file; those are: {known}")
    read = _READERS[field.type](field, value)
    for text in read if isinstance(read, list) else [read]:
        if isinstance(text, str):
            _by_standard(rules, kind, code, text)
    if not isinstance(read, list):
        return Held(read, how.origin, how.at, searched=field.searched, personal=field.personal)
    known_on = {entry.text: entry.on for entry in before.entries} if before else {}
    entries = tuple(Entered(text, known_on.get(text, how.today)) for text in dict.fromkeys(read))
    return Held(None, how.origin, how.at, entries, searched=field.searched, personal=field.personal)


def _by_standard(rules: FileRules, kind: str, code: str, value: str) -> None:
    for standard in rules.standards:
        if code in standard.fields and (not standard.kinds or kind in standard.kinds):
            reason = standard.why_not(value, rules.lists)
            if reason is not None:
                raise RuleRefused(f"{code} {reason}", rule=standard.source, problems=(Problem(code, reason),))


def _wrong(code: str, reason: str) -> ValidationFailed:
    return ValidationFailed(f"{code} {reason}", problems=(Problem(code, reason),))


def _text(field: FileField, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _wrong(field.code, "must be text")
    return value.strip()


def _number(field: FileField, value: Any) -> str:
    try:
        number = Decimal(_text(field, value))
    except InvalidOperation:
        raise _wrong(field.code, "must be a number written as text") from None
    if not number.is_finite():
        raise _wrong(field.code, "must be a number written as text")
    return f"{number:f}"


def _date(field: FileField, value: Any) -> str:
    try:
        return date.fromisoformat(_text(field, value)).isoformat()
    except ValueError:
        raise _wrong(field.code, "must be a day such as 2026-03-02") from None


def _choice(field: FileField, value: Any) -> str:
    if value not in field.choices:
        raise _wrong(field.code, f"must be one of {', '.join(field.choices)}")
    return str(value)


def _flag(field: FileField, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if value in {"true", "false"}:
        return bool(value == "true")
    raise _wrong(field.code, "must be true or false")


def _list(field: FileField, value: Any) -> list[str]:
    # A cell of a table holds one text: what is not a list is a list of one.
    rows = value if isinstance(value, list) else [value]
    return [_text(field, row) for row in rows]


_READERS: Mapping[FieldType, Callable[[FileField, Any], str | bool | list[str]]] = {
    FieldType.TEXT: _text,
    FieldType.NUMBER: _number,
    FieldType.DATE: _date,
    FieldType.CHOICE: _choice,
    FieldType.FLAG: _flag,
    FieldType.LIST: _list,
}
