"""Disputes between departments (部门争议): raised, ruled on by somebody impartial, appealed against once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from services.complaints.domain.dispute.dispute import DisputeState
from services.complaints.domain.states import CaseState
from shared.errors import Conflict, NotFound, RuleRefused, ValidationFailed
from shared.history import timestamp
from tests.unit.complaints.fakes import beijing, called_back, entries, types
from tests.unit.complaints.supervision_world import BOSS, Tower, own_tower

RULING: dict[str, Any] = {"text": "由工程部维修", "responsible": "engineering"}
SUPERVISOR, MANAGER, VICE = {"supervisor"}, {"manager"}, {"cs_vice_president"}


@pytest.fixture
def plaza() -> Tower:
    """Return the shopping centre on a Monday morning."""
    return Tower()


def test_the_ruling_names_the_department_that_the_case_then_carries(plaza: Tower) -> None:
    """Guards the way from question to ruling, the role it waits for, and what the case knows of it."""
    case = plaza.accepted()
    dispute_id = plaza.raised(case)
    view = plaza.do("dispute", id=dispute_id)
    assert (view["state"], view["awaits"], view["overdue"]) == ("open", "supervisor", False)
    assert plaza.case(case).open_disputes == [dispute_id]
    plaza.refused("rule_dispute", RuleRefused, id=dispute_id, roles=MANAGER, **RULING)
    wrong = RULING | {"responsible": "cleaning"}
    plaza.refused("rule_dispute", ValidationFailed, id=dispute_id, roles=SUPERVISOR, **wrong)
    answer = plaza.do("rule_dispute", id=dispute_id, roles=SUPERVISOR, **RULING)
    assert (answer["state"], answer["responsible"]) == ("ruled", "engineering")
    kept = plaza.case(case)
    assert (kept.responsible, kept.open_disputes) == ("engineering", [])
    assert types(kept).count("responsible_named") == 1
    assert plaza.do("disputes", open=True) == []
    assert [row["dispute_id"] for row in plaza.do("disputes", case_id=case.id)] == [dispute_id]


def test_while_a_dispute_is_open_the_case_is_handled_on_and_closes_only_after_the_ruling(
    plaza: Tower,
) -> None:
    """Guards that nobody may stop (不得推诿), and that the ruling closes a case that only waited for it."""
    case = plaza.accepted()
    dispute_id = plaza.raised(case)
    plaza.step("attempt_contact", case, outcome="reached")
    plaza.step("progress", case, text="先行维修")
    plaza.step("reply", case, text="已修复")
    plaza.world.call_back(called_back(plaza.case(case), satisfied=True))
    assert plaza.case(case).state is CaseState.REPLIED
    plaza.do("rule_dispute", id=dispute_id, roles=SUPERVISOR, by="stf_s", **RULING)
    assert plaza.case(case).state is CaseState.CLOSED
    error = plaza.refused("raise_dispute", RuleRefused, **_raising(case.id))
    assert error.details["state"] == "closed"


def _raising(case_id: str) -> dict[str, Any]:
    parties = [{"department": "engineering"}, {"department": "operations"}]
    return {
        "case_id": case_id,
        "subject": "responsibility",
        "question": "由谁负责？",
        "department": "engineering",
        "parties": parties,
    }


@pytest.mark.parametrize("how", ["raised it", "takes part", "belongs", "accused"])
def test_whoever_is_not_impartial_steps_aside_and_the_next_of_the_list_rules(plaza: Tower, how: str) -> None:
    """Guards every ground of recusal (回避): the refusal names who rules next, and that one does."""
    case = plaza.accepted()
    given: dict[str, Any] = {"by": "stf_judge"} if how == "raised it" else {}
    sides = {"takes part": ["stf_judge"]}.get(how, [])
    parties = [{"department": "engineering"}, {"department": "operations", "staff": sides}]
    dispute_id = plaza.raised(case, parties=parties, **given)
    if how == "accused":
        plaza.counter.do("name_accused", id=case.id, staff=["stf_judge"], roles={"complaint_handler"})
    roles = SUPERVISOR | ({"engineering"} if how == "belongs" else set())
    error = plaza.refused("rule_dispute", RuleRefused, id=dispute_id, by="stf_judge", roles=roles, **RULING)
    assert error.details["next"] == "manager"
    plaza.refused("recuse", RuleRefused, id=dispute_id, by="stf_other", roles=MANAGER, reason="回避")
    plaza.do("recuse", id=dispute_id, by="stf_judge", roles=roles, reason="与本案有关")
    plaza.refused("rule_dispute", RuleRefused, id=dispute_id, by="stf_new", roles=SUPERVISOR, **RULING)
    plaza.refused("rule_dispute", RuleRefused, id=dispute_id, by="stf_judge", roles=BOSS, **RULING)
    answer = plaza.do("rule_dispute", id=dispute_id, by="stf_manager", roles=MANAGER, **RULING)
    assert answer["state"] == "ruled"
    (recusal,) = plaza.do("dispute", id=dispute_id)["recusals"]
    assert (recusal["by"], recusal["role"], recusal["reason"]) == ("stf_judge", "supervisor", "与本案有关")


def test_whoever_stepped_aside_neither_rules_nor_steps_aside_again(plaza: Tower) -> None:
    """Guards a recusal for reasons of one's own: no later turn in another role undoes it or passes the next by."""
    dispute_id = plaza.raised(plaza.accepted())
    plaza.do("recuse", id=dispute_id, by="stf_judge", roles=SUPERVISOR, reason="个人原因")
    plaza.refused("recuse", Conflict, id=dispute_id, by="stf_judge", roles=MANAGER, reason="再次回避")
    error = plaza.refused("rule_dispute", RuleRefused, id=dispute_id, by="stf_judge", roles=MANAGER, **RULING)
    assert "has stepped aside" in error.message
    (recusal,) = plaza.do("dispute", id=dispute_id)["recusals"]
    assert recusal["reason"] == "个人原因"
    answer = plaza.do("rule_dispute", id=dispute_id, by="stf_manager", roles=MANAGER, **RULING)
    assert answer["state"] == "ruled"


def test_one_appeal_in_time_goes_to_the_next_instance_whose_ruling_is_final(plaza: Tower) -> None:
    """Guards the day for the appeal, the other judge, the new responsible department, and that there is no second."""
    case = plaza.accepted()
    dispute_id = plaza.raised(case)
    arguments: dict[str, Any] = {
        "id": dispute_id,
        "department": "engineering",
        "reason": "图纸由运营部提供",
    }
    plaza.refused("appeal_ruling", Conflict, **arguments)
    plaza.do("rule_dispute", id=dispute_id, by="stf_judge", roles=SUPERVISOR, **RULING)
    plaza.at("2026-03-03 08:59")
    plaza.refused("appeal_ruling", ValidationFailed, **arguments | {"department": "cleaning"})
    plaza.refused("appeal_ruling", RuleRefused, roles={"staff"}, **arguments)
    plaza.do("appeal_ruling", by="stf_a", key="same", **arguments)
    plaza.do("appeal_ruling", by="stf_a", key="same", **arguments)
    assert plaza.case(case).open_disputes == [dispute_id]
    second: dict[str, Any] = {
        "text": "由运营部承担",
        "responsible": "operations",
        "id": dispute_id,
        "roles": VICE,
    }
    error = plaza.refused("rule_dispute", RuleRefused, by="stf_judge", **second)
    assert "gave the ruling" in error.message
    answer = plaza.do("rule_dispute", by="stf_vice", **second)
    assert (answer["state"], answer["instance"], answer["responsible"]) == ("final", 2, "operations")
    assert plaza.case(case).responsible == "operations"
    plaza.refused("appeal_ruling", RuleRefused, by="stf_b", **arguments | {"department": "operations"})
    assert [ruling.by for ruling in plaza.dispute(dispute_id).rulings] == ["stf_judge", "stf_vice"]


def test_a_ruling_nobody_appeals_against_in_time_is_final(plaza: Tower) -> None:
    """Guards the end of the time for an appeal: exactly then, once, whether or not the timer came round."""
    dispute_id = plaza.raised(plaza.accepted())
    plaza.do("rule_dispute", id=dispute_id, by="stf_judge", roles=SUPERVISOR, **RULING)
    plaza.at("2026-03-03 09:00")
    arguments = {"id": dispute_id, "department": "engineering", "reason": "不服"}
    plaza.refused("appeal_ruling", RuleRefused, **arguments)
    for _ in range(3):
        plaza.tick()
    dispute = plaza.dispute(dispute_id)
    assert dispute.state is DisputeState.FINAL
    assert dispute.ended_at == beijing("2026-03-03 09:00")
    assert [entry.type for entry in dispute.history] == ["dispute_raised", "dispute_ruled", "ruling_final"]
    plaza.refused("appeal_ruling", RuleRefused, **arguments)


def test_a_ruling_that_is_late_is_told_once_and_listed_until_it_is_given(plaza: Tower) -> None:
    """Guards the clock of the ruling and its list."""
    case = plaza.accepted()
    dispute_id = plaza.raised(case)
    assert plaza.do("dispute", id=dispute_id)["deadlines"][0]["due_at"] == timestamp(
        beijing("2026-03-04 09:00")
    )
    plaza.at("2026-03-04 09:00")
    for _ in range(3):
        plaza.tick()
    (late,) = [entry for entry in plaza.dispute(dispute_id).history if entry.type == "ruling_overdue"]
    assert late.data["awaits"] == "supervisor"
    assert [row["dispute_id"] for row in plaza.do("disputes", overdue=True)] == [dispute_id]
    plaza.do("rule_dispute", id=dispute_id, roles=SUPERVISOR, by="stf_s", **RULING)
    assert plaza.do("disputes", overdue=True) == []


def test_a_dispute_is_withdrawn_by_whoever_raised_it_before_the_ruling(plaza: Tower) -> None:
    """Guards the withdrawal: its author only, not after the ruling, and the case no longer waits."""
    case = plaza.accepted()
    dispute_id, other = plaza.raised(case), plaza.raised(case)
    plaza.refused("withdraw_dispute", RuleRefused, id=dispute_id, by="stf_b")
    plaza.do("withdraw_dispute", id=dispute_id, by="stf_a")
    assert plaza.case(case).open_disputes == [other]
    plaza.refused("rule_dispute", Conflict, id=dispute_id, roles=SUPERVISOR, **RULING)
    plaza.do("rule_dispute", id=other, by="stf_judge", roles=SUPERVISOR, **RULING)
    plaza.refused("withdraw_dispute", Conflict, id=other, by="stf_a")
    with pytest.raises(NotFound):
        plaza.do("dispute", id="dp_unknown")


def test_who_raises_a_dispute_speaks_for_a_party_and_about_what_the_rulebook_names(plaza: Tower) -> None:
    """Guards role, subject and parties."""
    case = plaza.accepted()
    raising = _raising(case.id)
    plaza.refused("raise_dispute", RuleRefused, roles={"staff"}, **raising)
    plaza.refused("raise_dispute", ValidationFailed, **raising | {"subject": "weather"})
    plaza.refused("raise_dispute", ValidationFailed, **raising | {"department": "cleaning"})
    twice = [{"department": "engineering"}, {"department": "engineering"}]
    plaza.refused("raise_dispute", ValidationFailed, **raising | {"parties": twice})
    first = plaza.do("raise_dispute", key="same", **raising)
    assert plaza.do("raise_dispute", key="same", **raising) == first
    assert len(plaza.kept.disputes.documents) == 1
    (raised,) = plaza.dispute(first["dispute_id"]).history
    assert "question" not in raised.data


def test_a_process_that_dies_before_it_told_the_case_leaves_it_to_the_timer(plaza: Tower) -> None:
    """Guards the catch-up: a dispute written and not yet told is told by the next round, once."""
    case = plaza.accepted()

    def crash() -> None:
        raise KeyboardInterrupt

    plaza.world.cases.between["save"] = crash
    with pytest.raises(KeyboardInterrupt):
        plaza.raised(case)
    assert plaza.case(case).open_disputes == []
    plaza.tick()
    (dispute,) = plaza.kept.disputes.all()
    assert not dispute.pending
    assert plaza.case(case).open_disputes == [dispute.id]
    plaza.tick()
    steps = [entry.data["step"] for entry in entries(plaza.case(case), "case_progressed")]
    assert steps == ["dispute_opened"]


POLICY = """
    disputes:
      subjects:
        service_policy:
          name: 服务政策争议
          raises: [complaint_handler]
          rulers: [{ruler}]
          interprets: true
          source: {rule}
"""


@pytest.mark.parametrize(
    ("rule", "ruler", "outcome"),
    [
        pytest.param("A-LOG-74", "post_service", "mediated", marks=pytest.mark.rule("A-LOG-74")),
        pytest.param("A-AFT-06", "cs_department", "ruled", marks=pytest.mark.rule("A-AFT-06")),
    ],
)
def test_the_final_interpretation_of_the_service_policy_is_kept_with_its_author_and_found_again(
    tmp_path: Path, rule: str, ruler: str, outcome: str
) -> None:
    """Guards who interprets (最终解释、裁定和调解), that an agent does not, and that it is found by its topic."""
    tower = own_tower(tmp_path, POLICY.replace("{ruler}", ruler).replace("{rule}", rule))
    case = tower.accepted()
    question = {"subject": "service_policy", "topic": "warranty", "question": "运输途中受潮是否保修？"}
    parties = [{"department": "after_sales", "staff": []}]
    dispute_id = tower.raised(case, department="after_sales", parties=parties, **question)
    ruling = {"id": dispute_id, "outcome": outcome, "text": "受潮不属于人为损坏,予以保修。"}
    error = tower.refused("rule_dispute", RuleRefused, roles={"complaint_handler"}, **ruling)
    assert error.rule == rule
    assert tower.do("interpretations", topic="warranty") == []
    tower.do("rule_dispute", by="stf_expert", roles={ruler}, **ruling)
    (found,) = tower.do("interpretations", topic="warranty")
    assert found["final"] is True
    assert (found["ruling"]["by"], found["ruling"]["outcome"], found["ruling"]["text"]) == (
        "stf_expert",
        outcome,
        ruling["text"],
    )
    assert tower.do("interpretations", topic="refund") == []
    (ruled,) = [entry for entry in tower.dispute(dispute_id).history if entry.type == "dispute_ruled"]
    assert (ruled.data["source"], ruled.data["final"]) == (rule, True)
    assert ruling["text"] not in str(ruled.data)
