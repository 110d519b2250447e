"""The composition root of the intake service: builds its use cases once, at start."""

from __future__ import annotations

from dataclasses import dataclass

from services.intake.handlers.desk import Desk
from services.intake.handlers.receive import ReceiveEvents
from services.intake.handlers.registering import Registrar
from services.intake.handlers.registers.keeping import KeepRegisters
from services.intake.handlers.registers.looking import LookOverRegisters
from services.intake.handlers.registers.reading import ReadRegisters
from services.intake.handlers.registers.stocks import Stocks
from services.intake.handlers.ruling import Rules
from services.intake.handlers.ticking import FireClocks, Recompute, Ticked
from services.intake.registers_kept import BalancesKept, RecordsKept
from services.intake.repository import IntakeRepository
from services.intake.rulebook import load_rulebooks
from shared.mongo.runtime import Runtime
from shared.worktime.calendars import Calendars


@dataclass(frozen=True, slots=True)
class Application:
    """Everything the entry points call."""

    receive: ReceiveEvents
    desk: Desk
    fire_clocks: FireClocks
    recompute_clocks: Recompute
    keep_registers: KeepRegisters
    read_registers: ReadRegisters
    look_over_registers: LookOverRegisters


def build(runtime: Runtime) -> Application:
    """Load the rulebooks, ensure the indexes and wire the use cases; raises if a rulebook is wrong."""
    rulebooks = load_rulebooks(runtime.settings.organisations_dir)
    repository = IntakeRepository(runtime)
    repository.ensure_indexes()
    rules = Rules(rulebooks, Calendars())
    records, balances = RecordsKept(runtime), BalancesKept(runtime)
    records.ensure_indexes()
    balances.ensure_indexes()
    stocks = Stocks(records, balances, runtime.clock)
    timed: list[Ticked] = [records]
    digest_above = runtime.settings.clock_digest_above
    registrar = Registrar(repository, runtime.clock, runtime.ids)
    return Application(
        receive=ReceiveEvents(repository, registrar, rulebooks, runtime.clock),
        desk=Desk(repository, registrar, rulebooks, runtime.clock),
        fire_clocks=FireClocks(timed, runtime.clock, runtime.ids, digest_above=digest_above),
        recompute_clocks=Recompute(timed, rules, runtime.clock, runtime.ids, digest_above=digest_above),
        keep_registers=KeepRegisters(records, stocks, repository, rules, rulebooks, runtime.clock),
        read_registers=ReadRegisters(records, balances, rules, runtime.clock),
        look_over_registers=LookOverRegisters(records, rules, runtime.clock),
    )
