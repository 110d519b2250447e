"""Scorecards: any order and repetition gives the same card, a closed month stays, what comes late is carried on."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.reporting.domain.month import Month
from services.reporting.domain.scorecards.card import Fact, card_of
from services.reporting.domain.scorecards.definition import Feed, Line, Part, Rate, Scorecard, Step
from shared.errors import Conflict, Forbidden, NotFound, ValidationFailed
from shared.regulations.values import Sourced
from tests.unit.reporting.scorecard_world import Scored

FEED = Feed("notes", "person")
RATED = Line("rated", "一", "design", (FEED,), (Rate(1, Decimal(-1), "design"),), free=Sourced(2, "design"))
STEPS = (Step(3, Decimal(-5), "design"), Step(5, Decimal(-10), "design"))
STEPPED = Line("stepped", "二", "design", (FEED,), (Rate(1, Decimal(-1), "design"),), steps=STEPS)
CARD = Scorecard("c", "考核", "design", (RATED, STEPPED), begins=Sourced(Decimal(10), "design"))
FACTS = st.lists(
    st.builds(
        Fact,
        line=st.sampled_from(["rated", "stepped"]),
        id=st.integers(0, 6).map("rd_{}".format),
        person=st.just("a-1"),
        day=st.integers(0, 30).map(lambda days: date(2026, 3, 1) + timedelta(days)),
        quantity=st.just(Decimal(1)),
    ),
    max_size=14,
    unique_by=lambda fact: (fact.line, fact.id),
)


@pytest.fixture
def shop(tmp_path: Path) -> Scored:
    return Scored(tmp_path, "online-store")


@given(FACTS, st.randoms())
def test_no_order_and_no_repetition_of_facts_matters(facts: list[Fact], chance: object) -> None:
    """Promise: a card is the same for all orders of its facts, however often each is told."""
    told = [*facts, *facts[: len(facts) // 2]]
    chance.shuffle(told)  # type: ignore[attr-defined]
    assert card_of(CARD, told, {}) == card_of(CARD, facts, {})


@given(FACTS)
def test_a_total_is_what_its_lines_come_to(facts: list[Fact]) -> None:
    """Promise: the card adds up, against a count by hand."""
    card = card_of(CARD, facts, {})
    counts = {code: sum(1 for fact in facts if fact.line == code) for code in ("rated", "stepped")}
    stepped = counts["stepped"]
    expected = 10 - max(0, counts["rated"] - 2) - (10 if stepped >= 5 else 5 if stepped >= 3 else stepped)
    assert card.total == expected == 10 + sum(line.amount or 0 for line in card.lines)


def test_a_figure_that_nobody_reported_leaves_the_total_open() -> None:
    """Promise: nothing is reckoned with a number that is not there."""
    parts = (Part("talk", Decimal("0.5"), "design"), Part("calls", Decimal("0.5"), "design"))
    card = Scorecard("w", "工作量", "design", (Line("work", "工作量", "design", parts=parts),))
    assert card_of(card, [], {"talk": Decimal(80)}).total is None
    assert card_of(card, [], {"talk": Decimal(80), "calls": Decimal(100)}).total == 90


def test_a_card_is_for_its_person_and_those_who_lead(shop: Scored) -> None:
    """Promise: a colleague is refused; a supervisor and the person see the same."""
    shop.came(10, "2026-03-04")
    asked = {"scorecard": "conduct", "month": Month.of("2026-03"), "person": "a-1"}
    with pytest.raises(Forbidden):
        shop.app.scorecards.get(shop.by("a-2"), asked)
    assert shop.app.scorecards.get(shop.by("u-2", "supervisor"), asked) == shop.card("2026-03")


def test_what_is_corrected_counts_in_a_month_that_is_open(shop: Scored) -> None:
    """Promise: an open month is computed from what stands in the records now."""
    record = shop.came(40, "2026-03-04")
    assert shop.total("2026-03") == 8
    shop.correct(record, shop.by("u-2", "supervisor"), came_at="2026-03-04T09:10:00+08:00")
    assert shop.total("2026-03") == Decimal("9.5")


def test_unknown_cards_and_months_to_come_are_refused(shop: Scored) -> None:
    """Promise: each refusal says what there is not."""
    with pytest.raises(NotFound):
        shop.card("2026-03", scorecard="beauty")
    with pytest.raises(ValidationFailed):
        shop.card("2026-06")
    with pytest.raises(ValidationFailed):
        shop.close("2026-05")


def test_a_closed_month_stays_and_what_comes_late_counts_in_the_next(shop: Scored) -> None:
    """Promise: March stays at 9.5; the note that comes after it was closed is a line of April, once and for good."""
    shop.came(10, "2026-03-04")
    shop.close("2026-03")
    shop.note("unasked_rest", "2026-03-20")
    assert shop.total("2026-03") == Decimal("9.5")
    assert shop.card("2026-04")["adjustments"] == [{"month": "2026-03", "amount": "-5"}]
    assert (shop.total("2026-04"), shop.follows("2026-04")) == (Decimal(5), ["oral_warning"])
    assert shop.card("2026-05")["adjustments"] == []
    shop.close("2026-04")
    assert shop.card("2026-05")["adjustments"] == []
    shop.came(31, "2026-03-23")
    assert (shop.total("2026-03"), shop.total("2026-04")) == (Decimal("9.5"), Decimal(5))
    assert shop.card("2026-05")["adjustments"] == [{"month": "2026-03", "amount": "-2"}]


def test_a_record_put_right_after_the_closing_gives_back(shop: Scored) -> None:
    """Promise: what was taken wrongly from a closed month comes back in the next open one."""
    record = shop.came(40, "2026-03-04")
    shop.close("2026-03")
    shop.correct(record, shop.by("u-2", "supervisor"), came_at="2026-03-04T09:00:00+08:00")
    assert shop.card("2026-04")["adjustments"] == [{"month": "2026-03", "amount": "2"}]


def test_closing_is_told_once_with_what_follows(shop: Scored) -> None:
    """Promise: one event a card and one a consequence; a repeat says the same, another closing is refused."""
    shop.note("unasked_rest", "2026-03-04")
    shop.came(5, "2026-03-04", "a-2")
    answer = shop.close("2026-03", key="k-close")
    assert (answer["cards"], answer["warnings"]) == (2, 1)
    assert shop.close("2026-03", key="k-close") == answer
    with pytest.raises(Conflict):
        shop.close("2026-03")
    told = [each.entry for each in shop.sent if each.entry.type.startswith("scorecard_")]
    assert [(entry.type, entry.data["person"]) for entry in told] == [
        ("scorecard_closed", "a-1"),
        ("scorecard_warning", "a-1"),
        ("scorecard_closed", "a-2"),
    ]
    assert told[1].data["consequence"] == "oral_warning"


def test_everybody_on_the_staff_has_a_card(shop: Scored) -> None:
    """Promise: the list has whom the directory knows and whom a record names, closed or not."""
    shop.hear(
        "intake", "member_changed", "mb_a-7", staff="a-7", unit="shop", post="aftersale", state="active"
    )
    shop.came(10, "2026-03-04")
    asked = {"scorecard": "conduct", "month": Month.of("2026-03"), "limit": 50, "skip": 0}
    rows = shop.app.scorecards.page("works-demo", asked)
    assert [(row["person"], row["total"], row["empty"]) for row in rows] == [
        ("a-1", "9.5", False),
        ("a-7", "10", True),
    ]
    shop.close("2026-03")
    closed = shop.app.scorecards.page("works-demo", asked)
    assert [row | {"closed_at": None} for row in closed] == rows
    assert [row["person"] for row in shop.app.scorecards.page("works-demo", asked | {"skip": 1})] == ["a-7"]
