"""Sanctions: the ladder, its grounds, who approves, what some cost, and their publication."""

from __future__ import annotations

from typing import Any

import pytest

from shared.clock import FixedClock
from shared.errors import Conflict, Forbidden, RuleRefused, ValidationFailed
from tests.unit.complaints.fakes import IT, PLAZA, RETAIL, SHOP, beijing
from tests.unit.complaints.liability_world import GM, HR, Office, fields_of

FORM = {"behaviour": "未按标准检验", "effects": "客户退货一批"}


def office_of(org: str) -> Office:
    return Office(FixedClock(beijing("2025-02-10 09:00")), org)


@pytest.fixture
def office() -> Office:
    """A chain of shops in February."""
    return office_of(RETAIL)


def arguments(office: Office, **changes: Any) -> dict[str, Any]:
    """Return what proposes a sanction of somebody liable for a case."""
    case = office.case(closed=office.org == RETAIL)
    office.liable("stf_a", case=case)
    given: dict[str, Any] = {"case_id": case.id, "staff": "stf_a", "severity": 1, **FORM}
    if office.org == RETAIL:
        given |= {"ground": "4", "performance_bonus": "600"}
    return given | changes


def approved(office: Office, **changes: Any) -> str:
    found = office.do("propose_sanction", **arguments(office, **changes))
    office.do("decide_sanction", by=GM, id=found["sanction_id"], approved=True)
    return str(found["sanction_id"])


@pytest.mark.rule("B-RET-28")
@pytest.mark.parametrize("ground", [str(number) for number in range(1, 14)])
def test_each_of_the_listed_grounds_carries_a_sanction(office: Office, ground: str) -> None:
    """Guards the first thirteen of the fourteen grounds."""
    assert office.do("propose_sanction", **arguments(office, ground=ground))["state"] == "proposed"


@pytest.mark.rule("B-RET-28")
def test_the_fourteenth_ground_says_what_it_is_and_there_is_no_fifteenth(office: Office) -> None:
    """Guards that "other" is not a blank cheque, and that nothing unlisted is punished."""
    error = office.refused("propose_sanction", RuleRefused, **arguments(office, ground="14"))
    assert (error.rule, fields_of(error)) == ("B-RET-28", ["ground_text"])
    for ground in ("15", "0", None):
        error = office.refused("propose_sanction", RuleRefused, **arguments(office, ground=ground))
        assert (error.rule, fields_of(error)) == ("B-RET-28", ["ground"])
    assert office.do("propose_sanction", **arguments(office, ground="14", ground_text="擅自换料"))


@pytest.mark.rule("B-RET-29")
def test_a_sanction_is_proposed_approved_by_the_general_manager_and_published_by_hr(office: Office) -> None:
    """Guards the order and the roles: nothing is published that was not approved."""
    found = office.do("propose_sanction", **arguments(office))
    sanction_id = found["sanction_id"]
    error = office.refused(
        "decide_sanction",
        RuleRefused,
        by="stf_m",
        roles={"staff", "hr_admin", "manager"},
        id=sanction_id,
        approved=True,
    )
    assert error.rule == "B-RET-29"
    office.at("2025-03-03 09:00")
    office.do("review_month", month="2025-02")
    error = office.refused("publish_notice", RuleRefused, month="2025-02")
    assert error.rule == "B-RET-21"
    office.do("decide_sanction", by=GM, id=sanction_id, approved=True)
    office.refused("publish_notice", RuleRefused, by=GM, roles={"staff", "general_manager"}, month="2025-02")
    office.do("publish_notice", month="2025-02")
    shown = office.do("sanction", id=sanction_id)
    assert (shown["state"], shown["decided_by"]) == ("published", GM)
    assert len(office.events("sanction_published")) == 1


@pytest.mark.rule("B-RET-21")
@pytest.mark.parametrize(("day", "on_time"), [("2025-03-10 23:59", True), ("2025-03-11 00:00", False)])
def test_last_months_cases_are_reviewed_and_its_sanctions_published_by_the_tenth(
    office: Office, day: str, *, on_time: bool
) -> None:
    """Guards the day: what closed in February is reviewed and published by the end of 10 March."""
    sanction_id = approved(office)
    office.case()
    office.refused("review_month", RuleRefused, month="2025-02")
    office.at(day)
    reviewed = office.do("review_month", month="2025-02")["review"]
    assert (reviewed["on_time"], reviewed["closed_cases"], reviewed["without_liability"]) == (on_time, 2, 1)
    (notice,) = office.do("publish_notice", month="2025-02")["notices"]
    assert (notice["on_time"], notice["sanctions"]) == (on_time, [sanction_id])


@pytest.mark.rule("B-RET-21")
def test_sanctions_are_not_published_before_the_month_was_reviewed(office: Office) -> None:
    """Guards that the notice is compiled from the review, and that an overdue one is seen."""
    approved(office)
    office.at("2025-03-10 12:00")
    assert office.refused("publish_notice", RuleRefused, month="2025-02").rule == "B-RET-21"
    assert office.do("month_statement", month="2025-02")["review_overdue"] is False
    office.at("2025-03-11 00:00")
    assert office.do("month_statement", month="2025-02")["review_overdue"] is True
    office.do("review_month", month="2025-02")
    assert office.do("month_statement", month="2025-02")["review_overdue"] is False
    office.refused("review_month", Conflict, month="2025-02")


def test_a_sanction_is_published_once_and_a_later_one_in_a_notice_of_its_own(office: Office) -> None:
    """Guards staff from being named twice."""
    first = approved(office)
    waiting = office.do("propose_sanction", **arguments(office))["sanction_id"]
    office.at("2025-03-03 09:00")
    office.do("review_month", month="2025-02")
    office.do("publish_notice", key="k", month="2025-02")
    office.do("publish_notice", key="k", month="2025-02")
    office.do("decide_sanction", by=GM, id=waiting, approved=True)
    answer = office.do("publish_notice", month="2025-02")
    assert [notice["sanctions"] for notice in answer["notices"]] == [[first], [waiting]]
    assert office.refused("publish_notice", RuleRefused, month="2025-02").rule == "B-RET-21"


def test_a_notice_whose_process_died_tells_its_sanctions_later(office: Office) -> None:
    """Guards that a published sanction knows it, whoever finishes."""
    sanction_id = approved(office)
    office.at("2025-03-03 09:00")
    office.do("review_month", month="2025-02")

    def die() -> None:
        raise SystemExit

    office.ledgers.sanctions.between = die
    with pytest.raises(SystemExit):
        office.do("publish_notice", month="2025-02")
    assert office.do("sanction", id=sanction_id)["state"] == "approved"
    office.months.pending()
    assert office.do("sanction", id=sanction_id)["state"] == "published"
    assert not office.ledgers.pending_months(10)


@pytest.mark.rule("B-RET-30")
@pytest.mark.parametrize(
    ("severity", "form", "sums", "cost"),
    [
        (1, "warning", {"performance_bonus": "600"}, "600.00"),
        (2, "minor_demerit", {"bonus_per_point": "100", "base_points": "4"}, "120.00"),
        (3, "major_demerit", {"efficiency_bonus": "850.55"}, "850.55"),
    ],
)
def test_a_sanction_costs_the_printed_part_of_the_bonus_and_says_that_it_is_doubtful(
    office: Office, severity: int, form: str, sums: dict[str, str], cost: str
) -> None:
    """Guards the printed values, the flag in the trace, and that the 50 % cap does not hold them back."""
    given = arguments(office, severity=severity, performance_bonus=None) | sums
    found = office.do("propose_sanction", **given)
    assert (found["form"], found["cost"]) == (form, cost)
    assert not office.ledgers.accounts.documents
    office.do("decide_sanction", by=GM, id=found["sanction_id"], approved=True)
    assert office.lines() == [("2025-02", "charge", cost)]
    steps = {step["what"]: step for step in office.do("sanction", id=found["sanction_id"])["cost_trace"]}
    assert "inconsistent" in steps["doubt"]["value"]
    assert steps["percent"]["source"] == "B-RET-30"
    office.at("2025-02-28 18:00")
    assert office.close("2025-02", stf_a="600")["deducted"] == cost


@pytest.mark.rule("B-RET-30")
@pytest.mark.parametrize(
    ("severity", "sums", "field"),
    [
        (1, {}, "performance_bonus"),
        (2, {"bonus_per_point": "100"}, "base_points"),
        (2, {"base_points": "4"}, "bonus_per_point"),
        (3, {"performance_bonus": "600"}, "efficiency_bonus"),
    ],
)
def test_a_sanction_that_costs_something_needs_the_sum_it_is_a_part_of(
    office: Office, severity: int, sums: dict[str, str], field: str
) -> None:
    """Guards against guessing somebody's bonus."""
    given = arguments(office, severity=severity, performance_bonus=None) | sums
    error = office.refused("propose_sanction", RuleRefused, **given)
    assert (error.rule, fields_of(error)) == ("B-RET-30", [field])


def test_what_a_sanction_costs_is_charged_once_whoever_finishes_it(office: Office) -> None:
    """Guards the way from approval to ledger against a process that dies on it, and against repeats."""
    found = office.do("propose_sanction", **arguments(office))

    def die() -> None:
        raise SystemExit

    office.ledgers.penalties.between = die
    with pytest.raises(SystemExit):
        office.do("decide_sanction", by=GM, key="k", id=found["sanction_id"], approved=True)
    assert not office.ledgers.accounts.documents
    office.post.pending()
    office.do("decide_sanction", by=GM, key="k", id=found["sanction_id"], approved=True)
    office.post.pending()
    assert office.lines() == [("2025-02", "charge", "600.00")]
    assert not office.ledgers.converting_sanctions(10)


def test_what_a_sanction_costs_can_be_appealed_like_any_penalty(office: Office) -> None:
    """Guards the person sanctioned: the charge goes by a counter-entry, the penalty names the sanction."""
    sanction_id = approved(office)
    (penalty,) = office.ledgers.penalties.all()
    assert (penalty.basis, penalty.reason, penalty.authors) == ("conversion", sanction_id, (HR,))
    office.do("appeal_penalty", by="stf_a", roles={"staff"}, id=penalty.id, reason="处分过重")
    office.do("decide_appeal", by=GM, id=penalty.id, staff="stf_a", upheld=True)
    assert office.account().ledger.balance == 0


def test_nobody_approves_a_sanction_of_their_own_making_or_of_themselves(office: Office) -> None:
    """Guards the four eyes."""
    found = office.do("propose_sanction", **arguments(office))
    for by in (HR, "stf_a"):
        office.refused("decide_sanction", RuleRefused, by=by, id=found["sanction_id"], approved=True)
    office.do("decide_sanction", by=GM, id=found["sanction_id"], approved=False, note="证据不足")
    told = office.refused("decide_sanction", Conflict, by="stf_gm2", id=found["sanction_id"], approved=True)
    assert GM in told.message
    assert not office.ledgers.accounts.documents


def test_only_somebody_liable_is_sanctioned_and_not_by_themselves(office: Office) -> None:
    """Guards that a sanction follows the finding."""
    given = arguments(office)
    office.refused("propose_sanction", RuleRefused, **(given | {"staff": "stf_b"}))
    office.refused("propose_sanction", RuleRefused, by="stf_a", **given)
    office.refused("propose_sanction", RuleRefused, roles={"staff"}, **given)


@pytest.mark.rule("B-DIS-08")
@pytest.mark.parametrize(
    ("severity", "form"), [(1, "oral_warning"), (2, "written_warning"), (3, "demerit"), (4, "major_demerit")]
)
def test_severity_decides_the_form_and_another_one_needs_a_reason(severity: int, form: str) -> None:
    """Guards the standard ladder: 1 is an oral warning, 4 a major demerit, any other pair says why."""
    office = office_of(PLAZA)
    given = arguments(office, ground="rude")
    assert office.do("propose_sanction", **(given | {"severity": severity}))["form"] == form
    other = "demerit" if form != "demerit" else "oral_warning"
    error = office.refused("propose_sanction", RuleRefused, **(given | {"severity": severity, "form": other}))
    assert (error.rule, fields_of(error)) == ("B-DIS-08", ["deviation"])
    changed = given | {"severity": severity, "form": other, "deviation": "主动认错"}
    assert office.do("propose_sanction", **changed)["form"] == other


@pytest.mark.rule("B-DIS-07")
@pytest.mark.parametrize("missing", ["behaviour", "effects"])
def test_the_breach_notice_form_describes_behaviour_and_effects(missing: str) -> None:
    """Guards that nobody is punished on a form without the facts."""
    office = office_of(PLAZA)
    error = office.refused(
        "propose_sanction", RuleRefused, **arguments(office, ground="rude", **{missing: None})
    )
    assert (error.rule, fields_of(error)) == ("B-DIS-07", [missing])


@pytest.mark.rule("B-DIS-07")
def test_a_form_that_the_head_has_not_signed_punishes_nobody() -> None:
    """Guards the signature: proposed is not approved, and only the head or above signs, never the reporter."""
    office = office_of(PLAZA)
    found = office.do("propose_sanction", **arguments(office, ground="rude"))
    assert found["state"] == "proposed"
    error = office.refused(
        "decide_sanction",
        RuleRefused,
        by=GM,
        roles={"staff", "supervisor"},
        id=found["sanction_id"],
        approved=True,
    )
    assert error.rule == "B-DIS-07"
    signed = office.do("decide_sanction", by=GM, roles={"cs_head"}, id=found["sanction_id"], approved=True)
    assert signed["state"] == "approved"


@pytest.mark.rule("B-DIS-03")
def test_a_leak_is_punished_severely_and_flagged_for_the_law() -> None:
    """Guards confidentiality: nothing below the severest form, and the legal flag in record and event."""
    office = office_of(PLAZA)
    given = arguments(office, ground="confidentiality")
    error = office.refused("propose_sanction", RuleRefused, **(given | {"severity": 3}))
    assert (error.rule, fields_of(error)) == ("B-DIS-03", ["severity"])
    found = office.do("propose_sanction", **(given | {"severity": 4}))
    assert office.do("sanction", id=found["sanction_id"])["legal"] is True
    assert office.events("sanction_proposed")[0].data["legal"] is True
    mild = office.do("propose_sanction", **arguments(office, ground="slack"))
    assert office.do("sanction", id=mild["sanction_id"])["legal"] is False


@pytest.mark.rule("B-ITS-09")
def test_shifting_and_quarrelling_are_criticised_educated_or_sanctioned_and_only_the_serious_removed() -> (
    None
):
    """Guards the ladder of IT service and that removal from the post is for what is serious, whatever the reason."""
    office = office_of(IT)
    given = arguments(office, ground="shifting")
    forms = [office.do("propose_sanction", **(given | {"severity": n}))["form"] for n in (1, 2, 3, 4)]
    assert forms == ["criticism", "education", "sanction", "transfer"]
    early = given | {"severity": 3, "form": "transfer", "deviation": "屡教不改"}
    error = office.refused("propose_sanction", RuleRefused, **early)
    assert (error.rule, fields_of(error)) == ("B-ITS-09", ["severity"])
    for ground in ("quarrelling", "not_cooperating"):
        assert office.do("propose_sanction", **(given | {"ground": ground}))
    office.refused("propose_sanction", RuleRefused, **(given | {"ground": "rude"}))


@pytest.mark.rule("B-WWS-06")
def test_an_online_store_has_six_forms_of_sanction() -> None:
    """Guards the list, from circulated criticism to dismissal, and that there is no seventh."""
    office = office_of(SHOP)
    given = arguments(office, ground="pricing_error")
    forms = {office.do("propose_sanction", **(given | {"severity": n}))["form"] for n in range(1, 7)}
    assert forms == {"criticism", "warning", "compensation", "minor_demerit", "major_demerit", "dismissal"}
    assert fields_of(office.refused("propose_sanction", ValidationFailed, **(given | {"severity": 7}))) == [
        "severity"
    ]
    office.refused("propose_sanction", RuleRefused, **(given | {"form": "fine", "deviation": "x"}))


@pytest.mark.rule("B-WWS-08")
def test_the_four_work_errors_of_an_online_store_are_grounds() -> None:
    """Guards the four causes."""
    office = office_of(SHOP)
    for ground in ("pricing_error", "agreed_not_done", "order_differs", "poor_service"):
        assert office.do("propose_sanction", **arguments(office, ground=ground))["state"] == "proposed"
    error = office.refused("propose_sanction", RuleRefused, **arguments(office, ground="slack"))
    assert fields_of(error) == ["ground"]


def test_a_reason_for_another_form_belongs_to_another_form(office: Office) -> None:
    """Guards against a deviation that deviates from nothing."""
    error = office.refused("propose_sanction", ValidationFailed, **arguments(office, deviation="x"))
    assert fields_of(error) == ["deviation"]


def test_a_repeat_of_a_proposal_makes_one_sanction(office: Office) -> None:
    """Guards against callers who do not know whether their call arrived."""
    given = arguments(office)
    first = office.do("propose_sanction", key="k", **given)
    assert office.do("propose_sanction", key="k", **given) == first
    office.refused("propose_sanction", Conflict, key="k", **(given | {"severity": 3}))
    assert len(office.do("sanctions")) == 1


def test_a_sanction_is_seen_by_whom_it_is_about_and_by_those_in_office(office: Office) -> None:
    """Guards staff against the curiosity of colleagues before anything is published."""
    sanction_id = office.do("propose_sanction", **arguments(office))["sanction_id"]
    assert office.do("sanction", by="stf_a", roles={"staff"}, id=sanction_id)["staff"] == "stf_a"
    office.refused("sanction", Forbidden, by="stf_b", roles={"staff"}, id=sanction_id)
    office.refused("sanctions", Forbidden, by="stf_b", roles={"staff"})


@pytest.mark.rule("B-DIS-04", "B-DIS-05")
@pytest.mark.parametrize("ground", ["slack", "rude"])
def test_slack_work_and_rude_words_are_grounds_linked_to_the_agent_and_the_complaint(ground: str) -> None:
    """Guards the standard's codes of conduct: the reason stands with agent and case, in the record and in the event."""
    office = office_of(PLAZA)
    given = arguments(office, ground=ground)
    sanction_id = office.do("propose_sanction", **given)["sanction_id"]
    shown = office.do("sanction", id=sanction_id)
    assert (shown["ground"], shown["staff"], shown["case_id"]) == (ground, "stf_a", given["case_id"])
    (event,) = office.events("sanction_proposed")
    assert (event.data["ground"], event.data["staff"], event.data["case_id"]) == (
        ground,
        "stf_a",
        given["case_id"],
    )
    office.refused("propose_sanction", RuleRefused, **(given | {"ground": "tired"}))
