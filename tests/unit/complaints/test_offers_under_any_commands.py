"""Whatever is done with offers, in whatever order and however often: nothing is paid without sufficient authority."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from services.complaints.domain.case import Case
from services.complaints.domain.money.offer import Offer
from shared.clock import FixedClock
from shared.errors import KefuError
from tests.unit.complaints.fakes import beijing, called_back, routed
from tests.unit.complaints.offer_world import Counter

MAJOR = Decimal(50000)
#: Everybody may propose and pay; who approves as what is told apart by the role.
PEOPLE = {
    "stf_a": {"staff", "complaint_handler", "manager"},
    "stf_b": {"staff", "complaint_handler", "manager", "cs_vice_president"},
    "stf_c": {"staff", "complaint_handler", "manager", "cs_vice_president"},
    "stf_d": {"staff", "complaint_handler", "manager", "cs_senior_executive"},
    "stf_e": {"staff", "complaint_handler", "manager", "cs_vice_president", "cs_senior_executive"},
}
people = st.sampled_from(sorted(PEOPLE))
sums = st.sampled_from(["1.00", "20000.00", "30000.00", "50000.00"])
picks = st.integers(0, 3)


class AnyOffers(RuleBasedStateMachine):
    """One matter of several cases, and everything people may do about money in it."""

    def __init__(self) -> None:
        super().__init__()
        self.counter = Counter(FixedClock(beijing("2025-03-03 09:00")))
        self.sent: list[tuple[str, dict[str, Any], Any]] = []
        self.households = 0
        self.asked = 0
        self.mandates: dict[str, tuple[str, str, str, Decimal]] = {}

    @initialize()
    def begin(self) -> None:
        for _ in range(2):
            self.another_household()

    # --- what people do ---------------------------------------------------------------------------------------

    @rule()
    def another_household(self) -> None:
        if self.households < 3:
            self.counter.case(problem="leak", unit=f"A-{self.households}")
            self.households += 1

    @rule(pick=picks)
    def ask_for_more(self, pick: int) -> None:
        """Let the customer raise it again for a sum that makes the case major."""
        case = self.cases[pick % len(self.cases)]
        self.asked += 1
        contact, customer = f"ct_again_{self.asked}", case.customer_id
        self.counter.world.take(
            routed(contact=contact, customer=customer, unit=case.unit_id, problem="leak", amount="50000.00")
        )

    @rule(by=people, pick=picks, amount=sums)
    def propose(self, by: str, pick: int, amount: str) -> None:
        case = self.cases[pick % len(self.cases)]
        arguments = {"case_id": case.id, "kind": "compensation", "amount": amount, "reason": "x"}
        self.send("propose_offer", by=by, **arguments)

    @rule(by=people, pick=picks, amount=sums)
    def change(self, by: str, pick: int, amount: str) -> None:
        if self.offers:
            self.send("change_offer", by=by, id=self.offer(pick).id, amount=amount, reason="y")

    @rule(by=people, pick=picks, delegated=st.booleans())
    def approve(self, by: str, pick: int, *, delegated: bool) -> None:
        if self.offers:
            offer = self.offer(pick)
            mandate = next((key for key, row in self.mandates.items() if row[1] == by), None)
            arguments: dict[str, Any] = {"id": offer.id, "approved": True, "amount": str(offer.terms.amount)}
            if delegated and mandate is not None:
                arguments["delegation"] = mandate
            self.send("decide_offer", by=by, **arguments)

    @rule(by=people, to=people, limit=sums)
    def delegate(self, by: str, to: str, limit: str) -> None:
        role = next((r for r in sorted(PEOPLE[by]) if r.startswith("cs_")), "cs_vice_president")
        until = "2025-03-04T09:00:00+08:00"
        made = self.send("grant_delegation", by=by, delegate=to, role=role, until=until, limit=limit)
        if made is not None:
            self.mandates[made["delegation_id"]] = (by, to, role, Decimal(limit))

    @rule(by=people, pick=picks, accepted=st.booleans())
    def answer(self, by: str, pick: int, *, accepted: bool) -> None:
        if self.offers:
            self.send("answer_offer", by=by, id=self.offer(pick).id, accepted=accepted)

    @rule(by=people, pick=picks)
    def pay(self, by: str, pick: int) -> None:
        if self.offers:
            offer = self.offer(pick)
            allowed = self.enough(offer, by)
            paid = self.send("pay_offer", by=by, id=offer.id, evidence="V-1")
            assert paid is None or allowed, (offer.terms.amount, offer.signatures)

    @rule(by=people, pick=picks, amount=sums)
    def offer_and_push(self, by: str, pick: int, amount: str) -> None:
        """Propose, let everybody try to approve, the customer accept and the case be filed: far, but not paid."""
        case = self.cases[pick % len(self.cases)]
        for unit in ("board", "customer_relations"):
            if unit not in case.filed:
                self.send("record_filing", by="stf_a", id=case.id, unit=unit, way="paper")
        arguments = {"case_id": case.id, "kind": "compensation", "amount": amount, "reason": "x"}
        made = self.send("propose_offer", by=by, **arguments)
        if made is not None:
            decision = {"id": made["offer_id"], "approved": True, "amount": amount}
            for approver in sorted(PEOPLE):
                self.send("decide_offer", by=approver, **decision)
            self.send("answer_offer", by=by, id=made["offer_id"], accepted=True)

    @rule(by=people)
    def pay_all(self, by: str) -> None:
        for number, offer in enumerate(self.offers):
            if offer.state.value == "accepted":
                self.pay(by, number)

    @rule(by=people, pick=picks)
    def reverse(self, by: str, pick: int) -> None:
        if self.offers:
            self.send("reverse_offer", by=by, id=self.offer(pick).id, evidence="V-2", reason="z")

    @rule(by=people, pick=picks)
    def withdraw(self, by: str, pick: int) -> None:
        if self.offers:
            self.send("withdraw_offer", by=by, id=self.offer(pick).id, reason="z")

    @rule(pick=picks, whom=people)
    def accuse(self, pick: int, whom: str) -> None:
        self.send("name_accused", by="stf_a", id=self.cases[pick % len(self.cases)].id, staff=[whom])

    @rule(pick=picks)
    def accuse_an_approver(self, pick: int) -> None:
        signed = [offer for offer in self.offers if offer.signatures]
        if signed:
            offer = signed[pick % len(signed)]
            self.send("name_accused", by="stf_a", id=offer.case_id, staff=[offer.signatures[0].by])

    @rule(pick=picks, unit=st.sampled_from(["board", "customer_relations"]))
    def file(self, pick: int, unit: str) -> None:
        case = self.cases[pick % len(self.cases)]
        self.send("record_filing", by="stf_a", id=case.id, unit=unit, way="paper")

    @rule(pick=picks, really=st.integers(0, 5))
    def reply_and_call_back(self, pick: int, really: int) -> None:
        case = self.cases[pick % len(self.cases)]
        # Not too often: on closed cases little happens.
        if case.state.value == "accepted" and really == 5:
            answered = self.counter.world.answer(case)
            self.counter.world.call_back(called_back(answered, satisfied=True))

    @rule(days=st.integers(0, 2))
    def time_passes(self, days: int) -> None:
        self.counter.clock.advance(days * (beijing("2025-03-04 00:00") - beijing("2025-03-03 00:00")))
        self.counter.tick()

    @rule(pick=picks)
    def repeat(self, pick: int) -> None:
        """Send a command again under its key: the same answer, and nothing else."""
        if self.sent:
            key, arguments, answer = self.sent[pick % len(self.sent)]
            before = self.everything()
            assert self.counter.do(key=key, **arguments) == answer
            assert self.everything() == before

    # --- what always holds ------------------------------------------------------------------------------------

    @invariant()
    def a_closed_case_owes_nothing(self) -> None:
        for case in self.cases:
            if case.state.value == "closed":
                assert case.open_offers == []
                open_ones = [o for o in self.offers if o.case_id == case.id and o.is_open]
                assert open_ones == []

    @invariant()
    def cases_know_their_offers(self) -> None:
        known = {offer_id for case in self.cases for offer_id in case.open_offers}
        assert known == {offer.id for offer in self.offers if offer.is_open}

    @invariant()
    def money_moves_once_and_back_once(self) -> None:
        for offer in self.offers:
            kinds = [movement.kind.value for movement in offer.movements]
            assert kinds in ([], ["payment"], ["payment", "counter"])
            expected = offer.terms.amount if kinds == ["payment"] else Decimal("0.00")
            assert offer.paid == expected
            assert offer.history.verify() == []

    # --- by other means than the code's -----------------------------------------------------------------------

    def enough(self, offer: Offer, payer: str) -> bool:
        """Tell from the offer's history alone whether it may be paid by ``payer`` now."""
        case = next(case for case in self.cases if case.id == offer.case_id)
        total = sum(
            (o.terms.amount for o in self.offers if o.state.value in {"approved", "accepted", "paid"}),
            Decimal(0),
        )
        senior = total >= MAJOR or case.level == "major"
        wanted = "cs_senior_executive" if senior else "cs_vice_president"
        authors = {e.data["by"] for e in offer.history if e.type in {"offer_proposed", "offer_changed"}}
        out = authors | set(case.accused)
        given = [
            entry.data
            for entry in offer.history
            if entry.type == "approval_given" and entry.data["revision"] == offer.revision
        ]
        good = [
            one
            for one in given
            if one["role"] == wanted
            and not {one["by"], one["for"]} & out
            and one["role"] in PEOPLE[one["for"] or one["by"]]
        ]
        return bool(good) and payer not in case.accused and offer.state.value == "accepted"

    # --- helpers ----------------------------------------------------------------------------------------------

    @property
    def cases(self) -> list[Case]:
        return self.counter.world.cases.all()

    @property
    def offers(self) -> list[Offer]:
        return self.counter.offers.offers.all()

    def offer(self, pick: int) -> Offer:
        return self.offers[pick % len(self.offers)]

    def everything(self) -> Any:
        return (
            [offer.history.as_documents() for offer in self.offers],
            [case.history.as_documents() for case in self.cases],
            [d.history.as_documents() for d in self.counter.offers.delegations.all()],
        )

    def send(self, method: str, by: str, **arguments: Any) -> Any:
        key = f"any-{len(self.sent)}-{self.counter.calls}"
        whole = {"method": method, "by": by, "roles": PEOPLE[by], **arguments}
        try:
            answer = self.counter.do(key=key, **whole)
        except KefuError:
            return None
        self.sent.append((key, whole, answer))
        return answer


AnyOffers.TestCase.settings = settings(max_examples=40, stateful_step_count=15, deadline=None)
TestAnyOffers = AnyOffers.TestCase
