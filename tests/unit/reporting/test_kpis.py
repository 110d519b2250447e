"""Key figures of the handbooks: what each divides by what, over which days, and how it stands to its target."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.reporting.domain.counting.cells import Cell
from services.reporting.domain.event import ArchivedEvent
from services.reporting.domain.kpis.definition import Days, Only, Term
from services.reporting.domain.kpis.figure import gathered, summed
from services.reporting.domain.kpis.vocabulary import Dimension
from services.reporting.domain.kpis.window import Span, Window
from shared.errors import NotFound, ValidationFailed
from shared.history import timestamp
from tests.unit.reporting.kpi_world import Measured, behind
from tests.unit.reporting.register_world import ORG, beijing
from tests.unit.reporting.stories import Story

Offices = Callable[..., Measured]

MAY = beijing("2026-05-04 09:00")


@pytest.fixture
def office(tmp_path: Path) -> Offices:
    """Build an office of a profile, with what its organisation decides itself."""

    def built(profile: str, own: str = "") -> Measured:
        return Measured(tmp_path, profile, own)

    return built


def target(code: str, value: str, **more: str) -> str:
    """Return the lines in which an organisation sets a target."""
    rest = "".join(f", {key}: {each}" for key, each in ({"comparison": "at_least"} | more).items())
    return f"  {code}: {{name: {code}{rest}, target: {{value: {value}, source: organisation}}, source: organisation}}"


def aim(**values: str) -> str:
    """Return the section in which an organisation sets targets of key figures that its handbook asks for."""
    rows = [f"  {code}: {{value: {value}, source: organisation}}" for code, value in values.items()]
    return "\n".join(["kpi_targets:", *rows])


def case(number: int, received_at: datetime = MAY) -> Story:
    """Return a complaint."""
    return Story(f"cs_{number}", ORG, received_at).opened()


def reached(number: int, received_at: datetime, minutes: int) -> Story:
    """Return a complaint whose customer was tried in vain at once, and reached so many minutes later."""
    story = case(number, received_at)
    for outcome, after in (("unreachable", 1), ("reached", minutes)):
        at = timestamp(received_at + timedelta(minutes=after))
        story.case("contact_attempted", outcome=outcome, attempted_at=at)
    return story


def request(number: int, minutes: int | None = 30, *, kind: str = "enquiry", **more: Any) -> Story:
    """Return a request that was opened on 4 May, and done so many minutes later; or one ``opened_at`` another time."""
    opened_at, passed, repeated = (more.get(name) for name in ("opened_at", "passed", "repeated"))
    story, about = Story(f"rq_{number}", ORG), f"rq_{number}"
    story.tell(
        "intake",
        "request_opened",
        about,
        {
            "request_id": about,
            "kind": kind,
            "contact_id": None,
            "customer_id": None,
            "channel": more.get("channel", "phone"),
            "level": None,
            "area": None,
            "first_responsible": {"unit": more.get("unit"), "role": None, "staff": more.get("staff")},
        },
    )
    if passed:
        story.tell("intake", "request_passed_on", about, {"request_id": about, "change": "accepted"})
    if repeated:
        story.tell("intake", "request_repeated", about, {"request_id": about})
    if minutes is not None:
        closed = {"request_id": about, "kind": kind, "on_time": more.get("on_time", True)}
        story.tell("intake", "request_closed", about, closed)
    begin = opened_at or MAY
    story.events = [_at(event, begin) for event in story.events]
    if minutes is not None:
        story.events[-1] = _at(story.events[-1], begin + timedelta(minutes=minutes))
    return story


def _at(event: ArchivedEvent, at: datetime) -> ArchivedEvent:
    return replace(event, time=at)


def callback(number: int, outcome: str | None, *, rule: str = "service", on: datetime = MAY) -> Story:
    """Return a callback on a request, due on a day, made with ``outcome`` or not."""
    about, story = f"cb_{number}", Story(f"cb_{number}", ORG)
    data = {
        "callback_id": about,
        "case_id": None,
        "about": "request",
        "reference": f"rq_{number}",
        "rule": rule,
    }
    story.tell("followup", "callback_scheduled", about, {**data, "due_at": timestamp(on)})
    if outcome is not None:
        kind = "callback_unsatisfied" if outcome == "dissatisfied" else "callback_completed"
        made = {**data, "outcome": outcome, "by": "u-2", "on_time": True, "completed_at": timestamp(on)}
        story.tell("followup", kind, about, made)
    return story


# --- fees, paid services, complaints of households: the property profile ---------------------------------


@pytest.mark.rule("A-PRM-03")
@pytest.mark.parametrize(("collected", "value", "met"), [("95000", "95.0", True), ("94999", "94.999", False)])
def test_95_percent_of_the_management_fees_are_to_be_collected(
    office: Offices, collected: str, value: str, *, met: bool
) -> None:
    """Promise: 95,000 of 100,000 passes, one yuan less fails and is not shown as 95.0."""
    estate = office("property")
    estate.states("fee_collection", person="u-s1", numerator=collected, denominator="100000")
    row = estate.kpi("fee_collection")
    assert (row["value"], row["target"], row["met"], row["source"]) == (value, "95", met, "A-PRM-03")
    assert (row["numerator"], row["denominator"], row["unit"]) == (collected, "100000", "percent")


@pytest.mark.rule("A-PRM-26")
@pytest.mark.parametrize(("collected", "value", "met"), [("98000", "98.0", True), ("97900", "97.9", False)])
def test_a_steward_is_to_collect_98_percent_whatever_the_department_does(
    office: Offices, collected: str, value: str, *, met: bool
) -> None:
    """Promise: steward S1 fails at 97.9 % while the department's 95 % still passes."""
    estate = office("property")
    estate.states("fee_collection", person="u-s1", numerator=collected, denominator="100000")
    part = estate.part("steward_fee_collection", Dimension.PERSON, "u-s1")
    assert (part["value"], part["target"], part["met"]) == (value, "98", met)
    assert estate.kpi("fee_collection")["met"] is True
    assert estate.kpi("steward_fee_collection")["met"] is None


@pytest.mark.rule("A-PRM-04")
@pytest.mark.parametrize(("satisfied", "met"), [(98, True), (97, False)])
def test_98_of_100_paid_services_are_to_satisfy(office: Offices, satisfied: int, *, met: bool) -> None:
    """Promise: whoever was not reached is not counted as satisfied, and callbacks on other things not at all."""
    estate = office("property")
    outcomes = ["satisfied"] * satisfied + ["neutral"] * (99 - satisfied) + [None]
    estate.tells(*(callback(number, outcome) for number, outcome in enumerate(outcomes)))
    estate.tells(callback(500, "dissatisfied", rule="repair"))
    row = estate.kpi("paid_service_satisfaction")
    assert (row["numerator"], row["denominator"], row["met"]) == (str(satisfied), "100", met)
    assert (row["target"], row["source"]) == ("98", "A-PRM-04")


@pytest.mark.rule("A-PRM-27")
@pytest.mark.parametrize(("valid", "value", "met"), [(5, "1.7", True), (6, "2.0", False)])
def test_fewer_than_2_percent_of_the_households_complain_with_reason(
    office: Offices, valid: int, value: str, *, met: bool
) -> None:
    """Promise: 5 valid complaints of 300 homes pass, exactly 2 % fails; refused complaints do not count."""
    estate = office("property")
    estate.states("households", value="300")
    refused = case(99).case("case_refused", clocks=[])
    estate.tells(*(case(number).accepted() for number in range(valid)), refused)
    row = estate.kpi("valid_complaint_rate")
    assert (row["value"], row["comparison"], row["target"], row["met"]) == (value, "below", "2", met)


def test_a_monthly_target_does_not_judge_a_year(office: Offices) -> None:
    """Promise: the year's figure stands beside the month's target and is not called missed by it."""
    estate = office("property")
    estate.states("households", value="300")
    estate.tells(*(case(number).accepted() for number in range(9)))
    assert estate.kpi("valid_complaint_rate")["met"] is False
    year = estate.kpi("valid_complaint_rate", "2026")
    assert (year["value"], year["judged_by"], year["met"]) == ("3.0", "month", None)


@pytest.mark.rule("B-CCP-22")
def test_complaints_of_a_thousand_households_are_compared_with_the_month_before(office: Offices) -> None:
    """Promise: 3 complaints of 500 homes in April are 6 of a thousand, 2 in May are 4: a third less."""
    estate = office("property")
    for month in ("2026-04", "2026-05"):
        estate.states("households", month, value="500")
    estate.tells(*(case(number, beijing("2026-04-10 09:00")) for number in range(3)), case(8), case(9))
    row = estate.kpi("complaints_per_thousand")
    assert (row["value"], row["previous"]) == ("4.0", [{"window": "2026-04", "value": "6.0"}])
    assert row["change"] == {"by": "-33.3", "in": "percent"}


# --- how figures change, and by whom they are --------------------------------------------------------------


@pytest.mark.rule("A-TEL-17")
def test_loyalty_is_told_by_how_satisfaction_changes_from_quarter_to_quarter(office: Offices) -> None:
    """Promise: 78 % in the first quarter and 82 % in the second is plus 4 points."""
    centre = office("call-centre")
    for at, satisfied, first in ((beijing("2026-02-10 09:00"), 39, 0), (MAY, 41, 100)):
        centre.tells(
            *(
                case(first + n, at)
                .accepted()
                .replied()
                .called_back("satisfied" if n < satisfied else "neutral")
                for n in range(50)
            )
        )
    row = centre.kpi("loyalty", "2026-Q2")
    assert ([each["value"] for each in row["previous"]], row["value"]) == (["78.0"], "82.0")
    assert (row["change"], row["judged_by"]) == ({"by": "+4.0", "in": "points"}, "quarter")


@pytest.mark.rule("A-TRV-02")
def test_satisfaction_is_the_yardstick_of_every_week(office: Offices) -> None:
    """Promise: 40 of 50 satisfied in week 20 are 80 %, as a figure of that week alone."""
    centre = office("call-centre")
    monday = beijing("2026-05-11 09:00")
    for first, at, satisfied in ((0, monday, 40), (100, monday - timedelta(days=1), 0)):
        centre.tells(
            *(
                case(first + n, at)
                .accepted()
                .replied()
                .called_back("satisfied" if n < satisfied else "neutral")
                for n in range(50)
            )
        )
    row = centre.kpi("week_satisfaction", "2026-W20")
    assert (row["numerator"], row["denominator"], row["value"]) == ("40", "50", "80.0")
    assert (row["judged_by"], row["source"]) == ("week", "A-TRV-02")


@pytest.mark.rule("A-JD10-04")
@pytest.mark.parametrize("code", ["request_time"])
def test_the_time_things_take_is_compared_with_the_month_before(office: Offices, code: str) -> None:
    """Promise: 12 minutes on average in April and 9 in May are a quarter less."""
    desk = office("standard")
    april = beijing("2026-04-10 09:00")
    desk.tells(*(request(n, 12 + 6 * (n - 1), opened_at=april) for n in range(3)))
    desk.tells(*(request(10 + n, 9 + 2 * (n - 1)) for n in range(3)))
    row = desk.kpi(code)
    assert (row["value"], row["previous"][0]["value"], row["unit"]) == ("9.0", "12.0", "minutes")
    assert (row["change"], row["source"]) == ({"by": "-25.0", "in": "percent"}, "A-JD10-04")


@pytest.mark.rule("A-GEN-10")
def test_the_time_customers_wait_is_compared_with_the_month_before(office: Offices) -> None:
    """Promise: 4 minutes on average in April and 3 in May are a quarter less; who was not reached still waits."""
    desk = office("standard")
    for first, at, minutes in ((0, beijing("2026-04-10 09:00"), (3, 5)), (10, MAY, (2, 4))):
        desk.tells(*(reached(first + n, at, after) for n, after in enumerate(minutes)))
    row = desk.kpi("waiting_time")
    assert (row["value"], row["previous"][0]["value"], row["denominator"]) == ("3.0", "4.0", "2")
    assert (row["change"], row["source"]) == ({"by": "-25.0", "in": "percent"}, "A-GEN-10")


@pytest.mark.rule("A-RES-13")
def test_the_first_response_is_the_average_of_all_reports(office: Offices) -> None:
    """Promise: 10, 20 and 30 minutes are 20 on average; an attempt that reached nobody is no response."""
    estate = office("real-estate")
    answered = case(3).case(
        "case_replied", valid=True, replied_at=timestamp(MAY + timedelta(minutes=30)), round=1
    )
    estate.tells(reached(1, MAY, 10), reached(2, MAY, 20), answered, case(4))
    row = estate.kpi("first_response")
    assert (row["value"], row["numerator"], row["denominator"]) == ("20.0", "60", "3")


@pytest.mark.rule("A-GEN-09")
def test_churn_and_repurchase_are_told_by_the_quarter(office: Offices) -> None:
    """Promise: 5 of 100 lost and 40 of 100 bought again, from what the sales system stated by the month."""
    desk = office("standard")
    desk.states("churn", "2026-04", numerator="2", denominator="40")
    desk.states("churn", "2026-05", numerator="3", denominator="60")
    desk.states("repurchase", "2026-06", numerator="40", denominator="100")
    churn, again = desk.kpi("churn", "2026-Q2"), desk.kpi("repurchase", "2026-Q2")
    assert (churn["numerator"], churn["denominator"], churn["value"]) == ("5", "100", "5.0")
    assert (again["value"], churn["source"], again["source"]) == ("40.0", "A-GEN-09", "A-GEN-09")


@pytest.mark.rule("A-AUT-02")
def test_a_dealer_tells_churn_by_the_year(office: Offices) -> None:
    """Promise: 8 of the 100 customers of the beginning lost in the year are 8 %."""
    dealer = office("auto-dealer")
    dealer.states("churn", "2026-01", numerator="8", denominator="100")
    row = dealer.kpi("churn", "2026")
    assert (row["value"], row["judged_by"], row["source"]) == ("8.0", "year", "A-AUT-02")


@pytest.mark.rule("A-CCC-01")
def test_deals_are_counted_against_enquiries(office: Offices) -> None:
    """Promise: 30 deals of 200 enquiries are 15.0 %; other requests are no enquiries."""
    centre = office("call-centre")
    centre.states("deals", value="30")
    centre.tells(*(request(n, None) for n in range(200)), *(request(300 + n, kind="need") for n in range(9)))
    row = centre.kpi("conversion")
    assert (row["numerator"], row["denominator"], row["value"]) == ("30", "200", "15.0")


@pytest.mark.rule("A-CCC-06")
def test_customers_who_bought_again_are_the_repurchase_rate(office: Offices) -> None:
    """Promise: 3 of 10 customers who bought again are 30 %."""
    centre = office("call-centre")
    centre.states("repurchase", numerator="3", denominator="10")
    row = centre.kpi("repurchase")
    assert (row["name"], row["value"], row["source"]) == ("复购率", "30.0", "A-CCC-06")


# --- parts, places and what stands beside -------------------------------------------------------------------


@pytest.mark.rule("A-JD3-04")
@pytest.mark.parametrize(("ours", "met"), [("4.8", True), ("4.7", False)])
def test_a_shop_s_rating_is_to_be_above_the_industry_s(office: Offices, ours: str, *, met: bool) -> None:
    """Promise: 4.8 against 4.7 passes, the average itself fails; without an average nobody judges."""
    shops = office("standard")
    shops.states("shop_dsr", "2026-05-05", unit="S1", value=ours)
    assert shops.part("shop_dsr", Dimension.UNIT, "S1", "2026-05-05")["met"] is None
    shops.states("industry_dsr", "2026-05-05", value="4.7")
    part = shops.part("shop_dsr", Dimension.UNIT, "S1", "2026-05-05")
    assert (part["value"], part["target"], part["met"]) == (ours, "4.7", met)


@pytest.mark.rule("A-JD13-03")
def test_departments_are_ranked_by_what_audits_rate_them(office: Offices) -> None:
    """Promise: REPAIR with 4.1 ranks before DESIGN with 3.5; the month's average is no department's."""
    desk = office("standard")
    for unit, value in (("DESIGN", "3.5"), ("REPAIR", "4.1")):
        desk.states("department_rating", unit=unit, value=value)
    rows = desk.kpi("department_rating", by=Dimension.UNIT)["parts"]
    assert [(row["key"], row["value"], row["place"]) for row in rows] == [
        ("REPAIR", "4.1", 1),
        ("DESIGN", "3.5", 2),
    ]


@pytest.mark.rule("A-JD11-05")
def test_a_vendor_that_misses_one_of_its_indices_has_not_met_them_all(office: Offices) -> None:
    """Promise: of five indices of vendor V1 four are met, so the month's assessment as a whole is not."""
    codes = [f"index_{number}" for number in range(5)]
    own = ["reported_figures:", "formulas:", "kpis:", "index_systems:"]
    figures = [
        f"  {code}: {{name: {code}, english: index, gives: share, per: [unit], source: organisation}}"
        for code in codes
    ]
    formulas = [
        f"  {code}: {{english: an index, unit: percent, source: organisation,"
        f" numerator: [{{kind: figures, count: numerator, where: {{category: {code}}}}}],"
        f" denominator: [{{kind: figures, count: denominator, where: {{category: {code}}}}}]}}"
        for code in codes
    ]
    kpis = [target(code, "90", per="unit") for code in codes]
    weights = ", ".join(f"{code}: 20" for code in codes)
    system = f"  outsourced: {{name: 外包考核, weights: {{{weights}}}, source: organisation}}"
    lines = [own[0], *figures, own[1], *formulas, own[2], *kpis, own[3], system]
    desk = office("standard", "\n".join(lines))
    for number, code in enumerate(codes):
        desk.states(code, unit="V1", numerator="89" if number == 3 else "95", denominator="100")
    answer = desk.app.kpis.measuring.kpis(
        ORG,
        {"window": Window.of("2026-05"), "codes": [], "trend": 0, "by": Dimension.UNIT, "key": "V1"},
    )
    (system_row,) = answer["systems"]
    assert (system_row["indices"], system_row["met"], system_row["all_met"]) == (5, 4, False)
    assert system_row["weight_met"] == "80"


@pytest.mark.rule("A-JD14-13")
def test_what_a_promotion_brought_stands_against_what_it_cost(office: Offices) -> None:
    """Promise: extra sales of 5,000 for a cost of 1,000 are a return of 5.0."""
    desk = office("standard")
    desk.states("promotion_return", project="PR1", numerator="5000", denominator="1000")
    part = desk.part("promotion_return", Dimension.PROJECT, "PR1")
    assert (part["value"], desk.kpi("promotion_return")["unit"]) == ("5.0", "ratio")


@pytest.mark.rule("A-JD15-05")
def test_contracts_renewed_are_counted_of_those_running_out(office: Offices) -> None:
    """Promise: 9 of 10 renewed are 90 %."""
    desk = office("standard")
    desk.states("contract_renewal", numerator="9", denominator="10")
    row = desk.kpi("contract_renewal")
    assert (row["value"], row["source"]) == ("90.0", "A-JD15-05")


@pytest.mark.rule("A-JD7-01")
def test_what_was_sold_stands_against_what_was_to_be_sold(office: Offices) -> None:
    """Promise: 80 room nights of a target of 100 are 80 %."""
    desk = office("standard")
    desk.states("sales_target", numerator="80", denominator="100")
    row = desk.kpi("sales_target")
    assert (row["value"], row["source"]) == ("80.0", "A-JD7-01")


@pytest.mark.rule("A-JD5-06")
def test_the_property_fees_collected_are_held_against_the_organisation_s_target(office: Offices) -> None:
    """Promise: 95,000 of 100,000 receivable meets a target of 95 % that the organisation set."""
    desk = office("standard", aim(fee_collection="95"))
    desk.states("fee_collection", numerator="95000", denominator="100000")
    row = desk.kpi("fee_collection")
    assert (row["value"], row["target"], row["met"]) == ("95.0", "95", True)


@pytest.mark.rule("B-DET-12")
def test_a_plan_is_held_against_its_target_with_the_gap(office: Offices) -> None:
    """Promise: a target of 95 % and 93 % carried out are a gap of -2."""
    desk = office("standard", aim(plan_execution="95"))
    desk.states("plan_execution", numerator="93", denominator="100")
    row = desk.kpi("plan_execution")
    assert (row["value"], row["target"], row["gap"], row["met"]) == ("93.0", "95", "-2.0", False)


@pytest.mark.rule("B-HOW-02")
def test_satisfaction_time_and_resolution_stand_against_the_team_s_targets(office: Offices) -> None:
    """Promise: the three figures of March are shown against the targets that were set for the team."""
    team = office("standard", aim(satisfaction="85", handling_time="300", resolution_rate="95"))
    march = beijing("2026-03-10 09:00")
    stories = [case(number, march).accepted() for number in range(100)]
    for number, story in enumerate(stories):
        answered = timestamp(march + timedelta(minutes=312))
        story.case("case_replied", valid=True, replied_at=answered, round=1)
        if number < 93:
            story.called_back("satisfied" if number < 81 else "neutral").closed()
    team.tells(*stories)
    rows = {code: team.kpi(code, "2026-03") for code in ("satisfaction", "handling_time", "resolution_rate")}
    assert {code: (row["value"], row["target"], row["met"]) for code, row in rows.items()} == {
        "satisfaction": ("87.1", "85", True),
        "handling_time": ("312.0", "300", False),
        "resolution_rate": ("93.0", "95", False),
    }
    assert rows["satisfaction"]["gap"] == "2.1"


@pytest.mark.rule("B-CST-06")
def test_a_department_has_three_values_a_month(office: Offices) -> None:
    """Promise: quality, efficiency and satisfaction of the service are three figures of every month."""
    desk = office("standard")
    card = {
        "score_id": "sc_1", "kind": "chat_check", "agent": "u-1", "total": "20", "of": "25", "passed": True,
    }  # fmt: skip
    scored = Story("sc_1", ORG).tell("followup", "item_scored", "sc_1", card)
    scored.events = [_at(event, MAY) for event in scored.events]
    desk.tells(scored, request(1), request(2, on_time=False), callback(1, "satisfied"))
    asked = ("service_quality", "service_efficiency", "service_satisfaction")
    rows = [desk.kpi(code) for code in asked]
    assert [row["value"] for row in rows] == ["80.0", "50.0", "100.0"]
    assert {row["source"] for row in rows} == {"B-CST-06"}


def test_first_contact_resolution_stands_there_in_three_ways(office: Offices) -> None:
    """Promise: of four requests one was passed on, one asked again and one is not done: 2 of 3, 3 of 4, 3 of 4."""
    desk = office("standard")
    desk.tells(request(1), request(2, passed=True), request(3, None, repeated=True), request(4))
    rows = [desk.kpi(code) for code in ("first_contact_resolution", "kept_by_first", "not_asked_again")]
    assert [(row["numerator"], row["denominator"]) for row in rows] == [("2", "3"), ("3", "4"), ("3", "4")]


def test_a_figure_is_split_only_by_what_everything_it_sums_is_counted_apart_by(office: Offices) -> None:
    """Promise: complaints are not counted by person, so no table by person is made of them."""
    desk = office("standard")
    desk.tells(case(1).accepted(), request(1, staff="u-7"), request(2, staff="u-8", on_time=False))
    assert desk.kpi("resolution_rate", by=Dimension.PERSON)["parts"] is None
    parts = desk.kpi("service_efficiency", by=Dimension.PERSON)["parts"]
    assert [(part["key"], part["value"], part["place"]) for part in parts] == [
        ("u-7", "100.0", 1),
        ("u-8", "0.0", 2),
    ]
    found = behind(
        desk.app.kpis.measuring, ORG, "service_efficiency", "2026-05", by=Dimension.PERSON, key="u-8"
    )
    assert [row["id"] for row in found["matters"]] == ["rq_2"]
    with pytest.raises(ValidationFailed, match="cannot be split by person"):
        behind(desk.app.kpis.measuring, ORG, "resolution_rate", "2026-05", by=Dimension.PERSON, key="u-8")


def test_a_figure_is_provisional_until_its_window_has_ended(office: Offices) -> None:
    """Promise: May is provisional on 6 May, April is not."""
    measuring = office("standard").app.kpis.measuring
    data = {"codes": [], "trend": 0, "by": None, "key": None}
    answers = [measuring.kpis(ORG, data | {"window": Window.of(text)}) for text in ("2026-05", "2026-04")]
    assert [answer["provisional"] for answer in answers] == [True, False]


def test_a_figure_can_be_explained_down_to_its_sums_and_matters(office: Offices) -> None:
    """Promise: formula, every sum of it, the rule it comes from, the trend and what is behind the number."""
    desk = office("standard")
    desk.tells(request(1), request(2, passed=True))
    asked = {"code": "kept_by_first", "window": Window.of("2026-05"), "trend": 2, "limit": 1}
    answer = desk.app.kpis.measuring.explain(ORG, asked)
    assert answer["formula"] == {
        "code": "kept_by_first",
        "source": "design",
        "numerator": [
            {"term": "requests.opened", "sum": "2"},
            {"term": "− requests.passed", "sum": "1"},
        ],
        "denominator": [{"term": "requests.opened", "sum": "2"}],
    }
    assert ([row["window"] for row in answer["previous"]], answer["value"]) == (
        ["2026-04", "2026-03"],
        "50.0",
    )
    assert ([row["id"] for row in answer["matters"]], answer["next"]) == (["rq_1"], "requests:rq_1")


# --- what other systems state --------------------------------------------------------------------------------


def test_a_later_statement_of_the_same_window_corrects_the_earlier(office: Offices) -> None:
    """Promise: what a fee system says again counts instead of what it said before, not beside it."""
    estate = office("property")
    first = estate.states("fee_collection", person="u-s1", numerator="90", denominator="100")
    second = estate.states("fee_collection", person="u-s1", numerator="97.5", denominator="100")
    assert (first["statement_id"], first["times"]) == (second["statement_id"], second["times"] - 1)
    row = estate.kpi("fee_collection")
    assert (row["numerator"], row["denominator"], row["met"]) == ("97.5", "100", True)


def test_a_statement_sent_twice_counts_once_and_is_answered_alike(office: Offices) -> None:
    """Promise: a repeat of the command after a correction brings the old figure back to nobody."""
    estate = office("property")
    said = {"person": "u-s1", "numerator": "90", "denominator": "100"}
    first = estate.states("fee_collection", key="k-fees", **said)
    estate.states("fee_collection", person="u-s1", numerator="99", denominator="100")
    assert estate.states("fee_collection", key="k-fees", **said) == first
    assert estate.kpi("fee_collection")["numerator"] == "99"
    assert len(estate.events("figure_reported")) == 2


@pytest.mark.parametrize(
    ("figure", "window", "said", "problem"),
    [
        ("fee_collection", "2026-05", {"numerator": "1", "denominator": "2"}, "person"),
        ("fee_collection", "2026-05", {"person": "u-1", "numerator": "1"}, "denominator"),
        ("fee_collection", "2026-05", {"person": "u-1", "value": "1"}, "value"),
        ("households", "2026-Q2", {"value": "1"}, "window"),
        ("households", "2026-05", {"value": "1", "unit": "A"}, "unit"),
    ],
)
def test_a_statement_that_does_not_say_what_is_asked_is_refused_with_the_field(
    office: Offices, figure: str, window: str, said: dict[str, str], problem: str
) -> None:
    """Promise: a share needs both its sides, each figure its own window and parts, so that no sum counts twice."""
    with pytest.raises(ValidationFailed) as caught:
        office("property").states(figure, window, **said)
    assert problem in {each.field for each in caught.value.problems}


def test_a_figure_the_rulebook_takes_from_nobody_is_not_found(office: Offices) -> None:
    """Promise: the answer names the figures there are."""
    with pytest.raises(NotFound, match="takes no figure 'mood'; it takes fee_collection"):
        office("property").states("mood", value="1")


_DAYS = st.dates(date(2026, 3, 28), date(2026, 6, 3)).map(date.isoformat)
_CELLS = st.builds(
    Cell,
    st.just(ORG),
    st.just("requests"),
    _DAYS,
    st.sampled_from(["need", "repair"]),
    person=st.sampled_from(["", "u-1"]),
)


@given(
    st.dictionaries(_CELLS, st.fixed_dictionaries({"opened": st.integers(0, 9).map(Decimal)}), max_size=12),
    st.sampled_from(list(Days)),
    st.sampled_from(["2026", "2026-Q2", "2026-05", "2026-W20", "2026-05-04"]),
)
def test_gathering_days_changes_no_sum(cells: dict[Cell, dict[str, Decimal]], days: Days, text: str) -> None:
    """Promise: sums over a window, before it and until its end are the same of many cells and of few."""
    window = Window.of(text)
    terms = [Term("requests", "opened", (Only(Dimension.CATEGORY, ("need",)),), days=days)]
    few = gathered({"requests": cells}, window)
    assert summed(terms, few, window) == summed(terms, {"requests": cells}, window)
    assert len({cell.day for cell in few["requests"]}) <= 2


# --- windows -------------------------------------------------------------------------------------------------


@given(st.dates(datetime(2000, 1, 10).date(), datetime(2099, 12, 1).date()), st.sampled_from(list(Span)))  # noqa: DTZ001 - days
def test_windows_follow_each_other_without_gap_or_overlap_and_are_read_as_written(
    day: Any, span: Span
) -> None:
    """Promise: every day is in exactly one window of each length."""
    window = Window.containing(day, span)
    assert window.first <= day <= window.last
    assert window.previous.last == window.first - timedelta(days=1)
    assert Window.of(str(window)) == window


@pytest.mark.parametrize(
    "text",
    ["", "2026-13", "2026-Q5", "2026-W54", "2026-02-30", "1999", "2026-1", " 2026", "2026-W53-1", "２０２６"],
)
def test_what_is_no_window_is_refused(text: str) -> None:
    """Promise: a window is asked for in one way only."""
    with pytest.raises(ValueError, match=r"."):
        Window.of(text)
