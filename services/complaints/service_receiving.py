"""Entry points about receiving complaints; part of the class of ``service``."""

from __future__ import annotations

from typing import Any

from services.complaints.application import Application
from services.complaints.schemas import ById
from services.complaints.schemas_receiving import (
    ClarifyClaim,
    ComplaintLedger,
    FillCard,
    GiveOpinion,
    ReportLateEntry,
    TellRefusal,
)
from shared.messaging.rpc import Call, command, query
from shared.messaging.ticker import every_tick

#: Any member of staff may call; the organisation's rulebook says who may do what on which case.
_STAFF = ("staff",)
_READERS = ("staff", "system")


class ReceivingCalls:
    """How a complaint came in, whether it stands, what its record lacks, and the ledger of all."""

    app: Application

    @every_tick
    def recount_matters(self) -> bool:
        """Count the matters into which claims were clarified, where that was left half done."""
        return self.app.recount_matters()

    @command(*_STAFF, schema=ClarifyClaim)
    def clarify_claim(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Set what was found out about the claim of a case."""
        return self.app.receive.clarify_claim(call, data)

    @command(*_STAFF, schema=GiveOpinion)
    def give_opinion(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Say whether a complaint stands, for another person to decide."""
        return self.app.receive.give_opinion(call, data)

    @command(*_STAFF, schema=TellRefusal)
    def tell_refusal(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Tell the customer with the rulebook's words that a complaint does not stand."""
        return self.app.receive.tell_refusal(call, data)

    @command(*_STAFF, schema=ReportLateEntry)
    def report_late_entry(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Report that a case was entered late through oversight."""
        return self.app.receive.report_late_entry(call, data)

    @command(*_STAFF, schema=FillCard)
    def fill_card(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Enter fields on the record card of a case."""
        return self.app.receive.fill_card(call, data)

    @command(*_STAFF, schema=ById)
    def approve_card(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Check and approve the record card of a case."""
        return self.app.receive.approve_card(call, data)

    @query(*_READERS, schema=ById)
    def get_receiving(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Return how a case was received, and what is still unclear or missing."""
        return self.app.look_up_receiving.receiving(call, data)

    @query(*_READERS, schema=ComplaintLedger)
    def complaint_ledger(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Return a page of the complaint ledger, the newest first."""
        return self.app.look_up_receiving.ledger(call, data)
