"""The audit of money: what was paid, what was charged, and what each ledger and month holds of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from bson.decimal128 import Decimal128

from services.complaints.domain.auditing.findings import Subject
from services.complaints.domain.liability.account import account_id
from services.complaints.domain.liability.month import month_id
from services.complaints.domain.liability.penalty import Unit
from shared.clock import FixedClock
from tests.unit.complaints.audit_world import MONEY, audit, meddle
from tests.unit.complaints.fakes import RETAIL, SHOP, Document, beijing
from tests.unit.complaints.liability_world import Office
from tests.unit.complaints.offer_world import SENIOR, VICE, Counter

Meddling = Callable[[Document], object]


@pytest.fixture
def plaza() -> Counter:
    return Counter(FixedClock(beijing("2026-03-02 09:00")))


@pytest.fixture
def office() -> Office:
    return Office(FixedClock(beijing("2026-03-02 09:00")))


def paid_major(counter: Counter) -> str:
    """Return an offer of 60,000 that the senior executive approved and that was paid after both filings."""
    case = counter.case(amount="60000.00")
    offer_id = counter.through(case, "60000.00", SENIOR)
    for unit in ("customer_relations", "board"):
        counter.file(case, unit)
    counter.pay(offer_id)
    return offer_id


def test_offers_that_went_their_way_have_no_findings(plaza: Counter) -> None:
    """Guards against false alarms: paid, paid beside another one, taken back, declined and withdrawn."""
    paid_major(plaza)
    case = plaza.case()
    first, second = plaza.through(case, "2000.00"), plaza.through(case, "2500.00")
    plaza.pay(first)
    plaza.pay(second)
    plaza.do(
        "reverse_offer", by="stf_other", roles={"cs_vice_president"}, id=first, evidence="V-2", reason="误付"
    )
    plaza.accept(_approved(plaza, case), accepted=False)
    plaza.do("withdraw_offer", id=plaza.propose(case, "10.00"), reason="重复")
    # What came later changes nothing about a payment that was in order.
    plaza.do("name_accused", id=case.id, staff=[VICE])
    assert {offer.state.value for offer in plaza.offers.offers.all()} >= {
        "paid",
        "reversed",
        "declined",
        "voided",
    }
    assert audit(plaza) == []


def _approved(counter: Counter, case: object) -> str:
    offer_id = counter.propose(case, "100.00")  # type: ignore[arg-type]  # a case
    counter.approve(offer_id)
    return offer_id


def _signed_by_the_vice_president(document: Document) -> None:
    document["signatures"][0]["role"] = "cs_vice_president"


def _judged_as_general(document: Document) -> None:
    document |= {"level": "general"}


def _judged_as_little(document: Document) -> None:
    document["total"] = Decimal128("4000.00")


def _paid_more(document: Document) -> None:
    document["movements"][0]["amount"] = Decimal128("66000.00")


PAYMENTS = [
    pytest.param(
        lambda d: d.update(signatures=[]), "authority", "without the approval of cs_senior", id="unsigned"
    ),
    pytest.param(_signed_by_the_vice_president, "authority", "not in the history", id="signature forged"),
    pytest.param(_judged_as_general, "authority", "60000.00 in all reaches major", id="level too low"),
    pytest.param(_judged_as_little, "authority", "was judged as 4000.00 in all", id="total too low"),
    pytest.param(
        lambda d: d.update(authors=[SENIOR]), "authority", "without the approval", id="own approval"
    ),
    pytest.param(_paid_more, "payment", "history tells of 60000.00", id="paid more"),
    pytest.param(lambda d: d.update(movements=[]), "payment", "nothing moved", id="payment lost"),
    pytest.param(
        lambda d: d.update(state="accepted"), "payment", "is accepted and 60000.00 moved", id="state"
    ),
    pytest.param(lambda d: d["history"].pop(1), "history", "one is missing", id="history"),
]


@pytest.mark.parametrize(("meddling", "invariant", "words"), PAYMENTS)
def test_what_is_wrong_with_a_payment_is_found(
    plaza: Counter, meddling: Meddling, invariant: str, words: str
) -> None:
    """Guards that no path pays without sufficient authority, and that every yuan that moved is accounted for."""
    offer_id = paid_major(plaza)
    assert audit(plaza) == []
    meddle(plaza.offers.offers.documents, offer_id, meddling)
    found = audit(plaza, Subject.OFFERS)
    assert (offer_id, invariant) in {each[:2] for each in found if words in each[2]}


def test_a_payment_approved_by_somebody_complained_about_is_found(plaza: Counter) -> None:
    """Guards that whoever a case was about when it was paid has not approved it."""
    case = plaza.case()
    offer_id = plaza.through(case, "3000.00")
    plaza.clock.advance(timedelta(hours=1))
    plaza.pay(offer_id)
    kept = plaza.kept(case)
    plaza.clock.advance(timedelta(hours=-1))
    plaza.do("name_accused", id=kept.id, staff=[VICE])
    ((found, invariant, words),) = audit(plaza)
    assert (found, invariant) == (offer_id, "authority")
    assert words == "3000.00 in all at the level general was paid without the approval of cs_vice_president"


def test_a_payment_before_the_filing_is_found(plaza: Counter) -> None:
    """Guards the order: the board is told first."""
    offer_id = paid_major(plaza)
    case_id = plaza.offer(offer_id).case_id

    def later(document: Document) -> None:
        document["filings"][1]["at"] += timedelta(days=1)

    meddle(plaza.world.cases.documents, case_id, later)
    expected = (offer_id, "payment", f"was paid before the case {case_id} was filed with board")
    assert audit(plaza) == [expected]


def test_a_matter_paid_in_parts_that_nobody_saw_together_is_found(plaza: Counter) -> None:
    """Guards against one large sum cut into small ones: some approval must have seen all of it."""
    case = plaza.case()
    parts = [plaza.through(case, "2000.00") for _ in range(2)]
    for offer_id in parts:
        plaza.pay(offer_id)
    assert audit(plaza) == []
    for offer_id in parts:
        meddle(plaza.offers.offers.documents, offer_id, lambda d: d.update(total=Decimal128("2000.00")))
    assert {each[1:] for each in audit(plaza)} == {
        ("authority", f"4000.00 was paid in the matter {case.matter_id}, and nobody was asked about so much")
    }


def test_an_offer_its_case_was_never_told_of_is_found(plaza: Counter) -> None:
    """Guards what the timer finishes: after ten minutes nobody is on the way any more."""
    offer_id = plaza.through(plaza.case(), "100.00")
    meddle(plaza.offers.offers.documents, offer_id, lambda d: d.update(told=0))
    assert audit(plaza) == []
    plaza.clock.advance(timedelta(minutes=11))
    assert [each[:2] for each in audit(plaza, Subject.OFFERS)] == [(offer_id, "finished")]


def charged_and_closed(office: Office, **bonuses: str) -> None:
    """Charge two losses and close two months, the cap carrying a part of them over."""
    office.charge("800.00")
    office.charge("300.00")
    office.at("2026-03-31 12:00")
    office.close("2026-03", stf_a="1000.00", **bonuses)
    office.at("2026-04-30 12:00")
    office.close("2026-04", stf_a="600.00")
    assert office.deducted() == {"2026-03": Decimal("500.00"), "2026-04": Decimal("300.00")}


def test_ledgers_that_went_their_way_have_no_findings(office: Office) -> None:
    """Guards against false alarms: a group charged, a cap that carries, an appeal upheld after its month."""
    group = office.liable("stf_b", "stf_c", level="group", group="line-1")
    points = [{"staff": staff, "points": own} for staff, own in (("stf_b", "1"), ("stf_c", "2"))]
    proposed = office.do(
        "propose_penalty", case_id=group.id, loss="100.00", total_points="7", points=points, reason="按基准"
    )
    penalty = office.approve(proposed)
    charged_and_closed(office, stf_b="900.00", stf_c="900.00")
    office.do("appeal_penalty", by="stf_b", id=penalty.id, reason="非本人")
    office.do("decide_appeal", by="stf_gm", id=penalty.id, staff="stf_b", upheld=True)
    sanctioned = office.liable("stf_d")
    sanction = office.do(
        "propose_sanction",
        case_id=sanctioned.id,
        staff="stf_d",
        ground="9",
        severity=2,
        behaviour="延迟交货",
        effects="客户退货",
        bonus_per_point="100.00",
        base_points="5",
    )
    office.do("decide_sanction", by="stf_gm", id=sanction["sanction_id"], approved=True)
    assert len(office.ledgers.penalties.all()) == 4
    assert audit(office, *MONEY) == []


def _line(document: Document, period: str, kind: str) -> Document:
    found: Document = next(row for row in document["lines"] if (row["period"], row["kind"]) == (period, kind))
    return found


def _taken_twice(document: Document) -> None:
    again = {**_line(document, "2026-03", "settlement"), "id": "forged.2026-04", "period": "2026-04"}
    document["lines"].append(again)


def _carried_is_lost(document: Document) -> None:
    document["lines"] = [row for row in document["lines"] if row["period"] != "2026-04"]


def _charged_again(document: Document) -> None:
    document["lines"].append(_line(document, "2026-03", "charge"))


def _more_than_the_cap(document: Document) -> None:
    _line(document, "2026-03", "settlement")["amount"] = Decimal128("-800.00")


def _another_cap(document: Document) -> None:
    row = _line(document, "2026-03", "settlement")
    row["trace"] = [["limit", "700.00", step[2]] if step[0] == "limit" else step for step in row["trace"]]


LEDGERS = [
    pytest.param(_taken_twice, "ledger", "was never posted", id="line slipped in"),
    pytest.param(_taken_twice, "carried", "2026-04 closed with deducted 300.00", id="taken twice"),
    pytest.param(_carried_is_lost, "ledger", "was posted and is not there", id="line lost"),
    pytest.param(_carried_is_lost, "carried", "2026-04 closed with", id="carried is lost"),
    pytest.param(_charged_again, "ledger", "is there 2 times", id="charged twice"),
    pytest.param(
        _more_than_the_cap, "carried", "800.00 was taken for losses in 2026-03", id="beyond the cap"
    ),
    pytest.param(_another_cap, "carried", "50 % of the bonus are 500.00", id="another cap"),
]


@pytest.mark.parametrize(("meddling", "invariant", "words"), LEDGERS)
def test_what_is_wrong_with_a_ledger_is_found(
    office: Office, meddling: Meddling, invariant: str, words: str
) -> None:
    """Guards the ledger: what exceeds the cap is carried, and neither lost nor charged twice."""
    charged_and_closed(office)
    assert audit(office, *MONEY) == []
    account = account_id(RETAIL, "stf_a", Unit.YUAN)
    meddle(office.ledgers.accounts.documents, account, meddling)
    found = audit(office, Subject.LEDGERS)
    assert (account, invariant) in {each[:2] for each in found if words in each[2]}


def _line_of_another_amount(document: Document) -> None:
    document["lines"][0]["amount"] = Decimal128("250.00")


def _other_points(document: Document) -> None:
    trace = document["lines"][0]["trace"]
    document["lines"][0]["trace"] = [["own_points", "9", s[2]] if s[0] == "own_points" else s for s in trace]


PENALTIES = [
    pytest.param(_line_of_another_amount, "charge", "the formula gives 300.00", id="another sum"),
    pytest.param(_line_of_another_amount, "ledger", "300.00 was charged", id="another sum than charged"),
    pytest.param(_line_of_another_amount, "charge", "300.00 was proposed", id="another sum than proposed"),
    pytest.param(_other_points, "charge", "the formula gives 270.00", id="other points"),
    pytest.param(
        lambda d: d["lines"][0].update(state="reversed"), "ledger", "no counter-entry", id="not reversed"
    ),
    pytest.param(
        lambda d: d["lines"][0].update(state="proposed"), "ledger", "before it was approved", id="early"
    ),
    pytest.param(lambda d: d.update(state="refused"), "ledger", "a penalty that is refused", id="refused"),
]


@pytest.mark.parametrize(("meddling", "invariant", "words"), PENALTIES)
def test_what_is_wrong_with_a_penalty_is_found(
    office: Office, meddling: Meddling, invariant: str, words: str
) -> None:
    """Guards the sum charged: the formula's, to the fen, as proposed, and as the ledger has it."""
    penalty = office.charge("300.00")
    assert audit(office, *MONEY) == []
    meddle(office.ledgers.penalties.documents, penalty.id, meddling)
    found = audit(office, Subject.PENALTIES)
    assert (penalty.id, invariant) in {each[:2] for each in found if words in each[2]}


def test_a_group_is_audited_by_the_rounding_rule_of_groups(office: Office) -> None:
    """Guards against false alarms: the lines are the shares of the group's sum, and not each its own formula."""
    group = office.liable("stf_b", "stf_c", level="group", group="line-1")
    points = [{"staff": staff, "points": own} for staff, own in (("stf_b", "1"), ("stf_c", "1"))]
    proposed = office.do(
        "propose_penalty", case_id=group.id, loss="0.05", total_points="4", points=points, reason="按基准"
    )
    penalty = office.approve(proposed)
    assert [str(line.amount) for line in penalty.lines] == ["0.01", "0.02"]
    assert audit(office, *MONEY) == []


def test_a_penalty_no_ledger_was_told_of_is_found(office: Office) -> None:
    """Guards what the timer posts: approved and not posted is told of after ten minutes."""
    penalty = office.charge("300.00")

    def stuck(document: Document) -> None:
        document |= {"state": "approved"}
        document["lines"][0]["state"] = "due"

    meddle(office.ledgers.penalties.documents, penalty.id, stuck)
    assert audit(office, Subject.PENALTIES) == []
    office.clock.advance(timedelta(minutes=11))
    assert audit(office, Subject.PENALTIES) == [(penalty.id, "finished", "a ledger was never told of it")]


def test_a_month_that_closed_with_other_sums_than_its_ledgers_is_found(office: Office) -> None:
    """Guards the month's statement: what payroll deducts is what the ledgers say, and every ledger is locked."""
    charged_and_closed(office)
    month = month_id(RETAIL, "2026-03")
    account = account_id(RETAIL, "stf_a", Unit.YUAN)

    def paid_less(document: Document) -> None:
        document["totals"]["deducted"] = Decimal128("400.00")

    meddle(office.ledgers.months.documents, month, paid_less)
    ((found, invariant, words),) = audit(office, *MONEY)
    assert (found, invariant) == (month, "carried")
    assert words == (
        "closed with 400.00 deducted, 0.00 refunded and 600.00 carried, "
        "and its ledgers come to 500.00 deducted, 0.00 refunded and 600.00 carried"
    )
    meddle(office.ledgers.accounts.documents, account, lambda d: d.update(locked_through="2026-02"))
    found_now = audit(office, Subject.MONTHS)
    assert (month, "ledger", f"is closed, and the ledger {account} is not") in found_now


def test_a_series_of_fines_that_costs_something_else_is_found() -> None:
    """Guards the doubling fine: three complaints in a month cost what three cost, whichever of them fell."""
    shop = Office(FixedClock(beijing("2026-03-02 09:00")), org=SHOP)
    for _ in range(2):
        shop.fine()
    fallen = shop.fine()
    shop.do("reverse_penalty", by="stf_gm", id=fallen.id, reason="误判")
    assert audit(shop, *MONEY) == []
    account = account_id(SHOP, "stf_a", Unit.YUAN)

    def cheaper(document: Document) -> None:
        charge = next(row for row in document["lines"] if row["kind"] == "charge")
        charge["amount"] = Decimal128("1.00")

    meddle(shop.ledgers.accounts.documents, account, cheaper)
    found = audit(shop, Subject.LEDGERS)
    assert any(each[1] == "charge" and "and the rule gives" in each[2] for each in found)
