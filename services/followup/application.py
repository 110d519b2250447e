"""The composition root of the followup service: builds its use cases once, at start."""

from __future__ import annotations

from dataclasses import dataclass

from services.followup.handlers.desk import Desk
from services.followup.handlers.firing import FireClocks
from services.followup.handlers.following import FollowCases
from services.followup.handlers.scheduling import Scheduler, check_calendars
from services.followup.repository import FollowupRepository
from services.followup.rulebook import load_rulebooks
from shared.mongo.runtime import Runtime
from shared.worktime import Calendars


@dataclass(frozen=True, slots=True)
class Application:
    """Everything the entry points call."""

    follow: FollowCases
    fire_clocks: FireClocks
    desk: Desk


def build(runtime: Runtime) -> Application:
    """Load the rulebooks, ensure the indexes and wire the use cases; raises if a rulebook is wrong."""
    rulebooks = load_rulebooks(runtime.settings.organisations_dir)
    calendars = Calendars()
    check_calendars(rulebooks.organisations, calendars)
    repository = FollowupRepository(runtime)
    repository.ensure_indexes()
    scheduler = Scheduler(rulebooks, calendars, runtime.clock)
    return Application(
        follow=FollowCases(repository, scheduler, runtime.clock, runtime.ids),
        fire_clocks=FireClocks(
            repository,
            runtime.clock,
            runtime.ids,
            digest_above=runtime.settings.clock_digest_above,
        ),
        desk=Desk(repository, rulebooks, runtime.clock),
    )
