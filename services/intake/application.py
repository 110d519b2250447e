"""The composition root of the intake service: builds its use cases once, at start."""

from __future__ import annotations

from dataclasses import dataclass

from services.intake.application_accounts import AccountApplication, build_accounts
from services.intake.handlers.desk import Desk
from services.intake.handlers.receive import ReceiveEvents
from services.intake.handlers.registering import Registrar
from services.intake.handlers.ruling import Rules
from services.intake.handlers.ticking import FireClocks, Recompute, Ticked
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
    accounts: AccountApplication


def build(runtime: Runtime) -> Application:
    """Load the rulebooks, ensure the indexes and wire the use cases; raises if a rulebook is wrong."""
    rulebooks = load_rulebooks(runtime.settings.organisations_dir)
    repository = IntakeRepository(runtime)
    repository.ensure_indexes()
    rules = Rules(rulebooks, Calendars())
    timed: list[Ticked] = []
    accounts = build_accounts(runtime, rules)
    timed.extend(accounts.timed)
    digest_above = runtime.settings.clock_digest_above
    registrar = Registrar(repository, runtime.clock, runtime.ids)
    return Application(
        receive=ReceiveEvents(repository, registrar, rulebooks, runtime.clock),
        desk=Desk(repository, registrar, rulebooks, runtime.clock),
        fire_clocks=FireClocks(timed, runtime.clock, runtime.ids, digest_above=digest_above),
        recompute_clocks=Recompute(timed, rules, runtime.clock, runtime.ids, digest_above=digest_above),
        accounts=accounts,
    )
