"""The car dealer's six steps of every complaint, and the three flows of an online shop's after-sales."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.complaints.domain.case import Case
from services.complaints.domain.rulebook import ComplaintRules
from services.complaints.domain.states import CaseState
from shared.clock import FixedClock
from shared.errors import RuleRefused
from shared.regulations import Rulebooks
from tests.unit.complaints.fakes import SHOP, beijing, called_back
from tests.unit.complaints.offer_world import Counter, books
from tests.unit.complaints.stepping import fields_of

DEALER = "dealer"
HANDLER, AFTERSALE = "complaint_handler", "aftersale"
#: The steps of every valid complaint about a car dealer, in their order.
PROCEDURE = ("register", "decide_validity", "analysis", "solution", "reply", "archive")
FILLED: Mapping[str, Mapping[str, Any]] = {
    "register": {"content": "保养后异响"},
    "analysis": {"cause": "螺栓未紧固", "department": "售后"},
    "solution": {"measure": "免费返修", "agreed": True},
    "archive": {"result": "已返修"},
}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Rulebooks[ComplaintRules]:
    """Return the rulebook of a car dealer that decides nothing itself."""
    return books(tmp_path_factory.mktemp("organisations"), DEALER, "auto-dealer")


def dealer(rulebooks: Rulebooks[ComplaintRules]) -> Counter:
    return Counter(FixedClock(beijing("2026-03-02 09:00")), DEALER, rulebooks)


def take(counter: Counter, case: Case, step: str, role: str = HANDLER, /, **filled: Any) -> Case:
    """Take a step of the path, or one of the two that are commands of their own."""
    if step == "decide_validity":
        counter.world.do(step, case, roles={role}, valid=True, ground=None, reason="属实")
    elif step == "reply":
        counter.world.do(step, case, roles={role}, text="已处理")
    else:
        counter.world.do("take_step", case, step=step, filled=filled, roles={role}, actor=f"stf_{role}")
    return counter.kept(case)


@pytest.mark.rule("A-AUT-13")
def test_a_car_dealers_complaint_goes_through_six_steps_and_the_card_is_filled_first(
    plain: Rulebooks[ComplaintRules],
) -> None:
    """Guards the procedure of the heading: six states, the card as a template, no closing before the archive."""
    counter = dealer(plain)
    path = plain.for_org(DEALER, counter.clock.now()).sections.path
    assert path is not None
    assert tuple(step.code for step in path if step.mandatory) == PROCEDURE
    assert {step.source for step in path} == {"A-AUT-13"}
    case = counter.world.open(DEALER)
    with pytest.raises(RuleRefused) as empty:
        take(counter, case, "register")
    assert (empty.value.rule, fields_of(empty.value)) == ("A-AUT-13", ["filled.content"])
    for step in PROCEDURE[:-1]:
        case = take(counter, case, step, HANDLER, **FILLED.get(step, {}))
    counter.world.call_back(called_back(case, satisfied=True))
    assert counter.kept(case).state is CaseState.REPLIED
    card = case.taken[0].fields
    assert (card["number"], card["customer"], card["content"]) == (
        case.number,
        case.customer_id,
        "保养后异响",
    )
    assert take(counter, case, "archive", HANDLER, **FILLED["archive"]).state is CaseState.CLOSED


@pytest.mark.rule("A-AUT-13")
@settings(max_examples=30, deadline=None)
@given(order=st.permutations(PROCEDURE))
def test_the_steps_are_taken_in_their_order_whatever_is_tried(
    plain: Rulebooks[ComplaintRules], order: list[str]
) -> None:
    """Guards the order: nobody answers before the cause and the solution are known."""
    counter = dealer(plain)
    case = counter.world.open(DEALER)
    for step in order * len(PROCEDURE):
        with suppress(RuleRefused):
            take(counter, case, step, HANDLER, **FILLED.get(step, {}))
    assert [taken.step for taken in counter.kept(case).taken] == list(PROCEDURE)


FLOWS: tuple[tuple[str, Mapping[str, Any], tuple[tuple[str, Mapping[str, Any]], ...]], ...] = (
    (
        "bad_rating",
        {"order": "SN-1", "reason": "色差"},
        (("bad_rating_contact", {"proposal": "补差价"}), ("bad_rating_result", {"outcome": "changed"})),
    ),
    ("extended_service", {"service": "上门安装"}, (("extended_service_done", {"result": "已安装"}),)),
    (
        "return_or_exchange",
        {"kind": "exchange", "goods": "台灯", "quantity": "1"},
        (
            ("goods_checked", {"sound": True, "received_at": "2026-03-03T10:00:00+08:00"}),
            ("return_settled", {"result": "已寄出"}),
        ),
    ),
)


@pytest.mark.rule("B-MBY-11")
@pytest.mark.parametrize(("begins", "filled", "rest"), FLOWS, ids=[flow[0] for flow in FLOWS])
def test_after_sales_has_a_flow_for_bad_ratings_extended_service_and_returns(
    begins: str, filled: Mapping[str, Any], rest: tuple[tuple[str, Mapping[str, Any]], ...]
) -> None:
    """Guards each flow: nobody must begin it, whoever does goes through it, in order, before the case closes."""
    counter = Counter(FixedClock(beijing("2026-03-02 09:00")), SHOP)
    case = take(counter, counter.world.open(SHOP), "decide_validity")
    with pytest.raises(RuleRefused) as nobody:
        take(counter, case, rest[0][0], AFTERSALE, **rest[0][1])
    assert nobody.value.rule == "B-MBY-11"
    case = take(counter, case, begins, AFTERSALE, **filled)
    case = take(counter, case, "reply")
    counter.world.call_back(called_back(case, satisfied=True))
    for place, (step, values) in enumerate(rest):
        for later, given_later in rest[place + 1 :]:
            with pytest.raises(RuleRefused) as early:
                take(counter, case, later, AFTERSALE, **given_later)
            assert early.value.rule == "B-MBY-11"
        assert counter.kept(case).state is CaseState.REPLIED
        case = take(counter, case, step, AFTERSALE, **values)
    assert counter.kept(case).state is CaseState.CLOSED


def test_a_shop_complaint_without_such_a_flow_closes_as_before() -> None:
    """Guards that a flow is there for who needs it and asks nothing of anybody else."""
    counter = Counter(FixedClock(beijing("2026-03-02 09:00")), SHOP)
    case = take(counter, take(counter, counter.world.open(SHOP), "decide_validity"), "reply")
    counter.world.call_back(called_back(case, satisfied=True))
    assert counter.kept(case).state is CaseState.CLOSED
