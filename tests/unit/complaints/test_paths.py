"""The path of a case: what comes first, who may, what must be filled, and that nothing closes with a step open."""

from __future__ import annotations

from typing import Any

import pytest

from services.complaints.domain.case import Case
from services.complaints.domain.states import CaseState
from shared.errors import RuleRefused, ValidationFailed
from tests.unit.complaints.fakes import RETAIL, World, entries, types
from tests.unit.complaints.stepping import fields_of, refused, standing, take

#: What an investigation and its report hold, point by point.
SIX_POINTS = ("scope_true", "reason_reasonable", "purpose", "analysis", "demand_proper", "other")
SIX_PARTS = ("cause", "course", "responsible", "conclusion", "countermeasure", "prevention")
#: Each step of a goods complaint with the one it may not come before, and the rule that says so.
ORDER = (
    ("record_card", "decide_validity", "B-RET-16"),
    ("route", "record_card", "B-RET-08"),
    ("handling_notice", "route", "B-RET-05"),
    ("assign_department", "handling_notice", "B-RET-06"),
    ("investigate", "assign_department", "B-RET-10"),
    ("investigation_report", "investigate", "B-RET-12"),
    ("supervisor_review", "investigation_report", "B-RET-12"),
    ("hr_opinion", "supervisor_review", "B-RET-13"),
    ("gm_decision", "hr_opinion", "B-RET-13"),
    ("handling_opinion", "gm_decision", "B-RET-14"),
    ("superior_approval", "handling_opinion", "B-RET-14"),
)


def goods_case(world: World, until: str | None = None, **given: Any) -> Case:
    """Return a valid case of goods with a defect, walked up to the step ``until``."""
    return world.walk(world.accept(world.open(RETAIL, **given)), until=until)


@pytest.mark.rule("B-RET-35")
def test_a_goods_complaint_goes_from_the_card_to_the_general_manager_and_back_in_the_handbooks_order(
    world: World,
) -> None:
    """Guards the whole order of Articles 8 to 14, and that the last step opens the reply."""
    case = world.walk(world.accept(world.open(RETAIL)))
    taken = [entry.data["step"] for entry in entries(case, "case_step_taken")]
    assert taken == [step for step, _, _ in ORDER]
    assert [row["step"] for row in world.next_steps(case)["steps"]] == ["reply"]


@pytest.mark.rule("B-RET-35", "B-RET-06", "B-RET-09", "B-RET-13")
@pytest.mark.parametrize(("step", "first", "rule"), ORDER)
def test_no_step_comes_before_the_one_it_rests_on(world: World, step: str, first: str, rule: str) -> None:
    """Guards every link of the chain: skipping one is refused by the step's own rule, and writes nothing."""
    case = world.open(RETAIL) if first == "decide_validity" else goods_case(world, until=first)
    error = refused(world, case, step)
    assert error.rule == rule
    assert [problem.reason for problem in error.problems][:1] == [f"{first} comes first"]


@pytest.mark.rule("B-RET-13", "B-RET-35")
def test_without_the_general_managers_decision_the_customer_is_not_answered(world: World) -> None:
    """Guards the reply itself: refused while the decision is missing."""
    case = goods_case(world, until="gm_decision")
    with pytest.raises(RuleRefused) as error:
        world.do("reply", case, text="同意换货", prevention="抽检", roles={"ops_cs"})
    assert error.value.rule == "B-RET-15"
    assert error.value.problems[0].reason == "superior_approval comes first"


@pytest.mark.parametrize(
    ("step", "role", "rule"),
    [
        pytest.param("assign_department", "ops_cs", "B-RET-06", marks=pytest.mark.rule("B-RET-06")),
        ("investigate", "hr_admin", "B-RET-10"),
        ("hr_opinion", "handling_dept", "B-RET-13"),
        ("gm_decision", "hr_admin", "B-RET-13"),
        ("handling_opinion", "hr_admin", "B-RET-14"),
        ("superior_approval", "handling_dept", "B-RET-14"),
    ],
)
def test_a_step_is_refused_to_another_role(world: World, step: str, role: str, rule: str) -> None:
    """Guards who may: the refusal names the step's rule and the role it is for, and writes nothing."""
    case = goods_case(world, until=step)
    assert refused(world, case, step, roles={"staff", role}).rule == rule
    row = next(row for row in world.next_steps(case, roles={role})["steps"] if row["step"] == step)
    assert (row["may_take"], row["why_not"]) == (False, f"for {row['roles'][0]}")


@pytest.mark.rule("B-RET-09")
def test_the_case_is_not_investigated_before_a_department_is_named_for_it(world: World) -> None:
    """Guards the handling department: its name is required, and the notice waits for it."""
    case = goods_case(world, until="assign_department")
    error = refused(world, case, "assign_department")
    assert (error.rule, fields_of(error)) == ("B-RET-09", ["filled.department"])
    assert standing(world, case)["assign_department"] == "open"


@pytest.mark.rule("B-RET-10")
def test_goods_are_inspected_unless_a_reason_is_given_for_another_method(world: World) -> None:
    """Guards the rule of Article 10: goods by default, documents and site visits only with their reason."""
    points = dict.fromkeys(SIX_POINTS, "已核实")
    case = goods_case(world, until="investigate")
    for method in ("documents", "on_site"):
        error = refused(world, case, "investigate", method=method, **points)
        assert (error.rule, fields_of(error)) == ("B-RET-10", ["filled.method_reason"])
    case = take(world, case, "investigate", **points)
    assert case.taken[-1].fields["method"] == "goods"
    other = goods_case(world, until="investigate", contact="ct_2", problem="other")
    other = take(world, other, "investigate", method="documents", method_reason="货已退回厂家", **points)
    assert other.taken[-1].fields["method"] == "documents"


@pytest.mark.rule("B-RET-11")
@pytest.mark.parametrize("missing", SIX_POINTS)
def test_an_investigation_holds_all_six_points(world: World, missing: str) -> None:
    """Guards the content of an investigation point by point."""
    case = goods_case(world, until="investigate")
    points = {point: "已核实" for point in SIX_POINTS if point != missing}
    error = refused(world, case, "investigate", **points)
    assert (error.rule, fields_of(error)) == ("B-RET-11", [f"filled.{missing}"])


@pytest.mark.rule("B-RET-19")
@pytest.mark.parametrize("missing", SIX_PARTS)
def test_an_investigation_report_has_all_six_parts(world: World, missing: str) -> None:
    """Guards the report part by part, those responsible among them."""
    case = goods_case(world, until="investigation_report")
    parts: dict[str, Any] = dict.fromkeys(SIX_PARTS, "已查明") | {"responsible": ["检验组"]}
    error = refused(
        world,
        case,
        "investigation_report",
        **{part: words for part, words in parts.items() if part != missing},
    )
    assert (error.rule, fields_of(error)) == ("B-RET-19", [f"filled.{missing}"])


@pytest.mark.rule("B-RET-12")
def test_the_report_is_reviewed_by_somebody_else_and_written_again_when_it_is_not_approved(
    world: World,
) -> None:
    """Guards the supervisor's review: never one's own report, and a report sent back does not go on."""
    case = goods_case(world, until="supervisor_review")
    author = next(entry.by for entry in case.taken if entry.step == "investigation_report")
    assert refused(world, case, "supervisor_review", by=author, approved=True).rule == "B-RET-12"
    case = take(world, case, "supervisor_review", approved=False, remark="经过不详")
    assert entries(case, "case_step_taken")[-1].data["sent_back_to"] == "investigation_report"
    assert refused(world, case, "hr_opinion", opinion="同意").rule == "B-RET-13"
    assert standing(world, case)["investigation_report"] == "open"
    case = world.walk(case, until="hr_opinion")
    assert take(world, case, "hr_opinion", opinion="同意").taken[-1].step == "hr_opinion"


@pytest.mark.rule("B-RET-14")
def test_a_handling_opinion_that_the_superior_does_not_approve_is_formed_anew(world: World) -> None:
    """Guards the second approval: the first version stays on record, the customer is not answered with it."""
    case = goods_case(world, until="handling_opinion")
    case = take(world, case, "handling_opinion", opinion="修补后退回")
    case = take(world, case, "superior_approval", by="stf_2", approved=False)
    assert refused(world, case, "superior_approval", by="stf_2", approved=True).rule == "B-RET-14"
    case = take(world, case, "handling_opinion", opinion="整件更换")
    case = take(world, case, "superior_approval", by="stf_2", approved=True)
    opinions = [(t.fields["opinion"], t.void) for t in case.taken if t.step == "handling_opinion"]
    assert opinions == [("修补后退回", True), ("整件更换", False)]
    assert world.answer(case).state is CaseState.REPLIED


@pytest.mark.rule("B-RET-08")
@pytest.mark.parametrize(
    ("category", "wanted"),
    [
        ("goods", ["handling_notice", "assign_department"]),
        ("contract", ["contract_opinion", "leaders_decision"]),
        ("shipping", ["domestic_sales"]),
    ],
)
def test_each_category_goes_to_its_own_office(world: World, category: str, wanted: list[str]) -> None:
    """Guards the three routes: goods to HR-administration, contracts to the leaders, shipping to its rules."""
    case = world.accept(world.open(RETAIL), ground="other_breach")
    case = take(world, world.walk(case, until="route"), "route", category=category)
    asked = {step for step, how in standing(world, case).items() if how == "open"}
    assert set(wanted) <= asked
    others = {"handling_notice", "contract_opinion", "domestic_sales"} - set(wanted)
    assert all(standing(world, case)[step] == "not_asked" for step in others)


@pytest.mark.rule("B-RET-08")
@pytest.mark.parametrize("ground", ["quality_defect", "spec_mismatch", "beyond_tolerance"])
@pytest.mark.parametrize("category", ["contract", "shipping"])
def test_defects_and_differences_go_to_hr_administration_only(
    world: World, ground: str, category: str
) -> None:
    """Guards the first route: what concerns the goods is no contract dispute."""
    case = world.walk(world.accept(world.open(RETAIL), ground=ground), until="route")
    error = refused(world, case, "route", category=category)
    assert (error.rule, fields_of(error)) == ("B-RET-08", ["filled.category"])


@pytest.mark.rule("B-RET-08")
def test_a_contract_dispute_goes_to_the_leaders_with_an_opinion(world: World) -> None:
    """Guards that the leaders are not asked without an opinion, and the customer not answered without them."""
    case = world.accept(world.open(RETAIL), ground="other_breach")
    case = take(world, world.walk(case, until="route"), "route", category="contract")
    assert fields_of(refused(world, case, "contract_opinion")) == ["filled.opinion"]
    refused(world, case, "leaders_decision", decision="照付")
    case = take(world, case, "contract_opinion", opinion="按合同返利")
    with pytest.raises(RuleRefused):
        world.do("reply", case, text="按合同返利", roles={"ops_cs"})
    case = take(world, case, "leaders_decision", decision="照付")
    assert world.answer(case).state is CaseState.REPLIED


@pytest.mark.rule("B-RET-16")
def test_the_card_carries_the_cases_own_number_and_no_other(world: World) -> None:
    """Guards the five fields of the card: what the case knows is filled in, another number is refused."""
    case = world.accept(world.open(RETAIL))
    error = refused(world, case, "record_card", serial_number="RET-0")
    assert (error.rule, fields_of(error)) == ("B-RET-16", ["filled.serial_number"])
    case = take(world, case, "record_card", serial_number=case.number)
    card = case.taken[-1].fields
    assert card == {
        "customer": case.customer_id,
        "demand": "exchange",
        "accepted_at": "2026-03-02T01:00:00.000Z",
        "serial_number": case.number,
    }


@pytest.mark.rule("B-RET-17")
def test_what_the_store_cannot_solve_goes_to_the_operations_supervisor_and_on_to_customer_service(
    world: World,
) -> None:
    """Guards the hops store, supervisor, customer service, on one card of one number."""
    case = world.open(RETAIL, channel="counter")
    with pytest.raises(RuleRefused) as error:
        world.do("decide_validity", case, valid=True, ground="quality_defect", reason="x", roles={"ops_cs"})
    assert error.value.problems[0].reason == "store_check comes first"
    case = world.walk(world.accept(case), until="store_attempt")
    refused(world, case, "store_attempt", can_solve=True)
    case = take(world, case, "store_attempt", can_solve=False)
    refused(world, case, "route", category="goods")
    case = take(world, case, "supervisor_attempt", can_solve=False)
    case = take(world, case, "route", category="goods")
    assert [t.fields["serial_number"] for t in case.taken if t.step == "record_card"] == [case.number]
    assert standing(world, case)["handling_notice"] == "open"


@pytest.mark.rule("B-RET-15", "B-RET-17")
@pytest.mark.parametrize(("solved", "allowed"), [(True, True), (False, False)])
def test_a_store_answers_what_it_solved_itself_and_nothing_else(
    world: World, *, solved: bool, allowed: bool
) -> None:
    """Guards Articles 14 and 16: the store's own solution is told by the store, all else by customer service."""
    case = world.walk(world.accept(world.open(RETAIL, channel="counter")), until="store_attempt")
    case = take(world, case, "store_attempt", can_solve=solved, result="当场换货")
    case = world.walk(case, supervisor_attempt={"can_solve": False})
    answer: dict[str, Any] = {"text": "已换货", "prevention": "抽检", "roles": {"store_staff"}}
    if not allowed:
        with pytest.raises(RuleRefused) as error:
            world.do("reply", case, **answer)
        assert error.value.rule == "B-RET-15"
        return
    world.do("reply", case, **answer)
    assert world.case(case.id).state is CaseState.REPLIED


@pytest.mark.rule("B-RET-15")
@pytest.mark.parametrize(("channel", "allowed"), [("counter", True), ("phone", False)])
def test_a_store_answers_what_was_refused_there(world: World, channel: str, *, allowed: bool) -> None:
    """Guards Article 7: the store explains a refusal to its own customers only."""
    case = world.walk(world.open(RETAIL, channel=channel))
    world.do("decide_validity", case, valid=False, reason="使用不当", roles={"ops_cs"})
    if allowed:
        world.do("reply", case, text="属使用不当", roles={"store_staff"})
        assert world.case(case.id).state is CaseState.CLOSED
        return
    with pytest.raises(RuleRefused) as error:
        world.do("reply", case, text="属使用不当", roles={"store_staff"})
    assert error.value.rule == "B-RET-15"


def test_a_step_is_taken_once(world: World) -> None:
    """Guards against a second card beside the first."""
    case = goods_case(world, until="route")
    assert refused(world, case, "record_card").rule == "B-RET-16"


@pytest.mark.parametrize(
    ("step", "filled", "field"),
    [
        ("no_such_step", {}, "step"),
        ("reply", {}, "step"),
        ("route", {"category": "gossip"}, "filled.category"),
        ("route", {"category": True}, "filled.category"),
        ("route", {"category": ["goods"]}, "filled.category"),
        ("route", {"category": "goods", "colour": "red"}, "filled.colour"),
    ],
)
def test_what_makes_no_sense_is_refused_field_by_field(
    world: World, step: str, filled: dict[str, Any], field: str
) -> None:
    """Guards the arguments: unknown steps and fields, values of the wrong kind, steps with their own command."""
    case = goods_case(world, until="route")
    before = world.cases.documents[case.id]
    with pytest.raises(ValidationFailed) as error:
        take(world, case, step, **filled)
    assert fields_of(error.value) == [field]
    assert world.cases.documents[case.id] == before


def test_what_is_written_into_a_step_is_in_no_event(world: World) -> None:
    """Guards that only what was chosen is told, and never anybody's words."""
    case = goods_case(world, until="hr_opinion")
    case = take(world, case, "hr_opinion", opinion="测试甲 13800000001")
    told = entries(case, "case_step_taken")
    assert "13800000001" not in repr(case.history.as_documents())
    routed = next(entry for entry in told if entry.data["step"] == "route")
    assert routed.data["choices"] == [{"field": "category", "value": "goods"}]
    assert types(case).count("case_step_taken") == len(told)
