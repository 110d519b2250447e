"""Entry points of the followup service: receive, call the use case, answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from services.followup.application import Application
from services.followup.schemas import CallbackQuery, CompleteCallback, MessageQuery, RenderMessage
from services.followup.service_callbacks import CallbackCalls
from services.followup.service_care import CareCalls
from services.followup.service_contacts import ContactCalls
from services.followup.service_people import PeopleCalls
from services.followup.service_quality import QualityCalls
from services.followup.service_surveys import SurveyCalls
from services.followup.service_talks import TalkCalls
from shared.arguments import ById
from shared.messaging.consumer import event_batches
from shared.messaging.delivery import Delivery
from shared.messaging.outbox import OutboxRelay
from shared.messaging.register_calls import RegisterCalls
from shared.messaging.rpc import Call, CallContext, command, query
from shared.messaging.ticker import every_tick
from shared.runner import FromRuntime

#: Who makes callbacks and looks at them; a rulebook may still forbid a callback to whoever handled the case.
CALLER_ROLES = ("followup_agent", "complaint_handler", "supervisor", "manager", "system")
#: Who puts a message's words together: gateways, and people who check them.
SENDER_ROLES = ("followup_agent", "supervisor", "system")


class FollowupService(
    TalkCalls, CallbackCalls, PeopleCalls, ContactCalls, SurveyCalls, QualityCalls, CareCalls, RegisterCalls
):
    """Callbacks after replies, and messages to customers."""

    name = "followup"

    context = CallContext()
    relay = OutboxRelay()
    app: Application = FromRuntime()

    @event_batches(
        "complaints",
        types=("case_opened", "case_replied", "contact_attempted", "case_closed", "case_reopened"),
    )
    def on_complaints_events(self, deliveries: Sequence[Delivery]) -> None:
        """Follow what happens on cases."""
        self.app.follow(deliveries)
        self.app.surveys.after_cases(deliveries)

    @event_batches(
        "intake",
        types=(
            "customer_registered",
            "customer_changed",
            "contact_registered",
            "privacy_flags_set",
            "personal_data_erased",
            "request_opened",
            "request_closed",
        ),
    )
    def on_intake_events(self, deliveries: Sequence[Delivery]) -> None:
        """Learn whom there is, and do what follows."""
        self.app.consequences("intake", deliveries)

    @event_batches(
        "followup",
        types=(
            "callback_unsatisfied",
            "callback_given_up",
            "callback_remedied",
            "occasion_noted",
            "record_opened",
            "record_acted",
            "record_corrected",
            "survey_changed",
            "survey_low",
            "item_scored",
        ),
    )
    def on_followup_events(self, deliveries: Sequence[Delivery]) -> None:
        """Do what follows from what happened here."""
        self.app.consequences("followup", deliveries)

    @every_tick
    def fire_clocks(self) -> bool:
        """Fire the clocks that have come due."""
        return self.app.fire_clocks()

    @every_tick
    def show_callbacks(self) -> bool:
        """Show the operators what is still to be called and what is overdue."""
        return self.app.observe()

    @every_tick
    def recompute_clocks(self) -> bool:
        """Compute clocks again whose calendar has a newer version."""
        return self.app.recompute_clocks()

    @command(*CALLER_ROLES, schema=CompleteCallback)
    def complete_callback(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Record a call made on a callback, and what follows from its outcome."""
        return self.app.desk.complete(call, data)

    @query(*CALLER_ROLES, schema=ById)
    def get_callback(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Return one callback with the calls made and the outcomes permitted."""
        return self.app.desk.callback(call.org, data["id"])

    @query(*CALLER_ROLES, schema=CallbackQuery)
    def list_callbacks(self, call: Call, data: dict[str, Any]) -> list[dict[str, Any]]:
        """Return a page of callbacks, the earliest due first."""
        return self.app.desk.callbacks(call.org, data, call.actor)

    @query(*CALLER_ROLES, schema=ById)
    def get_callback_history(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Return a callback's history and whether its chain is whole."""
        return self.app.desk.callback_history(call.org, data["id"])

    @query(*CALLER_ROLES, schema=MessageQuery)
    def list_messages(self, call: Call, data: dict[str, Any]) -> list[dict[str, Any]]:
        """Return a page of outgoing messages, newest first."""
        return self.app.desk.messages(call.org, data)

    @query(*SENDER_ROLES, schema=RenderMessage)
    def render_message(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Return a message's words; refused when something is missing that it must contain."""
        return self.app.desk.render(call.org, data["id"], data["values"])
