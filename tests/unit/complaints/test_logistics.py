"""A forwarder's complaints: one procedure for every case, remedied documents, return papers, insurance claims."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.complaints.domain.case import Case
from services.complaints.domain.rulebook import ComplaintRules
from services.complaints.domain.states import CaseState
from shared.clock import FixedClock
from shared.clocks import State
from shared.errors import RuleRefused, ValidationFailed
from shared.regulations import Rulebooks
from tests.unit.complaints.fakes import beijing, called_back, clock, entries
from tests.unit.complaints.offer_world import Counter, books
from tests.unit.complaints.stepping import fields_of

ORG = "cargo"
CLERK, DEPARTMENT, OPERATIONS = "complaint_handler", "handling_department", "operations"
#: The steps every valid case takes, in their order.
PROCEDURE = (
    "register",
    "decide_validity",
    "hand_over",
    "handling",
    "supervision",
    "handling_notice",
    "notice_review",
    "reply",
)
REGISTERED: Mapping[str, Any] = {"waybill": "W100", "insured": True, "policy": "PL-2026-17"}
HANDLED: Mapping[str, Any] = {"operating_error": False, "resolution": "other", "result": "已核实"}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Rulebooks[ComplaintRules]:
    """The rulebook of a forwarder that decides nothing itself."""
    return books(tmp_path_factory.mktemp("organisations"), ORG, "logistics")


def forwarder(rulebooks: Rulebooks[ComplaintRules]) -> Counter:
    return Counter(FixedClock(beijing("2026-03-02 09:00")), ORG, rulebooks)


@pytest.fixture
def cargo(plain: Rulebooks[ComplaintRules]) -> Counter:
    return forwarder(plain)


def take(cargo: Counter, case: Case, step: str, role: str = CLERK, /, **filled: Any) -> Case:
    cargo.world.do("take_step", case, step=step, filled=filled, roles={role}, actor=f"stf_{role}")
    return cargo.kept(case)


def refused(
    cargo: Counter, case: Case, step: str, role: str = CLERK, /, actor: str = "stf_1", **filled: Any
) -> RuleRefused:
    with pytest.raises(RuleRefused) as error:
        cargo.world.do("take_step", case, step=step, filled=filled, roles={role}, actor=actor)
    return error.value


def handled(cargo: Counter, registered: Mapping[str, Any] = REGISTERED, **changes: Any) -> Case:
    """Return a case that its department has handled."""
    cargo.opened += 1
    opened = cargo.world.open(ORG, f"ct_{cargo.opened}", problem=f"p-{cargo.opened}")
    case = take(cargo, opened, "register", CLERK, **registered)
    cargo.world.do("decide_validity", case, valid=True, ground=None, reason="属实")
    case = take(cargo, case, "hand_over", CLERK, department="OPS")
    return take(cargo, case, "handling", DEPARTMENT, **{**HANDLED, **changes})


def test_the_standing_of_the_steps_is_that_of_the_procedure(cargo: Counter) -> None:
    """Guards the data: what every valid case must go through is what the procedure lists."""
    rules = cargo.books.for_org(ORG, cargo.clock.now()).sections
    assert rules.path is not None
    case = handled(cargo)
    walk = case.walk(rules)
    assert walk is not None
    assert tuple(step.code for step in rules.path if step.mandatory and walk.asked(step)) == PROCEDURE


@pytest.mark.rule("A-LOG-80", "A-JD12-02")
@settings(max_examples=40, deadline=None)
@given(order=st.permutations(PROCEDURE))
def test_every_case_follows_one_uniform_procedure_step_by_step(
    plain: Rulebooks[ComplaintRules], order: list[str]
) -> None:
    """Whatever is tried in whatever order, the steps taken are those of the procedure, in its order."""
    cargo = forwarder(plain)
    case = cargo.world.open(ORG)
    values: dict[str, tuple[str, dict[str, Any]]] = {
        "register": (CLERK, dict(REGISTERED)),
        "hand_over": (CLERK, {"department": "OPS"}),
        "handling": (DEPARTMENT, dict(HANDLED)),
        "supervision": (CLERK, {"finding": "已督办"}),
        "handling_notice": (DEPARTMENT, {"text": "处理完毕"}),
        "notice_review": (CLERK, {"approved": True}),
    }
    # One more time for each place in the order: whatever comes first has then had its turn.
    for step in order * len(PROCEDURE):
        if step == "decide_validity":
            attempt: dict[str, Any] = {"valid": True, "ground": None, "reason": "属实"}
            method, roles, actor = step, {CLERK}, "stf_1"
        elif step == "reply":
            method, roles, actor, attempt = step, {CLERK}, "stf_1", {"text": "已处理"}
        else:
            role, filled = values[step]
            method, roles, actor = "take_step", {role}, f"stf_{role}"
            attempt = {"step": step, "filled": filled}
        with suppress(RuleRefused):
            cargo.world.do(method, case, roles=roles, actor=actor, **attempt)
    case = cargo.kept(case)
    assert tuple(entry.step for entry in case.taken) == PROCEDURE
    assert case.state is CaseState.REPLIED


@pytest.mark.rule("A-LOG-80")
def test_a_step_that_the_procedure_does_not_have_is_refused(cargo: Counter) -> None:
    """Guards the list: nobody invents a state of their own."""
    case = cargo.world.open(ORG)
    with pytest.raises(ValidationFailed) as error:
        take(cargo, case, "archive")
    assert [problem.field for problem in error.value.problems] == ["step"]


@pytest.mark.rule("A-LOG-81")
def test_a_case_is_registered_handed_over_and_supervised_and_its_notice_reviewed_before_it_goes_out(
    cargo: Counter,
) -> None:
    """Guards each of the staff's tasks: the customer hears nothing before the notice was checked by another one."""
    case = cargo.world.open(ORG)
    with pytest.raises(RuleRefused) as unregistered:
        cargo.world.do("decide_validity", case, valid=True, ground=None, reason="属实")
    assert unregistered.value.problems[0].reason == "register comes first"
    case = handled(cargo)
    assert entries(case, "case_step_taken")[1].data["step"] == "hand_over"
    assert refused(cargo, case, "handling_notice", DEPARTMENT, text="处理完毕").rule == "A-LOG-81"
    case = take(cargo, case, "supervision", CLERK, finding="已督办")
    case = take(cargo, case, "handling_notice", DEPARTMENT, text="处理完毕")
    with pytest.raises(RuleRefused) as unreviewed:
        cargo.world.do("reply", case, text="已处理")
    assert unreviewed.value.problems[0].reason == "notice_review comes first"
    own = refused(cargo, case, "notice_review", actor=f"stf_{DEPARTMENT}", approved=True)
    assert own.rule == "A-LOG-81"
    case = take(cargo, case, "notice_review", CLERK, approved=False, remark="缺原因")
    case = take(cargo, case, "handling_notice", DEPARTMENT, text="处理完毕，原因如下")
    case = take(cargo, case, "notice_review", CLERK, approved=True)
    cargo.world.do("reply", case, text="已处理")
    assert cargo.kept(case).state is CaseState.REPLIED


@pytest.mark.rule("A-LOG-17")
def test_an_operating_error_is_remedied_and_the_document_amended_before_the_notice(cargo: Counter) -> None:
    """Guards the amendment: both versions and the time of the remedy stand on the case, which waits for it."""
    case = handled(cargo, operating_error=True)
    case = take(cargo, case, "supervision", CLERK, finding="已督办")
    assert refused(cargo, case, "handling_notice", DEPARTMENT, text="处理完毕").problems[0].reason == (
        "amend_document comes first"
    )
    amended = {"document": "D1", "version_before": "v1", "remedied_at": "2026-03-02T10:30:00+08:00"}
    error = refused(cargo, case, "amend_document", OPERATIONS, **amended)
    assert (error.rule, fields_of(error)) == ("A-LOG-17", ["filled.version_after"])
    case = take(cargo, case, "amend_document", OPERATIONS, **amended, version_after="v2")
    fields = case.taken[-1].fields
    assert (fields["version_before"], fields["version_after"]) == ("v1", "v2")
    assert fields["remedied_at"] == "2026-03-02T02:30:00.000Z"
    # Without an error there is nothing to amend.
    error = refused(cargo, handled(cargo), "amend_document", OPERATIONS, **amended, version_after="v2")
    assert error.rule == "A-LOG-17"


@pytest.mark.rule("A-LOG-84")
@pytest.mark.parametrize("resolution", ["return", "exchange"])
def test_a_return_or_exchange_has_its_papers_with_goods_and_quantity(cargo: Counter, resolution: str) -> None:
    """Guards the formalities: the case waits for them, and a quantity is a whole number."""
    case = take(cargo, handled(cargo, resolution=resolution), "supervision", CLERK, finding="已督办")
    waiting = refused(cargo, case, "handling_notice", DEPARTMENT, text="处理完毕")
    assert waiting.problems[0].reason == "return_formalities comes first"
    assert fields_of(refused(cargo, case, "return_formalities", goods="冷链箱")) == ["filled.quantity"]
    for wrong in ("0", "-1", "2.5", "两箱"):
        with pytest.raises(ValidationFailed):
            take(cargo, case, "return_formalities", CLERK, goods="冷链箱", quantity=wrong)
    case = take(cargo, case, "return_formalities", CLERK, goods="冷链箱", quantity="2")
    assert case.taken[-1].fields == {"goods": "冷链箱", "quantity": "2"}


CLAIM: Mapping[str, Any] = {"amount": "12000.5", "evidence": ["残损报告 17", "照片 3 张"]}


@pytest.mark.rule("A-LOG-26")
def test_a_claim_is_made_on_the_policy_of_what_was_insured_and_on_nothing_else(cargo: Counter) -> None:
    """Guards the claim: linked to the case's own policy, with evidence and an exact sum; uninsured goods have none."""
    case = handled(cargo)
    error = refused(cargo, case, "insurance_claim", **CLAIM, policy="PL-OTHER")
    assert (error.rule, fields_of(error)) == ("A-LOG-26", ["filled.policy"])
    assert fields_of(refused(cargo, case, "insurance_claim", amount="100.00")) == ["filled.evidence"]
    for wrong in ("12000.555", "-1", "1e5", "一万"):
        with pytest.raises(ValidationFailed):
            take(cargo, case, "insurance_claim", CLERK, **{**CLAIM, "amount": wrong})
    case = take(cargo, case, "insurance_claim", CLERK, **CLAIM)
    assert case.taken[-1].fields == {"policy": "PL-2026-17", **CLAIM, "amount": "12000.50"}
    assert "PL-2026-17" not in str(entries(case, "case_step_taken")[-1].data)


@pytest.mark.rule("A-LOG-26")
def test_an_uninsured_shipment_opens_no_claim_and_an_insured_one_names_its_policy(cargo: Counter) -> None:
    """Guards both ends: W101 was not insured; who says insured says under which policy."""
    case = cargo.world.open(ORG)
    error = refused(cargo, case, "register", waybill="W101", insured=True)
    assert (error.rule, fields_of(error)) == ("A-LOG-26", ["filled.policy"])
    case = handled(cargo, {"waybill": "W101", "insured": False})
    error = refused(cargo, case, "insurance_claim", **CLAIM)
    assert error.rule == "A-LOG-26"
    assert "is not for this case" in error.message


DUE = """
overrides:
  - version: "2026.1"
    effective_from: 2020-01-01
    complaints:
      path:
        insurance_claim: {due: {duration: {amount: 30, unit: days, source: organisation}}}
        claim_outcome: {due: {duration: {amount: 60, unit: days, source: organisation}, after: insurance_claim}}
"""


@pytest.mark.rule("A-LOG-26")
def test_a_claim_has_the_deadlines_the_organisation_gives_and_its_outcome_ends_the_case(
    tmp_path: Path,
) -> None:
    """Guards that a claim once made is seen through: the case stays open until the insurer's word, in its time."""
    cargo = forwarder(books(tmp_path, ORG, "logistics", DUE))
    case = handled(cargo)
    assert clock(case, "step.insurance_claim").due_at == beijing("2026-04-01 09:00")
    case = take(cargo, case, "insurance_claim", CLERK, **CLAIM)
    assert clock(case, "step.insurance_claim").state is State.MET
    assert clock(case, "step.claim_outcome").due_at == beijing("2026-05-01 09:00")
    case = take(cargo, case, "supervision", CLERK, finding="已督办")
    case = take(cargo, case, "handling_notice", DEPARTMENT, text="处理完毕")
    case = take(cargo, case, "notice_review", CLERK, approved=True)
    cargo.world.do("reply", case, text="已处理")
    cargo.world.call_back(called_back(cargo.kept(case), satisfied=True))
    assert cargo.kept(case).state is CaseState.REPLIED
    assert fields_of(refused(cargo, case, "claim_outcome", outcome="partly_paid")) == ["filled.paid"]
    case = take(cargo, case, "claim_outcome", CLERK, outcome="partly_paid", paid="9000", reason="免赔额")
    assert case.state is CaseState.CLOSED
    paid = next(entry.fields for entry in case.taken if entry.step == "claim_outcome")
    assert paid["paid"] == "9000.00"


@pytest.mark.rule("A-LOG-87")
def test_the_client_is_told_called_back_and_only_then_the_case_closes(cargo: Counter) -> None:
    """Guards the feedback: the reply announces a callback, a satisfied client closes, an unsatisfied one reopens."""
    case = take(cargo, handled(cargo), "supervision", CLERK, finding="已督办")
    case = take(cargo, case, "handling_notice", DEPARTMENT, text="处理完毕")
    case = take(cargo, case, "notice_review", CLERK, approved=True)
    with pytest.raises(RuleRefused) as other:
        cargo.world.do("reply", case, text="已处理", roles={DEPARTMENT})
    assert other.value.rule == "A-LOG-87"
    cargo.world.do("reply", case, text="已处理", roles={CLERK})
    case = cargo.kept(case)
    assert entries(case, "case_replied")[0].data["needs_callback"] is True
    cargo.world.call_back(called_back(case, satisfied=False))
    assert cargo.kept(case).state is CaseState.ACCEPTED
    cargo.world.do("reply", case, text="已补充说明", roles={CLERK})
    cargo.world.call_back(called_back(cargo.kept(case), "cb_2", satisfied=True))
    assert cargo.kept(case).state is CaseState.CLOSED


@pytest.mark.rule("A-LOG-51")
def test_the_post_service_supervisor_accepts_what_comes_and_supervises_its_handling(cargo: Counter) -> None:
    """Guards the supervisor's right to accept and to supervise, by the rulebook's own word; operations has neither."""
    supervisor = "post_service_supervisor"
    case = take(cargo, cargo.world.open(ORG), "register", CLERK, **REGISTERED)
    decision: dict[str, Any] = {"valid": True, "ground": None, "reason": "属实"}
    with pytest.raises(RuleRefused):
        cargo.world.do("decide_validity", case, roles={OPERATIONS}, **decision)
    cargo.world.do("decide_validity", case, roles={supervisor}, actor="stf_p1", **decision)
    case = take(cargo, cargo.kept(case), "hand_over", CLERK, department="OPS")
    case = take(cargo, case, "handling", DEPARTMENT, **HANDLED)
    refused(cargo, case, "supervision", OPERATIONS, finding="已督办")
    case = take(cargo, case, "supervision", supervisor, finding="已督办")
    assert case.taken[-1].step == "supervision"
