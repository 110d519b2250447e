"""The part of the composition root that care is built in."""

from __future__ import annotations

from dataclasses import dataclass

from services.followup.care_kept import CampaignsKept, MessagesKept
from services.followup.domain.rulebook import FollowupRules
from services.followup.handlers.campaigns import Campaigns
from services.followup.handlers.campaigns_pages import Pages
from services.followup.handlers.message_reports import MessageReports
from services.followup.handlers.people import People
from shared.mongo.registers import RecordsKept
from shared.mongo.runtime import Runtime
from shared.registers.handlers.keeping import KeepRegisters
from shared.regulations import Rulebooks
from shared.ruling import Rules


@dataclass(frozen=True, slots=True)
class Care:
    """What the entry points about care call."""

    campaigns: Campaigns
    reports: MessageReports


def build_care(
    runtime: Runtime,
    rulebooks: Rulebooks[FollowupRules],
    rules: Rules[FollowupRules],
    people: People,
    registers: KeepRegisters,
    records: RecordsKept,
) -> Care:
    """Ensure the indexes and wire the use cases."""
    campaigns, messages = CampaignsKept(runtime), MessagesKept(runtime)
    campaigns.ensure_indexes()
    messages.ensure_indexes()
    pages = Pages(messages, registers, records, people)
    return Care(
        campaigns=Campaigns(campaigns, messages, pages, people, rulebooks, rules, runtime.clock),
        reports=MessageReports(messages, rulebooks, runtime.clock),
    )
