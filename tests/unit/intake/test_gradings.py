"""Grading: cards of four dimensions, a split by percentages, approval before use, and rounds that are due."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.same.grading import Card, Mark, graded
from services.intake.domain.same.rules import Dimension, Level
from services.intake.domain.same.shares import shares
from shared.errors import Conflict
from tests.unit.intake.account_world import World

CLERK = ("clerk", ("staff",))
HEAD = ("head", ("staff", "cs_head"))
DIMENSIONS = ("asset_scale", "business_scale", "brand_strength", "cooperation")
CONTACTS = [{"level": f"level_{number}", "staff": f"stf_{number}"} for number in (1, 2, 3)]


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Return a plaza on a January morning."""
    return World.of(tmp_path, "commercial-plaza", "2026-01-12 10:00")


def card(number: int, points: int = 5, **more: int) -> dict[str, Any]:
    marks = [
        {"dimension": name, "points": more.get(name, points), "evidence": f"租赁合同第{number}号"}
        for name in DIMENSIONS
    ]
    return {"subject": f"cu_{number:03}", "marks": marks}


def propose(world: World, count: int, period: str = "2026-01") -> dict[str, Any]:
    cards = [card(number, number % 11) for number in range(count)]
    proposed: dict[str, Any] = world.do("propose_grading", *CLERK, period=period, cards=cards)
    return proposed


def decide(world: World, grading: dict[str, Any], **more: Any) -> Any:
    given: dict[str, Any] = {"id": grading["grading_id"], "approved": True, "contacts": CONTACTS}
    return world.do("decide_grading", *HEAD, **given | more)


@pytest.mark.rule("B-JKC-25")
@pytest.mark.parametrize(("count", "split"), [(200, [30, 130, 40]), (47, [7, 31, 9])])
def test_customers_are_split_15_65_20(world: World, count: int, split: list[int]) -> None:
    """Guards the split by the largest remainder, with the handbook's percentages."""
    proposed = propose(world, count)
    assert [row["count"] for row in proposed["split"]] == split
    assert [row["level"] for row in proposed["split"]] == ["level_1", "level_2", "level_3"]
    assert world.events("grading_proposed")[0]["source"] == "B-JKC-25"


@pytest.mark.rule("B-JKC-23")
def test_a_card_has_all_four_dimensions_with_their_evidence(world: World) -> None:
    """Guards the table: none missing, none twice, none above its best mark, and each weighs the same."""
    whole = card(1)
    for marks in (whole["marks"][:3], [*whole["marks"][:3], whole["marks"][0]], card(1, 11)["marks"]):
        wrong = {"subject": "cu_001", "marks": marks}
        assert world.refused("propose_grading", *CLERK, period="2026-01", cards=[wrong]).rule == "B-JKC-23"
    cards = [card(1, 4), card(2, 2, brand_strength=10), card(3, 10, cooperation=0)]
    decide(world, world.do("propose_grading", *CLERK, period="2026-01", cards=cards))
    scores = [world.do("list_grades", *CLERK, id=f"cu_00{number}")[0]["score"] for number in (1, 2, 3)]
    assert scores == ["40.0", "40.0", "75.0"]
    (grade,) = world.do("list_grades", *CLERK, id="cu_003")
    assert grade["marks"][0]["evidence"] == "租赁合同第3号"


@pytest.mark.rule("B-JKC-23")
def test_each_level_has_a_dedicated_contact(world: World) -> None:
    """Guards that no round is approved before somebody stands for each level."""
    grading = propose(world, 20)
    without: dict[str, Any] = {"id": grading["grading_id"], "approved": True, "contacts": CONTACTS[:2]}
    assert world.refused("decide_grading", *HEAD, **without).rule == "B-JKC-23"
    decide(world, grading)
    best = world.do("list_grades", *CLERK, id="cu_010")[0]
    assert (best["level"], best["contact"]) == ("level_1", "stf_1")


def test_no_grade_counts_before_the_round_is_approved_by_somebody_else(world: World) -> None:
    """Guards the approval: not by whoever proposed, not twice, and a refused round may be proposed again."""
    grading = propose(world, 20)
    assert world.do("list_grades", *CLERK, id="cu_010") == []
    own: dict[str, Any] = {"id": grading["grading_id"], "approved": True, "contacts": CONTACTS}
    assert world.refused("decide_grading", *CLERK, **own).rule == "B-JKC-29"
    assert world.refused("decide_grading", "clerk", ("staff", "cs_head"), **own).rule == "B-JKC-29"
    with pytest.raises(Conflict):
        propose(world, 21)
    assert decide(world, grading, approved=False)["state"] == "refused"
    assert world.refused("decide_grading", *HEAD, **own).rule == "B-JKC-29"
    decide(world, propose(world, 21))
    assert len(world.do("list_grades", *CLERK, id="cu_010")) == 1


def test_a_customers_grades_are_a_history(world: World) -> None:
    """Guards what was before: each round adds, the newest first."""
    decide(world, propose(world, 20))
    world.at("2026-07-06 10:00")
    decide(world, propose(world, 11, "2026-07"))
    assert [row["period"] for row in world.do("list_grades", *CLERK, id="cu_010")] == ["2026-07", "2026-01"]


@pytest.mark.parametrize(
    ("moment", "opened", "period", "by"),
    [
        ("2026-01-12 10:00", None, "2026-01", "2026-01-31"),
        ("2026-06-30 23:59", None, "2026-01", "2026-01-31"),
        ("2026-07-01 00:00", None, "2026-07", "2026-07-31"),
        ("2026-12-31 10:00", None, "2026-07", "2026-07-31"),
        ("2026-03-10 10:00", "2026-01-31", "opening-2026-07-31", "2026-07-31"),
        ("2026-08-01 10:00", "2026-01-31", "2026-07", "2026-07-31"),
    ],
)
def test_the_round_that_is_due_is_listed_until_it_is_approved(
    world: World, moment: str, opened: str | None, period: str, by: str
) -> None:
    """Guards the calendar: January, July, and six months after the opening of a new place."""
    world.at(moment)
    asked = {} if opened is None else {"opened_on": opened}
    due = world.do("list_gradings", *CLERK, **asked)["due"]
    assert due == {"period": period, "by": by, "source": "B-JKC-26"}
    proposed = propose(world, 5, period)
    assert world.do("list_gradings", *CLERK, **asked)["due"] == due
    decide(world, proposed)
    assert world.do("list_gradings", *CLERK, **asked)["due"] is None


@given(st.lists(st.integers(0, 10), max_size=300), st.integers(1, 98), st.integers(1, 98))
def test_every_split_adds_up_and_keeps_the_order(points: list[int], first: int, second: int) -> None:
    """Guards that nobody is lost or doubled, and that no worse card has a better level."""
    percents = [first, min(second, 99 - first), 100 - first - min(second, 99 - first)]
    levels = [Level(str(number), "", percent, "x") for number, percent in enumerate(percents)]
    cards = [Card(f"cu_{number}", (Mark("d", mark, "x"),)) for number, mark in enumerate(points)]
    done = graded(cards, [Dimension("d", "", Decimal(1), 10, "x")], levels)
    assert sorted(each.subject for each in done) == sorted(each.subject for each in cards)
    assert [each.score for each in done] == sorted((each.score for each in done), reverse=True)
    assert [each.level for each in done] == sorted(str(each.level) for each in done)
    counts = [sum(each.level == level.code for each in done) for level in levels]
    assert all(abs(100 * c - p * len(points)) < 100 for c, p in zip(counts, percents, strict=True))


@given(
    st.integers(0, 500),
    st.lists(
        st.tuples(st.integers(0, 50), st.one_of(st.none(), st.integers(0, 60))), min_size=1, max_size=12
    ),
)
def test_shares_add_up_within_their_bounds(total: int, weighed: list[tuple[int, int | None]]) -> None:
    """Guards the division: what bounds do not stop is given out, and nothing else."""
    weights, most = [weight for weight, _ in weighed], [bound for _, bound in weighed]
    given_out = shares(total, weights, most)
    room = [bound for weight, bound in weighed if weight]
    whole = total if None in room else min(total, sum(bound for bound in room if bound is not None))
    assert sum(given_out) == (whole if room else 0)
    assert all(bound is None or share <= bound for share, bound in zip(given_out, most, strict=True))
    assert all(share == 0 for share, weight in zip(given_out, weights, strict=True) if weight == 0)
