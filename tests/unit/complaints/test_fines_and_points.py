"""Fixed fines that double, joint liability for late complaints, points in steps, dismissal proposed at three."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from services.complaints.domain.liability.fines import fine_tariff, points_tariff, tariff_of
from services.complaints.domain.liability.penalty import Unit
from services.complaints.domain.rulebook import ComplaintRules
from services.complaints.rulebook import _roles, load_rulebooks, read_rulebooks
from shared.clock import FixedClock
from shared.errors import Conflict, RuleRefused, ValidationFailed
from shared.ledger import Kind
from shared.regulations import Regulation, Rulebooks
from tests.unit.complaints.fakes import ORGANISATIONS, SHOP, beijing, rules_of
from tests.unit.complaints.liability_world import Office, fields_of

FILE = """
org: {org}
name: 示例（测试）
profile: {profile}
number_prefix: TST
calendar: cn
time_zone: Asia/Shanghai
publishers: [hotline]
roles: [{roles}]
"""
OVERRIDES = """
overrides:
  - version: "1"
    effective_from: 2020-01-01
    complaints:
      liability:
        fine_in_use:
          service: {value: service_doubling, source: organisation}
"""


def _named(profile: str) -> set[str]:
    """Return every role a profile names, whatever it is about."""
    return {role for book in _profiles()[profile] for _, role in _roles(book.sections)} | {"staff"}


@lru_cache(maxsize=1)
def _profiles() -> Mapping[str, Sequence[Regulation[ComplaintRules]]]:
    return read_rulebooks(ORGANISATIONS).profiles


def books(directory: Path, org: str, profile: str, extra: str = "") -> Rulebooks[ComplaintRules]:
    text = FILE.format(org=org, profile=profile, roles=", ".join(sorted(_named(profile)))) + extra
    (directory / f"{org}.yaml").write_text(text, encoding="utf-8")
    return load_rulebooks(directory)


@pytest.fixture
def shop() -> Office:
    """An online shop on a morning in March that uses the fine of 50 yuan."""
    return Office(FixedClock(beijing("2025-03-03 09:00")), SHOP)


@pytest.fixture
def sales(tmp_path: Path) -> Office:
    """A developer's sales office."""
    return Office(
        FixedClock(beijing("2025-03-03 09:00")), "riverside", books(tmp_path, "riverside", "real-estate")
    )


def fine(office: Office, staff: str = "stf_a", **arguments: Any) -> str:
    """Fine somebody for a complaint received now and return the penalty's id."""
    case = office.case(closed=False)
    office.liable(staff, case=case)
    proposed = office.do(
        "propose_fine",
        **{"case_id": case.id, "staff": staff, "offence": "service", "reason": "x"} | arguments,
    )
    return office.approve(proposed, roles={"staff", "manager"}).id


def points(office: Office, staff: str = "stf_a", offence: str = "attitude") -> str:
    case = office.case(closed=False)
    office.liable(staff, case=case)
    proposed = office.do("propose_points", case_id=case.id, staff=staff, offence=offence, reason="x")
    return office.approve(proposed).id


@pytest.mark.rule("B-SHP-08")
def test_the_second_fine_of_a_month_doubles_and_the_third_complaint_proposes_dismissal(shop: Office) -> None:
    """Guards the handbook's numbers: 50, 100, then the exit; and that the first of the month begins anew."""
    for _ in range(3):
        fine(shop)
    assert [amount for _, _, amount in shop.lines()] == ["50.00", "100.00", "0.00"]
    (proposed,) = shop.events("dismissal_proposed")
    assert (proposed.data["staff"], proposed.data["count"], proposed.data["source"]) == (
        "stf_a",
        3,
        "B-SHP-08",
    )
    shop.at("2025-04-01 00:00")
    fine(shop)
    assert shop.lines()[-1] == ("2025-04", "charge", "50.00")
    assert len(shop.events("dismissal_proposed")) == 1


@pytest.mark.rule("B-SHP-08")
def test_months_are_those_of_the_wall_clock_and_of_the_complaint(shop: Office) -> None:
    """Guards the turn of the month: a complaint of the last minute of March counts in March, whenever it is fined."""
    shop.at("2025-03-31 23:59")
    last = shop.case(closed=False)
    shop.liable("stf_a", case=last)
    shop.at("2025-04-01 00:00")
    fine(shop)
    proposed = shop.do("propose_fine", case_id=last.id, staff="stf_a", offence="service", reason="x")
    shop.approve(proposed)
    assert [amount for _, _, amount in shop.lines()] == ["50.00", "50.00"]


@pytest.mark.rule("B-MBY-24")
def test_where_each_further_complaint_doubles_there_is_no_end_to_it(tmp_path: Path) -> None:
    """Guards the other handbook's numbers: 20, 40, 80, 160, without any dismissal."""
    office = Office(
        FixedClock(beijing("2025-03-03 09:00")),
        "mumbaby",
        books(tmp_path, "mumbaby", "online-store", OVERRIDES),
    )
    for _ in range(4):
        fine(office)
    assert [amount for _, _, amount in office.lines()] == ["20.00", "40.00", "80.00", "160.00"]
    assert not office.events("dismissal_proposed")


@pytest.mark.rule("B-WWS-13")
def test_an_organisation_that_chose_no_fine_gives_a_demerit_and_fines_nobody(tmp_path: Path) -> None:
    """Guards against taking one of several disagreeing handbooks by chance."""
    office = Office(
        FixedClock(beijing("2025-03-03 09:00")), "undecided", books(tmp_path, "undecided", "online-store")
    )
    case = office.case(closed=False)
    office.liable("stf_a", case=case)
    error = office.refused(
        "propose_fine", RuleRefused, case_id=case.id, staff="stf_a", offence="service", reason="x"
    )
    assert "must choose" in error.message
    # What the third handbook has for it: a demerit by circumstances, with its reason, and no money.
    demerit: dict[str, Any] = {
        "ground": "service_complaint",
        "severity": 4,
        "behaviour": "回复拖延",
        "effects": "客户差评",
    }
    found = office.do("propose_sanction", case_id=case.id, staff="stf_a", **demerit)
    assert (found["form"], found["cost"]) == ("minor_demerit", None)
    assert office.do("sanction", id=found["sanction_id"])["behaviour"] == "回复拖延"
    office.do("decide_sanction", by="stf_gm", id=found["sanction_id"], approved=True)
    assert not office.ledgers.accounts.documents
    assert office.do("liability", case_id=case.id)["offers"] == [
        "points:attitude",
        "points:no_timely_answer",
        "sanction",
    ]


def test_a_fine_counts_for_each_person_by_itself(shop: Office) -> None:
    """Guards colleagues from each other's complaints."""
    for staff in ("stf_a", "stf_b", "stf_a"):
        fine(shop, staff)
    assert [amount for _, _, amount in shop.lines("stf_b")] == ["50.00"]
    assert [amount for _, _, amount in shop.lines("stf_a")] == ["50.00", "100.00"]


def test_taking_back_the_first_fine_makes_the_second_the_first_and_withdraws_the_dismissal(
    shop: Office,
) -> None:
    """Guards justice: who was fined for three and is guilty of two pays for two and stays."""
    first, _, _ = [fine(shop) for _ in range(3)]
    shop.do("appeal_penalty", by="stf_a", roles={"staff"}, id=first, reason="客户误投")
    shop.do("decide_appeal", by="stf_gm", id=first, staff="stf_a", upheld=True)
    account = shop.account()
    assert [(line.kind, str(line.amount)) for line in account.ledger.lines[3:]] == [
        (Kind.COUNTER, "-50.00"),
        (Kind.RECOUNT, "-50.00"),
        (Kind.RECOUNT, "100.00"),
    ]
    assert account.ledger.balance == 150
    assert len(shop.events("dismissal_withdrawn")) == 1
    fine(shop)
    assert [event.data["count"] for event in shop.events("dismissal_proposed")] == [3, 3]
    assert [row["withdrawn_at"] is None for row in shop.do("ledger", staff="stf_a")["dismissals"]] == [
        False,
        True,
    ]


def test_two_fines_approved_at_once_are_never_both_the_first(shop: Office) -> None:
    """Guards the count against two approvers: in the ledger one comes before the other."""
    ids = []
    for _ in range(2):
        case = shop.case(closed=False)
        shop.liable("stf_a", case=case)
        found = shop.do("propose_fine", case_id=case.id, staff="stf_a", offence="service", reason="x")
        ids.append(found["penalty_id"])
    shop.ledgers.accounts.between = lambda: shop.do("decide_penalty", by="stf_gm2", id=ids[1], approved=True)
    shop.do("decide_penalty", by="stf_gm", id=ids[0], approved=True)
    assert [amount for _, _, amount in shop.lines()] == ["50.00", "100.00"]
    assert {str(shop.penalty(penalty).total) for penalty in ids} == {"50.00", "100.00"}


@pytest.mark.rule("A-SOF-16")
def test_a_late_complaint_costs_the_staff_member_and_both_who_are_jointly_liable(sales: Office) -> None:
    """Guards the handbook's numbers: three late cases are 300, and 150 each for director and assistant."""
    joint = [
        {"post": "sales_director", "staff": "stf_dir"},
        {"post": "director_assistant", "staff": "stf_ass"},
    ]
    for _ in range(3):
        case = sales.case(closed=False, late=True)
        sales.liable("stf_a", case=case)
        proposed = sales.do(
            "propose_fine", case_id=case.id, staff="stf_a", offence="late", reason="x", joint=joint
        )
        sales.approve(proposed)
    assert {staff: str(sales.account(staff).ledger.balance) for staff in ("stf_a", "stf_dir", "stf_ass")} == {
        "stf_a": "300.00",
        "stf_dir": "150.00",
        "stf_ass": "150.00",
    }


@pytest.mark.rule("A-SOF-16")
def test_a_complaint_solved_in_time_costs_nobody_anything(sales: Office) -> None:
    """Guards that the fine is for lateness."""
    case = sales.case(closed=False)
    sales.liable("stf_a", case=case)
    error = sales.refused(
        "propose_fine", RuleRefused, case_id=case.id, staff="stf_a", offence="late", reason="x"
    )
    assert error.rule == "A-SOF-16"


@pytest.mark.rule("A-SOF-16")
@pytest.mark.parametrize(
    "posts", [(), ("sales_director",), ("sales_director", "director_assistant", "owner")]
)
def test_joint_liability_names_just_the_holders_of_the_rules_posts(
    sales: Office, posts: tuple[str, ...]
) -> None:
    """Guards that neither of the two is spared and nobody else is drawn in."""
    case = sales.case(closed=False, late=True)
    sales.liable("stf_a", case=case)
    joint = [{"post": post, "staff": f"stf_{post}"} for post in posts]
    error = sales.refused(
        "propose_fine", RuleRefused, case_id=case.id, staff="stf_a", offence="late", reason="x", joint=joint
    )
    assert (error.rule, fields_of(error)) == ("A-SOF-16", ["joint"])


def test_who_holds_both_posts_pays_for_both_in_one_line(sales: Office) -> None:
    """Guards the sum where a small office has one person for two posts; the one fined is not liable twice."""
    case = sales.case(closed=False, late=True)
    sales.liable("stf_a", case=case)
    both = [{"post": post, "staff": "stf_dir"} for post in ("sales_director", "director_assistant")]
    common = {"case_id": case.id, "staff": "stf_a", "offence": "late", "reason": "x"}
    own = [{**row, "staff": "stf_a"} for row in both]
    assert fields_of(sales.refused("propose_fine", ValidationFailed, joint=own, **common)) == ["joint"]
    sales.approve(sales.do("propose_fine", joint=both, **common))
    assert sales.lines("stf_dir") == [("2025-03", "charge", "100.00")]


@pytest.mark.rule("B-ECM-36")
def test_points_for_bad_attitude_are_single_until_a_step_replaces_them(shop: Office) -> None:
    """Guards the reading: two complaints cost 2, three 5 in all, four still 5, five 10."""
    totals = []
    for _ in range(6):
        points(shop)
        totals.append(str(shop.account(unit=Unit.POINTS).ledger.balance))
    assert totals == ["1.00", "2.00", "5.00", "5.00", "10.00", "10.00"]


@pytest.mark.rule("B-ECM-35")
def test_points_for_late_answers_begin_with_the_third_complaint_of_a_month(shop: Office) -> None:
    """Guards that one or two cost nothing, three to four 5, five 10, and that the next month begins anew."""
    totals = []
    for _ in range(5):
        points(shop, offence="no_timely_answer")
        totals.append(str(shop.account(unit=Unit.POINTS).ledger.balance))
    assert totals == ["0.00", "0.00", "5.00", "5.00", "10.00"]
    shop.at("2025-04-01 09:00")
    points(shop, offence="no_timely_answer")
    assert shop.account(unit=Unit.POINTS).ledger.balance == 10


def test_points_are_counted_apart_from_money_and_never_deducted_from_pay(shop: Office) -> None:
    """Guards the units: a closing locks the points' month and takes nothing."""
    points(shop)
    fine(shop)
    shop.at("2025-03-31 18:00")
    closed = shop.close("2025-03")
    assert (closed["accounts"], closed["deducted"], closed["carried"]) == (1, "50.00", "0.00")
    assert shop.lines(unit=Unit.POINTS) == [("2025-03", "charge", "1.00")]
    assert shop.account(unit=Unit.POINTS).ledger.locked_through == "2025-03"
    rows = shop.do("month_statement", month="2025-03")["rows"]
    assert sorted((row["unit"], row["charged"], row["deducted"]) for row in rows) == [
        ("points", "1.00", "0.00"),
        ("yuan", "50.00", "50.00"),
    ]


def test_the_same_case_is_fined_once_for_an_offence(shop: Office) -> None:
    """Guards against one complaint counting as two."""
    case = shop.case(closed=False)
    shop.liable("stf_a", case=case)
    common = {"case_id": case.id, "staff": "stf_a", "offence": "service", "reason": "x"}
    shop.do("propose_fine", **common)
    shop.refused("propose_fine", Conflict, **common)
    shop.refused("propose_fine", RuleRefused, **(common | {"staff": "stf_b"}))


def test_a_fine_for_an_offence_the_rulebook_does_not_know_is_refused(shop: Office) -> None:
    """Guards staff from invented fines."""
    case = shop.case(closed=False)
    shop.liable("stf_a", case=case)
    for method in ("propose_fine", "propose_points"):
        error = shop.refused(
            method, RuleRefused, case_id=case.id, staff="stf_a", offence="yawning", reason="x"
        )
        assert error.rule == "design"


def test_a_tariff_grows_with_every_case_however_many_there_are() -> None:
    """Guards sums against nonsense: never less than before, and within what a ledger holds, at a thousand too."""
    rules = rules_of(SHOP).liability
    assert rules is not None
    for rule in rules.fines:
        totals = [fine_tariff(rule).total(count) for count in range(1000)]
        assert totals == sorted(totals)
        assert totals[0] == 0
        assert fine_tariff(rule).of(999) < 10**13
        assert rule.dismissal_from is None or totals[2] == totals[-1]
    for each in rules.points:
        totals = [points_tariff(each).total(count) for count in range(20)]
        assert totals == sorted(totals)
    assert tariff_of(rules, "formula") is None
