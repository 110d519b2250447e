"""The month's table and key figures, measured by the organisations' own rulebooks."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.reporting.domain.kpi import Figure, figure
from services.reporting.domain.month import Month
from services.reporting.domain.rulebook import Comparison, KpiTarget, ReportingRules
from services.reporting.handlers.archive import ArchiveEvents
from services.reporting.handlers.figures import Figures
from shared.errors import NotFound
from shared.regulations import Rulebooks, Sourced
from tests.unit.reporting.stories import START, Story, delivery

NOVEMBER = Month(2026, 11)


def tell(archive: ArchiveEvents, *stories: Story) -> None:
    """Let the stories reach the archive."""
    events = [event for story in stories for event in story.events]
    for source in {event.source for event in events}:
        archive(source, [delivery(event) for event in events if event.source == source])


def kpi(figures: Figures, org: str, code: str) -> dict[str, Any]:
    """Return one key figure of November."""
    rows = figures.kpis(org, NOVEMBER)["kpis"]
    found: dict[str, Any] = next(row for row in rows if row["code"] == code)
    return found


def cases(org: str, count: int, first: int = 0) -> list[Story]:
    """Return ``count`` opened and accepted cases."""
    return [Story(f"cs_{number}", org).opened().accepted() for number in range(first, first + count)]


@pytest.mark.rule("B-JKC-18")
@pytest.mark.parametrize(("handled", "percent", "met"), [(58, "100.0", True), (57, "98.3", False)])
def test_the_plaza_wants_every_valid_complaint_handled(
    archive: ArchiveEvents, figures: Figures, handled: int, percent: str, *, met: bool
) -> None:
    """Promise: 58 valid and 58 handled is 100 %, one less misses the target; invalid ones do not count."""
    valid = cases("plaza-demo", 58)
    for story in valid[:handled]:
        story.replied()
    invalid = Story("cs_x", "plaza-demo").opened().case("case_refused", clocks=[])
    tell(archive, *valid, invalid)
    row = kpi(figures, "plaza-demo", "valid_complaints_handled")
    assert (row["numerator"], row["denominator"], row["percent"]) == (handled, 58, percent)
    assert (row["target"], row["met"], row["source"]) == ("100", met, "B-JKC-18")


@pytest.mark.rule("A-PRM-25")
@pytest.mark.parametrize(("handled", "percent", "met"), [(20, "100.0", True), (19, "95.0", False)])
def test_the_estate_wants_every_complaint_handled(
    archive: ArchiveEvents, figures: Figures, handled: int, percent: str, *, met: bool
) -> None:
    """Promise: 20 of 20 passes, 19 of 20 is 95 % and fails."""
    stories = cases("property-demo", 20)
    for story in stories[:handled]:
        story.replied().closed()
    tell(archive, *stories)
    row = kpi(figures, "property-demo", "valid_complaints_handled")
    assert (row["percent"], row["met"], row["source"]) == (percent, met, "A-PRM-25")


@pytest.mark.rule("B-PRO-12")
def test_forty_of_forty_one_valid_complaints_called_back_miss_the_estate_s_target(
    archive: ArchiveEvents, figures: Figures
) -> None:
    """Promise: 41 valid, 40 called is 97.6 % and not met; a callback on an invalid one makes up for nothing."""
    valid = cases("property-demo", 41)
    for story in valid:
        story.replied()
    for story in valid[:40]:
        story.called_back()
    invalid = Story("cs_x", "property-demo").opened().replied(valid=False).called_back()
    tell(archive, *valid, invalid)
    row = kpi(figures, "property-demo", "callback_rate")
    assert (row["numerator"], row["denominator"], row["percent"]) == (40, 41, "97.6")
    assert (row["met"], row["source"]) == (False, "B-PRO-12")


@pytest.mark.rule("A-PRM-02")
@pytest.mark.parametrize(("called", "percent", "met"), [(5, "50.0", True), (4, "40.0", False)])
def test_half_of_the_estate_s_handled_complaints_are_called_back(
    archive: ArchiveEvents, figures: Figures, called: int, percent: str, *, met: bool
) -> None:
    """Promise: 10 handled, 5 called back passes at 50 %, 4 fails; valid or not, but not those still in work."""
    handled = [*cases("property-demo", 8), *(Story(f"cs_i{n}").opened() for n in range(2))]
    for number, story in enumerate(handled):
        story.replied(valid=number < 8)
    for story in handled[-called:]:
        story.called_back("neutral")
    tell(archive, *handled, *cases("property-demo", 3, first=50))
    row = kpi(figures, "property-demo", "callback_rate_of_handled")
    assert (row["numerator"], row["denominator"], row["percent"]) == (called, 10, percent)
    assert (row["target"], row["met"], row["source"]) == ("50", met, "A-PRM-02")


@pytest.mark.rule("A-PRM-01")
def test_satisfaction_is_the_satisfied_among_those_asked(archive: ArchiveEvents, figures: Figures) -> None:
    """Promise: 45 satisfied of 50 asked is 90 %; the source's target is lost, so none is judged."""
    stories = cases("property-demo", 51)
    for number, story in enumerate(stories[:50]):
        story.replied().called_back("satisfied" if number < 45 else ("neutral", "dissatisfied")[number % 2])
    stories[50].replied().callback("callback_scheduled").callback("callback_attempted", attempts=1)
    tell(archive, *stories)
    row = kpi(figures, "property-demo", "satisfaction")
    assert (row["numerator"], row["denominator"], row["percent"]) == (45, 50, "90.0")
    assert (row["target"], row["met"], row["source"]) == (None, None, "A-PRM-01")


def test_handled_on_time_divides_the_closed_without_breach_by_all_closed(
    archive: ArchiveEvents, figures: Figures
) -> None:
    """Promise: only closed cases count, and one breached deadline is enough to miss."""
    stories = cases("shop-demo", 5)
    for number, story in enumerate(stories[:4]):
        story.replied().closed(on_time=number != 0)
    tell(archive, *stories)
    row = kpi(figures, "shop-demo", "handled_on_time")
    assert (row["numerator"], row["denominator"], row["percent"]) == (3, 4, "75.0")


def test_a_key_figure_without_anything_to_divide_by_has_no_percent_and_is_not_judged(
    figures: Figures,
) -> None:
    """Promise: an empty month is neither 0 % nor 100 %."""
    row = kpi(figures, "property-demo", "valid_complaints_handled")
    assert (row["numerator"], row["denominator"], row["percent"], row["met"]) == (0, 0, None, None)


@given(numerator=st.integers(0, 10**6), denominator=st.integers(1, 10**6))
def test_a_target_is_judged_by_the_exact_share_and_never_by_the_rounded_one(
    numerator: int, denominator: int
) -> None:
    """Promise: 94.96 % is shown as 95.0 and still misses a target of 95."""
    wanted = KpiTarget(
        "satisfaction", "满意率", Comparison.AT_LEAST, "A-PRM-01", Sourced(Decimal(95), "A-PRM-01")
    )
    shown = Figure(wanted, numerator, denominator)
    assert shown.met is (numerator * 100 >= 95 * denominator)
    assert isinstance(shown.percent, Decimal)
    assert abs(Decimal(shown.as_data()["percent"]) - shown.percent) <= Decimal("0.05")


def test_half_a_tenth_of_a_percent_is_rounded_up() -> None:
    """Promise: percents are rounded as people do it, not as binary fractions do."""
    wanted = KpiTarget("satisfaction", "满意率", Comparison.AT_LEAST, "A-PRM-01")
    sums = {"callbacks_satisfied": 1, "callbacks_made": 2000}
    assert figure(wanted, sums).as_data()["percent"] == "0.1"


def test_the_cases_behind_a_key_figure_add_up_to_it(archive: ArchiveEvents, figures: Figures) -> None:
    """Promise: every figure can be followed down to its cases."""
    stories = cases("property-demo", 7)
    for number, story in enumerate(stories[:5]):
        story.replied().called_back("satisfied" if number else "neutral", 1)
    stories[1].reopened().replied(number=2).called_back("dissatisfied", 2)
    tell(archive, *stories)
    for row in figures.kpis("property-demo", NOVEMBER)["kpis"]:
        behind = figures.kpi_cases("property-demo", row["code"], NOVEMBER, 100, 0)["cases"]
        assert sum(case["numerator"] for case in behind) == row["numerator"], row["code"]
        assert sum(case["denominator"] for case in behind) == row["denominator"], row["code"]
    page = figures.kpi_cases("property-demo", "satisfaction", NOVEMBER, 1, 1)["cases"]
    assert page == [{"case_id": "cs_1", "number": "PRO-cs_1", "numerator": 1, "denominator": 2}]


def test_a_key_figure_the_rulebook_does_not_ask_for_is_not_found(figures: Figures) -> None:
    """Promise: the answer names the figures there are."""
    with pytest.raises(NotFound, match=r"callback_rate_of_handled.*it has handled_on_time"):
        figures.kpi_cases("plaza-demo", "callback_rate_of_handled", NOVEMBER, 10, 0)


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
    figures: Figures, rulebooks: Rulebooks[ReportingRules]
) -> None:
    """Promise: the answer names the version measured by, and a month before the first one is not found."""
    answer = figures.kpis("property-demo", NOVEMBER)
    assert answer["regulation"] == rulebooks.for_org("property-demo", START).version
    with pytest.raises(NotFound, match="no rulebook in force on 2019-12-31"):
        figures.kpis("property-demo", Month(2019, 12))


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
