"""Balances (库存): how much of an item there is in a place; never below zero."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from shared.aggregate import Aggregate
from shared.errors import RuleRefused, Unavailable
from shared.history import Cause, timestamp
from shared.ids import derived_id
from shared.registers.definition import BalanceRule, Register
from shared.registers.words import Move

#: How many changes a volume of a balance holds; a document has to stay small, for it is written whole.
FULL = 500
_VOLUME = "-"


@dataclass(frozen=True, slots=True)
class Change:
    """What one step adds to, or takes from, one balance."""

    balance_id: str
    stock: str
    item: str
    place: str | None
    amount: Decimal
    source: str
    #: Whether the item's code may stand in an event; a text may not.
    told: bool


@dataclass(frozen=True, slots=True)
class Reserved:
    """An amount taken for a step that is not known to be written: what was called, so that it can be finished."""

    key: str
    amount: Decimal
    at: datetime
    intent: dict[str, Any]
    #: Whoever took it is given up: the step must not be written with it any more.
    withdrawn: bool = False


class Withdrawn(Unavailable):
    """What was taken for a step is just being given back: it can be taken anew in a moment."""


@dataclass(kw_only=True)
class Balance(Aggregate):
    """How much of one item there is in one place.

    It is kept in volumes (册): one that is ``full`` is closed, kept as it is, and carried over into the next.
    Of the commands it has applied the next one knows those of the volume before: older ones are long settled.
    """

    stock: str
    item: str
    place: str | None = None
    told: bool = False
    quantity: Decimal = Decimal(0)
    reserved: list[Reserved] = field(default_factory=list)
    reserved_since: datetime | None = None
    volume: int = 1
    known_before: int = 0
    full: bool | None = None
    closed: bool = False

    @property
    def book(self) -> str:
        """Return the id that all its volumes have in common."""
        return self.id.partition(_VOLUME)[0]

    @property
    def next_id(self) -> str:
        """Return the id of the next volume."""
        return f"{self.book}{_VOLUME}{self.volume + 1}"

    def close(self) -> bool:
        """Close a full volume for good; return False while a step is under way in it."""
        if self.reserved:
            return False
        self.closed = True
        return True

    def carried_over(self) -> Balance:
        """Return the volume after this closed one."""
        known = self.processed[self.known_before :]
        return Balance(
            id=self.next_id,
            org=self.org,
            stock=self.stock,
            item=self.item,
            place=self.place,
            told=self.told,
            quantity=self.quantity,
            volume=self.volume + 1,
            processed=list(known),
            known_before=len(known),
        )

    def change(
        self, key: str, change: Change, at: datetime, cause: Cause, *, intent: Mapping[str, Any] | None = None
    ) -> None:
        """Add ``change`` once for ``key``; with ``intent`` it is only reserved until ``settle`` or ``release``.

        Raises RuleRefused, naming the rule of the register, when less would be left than nothing.
        """
        if self.has_processed(key):
            if intent is not None and any(each.key == key and each.withdrawn for each in self.reserved):
                raise Withdrawn("this took so long that it is being given back: try again in a moment")
            return
        left = self.quantity + change.amount
        if left < 0:
            message = f"only {self.quantity} of {self.stock} is left, {-change.amount} is asked for"
            details = {"balance_id": self.book, "left": str(self.quantity)}
            raise RuleRefused(message, rule=change.source, details=details)
        self.mark_processed(key)
        if intent is not None:
            self.reserved.append(Reserved(key, change.amount, at, dict(intent)))
            self._remember()
        self._put(left, change.amount, at, cause)

    def withdraw(self, key: str) -> None:
        """Let nobody write the step that ``key`` took for, unless it is written already."""
        self.reserved = [replace(each, withdrawn=True) if each.key == key else each for each in self.reserved]

    def settle(self, key: str) -> None:
        """Take what was reserved for ``key`` as done."""
        self.reserved = [each for each in self.reserved if each.key != key]
        self._remember()

    def release(self, key: str, at: datetime, cause: Cause) -> None:
        """Give back what was reserved for ``key``; nothing when it is settled."""
        for each in [each for each in self.reserved if each.key == key]:
            self.processed.remove(key)
            self.settle(key)
            self._put(self.quantity - each.amount, -each.amount, at, cause)

    def _remember(self) -> None:
        self.reserved_since = min((each.at for each in self.reserved), default=None)

    def _put(self, quantity: Decimal, change: Decimal, at: datetime, cause: Cause) -> None:
        self.quantity = quantity
        if len(self.history) + 1 >= FULL:
            self.full = True
        data = {
            "balance_id": self.book,
            "stock": self.stock,
            "item": self.item if self.told else None,
            "change": str(change),
            "quantity": str(quantity),
            "at": timestamp(at),
        }
        self.record("balance_changed", data, at=at, cause=cause)


def balance_id(org: str, stock: str, item: str, place: str | None) -> str:
    """Return the id of the balance of ``item`` in ``place``."""
    return derived_id("bl", org, stock, item, place or "")


def changes_of(register: Register, org: str, step: str, values: Mapping[str, Any]) -> list[Change]:
    """Return what ``step`` does to balances, those of one balance added up, in the order of their ids."""
    rule = register.balance
    if rule is None:
        return []
    found: dict[str, Change] = {}
    for move in rule.moves:
        if move.at != step:
            continue
        for row in values.get(rule.rows) or [] if rule.rows is not None else [values]:
            quantity = row.get(move.quantity)
            item = row.get(rule.item)
            if quantity is None or item is None:
                continue
            amount = Decimal(quantity)
            if amount < 0:
                raise RuleRefused("a quantity moved cannot be below 0", rule=rule.source)
            here = _place(rule.place, row, values)
            legs = [(here, amount if move.kind is Move.IN else -amount)]
            if move.kind is Move.TRANSFER:
                legs.append((_place(move.to_place, row, values), amount))
            for place, leg in legs:
                _add(found, register, rule, org, str(item), place, leg)
    return [found[key] for key in sorted(found)]


def _place(code: str | None, row: Mapping[str, Any], values: Mapping[str, Any]) -> str | None:
    return None if code is None else row.get(code, values.get(code))


def _add(
    found: dict[str, Change],
    register: Register,
    rule: BalanceRule,
    org: str,
    item: str,
    place: str | None,
    amount: Decimal,
) -> None:
    key = balance_id(org, rule.stock, item, place)
    before = found[key].amount if key in found else Decimal(0)
    found[key] = Change(key, rule.stock, item, place, before + amount, rule.source, _told(register, rule))


def _told(register: Register, rule: BalanceRule) -> bool:
    rows = register.field(rule.rows) if rule.rows is not None else None
    fields = rows.fields if rows is not None else register.fields
    return any(field.code == rule.item and bool(field.options) for field in fields)
