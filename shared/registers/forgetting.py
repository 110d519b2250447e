"""Erasing what a record says of somebody: texts and personal values go; figures, days and choices stay."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from shared.forgetting import ERASED, forget_answers
from shared.registers.definition import Field, Register
from shared.registers.record import Record
from shared.registers.words import Type

#: What such a field holds is an id, a figure, a day or one of the choices, unless the definition calls it personal.
_IMPERSONAL = frozenset(Type) - {Type.TEXT}


def named_in(values: Mapping[str, Any]) -> set[str]:
    """Return every text in ``values``, rows of lists included: among them the ids of whom they are about."""
    found = {value for value in values.values() if isinstance(value, str)}
    for rows in values.values():
        if isinstance(rows, list):
            found |= {text for row in rows for text in named_in(row)}
    return found


def forget_in_record(record: Record, register: Register | None, ids: Collection[str]) -> bool:
    """Empty what the record says of those with ``ids``; return whether anything was left to empty.

    Of a list only the rows that name one of them lose their words, unless the record as a whole is about them.
    Without the definition every value is taken for personal.
    """
    fields = None if register is None else register.fields
    whole = any(value in ids for value in record.values.values() if isinstance(value, str))
    removed: set[str] = set()

    def blank(values: Mapping[str, Any]) -> dict[str, Any]:
        return _blanked(values, fields, ids, removed, whole=whole)

    record.values = blank(record.values)
    record.acts = [replace(act, sets=blank(act.sets)) for act in record.acts]
    record.corrections = [
        replace(
            each,
            before=blank({each.field: each.before})[each.field],
            after=blank({each.field: each.after})[each.field],
            reason=_taken(each.reason, removed) if whole else each.reason,
        )
        for each in record.corrections
    ]
    if removed:
        if register is not None:
            record.refresh_tokens(register)
        else:
            record.tokens = []
        record.shared = [key for key in record.shared if not any(text in key for text in removed)]
        forget_answers(record, removed)
    return bool(removed)


def without_words(values: Mapping[str, Any], fields: Sequence[Field], removed: set[str]) -> dict[str, Any]:
    """Return ``values`` of ``fields`` without texts and personal values; what is taken out is added to ``removed``."""
    return _blanked(values, fields, (), removed, whole=True)


def _blanked(
    values: Mapping[str, Any],
    fields: Sequence[Field] | None,
    ids: Collection[str],
    removed: set[str],
    *,
    whole: bool,
) -> dict[str, Any]:
    known = {field.code: field for field in fields or ()}
    blanked: dict[str, Any] = {}
    for code, value in values.items():
        field = known.get(code)
        if isinstance(value, list):
            inner = field.fields if field is not None else None
            blanked[code] = [
                _blanked(row, inner, ids, removed, whole=True) if whole or named_in(row) & {*ids} else row
                for row in value
            ]
        elif whole and isinstance(value, str) and value not in ids and _is_personal(field):
            blanked[code] = _taken(value, removed)
        else:
            blanked[code] = value
    return blanked


def _is_personal(field: Field | None) -> bool:
    return field is None or field.personal or field.type not in _IMPERSONAL


def _taken(text: str, removed: set[str]) -> str:
    if text != ERASED:
        removed.add(text)
    return ERASED
