"""Entry points of the complaints service about offers, approvals and filings; part of ``service``."""

from __future__ import annotations

from typing import Any

from services.complaints.application import Application
from services.complaints.schemas import ById
from services.complaints.schemas_offers import (
    AnswerOffer,
    ChangeOffer,
    DecideOffer,
    DeclareDanger,
    FileAgreement,
    GetPlan,
    GrantDelegation,
    ListDelegations,
    ListOffers,
    NameAccused,
    PayOffer,
    ProposeOffer,
    RecordFiling,
    ReverseOffer,
    SignAgreement,
    WithdrawOffer,
)
from shared.messaging.rpc import Call, command, query
from shared.messaging.ticker import every_tick

#: Any member of staff may call; the organisation's rulebook says who proposes, approves and pays.
_STAFF = ("staff",)
_READERS = ("staff", "system")


class OfferCalls:
    """What is offered to customers: who approves it, what becomes of it, where it is filed."""

    app: Application

    @every_tick
    def settle_offers(self) -> bool:
        """Fire the clocks of payments, and tell cases of offers what was left half done."""
        return self.app.tick_offers()

    @command(*_STAFF, schema=ProposeOffer)
    def propose_offer(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Propose an offer to the customer of a case."""
        return self.app.make_offers.propose_offer(call, data)

    @command(*_STAFF, schema=ChangeOffer)
    def change_offer(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Change the terms of an offer, which voids its approvals."""
        return self.app.make_offers.change_offer(call, data)

    @command(*_STAFF, schema=WithdrawOffer)
    def withdraw_offer(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Withdraw an offer that was not paid."""
        return self.app.make_offers.withdraw_offer(call, data)

    @command(*_STAFF, schema=DecideOffer)
    def decide_offer(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Approve an offer, or refuse it."""
        return self.app.approve_offers.decide_offer(call, data)

    @command(*_STAFF, schema=AnswerOffer)
    def answer_offer(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Enter what the customer says to an offer."""
        return self.app.make_offers.answer_offer(call, data)

    @command(*_STAFF, schema=SignAgreement)
    def sign_agreement(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Enter that the customer signed the supplementary agreement."""
        return self.app.make_offers.sign_agreement(call, data)

    @command(*_STAFF, schema=PayOffer)
    def pay_offer(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Enter the payment of an accepted offer."""
        return self.app.make_offers.pay_offer(call, data)

    @command(*_STAFF, schema=ReverseOffer)
    def reverse_offer(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Take a payment back by a counter-entry."""
        return self.app.make_offers.reverse_offer(call, data)

    @command(*_STAFF, schema=FileAgreement)
    def file_agreement(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Enter where the original or a copy of an agreement went."""
        return self.app.make_offers.file_agreement(call, data)

    @command(*_STAFF, schema=RecordFiling)
    def record_filing(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Enter that a case was reported first, or filed with a unit."""
        return self.app.keep_records.record_filing(call, data)

    @command(*_STAFF, schema=DeclareDanger)
    def declare_danger(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Enter what a case threatens to become."""
        return self.app.keep_records.declare_danger(call, data)

    @command(*_STAFF, schema=NameAccused)
    def name_accused(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Enter which staff a case is about."""
        return self.app.keep_records.name_accused(call, data)

    @command(*_STAFF, schema=GrantDelegation)
    def grant_delegation(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Let somebody else approve in one's own place."""
        return self.app.approve_offers.grant_delegation(call, data)

    @command(*_STAFF, schema=ById)
    def revoke_delegation(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """End a delegation now."""
        return self.app.approve_offers.revoke_delegation(call, data)

    @query(*_READERS, schema=ById)
    def get_offer(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Return one offer with everything entered on it."""
        return self.app.look_up_offers.offer(call, data)

    @query(*_READERS, schema=ListOffers)
    def list_offers(self, call: Call, data: dict[str, Any]) -> list[dict[str, Any]]:
        """Return a page of offers, the newest first."""
        return self.app.look_up_offers.offers(call, data)

    @query(*_READERS, schema=ById)
    def explain_offer(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Return who must approve an offer, and what is missing."""
        return self.app.look_up_offers.explain(call, data)

    @query(*_READERS, schema=ById)
    def get_settlement(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Return what a case knows of money and filings."""
        return self.app.look_up_offers.settlement(call, data)

    @query(*_READERS, schema=ListDelegations)
    def list_delegations(self, call: Call, data: dict[str, Any]) -> list[dict[str, Any]]:
        """Return a page of delegations."""
        return self.app.look_up_offers.delegations(call, data)

    @query(*_READERS, schema=GetPlan)
    def get_plan(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Return the written plan for a problem after the sale."""
        return self.app.look_up_offers.plan(call, data)
