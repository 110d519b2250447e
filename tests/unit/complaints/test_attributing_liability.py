"""Attribution: to whom a complaint may be put down, by whom, with which reasons."""

from __future__ import annotations

from typing import Any

import pytest

from services.complaints.domain.liability.rules import Liable
from shared.clock import FixedClock
from shared.errors import Conflict, NotFound, RuleRefused, ValidationFailed
from tests.unit.complaints.fakes import PLAZA, SHOP, beijing
from tests.unit.complaints.liability_world import GM, HR, Office, fields_of


@pytest.fixture
def office() -> Office:
    """A chain of shops on a morning in March."""
    return Office(FixedClock(beijing("2025-03-05 09:00")))


@pytest.mark.rule("B-RET-23")
@pytest.mark.parametrize("area", ["production", "operations"])
def test_a_department_is_liable_only_with_the_reason_why_nobody_narrower_can_be_found(
    office: Office, area: str
) -> None:
    """Guards that the individual comes first and that a department is never the easy way out."""
    case = office.case()
    given: dict[str, Any] = {"area": area, "level": "department", "persons": []}
    error = office.refused("attribute", RuleRefused, **_arguments(case.id, **given))
    assert (error.rule, fields_of(error)) == ("B-RET-23", ["unattributable"])
    answer = office.do("attribute", **_arguments(case.id, **given, unattributable="当班记录缺失"))
    assert answer["level"] == "department"


@pytest.mark.rule("B-RET-23")
def test_production_is_liable_by_group_and_operations_by_individual(office: Office) -> None:
    """Guards the levels: a group only in production, the individual as smallest unit in both, without a reason."""
    case = office.case()
    group: dict[str, Any] = {"level": "group", "group": "group-2", "persons": []}
    office.do("attribute", **_arguments(case.id, area="production", **group))
    office.do("attribute", **_arguments(case.id, area="production", level="person"))
    office.do("attribute", **_arguments(case.id, area="operations", level="person"))
    error = office.refused("attribute", RuleRefused, **_arguments(case.id, area="operations", **group))
    assert (error.rule, fields_of(error)) == ("B-RET-23", ["level"])


def test_an_attribution_says_who_made_it_why_and_under_which_rule(office: Office) -> None:
    """Guards the reason, and that a later attribution leaves the earlier one readable."""
    case = office.case()
    office.do("attribute", **_arguments(case.id))
    office.at("2025-03-06 10:00")
    office.do("attribute", **_arguments(case.id, persons=["stf_b"], reason="复核后更正"))
    shown = office.do("liability", case_id=case.id)
    assert [(row["persons"], row["reason"], row["by"], row["source"]) for row in shown["attributions"]] == [
        (["stf_a"], "检验漏检", HR, "B-RET-23"),
        (["stf_b"], "复核后更正", HR, "B-RET-23"),
    ]
    assert [event.data["revision"] for event in office.events("liability_attributed")] == [1, 2]
    assert "检验漏检" not in str([event.data for event in office.events("liability_attributed")])


def test_only_a_closed_case_is_attributed_in_the_chain(office: Office) -> None:
    """Guards the order: handling first, liability after."""
    case = office.case(closed=False)
    error = office.refused("attribute", RuleRefused, **_arguments(case.id))
    assert error.rule == "B-RET-35"


def test_nobody_is_liable_for_a_complaint_that_does_not_stand(office: Office) -> None:
    """Guards staff against paying for what was found not valid."""
    case = office.case()
    since = case.history.next_seq
    case.valid = False
    office.world.cases.save(case, since_seq=since)
    office.refused("attribute", RuleRefused, **_arguments(case.id))


@pytest.mark.rule("B-RET-22")
def test_only_hr_administration_attributes_in_the_chain(office: Office) -> None:
    """Guards who decides the responsible unit by the cause."""
    case = office.case()
    error = office.refused(
        "attribute", RuleRefused, roles={"staff", "manager", "general_manager"}, **_arguments(case.id)
    )
    assert error.rule == "B-RET-22"


def test_the_person_named_does_not_attribute(office: Office) -> None:
    """Guards that nobody decides on their own liability."""
    case = office.case()
    office.refused("attribute", RuleRefused, by="stf_a", **_arguments(case.id))


@pytest.mark.parametrize(
    ("changes", "kind", "field"),
    [
        ({"area": "warehouse"}, RuleRefused, "area"),
        ({"persons": []}, RuleRefused, "persons"),
        ({"group": "group-2"}, RuleRefused, "group"),
        ({"level": "group", "persons": []}, RuleRefused, "group"),
        ({"unattributable": "不明"}, ValidationFailed, "unattributable"),
        ({"persons": ["stf_a", "stf_a"]}, ValidationFailed, "persons"),
    ],
)
def test_an_attribution_that_contradicts_itself_is_refused_at_its_field(
    office: Office, changes: dict[str, Any], kind: type[RuleRefused | ValidationFailed], field: str
) -> None:
    """Guards that level, group, persons and reasons fit together."""
    case = office.case()
    assert fields_of(office.refused("attribute", kind, **_arguments(case.id, **changes))) == [field]


def test_what_somebody_already_pays_for_is_not_attributed_anew(office: Office) -> None:
    """Guards a standing penalty against losing the finding it rests on; a reversed one no longer holds it."""
    penalty = office.charge("100")
    arguments = _arguments(penalty.case_id, persons=["stf_b"])
    office.refused("attribute", RuleRefused, **arguments)
    office.do("reverse_penalty", by=GM, id=penalty.id, reason="基数有误")
    assert office.do("attribute", **arguments)["revision"] == 2


def test_what_somebody_is_sanctioned_for_is_not_attributed_anew(office: Office) -> None:
    """Guards a sanction against losing the finding it rests on, until it is refused."""
    case = office.liable("stf_a")
    given: dict[str, Any] = {
        "ground": "4",
        "behaviour": "漏检",
        "effects": "退货",
        "performance_bonus": "600",
    }
    found = office.do("propose_sanction", case_id=case.id, staff="stf_a", severity=1, **given)
    office.refused("attribute", RuleRefused, **_arguments(case.id, persons=["stf_b"]))
    office.do("decide_sanction", by=GM, id=found["sanction_id"], approved=False)
    assert office.do("attribute", **_arguments(case.id, persons=["stf_b"]))["revision"] == 2


def test_what_was_proposed_on_an_earlier_finding_is_not_approved(office: Office) -> None:
    """Guards the approver: a finding that changed in the very moment of the proposal voids it."""
    case = office.liable("stf_a")
    rows = [{"staff": "stf_a", "points": "5"}]
    office.ledgers.penalties.between = lambda: office.do(
        "attribute", **_arguments(case.id, persons=["stf_b"])
    )
    proposed = office.do(
        "propose_penalty", case_id=case.id, loss="100", total_points="10", points=rows, reason="x"
    )
    office.refused("decide_penalty", RuleRefused, by=GM, id=proposed["penalty_id"], approved=True)
    office.do("decide_penalty", by=GM, id=proposed["penalty_id"], approved=False)
    assert not office.ledgers.accounts.documents


def test_a_repeat_of_the_command_is_answered_alike_and_changes_nothing(office: Office) -> None:
    """Guards against a caller who does not know whether the first call arrived."""
    case = office.case()
    first = office.do("attribute", key="k-1", **_arguments(case.id))
    assert office.do("attribute", key="k-1", **_arguments(case.id)) == first
    assert len(office.events("liability_attributed")) == 1
    office.refused("attribute", Conflict, key="k-1", **_arguments(case.id, reason="另一原因"))


def test_two_who_attribute_at_once_both_count_one_after_the_other(office: Office) -> None:
    """Guards against one finding overwriting another unseen: the second sees the first and is the revision after."""
    case = office.case()
    office.ledgers.liabilities.between = lambda: office.do(
        "attribute", **_arguments(case.id, persons=["stf_b"])
    )
    assert office.do("attribute", **_arguments(case.id))["revision"] == 2
    shown = office.do("liability", case_id=case.id)
    assert [row["persons"] for row in shown["attributions"]] == [["stf_b"], ["stf_a"]]


def test_a_case_that_does_not_exist_is_told(office: Office) -> None:
    """Guards one organisation's cases from another's staff as well."""
    office.refused("attribute", NotFound, **_arguments("cs_none"))
    case = office.case()
    office.org = PLAZA
    office.refused("attribute", NotFound, **_arguments(case.id, area="service"))


@pytest.mark.rule("B-DIS-06")
def test_a_valid_complaint_with_a_liable_agent_offers_what_the_rulebook_has_for_it() -> None:
    """Guards that a complaint from poor work is handled by rule: with somebody liable the sanction is on offer."""
    office = Office(FixedClock(beijing("2025-03-05 09:00")), PLAZA)
    case = office.liable("stf_a", case=office.case(closed=False))
    assert office.do("liability", case_id=case.id)["offers"] == ["sanction"]
    shop = Office(FixedClock(beijing("2025-03-05 09:00")), SHOP)
    case = shop.liable("stf_a", case=shop.case(closed=False))
    offers = shop.do("liability", case_id=case.id)["offers"]
    assert offers == ["fine:service", "points:attitude", "points:no_timely_answer", "sanction"]


def test_levels_are_named_from_the_narrowest_up() -> None:
    """Guards the order that areas are checked against."""
    assert list(Liable) == ["person", "group", "department"]


def _arguments(case_id: str, **changes: Any) -> dict[str, Any]:
    return {
        "case_id": case_id,
        "area": "production",
        "level": "person",
        "department": "production-1",
        "persons": ["stf_a"],
        "reason": "检验漏检",
    } | changes
