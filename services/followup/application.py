"""The composition root of the followup service: builds its use cases once, at start."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from services.followup.handlers.consequences import Consequences, Reaction
from services.followup.handlers.desk import Desk
from services.followup.handlers.firing import FireClocks
from services.followup.handlers.following import FollowCases
from services.followup.handlers.measures import Measures
from services.followup.handlers.people import People
from services.followup.handlers.scheduling import Scheduler, check_calendars
from services.followup.people_kept import PeopleKept
from services.followup.repository import FollowupRepository
from services.followup.rulebook import load_rulebooks
from shared.mongo.registers import BalancesKept, RecordsKept
from shared.mongo.runtime import Runtime
from shared.mongo.serials import Serials
from shared.registers.handlers.keeping import KeepRegisters
from shared.registers.handlers.looking import LookOverRegisters
from shared.registers.handlers.reading import ReadRegisters
from shared.registers.handlers.stocks import Stocks
from shared.ruling import Rules
from shared.ticking import FireClocks as FireTimed
from shared.ticking import Recompute, Ticked
from shared.worktime import Calendars

#: How the ids begin of customers, and of contacts, which lead to one.
CUSTOMERS_AND_CONTACTS = ("cu_", "ct_")


@dataclass(frozen=True, slots=True)
class Application:
    """Everything the entry points call."""

    follow: FollowCases
    #: Each is one round of the timer and returns whether there may be more at once.
    timers: tuple[Callable[[], bool], ...]
    recompute_clocks: Recompute
    desk: Desk
    people: People
    consequences: Consequences
    measures: Measures
    keep_registers: KeepRegisters
    read_registers: ReadRegisters
    look_over_registers: LookOverRegisters

    def fire_clocks(self) -> bool:
        """Fire what is due of everything that has clocks; return whether there may be more at once."""
        more = [fire() for fire in self.timers]
        return any(more)


def build(runtime: Runtime) -> Application:
    """Load the rulebooks, ensure the indexes and wire the use cases; raises if a rulebook is wrong."""
    rulebooks = load_rulebooks(runtime.settings.organisations_dir)
    calendars = Calendars()
    check_calendars(rulebooks.organisations, calendars)
    repository = FollowupRepository(runtime)
    repository.ensure_indexes()
    scheduler = Scheduler(rulebooks, calendars, runtime.clock)
    rules = Rules(rulebooks, calendars)
    clock, ids, digest_above = runtime.clock, runtime.ids, runtime.settings.clock_digest_above
    records, balances = RecordsKept(runtime, people=CUSTOMERS_AND_CONTACTS), BalancesKept(runtime)
    records.ensure_indexes()
    balances.ensure_indexes()
    timed: list[Ticked] = [records]
    keep_registers = KeepRegisters(records, Stocks(records, balances, clock), Serials(runtime), rules, clock)
    known = PeopleKept(runtime)
    known.ensure_indexes()
    people = People(known, clock)
    measures = Measures(keep_registers)
    reactions: dict[tuple[str, str], list[Reaction]] = {}
    return Application(
        follow=FollowCases(repository, scheduler, clock, ids),
        timers=(
            FireClocks(repository, clock, ids, digest_above=digest_above),
            FireTimed(timed, clock, ids, digest_above=digest_above),
        ),
        recompute_clocks=Recompute(timed, rules, clock, ids, digest_above=digest_above),
        desk=Desk(repository, rulebooks, clock),
        people=people,
        consequences=Consequences(people, reactions),
        measures=measures,
        keep_registers=keep_registers,
        read_registers=ReadRegisters(records, balances, rules, clock),
        look_over_registers=LookOverRegisters(records, rules, clock),
    )
