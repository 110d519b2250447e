"""Entry points of the complaints service about supervision and disputes; part of ``service``."""

from __future__ import annotations

from typing import Any

from services.complaints.application import Application
from services.complaints.schemas import ById
from services.complaints.schemas_supervision import (
    AppealRuling,
    EndSupervision,
    ListDisputes,
    ListInterpretations,
    ListSupervised,
    RaiseDispute,
    Recuse,
    ReferCase,
    ReportUp,
    ReturnReferral,
    RuleDispute,
    StartSupervision,
    UrgeCase,
)
from shared.messaging.rpc import Call, command, query
from shared.messaging.ticker import every_tick

#: Any member of staff may call; the organisation's rulebook says who supervises, urges and rules.
_STAFF = ("staff",)
_READERS = ("staff", "system")


class SupervisionCalls:
    """Who watches over cases, urges, reports and refers them; what departments dispute and who rules."""

    app: Application

    @every_tick
    def settle_disputes(self) -> bool:
        """Fire the clocks of disputes, and tell cases of disputes what was left half done."""
        return self.app.tick_disputes()

    @command(*_STAFF, schema=StartSupervision)
    def start_supervision(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Put a case under supervision."""
        return self.app.supervise.start_supervision(call, data)

    @command(*_STAFF, schema=EndSupervision)
    def end_supervision(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Release a case from supervision."""
        return self.app.supervise.end_supervision(call, data)

    @command(*_STAFF, schema=UrgeCase)
    def urge_case(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Urge the handler of a case."""
        return self.app.supervise.urge_case(call, data)

    @command(*_STAFF, schema=ReportUp)
    def report_up(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Report a case to a superior."""
        return self.app.supervise.report_up(call, data)

    @command(*_STAFF, schema=ReferCase)
    def refer_case(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Hand a case to a department."""
        return self.app.supervise.refer_case(call, data)

    @command(*_STAFF, schema=ReturnReferral)
    def return_referral(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Confirm that a department has done its part."""
        return self.app.supervise.return_referral(call, data)

    @query(*_READERS, schema=ById)
    def get_supervision(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Return who watches over a case, with its urges, reports, referrals and progress."""
        return self.app.look_up_supervision.supervision(call, data)

    @query(*_READERS, schema=ListSupervised)
    def list_supervised_cases(self, call: Call, data: dict[str, Any]) -> list[dict[str, Any]]:
        """Return a page of the open cases under supervision, the oldest first."""
        return self.app.look_up_supervision.supervised_cases(call, data)

    @command(*_STAFF, schema=RaiseDispute)
    def raise_dispute(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Raise a dispute between departments about a case."""
        return self.app.settle_disputes.raise_dispute(call, data)

    @command(*_STAFF, schema=Recuse)
    def recuse(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Step aside from a dispute one is to rule on."""
        return self.app.settle_disputes.recuse(call, data)

    @command(*_STAFF, schema=RuleDispute)
    def rule_dispute(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Rule on a dispute, or enter what the parties agreed on."""
        return self.app.settle_disputes.rule_dispute(call, data)

    @command(*_STAFF, schema=AppealRuling)
    def appeal_ruling(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Appeal against a ruling, once."""
        return self.app.settle_disputes.appeal_ruling(call, data)

    @command(*_STAFF, schema=ById)
    def withdraw_dispute(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Withdraw a dispute that was not ruled on."""
        return self.app.settle_disputes.withdraw_dispute(call, data)

    @query(*_READERS, schema=ById)
    def get_dispute(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Return one dispute with its rulings."""
        return self.app.settle_disputes.dispute(call, data)

    @query(*_READERS, schema=ListDisputes)
    def list_disputes(self, call: Call, data: dict[str, Any]) -> list[dict[str, Any]]:
        """Return a page of disputes, the newest first."""
        return self.app.settle_disputes.disputes(call, data)

    @query(*_READERS, schema=ListInterpretations)
    def list_interpretations(self, call: Call, data: dict[str, Any]) -> list[dict[str, Any]]:
        """Return a page of the rulings that say how the service policy is read, the newest first."""
        return self.app.settle_disputes.interpretations(call, data)
