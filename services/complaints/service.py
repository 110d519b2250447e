"""Entry points of the complaints service: receive, call the use case, answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from services.complaints.application import Application
from services.complaints.schemas import (
    AttemptContact,
    ByContact,
    ById,
    DecideExtension,
    DecideValidity,
    ListCases,
    Nothing,
    PauseClocks,
    Progress,
    Reply,
    RequestExtension,
    ResumeClocks,
)
from shared.messaging.consumer import event_batches
from shared.messaging.delivery import Delivery
from shared.messaging.outbox import OutboxRelay
from shared.messaging.rpc import Call, CallContext, command, query
from shared.messaging.ticker import every_tick
from shared.runner import FromRuntime

#: Any member of staff may call; the organisation's rulebook says which roles may take which step on which case.
HANDLER_ROLES = ("staff",)
READER_ROLES = ("staff", "system")


class ComplaintsService:
    """Complaint cases, driven by the organisation's own written rules."""

    name = "complaints"

    context = CallContext()
    relay = OutboxRelay()
    app: Application = FromRuntime()

    @event_batches("intake", types=("contact_routed",))
    def on_intake_events(self, deliveries: Sequence[Delivery]) -> None:
        """Open cases for complaints that intake routed here."""
        self.app.take_contacts(deliveries)

    @event_batches("followup", types=("callback_completed", "callback_unsatisfied"))
    def on_followup_events(self, deliveries: Sequence[Delivery]) -> None:
        """Close or reopen cases by what their callbacks found out."""
        self.app.take_callbacks(deliveries)

    @every_tick
    def fire_clocks(self) -> bool:
        """Fire the clocks that have come due."""
        return self.app.fire_clocks()

    @every_tick
    def recompute_clocks(self) -> bool:
        """Compute clocks again whose calendar has a newer version."""
        return self.app.recompute_clocks()

    @command(*HANDLER_ROLES, schema=DecideValidity)
    def decide_validity(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Decide whether a complaint stands."""
        return self.app.handle.decide_validity(call, data)

    @command(*HANDLER_ROLES, schema=AttemptContact)
    def attempt_contact(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Note an attempt to reach the customer."""
        return self.app.handle.attempt_contact(call, data)

    @command(*HANDLER_ROLES, schema=Progress)
    def record_progress(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Enter progress of the handling."""
        return self.app.handle.progress(call, data)

    @command(*HANDLER_ROLES, schema=Reply)
    def reply(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Reply to the customer."""
        return self.app.handle.reply(call, data)

    @command(*HANDLER_ROLES, schema=ById)
    def close_case(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Close a case by hand, where its rulebook asks for no callback."""
        return self.app.handle.close(call, data)

    @command(*HANDLER_ROLES, schema=PauseClocks)
    def pause_clocks(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Let clocks of a case stand still."""
        return self.app.handle.pause_clocks(call, data)

    @command(*HANDLER_ROLES, schema=ResumeClocks)
    def resume_clocks(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Let paused clocks of a case run again."""
        return self.app.handle.resume_clocks(call, data)

    @command(*HANDLER_ROLES, schema=RequestExtension)
    def request_extension(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Ask for more time for a clock."""
        return self.app.handle.request_extension(call, data)

    @command(*HANDLER_ROLES, schema=DecideExtension)
    def decide_extension(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Grant or refuse the extension that was asked for."""
        return self.app.handle.decide_extension(call, data)

    @query(*READER_ROLES, schema=ById)
    def get_case(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Return one case with what staff wrote into it."""
        return self.app.look_up.case(call.org, data["id"])

    @query(*READER_ROLES, schema=ByContact)
    def get_case_of_contact(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Return the case that a contact opened or joined."""
        return self.app.look_up.by_contact(call.org, data["contact_id"])

    @query(*READER_ROLES, schema=ListCases)
    def list_cases(self, call: Call, data: dict[str, Any]) -> list[dict[str, Any]]:
        """Return a page of cases, the newest first."""
        return self.app.look_up.cases(call.org, **data)

    @query(*READER_ROLES, schema=Nothing)
    def summarise_cases(self, call: Call, data: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the number of cases by level and state."""
        del data
        return self.app.look_up.summary(call.org)

    @query(*READER_ROLES, schema=ById)
    def get_case_history(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Return a case's history and whether its chain is whole."""
        return self.app.look_up.history(call.org, data["id"])

    @query(*READER_ROLES, schema=ById)
    def explain_level(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Return which tests gave a case its level."""
        return self.app.look_up.explain_level(call.org, data["id"])
