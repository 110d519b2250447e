"""The composition root of the complaints service: builds its use cases once, at start."""

from __future__ import annotations

from dataclasses import dataclass

from services.complaints.handlers.events import TakeCallbacks, TakeContacts
from services.complaints.handlers.handling import HandleCases
from services.complaints.handlers.looking import LookUpCases
from services.complaints.handlers.opening import OpenCases, Rules
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


def build(runtime: Runtime) -> Application:
    """Load the rulebooks, ensure the indexes and wire the use cases; raises if a rulebook is wrong."""
    rules = Rules(load_rulebooks(runtime.settings.organisations_dir), Calendars())
    repository = CaseRepository(runtime)
    repository.ensure_indexes()
    return Application(
        take_contacts=TakeContacts(OpenCases(repository, rules, runtime.clock)),
        take_callbacks=TakeCallbacks(repository, rules, runtime.clock),
        handle=HandleCases(repository, rules, runtime.clock),
        look_up=LookUpCases(repository, rules),
        fire_clocks=FireClocks(repository, runtime.clock, runtime.ids),
    )
