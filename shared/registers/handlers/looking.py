"""Use cases that look over registers: what is missing, what is to be checked, the whole as a table."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import ROUND_CEILING
from typing import TYPE_CHECKING, Any

from openpyxl import Workbook

from shared.acting import Caller
from shared.clock import Clock
from shared.errors import Problem, ValidationFailed
from shared.history import moment_of, timestamp
from shared.identity.roles import PERSONAL_DATA
from shared.registers.definition import Register
from shared.registers.handlers.keeping import register_of
from shared.registers.handlers.missing import Missing
from shared.registers.handlers.needs import HoldsRegisters
from shared.registers.handlers.reading import admitted
from shared.registers.handlers.views import masked, row_view
from shared.registers.record import Record
from shared.ruling import Rules

if TYPE_CHECKING:
    from shared.mongo.registers import RecordsKept

#: What stands between the two halves of a token.
_AND = "~"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_HEAD = ("record_id", "number", "state", "opened_at", "opened_by", "closed_at")


class LookOverRegisters:
    """Questions about a register as a whole."""

    def __init__(self, records: RecordsKept, rules: Rules[HoldsRegisters], clock: Clock) -> None:
        """Use what keeps records."""
        self._records, self._rules, self._clock = records, rules, clock
        self._missing = Missing(records)

    def list_missing(self, call: Caller, data: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the obligations whose records were due by ``data["at"]`` and are not there, or not often enough."""
        at = data["at"] or self._clock.now()
        ruling = self._rules.in_force(call.org, at)
        registers = ruling.rules.registers
        if data["register"] is not None:
            registers = (register_of(ruling, data["register"]),)
        return [
            row
            for register in registers
            for obligation in register.obligations
            for row in self._missing.of(call.org, ruling, register, obligation, at)
        ]

    def sample_records(self, call: Caller, data: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the records to be checked, always the same for one ``seed``; ValidationFailed where none are."""
        register = self._register(call, data["register"])
        rule = register.sampling
        if rule is None:
            raise ValidationFailed(f"no record of {register.name} is sampled")
        ids = [row["_id"] for row in self._records.rows(_of_period(call.org, register, data))]
        share = (rule.percent * len(ids) / 100).to_integral_value(ROUND_CEILING)
        drawn = sorted(ids, key=lambda each: _drawn(data["seed"], each))[: max(int(share), rule.least)]
        found = {record.id: record for record in self._records.find({"_id": {"$in": drawn}})}
        return [row_view(found[each]) | {"source": rule.source} for each in drawn]

    def export_register(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return a register as a table: CSV text, or a spreadsheet in base64; no cell is ever a formula.

        Of what one table cannot hold, ``next`` says where to go on: given as ``after``, it brings the rest.
        """
        register = self._register(call, data["register"])
        admitted(register, call)
        full = PERSONAL_DATA in call.roles
        columns = [field.code for field in register.fields] + [each.code for each in register.computed]
        names = [field.name for field in register.fields] + [each.name for each in register.computed]
        rows = [[*_HEAD, *names]]
        query, limit = _of_period(call.org, register, data), data["limit"]
        found = self._records.page_after(query, limit + 1, _place(data["after"]))
        for record in found[:limit]:
            values = masked(register.fields, record.values, full=full)
            head = row_view(record)
            rows.append([_cell(head[key]) for key in _HEAD] + [_cell(values.get(code)) for code in columns])
        content = _csv(rows) if data["form"] == "csv" else _xlsx(register.code, rows)
        return {
            "register": register.code,
            "form": data["form"],
            "rows": len(rows) - 1,
            "masked": not full,
            "next": _token(found[limit - 1]) if len(found) > limit else None,
            "file": content,
        }

    def _register(self, call: Caller, code: str) -> Register:
        return register_of(self._rules.in_force(call.org, self._clock.now()), code)


def _of_period(org: str, register: Register, data: Mapping[str, Any]) -> dict[str, Any]:
    query: dict[str, Any] = {"org": org, "register": register.code}
    bounds = {"$gte": data["opened_from"], "$lt": data["opened_before"]}
    given = {operator: bound for operator, bound in bounds.items() if bound is not None}
    return query | ({"opened_at": given} if given else {})


def _token(record: Record) -> str:
    """Return where a table ended that has ``record`` in its last row."""
    return f"{timestamp(record.opened_at)}{_AND}{record.id}"


def _place(after: str | None) -> tuple[datetime, str] | None:
    """Return the place a token names; ValidationFailed when it is none of ours."""
    if after is None:
        return None
    at, _, record_id = after.partition(_AND)
    try:
        return moment_of(at), record_id
    except ValueError:
        problem = Problem("after", "is not what a table before this one gave as next")
        raise ValidationFailed("the table cannot go on there", problems=(problem,)) from None


def _drawn(seed: str, record_id: str) -> str:
    return hashlib.sha256(f"{seed}\0{record_id}".encode()).hexdigest()


def _cell(value: Any) -> str:
    """Return the text of a cell; what a spreadsheet would take for a formula is quoted."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, list):
        value = "; ".join(", ".join(f"{key}={cell}" for key, cell in row.items()) for row in value)
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _csv(rows: Sequence[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue()


def _xlsx(title: str, rows: Sequence[Sequence[str]]) -> str:
    book = Workbook(write_only=True)
    sheet = book.create_sheet(title[:31])
    for row in rows:
        sheet.append(row)
    content = io.BytesIO()
    book.save(content)
    return base64.b64encode(content.getvalue()).decode("ascii")
