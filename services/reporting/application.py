"""The composition root of the reporting service: builds its use cases once, at start."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from services.reporting.application_counting import build_counting
from services.reporting.application_kpis import Kpis, build_kpis
from services.reporting.application_obligations import Obligations, build_obligations
from services.reporting.application_scorecards import build_scorecards
from services.reporting.generations_kept import Generations
from services.reporting.handlers.archive import ArchiveEvents, Reaction
from services.reporting.handlers.counting import Absorb, ReadSums
from services.reporting.handlers.figures import Figures
from services.reporting.handlers.forgetting import ForgetErased
from services.reporting.handlers.rebuilding import Rebuild
from services.reporting.handlers.reports import Reports
from services.reporting.handlers.scorecards.desk import ScorecardDesk
from services.reporting.repository import ReportingRepository
from services.reporting.rulebook import load_rulebooks
from shared.mongo.registering import build_registers
from shared.mongo.runtime import Runtime
from shared.registers.handlers.forgetting import ForgetInRecords
from shared.registers.handlers.keeping import KeepRegisters
from shared.registers.handlers.looking import LookOverRegisters
from shared.registers.handlers.reading import ReadRegisters
from shared.ruling import Rules
from shared.ticking import FireClocks, Recompute, Ticked
from shared.worktime import Calendars

#: How the ids begin of customers, and of contacts, which lead to one.
CUSTOMERS_AND_CONTACTS = ("cu_", "ct_")


@dataclass(frozen=True, slots=True)
class Application:
    """Everything the entry points call."""

    archive: ArchiveEvents
    absorb: Absorb
    rebuild: Rebuild
    figures: Figures
    reports: Reports
    #: Each is one round of the timer and returns whether there may be more at once.
    timers: tuple[Callable[[], bool], ...]
    recompute_clocks: Recompute
    obligations: Obligations
    kpis: Kpis
    scorecards: ScorecardDesk
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
    repository = ReportingRepository(runtime)
    repository.ensure_indexes()
    generations = Generations(runtime)
    counting = build_counting(repository, rulebooks, generations, runtime)
    rules = Rules(rulebooks, Calendars())
    registers = build_registers(runtime, rules, people=CUSTOMERS_AND_CONTACTS)
    organisations = [each.id for each in rulebooks.organisations]
    kpis = build_kpis(
        runtime, rulebooks, rules, organisations, ReadSums(generations), generations.now, repository
    )
    figures = Figures(repository, kpis.measuring)
    obligations = build_obligations(runtime, rules, organisations, registers.records)
    timed: list[Ticked] = [registers.records, obligations.kept]
    reactions: dict[tuple[str, str], list[Reaction]] = {
        ("intake", "personal_data_erased"): [ForgetErased(ForgetInRecords(registers.records, rules))],
    }
    for event, reaction in obligations.reactions:
        reactions.setdefault(event, []).append(reaction)
    clock, ids, digest_above = runtime.clock, runtime.ids, runtime.settings.clock_digest_above
    return Application(
        archive=ArchiveEvents(repository, runtime.clock, reactions, counting.recount),
        absorb=counting.absorb,
        rebuild=counting.rebuild,
        figures=figures,
        reports=Reports(repository, figures, runtime.clock),
        timers=(*obligations.rounds, kpis.judge, FireClocks(timed, clock, ids, digest_above=digest_above)),
        recompute_clocks=Recompute(timed, rules, clock, ids, digest_above=digest_above),
        obligations=obligations,
        kpis=kpis,
        scorecards=build_scorecards(runtime, rules, registers.records),
        keep_registers=registers.keep,
        read_registers=registers.read,
        look_over_registers=registers.look_over,
    )
