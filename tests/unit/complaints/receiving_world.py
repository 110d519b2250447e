"""Receiving complaints without broker and database: open cases at hand, and every call as RPC would send it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from marshmallow import RAISE, Schema

from services.complaints import schemas, schemas_receiving
from services.complaints.domain.case import Case
from services.complaints.domain.rulebook import ComplaintRules
from services.complaints.handlers.events import TakeCallbacks, TakeContacts
from services.complaints.handlers.handling import HandleCases
from services.complaints.handlers.looking import LookUpCases
from services.complaints.handlers.opening import OpenCases, Rules
from services.complaints.handlers.receiving import ReceiveCases, RecountMatters
from services.complaints.handlers.register import LookUpReceiving
from services.complaints.handlers.stepping import LookUpSteps, TakeSteps
from shared.clock import FixedClock
from shared.errors import KefuError
from shared.history import Cause
from shared.ids import CountingIds
from shared.regulations import Rulebooks
from tests.unit.complaints.fakes import PLAZA, FakeCall, World, beijing, calendars, rulebooks

_SCHEMAS: Mapping[str, type[Schema]] = {
    "clarify_claim": schemas_receiving.ClarifyClaim,
    "give_opinion": schemas_receiving.GiveOpinion,
    "tell_refusal": schemas_receiving.TellRefusal,
    "report_late_entry": schemas_receiving.ReportLateEntry,
    "fill_card": schemas_receiving.FillCard,
    "approve_card": schemas.ById,
    "receiving": schemas.ById,
    "ledger": schemas_receiving.ComplaintLedger,
    "decide_validity": schemas.DecideValidity,
    "progress": schemas.Progress,
    "reply": schemas.Reply,
    "close": schemas.ById,
}
DESK = frozenset({"staff", "complaint_handler", "cs_head", "ops_cs"})


@dataclass
class Reception:
    """The part of the complaints service that receives complaints, for one organisation."""

    org: str = PLAZA
    books: Rulebooks[ComplaintRules] = field(default_factory=rulebooks)
    clock: FixedClock = field(default_factory=lambda: FixedClock(beijing("2026-03-02 09:00")))
    calls: int = 0

    def __post_init__(self) -> None:
        self.world = World(self.clock)
        rules = self.world.rules = Rules(self.books, calendars())
        self.cases = self.world.cases
        opening = OpenCases(self.cases, rules, self.clock)
        self.world.take_contacts = TakeContacts(opening)
        self.world.take_callbacks = TakeCallbacks(self.cases, rules, self.clock)
        self.world.handle = HandleCases(self.cases, rules, self.clock)
        self.world.look = LookUpCases(self.cases, rules, self.clock)
        self.world.steps = TakeSteps(self.cases, rules, self.clock)
        self.world.look_at_steps = LookUpSteps(self.cases, rules)
        self.recount = RecountMatters(self.cases, opening, self.clock, CountingIds())
        receive = ReceiveCases(self.cases, rules, self.clock, self.recount)
        owners = (receive, self.world.handle, LookUpReceiving(self.cases, rules, self.clock))
        self._methods = {
            name: getattr(owner, name) for owner in owners for name in _SCHEMAS if hasattr(owner, name)
        }

    def open(self, contact: str = "ct_1", **given: Any) -> Case:
        """Deliver one complaint and return its case."""
        return self.world.open(self.org, contact, **given)

    def do(
        self,
        method: str,
        case: Case | None = None,
        *,
        by: str = "stf_desk",
        roles: Collection[str] = DESK,
        key: str | None = None,
        **arguments: Any,
    ) -> Any:
        """Send a call as RPC would: through its schema, under a key of its own unless one is given."""
        self.calls += 1
        given = arguments if case is None else {"id": case.id, **arguments}
        data = _SCHEMAS[method](unknown=RAISE).load(given)
        call = FakeCall(self.org, key or f"{self.org}/{method}/key-{self.calls}", frozenset(roles), by)
        return self._methods[method](call, data)

    def refused(self, method: str, case: Case, kind: type[KefuError], /, **arguments: Any) -> KefuError:
        """Send a call that must be refused with an error of ``kind`` and change nothing; return the error."""
        before = self.cases.documents[case.id]
        with pytest.raises(kind) as refused:
            self.do(method, case, **arguments)
        assert type(refused.value) is kind
        assert self.cases.documents[case.id] == before
        return refused.value

    def name_accused(self, case: Case, *staff: str) -> None:
        """Enter whom the case is about."""
        kept = self.kept(case)
        since, timing = kept.history.next_seq, self.world.rules.timing(kept.org, kept.regulation)
        at, cause = self.clock.now(), Cause("accused", "stf_desk")
        kept.name_accused(timing, staff, roles=DESK | {"manager", "cs_staff"}, at=at, cause=cause)
        self.cases.save(kept, since_seq=since)

    def seen(self, case: Case) -> dict[str, Any]:
        """Ask how the case was received."""
        answer: dict[str, Any] = self.do("receiving", case)
        return answer

    def ledger(self, **wanted: Any) -> dict[str, Any]:
        """Ask for a page of the complaint ledger."""
        answer: dict[str, Any] = self.do("ledger", **wanted)
        return answer

    def kept(self, case: Case) -> Case:
        """Return the case as it is now."""
        return self.world.case(case.id)
