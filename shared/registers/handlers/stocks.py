"""Moving balances with records: taken before the record is written, given after it, finished whatever dies between."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from shared.acting import Caller
from shared.clock import Clock
from shared.errors import Conflict, KefuError
from shared.history import Cause
from shared.registers.record import Record
from shared.registers.stock import Balance, Change, Withdrawn

if TYPE_CHECKING:
    from shared.mongo.registers import BalancesKept, RecordsKept

_ATTEMPTS = 20
_BATCH = 100
#: How long a step may take before somebody else finishes it.
_GRACE = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Again:
    """A call as it was, to be made once more."""

    org: str
    actor: str
    key: str
    roles: frozenset[str]
    traceparent: str | None


class Stocks:
    """Keeps balances and records in step.

    What a step takes is reserved before the record is written, so that two can never take the same; what it
    gives is added after, so that nobody takes what is not there. Both are done once for each command.

    A step that took too long is repeated by the timer, which is harmless while the first is still at it. What a
    repeat refuses is given back, but only after the record was fenced: a first one that was merely slow finds its
    record moved on, or its id taken, and cannot write what no longer has its stock.
    """

    def __init__(self, records: RecordsKept, balances: BalancesKept, clock: Clock) -> None:
        """Use what keeps records and balances."""
        self._records, self._balances, self._clock = records, balances, clock

    def reserve(
        self, changes: Sequence[Change], call: Caller, cause: Cause, intent: Mapping[str, Any]
    ) -> None:
        """Take what ``changes`` take; RuleRefused, with nothing taken, where there is not enough."""
        whole = {
            **intent,
            "org": call.org,
            "actor": call.actor,
            "roles": sorted(call.roles),
            "traceparent": call.traceparent,
        }
        for change in changes:
            if change.amount < 0:
                self._change(change, call.org, call.key, cause, intent=whole)

    def release(self, changes: Sequence[Change], call: Caller, cause: Cause) -> None:
        """Give back what ``changes`` took for a step that was refused."""
        now = self._clock.now()
        for change in changes:
            self._each(change.balance_id, call.org, lambda balance: balance.release(call.key, now, cause))

    def settle(self, record: Record) -> None:
        """Let the balances know of all that the record's steps changed."""
        if not record.owed:
            return
        for owed in record.owed:
            cause = Cause(owed.key, "system")
            change = Change(
                owed.balance_id,
                owed.stock,
                owed.item,
                owed.place,
                Decimal(owed.amount),
                owed.source,
                owed.told,
            )
            self._change(change, record.org, owed.key, cause, settled=True)
        done = {(owed.key, owed.balance_id) for owed in record.owed}
        for _ in range(_ATTEMPTS):
            latest = self._records.get(record.id, record.org)
            if latest is None:
                return
            since = latest.history.next_seq
            latest.owed = [owed for owed in latest.owed if (owed.key, owed.balance_id) not in done]
            latest.owed_since = self._clock.now() if latest.owed else None
            try:
                self._records.save(latest, since_seq=since)
            except Conflict:
                continue
            return

    def catch_up(self, repeat: Callable[[Again, Mapping[str, Any]], object]) -> bool:
        """Finish what was left half done; ``repeat`` makes a call again. Return whether there may be more at once."""
        before = self._clock.now() - _GRACE
        owing = self._records.owing(before, _BATCH)
        for record in owing:
            self.settle(record)
        unfinished = self._balances.unfinished(before, _BATCH)
        for balance in unfinished:
            for each in balance.reserved:
                if each.at < before:
                    self._finish(balance, each.key, each.intent, repeat)
        for balance in self._balances.full(_BATCH):
            self._turn_over(balance)
        return len(owing) == _BATCH or len(unfinished) == _BATCH

    def _finish(
        self,
        balance: Balance,
        key: str,
        intent: Mapping[str, Any],
        repeat: Callable[[Again, Mapping[str, Any]], object],
    ) -> None:
        call = Again(balance.org, intent["actor"], key, frozenset(intent["roles"]), intent["traceparent"])
        try:
            repeat(call, intent)
        except KefuError as error:
            if error.transient and not isinstance(error, Conflict | Withdrawn):
                raise
        record_id, org = intent["record_id"], balance.org
        if not self._written(record_id, org, key):
            # Whoever is still at it, however slowly, must neither write with what is given back nor take it again.
            self._each(balance.id, org, lambda latest: latest.withdraw(key))
            self._records.fence(record_id, org)
        now, cause = self._clock.now(), Cause(key, "system")
        if self._written(record_id, org, key):
            self._each(balance.id, org, lambda latest: latest.settle(key))
        else:
            self._each(balance.id, org, lambda latest: latest.release(key, now, cause))

    def _latest(self, balance_id: str, org: str) -> Balance | None:
        """Return the volume of a balance that is written in; one that was closed and not carried over yet is."""
        balance = self._balances.get(balance_id, org)
        while balance is not None and balance.closed:
            following = self._balances.get(balance.next_id, org)
            if following is None:
                self._balances.insert(balance.carried_over())
                following = self._balances.get(balance.next_id, org)
            balance = following
        return balance

    def _turn_over(self, balance: Balance) -> None:
        """Close a full volume and begin the next; whoever changed it meanwhile leaves it to the next round."""
        since = balance.history.next_seq
        try:
            if not balance.closed:
                if not balance.close():
                    return
                self._balances.save(balance, since_seq=since)
                balance.version += 1
            self._latest(balance.id, balance.org)
            balance.full = None
            self._balances.save(balance, since_seq=since)
        except Conflict:
            return

    def _written(self, record_id: str, org: str, key: str) -> bool:
        record = self._records.get(record_id, org)
        return record is not None and any(answer.key == key for answer in record.answers)

    def _change(
        self,
        change: Change,
        org: str,
        key: str,
        cause: Cause,
        *,
        intent: Mapping[str, Any] | None = None,
        settled: bool = False,
    ) -> None:
        now = self._clock.now()

        def step(balance: Balance) -> None:
            balance.change(key, change, now, cause, intent=intent)
            if settled:
                balance.settle(key)

        self._each(change.balance_id, org, step, change)

    def _each(
        self, balance_id: str, org: str, step: Callable[[Balance], None], change: Change | None = None
    ) -> None:
        for _ in range(_ATTEMPTS):
            balance = self._latest(balance_id, org)
            if balance is None:
                if change is None:
                    return
                balance = Balance(
                    id=balance_id,
                    org=org,
                    stock=change.stock,
                    item=change.item,
                    place=change.place,
                    told=change.told,
                )
                step(balance)
                if self._balances.insert(balance):
                    return
                continue
            since, was = balance.history.next_seq, (balance.reserved, list(balance.processed))
            step(balance)
            if balance.history.next_seq == since and was == (balance.reserved, balance.processed):
                return
            try:
                self._balances.save(balance, since_seq=since)
            except Conflict:
                continue
            return
        raise Conflict(f"{balance_id} keeps being changed by others: try again")
