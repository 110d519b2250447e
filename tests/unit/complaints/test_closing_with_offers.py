"""What keeps a case open: offers not settled, filings not made; and reports that come before an approval."""

from __future__ import annotations

from typing import Any

import pytest

from services.complaints.domain.case import Case
from services.complaints.domain.money.states import VoidedBecause
from shared.clock import FixedClock
from shared.errors import Conflict, RuleRefused, ValidationFailed
from shared.history import Cause
from tests.unit.complaints.fakes import RETAIL, beijing, called_back, types
from tests.unit.complaints.offer_world import AGENT, CASHIER, SENIOR, VICE, Counter

MORNING = "2025-03-03 09:00"


@pytest.fixture
def plaza() -> Counter:
    """A shopping centre on a Monday morning."""
    return Counter(FixedClock(beijing(MORNING)))


def satisfied(plaza: Counter, case: Case) -> str:
    return plaza.reply_and_satisfy(case).state.value


@pytest.mark.parametrize("ending", ["paid", "declined", "withdrawn", "changed"])
def test_a_case_with_an_open_offer_closes_only_once_it_is_settled(plaza: Counter, ending: str) -> None:
    """The satisfied callback is not lost: the case closes by itself with the last offer."""
    case = plaza.case()
    offer_id = plaza.propose(case)
    plaza.approve(offer_id)
    assert satisfied(plaza, case) == "replied"
    assert plaza.do("settlement", id=case.id)["open_offers"] == [offer_id]
    if ending == "paid":
        plaza.accept(offer_id)
        assert plaza.kept(case).state.value == "replied"
        plaza.pay(offer_id)
    elif ending == "declined":
        plaza.accept(offer_id, accepted=False)
    elif ending == "withdrawn":
        plaza.do("withdraw_offer", id=offer_id, reason="x")
    else:
        plaza.do("change_offer", id=offer_id, amount="1.00", reason="x")
    kept = plaza.kept(case)
    assert (kept.state.value, kept.open_offers) == ("closed", [])
    (closed,) = [entry for entry in kept.history if entry.type == "case_closed"]
    assert closed.data["because"] == "callback"
    assert kept.history.verify() == []


def test_a_mere_proposal_keeps_no_case_open_and_falls_with_it(plaza: Counter) -> None:
    """Only what was approved is owed; a proposal on a closed case is approved by nobody."""
    case = plaza.case()
    offer_id = plaza.propose(case)
    assert satisfied(plaza, case) == "closed"
    refused = plaza.refused(
        "decide_offer", RuleRefused, by=VICE, id=offer_id, approved=True, amount="3000.00"
    )
    assert "closed" in refused.message
    plaza.refused("change_offer", RuleRefused, id=offer_id, amount="1.00", reason="x")
    assert plaza.do("withdraw_offer", id=offer_id, reason="x")["state"] == "voided"


def test_a_shop_that_closes_by_hand_is_told_which_offer_is_open() -> None:
    """The refusal names the offers; once they are settled the same call closes."""
    retail = Counter(FixedClock(beijing(MORNING)), RETAIL)
    case = retail.case()
    offer_id = retail.propose(case, "80.00", "damages", reference="4.2")
    retail.approve(offer_id, "stf_hr", roles={"hr_admin"})
    retail.approve(offer_id, "stf_gm", roles={"general_manager"})
    answered = retail.world.answer(case)
    with pytest.raises(RuleRefused) as refused:
        retail.world.do("close", answered)
    assert [problem.reason for problem in refused.value.problems] == [f"{offer_id} is open"]
    retail.accept(offer_id)
    retail.pay(offer_id)
    assert retail.world.do("close", answered)["state"] == "closed"


def test_an_offer_approved_at_the_moment_its_case_closes_is_void(plaza: Counter) -> None:
    """The case closed first: the approval came too late, nothing is paid on it, and both say so."""
    case = plaza.case()
    offer_id = plaza.propose(case)
    answered = plaza.world.answer(case)

    def close() -> None:
        plaza.world.call_back(called_back(answered, satisfied=True))

    # After the approver looked at the case and before the offer is written.
    plaza.offers.offers.between = close
    plaza.approve(offer_id)
    assert plaza.kept(case).state.value == "closed"
    offer = plaza.offer(offer_id)
    assert (offer.state.value, offer.pending, offer.held) == ("voided", False, False)
    assert plaza.events("offer_voided")[0].data["because"] == VoidedBecause.CASE_CLOSED.value
    plaza.refused("pay_offer", RuleRefused, by=CASHIER, id=offer_id, evidence="V-1")


def test_a_case_that_closes_at_the_moment_an_offer_is_approved_stays_open(plaza: Counter) -> None:
    """The approval was told first: the closing finds it and waits."""
    case = plaza.case()
    offer_id = plaza.propose(case)
    answered = plaza.world.answer(case)
    plaza.world.cases.between["save"] = lambda: plaza.approve(offer_id)
    plaza.world.call_back(called_back(answered, satisfied=True))
    assert plaza.kept(case).state.value == "replied"
    plaza.accept(offer_id, accepted=False)
    assert plaza.kept(case).state.value == "closed"


class _Died(Exception):
    pass


@pytest.mark.parametrize("write", [1, 2])
def test_a_process_that_dies_before_the_case_was_told_leaves_it_to_the_timer(
    plaza: Counter, write: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the case is told nothing is paid; the timer tells it, once, whatever write was the last."""
    case = plaza.case()
    offer_id = plaza.propose(case)

    def die(*_: object, **__: object) -> None:
        raise _Died

    with monkeypatch.context() as dying:
        if write == 1:
            dying.setattr(plaza.world.cases, "save", die)
        else:
            real = plaza.offers.offers.save
            calls: list[int] = []

            def second(aggregate: Any, *, since_seq: int) -> None:
                calls.append(1)
                if len(calls) == 2:
                    raise _Died
                real(aggregate, since_seq=since_seq)

            dying.setattr(plaza.offers.offers, "save", second)
        with pytest.raises(_Died):
            plaza.approve(offer_id, key="k-1")
    assert (plaza.offer(offer_id).pending, plaza.offer(offer_id).held) == (True, False)
    if write == 1:
        # The customer may answer, but nobody pays before the case knows.
        with monkeypatch.context() as dying:
            dying.setattr(plaza.world.cases, "save", die)
            with pytest.raises(_Died):
                plaza.accept(offer_id)
        plaza.refused("pay_offer", Conflict, by=CASHIER, id=offer_id, evidence="V-1")
    plaza.tick()
    plaza.tick()
    assert plaza.kept(case).open_offers == [offer_id]
    assert not plaza.offer(offer_id).pending
    assert types(plaza.kept(case)).count("case_progressed") == 1


def test_news_that_was_overtaken_changes_nothing(plaza: Counter) -> None:
    """A process that stood still wakes up and tells an old thing: the case knows better."""
    case = plaza.case()
    offer_id = plaza.propose(case)
    plaza.approve(offer_id)
    opened = plaza.offer(offer_id).stood
    plaza.accept(offer_id, accepted=False)
    kept = plaza.kept(case)
    timing = plaza.desk.timing(kept)
    told = kept.note_offer(
        offer_id, opened, is_open=True, timing=timing, at=plaza.clock.now(), cause=Cause("m", "system")
    )
    assert (told, kept.open_offers) == (False, [])


@pytest.mark.rule("B-JKC-47")
def test_a_major_case_does_not_close_before_it_is_filed_with_the_board(plaza: Counter) -> None:
    """With or without money: the board is told first, then the case closes by itself."""
    case = plaza.case(amount="50000.00")
    assert case.level == "major"
    assert satisfied(plaza, case) == "replied"
    (due,) = plaza.do("settlement", id=case.id)["filings_due"]
    assert (due["unit"], due["source"]) == ("board", "B-JKC-47")
    plaza.file(case, "board", reference="DSJ-2025-01")
    assert plaza.kept(case).state.value == "closed"
    (filed,) = plaza.events("filing_recorded")
    assert (filed.data["unit"], filed.data["source"], filed.data["by"]) == ("board", "B-JKC-47", AGENT)


@pytest.mark.rule("B-JKC-46")
def test_an_important_case_is_filed_with_the_customer_relations_unit(plaza: Counter) -> None:
    """Approved and filed: without the record of the filing nothing is paid and the case stays open."""
    case = plaza.case(lawsuit=True)
    assert case.level == "important"
    offer_id = plaza.through(case)
    assert plaza.events("offer_approved")[0].data["filings_due"] == ["customer_relations"]
    refused = plaza.refused("pay_offer", RuleRefused, by=CASHIER, id=offer_id, evidence="V-1")
    assert refused.rule == "B-JKC-46"
    assert satisfied(plaza, case) == "replied"
    plaza.file(case, "customer_relations", "email")
    assert plaza.kept(case).state.value == "replied"
    plaza.pay(offer_id)
    assert plaza.kept(case).state.value == "closed"


def test_a_general_case_is_filed_with_nobody(plaza: Counter) -> None:
    """Guards the two tests above: an ordinary case closes without any of it."""
    assert satisfied(plaza, plaza.case()) == "closed"


def test_a_sum_that_makes_it_major_is_filed_with_the_board_whatever_the_level_of_the_case(
    plaza: Counter,
) -> None:
    """60,000 on a case that asked for nothing: the senior executive approves, the board is told, then it is paid."""
    case = plaza.case()
    offer_id = plaza.through(case, "60000.00", SENIOR)
    assert plaza.kept(case).level == "general"
    refused = plaza.refused("pay_offer", RuleRefused, by=CASHIER, id=offer_id, evidence="V-1")
    assert refused.rule == "B-JKC-47"
    plaza.file(case, "board")
    assert plaza.pay(offer_id)["level"] == "major"


@pytest.mark.rule("B-JKC-45")
@pytest.mark.parametrize("danger", ["claim", "mass_complaint", "media"])
@pytest.mark.parametrize("way", ["phone", "sms"])
def test_in_danger_the_report_comes_before_the_approval_and_the_filing_with_it(
    plaza: Counter, danger: str, way: str
) -> None:
    """Press or a mass complaint threatens: nothing is approved before the first report by phone or SMS."""
    case = plaza.case(media=danger == "claim")
    if danger != "claim":
        plaza.do("declare_danger", id=case.id, danger=danger)
    offer_id = plaza.propose(case)
    refused = plaza.refused(
        "decide_offer", RuleRefused, by=VICE, id=offer_id, approved=True, amount="3000.00"
    )
    assert refused.rule == "B-JKC-45"
    wrong = plaza.refused("record_filing", RuleRefused, id=case.id, unit="first_report", way="email")
    assert (wrong.rule, [problem.field for problem in wrong.problems]) == ("B-JKC-45", ["way"])
    plaza.file(case, "first_report", way)
    plaza.approve(offer_id)
    plaza.accept(offer_id)
    unfiled = plaza.refused("pay_offer", RuleRefused, by=CASHIER, id=offer_id, evidence="V-1")
    assert unfiled.rule == ("B-JKC-46" if danger == "claim" else "B-JKC-45")
    plaza.file(case, "customer_relations")
    assert plaza.pay(offer_id)["state"] == "paid"


def test_a_case_in_no_danger_needs_no_first_report(plaza: Counter) -> None:
    """Guards the test above."""
    plaza.approve(plaza.propose(plaza.case()))
    assert plaza.events("offer_approved")


def test_filing_with_an_unknown_unit_or_twice_or_on_a_closed_case_is_refused(plaza: Counter) -> None:
    """Each named by what is wrong with it."""
    case = plaza.case()
    refused = plaza.refused("record_filing", ValidationFailed, id=case.id, unit="moon", way="paper")
    assert [problem.field for problem in refused.problems] == ["unit"]
    plaza.file(case, "board")
    plaza.refused("record_filing", Conflict, id=case.id, unit="board", way="paper")
    plaza.refused("record_filing", RuleRefused, by=VICE, id=case.id, unit="customer_relations", way="paper")
    plaza.do("declare_danger", id=case.id, danger="media")
    plaza.refused("declare_danger", Conflict, id=case.id, danger="media")
    closed = plaza.case()
    assert satisfied(plaza, closed) == "closed"
    plaza.refused("record_filing", RuleRefused, id=closed.id, unit="board", way="paper")


def test_records_of_a_case_are_entered_once_per_key(plaza: Counter) -> None:
    """A repeat gets its answer and writes nothing."""
    case = plaza.case()
    for method, arguments in (
        ("record_filing", {"unit": "board", "way": "paper"}),
        ("declare_danger", {"danger": "media"}),
        ("name_accused", {"staff": ["stf_x"]}),
    ):
        first, second = (plaza.do(method, key=method, id=case.id, **arguments) for _ in range(2))
        assert first == second
    assert len(plaza.events("filing_recorded") + plaza.events("danger_declared")) == 2
    assert plaza.do("settlement", id=case.id)["accused"] == ["stf_x"]
