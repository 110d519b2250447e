"""Opening the records that other records open: at once after the step, or by the timer when whoever took it died."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from shared.clock import Clock
from shared.errors import Conflict, KefuError
from shared.logging import get_logger
from shared.registers.definition import Opens, Register, Succession
from shared.registers.handlers.needs import HoldsRegisters
from shared.registers.handlers.stocks import Again
from shared.registers.opening import openings_of
from shared.registers.parts import ToOpen
from shared.registers.record import Record
from shared.registers.succession import comes_before, versions_query
from shared.registers.words import SUCCESSION
from shared.ruling import Rules

if TYPE_CHECKING:
    from shared.mongo.registers import RecordsKept

log = get_logger(__name__)

_ATTEMPTS = 20
_BATCH = 100
#: How long a conflict may be one with somebody who is just writing.
_PATIENCE = timedelta(hours=1)

#: Opens a record that another one, the last argument, opens; once for the key of the call.
Open = Callable[[Again, Mapping[str, Any], str], object]
#: Takes an action on a record that another one follows; once for the key of the call.
Act = Callable[[Again, Mapping[str, Any]], object]


class Openings:
    """Keeps what records owe to other registers and what is there in step.

    A step that opens others says so in the write that carries it. What it opens has an id of its own for good, so
    that whoever comes round to it, and how often, opens it once. What cannot be opened is flagged on the record
    that should have opened it.
    """

    def __init__(
        self, records: RecordsKept, rules: Rules[HoldsRegisters], clock: Clock, open_record: Open, act: Act
    ) -> None:
        """Use what keeps records, what opens one, and what acts on one that another follows."""
        self._records, self._rules, self._clock, self._open = records, rules, clock, open_record
        self._act = act

    def settle(self, record: Record) -> None:
        """Open all that the record's steps open; what fails for now is left to the timer."""
        if not record.to_open:
            return
        done: list[ToOpen] = []
        refused: dict[str, str] = {}
        try:
            ruling = self._rules.of_version(record.org, record.regulation)
            register = ruling.rules.register(record.register)
            for owing in record.to_open:
                if owing.rule == SUCCESSION and register is not None and register.succession is not None:
                    if not self._succeed(register, register.succession, record, owing):
                        refused[SUCCESSION] = register.succession.source
                    done.append(owing)
                    continue
                rule = _rule(register, owing)
                if (
                    register is not None
                    and rule is not None
                    and not self._each(register, rule, record, owing)
                ):
                    refused[rule.code] = rule.source
                done.append(owing)
        except KefuError as error:
            log.warning("opening other records waits", record_id=record.id, error=error.code)
        if done:
            self._note(record, done, refused)

    def catch_up(self) -> bool:
        """Open what steps before left undone; return whether there may be more at once."""
        waiting = self._records.to_open(self._clock.now(), _BATCH)
        for record in waiting:
            self.settle(record)
        return False

    def _each(self, register: Register, rule: Opens, record: Record, owing: ToOpen) -> bool:
        """Open what ``rule`` opens; False when one of it is refused for good."""
        sound = True
        for key, values in openings_of(rule, register, record, owing):
            call = Again(record.org, owing.by, key, frozenset(), None)
            data = {"register": rule.register, "values": values}
            try:
                self._open(call, data, record.id)
            except KefuError as error:
                if error.transient and not self._hopeless(error, record):
                    raise
                log.warning("a record opens none", record_id=record.id, rule=rule.code, error=error.code)
                sound = False
        return sound

    def _succeed(self, register: Register, rule: Succession, record: Record, owing: ToOpen) -> bool:
        """Act on the versions before ``record``; False when one of them is refused for good."""
        sound = True
        for earlier in self._records.find(versions_query(register, rule, record)):
            if not comes_before(rule, earlier, record):
                continue
            key = f"{record.id}/{SUCCESSION}/{owing.turn}/{earlier.id}"
            call = Again(record.org, owing.by, key, frozenset(), None)
            try:
                self._act(call, {"id": earlier.id, "action": rule.then, "values": {}})
            except KefuError as error:
                if error.transient and not self._hopeless(error, record):
                    raise
                log.warning("a version does not end", record_id=earlier.id, error=error.code)
                sound = False
        return sound

    def _hopeless(self, error: KefuError, record: Record) -> bool:
        """Return whether a conflict lasts: then what the record should open is taken, and stays so."""
        since = record.to_open_since or self._clock.now()
        return isinstance(error, Conflict) and self._clock.now() - since > _PATIENCE

    def _note(self, record: Record, done: list[ToOpen], refused: Mapping[str, str]) -> None:
        for _ in range(_ATTEMPTS):
            latest = self._records.get(record.id, record.org)
            if latest is None:
                return
            since = latest.history.next_seq
            latest.opened_others(done, refused, self._clock.now())
            try:
                self._records.save(latest, since_seq=since)
            except Conflict:
                continue
            return


def _rule(register: Register | None, owing: ToOpen) -> Opens | None:
    rules = () if register is None else register.opens
    return next((rule for rule in rules if rule.code == owing.rule), None)
