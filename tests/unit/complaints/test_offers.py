"""Offers: who approves what in which order, what is paid and when, what is taken back."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from shared.clock import FixedClock
from shared.errors import Conflict, NotFound, RuleRefused, ValidationFailed
from tests.unit.complaints.fakes import RETAIL, SHOP, beijing
from tests.unit.complaints.offer_world import AGENT, CASHIER, ROLES, SENIOR, VICE, Counter, books

MORNING = "2025-03-03 09:00"


@pytest.fixture
def plaza() -> Counter:
    """A shopping centre on a Monday morning."""
    return Counter(FixedClock(beijing(MORNING)))


@pytest.fixture
def shop() -> Counter:
    """An online shop."""
    return Counter(FixedClock(beijing(MORNING)), SHOP)


def fields_of(error: Any) -> list[str]:
    return [problem.field for problem in error.problems]


def test_an_offer_goes_from_the_proposal_to_the_payment(plaza: Counter) -> None:
    """The whole way of an ordinary offer, and that each step leaves its event."""
    case = plaza.case()
    offer_id = plaza.propose(case, "3000.00")
    assert plaza.offer(offer_id).awaits == ("cs_vice_president",)
    plaza.approve(offer_id)
    assert plaza.accept(offer_id)["state"] == "accepted"
    assert plaza.pay(offer_id)["state"] == "paid"
    offer = plaza.offer(offer_id)
    assert [entry.type for entry in offer.history] == [
        "offer_proposed",
        "approval_given",
        "offer_approved",
        "offer_accepted",
        "offer_paid",
    ]
    assert (str(offer.paid), offer.movements[0].evidence) == ("3000.00", "V-0001")
    assert offer.history.verify() == []
    assert plaza.kept(case).open_offers == []


@pytest.mark.rule("B-JKC-44")
@pytest.mark.parametrize("claim", [{}, {"lawsuit": True}], ids=["general", "important"])
def test_general_and_important_complaints_are_approved_by_the_vice_president(
    plaza: Counter, claim: dict[str, Any]
) -> None:
    """The head of the project, or anybody else, is refused with the rule; the vice president is not."""
    offer_id = plaza.propose(plaza.case(**claim))
    for role in ("cs_head", "manager", "cs_senior_executive"):
        refused = plaza.refused(
            "decide_offer",
            RuleRefused,
            by="stf_head",
            roles={role},
            id=offer_id,
            approved=True,
            amount="3000",
        )
        assert refused.rule == "B-JKC-44"
    plaza.approve(offer_id)
    assert plaza.state(offer_id) == "approved"


@pytest.mark.rule("B-JKC-47")
def test_major_complaints_are_approved_by_the_senior_executive(plaza: Counter) -> None:
    """A vice president is not enough for a case that is major by the sum asked for."""
    offer_id = plaza.propose(plaza.case(amount="50000.00"))
    refused = plaza.refused("decide_offer", RuleRefused, by=VICE, id=offer_id, approved=True, amount="3000")
    assert refused.rule == "B-JKC-47"
    plaza.approve(offer_id, SENIOR)
    assert plaza.state(offer_id) == "approved"


@pytest.mark.parametrize(
    ("sums", "level", "authority"),
    [
        (("5000.00",), "general", "general_and_important"),
        (("3000.00", "2000.01"), "important", "general_and_important"),
        (("30000.00", "19999.99"), "important", "general_and_important"),
        (("30000.00", "20000.00"), "major", "major"),
    ],
)
def test_sums_count_together_over_the_linked_cases_of_a_matter(
    plaza: Counter, sums: tuple[str, ...], level: str, authority: str
) -> None:
    """Nobody stays below a limit by cutting a sum into pieces or spreading it over households."""
    offers = []
    for number, amount in enumerate(sums):
        case = plaza.case(problem="leak", unit=f"A-{number}")
        offers.append(plaza.propose(case, amount))
        if number + 1 < len(sums):
            plaza.approve(offers[-1])
    explained = plaza.do("explain", id=offers[-1])
    assert (explained["level"], explained["authority"]) == (level, authority)
    assert explained["total"] == str(sum(map(Decimal, sums)))


def test_an_approval_that_no_longer_reaches_is_not_enough_for_the_payment(
    plaza: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two sums approved each by itself come to 60,000: neither is paid before the senior executive approved it."""
    first, second = (plaza.propose(plaza.case(problem="leak", unit=f"A-{n}"), "30000.00") for n in (1, 2))
    plaza.approve(first)
    plaza.accept(first)
    # The second approver looked before the first one's word was written.
    with monkeypatch.context() as before:
        before.setattr(plaza.offers, "committed", lambda *_: [])
        plaza.approve(second)
    plaza.accept(second)
    for offer_id in (first, second):
        refused = plaza.refused("pay_offer", RuleRefused, by=CASHIER, id=offer_id, evidence="V-1")
        assert refused.rule == "B-JKC-47"
    assert not plaza.events("offer_paid")
    plaza.approve(first, SENIOR)
    plaza.file(plaza.world.case(plaza.offer(first).case_id), "board")
    plaza.pay(first)
    assert (plaza.state(first), plaza.state(second)) == ("paid", "accepted")


def test_a_level_that_rises_after_the_approval_asks_for_the_higher_one(plaza: Counter) -> None:
    """Approved as general, major by the time it is paid: the approval given counts for nothing."""
    case = plaza.case(problem="leak", unit="A-0")
    offer_id = plaza.through(case, "1000.00")
    for number in range(1, 10):
        plaza.case(problem="leak", unit=f"A-{number}")
    assert plaza.kept(case).level == "major"
    plaza.file(case, "board")
    refused = plaza.refused("pay_offer", RuleRefused, by=CASHIER, id=offer_id, evidence="V-1")
    assert refused.rule == "B-JKC-47"
    assert plaza.do("explain", id=offer_id)["sufficient"] is False
    plaza.approve(offer_id, SENIOR)
    assert plaza.pay(offer_id)["state"] == "paid"


@pytest.mark.parametrize("amount", ["-1.00", "0.001", "1.234", "1000000000000000", "1e3", "NaN", ""])
def test_an_amount_that_is_none_is_refused_by_its_name(plaza: Counter, amount: str) -> None:
    """Negative, in tenths of a fen, beyond anything: refused before anything happens, naming the field."""
    case = plaza.case()
    arguments = {"case_id": case.id, "kind": "compensation", "amount": amount, "reason": "x"}
    assert fields_of(plaza.refused("propose_offer", ValidationFailed, **arguments)) == ["amount"]
    assert plaza.offers.offers.all() == []


def test_an_offer_of_nothing_is_refused(plaza: Counter) -> None:
    """Only goods may come to nothing."""
    arguments = {"case_id": plaza.case().id, "kind": "compensation", "amount": "0.00", "reason": "x"}
    assert fields_of(plaza.refused("propose_offer", ValidationFailed, **arguments)) == ["amount"]


def test_an_unknown_kind_is_refused_by_its_name(plaza: Counter) -> None:
    """A kind the rulebook does not name."""
    arguments = {"case_id": plaza.case().id, "kind": "gold", "amount": "1.00", "reason": "x"}
    assert fields_of(plaza.refused("propose_offer", ValidationFailed, **arguments)) == ["kind"]


@pytest.mark.parametrize("org", ["property-demo", "it-demo"])
def test_where_the_rulebook_names_nobody_nobody_approves(org: str) -> None:
    """Silence is no permission: the refusal says that it is silent."""
    silent = Counter(FixedClock(beijing(MORNING)), org)
    arguments = {
        "case_id": silent.case().id,
        "kind": "refund",
        "amount": "1.00",
        "reason": "x",
        "meeting_note": "MN-1",
    }
    refused = silent.refused("propose_offer", RuleRefused, **arguments)
    assert refused.rule == "design"
    assert "names nobody who may approve refund" in refused.message


def test_a_sum_beyond_the_last_row_of_the_matrix_has_nobody(shop: Counter) -> None:
    """The shop's supervisor approves money up to 500, that included; beyond it nobody was named."""
    case = shop.case()
    assert shop.propose(case, "500.00")
    arguments = {"case_id": case.id, "kind": "compensation", "amount": "500.01", "reason": "x"}
    assert "names nobody" in shop.refused("propose_offer", RuleRefused, **arguments).message


def test_offers_are_made_on_valid_open_cases_by_those_who_handle_them(plaza: Counter) -> None:
    """Not before the decision on validity, not on a closed case, not by just anybody."""
    fresh = plaza.world.open(contact="ct_new", problem="new")
    arguments = {"case_id": fresh.id, "kind": "compensation", "amount": "1.00", "reason": "x"}
    assert (
        "offers are made on valid cases" in plaza.refused("propose_offer", RuleRefused, **arguments).message
    )
    closed = plaza.reply_and_satisfy(plaza.case())
    assert closed.state.value == "closed"
    plaza.refused("propose_offer", RuleRefused, **(arguments | {"case_id": closed.id}))
    plaza.refused("propose_offer", RuleRefused, by=VICE, **(arguments | {"case_id": plaza.case().id}))
    plaza.refused("propose_offer", NotFound, **(arguments | {"case_id": "cs_none"}))


def test_a_changed_amount_voids_the_approvals_given(plaza: Counter) -> None:
    """What nobody approved is not paid: after a change the offer is a proposal again, whatever it was."""
    offer_id = plaza.propose(plaza.case(), "3000.00")
    plaza.approve(offer_id)
    changed = plaza.do("change_offer", id=offer_id, amount="4000.00", reason="客户要求")
    assert (changed["state"], changed["revision"], changed["awaits"]) == (
        "proposed",
        2,
        ["cs_vice_president"],
    )
    assert plaza.events("offer_changed")[-1].data["approvals_voided"] == 1
    plaza.refused("answer_offer", Conflict, id=offer_id, accepted=True)
    stale = plaza.refused("decide_offer", Conflict, by=VICE, id=offer_id, approved=True, amount="3000.00")
    assert "4000.00" in stale.message
    plaza.approve(offer_id)
    plaza.accept(offer_id)
    plaza.refused("change_offer", Conflict, id=offer_id, amount="9000.00", reason="x")
    plaza.pay(offer_id)
    assert str(plaza.offer(offer_id).paid) == "4000.00"


def test_a_change_that_changes_nothing_is_refused(plaza: Counter) -> None:
    """Approvals are not lost to a slip."""
    offer_id = plaza.propose(plaza.case(), "3000.00")
    plaza.approve(offer_id)
    plaza.refused("change_offer", ValidationFailed, id=offer_id, amount="3000.00", reason="协商一致")
    assert plaza.state(offer_id) == "approved"


def test_nothing_is_paid_that_the_customer_did_not_accept(plaza: Counter) -> None:
    """Not a proposal, not what was declined, withdrawn or refused; and nothing twice."""
    case = plaza.case()
    proposed, declined, withdrawn, refused = (plaza.propose(case, "100.00") for _ in range(4))
    for offer_id in (declined, withdrawn):
        plaza.approve(offer_id)
    plaza.accept(declined, accepted=False)
    plaza.do("withdraw_offer", id=withdrawn, reason="误录")
    plaza.do("decide_offer", by=VICE, id=refused, approved=False, amount="100.00", note="不予赔偿")
    assert [plaza.state(each) for each in (proposed, declined, withdrawn, refused)] == [
        "proposed",
        "declined",
        "voided",
        "refused",
    ]
    for offer_id in (proposed, declined, withdrawn, refused):
        plaza.refused("pay_offer", RuleRefused, by=CASHIER, id=offer_id, evidence="V-1")
    paid = plaza.through(case, "100.00")
    plaza.pay(paid)
    plaza.refused("pay_offer", Conflict, by=CASHIER, id=paid, evidence="V-2")
    assert len(plaza.offer(paid).movements) == 1
    for step in ({"accepted": True}, {"accepted": False}):
        plaza.refused("answer_offer", Conflict, id=paid, **step)
    plaza.refused("withdraw_offer", Conflict, id=paid, reason="x")


def test_only_those_the_rulebook_names_pay(plaza: Counter) -> None:
    """Whoever handles the case does not hand out money."""
    offer_id = plaza.through(plaza.case())
    for by in (AGENT, VICE):
        plaza.refused("pay_offer", RuleRefused, by=by, id=offer_id, evidence="V-1")
    assert plaza.state(offer_id) == "accepted"


def test_a_payment_is_taken_back_only_by_a_counter_entry(plaza: Counter) -> None:
    """Both movements stay; the sum counts no more; whoever paid or prepared it does not take it back."""
    case = plaza.case()
    offer_id = plaza.through(case, "3000.00")
    plaza.refused("reverse_offer", Conflict, by=VICE, id=offer_id, evidence="V-2", reason="重复")
    plaza.pay(offer_id)
    for by in (AGENT, CASHIER):
        refused = plaza.refused(
            "reverse_offer",
            RuleRefused,
            by=by,
            roles=ROLES[by] | {"cs_vice_president"},
            id=offer_id,
            evidence="V-2",
            reason="重复",
        )
        assert refused.rule == "B-JKC-44"
    plaza.do("reverse_offer", by=VICE, id=offer_id, evidence="V-2", reason="重复支付")
    offer = plaza.offer(offer_id)
    assert [(m.kind.value, str(m.amount), m.evidence) for m in offer.movements] == [
        ("payment", "3000.00", "V-0001"),
        ("counter", "-3000.00", "V-2"),
    ]
    assert (offer.state.value, str(offer.paid)) == ("reversed", "0.00")
    again = plaza.propose(case, "1.00")
    assert plaza.do("explain", id=again)["total"] == "1.00"
    plaza.refused("reverse_offer", Conflict, by=VICE, id=offer_id, evidence="V-3", reason="x")


def test_a_repeat_of_any_command_gets_its_answer_and_changes_nothing(plaza: Counter) -> None:
    """Every command of the way, each sent three times under its key."""
    case = plaza.case()
    offer_id = ""
    way: list[tuple[str, dict[str, Any]]] = [
        ("propose_offer", {"case_id": case.id, "kind": "compensation", "amount": "10", "reason": "x"}),
        ("change_offer", {"amount": "20.00", "reason": "y"}),
        ("decide_offer", {"by": VICE, "approved": True, "amount": "20.00"}),
        ("answer_offer", {"accepted": True}),
        ("pay_offer", {"by": CASHIER, "evidence": "V-1"}),
        ("reverse_offer", {"by": VICE, "evidence": "V-2", "reason": "z"}),
    ]
    for number, (method, arguments) in enumerate(way):
        own = {} if method == "propose_offer" else {"id": offer_id}
        answers = [plaza.do(method, key=f"k-{number}", **own, **arguments) for _ in range(3)]
        assert answers[0] == answers[1] == answers[2]
        offer_id = answers[0]["offer_id"]
    kinds = [entry.type for entry in plaza.offer(offer_id).history]
    assert len(kinds) == len(set(kinds)) == 7
    assert len(plaza.offers.offers.all()) == 1
    plaza.refused("pay_offer", Conflict, by=CASHIER, key="k-4", id=offer_id, evidence="another")


def test_questions_show_what_awaits_whom(plaza: Counter) -> None:
    """The lists and the explanation an approver works by."""
    case = plaza.case()
    first, second = plaza.propose(case, "10.00"), plaza.propose(plaza.case(amount="60000.00"), "60000.00")
    assert [row["offer_id"] for row in plaza.do("offers", by=VICE, mine=True)] == [first]
    assert [row["offer_id"] for row in plaza.do("offers", by=SENIOR, mine=True)] == [second]
    assert [row["offer_id"] for row in plaza.do("offers", case_id=case.id)] == [first]
    assert {row["offer_id"] for row in plaza.do("offers", state="proposed")} == {first, second}
    explained = plaza.do("explain", id=second)
    assert explained["awaits"] == ["cs_senior_executive"]
    assert [unit["unit"] for unit in explained["filings_due"]] == ["board"]
    plaza.approve(first)
    assert plaza.do("offers", by=VICE, mine=True) == []
    assert plaza.do("offer", id=first)["approvals"][0]["by"] == VICE
    plaza.refused("offer", NotFound, id="of_none")


@pytest.mark.rule("A-ECO-06")
def test_returns_of_an_online_shop_are_approved_by_its_supervisor(shop: Counter) -> None:
    """The pre-sale agent is refused, the supervisor of network customer service is not."""
    goods = [{"item": "充电器", "quantity": 2}]
    offer_id = shop.propose(shop.case(), "0.00", "return", goods=goods)
    refused = shop.refused(
        "decide_offer", RuleRefused, by="stf_pre", roles={"presale"}, id=offer_id, approved=True, amount="0"
    )
    assert refused.rule == "A-ECO-06"
    shop.approve(offer_id, "stf_head", roles={"supervisor"})
    assert shop.state(offer_id) == "approved"


@pytest.mark.rule("B-ECM-18")
def test_an_after_sales_agent_makes_the_return_that_belongs_to_a_complaint(shop: Counter) -> None:
    """A return is linked to its case, and nobody but after-sales makes it."""
    case, goods = shop.case(), [{"item": "充电器", "quantity": 2}]
    terms = {"case_id": case.id, "kind": "return", "amount": "99.00", "reason": "x"}
    arguments: dict[str, Any] = {**terms, "goods": goods}
    refused = shop.refused("propose_offer", RuleRefused, roles={"staff", "presale"}, **arguments)
    assert refused.rule == "B-ECM-18"
    made = shop.do("propose_offer", roles={"staff", "aftersale"}, **arguments)
    shown = shop.do("offer", id=made["offer_id"])
    assert (shown["case_id"], shown["kind"], shown["goods"]) == (case.id, "return", goods)


@pytest.mark.rule("B-ECM-39")
def test_a_problem_after_the_sale_has_its_written_plan_in_four_blocks(shop: Counter) -> None:
    """Calming, compensation, the courier's claim, tracing: for a lost parcel all four are there."""
    plan = shop.do("plan", problem="lost_parcel")
    assert all(plan[block] for block in ("calming", "compensation", "courier_claim", "tracing"))
    assert "lost_parcel" in shop.refused("plan", NotFound, problem="wrong_size").message


@pytest.mark.rule("B-RET-20")
def test_compensation_and_price_cuts_cite_the_business_rule_they_follow() -> None:
    """A sum without a rule is refused; returns and exchanges need none."""
    retail = Counter(FixedClock(beijing(MORNING)), RETAIL)
    case = retail.case()
    for kind in ("damages", "price_cut"):
        arguments = {"case_id": case.id, "kind": kind, "amount": "80.00", "reason": "x"}
        refused = retail.refused("propose_offer", RuleRefused, **arguments)
        assert (refused.rule, fields_of(refused)) == ("B-RET-20", ["reference"])
        assert retail.do("propose_offer", **arguments, reference="销售业务规定 4.2")["state"] == "proposed"


@pytest.mark.rule("A-JD15-07")
def test_a_refund_negotiated_face_to_face_needs_its_note_and_its_approval() -> None:
    """Neither without the note of the meeting nor before the approval is anything paid back."""
    shop = Counter(FixedClock(beijing(MORNING)), RETAIL)
    arguments = {"case_id": shop.case().id, "kind": "refund", "amount": "500.00", "reason": "x"}
    refused = shop.refused("propose_offer", RuleRefused, **arguments)
    assert (refused.rule, fields_of(refused)) == ("A-JD15-07", ["meeting_note"])
    offer_id = shop.do("propose_offer", **arguments, meeting_note="MN-0506")["offer_id"]
    shop.refused("pay_offer", RuleRefused, by=CASHIER, id=offer_id, evidence="V-1")
    shop.approve(offer_id, "stf_hr", roles={"hr_admin"})
    shop.approve(offer_id, "stf_gm", roles={"general_manager"})
    shop.accept(offer_id)
    assert shop.pay(offer_id)["state"] == "paid"


ESTATE = """
overrides:
  - version: "1"
    effective_from: 2020-01-01
    complaints:
      authority:
        matrix:
          others:
            kinds: [refund, company_default]
            sequence: [{roles: [manager]}]
            source: organisation
"""


@pytest.fixture
def estate(tmp_path: Path) -> Counter:
    """A developer that decided itself who approves refunds."""
    rulebooks = books(tmp_path, "riverside", "real-estate", ESTATE)
    return Counter(FixedClock(beijing(MORNING)), "riverside", rulebooks)


@pytest.mark.rule("B-RES-09")
def test_a_refund_is_paid_within_a_week_of_its_approval(estate: Counter) -> None:
    """Approved on 3 March, in time to the end of the 10th, overdue on the 11th; and the customer is told."""
    case = estate.case()
    first, late = (estate.propose(case, "800.00", "refund") for _ in range(2))
    for offer_id in (first, late):
        estate.approve(offer_id, "stf_m", roles={"manager"})
        estate.accept(offer_id)
    handler = {"by": "stf_mk", "roles": {"marketing_handler"}}
    estate.refused("pay_offer", RuleRefused, by=CASHIER, id=first, evidence="V-1")
    estate.at("2025-03-10 23:59")
    estate.tick()
    assert estate.events("payment_overdue") == []
    untold = estate.refused("pay_offer", RuleRefused, **handler, id=first, evidence="V-1")
    assert (untold.rule, fields_of(untold)) == ("B-RES-09", ["told_at"])
    estate.pay(first, **handler, told_at="2025-03-10T15:00:00+08:00")
    estate.at("2025-03-11 00:00")
    estate.tick()
    estate.tick()
    (overdue,) = estate.events("payment_overdue")
    assert overdue.data["offer_id"] == late
    assert estate.do("offer", id=late)["overdue"] is True
    estate.pay(late, **handler, told_at="2025-03-11T15:00:00+08:00")
    on_time = {entry.data["offer_id"]: entry.data["on_time"] for entry in estate.events("offer_paid")}
    assert on_time == {first: True, late: False}


def test_a_payment_after_its_time_is_late_also_where_no_timer_ran(estate: Counter) -> None:
    """A breach is a breach: it is recorded by the payment that finds it."""
    offer_id = estate.propose(estate.case(), "800.00", "refund")
    estate.approve(offer_id, "stf_m", roles={"manager"})
    estate.accept(offer_id)
    estate.at("2025-03-11 00:00")
    estate.pay(offer_id, by="stf_mk", roles={"marketing_handler"}, told_at="2025-03-11T15:00:00+08:00")
    assert [entry.type for entry in estate.offer(offer_id).history][-2:] == ["payment_overdue", "offer_paid"]


@pytest.mark.rule("B-RES-18")
def test_compensation_rests_on_an_agreement_approved_step_by_step_signed_and_filed(estate: Counter) -> None:
    """Legal adviser first, general manager last; unsigned it is not paid, unfiled its case does not close."""
    case = estate.case()
    arguments = {"case_id": case.id, "kind": "compensation", "amount": "9000.00", "reason": "x"}
    refused = estate.refused("propose_offer", RuleRefused, **arguments)
    assert (refused.rule, fields_of(refused)) == ("B-RES-18", ["agreement"])
    offer_id = estate.do("propose_offer", **arguments, agreement="SA-2025-03 v1")["offer_id"]
    order = ("legal_adviser", "manager", "general_manager")
    for number, role in enumerate(order):
        for later in order[number + 1 :]:
            ahead = estate.refused(
                "decide_offer",
                RuleRefused,
                by=f"stf_{later}",
                roles={later},
                id=offer_id,
                approved=True,
                amount="9000.00",
            )
            assert (ahead.rule, "first" in ahead.message) == ("B-RES-18", True)
        estate.refused("sign_agreement", RuleRefused, id=offer_id, reference="SA-2025-03 signed")
        estate.approve(offer_id, f"stf_{role}", roles={role})
    estate.accept(offer_id)
    unsigned = estate.refused("pay_offer", RuleRefused, by=CASHIER, id=offer_id, evidence="V-1")
    assert unsigned.rule == "B-RES-18"
    estate.do("sign_agreement", id=offer_id, reference="SA-2025-03 signed")
    estate.pay(offer_id)
    for unit in ("purchase_file", "marketing"):
        assert estate.kept(case).open_offers == [offer_id]
        estate.do("file_agreement", id=offer_id, unit=unit, reference="SA-2025-03")
    assert estate.kept(case).open_offers == []
    estate.refused("file_agreement", Conflict, id=offer_id, unit="marketing", reference="SA-2025-03")
    assert [entry.data["unit"] for entry in estate.events("filing_recorded")] == [
        "purchase_file",
        "marketing",
    ]


def test_another_text_of_the_agreement_is_confirmed_anew(estate: Counter) -> None:
    """What the legal adviser confirmed is a text: with another one all approvals are void."""
    offer_id = estate.propose(estate.case(), "9000.00", agreement="v1")
    estate.approve(offer_id, "stf_law", roles={"legal_adviser"})
    changed = estate.do("change_offer", id=offer_id, amount="9000.00", reason="协商一致", agreement="v2")
    assert changed["awaits"] == ["legal_adviser"]


@pytest.mark.rule("B-RES-17")
def test_a_default_of_the_company_follows_the_clause_of_the_contract(estate: Counter) -> None:
    """Such an offer is tagged as resting on the contract, and names the clause."""
    arguments = {"case_id": estate.case().id, "kind": "company_default", "amount": "1.00", "reason": "x"}
    refused = estate.refused("propose_offer", RuleRefused, **arguments)
    assert (refused.rule, fields_of(refused)) == ("B-RES-17", ["clause"])
    made = estate.do("propose_offer", **arguments, clause="第十二条第三款")
    shown = estate.do("offer", id=made["offer_id"])
    assert (shown["basis"], shown["clause"]) == ("contract", "第十二条第三款")
