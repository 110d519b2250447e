"""The month's table and key figures, measured by the organisations' own rulebooks."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.reporting.domain.kpis.definition import Comparison, Kpi, Unit
from services.reporting.domain.kpis.figure import Figure, Measure
from services.reporting.domain.month import Month
from services.reporting.domain.rulebook import ReportingRules
from services.reporting.handlers.archive import ArchiveEvents
from services.reporting.handlers.figures import Figures
from services.reporting.handlers.kpis.measuring import Measuring
from shared.errors import NotFound
from shared.regulations import Rulebooks
from tests.unit.reporting.kpi_world import behind, kpi, kpis
from tests.unit.reporting.stories import START, Story, delivery

NOVEMBER = Month(2026, 11)


def tell(archive: ArchiveEvents, *stories: Story) -> None:
    """Let the stories reach the archive."""
    events = [event for story in stories for event in story.events]
    for source in {event.source for event in events}:
        archive(source, [delivery(event) for event in events if event.source == source])


def cases(org: str, count: int, first: int = 0) -> list[Story]:
    """Return ``count`` opened and accepted cases."""
    return [Story(f"cs_{number}", org).opened().accepted() for number in range(first, first + count)]


@pytest.mark.rule("B-JKC-18")
@pytest.mark.parametrize(("handled", "percent", "met"), [(58, "100.0", True), (57, "98.3", False)])
def test_the_plaza_wants_every_valid_complaint_handled(
    archive: ArchiveEvents, measuring: Measuring, handled: int, percent: str, *, met: bool
) -> None:
    """Promise: 58 valid and 58 handled is 100 %, one less misses the target; invalid ones do not count."""
    valid = cases("plaza-demo", 58)
    for story in valid[:handled]:
        story.replied()
    invalid = Story("cs_x", "plaza-demo").opened().case("case_refused", clocks=[])
    tell(archive, *valid, invalid)
    row = kpi(measuring, "plaza-demo", "valid_complaints_handled")
    assert (row["numerator"], row["denominator"], row["value"]) == (str(handled), "58", percent)
    assert (row["target"], row["met"], row["source"]) == ("100", met, "B-JKC-18")


@pytest.mark.rule("A-PRM-25")
@pytest.mark.parametrize(("handled", "percent", "met"), [(20, "100.0", True), (19, "95.0", False)])
def test_the_estate_wants_every_complaint_handled(
    archive: ArchiveEvents, measuring: Measuring, handled: int, percent: str, *, met: bool
) -> None:
    """Promise: 20 of 20 passes, 19 of 20 is 95 % and fails."""
    stories = cases("property-demo", 20)
    for story in stories[:handled]:
        story.replied().closed()
    tell(archive, *stories)
    row = kpi(measuring, "property-demo", "valid_complaints_handled")
    assert (row["value"], row["met"], row["source"]) == (percent, met, "A-PRM-25")


@pytest.mark.rule("B-PRO-12")
def test_forty_of_forty_one_valid_complaints_called_back_miss_the_estate_s_target(
    archive: ArchiveEvents, measuring: Measuring
) -> None:
    """Promise: 41 valid, 40 called is 97.6 % and not met; a callback on an invalid one makes up for nothing."""
    valid = cases("property-demo", 41)
    for story in valid:
        story.replied()
    for story in valid[:40]:
        story.called_back()
    invalid = Story("cs_x", "property-demo").opened().replied(valid=False).called_back()
    tell(archive, *valid, invalid)
    row = kpi(measuring, "property-demo", "callback_rate")
    assert (row["numerator"], row["denominator"], row["value"]) == ("40", "41", "97.6")
    assert (row["met"], row["source"]) == (False, "B-PRO-12")


@pytest.mark.rule("A-PRM-02")
@pytest.mark.parametrize(("called", "percent", "met"), [(5, "50.0", True), (4, "40.0", False)])
def test_half_of_the_estate_s_handled_complaints_are_called_back(
    archive: ArchiveEvents, measuring: Measuring, called: int, percent: str, *, met: bool
) -> None:
    """Promise: 10 handled, 5 called back passes at 50 %, 4 fails; valid or not, but not those still in work."""
    handled = [*cases("property-demo", 8), *(Story(f"cs_i{n}").opened() for n in range(2))]
    for number, story in enumerate(handled):
        story.replied(valid=number < 8)
    for story in handled[-called:]:
        story.called_back("neutral")
    tell(archive, *handled, *cases("property-demo", 3, first=50))
    row = kpi(measuring, "property-demo", "callback_rate_of_handled")
    assert (row["numerator"], row["denominator"], row["value"]) == (str(called), "10", percent)
    assert (row["target"], row["met"], row["source"]) == ("50", met, "A-PRM-02")


@pytest.mark.rule("A-PRM-01")
def test_satisfaction_is_the_satisfied_among_those_asked(
    archive: ArchiveEvents, measuring: Measuring
) -> None:
    """Promise: 45 satisfied of 50 asked is 90 %; the source's target is lost, so none is judged."""
    stories = cases("property-demo", 51)
    for number, story in enumerate(stories[:50]):
        story.replied().called_back("satisfied" if number < 45 else ("neutral", "dissatisfied")[number % 2])
    stories[50].replied().callback("callback_scheduled").callback("callback_attempted", attempts=1)
    tell(archive, *stories)
    row = kpi(measuring, "property-demo", "satisfaction")
    assert (row["numerator"], row["denominator"], row["value"]) == ("45", "50", "90.0")
    assert (row["target"], row["met"], row["source"]) == (None, None, "A-PRM-01")


def test_handled_on_time_divides_the_closed_without_breach_by_all_closed(
    archive: ArchiveEvents, measuring: Measuring
) -> None:
    """Promise: only closed cases count, and one breached deadline is enough to miss."""
    stories = cases("shop-demo", 5)
    for number, story in enumerate(stories[:4]):
        story.replied().closed(on_time=number != 0)
    tell(archive, *stories)
    row = kpi(measuring, "shop-demo", "handled_on_time")
    assert (row["numerator"], row["denominator"], row["value"]) == ("3", "4", "75.0")


def test_a_key_figure_without_anything_to_divide_by_has_no_percent_and_is_not_judged(
    measuring: Measuring,
) -> None:
    """Promise: an empty month is neither 0 % nor 100 %."""
    row = kpi(measuring, "property-demo", "valid_complaints_handled")
    assert (row["numerator"], row["denominator"], row["value"], row["met"]) == ("0", "0", None, None)


def _figure(numerator: int, denominator: int, target: int | None) -> Figure:
    asked = Kpi("satisfaction", "满意率", Comparison.AT_LEAST, "A-PRM-01", "satisfaction")
    measure = Measure(Unit.PERCENT, Decimal(numerator), Decimal(denominator))
    return Figure(asked, measure, None if target is None else Fraction(target), judged=True)


@given(numerator=st.integers(0, 10**6), denominator=st.integers(1, 10**6))
def test_a_target_is_judged_by_the_exact_share_and_shown_on_the_side_it_is_on(
    numerator: int, denominator: int
) -> None:
    """Promise: 94.96 % misses a target of 95, and is not shown as 95.0."""
    each = _figure(numerator, denominator, 95)
    assert each.met is (numerator * 100 >= 95 * denominator)
    shown = Decimal(each.as_data()["value"])
    assert abs(Fraction(shown) - Fraction(100 * numerator, denominator)) <= Fraction(1, 20)
    assert (shown >= 95) is each.met


def test_half_a_tenth_of_a_percent_is_rounded_up() -> None:
    """Promise: percents are rounded as people do it, not as binary fractions do."""
    assert _figure(1, 2000, None).as_data()["value"] == "0.1"


def test_the_cases_behind_a_key_figure_add_up_to_it(archive: ArchiveEvents, measuring: Measuring) -> None:
    """Promise: every figure can be followed down to its cases."""
    stories = cases("property-demo", 7)
    for number, story in enumerate(stories[:5]):
        story.replied().called_back("satisfied" if number else "neutral", 1)
    stories[1].reopened().replied(number=2).called_back("dissatisfied", 2)
    tell(archive, *stories)
    for row in kpis(measuring, "property-demo")["kpis"]:
        matters = behind(measuring, "property-demo", row["code"])["matters"]
        for sum_of in ("numerator", "denominator"):
            assert sum(Decimal(each[sum_of]) for each in matters) == Decimal(row[sum_of]), row["code"]
    first = behind(measuring, "property-demo", "satisfaction", limit=1)
    page = behind(measuring, "property-demo", "satisfaction", limit=1, after=first["next"])
    assert page["matters"] == [
        {"kind": "cases", "id": "cs_1", "number": "PRO-cs_1", "numerator": "1", "denominator": "2"}
    ]
    last = behind(measuring, "property-demo", "satisfaction", limit=4, after=first["next"])
    assert ([row["id"] for row in last["matters"]], last["next"]) == (["cs_1", "cs_2", "cs_3", "cs_4"], None)


def test_a_key_figure_the_rulebook_does_not_ask_for_is_not_found(measuring: Measuring) -> None:
    """Promise: the answer names the figures there are."""
    with pytest.raises(NotFound, match=r"callback_rate_of_handled.*it has .*handled_on_time"):
        behind(measuring, "plaza-demo", "callback_rate_of_handled")


def test_the_table_counts_cases_by_state_level_and_what_went_wrong(
    archive: ArchiveEvents, figures: Figures
) -> None:
    """Promise: every column of the statistics table is counted from what happened."""
    tell(
        archive,
        Story("cs_1").opened("minor").accepted().replied().called_back().closed(),
        Story("cs_2")
        .opened("major")
        .case("case_refused", clocks=[])
        .replied(valid=False)
        .closed(valid=False),
        Story("cs_3").opened("minor").accepted().breached(),
        Story("cs_4").opened("minor").accepted().replied().called_back("dissatisfied").reopened(),
        Story("cs_5").opened("minor").case("case_escalated", cause="repeat", repeats=1),
        Story("cs_6").opened("minor").accepted().replied().callback("callback_scheduled"),
        Story("cs_7", "retail-demo").opened("minor"),
    )
    table = figures.statistics("property-demo", NOVEMBER)
    assert table["cases"] == {
        "received": 6,
        "valid": 4,
        "refused": 1,
        "undecided": 1,
        "open": 3,
        "replied": 1,
        "closed": 2,
        "overdue": 1,
        "late": 1,
        "reopened": 1,
        "escalated": 1,
        "by_level": [{"level": "minor", "count": 5}, {"level": "major", "count": 1}],
    }
    assert table["callbacks"] == {"scheduled": 3, "made": 2, "satisfied": 1, "overdue": 0}
    assert (table["org"], table["month"], table["time_zone"]) == ("property-demo", "2026-11", "Asia/Shanghai")


@pytest.mark.parametrize(
    ("received_at", "month"),
    [
        (datetime(2026, 10, 31, 15, 59, 59, 999000, tzinfo=UTC), Month(2026, 10)),
        (datetime(2026, 10, 31, 16, 0, tzinfo=UTC), NOVEMBER),
        (datetime(2026, 11, 30, 15, 59, 59, 999000, tzinfo=UTC), NOVEMBER),
        (datetime(2026, 11, 30, 16, 0, tzinfo=UTC), Month(2026, 12)),
    ],
)
def test_a_case_belongs_to_the_month_it_was_received_in_by_the_organisation_s_own_clock(
    archive: ArchiveEvents, figures: Figures, received_at: datetime, month: Month
) -> None:
    """Promise: midnight in Shanghai is the border, not midnight in London."""
    tell(archive, Story(received_at=received_at).opened())
    counted = {
        str(each): figures.statistics("property-demo", each)["cases"]["received"]
        for each in (Month(2026, 10), NOVEMBER, Month(2026, 12))
    }
    assert [name for name, count in counted.items() if count] == [str(month)]


def test_a_month_is_measured_by_the_rulebook_in_force_at_its_end(
    measuring: Measuring, rulebooks: Rulebooks[ReportingRules]
) -> None:
    """Promise: the answer names the version measured by, and a month before the first one is not found."""
    answer = kpis(measuring, "property-demo")
    assert answer["regulation"] == rulebooks.for_org("property-demo", START).version
    with pytest.raises(NotFound, match="no rulebook in force on 2019-12-31"):
        kpis(measuring, "property-demo", "2019-12")


@given(
    st.integers(2000, 2098), st.integers(1, 12), st.sampled_from(["Asia/Shanghai", "America/New_York", "UTC"])
)
def test_months_follow_each_other_without_gap_or_overlap(year: int, number: int, zone: str) -> None:
    """Promise: every moment is in exactly one month, also where clocks are put forward or back."""
    month = Month(year, number)
    assert month.ends(zone) == month.next.begins(zone) > month.begins(zone)
    assert Month.containing(month.begins(zone), zone) == month
    assert Month.containing(month.last_moment(zone), zone) == month
    assert Month.of(str(month)) == month


@pytest.mark.parametrize(
    "text", ["", "2026", "2026-13", "2026-00", "2026-1", "1999-12", "2026-11-01", " 2026-11", "２０２６-11"]
)
def test_what_is_no_month_is_refused(text: str) -> None:
    """Promise: a month is asked for in one way only."""
    with pytest.raises(ValueError, match="no month"):
        Month.of(text)
