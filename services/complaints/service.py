"""Entry points of the complaints service: receive, call the use case, answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from services.complaints.application import Application
from services.complaints.schemas import (
    AssignCase,
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
    SetLevel,
)
from services.complaints.schemas_liability import (
    AppealPenalty,
    AttributeLiability,
    ByCase,
    ByMonth,
    CloseMonth,
    Decide,
    DecideAppeal,
    GetLedger,
    ListPenalties,
    ListSanctions,
    MonthStatement,
    ProposeFine,
    ProposePenalty,
    ProposePoints,
    ProposeSanction,
)
from services.complaints.schemas_path import TakeStep
from services.complaints.service_audit import AuditCalls
from services.complaints.service_investigations import InvestigationCalls
from services.complaints.service_offers import OfferCalls
from services.complaints.service_receiving import ReceivingCalls
from services.complaints.service_supervision import SupervisionCalls
from shared.messaging.consumer import event_batches
from shared.messaging.delivery import Delivery
from shared.messaging.outbox import OutboxRelay
from shared.messaging.rpc import Call, CallContext, command, query
from shared.messaging.ticker import every_tick
from shared.runner import FromRuntime

#: Any member of staff may call; the organisation's rulebook says which roles may take which step on which case.
HANDLER_ROLES = ("staff",)
READER_ROLES = ("staff", "system")


class ComplaintsService(OfferCalls, SupervisionCalls, ReceivingCalls, InvestigationCalls, AuditCalls):
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

    @every_tick
    def show_cases(self) -> bool:
        """Show the operators what is open and overdue."""
        return self.app.observe()

    @every_tick
    def finish_ledgers(self) -> bool:
        """Write into ledgers and months what was decided and left half done."""
        return self.app.post.pending() or self.app.months.pending()

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

    @command(*HANDLER_ROLES, schema=TakeStep)
    def take_step(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Take a step of a case's path."""
        return self.app.take_steps.take_step(call, data)

    @query(*READER_ROLES, schema=ById)
    def next_steps(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Return what is to be done on a case, by whom, and what the caller may do now."""
        return self.app.look_up_steps.next_steps(call, data)

    @command(*HANDLER_ROLES, schema=AssignCase)
    def assign_case(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Hand a case over to somebody."""
        return self.app.handle.assign_case(call, data)

    @command(*HANDLER_ROLES, schema=SetLevel)
    def set_level(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Give a case another level by authority."""
        return self.app.handle.set_level(call, data)

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
        """Return a page of cases, the newest or the most urgent first."""
        return self.app.look_up.cases(call, data)

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

    @command(*HANDLER_ROLES, schema=AttributeLiability)
    def attribute_liability(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Attribute a case to a person, a group or a department."""
        return self.app.attribute_liability(call, data)

    @command(*HANDLER_ROLES, schema=ProposePenalty)
    def propose_penalty(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Propose what a loss costs those liable."""
        return self.app.penalise.propose_penalty(call, data)

    @command(*HANDLER_ROLES, schema=ProposeFine)
    def propose_fine(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Propose the fixed fine for an offence."""
        return self.app.penalise.propose_fine(call, data)

    @command(*HANDLER_ROLES, schema=ProposePoints)
    def propose_points(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Propose the deduction of points for an offence."""
        return self.app.penalise.propose_points(call, data)

    @command(*HANDLER_ROLES, schema=Decide)
    def decide_penalty(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Approve or refuse a penalty."""
        return self.app.penalise.decide_penalty(call, data)

    @command(*HANDLER_ROLES, schema=AppealPenalty)
    def appeal_penalty(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Appeal against what one is charged oneself."""
        return self.app.penalise.appeal_penalty(call, data)

    @command(*HANDLER_ROLES, schema=DecideAppeal)
    def decide_appeal(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Uphold or dismiss an appeal."""
        return self.app.penalise.decide_appeal(call, data)

    @command(*HANDLER_ROLES, schema=AppealPenalty)
    def reverse_penalty(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Take a posted penalty back by counter-entries."""
        return self.app.penalise.reverse_penalty(call, data)

    @command(*HANDLER_ROLES, schema=ProposeSanction)
    def propose_sanction(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Propose a sanction of somebody liable."""
        return self.app.sanction.propose_sanction(call, data)

    @command(*HANDLER_ROLES, schema=Decide)
    def decide_sanction(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Approve or refuse a sanction."""
        return self.app.sanction.decide_sanction(call, data)

    @command(*HANDLER_ROLES, schema=ByMonth)
    def review_month(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Record that the month's closed cases were reviewed."""
        return self.app.months.review_month(call, data)

    @command(*HANDLER_ROLES, schema=ByMonth)
    def publish_notice(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Publish the approved sanctions of the month's cases."""
        return self.app.months.publish_notice(call, data)

    @command(*HANDLER_ROLES, schema=CloseMonth)
    def close_month(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Deduct at the month's end and lock the month's ledgers."""
        return self.app.months.close_month(call, data)

    @query(*READER_ROLES, schema=ByCase)
    def get_liability(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Return who is liable for a case, and what the rulebook offers for it."""
        return self.app.look_up_ledgers.liability(call, data)

    @query(*READER_ROLES, schema=ById)
    def get_penalty(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Return one penalty with its lines."""
        return self.app.look_up_ledgers.penalty(call, data)

    @query(*READER_ROLES, schema=ListPenalties)
    def list_penalties(self, call: Call, data: dict[str, Any]) -> list[dict[str, Any]]:
        """Return a page of penalties, the newest first."""
        return self.app.look_up_ledgers.penalties(call, data)

    @query(*READER_ROLES, schema=ById)
    def explain_penalty(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Return how each sum of a penalty was found and what the ledgers did with it."""
        return self.app.look_up_ledgers.explain_penalty(call, data)

    @query(*READER_ROLES, schema=ById)
    def get_sanction(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Return one sanction."""
        return self.app.look_up_ledgers.sanction(call, data)

    @query(*READER_ROLES, schema=ListSanctions)
    def list_sanctions(self, call: Call, data: dict[str, Any]) -> list[dict[str, Any]]:
        """Return a page of sanctions, the newest first."""
        return self.app.look_up_ledgers.sanctions(call, data)

    @query(*READER_ROLES, schema=GetLedger)
    def get_ledger(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Return a page of a person's or a department's ledger, the oldest line first."""
        return self.app.look_up_ledgers.ledger(call, data)

    @query(*READER_ROLES, schema=MonthStatement)
    def month_statement(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Return what became of a month, with a page of its ledgers."""
        return self.app.look_up_ledgers.month_statement(call, data)
