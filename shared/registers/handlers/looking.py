"""Use cases that look over registers: what is missing, what is to be checked, the whole as a table."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import ROUND_CEILING
from typing import TYPE_CHECKING, Any

from openpyxl import Workbook

from shared.acting import Caller
from shared.clock import Clock
from shared.errors import Problem, ValidationFailed
from shared.history import moment_of, timestamp
from shared.identity.roles import PERSONAL_DATA
from shared.registers.definition import Obligation, Register
from shared.registers.demands import OPENER
from shared.registers.handlers.keeping import register_of
from shared.registers.handlers.needs import HoldsRegisters
from shared.registers.handlers.reading import admitted
from shared.registers.handlers.views import masked, row_view
from shared.registers.reckoning import applies, numeric
from shared.registers.record import Record
from shared.registers.values import token
from shared.registers.words import Every
from shared.ruling import Rules, Ruling

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

    def list_missing(self, call: Caller, data: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the obligations whose record was due by ``data["at"]`` in its last period and is not there."""
        at = data["at"] or self._clock.now()
        ruling = self._rules.in_force(call.org, at)
        registers = ruling.rules.registers
        if data["register"] is not None:
            registers = (register_of(ruling, data["register"]),)
        return [
            row
            for register in registers
            for obligation in register.obligations
            for row in self._missing(call.org, ruling, register, obligation, at)
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

    def _missing(
        self,
        org: str,
        ruling: Ruling[HoldsRegisters],
        register: Register,
        obligation: Obligation,
        at: datetime,
    ) -> Iterator[dict[str, Any]]:
        period = _last_due(ruling, obligation, at)
        if period is None:
            return
        first, end, due = period
        there = set(self._there(org, ruling, register, obligation, first, end))
        for target in _targets(obligation):
            if target not in there:
                yield {
                    "register": register.code,
                    "obligation": obligation.code,
                    "for": target,
                    "first_day": first.isoformat(),
                    "last_day": (end - timedelta(days=1)).isoformat(),
                    "due_at": timestamp(due),
                    "source": obligation.source,
                }

    def _there(
        self,
        org: str,
        ruling: Ruling[HoldsRegisters],
        register: Register,
        obligation: Obligation,
        first: date,
        end: date,
    ) -> Iterator[str | None]:
        """Yield for whom there is a record of the days from ``first`` to before ``end``."""
        query: dict[str, Any] = {"org": org, "register": register.code}
        if obligation.day_field is None:
            bounds = [datetime.combine(day, time.min, ruling.zone) for day in (first, end)]
            query["opened_at"] = {"$gte": bounds[0], "$lt": bounds[1]}
        else:
            bounds_of_day = {
                "$gte": token(obligation.day_field, first),
                "$lt": token(obligation.day_field, end),
            }
            query["tokens"] = {"$elemMatch": bounds_of_day}
        if obligation.state:
            query["state"] = {"$in": list(obligation.state)}
        numbers = numeric(register.fields, register.computed)
        for record in self._records.rows(query):
            if not applies(obligation.when, record["values"], numbers):
                continue
            if obligation.of is None:
                yield None
            elif obligation.each == OPENER:
                yield record["opened_by"]
            else:
                value = record["values"].get(obligation.each or "")
                yield None if value is None else str(value)


def _targets(obligation: Obligation) -> tuple[str | None, ...]:
    """Return for whom a record is due: where the register asks by name, for nobody until somebody is named."""
    if obligation.of is not None:
        return obligation.of.value
    return () if obligation.each is not None else (None,)


def _last_due(
    ruling: Ruling[HoldsRegisters], obligation: Obligation, at: datetime
) -> tuple[date, date, datetime] | None:
    """Return first day, the day after the last, and due instant of the latest period that is due by ``at``."""
    day = at.astimezone(ruling.zone).date()
    for _ in range(400):
        first, end = _period(obligation.every, day)
        due = _due(ruling, obligation, first, end)
        skipped = (
            obligation.workdays_only
            and obligation.every is Every.DAY
            and not ruling.calendar.is_working_day(first)
        )
        if due <= at and not skipped:
            return first, end, due
        day = first - timedelta(days=1)
    return None


def _due(ruling: Ruling[HoldsRegisters], obligation: Obligation, first: date, end: date) -> datetime:
    last = end - timedelta(days=1)
    if obligation.on_day is not None and obligation.every is not Every.DAY:
        last = min(last, first + timedelta(days=obligation.on_day - 1))
    while obligation.to_workday and last > first and not ruling.calendar.is_working_day(last):
        last -= timedelta(days=1)
    if obligation.by is None:
        return datetime.combine(last + timedelta(days=1), time.min, ruling.zone)
    return datetime.combine(last, time.fromisoformat(obligation.by), ruling.zone)


def _period(every: Every, day: date) -> tuple[date, date]:
    if every is Every.DAY:
        return day, day + timedelta(days=1)
    if every is Every.WEEK:
        first = day - timedelta(days=day.weekday())
        return first, first + timedelta(days=7)
    if every is Every.MONTH:
        first = day.replace(day=1)
        return first, (first + timedelta(days=32)).replace(day=1)
    return date(day.year, 1, 1), date(day.year + 1, 1, 1)


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
