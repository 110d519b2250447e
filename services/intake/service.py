"""Entry points of the intake service: receive, call the use case, answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from services.intake.application import Application
from services.intake.schemas import ContactQuery, ContactSchema, CountQuery, WrongEntryQuery
from services.intake.service_accounts import AccountCalls
from services.intake.service_dossiers import DossierCalls
from services.intake.service_duty import DutyCalls
from services.intake.service_files import FileCalls
from services.intake.service_privacy import PrivacyCalls
from services.intake.service_requests import RequestCalls
from services.intake.service_staff import StaffCalls
from services.intake.service_visits import VisitCalls
from shared.arguments import ById, Page
from shared.identity.roles import PERSONAL_DATA
from shared.messaging.consumer import event_batches
from shared.messaging.delivery import Delivery
from shared.messaging.outbox import OutboxRelay
from shared.messaging.register_calls import RegisterCalls
from shared.messaging.rpc import Call, CallContext, command, query
from shared.messaging.ticker import every_tick
from shared.messaging.topology import EXTERNAL
from shared.runner import FromRuntime

#: Roles that take contacts, and those that look at them.
DESK_ROLES = ("staff",)
READER_ROLES = ("staff", "system")
OPERATOR_ROLES = ("supervisor", "operator", "system")


class IntakeService(
    FileCalls,
    DossierCalls,
    DutyCalls,
    VisitCalls,
    StaffCalls,
    PrivacyCalls,
    RequestCalls,
    AccountCalls,
    RegisterCalls,
):
    """The front desk: contacts in, numbered and routed."""

    name = "intake"

    context = CallContext()
    relay = OutboxRelay()
    app: Application = FromRuntime()

    @event_batches(EXTERNAL, types=("#",))
    def on_external_events(self, deliveries: Sequence[Delivery]) -> None:
        """Take what other systems publish."""
        self.app.receive(deliveries)

    @every_tick
    def fire_clocks(self) -> bool:
        """Fire the clocks that have come due."""
        return self.app.fire_clocks()

    @every_tick
    def recompute_clocks(self) -> bool:
        """Compute clocks again whose calendar has a newer version."""
        return self.app.recompute_clocks()

    def wrong_arguments(self, call: Call, method: str, fields: Sequence[str]) -> None:
        """Note whose command was refused because of which fields."""
        self.app.accuracy.note(call, method, fields)

    @query(*OPERATOR_ROLES, schema=WrongEntryQuery)
    def count_wrong_entries(self, call: Call, data: dict[str, Any]) -> list[dict[str, Any]]:
        """Return how often fields were entered wrongly, by member of staff."""
        return self.app.accuracy.count(call, data)

    @command(*DESK_ROLES, schema=ContactSchema)
    def register_contact(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Register a contact that the caller took in person."""
        return self.app.desk.register(call, data)

    @query(*READER_ROLES, schema=ById)
    def get_contact(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Return one contact with the customer's words."""
        return self.app.desk.contact(call.org, data["id"], self.app.competence.of(call).reach, call.actor)

    @query(*READER_ROLES, schema=ContactQuery)
    def list_contacts(self, call: Call, data: dict[str, Any]) -> list[dict[str, Any]]:
        """Return a page of the contacts of the caller's post and unit, newest first."""
        return self.app.desk.contacts(call.org, data, self.app.competence.of(call).reach)

    @query(*READER_ROLES, schema=CountQuery)
    def count_contacts(self, call: Call, data: dict[str, Any]) -> dict[str, int]:
        """Return how many contacts of each category came in."""
        return self.app.desk.count(call.org, data["received_from"], data["received_before"])

    @query(*READER_ROLES, schema=ById)
    def get_contact_history(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Return a contact's history and whether its chain is whole."""
        return self.app.desk.history(call.org, data["id"])

    @query(*READER_ROLES, schema=ById)
    def get_customer(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Return a customer's file; personal data only to those who may see it."""
        full = PERSONAL_DATA in call.caller.roles
        self.app.personal_data.open_file(call, data["id"], full=full)
        return self.app.desk.customer(call.org, data["id"], actor=call.actor, full=full)

    @query(*OPERATOR_ROLES, schema=Page)
    def list_rejected(self, call: Call, data: dict[str, Any]) -> list[dict[str, Any]]:
        """Return a page of rejected events, newest first."""
        return self.app.desk.rejections(call.org, data["limit"], data["skip"])

    @query(*OPERATOR_ROLES, schema=ById)
    def get_rejected(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Return one rejected event; its body only to those who may see personal data."""
        full = PERSONAL_DATA in call.caller.roles
        return self.app.desk.rejection(call.org, data["id"], actor=call.actor, full=full)
