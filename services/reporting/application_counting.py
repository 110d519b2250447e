"""Builds the use cases of counting: as events come, in the background, and all over again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from services.reporting.domain.case import CaseFact
from services.reporting.domain.event import ArchivedEvent
from services.reporting.domain.rulebook import ReportingRules
from services.reporting.generations_kept import Generations
from services.reporting.handlers.counting import Absorb, Count, Source
from services.reporting.handlers.rebuilding import Rebuild
from services.reporting.handlers.recounting import Recount
from services.reporting.repository import ReportingRepository
from shared.mongo.runtime import Runtime
from shared.regulations import Rulebooks


@dataclass(frozen=True, slots=True)
class Counting:
    """What counts."""

    recount: Recount
    absorb: Absorb
    rebuild: Rebuild


def build_counting(
    repository: ReportingRepository,
    rulebooks: Rulebooks[ReportingRules],
    generations: Generations,
    runtime: Runtime,
) -> Counting:
    """Wire the use cases over the archive in ``repository``; days are cut by the zones in ``rulebooks``."""

    def count_into(counts: Source, events: Sequence[ArchivedEvent], cases: Sequence[CaseFact]) -> None:
        Recount(repository, rulebooks, Count(counts))(events, cases)

    return Counting(
        recount=Recount(repository, rulebooks, Count(generations)),
        absorb=Absorb(generations),
        rebuild=Rebuild(repository, generations, count_into, runtime.clock, runtime.ids.new("rb")),
    )
