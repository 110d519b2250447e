"""Wires the use cases about what is said and written on callbacks, and about batches of them."""

from __future__ import annotations

from dataclasses import dataclass

from services.followup.domain.rulebook import FollowupRules
from services.followup.handlers.batches import Batches, MakeBatches
from services.followup.handlers.people import People
from services.followup.handlers.recording import Records
from services.followup.handlers.scheduling import Scheduler
from services.followup.handlers.scripts import Scripts
from services.followup.records_kept import BatchesKept, RecordedCallbacks
from services.followup.repository import FollowupRepository
from shared.mongo.runtime import Runtime
from shared.regulations import Rulebooks
from shared.ruling import Rules


@dataclass(frozen=True, slots=True)
class Talks:
    """What the entry points call."""

    records: Records
    scripts: Scripts
    batches: Batches
    make_batches: MakeBatches


def build_talks(
    runtime: Runtime,
    repository: FollowupRepository,
    rulebooks: Rulebooks[FollowupRules],
    rules: Rules[FollowupRules],
    people: People,
    scheduler: Scheduler,
) -> Talks:
    """Ensure the indexes and wire the use cases."""
    recorded, batches = RecordedCallbacks(runtime, repository.callbacks_kept.read), BatchesKept(runtime)
    recorded.ensure_indexes()
    batches.ensure_indexes()
    clock = runtime.clock
    return Talks(
        records=Records(repository, recorded, rulebooks, clock),
        scripts=Scripts(repository, rulebooks, clock),
        batches=Batches(batches, recorded, people, rules, clock),
        make_batches=MakeBatches(batches, repository, scheduler, rules),
    )
