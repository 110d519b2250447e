"""The composition root of the complaints service: builds its use cases once, at start."""

from __future__ import annotations

from dataclasses import dataclass

from services.complaints.handlers.events import TakeCallbacks, TakeContacts
from services.complaints.handlers.handling import HandleCases
from services.complaints.handlers.looking import LookUpCases
from services.complaints.handlers.opening import OpenCases, Rules
from services.complaints.handlers.recomputing import RecomputeClocks
from services.complaints.handlers.ticking import FireClocks
from services.complaints.repository import CaseRepository
from services.complaints.rulebook import load_rulebooks
from shared.mongo.runtime import Runtime
from shared.worktime.calendars import Calendars


@dataclass(frozen=True, slots=True)
class Application:
    """Everything the entry points call."""

    take_contacts: TakeContacts
    take_callbacks: TakeCallbacks
    handle: HandleCases
    look_up: LookUpCases
    fire_clocks: FireClocks
    recompute_clocks: RecomputeClocks


def build(runtime: Runtime) -> Application:
    """Load the rulebooks, ensure the indexes and wire the use cases; raises if a rulebook is wrong."""
    rulebooks, calendars = load_rulebooks(runtime.settings.organisations_dir), Calendars()
    rules = Rules(rulebooks, calendars)
    repository = CaseRepository(runtime)
    repository.ensure_indexes()
    return Application(
        take_contacts=TakeContacts(OpenCases(repository, rules, runtime.clock)),
        take_callbacks=TakeCallbacks(repository, rules, runtime.clock),
        handle=HandleCases(repository, rules, runtime.clock),
        look_up=LookUpCases(repository, rules),
        fire_clocks=FireClocks(
            repository,
            runtime.clock,
            runtime.ids,
            digest_above=runtime.settings.clock_digest_above,
        ),
        recompute_clocks=RecomputeClocks(
            repository,
            rules,
            runtime.clock,
            runtime.ids,
            current=[
                f"{organisation.id}/{calendars.by_name(organisation.calendar).version}"
                for organisation in rulebooks.organisations
            ],
            digest_above=runtime.settings.clock_digest_above,
        ),
    )
