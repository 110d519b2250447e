"""Entry points of the complaints service about investigations and corrective actions; part of ``service``."""

from __future__ import annotations

from typing import Any

from services.complaints.application import Application
from services.complaints.schemas import ById
from services.complaints.schemas_investigations import (
    AcknowledgeReport,
    ActionEffectiveness,
    AddRecord,
    ApproveReport,
    CheckAction,
    CompleteAction,
    DecideAction,
    ExtendAction,
    ListActions,
    ListInvestigations,
    ListRecurrences,
    OpenAction,
    OpenInvestigation,
    RecordFindings,
    ReturnReport,
    SubmitReport,
    WithdrawAction,
)
from shared.messaging.rpc import Call, command, query
from shared.messaging.ticker import every_tick

#: Any member of staff may call; the organisation's rulebook says who investigates, approves, extends and checks.
_STAFF = ("staff",)
_READERS = ("staff", "system")


class InvestigationCalls:
    """What is found out about a case, and what is done so that it does not happen again."""

    app: Application

    @every_tick
    def settle_investigations(self) -> bool:
        """Fire the clocks of corrective actions, and tell cases of what was left half done."""
        return self.app.tick_investigations()

    @every_tick
    def recompute_actions(self) -> bool:
        """Compute clocks of corrective actions again whose calendar has a newer version."""
        return self.app.recompute_actions()

    @command(*_STAFF, schema=OpenInvestigation)
    def open_investigation(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Open the investigation of a case."""
        return self.app.investigate.open_investigation(call, data)

    @command(*_STAFF, schema=RecordFindings)
    def record_findings(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Write down what an investigation found out."""
        return self.app.investigate.record_findings(call, data)

    @command(*_STAFF, schema=SubmitReport)
    def submit_report(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Submit the report of an investigation."""
        return self.app.investigate.submit_report(call, data)

    @command(*_STAFF, schema=ApproveReport)
    def approve_report(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Give the approval of a report whose turn it is."""
        return self.app.investigate.approve_report(call, data)

    @command(*_STAFF, schema=ReturnReport)
    def return_report(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Send a report back."""
        return self.app.investigate.return_report(call, data)

    @command(*_STAFF, schema=AcknowledgeReport)
    def acknowledge_report(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Enter that a department received a report."""
        return self.app.investigate.acknowledge_report(call, data)

    @command(*_STAFF, schema=AddRecord)
    def add_investigation_record(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Put a meeting, an opinion passed on, progress or the archiving on record."""
        return self.app.investigate.add_investigation_record(call, data)

    @command(*_STAFF, schema=OpenAction)
    def open_action(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Open a corrective action."""
        return self.app.correct.open_action(call, data)

    @command(*_STAFF, schema=DecideAction)
    def decide_action(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Approve a corrective action that is a draft, or refuse it."""
        return self.app.correct.decide_action(call, data)

    @command(*_STAFF, schema=CompleteAction)
    def complete_action(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Enter that a corrective action is done."""
        return self.app.correct.complete_action(call, data)

    @command(*_STAFF, schema=ExtendAction)
    def extend_action(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Give a corrective action more time."""
        return self.app.correct.extend_action(call, data)

    @command(*_STAFF, schema=CheckAction)
    def check_action(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Enter whether a corrective action helped."""
        return self.app.correct.check_action(call, data)

    @command(*_STAFF, schema=WithdrawAction)
    def withdraw_action(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Give a corrective action up."""
        return self.app.correct.withdraw_action(call, data)

    @query(*_READERS, schema=ById)
    def get_investigation(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Return one investigation with everything ever written into it."""
        return self.app.look_up_investigations.investigation(call, data)

    @query(*_READERS, schema=ListInvestigations)
    def list_investigations(self, call: Call, data: dict[str, Any]) -> list[dict[str, Any]]:
        """Return a page of investigations, the newest first."""
        return self.app.look_up_investigations.investigations(call, data)

    @query(*_READERS, schema=ListRecurrences)
    def list_recurrences(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Return which cases had a cause in the rulebook's period."""
        return self.app.look_up_investigations.recurrences(call, data)

    @query(*_READERS, schema=ById)
    def get_requirements(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Return what a case needs of investigation and corrective actions."""
        return self.app.look_up_investigations.requirements(call, data)

    @query(*_READERS, schema=ById)
    def get_action(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Return one corrective action."""
        return self.app.look_up_investigations.action(call, data)

    @query(*_READERS, schema=ListActions)
    def list_actions(self, call: Call, data: dict[str, Any]) -> list[dict[str, Any]]:
        """Return a page of corrective actions."""
        return self.app.look_up_investigations.actions(call, data)

    @query(*_READERS, schema=ActionEffectiveness)
    def action_effectiveness(self, call: Call, data: dict[str, Any]) -> list[dict[str, Any]]:
        """Return by cause how many corrective actions helped."""
        return self.app.look_up_investigations.effectiveness(call, data)
