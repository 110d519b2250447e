"""Penalties by the loss: the formula's sums, who may decide, appeals and counter-entries."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.complaints.domain.liability.attribution import Finding
from services.complaints.domain.liability.formula import Loss, shares
from services.complaints.domain.liability.rules import FormulaRule, Fund, Liable
from shared.clock import FixedClock
from shared.errors import Conflict, Forbidden, NotFound, RuleRefused, ValidationFailed
from shared.regulations import Sourced
from tests.unit.complaints.fakes import PLAZA, PROPERTY, RETAIL, beijing, rules_of
from tests.unit.complaints.liability_world import GM, HR, Office, fields_of


@pytest.fixture
def office() -> Office:
    """A chain of shops on a morning in March."""
    return Office(FixedClock(beijing("2025-03-05 09:00")))


def propose(office: Office, case_id: str, loss: str, total: str, **points: str) -> dict[str, Any]:
    rows = [{"staff": staff, "points": own} for staff, own in points.items()]
    return office.do(
        "propose_penalty", case_id=case_id, loss=loss, total_points=total, points=rows, reason="按判定基准"
    )


@pytest.mark.rule("B-RET-25")
@pytest.mark.parametrize(
    ("loss", "total", "own", "amount"),
    [
        ("6000", "120", "8", "400.00"),
        ("1000", "3", "1", "333.33"),
        ("1000", "3", "2", "666.67"),
        ("0.01", "2", "1", "0.01"),
        ("999999999999.99", "7", "3", "428571428571.42"),
    ],
)
def test_a_person_pays_the_loss_by_total_points_times_own_points(
    office: Office, loss: str, total: str, own: str, amount: str
) -> None:
    """Guards the formula with the handbook's numbers, and that the ledger holds just its result."""
    case = office.liable("stf_a")
    penalty = office.approve(propose(office, case.id, loss, total, stf_a=own))
    assert office.lines() == [("2025-03", "charge", amount)]
    steps = {step.what: step.value for step in penalty.lines[0].trace}
    assert (steps["loss"], steps["amount"]) == (str(Decimal(loss).quantize(Decimal("0.01"))), amount)


@pytest.mark.rule("B-RET-24")
def test_what_is_deducted_comes_from_the_performance_bonus_and_belongs_to_the_company(office: Office) -> None:
    """Guards payee and fund in the penalty, in the ledger's line and in the event."""
    penalty = office.charge("100")
    shown = office.do("penalty", id=penalty.id)
    assert (shown["payee"], shown["paid_from"]) == ("company", "performance_bonus")
    office.at("2025-03-31 18:00")
    office.close("2025-03", stf_a="1000")
    entries = office.events("ledger_entry_posted")
    assert [(each.data["kind"], each.data["payee"]) for each in entries] == [
        ("charge", "company"),
        ("settlement", "company"),
    ]
    steps = {step.what: (step.value, step.source) for step in penalty.lines[0].trace}
    assert steps["paid_from"] == ("performance_bonus", "B-RET-24")


@pytest.mark.rule("B-RET-27")
def test_a_whole_department_is_charged_by_everybodys_points(office: Office) -> None:
    """Guards the handbook's numbers: 3,000 over 60 points are 50 a point, so 4 points pay 200."""
    case = office.liable(level="department", unattributable="记录缺失")
    office.approve(propose(office, case.id, "3000", "60", stf_a="4", stf_b="26", stf_c="30"))
    assert [office.lines(staff)[0][2] for staff in ("stf_a", "stf_b", "stf_c")] == [
        "200.00",
        "1300.00",
        "1500.00",
    ]


@pytest.mark.rule("B-RET-27")
def test_a_departments_lines_add_up_to_the_loss_and_the_largest_share_takes_the_remainder(
    office: Office,
) -> None:
    """Guards the fen: 100.00 over three equal shares and one of two is not 99.99."""
    case = office.liable(level="department", unattributable="记录缺失")
    office.approve(propose(office, case.id, "100", "7", stf_a="2", stf_b="2", stf_c="3"))
    found = [office.lines(staff)[0][2] for staff in ("stf_a", "stf_b", "stf_c")]
    assert found == ["28.57", "28.57", "42.86"]
    case = office.liable(level="department", unattributable="记录缺失")
    office.approve(propose(office, case.id, "0.05", "3", stf_d="1", stf_e="1", stf_f="1"))
    assert [office.lines(staff)[0][2] for staff in ("stf_d", "stf_e", "stf_f")] == ["0.01", "0.02", "0.02"]


@pytest.mark.rule("B-RET-27")
def test_a_group_pays_the_departments_amount_for_its_points(office: Office) -> None:
    """Guards the production group: the formula with the group's points, split among its people."""
    case = office.liable(level="group", group="group-2")
    penalty = office.approve(propose(office, case.id, "6000", "120", stf_a="8", stf_b="4"))
    assert [str(line.amount) for line in penalty.lines] == ["400.00", "200.00"]
    steps = {step.what: (step.value, step.source) for step in penalty.lines[0].trace}
    assert steps["group_amount"] == ("600.00", "B-RET-27")


@pytest.mark.rule("B-RET-27")
def test_a_department_is_never_charged_by_some_of_its_people_only(office: Office) -> None:
    """Guards that nobody is left out: the points must be all the department has."""
    case = office.liable(level="department", unattributable="记录缺失")
    rows = [{"staff": "stf_a", "points": "4"}]
    error = office.refused(
        "propose_penalty",
        RuleRefused,
        case_id=case.id,
        loss="3000",
        total_points="60",
        points=rows,
        reason="x",
    )
    assert (error.rule, fields_of(error)) == ("B-RET-27", ["points"])


FORMULA = FormulaRule(
    Sourced(Fund.PERFORMANCE_BONUS, "B-RET-24"), Sourced("company", "B-RET-24"), "B-RET-25", Sourced(True, "B-RET-27")
)  # fmt: skip
losses = st.integers(1, 10**14).map(lambda hundredths: Decimal(hundredths) / 100)
people = st.dictionaries(
    st.sampled_from([f"stf_{n}" for n in range(12)]),
    st.integers(1, 10**4).map(lambda hundredths: Decimal(hundredths) / 100),
    min_size=1,
)


@settings(max_examples=60)
@given(loss=losses, points=people, spare=st.integers(0, 1000), level=st.sampled_from(list(Liable)))
def test_charged_sums_equal_the_formulas_within_its_rounding_rule(
    loss: Decimal, points: dict[str, Decimal], spare: int, level: Liable
) -> None:
    """Guards every sum: each within half a fen of the formula alone, all together exactly the whole."""
    own = sum(points.values(), Decimal(0))
    total = own if level is Liable.DEPARTMENT else own + spare
    finding = Finding("a", level, "d", None, tuple(points), "r", None)
    found = shares(FORMULA, finding, Loss(loss, total, points))
    from_formula = {staff: loss * points[staff] / total for staff in points}
    if level is Liable.PERSON:
        assert all(abs(share.amount - from_formula[share.staff]) <= Decimal("0.005") for share in found)
    else:
        charged = sum((share.amount for share in found), Decimal(0))
        assert abs(charged - loss * own / total) <= Decimal("0.005")
        assert level is not Liable.DEPARTMENT or charged == loss
        largest = min(points, key=lambda staff: (-points[staff], staff))
        others = [share for share in found if share.staff != largest]
        assert all(abs(share.amount - from_formula[share.staff]) <= Decimal("0.01") for share in others)
    assert all(share.trace[-1].value == str(share.amount) for share in found)


@pytest.mark.rule("B-RET-22")
def test_a_penalty_is_proposed_by_hr_and_approved_by_the_general_manager(office: Office) -> None:
    """Guards the reward and penalty notice: nothing is charged before the right person approved."""
    case = office.liable("stf_a")
    arguments = {"case_id": case.id, "loss": "100", "total_points": "10", "reason": "x"}
    points = [{"staff": "stf_a", "points": "5"}]
    error = office.refused(
        "propose_penalty", RuleRefused, roles={"staff", "manager"}, by="stf_m", points=points, **arguments
    )
    assert error.rule == "B-RET-22"
    proposed = propose(office, case.id, "100", "10", stf_a="5")
    assert not office.ledgers.accounts.documents
    error = office.refused(
        "decide_penalty", RuleRefused, by="stf_m", roles={"staff", "hr_admin", "manager"},
        id=proposed["penalty_id"], approved=True,
    )  # fmt: skip
    assert error.rule == "B-RET-22"
    assert not office.ledgers.accounts.documents
    penalty = office.approve(proposed)
    assert (penalty.state, penalty.decided_by) == ("posted", GM)
    assert office.lines() == [("2025-03", "charge", "50.00")]


def test_nobody_approves_their_own_proposal_nor_what_they_attributed(office: Office) -> None:
    """Guards the four eyes: proposer and attributor are out, whatever roles they hold."""
    case = office.case()
    office.liable("stf_a", case=case)
    rows = [{"staff": "stf_a", "points": "5"}]
    proposed = office.do(
        "propose_penalty",
        by="stf_hr2",
        case_id=case.id,
        loss="100",
        total_points="10",
        points=rows,
        reason="x",
    )
    for author in (HR, "stf_hr2"):
        office.refused("decide_penalty", RuleRefused, by=author, id=proposed["penalty_id"], approved=True)
    assert office.approve(proposed).state == "posted"


def test_nobody_charged_proposes_approves_or_decides_on_an_appeal(office: Office) -> None:
    """Guards that the person charged has no part in it but to appeal."""
    case = office.liable("stf_a")
    rows = [{"staff": "stf_a", "points": "5"}]
    common: dict[str, Any] = {
        "case_id": case.id,
        "loss": "100",
        "total_points": "10",
        "points": rows,
        "reason": "x",
    }
    office.refused("propose_penalty", RuleRefused, by="stf_a", **common)
    proposed = office.do("propose_penalty", **common)
    office.refused("decide_penalty", RuleRefused, by="stf_a", id=proposed["penalty_id"], approved=True)
    penalty = office.approve(proposed)
    office.do("appeal_penalty", by="stf_a", roles={"staff"}, id=penalty.id, reason="基数有误")
    office.refused("decide_appeal", RuleRefused, by="stf_a", id=penalty.id, staff="stf_a", upheld=True)
    office.refused("reverse_penalty", RuleRefused, by="stf_a", id=penalty.id, reason="x")


def test_hr_who_attributed_is_not_charged_by_the_penalty_that_follows(office: Office) -> None:
    """Guards the department charge: whoever found it liable is not among those who pay unseen."""
    case = office.liable(level="department", unattributable="记录缺失")
    rows = [{"staff": HR, "points": "60"}]
    office.refused(
        "propose_penalty", RuleRefused, by="stf_hr2",
        case_id=case.id, loss="3000", total_points="60", points=rows, reason="x",
    )  # fmt: skip


def test_of_two_approvers_at_once_one_wins_and_the_other_is_told(office: Office) -> None:
    """Guards against approving and refusing the same notice, or charging it twice."""
    case = office.liable("stf_a")
    proposed = propose(office, case.id, "100", "10", stf_a="5")
    office.ledgers.penalties.between = lambda: office.do(
        "decide_penalty", by="stf_gm2", id=proposed["penalty_id"], approved=False, note="证据不足"
    )
    told = office.refused("decide_penalty", Conflict, by=GM, id=proposed["penalty_id"], approved=True)
    assert "stf_gm2" in told.message
    assert office.penalty(proposed["penalty_id"]).state == "refused"
    assert not office.ledgers.accounts.documents


def test_a_refused_penalty_charges_nothing_and_may_be_proposed_anew(office: Office) -> None:
    """Guards that a refusal is final for the notice and not for the case."""
    case = office.liable("stf_a")
    proposed = propose(office, case.id, "100", "10", stf_a="5")
    office.do("decide_penalty", by=GM, id=proposed["penalty_id"], approved=False, note="损失未核实")
    assert not office.ledgers.accounts.documents
    assert office.approve(propose(office, case.id, "80", "10", stf_a="5")).state == "posted"


def test_a_case_is_charged_once_as_long_as_its_penalty_stands(office: Office) -> None:
    """Guards against paying twice for the same loss."""
    case = office.liable("stf_a")
    propose(office, case.id, "100", "10", stf_a="5")
    rows = [{"staff": "stf_a", "points": "5"}]
    office.refused(
        "propose_penalty", Conflict, case_id=case.id, loss="100", total_points="10", points=rows, reason="x"
    )


def test_a_repeat_of_proposal_and_approval_charges_once(office: Office) -> None:
    """Guards against callers who do not know whether their call arrived."""
    case = office.liable("stf_a")
    rows = [{"staff": "stf_a", "points": "5"}]
    common: dict[str, Any] = {
        "case_id": case.id,
        "loss": "100",
        "total_points": "10",
        "points": rows,
        "reason": "x",
    }
    first = office.do("propose_penalty", key="k-1", **common)
    assert office.do("propose_penalty", key="k-1", **common) == first
    office.refused("propose_penalty", Conflict, key="k-1", **(common | {"loss": "200"}))
    answers = [
        office.do("decide_penalty", by=GM, key="k-2", id=first["penalty_id"], approved=True) for _ in range(3)
    ]
    assert answers[0] == answers[1] == answers[2]
    assert office.lines() == [("2025-03", "charge", "50.00")]
    assert len(office.events("penalty_posted")) == 1


@pytest.mark.parametrize("write", range(4))
def test_an_approval_whose_process_dies_before_the_ledgers_are_written_is_finished_by_the_timer(
    office: Office, write: int
) -> None:
    """Guards every moment between approval and the last ledger: what was approved is charged, once."""
    case = office.liable(level="department", unattributable="记录缺失")
    proposed = propose(office, case.id, "100", "10", stf_a="4", stf_b="6")
    accounts, left = office.ledgers.accounts, [write]
    keep = accounts._keep

    def die(document: dict[str, Any], since: int) -> None:
        if left[0] == 0:
            raise SystemExit
        left[0] -= 1
        keep(document, since)

    accounts._keep = die  # type: ignore[method-assign]  # a process dies here
    with pytest.raises(SystemExit):
        office.do("decide_penalty", by=GM, key="k", id=proposed["penalty_id"], approved=True)
    accounts._keep = keep  # type: ignore[method-assign]
    assert office.penalty(proposed["penalty_id"]).state == "approved"
    office.post.pending()
    office.do("decide_penalty", by=GM, key="k", id=proposed["penalty_id"], approved=True)
    assert office.penalty(proposed["penalty_id"]).state == "posted"
    assert office.lines("stf_a") == [("2025-03", "charge", "40.00")]
    assert office.lines("stf_b") == [("2025-03", "charge", "60.00")]


def test_an_upheld_appeal_takes_back_the_appellants_line_by_a_counter_entry(office: Office) -> None:
    """Guards appeals: what was written stays, the other lines stand, and the state says what is left."""
    case = office.liable(level="department", unattributable="记录缺失")
    penalty = office.approve(propose(office, case.id, "100", "10", stf_a="4", stf_b="6"))
    office.do("appeal_penalty", by="stf_a", roles={"staff"}, id=penalty.id, reason="当日休假")
    assert office.lines() == [("2025-03", "charge", "40.00")]
    office.do("decide_appeal", by=GM, id=penalty.id, staff="stf_a", upheld=True, note="属实")
    assert office.lines() == [("2025-03", "charge", "40.00"), ("2025-03", "counter", "-40.00")]
    assert office.lines("stf_b") == [("2025-03", "charge", "60.00")]
    assert office.penalty(penalty.id).state == "posted"
    (event,) = office.events("penalty_reversed")
    assert (event.data["staff"], event.data["whole"]) == (["stf_a"], False)
    office.do("reverse_penalty", by=GM, id=penalty.id, reason="整单撤销")
    assert office.penalty(penalty.id).state == "reversed"
    assert office.account("stf_b").ledger.balance == 0
    assert office.lines() == [("2025-03", "charge", "40.00"), ("2025-03", "counter", "-40.00")]


def test_a_dismissed_appeal_leaves_the_charge_and_there_is_no_second_one(office: Office) -> None:
    """Guards that an appeal is decided once."""
    penalty = office.charge("100")
    office.refused("decide_appeal", NotFound, by=GM, id=penalty.id, staff="stf_a", upheld=True)
    office.do("appeal_penalty", by="stf_a", roles={"staff"}, id=penalty.id, reason="不服")
    office.do("decide_appeal", by=GM, id=penalty.id, staff="stf_a", upheld=False, note="证据充分")
    assert office.lines() == [("2025-03", "charge", "100.00")]
    office.refused("decide_appeal", Conflict, by=GM, id=penalty.id, staff="stf_a", upheld=True)
    office.refused("appeal_penalty", RuleRefused, by="stf_a", id=penalty.id, reason="再次不服")


def test_only_who_is_charged_appeals(office: Office) -> None:
    """Guards that an appeal is about one's own line."""
    penalty = office.charge("100")
    assert fields_of(
        office.refused("appeal_penalty", ValidationFailed, by="stf_x", id=penalty.id, reason="x")
    ) == ["staff"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"loss": "0"}, "loss"),
        ({"points": []}, "points"),
        ({"points": [{"staff": "stf_a", "points": "0"}]}, "points"),
        ({"points": [{"staff": "stf_a", "points": "11"}]}, "points"),
        ({"points": [{"staff": "stf_a", "points": "1"}, {"staff": "stf_a", "points": "1"}]}, "points"),
    ],
)
def test_sums_and_points_that_cannot_be_are_refused(
    office: Office, changes: dict[str, Any], field: str
) -> None:
    """Guards the formula against no loss, nobody, no points, more points than there are, and doubles."""
    case = office.liable("stf_a")
    common = {
        "case_id": case.id,
        "loss": "100",
        "total_points": "10",
        "points": [{"staff": "stf_a", "points": "5"}],
        "reason": "x",
    }
    assert fields_of(office.refused("propose_penalty", ValidationFailed, **(common | changes))) == [field]


def test_a_person_not_found_liable_is_not_charged(office: Office) -> None:
    """Guards that the penalty follows the attribution."""
    case = office.liable("stf_a")
    rows = [{"staff": "stf_b", "points": "5"}]
    office.refused(
        "propose_penalty", RuleRefused, case_id=case.id, loss="1", total_points="10", points=rows, reason="x"
    )


@pytest.mark.parametrize("org", [PLAZA, PROPERTY])
def test_where_the_handbook_is_silent_every_charge_is_refused(org: str) -> None:
    """Guards that no formula, fine, points or month of another trade is borrowed."""
    office = Office(FixedClock(beijing("2025-03-05 09:00")), org)
    case = office.liable("stf_a", case=office.case(closed=False))
    rows = [{"staff": "stf_a", "points": "5"}]
    common: dict[str, Any] = {"case_id": case.id, "reason": "x"}
    calls: list[tuple[str, dict[str, Any]]] = [
        ("propose_penalty", common | {"loss": "1", "total_points": "10", "points": rows}),
        ("propose_fine", common | {"staff": "stf_a", "offence": "service"}),
        ("propose_points", common | {"staff": "stf_a", "offence": "attitude"}),
        ("close_month", {"month": "2025-02"}),
        ("review_month", {"month": "2025-02"}),
        ("publish_notice", {"month": "2025-02"}),
    ]
    for method, arguments in calls:
        error = office.refused(method, RuleRefused, **arguments)
        assert (error.rule, "no rule for" in error.message) == ("design", True), method


def test_penalties_are_seen_by_those_charged_and_those_in_office_only(office: Office) -> None:
    """Guards staff against the curiosity of colleagues."""
    penalty = office.charge("100")
    for by, roles in (("stf_a", {"staff"}), ("stf_x", {"hr_admin"}), ("rep", {"system"})):
        assert office.do("penalty", by=by, roles=roles, id=penalty.id)["total"] == "100.00"
        assert office.do("ledger", by=by, roles=roles, staff="stf_a")["balance"] == "100.00"
        assert office.do("explain_penalty", by=by, roles=roles, id=penalty.id)["lines"][0]["owed"] == "100.00"
        assert len(office.do("penalties", by=by, roles=roles, staff="stf_a")) == 1
    other = {"by": "stf_x", "roles": {"staff"}}
    office.refused("penalty", Forbidden, id=penalty.id, **other)
    office.refused("ledger", Forbidden, staff="stf_a", **other)
    office.refused("ledger", Forbidden, department="production-1", **other)
    office.refused("penalties", Forbidden, **other)
    office.refused("month_statement", Forbidden, month="2025-03", **other)
    office.refused("liability", Forbidden, case_id=penalty.case_id, **other)


def test_a_departments_ledger_is_that_of_its_people_line_by_line(office: Office) -> None:
    """Guards the statement of a department: every line of it in order of time, with a running balance, in pages."""
    case = office.liable(level="department", unattributable="记录缺失")
    office.approve(propose(office, case.id, "100", "10", stf_a="4", stf_b="6"))
    office.at("2025-03-06 09:00")
    case = office.liable("stf_a", department="warehouse")
    office.approve(propose(office, case.id, "10", "10", stf_a="5"))
    shown = office.do("ledger", department="production-1")
    assert [(row["staff"], row["amount"], row["balance"]) for row in shown["lines"]] == [
        ("stf_a", "40.00", "40.00"),
        ("stf_b", "60.00", "100.00"),
    ]
    page = office.do("ledger", staff="stf_a", limit=1, skip=1)
    assert (page["count"], page["balance"], len(page["lines"])) == (2, "45.00", 1)
    assert page["lines"][0]["balance"] == "45.00"


def test_the_chains_rulebook_has_the_handbooks_values() -> None:
    """Guards the data against a slip: formula, cap, days and every source."""
    rules = rules_of(RETAIL).liability
    assert rules is not None
    assert rules.formula is not None
    assert rules.cap is not None
    assert rules.review is not None
    assert (rules.formula.source, rules.cap.percent, rules.cap.source) == ("B-RET-25", 50, "B-RET-26")
    assert (rules.review.by_day, rules.review.source) == (10, "B-RET-21")
