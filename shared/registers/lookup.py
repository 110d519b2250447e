"""Filling in what nobody writes, because it is known of whomever another field of the form names."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from shared.registers.definition import Field

#: What is known of somebody of an organisation by a code; None where nothing is.
Known = Callable[[str, str, str], str | None]


def nothing_known(_org: str, _who: str, _code: str) -> str | None:
    """Know nothing of anybody."""
    return None


def with_known(fields: Sequence[Field], given: Mapping[str, Any], org: str, known: Known) -> dict[str, Any]:
    """Return ``given`` with what is looked up for each of ``fields``, also in the rows of lists.

    It is looked up whenever the field is given that names somebody. What somebody writes there counts for nothing.
    """
    filled = dict(given)
    for field in fields:
        rows = filled.get(field.code)
        if field.fields and isinstance(rows, list):
            filled[field.code] = [
                with_known(field.fields, row, org, known) if isinstance(row, Mapping) else row for row in rows
            ]
        if field.of is None or field.known is None:
            continue
        filled.pop(field.code, None)
        if field.of in given:
            who = given[field.of]
            filled[field.code] = known(org, who, field.known) if isinstance(who, str) else None
    return filled
