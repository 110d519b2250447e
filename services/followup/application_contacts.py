"""The part of the composition root that counts contacts and answers for their quotas."""

from __future__ import annotations

from services.followup.contacts_kept import StandingsKept, TalliesKept
from services.followup.domain.rulebook import FollowupRules
from services.followup.handlers.consequences import Reaction
from services.followup.handlers.contact_counting import CountContacts
from services.followup.handlers.contact_reading import ReadContacts
from services.followup.handlers.people import People
from shared.mongo.registers import RecordsKept
from shared.mongo.runtime import Runtime
from shared.ruling import Rules
from shared.ticking import Ticked

#: What happens to a record that may make it count, or count no more.
_WRITTEN = ("record_opened", "record_acted", "record_corrected")


def build_contacts(
    runtime: Runtime,
    rules: Rules[FollowupRules],
    records: RecordsKept,
    people: People,
    timed: list[Ticked],
    reactions: dict[tuple[str, str], list[Reaction]],
) -> ReadContacts:
    """Ensure the indexes, let the counting react to records and its clocks fire, and return what is asked."""
    tallies, standings = TalliesKept(runtime), StandingsKept(runtime)
    tallies.ensure_indexes()
    standings.ensure_indexes()
    timed.append(standings)
    count = CountContacts(records, people, tallies, standings, rules, runtime.clock)
    for kind in _WRITTEN:
        reactions.setdefault(("followup", kind), []).append(count)
    return ReadContacts(people, tallies, standings, rules, runtime.clock)
