"""The commands of people who handle cases: what a rulebook refuses, what a repeat answers, what a race leaves."""

from __future__ import annotations

from typing import Any

import pytest

from services.complaints.domain.states import CaseState
from shared.errors import Conflict, RuleRefused, ValidationFailed
from tests.unit.complaints.fakes import (
    IT,
    PLAZA,
    PROPERTY,
    RETAIL,
    SHOP,
    World,
    entries,
    rules_of,
    types,
)

GROUNDS = (
    "quality_defect",
    "delivery_date",
    "spec_mismatch",
    "beyond_tolerance",
    "transit_damage",
    "packing_damage",
    "other_breach",
)


@pytest.mark.rule("B-RET-03")
@pytest.mark.parametrize("ground", GROUNDS)
def test_a_complaint_on_one_of_the_seven_grounds_is_valid(world: World, ground: str) -> None:
    """Guards the seven legitimate grounds, and that the event names the one chosen."""
    case = world.accept(world.open(RETAIL), ground=ground)
    assert (case.state, case.valid, case.ground) == (CaseState.ACCEPTED, True, ground)
    assert entries(case, "case_accepted")[0].data["ground"] == ground


@pytest.mark.rule("B-RET-03")
@pytest.mark.parametrize("ground", ["changed_mind", None])
def test_a_complaint_on_no_listed_ground_is_not_valid(world: World, ground: str | None) -> None:
    """Guards that "changed mind" can only be refused; the refusal names rule and field."""
    case = world.open(RETAIL)
    with pytest.raises(RuleRefused) as refused:
        world.accept(case, ground=ground)
    assert refused.value.rule == "B-RET-03"
    assert [problem.field for problem in refused.value.problems] == ["ground"]
    assert world.case(case.id).state is CaseState.RECEIVED
    world.do("decide_validity", case, valid=False, ground=ground, reason="顾客改变主意")
    assert world.case(case.id).state is CaseState.REFUSED


@pytest.mark.rule("B-RET-04")
def test_a_chain_stores_case_closes_only_with_a_measure_of_prevention(world: World) -> None:
    """Guards that recurrence is dealt with: without the text the case stays open, with it it closes."""
    case = world.answer(world.accept(world.open(RETAIL)), prevention=None)
    with pytest.raises(RuleRefused) as refused:
        world.do("close", case)
    assert refused.value.rule == "B-RET-04"
    assert [problem.field for problem in refused.value.problems] == ["prevention"]
    assert world.case(case.id).state is CaseState.REPLIED


@pytest.mark.rule("B-RET-15")
def test_a_chain_stores_case_closes_by_hand_after_the_reply(world: World) -> None:
    """Guards that the written or spoken reply ends the case, and that an earlier text of prevention counts."""
    case = world.accept(world.open(RETAIL))
    world.do("reply", case, text="正在核查", final=False, prevention="每批抽检")
    case = world.answer(case, prevention=None)
    assert entries(case, "case_replied")[0].data["needs_callback"] is False
    answer = world.do("close", case)
    case = world.case(case.id)
    assert answer == {"case_id": case.id, "state": "closed", "level": "standard", "round": 1}
    assert entries(case, "case_closed")[0].data["because"] == "reply"
    assert case.prevention == "每批抽检"


@pytest.mark.rule("B-RET-15")
def test_only_the_chains_customer_service_replies(world: World) -> None:
    """Guards that the handling department does not answer the customer itself."""
    case = world.walk(world.accept(world.open(RETAIL)))
    with pytest.raises(RuleRefused) as refused:
        world.do("reply", case, roles={"staff", "complaint_handler", "handling_dept"}, text="已处理")
    assert refused.value.rule == "B-RET-15"
    world.do("reply", case, roles={"ops_cs"}, text="已处理")
    assert world.case(case.id).state is CaseState.REPLIED


@pytest.mark.rule("B-RET-05")
@pytest.mark.parametrize(
    ("channel", "roles", "allowed"),
    [
        ("counter", {"ops_cs"}, True),
        ("direct_cs", {"ops_cs"}, True),
        ("counter", {"store_superior"}, True),
        ("direct_cs", {"store_superior"}, False),
        ("counter", {"staff"}, False),
        ("counter", set(), False),
    ],
)
def test_the_chains_customer_service_decides_on_acceptance_and_a_stores_superior_on_its_own_intake(
    world: World, channel: str, roles: set[str], *, allowed: bool
) -> None:
    """Guards who rules on acceptance, by role and by the way the complaint came in."""
    case = world.open(RETAIL, channel=channel)
    if allowed:
        world.accept(case, roles=roles)
        assert world.case(case.id).valid is True
        return
    with pytest.raises(RuleRefused) as refused:
        world.accept(case, roles=roles)
    assert refused.value.rule == "B-RET-05"


@pytest.mark.rule("B-PRO-10")
def test_a_reply_for_now_must_agree_the_time_of_the_next_one(world: World) -> None:
    """Guards that a household is not left waiting: no next time, no reply."""
    case = world.accept(world.open(PROPERTY))
    with pytest.raises(RuleRefused) as refused:
        world.do("reply", case, text="正在查找漏点", final=False)
    assert refused.value.rule == "B-PRO-10"
    assert [problem.field for problem in refused.value.problems] == ["next_reply_at"]
    assert "reply" not in [entry.data["clock"] for entry in entries(world.case(case.id), "clock_met")]
    world.do("reply", case, text="正在查找漏点", final=False, next_reply_at="2026-03-02T11:00:00+08:00")
    case = world.case(case.id)
    assert case.state is CaseState.ACCEPTED
    assert entries(case, "case_progressed")[0].data["next_reply_at"] == "2026-03-02T03:00:00.000Z"


def test_where_no_rule_asks_for_it_a_reply_for_now_may_leave_the_next_time_open(world: World) -> None:
    """Guards that the household's rule is not borrowed for a shopping centre."""
    case = world.accept(world.open(PLAZA))
    world.do("reply", case, text="正在核查", final=False)
    case = world.case(case.id)
    assert (case.state, case.rounds) == (CaseState.ACCEPTED, 0)
    assert entries(case, "case_progressed")[0].data["next_reply_at"] is None


@pytest.mark.parametrize(
    "moment", ["2026-03-02T09:00:00+08:00", "2026-03-02T00:59:59Z", "0001-01-01T00:00:00+14:00"]
)
def test_a_time_of_the_next_reply_that_has_passed_is_refused(world: World, moment: str) -> None:
    """Guards the field with a reason, for a deadline already over."""
    case = world.accept(world.open(PROPERTY))
    with pytest.raises(ValidationFailed) as refused:
        world.do("reply", case, text="正在查找漏点", final=False, next_reply_at=moment)
    assert [problem.field for problem in refused.value.problems] == ["next_reply_at"]


@pytest.mark.parametrize("moment", ["9999-12-31T23:59:59-12:00", "2036-03-02T00:00:00Z"])
def test_a_time_of_the_next_reply_beyond_all_reason_is_refused(world: World, moment: str) -> None:
    """Guards against an instant that cannot even be written in UTC."""
    case = world.accept(world.open(PLAZA))
    with pytest.raises(ValidationFailed) as refused:
        world.do("reply", case, text="正在查找漏点", final=False, next_reply_at=moment)
    assert [problem.field for problem in refused.value.problems] == ["next_reply_at"]


@pytest.mark.rule("B-JKC-61")
def test_the_content_is_entered_with_its_description_once_the_complaint_stands(world: World) -> None:
    """Guards the customer system: an entry without description is refused by the rule, and so is one too early."""
    case = world.open()
    content: dict[str, Any] = {"step": "enter_content", "filled": {"description": "三楼扶梯旁连续三日有异味"}}
    with pytest.raises(RuleRefused):
        world.do("take_step", case, **content)
    case = world.accept(case)
    with pytest.raises(RuleRefused) as refused:
        world.do("take_step", case, step="enter_content", filled={})
    assert refused.value.rule == "B-JKC-61"
    assert [problem.field for problem in refused.value.problems] == ["filled.description"]
    world.do("take_step", case, **content)
    assert world.case(case.id).taken[-1].fields["description"] == "三楼扶梯旁连续三日有异味"


@pytest.mark.rule("B-JKC-61")
def test_progress_is_entered_after_acceptance_and_with_its_content(world: World) -> None:
    """Guards that what is done stands in the case in full, and that nothing is entered before acceptance."""
    case = world.open()
    with pytest.raises(RuleRefused):
        world.do("progress", case, text="已联系工程部")
    case = world.accept(case)
    text = "已联系工程部。\n　　维修人员 14:00 到场，更换三楼阀门。"
    world.do("progress", case, step="repair", text=text)
    case = world.case(case.id)
    (entry,) = entries(case, "case_progressed")
    assert entry.data["step"] == "repair"
    shown = world.look.case(case.org, case.id)["notes"][-1]
    assert (shown["kind"], shown["text"], shown["actor"]) == ("repair", text, "stf_test")
    assert case.handler == "stf_test"


@pytest.mark.parametrize(
    ("org", "rule"),
    [
        pytest.param(PLAZA, "B-SVN-05", marks=pytest.mark.rule("B-SVN-05")),
        pytest.param(IT, "B-SVN-05", marks=pytest.mark.rule("B-SVN-05")),
        pytest.param(PROPERTY, "B-PRO-08", marks=pytest.mark.rule("B-PRO-08")),
        pytest.param(SHOP, "B-MBY-18", marks=pytest.mark.rule("B-MBY-18")),
    ],
)
def test_where_a_callback_is_due_nobody_closes_the_case_by_hand(world: World, org: str, rule: str) -> None:
    """Guards that the customer's word is needed; the refusal names the rule."""
    case = world.answer(world.accept(world.open(org)))
    with pytest.raises(RuleRefused) as refused:
        world.do("close", case)
    assert refused.value.rule == rule
    assert world.case(case.id).state is CaseState.REPLIED


def test_a_complaint_found_not_valid_is_closed_by_the_reply_that_says_so(world: World) -> None:
    """Guards that a refused customer is answered and not called back."""
    case = world.open()
    world.do("decide_validity", case, valid=False, reason="与事实不符")
    case = world.answer(world.case(case.id))
    reply, closed = case.history.entries[-2:]
    assert case.state is CaseState.CLOSED
    assert (reply.type, reply.data["valid"], reply.data["needs_callback"]) == ("case_replied", False, False)
    assert (closed.type, closed.data["valid"], closed.data["because"]) == ("case_closed", False, "refused")


@pytest.mark.parametrize("org", [PLAZA, RETAIL, PROPERTY, SHOP, IT])
@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("decide_validity", {"valid": False, "reason": "不符"}),
        ("attempt_contact", {"outcome": "reached"}),
        ("progress", {"text": "进展"}),
        ("reply", {"text": "答复"}),
        ("close", {}),
    ],
)
def test_no_step_is_for_somebody_without_a_role_the_rulebook_names(
    world: World, org: str, method: str, arguments: dict[str, Any]
) -> None:
    """Guards every step of every organisation: refused with a rule, and nothing written."""
    case = world.open(org)
    with pytest.raises(RuleRefused) as refused:
        world.do(method, case, roles={"staff", "intruder"}, **arguments)
    assert refused.value.rule
    assert types(world.case(case.id)) == types(case)


@pytest.mark.parametrize(
    ("state", "refused_steps"),
    [
        ("received", {"progress", "reply", "close"}),
        ("accepted", {"decide_validity", "close"}),
        ("refused", {"decide_validity", "progress", "close"}),
        ("replied", {"decide_validity", "reply"}),
        ("closed", {"decide_validity", "attempt_contact", "progress", "reply", "close"}),
    ],
)
def test_a_step_out_of_order_is_refused_and_changes_nothing(
    world: World, state: str, refused_steps: set[str]
) -> None:
    """Guards the path of a case: each state takes its own steps only, and says where it stands."""
    arguments: dict[str, dict[str, Any]] = {
        "decide_validity": {"valid": True, "ground": "quality_defect", "reason": "属实"},
        "attempt_contact": {"outcome": "reached"},
        "progress": {"text": "进展"},
        "reply": {"text": "答复", "prevention": "每月检修"},
        "close": {},
    }
    for number, method in enumerate(arguments):
        case = world.open(RETAIL, f"ct_{number}")
        if state == "refused":
            world.do("decide_validity", case, valid=False, reason="不符")
        elif state != "received":
            world.accept(case)
            if state != "accepted":
                world.answer(case)
            if state == "closed":
                world.do("close", case)
            else:
                world.walk(case)
        before = world.cases.documents[case.id]
        if method not in refused_steps:
            world.do(method, case, **arguments[method])
            continue
        with pytest.raises(RuleRefused) as refused:
            world.do(method, case, **arguments[method])
        assert refused.value.details == {"state": state}
        assert world.cases.documents[case.id] == before


def test_a_repeated_command_gets_the_same_answer_and_changes_nothing(world: World) -> None:
    """Guards idempotency keys of every command: the answer of the first time, even after the case moved on."""
    case = world.open(RETAIL)
    commands: list[tuple[str, dict[str, Any]]] = [
        ("attempt_contact", {"outcome": "unreachable"}),
        ("decide_validity", {"valid": True, "ground": "delivery_date", "reason": "属实"}),
        ("progress", {"text": "进展"}),
        ("reply", {"text": "稍后答复", "final": False, "next_reply_at": "2026-03-02T17:00:00+08:00"}),
        ("reply", {"text": "答复", "prevention": "每月检修"}),
        ("close", {}),
    ]
    answers = []
    for number, (method, arguments) in enumerate(commands):
        if arguments.get("text") == "答复":
            world.walk(case)
        answers.append(world.do(method, case, key=f"key-{number}", **arguments))
    before, writes = world.cases.documents, world.cases.writes
    world.at("2026-03-09 09:00")
    again = [
        world.do(method, case, key=f"key-{number}", **arguments)
        for number, (method, arguments) in enumerate(commands)
    ]
    assert again == answers
    assert [answer["state"] for answer in answers] == [
        "received",
        "accepted",
        "accepted",
        "accepted",
        "replied",
        "closed",
    ]
    assert (world.cases.documents, world.cases.writes) == (before, writes)


def test_a_key_used_for_other_arguments_is_a_conflict(world: World) -> None:
    """Guards that a caller that reuses a key is told, instead of being given another command's answer."""
    case = world.accept(world.open())
    world.do("progress", case, key="k", text="第一步")
    with pytest.raises(Conflict, match="idempotency key"):
        world.do("progress", case, key="k", text="第二步")
    assert len(entries(world.case(case.id), "case_progressed")) == 1


def test_a_refused_command_may_be_sent_again_under_its_key(world: World) -> None:
    """Guards that a refusal is no answer: what was refused too early succeeds when its time has come."""
    case = world.open()
    with pytest.raises(RuleRefused):
        world.do("reply", case, key="k", text="答复")
    world.accept(case)
    assert world.do("reply", case, key="k", text="答复")["state"] == "replied"


def test_a_case_changed_meanwhile_is_read_again_and_the_step_taken_on_what_is_there_now(world: World) -> None:
    """Guards the race of two colleagues: both steps are kept, each once."""
    case = world.accept(world.open())
    colleague = World(world.clock, world.cases)
    world.cases.between["save"] = lambda: colleague.do("progress", case, key="theirs", text="他人")
    world.do("progress", case, key="mine", text="本人")
    case = world.case(case.id)
    assert [note.text for note in case.notes[1:]] == ["他人", "本人"]
    assert len(entries(case, "case_progressed")) == 2


def test_a_race_that_makes_the_step_impossible_is_refused(world: World) -> None:
    """Guards that a step is judged on the case as it is when it is written."""
    case = world.accept(world.open())
    colleague = World(world.clock, world.cases)
    world.cases.between["save"] = lambda: colleague.do("reply", case, key="theirs", text="已答复")
    with pytest.raises(RuleRefused) as refused:
        world.do("reply", case, key="mine", text="已答复")
    assert refused.value.details == {"state": "replied"}


def test_the_same_command_sent_twice_at_once_takes_effect_once(world: World) -> None:
    """Guards a caller whose deadline passed and who sends the command again while the first still runs."""
    case = world.accept(world.open())
    twin = World(world.clock, world.cases)
    world.cases.between["save"] = lambda: twin.do("progress", case, key="k", text="进展")
    world.do("progress", case, key="k", text="进展")
    assert len(entries(world.case(case.id), "case_progressed")) == 1


def test_after_too_many_conflicts_the_caller_is_told_to_try_again(world: World) -> None:
    """Guards against an endless loop."""
    case = world.open()

    def conflict() -> None:
        world.cases.between["save"] = conflict
        raise Conflict("changed")

    world.cases.between["save"] = conflict
    with pytest.raises(Conflict):
        world.do("attempt_contact", case, outcome="reached")


@pytest.mark.rule("B-STD-03")
def test_what_staff_write_about_the_customer_is_in_no_event(world: World) -> None:
    """Guards that names, numbers and free text stay in the case and out of its history."""
    secret = "测试甲 13800000001 青柳路一号"
    case = world.open(RETAIL)
    world.accept(case, reason=secret)
    world.do("progress", case, text=secret)
    world.do("reply", case, text=secret, final=False, next_reply_at="2026-03-02T17:00:00+08:00")
    forms: dict[str, Any] = {
        step: {field: secret} for step, field in (("hr_opinion", "opinion"), ("gm_decision", "decision"))
    }
    world.walk(case, **forms)
    world.do("reply", case, text=secret, prevention=secret)
    world.do("close", case)
    case = world.case(case.id)
    assert sum(note.text == secret for note in case.notes) == 4
    recorded = repr(case.history.as_documents())
    assert not any(part in recorded for part in secret.split())


def test_every_organisations_rulebook_names_who_may_take_every_step() -> None:
    """Guards the tests above: the roles they use are those of the rulebooks."""
    assert {
        grant.role for org in (PLAZA, RETAIL) for rule in rules_of(org).steps for grant in rule.grants
    } == {
        "complaint_handler",
        "cs_head",
        "manager",
        "ops_cs",
        "store_superior",
    }
