"""Builds the registers of a service: where they are kept, and what is done with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from shared.mongo.registers import BalancesKept, RecordsKept
from shared.mongo.runtime import Runtime
from shared.mongo.serials import Serials
from shared.registers.handlers.keeping import KeepRegisters
from shared.registers.handlers.looking import LookOverRegisters
from shared.registers.handlers.reading import ReadRegisters
from shared.registers.handlers.stocks import Stocks
from shared.registers.lookup import Known, nothing_known
from shared.ruling import Rules


@dataclass(frozen=True, slots=True)
class Registers:
    """The registers of one service; ``records`` have clocks and belong to what its timer fires."""

    records: RecordsKept
    balances: BalancesKept
    keep: KeepRegisters
    read: ReadRegisters
    look_over: LookOverRegisters


def build_registers(
    runtime: Runtime, rules: Rules[Any], *, people: tuple[str, ...], known: Known = nothing_known
) -> Registers:
    """Ensure the indexes and wire the use cases; ``people`` is for RecordsKept, ``known`` for KeepRegisters."""
    records, balances = RecordsKept(runtime, people=people), BalancesKept(runtime)
    records.ensure_indexes()
    balances.ensure_indexes()
    stocks = Stocks(records, balances, runtime.clock)
    return Registers(
        records=records,
        balances=balances,
        keep=KeepRegisters(records, stocks, Serials(runtime), rules, runtime.clock, known),
        read=ReadRegisters(records, balances, rules, runtime.clock),
        look_over=LookOverRegisters(records, rules, runtime.clock),
    )
