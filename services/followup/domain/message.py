"""Outgoing messages: which template to send to whom; the words are put together only when it is sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from string import Formatter

from services.followup.domain.rulebook import MessageTemplate
from shared.aggregate import Aggregate
from shared.errors import Problem, RuleRefused, ValidationFailed
from shared.history import Cause


@dataclass(kw_only=True)
class Message(Aggregate):
    """One message to be sent by a gateway.

    ``template`` is its code in the rulebook ``regulation`` and ``template_source`` the rule behind it.
    ``variables`` hold only what is not personal; who and where the customer is, the gateway asks intake.
    """

    template: str
    template_source: str
    regulation: str
    case_id: str
    contact_id: str
    customer_id: str
    variables: Mapping[str, str]
    attempted_at: datetime
    requested_at: datetime

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
        }
        self.record("message_requested", data, at=self.requested_at, cause=cause)
        self.mark_processed(cause.message_id)


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
