"""Goals, budgets, market notes, opinions passed on, and what two people sign: the forms of the department's office."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.reporting.register_world import Office, beijing, refused

Offices = Callable[[str], Office]


@pytest.fixture(scope="module")
def offices(tmp_path_factory: pytest.TempPathFactory) -> Offices:
    """Give one office for each profile; no test of this module moves its time or looks at another's records."""
    built: dict[str, Office] = {}

    def of(profile: str) -> Office:
        if profile not in built:
            built[profile] = Office(tmp_path_factory.mktemp("plans"), profile)
        return built[profile]

    return of


MARKET = {
    "period": "2026-05",
    "market": "需求上升",
    "competitors": "两家新开",
    "feedback": "要求延长服务时间",
}
SALES = {"competitor": "K", "month": "2026-05", "units": 1200, "where_from": "行业协会"}
GOODS = {"goods": "G1", "repeat_orders": 12, "returns": 3, "suggestion": "加大备货"}
NOTE = {"month_begins": "2026-05-01", "trends": "上升", "features": "夜间下单", "consumers": "年轻父母"}
JUDGED = {"data_set": "S1", "content": "medium", "credibility": "high", "value": "medium"}
#: Profile, rule, register, what is written in it; each of the fields must be there.
WHOLE = [
    ("standard", "A-JD7-02", "market_report", MARKET),
    ("standard", "A-JD14-15", "competitor_sales", SALES),
    ("standard", "A-JD14-14", "goods_response", GOODS),
]


@pytest.mark.parametrize(
    ("profile", "rule", "register", "values"),
    [pytest.param(*row, marks=pytest.mark.rule(row[1])) for row in WHOLE],
)
def test_a_report_with_any_of_its_parts_missing_is_refused(
    offices: Offices, profile: str, rule: str, register: str, values: dict[str, Any]
) -> None:
    """Promise: the form is taken whole, and refused by its rule without any of its parts."""
    office = offices(profile)
    for lacking in values:
        assert refused(office.open, register, **{k: v for k, v in values.items() if k != lacking}) == rule
    written = office.get(office.open(register, **values))["values"]
    assert {key: written[key] for key in values} == {key: str(value) for key, value in values.items()}


@pytest.mark.rule("A-HTL-10")
def test_a_survey_of_competitors_has_the_price_of_each(offices: Offices) -> None:
    """Promise: three competitors of hotel H1 at 199, 229 and 259; one without price is refused."""
    office = offices("hotel-franchise")
    rows = [{"name": name, "price": price} for name, price in (("甲", "199"), ("乙", "229"), ("丙", "259"))]
    values = office.get(office.open("competitor_survey", hotel="H1", competitors=rows))["values"]
    assert (values["surveyed"], values["lowest"], values["highest"]) == ("3", "199.00", "259.00")
    assert refused(office.open, "competitor_survey", hotel="H1", competitors=[{"name": "丁"}]) == "A-HTL-10"


@pytest.mark.rule("B-ECM-15")
def test_a_month_without_a_note_on_the_market_is_missing(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Promise: the note has three headings; a month without one is listed when it is over."""
    office = Office(tmp_path_factory.mktemp("note"), "online-store")
    for lacking in ("trends", "features", "consumers"):
        given = {key: value for key, value in NOTE.items() if key != lacking}
        assert refused(office.open, "market_note", **given) == "B-ECM-15"
    office.open("market_note", **NOTE)
    assert office.missing("market_note", "2026-06-01 00:00") == []
    (row,) = office.missing("market_note", "2026-07-01 00:00")
    assert (row["first_day"], row["source"]) == ("2026-06-01", "B-ECM-15")


@pytest.mark.rule("B-SHP-06")
def test_every_lost_sale_has_a_reason(offices: Offices) -> None:
    """Promise: 40 served and 12 bought are 30 %; 28 lost ones have their reasons, 27 are refused."""
    office = offices("online-store")
    day = {"day": "2026-05-06", "served": 40, "bought": 12}
    lost = [{"reason": "价格", "customers": 20}, {"reason": "缺货", "customers": 8}]
    fewer = [lost[0], {"reason": "缺货", "customers": 7}]
    assert refused(office.open, "conversion_log", **day, lost=fewer) == "B-SHP-06"
    assert refused(office.open, "conversion_log", **day) == "B-SHP-06"
    assert office.get(office.open("conversion_log", **day, lost=lost))["values"]["ratio"] == "30"


@pytest.mark.rule("B-ITS-03")
def test_whoever_handles_a_case_does_not_sign_its_supervision(offices: Offices) -> None:
    """Promise: neither who is named as its handler nor who entered it signs; another supervisor does."""
    office = offices("it-service")
    record = office.open("service_supervision", office.by("e-1"), case="SR-17", handled_by="e-2")
    for line in ("e-1", "e-2"):
        refusal = refused(office.act, record, "sign", office.by(line, "supervisor"), finding="合格")
        assert refusal == "B-ITS-03"
    assert refused(office.act, record, "sign", office.by("e-3"), finding="合格") == "B-ITS-03"
    office.act(record, "sign", office.by("u-9", "supervisor"), finding="合格")
    shown = office.get(record)
    assert (shown["state"], shown["values"]["supervised_by"]) == ("supervised", "u-9")


@pytest.mark.rule("B-DET-17")
def test_an_item_of_two_departments_has_two_owners_and_one_lead(offices: Offices) -> None:
    """Promise: one owner alone, no lead or two leads are refused; two owners with one lead are taken."""
    office = offices("standard")

    def owners(*leads: bool) -> list[dict[str, Any]]:
        names = (("客服部", "a-1"), ("物流部", "b-1"))
        return [
            {"owner": who, "department": name, "lead": lead}
            for (name, who), lead in zip(names, leads, strict=False)
        ]

    for wrong in (owners(True), owners(False, False), owners(True, True)):
        assert refused(office.open, "joint_item", item="退货流程", owners=wrong) == "B-DET-17"
    record = office.open("joint_item", item="退货流程", owners=owners(True, False))
    assert office.get(record)["values"]["leads"] == "1"


@pytest.mark.rule("A-LOG-73")
def test_an_opinion_that_a_department_does_not_confirm_is_listed(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Promise: "packaging" forwarded on 6 May and confirmed on 7 May is done; three days without are late."""
    own = """
registers:
  opinion:
    clocks:
      confirm:
        name: 签收期限
        starts: forward
        ends: receive
        within: {amount: 3, unit: days, from_next_day: true, end_of_day: true, source: organisation}
        source: organisation
"""
    office = Office(tmp_path_factory.mktemp("opinions"), "logistics", own)
    done, late = (office.open("opinion", subject="包装", opinion="纸箱易破") for _ in range(2))
    assert refused(office.act, done, "forward") == "A-LOG-73"
    assert refused(office.act, done, "receive", received_by="陈") == "A-LOG-73"
    for each in (done, late):
        office.act(each, "forward", department="运营部")
    office.pass_time(beijing("2026-05-07 10:00"))
    office.act(done, "receive", received_by="陈")
    values = office.get(done)["values"]
    assert (values["forwarded_on"], values["received_on"]) == ("2026-05-06", "2026-05-07")
    office.pass_time(beijing("2026-05-09 23:59"))
    assert office.find("opinion", overdue=True) == []
    office.pass_time(beijing("2026-05-10 00:01"))
    assert office.find("opinion", overdue=True) == [late]


@pytest.mark.rule("A-LOG-67")
def test_survey_data_are_judged_and_submitted_upward(offices: Offices) -> None:
    """Promise: content, credibility and value are judged, each of them; to whom it was submitted is kept."""
    office = offices("logistics")
    for lacking in ("content", "credibility", "value"):
        given = {key: value for key, value in JUDGED.items() if key != lacking}
        assert refused(office.open, "survey_data_judgement", **given) == "A-LOG-67"
    record = office.open("survey_data_judgement", **JUDGED)
    assert refused(office.act, record, "submit") == "A-LOG-67"
    office.act(record, "submit", submitted_to="客户维系中心经理")
    values = office.get(record)["values"]
    assert (values["credibility"], values["value"], values["submitted_to"]) == (
        "high",
        "medium",
        "客户维系中心经理",
    )


@pytest.mark.rule("A-PRM-14")
def test_every_item_of_an_areas_plan_has_a_date(offices: Offices) -> None:
    """Promise: eight items with dates are taken; one without is refused."""
    office = offices("property")
    items = [{"item": f"巡查{number}", "due_on": f"2026-05-{number:02}"} for number in range(11, 19)]
    undated = [*items[:7], {"item": "巡查"}]
    assert refused(office.open, "area_plan", area="A1", month="2026-05", items=undated) == "A-PRM-14"
    record = office.open("area_plan", area="A1", month="2026-05", items=items)
    assert office.get(record)["values"]["planned"] == "8"


@pytest.mark.rule("A-JD10-01")
def test_a_goal_that_is_not_reached_is_flagged_with_its_owner(offices: Offices) -> None:
    """Promise: 93 of 95 % is flagged, 2 short, and its owner told; 95 is reached."""
    office = offices("standard")
    goal = {"goal": "满意度", "owner": "o-1", "target": 95}
    missed = office.open("department_goal", **goal, period="2026-04", actual=93)
    reached = office.open("department_goal", **goal, period="2026-05", actual=95)
    shown = office.get(missed)
    assert (shown["values"]["gap"], shown["flags"], office.get(reached)["flags"]) == ("-2.0", ["reached"], [])
    assert [each["staff"] for each in office.told(missed, "record_noticed")] == ["o-1"]
    assert office.told(reached, "record_noticed") == []


@pytest.mark.rule("A-JD12-05")
def test_the_goals_of_the_units_add_up_to_the_companys(offices: Offices) -> None:
    """Promise: 30 and 70 are the company's 100; 30 and 60 are refused."""
    office = offices("standard")
    units = [{"unit": "B1", "share": 30}, {"unit": "B2", "share": 70}]
    short = [units[0], {"unit": "B2", "share": 60}]
    refusal = refused(
        office.open, "goal_split", office.by("u-9", "manager"), goal="销量", total=100, units=short
    )
    assert refusal == "A-JD12-05"
    record = office.open("goal_split", office.by("u-9", "manager"), goal="销量", total=100, units=units)
    assert office.get(record)["values"]["together"] == "100"


@pytest.mark.rule("A-JD12-01")
def test_a_branchs_target_follows_from_its_sales(offices: Offices) -> None:
    """Promise: 1,000 sales with a repair ratio of 5 % (the organisation's figure) are a target of 50 services."""
    office = offices("standard")
    boss = office.by("u-9", "manager")
    record = office.open("service_target", boss, branch="B1", sales=1000, ratio="0.05")
    assert office.get(record)["values"]["services"] == "50"
    unsaid = {"branch": "B1", "sales": 1000}
    assert refused(office.open, "service_target", office.by("u-9", "manager"), **unsaid) == "A-JD12-01"


@pytest.mark.rule("A-JD12-07")
def test_a_budget_shows_what_is_used_and_warns_above_all_of_it(offices: Offices) -> None:
    """Promise: 80,000 of 100,000 are 80 %; all of it is no alert, a cent more is."""
    office = offices("standard")
    budget = {"department": "客服部", "year": "2026", "budget": "100000.00"}
    record = office.open("annual_budget", office.by("u-9", "manager"), **budget, spent="80000.00")
    assert (office.get(record)["values"]["used"], office.get(record)["flags"]) == ("80", [])
    office.correct(record, office.by("u-9", "manager"), spent="100000.00")
    assert office.get(record)["flags"] == []
    office.correct(record, office.by("u-9", "manager"), spent="100000.01")
    assert office.get(record)["flags"] == ["within"]
    assert [each["to"] for each in office.told(record, "record_noticed")] == ["manager"]


@pytest.mark.rule("A-JD1-11")
def test_the_months_costs_wait_for_somebody_elses_approval(offices: Offices) -> None:
    """Promise: 7,000 and 5,000 are submitted as 12,000 on 1 June, pending; who filed them does not approve them."""
    office = offices("standard")
    costs = [{"cost": "人力", "amount": "7000.00"}, {"cost": "通讯", "amount": "5000.00"}]
    values = {"month": "2026-05", "costs": costs, "submitted_on": "2026-06-01"}
    record = office.open("expense_approval", office.by("u-1"), **values)
    shown = office.get(record)
    assert (shown["values"]["total"], shown["state"]) == ("12000.00", "pending")
    assert refused(office.act, record, "approve", office.by("u-1", "manager")) == "A-JD1-11"
    assert refused(office.act, record, "approve", office.by("u-2")) == "A-JD1-11"
    assert office.act(record, "approve", office.by("u-9", "manager"))["state"] == "approved"


@pytest.mark.rule("A-JD5-08")
def test_how_much_of_a_plan_was_done_is_a_share(offices: Offices) -> None:
    """Promise: 7 of 10 items are 70 %; the inspection of it is kept with it."""
    office = offices("standard")
    items = [{"item": f"事项{number}", "done": number < 7} for number in range(10)]
    record = office.open("department_plan", period="2026-05", items=items, inspection="I1 消防通道")
    values = office.get(record)["values"]
    assert (values["share"], values["inspection"]) == ("70", "I1 消防通道")
