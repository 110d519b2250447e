"""After-sales of products: goods and parts that go back, problems that go up, decisions that rest on a rule."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from services.complaints.domain.case import Case
from services.complaints.domain.rulebook import ComplaintRules
from services.complaints.domain.states import CaseState
from shared.clock import FixedClock
from shared.errors import RuleRefused
from shared.history import timestamp
from shared.regulations import Rulebooks
from tests.unit.complaints.fakes import FakeCall, beijing, called_back, clock
from tests.unit.complaints.offer_world import Counter, books
from tests.unit.complaints.stepping import fields_of

ORG = "maker"
CLERK = "complaint_handler"


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Rulebooks[ComplaintRules]:
    """The rulebook of a maker that decides nothing itself."""
    return books(tmp_path_factory.mktemp("organisations"), ORG, "product-after-sales")


@pytest.fixture
def maker(plain: Rulebooks[ComplaintRules]) -> Counter:
    return Counter(FixedClock(beijing("2026-03-02 09:00")), ORG, plain)


def take(maker: Counter, case: Case, step: str, role: str = CLERK, /, **filled: Any) -> Case:
    maker.world.do("take_step", case, step=step, filled=filled, roles={role}, actor=f"stf_{role}")
    return maker.kept(case)


def refused(maker: Counter, case: Case, step: str, role: str = CLERK, /, **filled: Any) -> RuleRefused:
    with pytest.raises(RuleRefused) as error:
        maker.world.do("take_step", case, step=step, filled=filled, roles={role}, actor=f"stf_{role}")
    return error.value


def now(maker: Counter) -> str:
    return timestamp(maker.clock.now())


@pytest.mark.rule("A-JD1-14")
def test_a_decision_rests_on_the_three_guarantees_rule_or_the_platforms(maker: Counter) -> None:
    """Guards the basis: without one of the rules the complaint is not found valid."""
    case = maker.world.open(ORG)
    for ground in (None, "goodwill"):
        with pytest.raises(RuleRefused) as error:
            maker.world.do("decide_validity", case, valid=True, ground=ground, reason="属实")
        assert (error.value.rule, fields_of(error.value)) == ("A-JD1-14", ["ground"])
    maker.world.do("decide_validity", case, valid=True, ground="three_guarantees", reason="保修期内")
    assert maker.kept(case).ground == "three_guarantees"


@pytest.mark.rule("A-AFT-11")
def test_defective_goods_are_requested_approved_returned_and_exchanged_in_this_order(maker: Counter) -> None:
    """Guards the procedure: nothing is exchanged before somebody else approved and the goods came back."""
    case = maker.case()
    request = {"goods": "D1", "quantity": "1", "defect": "电机异响"}
    assert refused(maker, case, "goods_exchanged", exchanged_at=now(maker)).rule == "A-AFT-11"
    case = take(maker, case, "return_request", **request)
    assert refused(maker, case, "goods_exchanged", exchanged_at=now(maker)).problems[0].reason == (
        "goods_returned comes first"
    )
    assert refused(maker, case, "goods_returned", returned_at=now(maker)).problems[0].reason == (
        "return_approval comes first"
    )
    assert refused(maker, case, "return_approval", approved=True).rule == "A-AFT-11"
    case = take(maker, case, "return_approval", "manager", approved=False, remark="缺照片")
    # Refused: it is requested anew, or not at all.
    assert refused(maker, case, "goods_returned", returned_at=now(maker)).rule == "A-AFT-11"
    case = take(maker, case, "return_request", **request)
    case = take(maker, case, "return_approval", "manager", approved=True)
    with pytest.raises(RuleRefused) as early:
        maker.world.do("reply", case, text="已换货")
    assert early.value.problems[0].reason == "goods_exchanged comes first"
    case = take(maker, case, "goods_returned", returned_at=now(maker))
    take(maker, case, "goods_exchanged", exchanged_at=now(maker))
    maker.world.do("reply", case, text="已换货")
    assert maker.kept(case).state is CaseState.REPLIED


@pytest.mark.rule("A-AFT-15")
def test_a_part_goes_back_to_the_factory_and_is_exchanged_there_each_step_with_its_date(
    maker: Counter,
) -> None:
    """Guards the flow: the case does not close while a part is on its way."""
    case = take(maker, maker.case(), "part_request", part="P1", quantity="2")
    assert refused(maker, case, "part_received", "factory", received_at=now(maker)).rule == "A-AFT-15"
    assert fields_of(refused(maker, case, "part_sent_back")) == ["filled.sent_at"]
    case = take(maker, case, "part_sent_back", sent_at="2026-03-02T09:00:00+08:00")
    case = take(maker, case, "part_received", "factory", received_at="2026-03-04T09:00:00+08:00")
    with pytest.raises(RuleRefused) as early:
        maker.world.do("reply", case, text="已对换")
    assert early.value.problems[0].reason == "part_exchanged comes first"
    case = take(maker, case, "part_exchanged", "factory", exchanged_at="2026-03-05T09:00:00+08:00")
    dates = [value for entry in case.taken for name, value in entry.fields.items() if name.endswith("_at")]
    assert dates == ["2026-03-02T01:00:00.000Z", "2026-03-04T01:00:00.000Z", "2026-03-05T01:00:00.000Z"]


@pytest.mark.rule("A-JD6-05")
def test_a_difficult_problem_goes_up_twice_and_is_the_managers_while_the_agent_still_reads_it(
    maker: Counter,
) -> None:
    """Guards the escalation: from the supervisor to the manager, nobody below answers, and everybody still sees it."""
    case = take(maker, maker.case(), "difficult_problem", problem="批次缺陷，厂家停产")
    assert refused(maker, case, "manager_solution", "manager", solution="换代产品").rule == "A-JD6-05"
    case = take(maker, case, "supervisor_opinion", "supervisor", opinion="建议换代产品")
    assert refused(maker, case, "manager_solution", solution="换代产品").rule == "A-JD6-05"
    with pytest.raises(RuleRefused):
        maker.world.do("reply", case, text="已处理", roles={CLERK})
    steps = maker.world.look_at_steps.next_steps(FakeCall(ORG, "", frozenset({CLERK})), {"id": case.id})
    row = next(row for row in steps["steps"] if row["step"] == "manager_solution")
    assert (row["roles"], row["may_take"]) == (["manager"], False)
    case = take(maker, case, "manager_solution", "manager", solution="换代产品")
    maker.world.do("reply", case, text="已为您更换", roles={CLERK})
    assert maker.kept(case).state is CaseState.REPLIED


VERSIONS = """
overrides:
  - version: "1"
    effective_from: 2026-01-01
    complaints:
      clocks:
        handled: {starts: received, ends: handled, duration: {amount: 24, unit: hours, source: organisation}}
  - version: "2"
    effective_from: 2026-05-07
    complaints:
      clocks:
        handled: {starts: received, ends: handled, duration: {amount: 12, unit: hours, source: organisation}}
      grounds: [{code: three_guarantees, name: 三包规定, source: organisation}]
      path:
        inspection:
          name: 检测
          grants: [{role: manager}]
          form: {result: {name: 检测结果}}
          mandatory: true
          source: organisation
"""


@pytest.mark.rule("A-AFT-10", "A-JD3-02")
def test_a_case_keeps_the_version_of_the_service_standard_that_was_in_force_when_it_came(
    tmp_path: Path,
) -> None:
    """Guards flow, rules and norms alike: each is a version, and no case is judged by a later one."""
    maker = Counter(
        FixedClock(beijing("2026-05-06 09:00")), ORG, books(tmp_path, ORG, "product-after-sales", VERSIONS)
    )
    before = maker.world.open(ORG, "ct_before", problem="p-before")
    maker.at("2026-05-07 09:00")
    after = maker.world.open(ORG, "ct_after", problem="p-after")
    assert before.regulation.endswith(f"product-after-sales:2026.1,{ORG}:1")
    assert after.regulation.endswith(f"product-after-sales:2026.1,{ORG}:2")
    assert clock(before, "handled").due_at == beijing("2026-05-07 09:00")
    assert clock(after, "handled").due_at == beijing("2026-05-07 21:00")
    # The older case is decided by the older rules and needs no inspection, even now.
    decided: dict[str, Any] = {"valid": True, "ground": "platform_rules", "reason": "平台规则"}
    maker.world.do("decide_validity", before, **decided)
    with pytest.raises(RuleRefused):
        maker.world.do("decide_validity", after, **decided)
    maker.world.do("decide_validity", after, valid=True, ground="three_guarantees", reason="三包")
    for case in (before, after):
        maker.world.do("reply", case, text="已处理")
        maker.world.call_back(called_back(maker.kept(case), f"cb_{case.id}", satisfied=True))
    assert maker.kept(before).state is CaseState.CLOSED
    assert maker.kept(after).state is CaseState.REPLIED
    assert take(maker, after, "inspection", "manager", result="合格").state is CaseState.CLOSED
