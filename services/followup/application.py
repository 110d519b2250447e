"""The composition root of the followup service: builds its use cases once, at start."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from services.followup.application_callbacks import CallbackCases, build_callbacks
from services.followup.application_care import Care, build_care
from services.followup.application_contacts import build_contacts
from services.followup.application_quality import Quality, quality
from services.followup.application_surveys import SurveyApplication, build_surveys
from services.followup.application_talks import Talks, build_talks
from services.followup.handlers.consequences import Consequences, Reaction
from services.followup.handlers.contact_reading import ReadContacts
from services.followup.handlers.desk import Desk
from services.followup.handlers.firing import FireClocks
from services.followup.handlers.following import FollowCases
from services.followup.handlers.forgetting import ForgetErased
from services.followup.handlers.measures import Measures
from services.followup.handlers.observing import ShowCallbacks
from services.followup.handlers.people import People
from services.followup.handlers.remedying import OpenMeasures
from services.followup.handlers.scheduling import Scheduler, check_calendars
from services.followup.handlers.when import CallTimes
from services.followup.people_kept import PeopleKept
from services.followup.repository import FollowupRepository
from services.followup.rulebook import load_rulebooks
from shared.mongo.registering import build_registers
from shared.mongo.runtime import Runtime
from shared.observing import Observe
from shared.registers.handlers.forgetting import ForgetInRecords
from shared.registers.handlers.keeping import KeepRegisters
from shared.registers.handlers.looking import LookOverRegisters
from shared.registers.handlers.reading import ReadRegisters
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
    callbacks: CallbackCases
    people: People
    consequences: Consequences
    measures: Measures
    talks: Talks
    contacts: ReadContacts
    surveys: SurveyApplication
    quality: Quality
    care: Care
    keep_registers: KeepRegisters
    read_registers: ReadRegisters
    look_over_registers: LookOverRegisters
    observe: Observe

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
    known = PeopleKept(runtime)
    known.ensure_indexes()
    people = People(known, runtime.clock)
    scheduler = Scheduler(rulebooks, calendars, runtime.clock, people.get)
    rules = Rules(rulebooks, calendars)
    clock, ids, digest_above = runtime.clock, runtime.ids, runtime.settings.clock_digest_above
    registers = build_registers(runtime, rules, people=CUSTOMERS_AND_CONTACTS, known=people.known)
    records = registers.records
    timed: list[Ticked] = [records]
    measures = Measures(registers.keep)
    reactions: dict[tuple[str, str], list[Reaction]] = {}
    kept, times = repository.callbacks_kept, CallTimes(rulebooks, calendars)
    callbacks = build_callbacks(runtime, rulebooks, kept, scheduler, times, people, reactions)
    talks = build_talks(runtime, repository, rulebooks, rules, people, scheduler)
    reactions["followup", "callback_remedied"] = [OpenMeasures(rulebooks, measures)]
    contacts = build_contacts(runtime, rules, records, people, timed, reactions)
    surveys = build_surveys(runtime, rules, people, measures, records, repository)
    timed += surveys.timed
    forget = ForgetErased(ForgetInRecords(records, rules), kept, surveys.asked, rules)
    reactions["intake", "personal_data_erased"] = [forget]
    reactions["followup", "survey_changed"] = [surveys.outcome.changed]
    reactions["followup", "survey_low"] = [surveys.outcome.low]
    checks = quality(runtime, rules, people, measures)
    timed += checks.timed
    for event, reaction in checks.reactions:
        reactions.setdefault(event, []).append(reaction)
    return Application(
        follow=FollowCases(repository, scheduler, clock, ids),
        timers=(
            FireClocks(repository, clock, ids, digest_above=digest_above),
            FireTimed(timed, clock, ids, digest_above=digest_above),
            talks.make_batches,
            surveys.ask,
        ),
        recompute_clocks=Recompute([*timed, kept], rules, clock, ids, digest_above=digest_above),
        desk=Desk(repository, rulebooks, clock, times),
        callbacks=callbacks,
        people=people,
        consequences=Consequences(people, reactions),
        measures=measures,
        talks=talks,
        contacts=contacts,
        surveys=surveys,
        quality=checks,
        care=build_care(runtime, rulebooks, rules, people, registers.keep, records),
        keep_registers=registers.keep,
        read_registers=registers.read,
        look_over_registers=registers.look_over,
        observe=Observe([ShowCallbacks(kept, rulebooks)], clock),
    )
