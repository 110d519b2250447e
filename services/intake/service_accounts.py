"""Entry points of intake about clients: conflicts, owners, mergers, gradings, allocations; part of ``service``."""

from __future__ import annotations

from typing import Any

from services.intake.application import Application
from services.intake.schemas_accounts import (
    AdviseStaffing,
    Allocate,
    ChangeAccount,
    DecideConflict,
    DecideGrading,
    DecideMerge,
    EnterAccount,
    GetQuota,
    ListAccounts,
    ListAllocations,
    ListConflicts,
    ListGradings,
    OpenAllocation,
    ProposeGrading,
    RaiseConflict,
    RecordFirstContact,
    RequestMerge,
    SearchConflicts,
)
from shared.arguments import ById, Page
from shared.identity.roles import PERSONAL_DATA
from shared.messaging.rpc import Call, command, query
from shared.messaging.ticker import every_tick

#: Any member of staff may call; the organisation's rulebook says who rules, moves, approves and allocates.
_STAFF = ("staff",)
_READERS = ("staff", "system")


class AccountCalls:
    """Whose client somebody is, what it is worth, and who is to ring it."""

    app: Application

    @every_tick
    def settle_merges(self) -> bool:
        """Carry out mergers that were decided and left half done."""
        return self.app.accounts.merges.settle()

    @command(*_STAFF, schema=SearchConflicts)
    def search_conflicts(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Look for clients that are the same, and keep that the caller looked."""
        return self.app.accounts.clients.search(call, data)

    @command(*_STAFF, schema=EnterAccount)
    def enter_account(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Enter a client for the caller."""
        return self.app.accounts.clients.enter(call, data)

    @command(*_STAFF, schema=ChangeAccount)
    def change_account(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Change one thing of a client: owner, contract, state, grade, rating, proposal."""
        return self.app.accounts.change(call, data)

    @query(*_READERS, schema=ById)
    def get_account(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Return a client, or the one it was merged into; personal data only to those who may see it."""
        return self.app.accounts.clients.get(call, data["id"], full=PERSONAL_DATA in call.roles)

    @query(*_READERS, schema=ListAccounts)
    def list_accounts(self, call: Call, data: dict[str, Any]) -> list[dict[str, Any]]:
        """Return a page of clients, newest first."""
        return self.app.accounts.clients.page(call, data)

    @query(*_READERS, schema=GetQuota)
    def get_quota(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Return how full somebody's quota is."""
        return self.app.accounts.clients.quota(call, data)

    @command(*_STAFF, schema=RaiseConflict)
    def raise_conflict(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Raise a conflict over a client that somebody else has."""
        return self.app.accounts.conflicts.open(call, data)

    @command(*_STAFF, schema=DecideConflict)
    def decide_conflict(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Rule on a conflict, confirm it for a region, or arbitrate it."""
        return self.app.accounts.conflicts.decide(call, data)

    @command(*_STAFF, schema=ById)
    def appeal_conflict(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Object to a ruling."""
        return self.app.accounts.conflicts.appeal(call, data)

    @query(*_READERS, schema=ById)
    def get_conflict(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Return one conflict."""
        return self.app.accounts.conflicts.get(call.org, data["id"])

    @query(*_READERS, schema=ListConflicts)
    def list_conflicts(self, call: Call, data: dict[str, Any]) -> list[dict[str, Any]]:
        """Return a page of conflicts, newest first."""
        return self.app.accounts.conflicts.page(call.org, data)

    @command(*_STAFF, schema=RequestMerge)
    def request_merge(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Ask for two clients to be merged."""
        return self.app.accounts.merges.request(call, data)

    @command(*_STAFF, schema=DecideMerge)
    def decide_merge(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Approve, refuse or undo a merger."""
        return self.app.accounts.merges.decide(call, data)

    @query(*_READERS, schema=Page)
    def list_merges(self, call: Call, data: dict[str, Any]) -> list[dict[str, Any]]:
        """Return a page of mergers, newest first."""
        return self.app.accounts.merges.page(call.org, data)

    @command(*_STAFF, schema=ProposeGrading)
    def propose_grading(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Put the cards of a round of grading forward."""
        return self.app.accounts.gradings.propose(call, data)

    @command(*_STAFF, schema=DecideGrading)
    def decide_grading(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Approve a round of grading, or refuse it."""
        return self.app.accounts.gradings.decide(call, data)

    @query(*_READERS, schema=ListGradings)
    def list_gradings(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Return a page of rounds, newest first, and the one that is due."""
        return self.app.accounts.gradings.page(call.org, data)

    @query(*_READERS, schema=ById)
    def list_grades(self, call: Call, data: dict[str, Any]) -> list[dict[str, Any]]:
        """Return a customer's grades, newest first."""
        return self.app.accounts.gradings.of_customer(call.org, data["id"])

    @command(*_STAFF, schema=OpenAllocation)
    def open_allocation(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Take in a list of customers or leads that is to be distributed."""
        return self.app.accounts.allocations.take(call, data)

    @command(*_STAFF, schema=Allocate)
    def allocate(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Distribute a list over staff."""
        return self.app.accounts.allocations.distribute(call, data)

    @command(*_STAFF, schema=RecordFirstContact)
    def record_first_contact(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Note the first contact with somebody on a list."""
        return self.app.accounts.allocations.contact(call, data)

    @query(*_READERS, schema=ListAllocations)
    def list_allocations(self, call: Call, data: dict[str, Any]) -> list[dict[str, Any]]:
        """Return a page of lists, newest first."""
        return self.app.accounts.allocations.page(call.org, data)

    @query(*_READERS, schema=AdviseStaffing)
    def advise_staffing(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Return how agents should be spread by load."""
        return self.app.accounts.allocations.advise(call.org, data)
