"""Reading what people write into a form: each value by the type of its field, in the shape it is kept in."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from shared.errors import Problem, ValidationFailed
from shared.history import moment_of, timestamp
from shared.registers.definition import Field
from shared.registers.words import Type

MAX_TEXT, MAX_ROWS, _MAX_ID = 4000, 500, 64
_DECIMAL = re.compile(r"-?\d{1,15}(\.\d{1,6})?", re.ASCII)
_CENTS = re.compile(r"-?\d{1,15}(\.\d{1,2})?", re.ASCII)
_STAFF = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}", re.ASCII)
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d", re.ASCII)
#: Control characters, halves of characters, and separators of lines and paragraphs.
_ODD = frozenset({"Cc", "Cs", "Zl", "Zp"})
_WORDS = {
    Type.NUMBER: 'must be a number, decimals as text such as "0.5"',
    Type.AMOUNT: 'must be an amount in yuan written as text, for example "5000.00"',
    Type.DATE: "must be a date such as 2026-01-31",
    Type.MOMENT: "must be a moment with an offset such as 2026-01-31T09:00:00+08:00",
    Type.TIME: "must be a time of day such as 17:30",
    Type.FLAG: "must be true or false",
    Type.STAFF: "must be a staff id of letters, digits, -_.@",
    Type.LIST: f"must be a list of at most {MAX_ROWS} rows",
}


def read_values(fields: Sequence[Field], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``given`` in the shape it is kept in: numbers and sums as text, moments in UTC; null takes away.

    Raises ValidationFailed naming every field that is unknown here or holds what its type does not allow.
    """
    problems: list[Problem] = []
    read = _read_row(fields, given, "values", problems)
    if problems:
        message = "the form cannot be taken: " + "; ".join(f"{p.field} {p.reason}" for p in problems)
        raise ValidationFailed(message, problems=tuple(problems))
    return read


def _read_row(
    fields: Sequence[Field], given: Mapping[str, Any], place: str, problems: list[Problem]
) -> dict[str, Any]:
    known = {field.code: field for field in fields}
    read: dict[str, Any] = {}
    for code, value in given.items():
        where = f"{place}.{code}"
        if code not in known:
            problems.append(Problem(where, "is not to be filled here"))
        elif value is None:
            read[code] = None
        else:
            try:
                read[code] = _read(known[code], value, where, problems)
            except ValueError:
                problems.append(Problem(where, _WORDS.get(known[code].type, "must be text")))
    return read


def _read(field: Field, value: Any, where: str, problems: list[Problem]) -> Any:
    if field.type is Type.LIST:
        if not isinstance(value, list) or len(value) > MAX_ROWS:
            raise ValueError
        rows = [row for row in value if isinstance(row, Mapping)]
        if len(rows) < len(value):
            raise ValueError
        return [
            _read_row(field.fields, row, f"{where}.{number}", problems) for number, row in enumerate(rows)
        ]
    if field.type is Type.FLAG:
        if not isinstance(value, bool):
            raise ValueError
        return value
    if isinstance(value, int) and not isinstance(value, bool) and field.type is Type.NUMBER:
        value = str(value)
    if isinstance(value, str):
        return _read_text(field, value)
    raise ValueError


def _read_text(field: Field, value: str) -> str:
    if field.type in _READ:
        return _READ[field.type](value)
    if not _plain(value) or len(value) > (MAX_TEXT if field.type is Type.TEXT else _MAX_ID):
        raise ValueError
    return value.strip()


def _plain(value: str) -> bool:
    """Return whether a text is not blank and holds nothing that no keyboard types."""
    odd = (c for c in value if unicodedata.category(c) in _ODD and c not in "\n\r\t")
    return bool(value.strip()) and next(odd, None) is None


def _matching(pattern: re.Pattern[str], value: str) -> str:
    if not pattern.fullmatch(value):
        raise ValueError
    return value


_READ: Mapping[Type, Callable[[str], str]] = {
    Type.NUMBER: lambda value: str(Decimal(_matching(_DECIMAL, value))),
    Type.AMOUNT: lambda value: str(Decimal(_matching(_CENTS, value)).quantize(Decimal("0.01"))),
    Type.DATE: lambda value: date.fromisoformat(value).isoformat(),
    Type.MOMENT: lambda value: timestamp(moment_of(value)),
    Type.TIME: lambda value: _matching(_TIME, value),
    Type.STAFF: lambda value: _matching(_STAFF, value),
}


def tokens(fields: Sequence[Field], values: Mapping[str, Any]) -> list[str]:
    """Return what records are found by: ``<field>=<value>`` of every field, lists by what is in their rows."""
    found: dict[str, None] = {}
    for field in fields:
        value = values.get(field.code)
        if field.type is Type.LIST:
            rows = value or []
            found |= {f"{field.code}.{token}": None for row in rows for token in tokens(field.fields, row)}
        elif value is not None:
            found[token(field.code, value)] = None
    return list(found)


def token(code: str, value: object) -> str:
    """Return what a record is found by that has ``value`` in the field ``code``."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"{code}={text[:100]}"
