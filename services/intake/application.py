"""The composition root of the intake service: builds its use cases once, at start."""

from __future__ import annotations

from dataclasses import dataclass

from services.intake.handlers.desk import Desk
from services.intake.handlers.receive import ReceiveEvents
from services.intake.handlers.registering import Registrar
from services.intake.handlers.requests import HandleRequests
from services.intake.handlers.requests_opening import Openings
from services.intake.handlers.requests_reading import LookUpRequests
from services.intake.handlers.ruling import Rules
from services.intake.handlers.ticking import FireClocks, Recompute, Ticked
from services.intake.repository import IntakeRepository
from services.intake.requests_kept import RequestsKept
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
    requests: HandleRequests
    openings: Openings
    look_up_requests: LookUpRequests


def build(runtime: Runtime) -> Application:
    """Load the rulebooks, ensure the indexes and wire the use cases; raises if a rulebook is wrong."""
    rulebooks = load_rulebooks(runtime.settings.organisations_dir)
    repository = IntakeRepository(runtime)
    repository.ensure_indexes()
    rules = Rules(rulebooks, Calendars())
    requests = RequestsKept(runtime)
    openings = Openings(requests, repository, rules, runtime.clock)
    timed: list[Ticked] = [requests]
    digest_above = runtime.settings.clock_digest_above
    registrar = Registrar(repository, runtime.clock, runtime.ids, openings)
    return Application(
        receive=ReceiveEvents(repository, registrar, rulebooks, runtime.clock),
        desk=Desk(repository, registrar, rulebooks, runtime.clock),
        fire_clocks=FireClocks(timed, runtime.clock, runtime.ids, digest_above=digest_above),
        recompute_clocks=Recompute(timed, rules, runtime.clock, runtime.ids, digest_above=digest_above),
        requests=HandleRequests(requests, repository, rules, runtime.clock),
        openings=openings,
        look_up_requests=LookUpRequests(requests, rules, runtime.clock),
    )
