"""Use cases that read registers: one record, lists, figures, balances, the definitions."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from shared.acting import Caller, cause_of, found
from shared.clock import Clock
from shared.errors import Conflict, RuleRefused, ValidationFailed
from shared.identity.roles import PERSONAL_DATA
from shared.logging import get_logger
from shared.registers.definition import Register
from shared.registers.handlers.keeping import register_of
from shared.registers.handlers.needs import HoldsRegisters
from shared.registers.handlers.views import record_view, register_view, row_view
from shared.registers.reckoning import numeric
from shared.registers.succession import begun_query, holding_on
from shared.registers.timing import years_before
from shared.registers.values import token
from shared.ruling import Rules

if TYPE_CHECKING:
    from shared.mongo.registers import BalancesKept, RecordsKept

log = get_logger(__name__)

_ATTEMPTS = 5


class ReadRegisters:
    """What people look up in registers; what is confidential only by those it is for."""

    def __init__(
        self, records: RecordsKept, balances: BalancesKept, rules: Rules[HoldsRegisters], clock: Clock
    ) -> None:
        """Use what keeps records and balances."""
        self._records, self._balances, self._rules, self._clock = records, balances, rules, clock

    def get_record(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return one record; personal values only to those who may see them, and such a read is logged."""
        full = PERSONAL_DATA in call.roles
        for _ in range(_ATTEMPTS):
            record = found(self._records.get(data["id"], call.org), "record", data["id"])
            register = register_of(self._rules.of_version(call.org, record.regulation), record.register)
            role = admitted(register, call)
            if role is not None:
                since = record.history.next_seq
                record.note_read(role, self._clock.now(), cause_of(call))
                try:
                    self._records.save(record, since_seq=since)
                except Conflict:
                    continue
            if full:
                log.info("personal data read in full", actor=call.actor, record_id=record.id)
            return record_view(record, register, full=full)
        raise Conflict(f"{data['id']} keeps being changed by others: try again")

    def list_records(self, call: Caller, data: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return a page of records, newest first, without what was written in them."""
        query = self._query(call, data)
        if data["state"] is not None:
            query["state"] = data["state"]
        if data["open"] is not None:
            query["is_open"] = data["open"]
        if data["overdue"]:
            query["overdue"] = True
        if data["mine"]:
            query["staff"] = call.actor
        if data["flag"] is not None:
            query["flags"] = data["flag"]
        wanted = [token(code, value) for code, value in data["where"].items()]
        if wanted:
            query["tokens"] = {"$all": wanted}
            self._keep_secret(call, data["register"], query)
        if data["destroy_due"]:
            query["$or"] = self._over(call, data["register"])
        if data.get("held_on") is not None:
            query["_id"] = {"$in": self._held(call, data)}
        return [row_view(record) for record in self._records.page(query, data["limit"], data["skip"])]

    def register_statistics(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return how many records there are by state and by the field ``by``, and sums of number fields."""
        register = self._register(call, data["register"])
        admitted(register, call)
        numbers = numeric(register.fields, register.computed)
        unknown = [code for code in data["sums"] if code not in numbers]
        if unknown:
            raise ValidationFailed(f"{register.name} has no number {', '.join(unknown)}")
        states: dict[str, int] = {}
        by: dict[str, int] = {}
        flags: dict[str, int] = {}
        sums = {code: Decimal(0) for code in data["sums"]}
        sums_by: dict[str, dict[str, Decimal]] = {}
        total = 0
        for record in self._records.rows(self._query(call, data)):
            total += 1
            states[record["state"]] = states.get(record["state"], 0) + 1
            value = record["values"].get(data["by"] or "")
            parts = [sums]
            if isinstance(value, str | bool):
                key = str(value).lower() if isinstance(value, bool) else value
                by[key] = by.get(key, 0) + 1
                parts.append(sums_by.setdefault(key, dict.fromkeys(sums, Decimal(0))))
            for flag in record["flags"]:
                flags[flag] = flags.get(flag, 0) + 1
            for part in parts:
                for code in part:
                    part[code] += Decimal(record["values"].get(code) or 0)
        return {
            "register": register.code,
            "total": total,
            "by_state": states,
            "by_field": by,
            "by_flag": flags,
            "sums": _as_text(sums),
            "sums_by_field": {key: _as_text(part) for key, part in sums_by.items()} if sums else {},
        }

    def list_balances(self, call: Caller, data: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return a page of balances, by stock and item."""
        query = {"org": call.org} | {key: data[key] for key in ("stock", "item") if data[key] is not None}
        return [
            {
                "balance_id": balance.book,
                "stock": balance.stock,
                "item": balance.item,
                "place": balance.place,
                "quantity": str(balance.quantity),
            }
            for balance in self._balances.page(query, data["limit"], data["skip"])
        ]

    def describe_register(self, call: Caller, data: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the definition of one register, or of all, as a screen for the caller's roles needs it."""
        if data["register"] is not None:
            return [register_view(self._register(call, data["register"]), call.roles)]
        ruling = self._rules.in_force(call.org, self._clock.now())
        return [register_view(register, call.roles) for register in ruling.rules.registers]

    def _keep_secret(self, call: Caller, code: str | None, query: dict[str, Any]) -> None:
        """Let nobody find out by searching what stands in records they may not read."""
        registers = self._rules.in_force(call.org, self._clock.now()).rules.registers
        if code is not None:
            for register in registers:
                if register.code == code:
                    admitted(register, call)
            return
        hidden = [
            register.code
            for register in registers
            if register.confidential is not None and not call.roles.intersection(register.confidential.roles)
        ]
        if hidden:
            query["register"] = {"$nin": hidden}

    def _held(self, call: Caller, data: Mapping[str, Any]) -> list[str]:
        """Return which versions held on a day; ValidationFailed where records are no versions of anything."""
        register = None if data["register"] is None else self._register(call, data["register"])
        if register is None or register.succession is None:
            raise ValidationFailed("held_on goes with a register whose records are versions of something")
        # Only what all versions of a thing share may be chosen by before it is known which of them held.
        rule, day = register.succession, data["held_on"]
        wanted = [token(code, value) for code, value in data["where"].items() if code in rule.of]
        begun = {"org": call.org, "register": register.code, **begun_query(rule)}
        if wanted:
            begun["tokens"] = {"$all": wanted}
        return holding_on(rule, day, self._records.rows(begun))

    def _over(self, call: Caller, code: str | None) -> list[dict[str, Any]]:
        """Return the conditions of records that nobody has to keep any longer; ValidationFailed where none ever are."""
        now = self._clock.now()
        found = [
            {
                "register": register.code,
                "closed_at": {"$lte": years_before(now, register.retention.years)},
                "destroyed_at": None,
            }
            for register in self._rules.in_force(call.org, now).rules.registers
            if register.retention is not None and code in (None, register.code)
        ]
        if not found:
            raise ValidationFailed("no rule says how long such records are kept")
        return found

    def _register(self, call: Caller, code: str) -> Register:
        return register_of(self._rules.in_force(call.org, self._clock.now()), code)

    def _query(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        query: dict[str, Any] = {"org": call.org}
        if data["register"] is not None:
            query["register"] = data["register"]
        bounds = {"$gte": data["opened_from"], "$lt": data["opened_before"]}
        given = {operator: bound for operator, bound in bounds.items() if bound is not None}
        if given:
            query["opened_at"] = given
        return query


def _as_text(sums: Mapping[str, Decimal]) -> dict[str, str]:
    return {code: str(value) for code, value in sums.items()}


def admitted(register: Register, call: Caller) -> str | None:
    """Return by which role the caller may read what is confidential; None when nothing is.

    Raises RuleRefused for everybody else.
    """
    rule = register.confidential
    if rule is None:
        return None
    held = sorted(call.roles.intersection(rule.roles))
    if not held:
        raise RuleRefused(f"{register.name} is confidential", rule=rule.source)
    return held[0]
