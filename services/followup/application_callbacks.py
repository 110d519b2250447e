"""The composition of what callbacks are made for beside cases, of their lists, and of those of every period."""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass

from services.followup.callbacks_kept import CallbacksKept
from services.followup.domain.rulebook import FollowupRules
from services.followup.handlers.calling import AgreeCalls
from services.followup.handlers.consequences import Reaction
from services.followup.handlers.people import People
from services.followup.handlers.periodic import MakePeriodicCallbacks
from services.followup.handlers.scheduling import Scheduler
from services.followup.handlers.triggers import CallBack, NoteOccasions
from services.followup.handlers.when import CallTimes
from services.followup.occasions_kept import OccasionsKept, RequestsKnown, RoundsKept
from shared.mongo.runtime import Runtime
from shared.regulations import Rulebooks


@dataclass(frozen=True, slots=True)
class CallbackCases:
    """The use cases of callbacks that need no case."""

    agree: AgreeCalls
    note_occasion: NoteOccasions
    make_periodic: MakePeriodicCallbacks


def build_callbacks(
    runtime: Runtime,
    rulebooks: Rulebooks[FollowupRules],
    kept: CallbacksKept,
    scheduler: Scheduler,
    times: CallTimes,
    people: People,
    reactions: MutableMapping[tuple[str, str], list[Reaction]],
) -> CallbackCases:
    """Wire them, ensure their indexes, and add what follows from events to ``reactions``."""
    occasions = OccasionsKept(runtime)
    occasions.ensure_indexes()
    call_back = CallBack(kept, occasions, RequestsKnown(runtime), scheduler)
    for source, kind, reaction in (
        ("intake", "request_opened", call_back.request_opened),
        ("intake", "request_closed", call_back.request_closed),
        ("followup", "occasion_noted", call_back.occasion_noted),
        ("followup", "callback_given_up", call_back.callback_failed),
        ("followup", "callback_unsatisfied", call_back.callback_failed),
    ):
        reactions.setdefault((source, kind), []).append(reaction)
    return CallbackCases(
        agree=AgreeCalls(kept, rulebooks, times, runtime.clock),
        note_occasion=NoteOccasions(occasions, runtime.clock),
        make_periodic=MakePeriodicCallbacks(
            people, kept, RoundsKept(runtime), scheduler, rulebooks, runtime.clock, runtime.ids
        ),
    )
