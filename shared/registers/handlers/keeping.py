"""Use cases that write registers: open a record, act on it, correct it, finish what was left half done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from shared.acting import Caller, change, create, new_id
from shared.clock import Clock
from shared.errors import Conflict, KefuError, NotFound, RuleRefused
from shared.history import Cause
from shared.numbering import number_of, series
from shared.registers.definition import Field, Register, Unique
from shared.registers.demands import Hand
from shared.registers.handlers.needs import Counting, HoldsRegisters
from shared.registers.handlers.openings import Openings
from shared.registers.handlers.stocks import Stocks
from shared.registers.lookup import Known, nothing_known, with_known
from shared.registers.record import Record
from shared.registers.sharing import shared_keys
from shared.registers.stock import Change
from shared.registers.words import DESTROY, OPENED
from shared.ruling import Rules, Ruling

if TYPE_CHECKING:
    from shared.mongo.registers import RecordsKept

#: How the ids of records begin.
PREFIX = "rd"


class KeepRegisters:
    """What people write into registers, each step once for its key."""

    def __init__(
        self,
        records: RecordsKept,
        stocks: Stocks,
        serials: Counting,
        rules: Rules[HoldsRegisters],
        clock: Clock,
        known: Known = nothing_known,
    ) -> None:
        """Use what keeps records, moves stocks and counts numbers; ``known`` of people fills what is looked up."""
        self._known = known
        self._records, self._stocks, self._serials = records, stocks, serials
        self._rules, self._clock = rules, clock
        self._openings = Openings(records, rules, clock, self._open_once, self._succeed)

    def open_record(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Open a record of the register ``data["register"]`` with ``values``."""
        return self._open(call, data, None)

    def _open_once(self, call: Caller, data: Mapping[str, Any], origin: str) -> None:
        """Open what the record ``origin`` opens, unless it is there: its values may differ by now."""
        if self._records.get(new_id(PREFIX, call), call.org) is None:
            self._open(call, data, origin)

    def _open(self, call: Caller, data: Mapping[str, Any], origin: str | None) -> dict[str, Any]:
        ruling = self._rules.in_force(call.org, self._clock.now())
        register = register_of(ruling, data["register"])
        record_id = new_id(PREFIX, call)
        changes: list[Change] = []

        def build(new: str, cause: Cause) -> Record:
            hand = self._hand(call, ruling, cause)
            # Read once without a number: what is refused takes none.
            arguments: dict[str, Any] = {
                "record_id": new,
                "org": call.org,
                "regulation": ruling.version,
                "given": with_known(register.fields, data["values"], call.org, self._known),
                "origin": origin,
            }
            record = Record.opened(register, hand, number=None, **arguments)
            self._refuse_shared(register, record)
            if register.numbering is not None:
                number = self._number(register, call.org, ruling, hand)
                record = Record.opened(register, hand, number=number, **arguments)
            self._check_links(register, record, {})
            changes[:] = record.changes(register, OPENED)
            intent = {"step": "open_record", "record_id": new, "data": dict(data), "origin": origin}
            self._move(record, changes, call, cause, intent)
            return record

        try:
            result = create(self._records, call, data, PREFIX, build, written_view)
        except KefuError as error:
            self._give_back(error, record_id, changes, call)
            raise
        self._settle(record_id, call.org)
        return result

    def _succeed(self, call: Caller, data: Mapping[str, Any]) -> None:
        """Take the action ``data["action"]`` on a record that another one follows, whoever may take it by hand."""
        self._act(call, data, succeeded=True)

    def act_on_record(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Take the action ``data["action"]`` on a record, filling ``values``."""
        return self._act(call, data, succeeded=False)

    def _act(self, call: Caller, data: Mapping[str, Any], *, succeeded: bool) -> dict[str, Any]:
        changes: list[Change] = []

        def step(record: Record, cause: Cause) -> None:
            if data["action"] == DESTROY:
                # How long it is kept is said by the rules of today, not by those it was written under.
                ruling = self._rules.in_force(call.org, self._clock.now())
                register = register_of(ruling, record.register)
                record.destroy(register, self._hand(call, ruling, cause))
                return
            ruling = self._rules.of_version(call.org, record.regulation)
            register = register_of(ruling, record.register)
            before = record.values
            given = with_known(register.fields, data["values"], call.org, self._known)
            hand = self._hand(call, ruling, cause)
            record.act(register, data["action"], given, hand, succeeded=succeeded)
            self._refuse_shared(register, record)
            self._check_links(register, record, before)
            changes[:] = record.changes(register, data["action"])
            intent = {"step": "act_on_record", "record_id": record.id, "data": dict(data)}
            self._move(record, changes, call, cause, intent)

        try:
            result = change(self._records, call, data, "record", step, written_view)
        except KefuError as error:
            self._give_back(error, data["id"], changes, call)
            raise
        self._settle(data["id"], call.org)
        return result

    def correct_record(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Put values of a record right, with a ``reason``; what stood there is kept (B-DUT-11)."""

        def step(record: Record, cause: Cause) -> None:
            ruling = self._rules.of_version(call.org, record.regulation)
            register = register_of(ruling, record.register)
            before = record.values
            given = with_known(register.fields, data["values"], call.org, self._known)
            record.correct(register, given, data["reason"], self._hand(call, ruling, cause))
            self._refuse_shared(register, record)
            self._check_links(register, record, before)

        result = change(self._records, call, data, "record", step, written_view)
        self._settle(data["id"], call.org)
        return result

    def catch_up(self) -> bool:
        """Finish steps that moved a balance or open others and died; return whether there may be more at once."""
        more = self._stocks.catch_up(self._repeat)
        return self._openings.catch_up() or more

    def _repeat(self, call: Caller, intent: Mapping[str, Any]) -> object:
        if intent["step"] == "open_record":
            return self._open(call, intent["data"], intent.get("origin"))
        return self.act_on_record(call, intent["data"])

    def _move(
        self, record: Record, changes: list[Change], call: Caller, cause: Cause, intent: Mapping[str, Any]
    ) -> None:
        if changes:
            self._stocks.reserve(changes, call, cause, intent)
            record.owe(call.key, changes)
            record.owed_since = self._clock.now()

    def _give_back(self, error: KefuError, record_id: str, changes: list[Change], call: Caller) -> None:
        """Release what a refused step took; after a failure nobody knows, and catching up finds out."""
        if not changes or (error.transient and not isinstance(error, Conflict)):
            return
        record = self._records.get(record_id, call.org)
        if record is None or all(answer.key != call.key for answer in record.answers):
            self._stocks.release(changes, call, Cause(call.key, call.actor, call.traceparent))

    def _settle(self, record_id: str, org: str) -> None:
        record = self._records.get(record_id, org)
        if record is not None:
            self._stocks.settle(record)
            self._openings.settle(record)

    def _hand(self, call: Caller, ruling: Ruling[HoldsRegisters], cause: Cause) -> Hand:
        return Hand(call.actor, call.roles, self._clock.now(), cause, ruling.calendar, ruling.zone)

    def _number(self, register: Register, org: str, ruling: Ruling[HoldsRegisters], hand: Hand) -> str | None:
        numbering = register.numbering
        if numbering is None:
            return None
        zone = ruling.zone.key
        count = series(numbering, f"{org}/{register.code}", hand.at, zone)
        serial = self._serials.reserve(count, 1)
        prefix = self._rules.number_prefix(org)
        return number_of(numbering, prefix, hand.at, zone, serial)

    def _refuse_shared(self, register: Register, record: Record) -> None:
        """Refuse what another record has already; the index keeps out who comes at the same instant."""
        shared = shared_keys(register, record.org, record.values, is_open=record.is_open)
        met = self._records.holder(list(shared), record.id)
        if met is not None:
            holder, key = met
            rule = shared[key]
            what = ", ".join(rule.fields) if isinstance(rule, Unique) else f"time of {', '.join(rule.per)}"
            message = f"another record has the same {what}"
            raise RuleRefused(message, rule=rule.source, details={"record_id": holder})

    def _check_links(self, register: Register, record: Record, before: Mapping[str, Any]) -> None:
        """Refuse links that lead nowhere; what a linked record must be like counts when the link is made."""
        for field in register.fields:
            linked = record.values.get(field.code)
            if field.register is None or linked is None:
                continue
            found = self._records.get(linked, record.org)
            if found is None or found.register != field.register:
                raise NotFound(f"there is no record {linked!r} of the register {field.register}")
            if any(record.values.get(code) != before.get(code) for code in (field.code, *field.same)):
                _must_fit(field, found, record, register.source)


def _must_fit(field: Field, found: Record, record: Record, source: str) -> None:
    """Refuse a linked record that is in no state asked for, or differs where it must be the same."""
    if field.states and found.state not in field.states:
        message = f"{field.name} is {found.state}, not {' or '.join(field.states)}"
        raise RuleRefused(message, rule=field.source or source)
    other = [code for code in field.same if found.values.get(code) != record.values.get(code)]
    if other:
        message = f"{field.name} has another {', '.join(other)}"
        raise RuleRefused(message, rule=field.source or source)


def register_of(ruling: Ruling[HoldsRegisters], code: str) -> Register:
    """Return the register called ``code``; NotFound when the rulebook has none."""
    register = ruling.rules.register(code)
    if register is None:
        raise NotFound(f"your organisation keeps no register {code!r}")
    return register


def written_view(record: Record) -> dict[str, Any]:
    """Return what a command on a record answers."""
    return {
        "record_id": record.id,
        "number": record.number,
        "state": record.state,
        "open": record.is_open,
        "flags": list(record.flags),
        "version": record.version + 1,
    }
