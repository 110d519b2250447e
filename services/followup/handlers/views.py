"""JSON shapes of callbacks and messages as RPC gives them out."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from services.followup.domain.callback import Callback
from services.followup.domain.message import Message, placeholders
from services.followup.domain.rulebook import CallbackRule, MessageTemplate
from shared.history import History, timestamp


def callback_view(callback: Callback, now: datetime) -> dict[str, Any]:
    """Return a callback without the callers' notes; instants are RFC 3339 in UTC."""
    deadline = callback.deadline
    return {
        "callback_id": callback.id,
        "case_id": callback.case_id,
        "case_number": callback.case_number,
        "contact_id": callback.contact_id,
        "customer_id": callback.customer_id,
        "rule": callback.rule,
        "about": callback.about.value,
        "reference": callback.reference or callback.case_id,
        "occasion": callback.occasion,
        "unit_id": callback.unit,
        "level": callback.level,
        "round": callback.round,
        "agent": callback.agent,
        "taken_by": callback.taken_by,
        "handed_to": callback.handed_to,
        "channel": callback.channel,
        "permitted_from": timestamp(callback.permitted_from) if callback.permitted_from else None,
        "appointed_at": timestamp(callback.appointed_at) if callback.appointed_at else None,
        "handler": callback.handler,
        "state": callback.state.value,
        "overdue": callback.overdue(now),
        "replied_at": timestamp(callback.replied_at),
        "scheduled_at": timestamp(callback.scheduled_at),
        "due_at": timestamp(deadline.due_at) if deadline else None,
        "due_source": deadline.source if deadline else None,
        "provisional": deadline.provisional if deadline else False,
        "attempts": callback.attempts,
        "outcome": callback.outcome,
        "effect": callback.effect.value if callback.effect else None,
        "ended_at": timestamp(callback.ended_at) if callback.ended_at else None,
        "on_time": callback.on_time,
        "regulation": callback.regulation,
        "batch_id": callback.batch_id,
        "assigned_to": callback.assigned_to,
        "recorded": callback.written is not None,
        "missing": list(callback.written.missing) if callback.written else [],
        "flags": list(callback.written.flags) if callback.written else [],
        "promised_on": callback.promised_on.isoformat() if callback.promised_on else None,
    }


def calls_view(callback: Callback) -> list[dict[str, Any]]:
    """Return the calls made, oldest first, with their notes."""
    return [
        {
            "at": timestamp(call.at),
            "by": call.by,
            "outcome": call.outcome,
            "reached": call.reached,
            "note": call.note,
            "channel": call.channel,
            "in_quiet_hours": call.in_quiet_hours,
        }
        for call in callback.calls
    ]


def outcomes_view(rule: CallbackRule) -> list[dict[str, str]]:
    """Return the outcomes a rule permits, in the rulebook's order."""
    return [
        {"code": outcome.code, "name": outcome.name, "effect": outcome.effect.value}
        for outcome in rule.outcomes
    ]


def message_view(message: Message, template: MessageTemplate) -> dict[str, Any]:
    """Return a message; ``wanted`` names the variables its text needs beside those it has."""
    return {
        "message_id": message.id,
        "template": message.template,
        "template_source": message.template_source,
        "case_id": message.case_id,
        "contact_id": message.contact_id,
        "customer_id": message.customer_id,
        "variables": dict(message.variables),
        "wanted": [name for name in placeholders(template) if name not in message.variables],
        "campaign_id": message.campaign_id,
        "channel": message.channel,
        "purpose": message.purpose,
        "status": message.status.value,
        "reports": [
            {"status": status, "at": timestamp(at)} for status, at in sorted(message.reports.items())
        ],
        "acknowledge_by": timestamp(message.acknowledge_by) if message.acknowledge_by else None,
        "attempted_at": timestamp(message.attempted_at) if message.attempted_at else None,
        "requested_at": timestamp(message.requested_at),
        "regulation": message.regulation,
    }


def history_view(history: History) -> dict[str, Any]:
    """Return a history and what is wrong with its chain, if anything."""
    entries = [{"seq": e.seq, "type": e.type, "time": e.time, "actor": e.actor} for e in history]
    return {"entries": entries, "faults": history.verify()}
