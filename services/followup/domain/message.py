"""Outgoing messages: which template to send to whom; the words are put together only when it is sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from string import Formatter

from services.followup.domain.rulebook import MessageTemplate
from shared.aggregate import Aggregate
from shared.errors import Problem, RuleRefused, ValidationFailed
from shared.history import Cause, timestamp


class Status(StrEnum):
    """The furthest a message got, as far as anybody reported."""

    REQUESTED = "requested"
    FAILED = "failed"
    DELIVERED = "delivered"
    READ = "read"
    ACKNOWLEDGED = "acknowledged"


#: What may be reported of a message.
REPORTED = tuple(status for status in Status if status is not Status.REQUESTED)
_FURTHEST_FIRST = tuple(reversed(Status))


@dataclass(kw_only=True)
class Message(Aggregate):
    """One message to be sent by a gateway.

    ``template`` is its code in the rulebook ``regulation`` and ``template_source`` the rule behind it.
    ``variables`` hold only what is not personal; who and where the customer is, the gateway asks intake.
    A message of a campaign has no case and no contact. One that ``awaits`` an acknowledgement has it until
    ``acknowledge_by``, where there is such a time. One that counts towards the monthly cap has the ``month`` and its
    ``place`` in it, which nothing else has. ``reports`` are the instants of what was reported, the first of each.
    """

    template: str
    template_source: str
    regulation: str
    case_id: str | None = None
    contact_id: str | None = None
    customer_id: str
    variables: Mapping[str, str]
    attempted_at: datetime | None = None
    requested_at: datetime
    campaign_id: str | None = None
    channel: str | None = None
    purpose: str | None = None
    awaits: bool = False
    acknowledge_by: datetime | None = None
    month: str | None = None
    place: str | None = None
    reports: Mapping[str, datetime] = field(default_factory=dict)

    @property
    def status(self) -> Status:
        """Return the furthest it got."""
        return next((each for each in _FURTHEST_FIRST if each.value in self.reports), Status.REQUESTED)

    def request(self, cause: Cause) -> None:
        """Record that the message is to be sent."""
        data = {
            "message_id": self.id,
            "template": self.template,
            "template_source": self.template_source,
            "case_id": self.case_id,
            "contact_id": self.contact_id,
            "customer_id": self.customer_id,
            "variables": dict(self.variables),
            "campaign_id": self.campaign_id,
            "channel": self.channel,
            "purpose": self.purpose,
        }
        self.record("message_requested", data, at=self.requested_at, cause=cause)
        self.mark_processed(cause.message_id)

    def report(self, status: Status, at: datetime, now: datetime, cause: Cause) -> bool:
        """Record that it got so far at ``at``; False when that was reported before."""
        if status.value in self.reports:
            return False
        self.reports = {**self.reports, status.value: at}
        data = {
            "message_id": self.id,
            "campaign_id": self.campaign_id,
            "customer_id": self.customer_id,
            "status": status.value,
            "at": timestamp(at),
        }
        self.record("message_reported", data, at=now, cause=cause)
        return True


def placeholders(template: MessageTemplate) -> tuple[str, ...]:
    """Return the variables the template's text holds, in order, each once."""
    names = (name for _, name, _, _ in Formatter().parse(template.text) if name)
    return tuple(dict.fromkeys(names))


def wording(template: MessageTemplate, message: Message, values: Mapping[str, str]) -> str:
    """Return the message as the customer gets it, ``values`` laid over what the message itself holds.

    Raises ValidationFailed for a value the template has no place for, and RuleRefused with the template's
    rule when something is missing that the message must contain.
    """
    known = placeholders(template)
    odd = tuple(
        Problem(f"values.{name}", "has no place in the template") for name in values if name not in known
    )
    if odd:
        message_text = "the template has no place for " + ", ".join(problem.field for problem in odd)
        raise ValidationFailed(message_text, problems=odd)
    filled = {**message.variables, **values}
    missing = [name for name in known if not filled.get(name, "").strip()]
    if missing:
        names = ", ".join(missing)
        raise RuleRefused(
            f"the message lacks what it must contain: {names}",
            rule=template.source,
            problems=tuple(Problem(f"values.{name}", "is missing") for name in missing),
        )
    return template.render(filled)
