"""Liability without broker and database: closed cases at hand, and every command as RPC would send it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, cast

import pytest
from marshmallow import RAISE, Schema

from services.complaints import schemas, schemas_liability
from services.complaints.domain.case import Case
from services.complaints.domain.liability.account import Account, account_id
from services.complaints.domain.liability.penalty import Penalty, Unit
from services.complaints.domain.rulebook import ComplaintRules
from services.complaints.domain.states import CaseState
from services.complaints.handlers.charging import Files
from services.complaints.handlers.events import TakeContacts
from services.complaints.handlers.liability import AttributeLiability, Penalise
from services.complaints.handlers.liability_looking import LookUpLedgers
from services.complaints.handlers.months import KeepMonths
from services.complaints.handlers.opening import OpenCases, Rules
from services.complaints.handlers.posting import PostCharges
from services.complaints.handlers.sanctioning import SanctionStaff
from services.complaints.ledgers import LedgerRepository
from shared.clock import FixedClock
from shared.errors import KefuError, Problem
from shared.history import Cause, Entry
from shared.ids import CountingIds
from shared.regulations import Rulebooks
from tests.contract.ledger_store import MemoryKept, MemoryLedgers
from tests.unit.complaints.fakes import RETAIL, FakeCall, World, beijing, calendars, rulebooks

HR, GM, AUDITOR = "stf_hr", "stf_gm", "stf_audit"
OFFICES = frozenset(
    {"staff", "hr_admin", "general_manager", "supervisor", "cs_head", "manager", "system"},
)

_SCHEMAS: Mapping[str, type[Schema]] = {
    "attribute": schemas_liability.AttributeLiability,
    "propose_penalty": schemas_liability.ProposePenalty,
    "propose_fine": schemas_liability.ProposeFine,
    "propose_points": schemas_liability.ProposePoints,
    "decide_penalty": schemas_liability.Decide,
    "appeal_penalty": schemas_liability.AppealPenalty,
    "decide_appeal": schemas_liability.DecideAppeal,
    "reverse_penalty": schemas_liability.AppealPenalty,
    "propose_sanction": schemas_liability.ProposeSanction,
    "decide_sanction": schemas_liability.Decide,
    "review_month": schemas_liability.ByMonth,
    "publish_notice": schemas_liability.ByMonth,
    "close_month": schemas_liability.CloseMonth,
    "liability": schemas_liability.ByCase,
    "penalty": schemas.ById,
    "penalties": schemas_liability.ListPenalties,
    "explain_penalty": schemas.ById,
    "sanction": schemas.ById,
    "sanctions": schemas_liability.ListSanctions,
    "ledger": schemas_liability.GetLedger,
    "month_statement": schemas_liability.MonthStatement,
}


@dataclass
class Office:
    """The part of the complaints service that deals with liability, for one organisation."""

    clock: FixedClock
    org: str = RETAIL
    books: Rulebooks[ComplaintRules] = field(default_factory=rulebooks)
    calls: int = 0
    opened: int = 0

    def __post_init__(self) -> None:
        self.world = World(self.clock)
        rules = self.world.rules = Rules(self.books, calendars())
        cases = self.world.cases
        self.world.take_contacts = TakeContacts(OpenCases(cases, rules, self.clock))
        self.ledgers = MemoryLedgers(self.world.cases.all)
        files = Files(self.world.cases, cast(LedgerRepository, self.ledgers), self.books, self.clock)
        self.post = PostCharges(files, CountingIds())
        self.months = KeepMonths(files, self.post)
        penalise, sanction = Penalise(files, self.post), SanctionStaff(files, self.post)
        look = LookUpLedgers(files)
        self._methods: dict[str, Any] = {
            "attribute": AttributeLiability(files),
            **{
                name: getattr(owner, name)
                for owner in (penalise, sanction, self.months, look)
                for name in _SCHEMAS
                if hasattr(owner, name)
            },
        }

    def at(self, text: str) -> None:
        """Put the clock to a wall-clock time in China."""
        self.clock.set(beijing(text))

    def do(
        self,
        method: str,
        *,
        by: str = HR,
        roles: Collection[str] = OFFICES,
        key: str | None = None,
        **arguments: Any,
    ) -> dict[str, Any]:
        """Send a call as RPC would: through its schema, under a key of its own unless one is given."""
        self.calls += 1
        data = _SCHEMAS[method](unknown=RAISE).load(arguments)
        call = FakeCall(self.org, key or f"{self.org}/{method}/key-{self.calls}", frozenset(roles), by)
        answer: dict[str, Any] = self._methods[method](call, data)
        return answer

    def refused(self, method: str, kind: type[KefuError], **arguments: Any) -> KefuError:
        """Send a call that must be refused with an error of ``kind``; return it."""
        with pytest.raises(kind) as refused:
            self.do(method, **arguments)
        assert type(refused.value) is kind
        return refused.value

    def case(self, *, closed: bool = True, late: bool = False) -> Case:
        """Return a new valid case, received now; ``late``: it has missed a deadline.

        How a case gets there is the business of its own tests; here it is put there.
        """
        self.opened += 1
        given: dict[str, Any] = {"problem": f"p-{self.opened}"}
        if self.org == RETAIL:
            given |= {"complainant_type": "end_consumer", "demand": "exchange"}
        case = self.world.open(self.org, f"ct_{self.opened}", **given)
        since = case.history.next_seq
        case.valid, case.state = True, CaseState.ACCEPTED
        if late:
            case.fire_clocks(case.deadlines[0].due_at, Cause("tick-late", "system"))
        if closed:
            case.state, case.closed_at = CaseState.CLOSED, self.clock.now()
        self.world.cases.save(case, since_seq=since)
        return self.world.case(case.id)

    def liable(self, *persons: str, case: Case | None = None, **changes: Any) -> Case:
        """Return a case that was attributed to ``persons``."""
        case = case or self.case()
        areas = self.books.of_version(self.org, case.regulation).sections.liability
        assert areas is not None
        assert areas.attribution is not None
        arguments = {
            "case_id": case.id,
            "area": areas.attribution.areas[0].code,
            "level": "person",
            "department": "production-1",
            "persons": list(persons),
            "reason": "检验漏检",
        }
        self.do("attribute", **arguments | changes)
        return case

    def charge(self, amount: str, staff: str = "stf_a") -> Penalty:
        """Return a posted penalty by which ``staff`` pays ``amount`` for a loss."""
        case = self.liable(staff)
        proposed = self.do(
            "propose_penalty",
            case_id=case.id,
            loss=amount,
            total_points="10",
            points=[{"staff": staff, "points": "10"}],
            reason="按基准",
        )
        return self.approve(proposed)

    def fine(self, staff: str = "stf_a", offence: str = "service", **arguments: Any) -> Penalty:
        """Return a posted fine of ``staff``."""
        case = self.liable(staff)
        found = self.do(
            "propose_fine", case_id=case.id, staff=staff, offence=offence, reason="投诉属实", **arguments
        )
        return self.approve(found)

    def approve(self, proposed: Mapping[str, Any], **arguments: Any) -> Penalty:
        self.do("decide_penalty", by=GM, id=proposed["penalty_id"], approved=True, **arguments)
        return self.penalty(proposed["penalty_id"])

    def penalty(self, penalty_id: str) -> Penalty:
        found = self.ledgers.penalties.get(penalty_id, self.org)
        assert found is not None
        return found

    def account(self, staff: str = "stf_a", unit: Unit = Unit.YUAN) -> Account:
        found = self.ledgers.accounts.get(account_id(self.org, staff, unit), self.org)
        assert found is not None
        return found

    def close(self, month: str, **bonuses: str) -> dict[str, Any]:
        """Close a month on its last day at noon at the earliest, with these bonuses."""
        rows = [{"staff": staff, "bonus": bonus} for staff, bonus in bonuses.items()]
        return self.do("close_month", month=month, bonuses=rows)

    def lines(self, staff: str = "stf_a", unit: Unit = Unit.YUAN) -> list[tuple[str, str, str]]:
        """Return month, kind and amount of every line of a ledger."""
        return [
            (line.period, line.kind.value, str(line.amount))
            for line in self.account(staff, unit).ledger.lines
        ]

    def deducted(self, staff: str = "stf_a") -> dict[str, Decimal]:
        """Return what was taken from ``staff`` at each month's end."""
        taken: dict[str, Decimal] = {}
        for line in self.account(staff).ledger.lines:
            if line.kind.value == "settlement":
                taken[line.period] = taken.get(line.period, Decimal(0)) - line.amount
        return taken

    def events(self, kind: str) -> list[Entry]:
        """Return everything recorded as ``kind``."""
        stores: tuple[MemoryKept[Any], ...] = (
            self.ledgers.liabilities,
            self.ledgers.penalties,
            self.ledgers.sanctions,
            self.ledgers.accounts,
            self.ledgers.months,
        )
        return [
            entry
            for store in stores
            for aggregate in store.all()
            for entry in aggregate.history
            if entry.type == kind
        ]


def fields_of(error: KefuError) -> list[str]:
    """Return the fields an error names."""
    problems: tuple[Problem, ...] = error.problems
    return [problem.field for problem in problems]
