"""The ten-point conduct score (十分制) of an online store: what takes points away, and what follows."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from shared.errors import RuleRefused
from tests.unit.reporting.register_world import refused
from tests.unit.reporting.scorecard_world import Scored

Offices = Callable[..., Scored]
MARCH = "2026-03"
#: The month it is now: leave is approved before its shift.
MAY = "2026-05"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Scored:
    """Give one shop; every test of it is about a person of its own."""
    return Scored(tmp_path_factory.mktemp("conduct"), "online-store")


def days(count: int) -> list[str]:
    return [f"2026-03-{day:02}" for day in range(2, 2 + count)]


@pytest.mark.rule("B-ECM-23")
def test_a_month_of_which_nothing_was_written_down_begins_and_ends_at_ten(shop: Scored) -> None:
    """Promise: everybody starts a month at ten points, and the card says that there was nothing."""
    card = shop.card(MARCH, "a-nothing")
    assert (card["begins"], card["total"], card["empty"], card["facts"]) == ("10", "10", True, 0)
    assert all(line["amount"] == "0" for line in card["lines"])


@pytest.mark.parametrize(
    ("minutes", "total"),
    [
        pytest.param(0, "10"),
        pytest.param(10, "9.5", marks=pytest.mark.rule("B-ECM-27")),
        pytest.param(30, "9.5", marks=pytest.mark.rule("B-ECM-28")),
        pytest.param(31, "8", marks=pytest.mark.rule("B-ECM-28")),
    ],
)
def test_more_than_thirty_minutes_late_is_absence(shop: Scored, minutes: int, total: str) -> None:
    """Promise: late costs half a point, from the thirty-first minute on two and not both."""
    person = f"a-late-{minutes}"
    shop.came(minutes, "2026-03-04", person)
    assert shop.card(MARCH, person)["total"] == total


@pytest.mark.rule("B-ECM-29")
def test_a_rest_that_nobody_was_asked_for_costs_five(shop: Scored) -> None:
    """Promise: resting without asking is absence without leave."""
    shop.note("unasked_rest", "2026-03-04", "a-rest")
    assert shop.card(MARCH, "a-rest")["total"] == "5"


@pytest.mark.rule("B-ECM-31", "B-ECM-32")
def test_rests_and_leaves_share_four_and_the_fifth_costs_two(shop: Scored) -> None:
    """Promise: three rests and a leave use the four of the month; what exceeds them costs two each."""
    for day in ("2026-05-11", "2026-05-12", "2026-05-13"):
        shop.leave(day, "rest", "a-quota")
    shop.leave("2026-05-20", "leave", "a-quota")
    line = shop.line("rests_and_leaves", MAY, "a-quota")
    assert (line["free"], line["counted"], line["amount"]) == (4, 0, "0")
    shop.leave("2026-05-23", "leave", "a-quota")
    line = shop.line("rests_and_leaves", MAY, "a-quota")
    assert (line["free"], line["counted"], line["amount"]) == (4, 1, "-2")
    assert line["occurrences"][-1]["source"] == "B-ECM-32"


@pytest.mark.rule("B-ECM-26")
def test_a_day_without_a_signature_counts_as_a_rest(shop: Scored) -> None:
    """Promise: who forgets to sign has used one of the four rests of the month."""
    shop.open("missed_signature", shop.by("u-2", "supervisor"), person="a-sign", day="2026-03-04")
    line = shop.line("rests_and_leaves", MARCH, "a-sign")
    assert (line["free"], [each["day"] for each in line["occurrences"]]) == (1, ["2026-03-04"])


@pytest.mark.rule("B-ECM-34")
def test_the_third_time_offline_in_a_month_costs_five(shop: Scored) -> None:
    """Promise: found logged out of the chat tool: twice nothing, the third time five; a special reason excuses."""
    for day in days(2):
        shop.note("offline", day, "a-offline")
    shop.note("offline", "2026-03-10", "a-offline", special_reason=True)
    assert shop.card(MARCH, "a-offline")["total"] == "10"
    shop.note("offline", "2026-03-21", "a-offline")
    assert shop.card(MARCH, "a-offline")["total"] == "5"


@pytest.mark.parametrize(("complaints", "total"), [(2, "10"), (3, "5"), (4, "5"), (5, "0")])
@pytest.mark.rule("B-ECM-35")
def test_complaints_of_no_timely_answer_cost_by_steps(shop: Scored, complaints: int, total: str) -> None:
    """Promise: three cost five, five cost ten; the higher step replaces the lower."""
    person = f"a-answer-{complaints}"
    for day in days(complaints):
        shop.note("no_timely_answer", day, person)
    assert shop.card(MARCH, person)["total"] == total


@pytest.mark.parametrize(("complaints", "total"), [(1, "9"), (2, "8"), (3, "5"), (4, "5"), (5, "0")])
@pytest.mark.rule("B-ECM-36")
def test_complaints_of_attitude_cost_one_each_until_a_step_replaces_them(
    shop: Scored, complaints: int, total: str
) -> None:
    """Promise: two cost two, three five, five ten; only what harms the company counts."""
    person = f"a-attitude-{complaints}"
    shop.note("attitude", "2026-03-01", person)
    for day in days(complaints):
        shop.note("attitude", day, person, harmful=True)
    assert shop.card(MARCH, person)["total"] == total


@pytest.mark.rule("B-ECM-37")
def test_unfinished_work_costs_half_a_point_to_one_or_is_criticised(shop: Scored) -> None:
    """Promise: the supervisor takes 0.8 away, may not take 1.5 or 0.4, and may leave it at a word."""
    shop.note("unfinished", "2026-03-03", "a-work", measure="points", deduction="0.8")
    shop.note("unfinished", "2026-03-04", "a-work", measure="criticism")
    assert shop.card(MARCH, "a-work")["total"] == "9.2"
    for wrong in ("1.5", "0.4"):
        values = {"measure": "points", "deduction": wrong}
        assert refused(shop.note, "unfinished", "2026-03-05", "a-work", **values) == "B-ECM-37"


@pytest.mark.rule("B-ECM-38")
def test_attitude_that_does_not_improve_goes_to_the_general_manager(shop: Scored) -> None:
    """Promise: the supervisor's report makes an item that waits for the general manager and nobody else."""
    noted = shop.note("attitude", "2026-03-04", "a-repeat", harmful=True)
    # Once is not yet that nothing improves.
    assert shop.find("general_manager_item") == []
    shop.act(noted, "report", shop.by("u-2", "supervisor"))
    (item,) = shop.find("general_manager_item", where={"about": noted})
    assert (
        refused(shop.act, shop.note("offline", "2026-03-05"), "report", shop.by("u-2", "supervisor"))
        == "B-ECM-38"
    )
    assert refused(shop.act, item, "decide", shop.by("u-2", "supervisor"), decision="x") == "B-ECM-38"
    shop.act(item, "decide", shop.by("u-9", "general_manager"), decision="调岗")
    assert shop.get(item)["state"] == "decided"


@pytest.mark.rule("B-ECM-24")
def test_five_points_are_a_warning_and_two_a_penalty(shop: Scored) -> None:
    """Promise: 5.0 an oral warning, 5.5 none; 2.0 the company's penalty instead of it."""
    shop.note("unasked_rest", "2026-03-04", "a-five")
    assert shop.follows(MARCH, "a-five") == ["oral_warning"]
    for day in days(2):
        shop.came(31, day, "a-six")
    shop.came(5, "2026-03-10", "a-six")
    assert (shop.total(MARCH, "a-six"), shop.follows(MARCH, "a-six")) == (Decimal("5.5"), [])
    for day in days(4):
        shop.came(31, day, "a-two")
    assert (shop.total(MARCH, "a-two"), shop.follows(MARCH, "a-two")) == (Decimal(2), ["company_penalty"])


@pytest.mark.rule("B-ECM-24")
def test_three_bad_months_running_follow_where_the_organisation_says_what_is_bad(tmp_path: Path) -> None:
    """Promise: the garbled border is nobody's until set; then three months running at it are a severe penalty."""
    own = """
scorecards:
  conduct:
    consequences:
      severe_penalty:
        name: 严重处罚
        months: 3
        at_most: {value: 5, source: organisation}
        source: organisation
"""
    shop = Scored(tmp_path, "online-store", own)
    for month in ("2026-01", "2026-02", "2026-03"):
        assert "severe_penalty" not in shop.follows(month)
        shop.note("unasked_rest", f"{month}-10")
    assert shop.follows("2026-03") == ["oral_warning", "severe_penalty"]
    assert shop.follows("2026-02") == ["oral_warning"]


def test_the_garbled_border_stays_open(shop: Scored) -> None:
    """Promise: without a word of the organisation three bad months are no severe penalty."""
    for month in ("2026-01", "2026-02", "2026-03"):
        shop.note("unasked_rest", f"{month}-11", "a-garbled")
    assert shop.follows(MARCH, "a-garbled") == ["oral_warning"]


def test_only_leaders_write_conduct_down(shop: Scored) -> None:
    """Promise: an agent writes nothing down about another."""
    with pytest.raises(RuleRefused):
        shop.open("conduct_note", shop.by("a-2"), person="a-1", day="2026-03-04", kind="offline")
