"""Month ends: what is deducted, what is carried, and that a closed month never changes, whoever closes it."""

from __future__ import annotations

from typing import Any

import pytest

from shared.clock import FixedClock
from shared.errors import Conflict, RuleRefused, ValidationFailed
from tests.unit.complaints.fakes import beijing
from tests.unit.complaints.liability_world import GM, HR, Office, fields_of


@pytest.fixture
def office() -> Office:
    """A chain of shops on a morning in March."""
    return Office(FixedClock(beijing("2025-03-05 09:00")))


@pytest.mark.rule("B-RET-26")
@pytest.mark.parametrize(
    ("penalty", "bonus", "instalments"),
    [
        ("400", "600", ["300.00", "100.00"]),
        ("1000", "600", ["300.00", "300.00", "300.00", "100.00"]),
        ("300", "600", ["300.00"]),
        ("300.01", "600", ["300.00", "0.01"]),
        ("0.05", "0.09", ["0.04", "0.01"]),
        ("10", "0", ["0.00", "0.00"]),
    ],
)
def test_a_month_takes_half_the_bonus_at_most_and_the_rest_follows(
    office: Office, penalty: str, bonus: str, instalments: list[str]
) -> None:
    """Guards the handbook's numbers: 300 in March and 100 in April; 300, 300, 300, 100."""
    office.charge(penalty)
    months = ["2025-03", "2025-04", "2025-05", "2025-06"]
    taken = []
    for month, day in zip(months, (31, 30, 31, 30), strict=True):
        office.at(f"{month}-{day} 18:00")
        answer = office.close(month, stf_a=bonus)
        taken.append(answer["deducted"])
    assert taken[: len(instalments)] == instalments
    assert set(taken[len(instalments) :]) <= {"0.00"}
    assert office.account().ledger.balance == (10 if bonus == "0" else 0)


@pytest.mark.rule("B-RET-26")
def test_each_months_own_bonus_gives_its_own_cap(office: Office) -> None:
    """Guards that the cap is half of that month's bonus, not of an earlier one's, and is explained by it."""
    penalty = office.charge("1000")
    for month, day, bonus in (("2025-03", 31, "600"), ("2025-04", 30, "100.01"), ("2025-05", 31, "5000")):
        office.at(f"{month}-{day} 18:00")
        office.close(month, stf_a=bonus)
    assert [str(amount) for amount in office.deducted().values()] == ["300.00", "50.00", "650.00"]
    (line,) = office.do("explain_penalty", id=penalty.id)["lines"]
    assert line["owed"] == "0.00"
    april = {step["what"]: step["value"] for step in line["entries"][2]["trace"]}
    assert april == {
        "bonus": "100.01",
        "percent": "50",
        "limit": "50.00",
        "owed": "700.00",
        "carried": "650.00",
    }


@pytest.mark.rule("B-RET-26")
def test_several_penalties_share_one_cap(office: Office) -> None:
    """Guards the bonus: two penalties of a month take half of it together, the older one first."""
    for _ in range(2):
        office.charge("200")
    office.at("2025-03-31 18:00")
    office.close("2025-03", stf_a="600")
    assert [amount for _, kind, amount in office.lines() if kind == "settlement"] == ["-200.00", "-100.00"]


@pytest.mark.rule("B-RET-22")
def test_a_notice_not_approved_by_the_months_end_is_not_deducted_in_it(office: Office) -> None:
    """Guards the handbook's proof: unapproved on 31 March, so nothing in March; approved in April, so April."""
    case = office.liable("stf_a")
    proposed = office.do(
        "propose_penalty",
        case_id=case.id,
        loss="100",
        total_points="10",
        points=[{"staff": "stf_a", "points": "10"}],
        reason="x",
    )
    office.at("2025-03-31 18:00")
    assert office.close("2025-03")["deducted"] == "0.00"
    office.at("2025-04-01 09:00")
    office.approve(proposed)
    assert office.lines() == [("2025-04", "charge", "100.00")]
    office.at("2025-04-30 18:00")
    assert office.close("2025-04", stf_a="600")["deducted"] == "100.00"


@pytest.mark.rule("B-RET-22")
def test_deductions_are_made_at_the_months_end_and_by_hr_only(office: Office) -> None:
    """Guards against deducting early, and against anybody else doing it."""
    office.charge("100")
    office.at("2025-03-30 23:59")
    assert office.refused("close_month", RuleRefused, month="2025-03").rule == "B-RET-22"
    office.at("2025-03-31 00:00")
    error = office.refused("close_month", RuleRefused, roles={"staff", "general_manager"}, month="2025-03")
    assert error.rule == "B-RET-22"
    assert office.close("2025-03", stf_a="600")["state"] == "closed"


def test_what_is_approved_after_the_closing_goes_into_the_next_month(office: Office) -> None:
    """Guards the closed month on its own last day: later lines join the month after."""
    office.charge("100")
    office.at("2025-03-31 12:00")
    office.close("2025-03", stf_a="600")
    before = office.do("month_statement", month="2025-03")
    office.charge("50")
    assert office.lines()[-1] == ("2025-04", "charge", "50.00")
    office.charge("50", "stf_new")
    assert office.lines("stf_new") == [("2025-04", "charge", "50.00")]
    assert office.do("month_statement", month="2025-03") == before


def test_taking_back_a_penalty_of_a_closed_month_leaves_that_month_as_it_was(office: Office) -> None:
    """Guards closed books: the counter-entry stands in the open month, and what was taken comes back there."""
    penalty = office.charge("1000")
    office.at("2025-03-31 18:00")
    office.close("2025-03", stf_a="600")
    before = office.do("month_statement", month="2025-03")
    office.at("2025-04-10 09:00")
    office.do("reverse_penalty", by=GM, id=penalty.id, reason="损失由运输方承担")
    assert office.lines()[-1] == ("2025-04", "counter", "-1000.00")
    office.at("2025-04-30 18:00")
    closed = office.close("2025-04")
    assert (closed["deducted"], closed["refunded"], closed["carried"]) == ("0.00", "300.00", "0.00")
    assert office.do("month_statement", month="2025-03")["rows"] == before["rows"]
    (row,) = office.do("month_statement", month="2025-04")["rows"]
    assert (row["opening"], row["reversed"], row["refunded"], row["closing"]) == (
        "700.00",
        "-1000.00",
        "300.00",
        "0.00",
    )


def test_months_are_closed_one_after_the_other_and_once(office: Office) -> None:
    """Guards the order of instalments; who closes second is told by whom it was done."""
    office.charge("1000")
    office.at("2025-04-30 18:00")
    assert "2025-03" in office.refused("close_month", RuleRefused, month="2025-04").message
    office.close("2025-03", stf_a="600")
    told = office.refused("close_month", Conflict, by="stf_hr2", month="2025-03")
    assert HR in told.message
    assert office.close("2025-04", stf_a="600")["deducted"] == "300.00"


def test_a_bonus_that_is_needed_and_not_given_is_asked_for_before_anything_happens(office: Office) -> None:
    """Guards against a closing that silently takes nothing from those who owe something."""
    office.charge("100")
    office.charge("100", "stf_b")
    office.at("2025-03-31 18:00")
    error = office.refused(
        "close_month", ValidationFailed, month="2025-03", bonuses=[{"staff": "stf_a", "bonus": "600"}]
    )
    assert [problem.reason for problem in error.problems] == ["is missing for stf_b"]
    assert office.do("month_statement", month="2025-03")["state"] == "open"
    doubled = [{"staff": "stf_a", "bonus": "600"}] * 2
    assert fields_of(office.refused("close_month", ValidationFailed, month="2025-03", bonuses=doubled)) == [
        "bonuses"
    ]


def test_a_repeat_of_the_closing_takes_nothing_twice(office: Office) -> None:
    """Guards pay against callers who do not know whether their call arrived."""
    office.charge("1000")
    office.at("2025-03-31 18:00")
    rows = [{"staff": "stf_a", "bonus": "600"}]
    answers = [office.do("close_month", key="k", month="2025-03", bonuses=rows) for _ in range(3)]
    assert answers[0] == answers[1] == answers[2]
    assert office.lines() == [("2025-03", "charge", "1000.00"), ("2025-03", "settlement", "-300.00")]
    assert len(office.events("month_closed")) == 1


@pytest.mark.parametrize("write", range(7))
def test_a_closing_whose_process_dies_is_finished_with_the_same_bonuses_by_whoever_comes_next(
    office: Office, write: int
) -> None:
    """Guards every moment of a closing: nothing lost, nothing taken twice, the next month has what is carried."""
    for staff in ("stf_a", "stf_b", "stf_c"):
        office.charge("1000", staff)
    office.at("2025-03-31 18:00")
    stores: tuple[Any, ...] = (office.ledgers.accounts, office.ledgers.months)
    left = [write]
    keeps = [store._keep for store in stores]

    def dying(keep: Any) -> Any:
        def die(document: dict[str, Any], since: int) -> None:
            if left[0] == 0:
                raise SystemExit
            left[0] -= 1
            keep(document, since)

        return die

    for store, keep in zip(stores, keeps, strict=True):
        store._keep = dying(keep)
    bonuses = {"stf_a": "600", "stf_b": "400", "stf_c": "4000"}
    try:
        office.close("2025-03", **bonuses)
        died = False
    except SystemExit:
        died = True
    for store, keep in zip(stores, keeps, strict=True):
        store._keep = keep
    assert died is (write < 6)
    office.months.pending()
    if write == 0:
        office.close("2025-03", **bonuses)
    office.at("2025-04-30 18:00")
    office.close("2025-04", **bonuses)
    assert [str(amount) for amount in office.deducted("stf_a").values()] == ["300.00", "300.00"]
    assert [str(amount) for amount in office.deducted("stf_b").values()] == ["200.00", "200.00"]
    assert [str(amount) for amount in office.deducted("stf_c").values()] == ["1000.00"]
    (march, april) = office.events("month_closed")
    assert (march.data["deducted"], march.data["carried"]) == ("1500.00", "1500.00")
    assert (april.data["deducted"], april.data["carried"]) == ("500.00", "1000.00")


def test_a_penalty_approved_in_time_is_deducted_in_time_though_its_process_died(office: Office) -> None:
    """Guards the month's end against what was approved and not yet posted."""
    case = office.liable("stf_a")
    rows = [{"staff": "stf_a", "points": "10"}]
    proposed = office.do(
        "propose_penalty", case_id=case.id, loss="100", total_points="10", points=rows, reason="x"
    )

    def die() -> None:
        raise SystemExit

    office.ledgers.accounts.between = die
    with pytest.raises(SystemExit):
        office.approve(proposed)
    office.at("2025-03-31 18:00")
    assert office.close("2025-03", stf_a="600")["deducted"] == "100.00"


BOTH = {"stf_a": "600", "stf_b": "600"}


@pytest.mark.parametrize("moment", ["accounts", "months"])
def test_what_is_approved_while_the_closing_begins_is_in_the_month_whole(office: Office, moment: str) -> None:
    """Guards the boundary: an approval that came first is charged and deducted in the month that closes."""
    office.charge("100", "stf_b")
    office.at("2025-03-31 18:00")
    proposed = _proposed(office)
    getattr(office.ledgers, moment).between = lambda: office.close("2025-03", **BOTH)
    office.approve(proposed)
    assert office.lines() == [("2025-03", "charge", "100.00"), ("2025-03", "settlement", "-100.00")]
    assert str(office.penalty(proposed["penalty_id"]).lines[0].period) == "2025-03"


def test_what_is_approved_once_the_closing_has_begun_is_in_the_next_month_whole(office: Office) -> None:
    """Guards the boundary from the other side: no ledger joins a month that is being closed."""
    office.charge("100", "stf_b")
    office.at("2025-03-31 18:00")
    proposed = _proposed(office)
    office.ledgers.accounts.between = lambda: office.approve(proposed)
    office.close("2025-03", **BOTH)
    assert office.lines() == [("2025-04", "charge", "100.00")]
    office.at("2025-04-30 18:00")
    assert office.close("2025-04", **BOTH)["deducted"] == "100.00"


def test_an_approval_that_meets_the_begin_of_a_closing_makes_it_look_again(office: Office) -> None:
    """Guards the bonuses: who came in the last moment is asked for too."""
    office.charge("100", "stf_b")
    office.at("2025-03-31 18:00")
    proposed = _proposed(office)
    office.ledgers.months.between = lambda: office.approve(proposed)
    error = office.refused(
        "close_month", ValidationFailed, month="2025-03", bonuses=[{"staff": "stf_b", "bonus": "600"}]
    )
    assert [problem.reason for problem in error.problems] == ["is missing for stf_a"]
    assert office.close("2025-03", **BOTH)["deducted"] == "200.00"


def _proposed(office: Office) -> dict[str, Any]:
    case = office.liable("stf_a")
    return office.do(
        "propose_penalty",
        case_id=case.id,
        loss="100",
        total_points="10",
        points=[{"staff": "stf_a", "points": "10"}],
        reason="x",
    )


def test_two_who_close_at_once_close_once(office: Office) -> None:
    """Guards pay against two payroll clerks with different bonuses: one set counts, the other clerk is told."""
    office.charge("1000")
    office.at("2025-03-31 18:00")
    office.ledgers.months.between = lambda: office.do(
        "close_month", by="stf_hr2", month="2025-03", bonuses=[{"staff": "stf_a", "bonus": "400"}]
    )
    told = office.refused(
        "close_month", Conflict, month="2025-03", bonuses=[{"staff": "stf_a", "bonus": "600"}]
    )
    assert "stf_hr2" in told.message
    assert office.lines()[-1] == ("2025-03", "settlement", "-200.00")


def test_a_month_without_any_line_closes_and_takes_none_afterwards(office: Office) -> None:
    """Guards an empty month: closed is closed."""
    office.at("2025-04-01 09:00")
    assert office.close("2025-03")["accounts"] == 0
    office.at("2025-03-31 09:00")
    office.charge("100")
    assert office.lines() == [("2025-04", "charge", "100.00")]


def test_a_statement_is_paged_by_staff_and_adds_up(office: Office) -> None:
    """Guards the statement: opening, charged, reversed, deducted, refunded and closing of each ledger."""
    for staff in ("stf_c", "stf_a", "stf_b"):
        office.charge("100", staff)
    rows = office.do("month_statement", month="2025-03", limit=2)["rows"]
    rows += office.do("month_statement", month="2025-03", limit=2, skip=2)["rows"]
    assert [(row["staff"], row["charged"], row["closing"], row["locked"]) for row in rows] == [
        (staff, "100.00", "100.00", False) for staff in ("stf_a", "stf_b", "stf_c")
    ]
