"""Versions of one thing (版本), of which one holds at a time: which come before, and which held on a day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from shared.registers.definition import Register, Succession
from shared.registers.record import Record
from shared.registers.values import token


def versions_query(register: Register, rule: Succession, record: Record) -> dict[str, Any]:
    """Return which other records are versions of the same thing that ``rule.then`` may be taken on.

    What a record is found by is cut off where it is long; ``comes_before`` looks at the whole of it.
    """
    action = register.action(rule.then)
    return {
        "_id": {"$ne": record.id},
        "org": record.org,
        "register": register.code,
        "state": {"$in": [] if action is None else list(action.from_)},
        "tokens": {"$all": [token(code, record.values.get(code)) for code in rule.of]},
    }


def comes_before(rule: Succession, earlier: Record, later: Record) -> bool:
    """Return whether ``earlier`` is a version of the same thing that ``later`` follows; of two, never both."""
    same = all(earlier.values.get(code) == later.values.get(code) for code in rule.of)
    return same and _place(rule, _row(earlier)) < _place(rule, _row(later))


def begun_query(rule: Succession) -> dict[str, Any]:
    """Return which records have begun, or will on their day."""
    return {"acts": {"$elemMatch": {"action": rule.at, "done": True}}}


def holding_on(rule: Succession, day: date, rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return, of the documents ``rows`` that have begun, the ids of those that held on ``day``."""
    last: dict[tuple[Any, ...], Mapping[str, Any]] = {}
    for row in rows:
        begins = row["values"].get(rule.begins)
        if begins is None or begins > day.isoformat():
            continue
        thing = tuple(row["values"].get(code) for code in rule.of)
        if thing not in last or _place(rule, last[thing]) < _place(rule, row):
            last[thing] = row
    return [str(row["_id"]) for row in last.values()]


def _row(record: Record) -> dict[str, Any]:
    return {"_id": record.id, "opened_at": record.opened_at, "values": record.values}


def _place(rule: Succession, row: Mapping[str, Any]) -> tuple[Any, ...]:
    return (row["values"].get(rule.begins) or "", row["opened_at"], row["_id"])
