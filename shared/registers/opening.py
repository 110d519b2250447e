"""What a record opens in other registers: for which of its rows, under which key, with which values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from shared.registers.definition import Opens, Register
from shared.registers.parts import ToOpen
from shared.registers.reckoning import applies, numeric
from shared.registers.record import Record

#: What of a record can be copied beside its fields: its id, its number, and who opened it.
RECORD_ID, NUMBER, OPENER = "record_id", "number", "opener"


def openings_of(
    rule: Opens, register: Register, record: Record, owing: ToOpen
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield, for each record that ``rule`` opens, a key that is its own for good, and the values.

    Rows are told apart by their place, so that rows added later open theirs and the others none again.
    """
    head = f"{record.id}/{rule.code}/{owing.turn}"
    known = {RECORD_ID: record.id, NUMBER: record.number, OPENER: record.opened_by, **record.values}
    if rule.rows is None:
        yield head, _values(rule, known)
        return
    field = register.field(rule.rows)
    numbers = numeric(field.fields, field.computed) if field is not None else frozenset()
    for place, row in enumerate(record.values.get(rule.rows) or []):
        if applies(rule.row_when, row, numbers):
            yield f"{head}/{place}", _values(rule, {**known, **row})


def _values(rule: Opens, known: Mapping[str, Any]) -> dict[str, Any]:
    values = dict(rule.fills)
    for code, sources in rule.copies:
        found = next((known[source] for source in sources if known.get(source) is not None), None)
        if found is not None:
            values[code] = found
    return values
