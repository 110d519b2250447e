"""Offers without broker and database: open cases at hand, and every command as RPC would send it."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest
from marshmallow import RAISE, Schema, ValidationError

from services.complaints import schemas, schemas_offers
from services.complaints.domain.case import Case
from services.complaints.domain.money.offer import Offer
from services.complaints.domain.rulebook import ComplaintRules
from services.complaints.handlers.approving import ApproveOffers
from services.complaints.handlers.events import TakeCallbacks, TakeContacts
from services.complaints.handlers.filing import KeepRecords
from services.complaints.handlers.handling import HandleCases
from services.complaints.handlers.offer_looking import LookUpOffers
from services.complaints.handlers.offer_ticking import TickOffers
from services.complaints.handlers.offering import MakeOffers
from services.complaints.handlers.opening import OpenCases, Rules
from services.complaints.handlers.settling import Desk
from services.complaints.handlers.stepping import LookUpSteps, TakeSteps
from services.complaints.ledgers import LedgerRepository
from services.complaints.offers import OfferRepository
from services.complaints.rulebook import PROFILES, load_rulebooks
from shared.clock import FixedClock
from shared.errors import KefuError, ValidationFailed
from shared.history import Entry
from shared.ids import CountingIds
from shared.messaging.problems import flatten_errors
from shared.regulations import Rulebooks
from tests.contract.ledger_store import MemoryLedgers
from tests.contract.offer_store import MemoryOffers
from tests.unit.complaints.fakes import PLAZA, FakeCall, World, beijing, calendars, called_back, rulebooks

AGENT, VICE, SENIOR, CASHIER = "stf_agent", "stf_vice", "stf_senior", "stf_cashier"
#: Who holds what; a call is made with the roles of whoever makes it unless it says otherwise.
ROLES: Mapping[str, frozenset[str]] = {
    AGENT: frozenset({"staff", "complaint_handler", "aftersale"}),
    VICE: frozenset({"staff", "cs_vice_president"}),
    SENIOR: frozenset({"staff", "cs_senior_executive"}),
    CASHIER: frozenset({"staff", "manager"}),
}
_SCHEMAS: Mapping[str, type[Schema]] = {
    "propose_offer": schemas_offers.ProposeOffer,
    "change_offer": schemas_offers.ChangeOffer,
    "withdraw_offer": schemas_offers.WithdrawOffer,
    "decide_offer": schemas_offers.DecideOffer,
    "answer_offer": schemas_offers.AnswerOffer,
    "sign_agreement": schemas_offers.SignAgreement,
    "pay_offer": schemas_offers.PayOffer,
    "reverse_offer": schemas_offers.ReverseOffer,
    "file_agreement": schemas_offers.FileAgreement,
    "record_filing": schemas_offers.RecordFiling,
    "declare_danger": schemas_offers.DeclareDanger,
    "name_accused": schemas_offers.NameAccused,
    "grant_delegation": schemas_offers.GrantDelegation,
    "revoke_delegation": schemas.ById,
    "offer": schemas.ById,
    "offers": schemas_offers.ListOffers,
    "explain": schemas.ById,
    "settlement": schemas.ById,
    "delegations": schemas_offers.ListDelegations,
    "plan": schemas_offers.GetPlan,
}


@dataclass
class Counter:
    """The part of the complaints service that deals with offers, for one organisation."""

    clock: FixedClock
    org: str = PLAZA
    books: Rulebooks[ComplaintRules] = field(default_factory=rulebooks)
    calls: int = 0
    opened: int = 0

    def __post_init__(self) -> None:
        self.world = World(self.clock)
        rules = Rules(self.books, calendars())
        cases = self.world.cases
        self.world.rules = rules
        self.world.take_contacts = TakeContacts(OpenCases(cases, rules, self.clock))
        self.world.take_callbacks = TakeCallbacks(cases, rules, self.clock)
        self.world.handle = HandleCases(cases, rules, self.clock)
        self.world.steps = TakeSteps(cases, rules, self.clock)
        self.world.look_at_steps = LookUpSteps(cases, rules)
        self.offers = MemoryOffers()
        self.ledgers = MemoryLedgers(self.world.cases.all)
        self.desk = Desk(
            self.world.cases,
            cast(OfferRepository, self.offers),
            cast(LedgerRepository, self.ledgers),
            rules,
            self.clock,
        )
        make = MakeOffers(self.desk)
        owners = (make, ApproveOffers(self.desk, make), KeepRecords(self.desk), LookUpOffers(self.desk))
        self._methods = {
            name: getattr(owner, name) for owner in owners for name in _SCHEMAS if hasattr(owner, name)
        }
        self.ticker = TickOffers(self.desk, CountingIds())

    def at(self, text: str) -> None:
        """Put the clock to a wall-clock time in China."""
        self.clock.set(beijing(text))

    def do(
        self,
        method: str,
        *,
        by: str = AGENT,
        roles: Collection[str] | None = None,
        key: str | None = None,
        **arguments: Any,
    ) -> Any:
        """Send a call as RPC would: through its schema, under a key of its own unless one is given."""
        self.calls += 1
        data = loaded(_SCHEMAS[method](unknown=RAISE), arguments)
        held = ROLES.get(by, frozenset({"staff"})) if roles is None else frozenset(roles)
        call = FakeCall(self.org, key or f"{self.org}/{method}/key-{self.calls}", held, by)
        return self._methods[method](call, data)

    def refused(self, method: str, kind: type[KefuError], /, **arguments: Any) -> KefuError:
        """Send a call that must be refused with an error of ``kind``; return it."""
        with pytest.raises(kind) as refused:
            self.do(method, **arguments)
        assert type(refused.value) is kind
        return refused.value

    def case(self, **claim: Any) -> Case:
        """Return a new valid case, received now."""
        self.opened += 1
        given = {"problem": f"p-{self.opened}"} | claim
        case = self.world.walk(self.world.open(self.org, f"ct_{self.opened}", **given))
        listed = self.books.of_version(self.org, case.regulation).sections.grounds
        ground = listed[0].code if listed else None
        self.world.do("decide_validity", case, valid=True, ground=ground, reason="现场核实属实")
        return self.world.case(case.id)

    def propose(self, case: Case, amount: str = "3000.00", kind: str = "compensation", **given: Any) -> str:
        """Propose an offer and return its id."""
        terms = {"case_id": case.id, "kind": kind, "amount": amount, "reason": "协商一致"}
        arguments: dict[str, Any] = terms | given
        return str(self.do("propose_offer", **arguments)["offer_id"])

    def approve(self, offer_id: str, by: str = VICE, **given: Any) -> Any:
        """Approve the sum an offer has."""
        amount = str(self.offer(offer_id).terms.amount)
        decision: dict[str, Any] = {"by": by, "id": offer_id, "approved": True, "amount": amount}
        return self.do("decide_offer", **decision | given)

    def accept(self, offer_id: str, *, accepted: bool = True) -> Any:
        return self.do("answer_offer", id=offer_id, accepted=accepted)

    def pay(self, offer_id: str, **given: Any) -> Any:
        return self.do("pay_offer", **{"by": CASHIER, "id": offer_id, "evidence": "V-0001"} | given)

    def through(self, case: Case, amount: str = "3000.00", by: str = VICE) -> str:
        """Return an offer that was approved by ``by`` and accepted."""
        offer_id = self.propose(case, amount)
        self.approve(offer_id, by)
        self.accept(offer_id)
        return offer_id

    def file(self, case: Case, unit: str, way: str = "paper", **given: Any) -> Any:
        return self.do("record_filing", **{"id": case.id, "unit": unit, "way": way} | given)

    def offer(self, offer_id: str) -> Offer:
        found = self.offers.offers.get(offer_id, self.org)
        assert found is not None
        return found

    def state(self, offer_id: str) -> str:
        return self.offer(offer_id).state.value

    def kept(self, case: Case) -> Case:
        return self.world.case(case.id)

    def reply_and_satisfy(self, case: Case) -> Case:
        """Give the final reply, and let the callback find a satisfied customer."""
        answered = self.world.answer(self.kept(case))
        self.world.call_back(called_back(answered, satisfied=True))
        return self.kept(case)

    def tick(self) -> None:
        """Let the timer run until nothing is left to do."""
        while self.ticker():
            pass

    def events(self, kind: str) -> list[Entry]:
        """Return everything recorded as ``kind``, on offers, delegations and cases."""
        aggregates = [*self.offers.offers.all(), *self.offers.delegations.all(), *self.world.cases.all()]
        return [entry for aggregate in aggregates for entry in aggregate.history if entry.type == kind]


def loaded(schema: Schema, arguments: Mapping[str, Any]) -> Any:
    """Read arguments as the entry points do."""
    try:
        return schema.load(arguments)
    except ValidationError as error:
        problems = flatten_errors(error.normalized_messages())
        raise ValidationFailed("wrong arguments", problems=problems) from error


FILE = """
org: {org}
name: 示例（测试）
profile: {profile}
number_prefix: TST
calendar: cn
time_zone: Asia/Shanghai
publishers: [hotline]
roles: [{roles}]
"""


def books(directory: Path, org: str, profile: str, extra: str = "") -> Rulebooks[ComplaintRules]:
    """Return the rulebooks of one organisation of ``profile``, its own part in ``extra``.

    Its staff hold every role the profile may name: each word of it, so that none is missing.
    """
    files = [PROFILES / f"{name}.yaml" for name in ("standard", profile)]
    words = {word for file in files for word in re.findall(r"[a-z][a-z_]+", file.read_text(encoding="utf-8"))}
    roles = ", ".join(f'"{word}"' for word in sorted(words | {"staff"}))
    text = FILE.format(org=org, profile=profile, roles=roles) + extra
    (directory / f"{org}.yaml").write_text(text, encoding="utf-8")
    return load_rulebooks(directory)
