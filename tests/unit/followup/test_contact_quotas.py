"""Quotas of contacts: shares of a period, intervals, who was left out, at any time and without counting anew."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mongomock.collection import Collection

from shared.errors import NotFound, ValidationFailed
from tests.unit.followup.contact_world import World

VISITED: dict[str, Any] = {"opinions": "电梯等候时间长。"}
DECIDED = """overrides:
  - version: "2026.1"
    effective_from: 2020-01-01
    followup:
      contact_quotas:
"""
TIERS = f"""{DECIDED}\
        tier_a: {{within: {{amount: 30, unit: days, source: organisation}}}}
        tier_c: {{within: {{amount: 180, unit: days, source: organisation}}}}
        carriers: {{within: {{amount: 30, unit: days, end_of_day: true, source: organisation}}}}
"""


def estate(folder: Path, households: int, now: str = "2026-05-04 09:00") -> World:
    world = World(folder, "property", now)
    world.people(*(f"cu_{number:04}" for number in range(households)), type="household")
    return world


@pytest.mark.rule("B-PRO-13")
def test_of_1240_households_62_are_to_be_visited_in_a_month(tmp_path: Path) -> None:
    """Guards the share of 5 %: sixty-two different households, in this month, and no one counted twice."""
    world = estate(tmp_path, 1240)
    assert world.coverage("owner_visits")["needed"] == 62
    for number in range(61):
        world.open("resident_callback", household=f"cu_{number:04}", **VISITED)
    world.open("resident_callback", household="cu_0007", **VISITED)
    world.open("resident_callback", household="cu_0999", visited_on="2026-04-30", **VISITED)
    row = world.coverage("owner_visits")
    assert (row["reached"], row["missing"], row["state"], row["source"]) == (61, 1, "open", "B-PRO-13")
    assert len(world.gaps("owner_visits")) == 1240 - 61
    world.open("resident_callback", household="cu_0061", **VISITED)
    assert world.coverage("owner_visits")["state"] == "met"
    assert world.coverage("owner_visits", "2026-04-15T10:00:00")["state"] == "missed"


def test_a_share_is_of_whole_households(tmp_path: Path) -> None:
    """Guards the rounding: at least 5 % of 41 households are three, not two."""
    world = estate(tmp_path, 41)
    assert world.coverage("owner_visits")["needed"] == 3


def plaza(folder: Path, customers: int) -> World:
    world = World(folder, "commercial-plaza", "2025-12-20 09:00")
    world.people(*(f"cu_{number:03}" for number in range(customers)), kind="company", type="own")
    return world


@pytest.mark.rule("B-JKC-17")
def test_every_customer_is_contacted_at_least_once_a_year(tmp_path: Path) -> None:
    """Guards 320 of 320 by the end of the year, and the list of those who are still missing."""
    world = plaza(tmp_path, 320)
    for number in range(318):
        world.open("customer_contact", customer=f"cu_{number:03}", contacted_on="2025-12-18")
    row = world.coverage("yearly_contact")
    assert (row["needed"], row["reached"], row["missing"], row["percent"]) == (320, 318, 2, "99.37")
    assert (row["period"], row["last_day"], row["source"]) == ("2025", "2025-12-31", "B-JKC-17")
    assert world.gaps("yearly_contact") == ["cu_318", "cu_319"]
    for number in (318, 319):
        world.open("customer_contact", customer=f"cu_{number:03}")
    assert world.gaps("yearly_contact") == []
    world.at("2026-01-02 09:00")
    assert world.coverage("yearly_contact", "2025-06-01T00:00:00")["state"] == "met"
    assert world.coverage("yearly_contact")["reached"] == 0


@pytest.fixture
def carrier(tmp_path: Path) -> World:
    """Return a logistics company that has decided how often it sees whom."""
    world = World(tmp_path, "logistics", "2026-05-01 09:00", TIERS)
    world.people("cu_a", kind="company", tier="a")
    world.people("cu_c", kind="company", tier="c")
    world.people("cu_k", kind="company", type="carrier")
    return world


def visit(world: World, client: str, **values: Any) -> str:
    given = {"type": "visit", "purpose": "月度走访", "result": "服务稳定。", "score": 8}
    return world.open("client_contact", client=client, **given | values)


@pytest.mark.rule("A-LOG-34")
def test_a_client_of_tier_a_is_due_after_30_days_and_one_of_tier_c_is_not(carrier: World) -> None:
    """Guards the tiers' intervals: seen on 1 May, the next visit is due on 31 May; the clock names the rule."""
    visit(carrier, "cu_a")
    visit(carrier, "cu_c")
    started = carrier.told("clock_started")
    assert {row["source"] for row in started} == {"A-LOG-34"}
    assert started[0]["due_at"] == "2026-05-30T16:00:00.000Z"
    carrier.at("2026-05-30 23:59")
    assert carrier.gaps("tier_a") == []
    carrier.at("2026-05-31 00:00")
    (row,) = carrier.gap_rows("tier_a")
    assert (row["customer_id"], row["last_on"]) == ("cu_a", "2026-05-01")
    assert carrier.gaps("tier_c") == []
    assert [row["clock"] for row in carrier.told("clock_breached")] == ["next_contact"]
    assert carrier.coverage("tier_a")["missing"] == 1
    visit(carrier, "cu_a")
    assert carrier.gaps("tier_a") == []
    assert carrier.coverage("tier_a")["missing"] == 0


@pytest.mark.rule("A-LOG-27")
def test_a_carrier_is_overdue_on_day_31(carrier: World) -> None:
    """Guards the carriers' interval, which is none of the tiers'."""
    carrier.open("client_contact", client="cu_k", type="call", suggestion="优化装卸时段。")
    carrier.at("2026-05-31 23:59")
    assert carrier.gaps("carriers") == []
    carrier.at("2026-06-01 00:00")
    assert carrier.gaps("carriers") == ["cu_k"]
    (breach,) = (row for row in carrier.told("clock_breached") if row["source"] == "A-LOG-27")
    assert breach["due_at"] == "2026-05-31T16:00:00.000Z"


@pytest.mark.rule("A-JD14-12")
def test_a_client_without_contact_for_30_days_is_listed(tmp_path: Path) -> None:
    """Guards the list in any trade; who was never in contact is on it, too."""
    care = f"{DECIDED}        client_care: {{within: {{amount: 30, unit: days, source: organisation}}}}\n"
    world = World(tmp_path, "retail-chain", "2026-05-01 09:00", care)
    world.people("cu_1", "cu_2")
    world.open("client_contact", client="cu_1", type="call")
    assert world.gaps("client_care") == ["cu_2"]
    assert world.coverage("client_care")["source"] == "A-JD14-12"
    world.at("2026-05-31 00:00")
    assert world.gaps("client_care") == ["cu_1", "cu_2"]


def test_what_an_organisation_has_not_decided_is_not_asked(tmp_path: Path) -> None:
    """Guards silence: without an interval there is no quota, no list and no clock."""
    world = World(tmp_path, "logistics", "2026-05-01 09:00")
    world.people("cu_a", tier="a")
    visit(world, "cu_a")
    assert world.app.contacts.coverage(world.by(), {"quota": None, "at": None}) == []
    with pytest.raises(NotFound):
        world.gaps("tier_a")
    assert world.told("clock_started") == []


def test_a_correction_takes_back_what_was_counted(carrier: World) -> None:
    """Guards a visit written down for the wrong client: it is the other one who was seen, and only since then."""
    visit(carrier, "cu_a", held_on="2026-04-20")
    wrong = visit(carrier, "cu_a", held_on="2026-04-30")
    carrier.people("cu_b", kind="company", tier="a")
    carrier.correct(wrong, client="cu_b")
    carrier.at("2026-05-20 00:00")
    assert carrier.gaps("tier_a") == ["cu_a"]
    carrier.at("2026-05-30 00:00")
    assert carrier.gaps("tier_a") == ["cu_a", "cu_b"]


def test_a_visit_entered_late_does_not_move_the_last_one_back(carrier: World) -> None:
    """Guards the order: what counts is the latest day, not the latest record."""
    visit(carrier, "cu_a")
    visit(carrier, "cu_a", held_on="2026-04-10")
    carrier.at("2026-05-30 23:00")
    assert carrier.gaps("tier_a") == []


def test_those_left_out_come_page_by_page_without_repeats(tmp_path: Path) -> None:
    """Guards the cursor: whatever the size of a page, everybody once."""
    world = plaza(tmp_path, 23)
    world.people("cu_003", "cu_020", grade="level_1")
    whole = world.gaps("yearly_contact")
    assert whole[:2] == ["cu_003", "cu_020"]
    assert sorted(whole) == [f"cu_{number:03}" for number in range(23)]
    for limit in (1, 2, 7, 23):
        assert world.gaps("yearly_contact", limit=limit) == whole
    for wrong in ("cu_003", "9~cu_003", "~", "-1~x"):
        with pytest.raises(ValidationFailed):
            world.app.contacts.gaps(
                world.by(), {"quota": "yearly_contact", "at": None, "after": wrong, "limit": 1}
            )


def test_the_check_reads_tallies_and_neither_people_nor_contacts(tmp_path: Path) -> None:
    """Guards its cost: the answer is the same when all that could be counted is gone."""
    world = estate(tmp_path, 100)
    for number in range(4):
        world.open("resident_callback", household=f"cu_{number:04}", **VISITED)
    before = world.coverage("owner_visits")
    assert (before["needed"], before["reached"]) == (5, 4)
    for name in ("contact_marks", "people", "records"):
        world.runtime.database[name].delete_many({})
    assert world.coverage("owner_visits") == before
    world.at("2026-05-04 10:01")
    assert world.coverage("owner_visits")["population"] == 0


@pytest.mark.parametrize("deaths", range(1, 9))
def test_a_process_that_dies_while_it_counts_counts_nothing_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deaths: int
) -> None:
    """Guards the two documents of a mark and its tally: after a death at any write, a repeat ends the same."""
    world = estate(tmp_path, 40)
    world.open("resident_callback", household="cu_0001", **VISITED)
    update: Callable[..., Any] = Collection.update_one
    left = [deaths]

    def dying(self: Any, *arguments: Any, **named: Any) -> Any:
        done = update(self, *arguments, **named)
        if self.name in ("contact_marks", "contact_tallies"):
            left[0] -= 1
            if left[0] == 0:
                message = "the process died"
                raise RuntimeError(message)
        return done

    with monkeypatch.context() as patched, suppress(RuntimeError):
        patched.setattr(Collection, "update_one", dying)
        record = world.open("resident_callback", household="cu_0002", **VISITED)
        world.correct(record, household="cu_0003")
    world.take(*world.events())
    world.take(*world.events())
    left_out = world.gaps("owner_visits")
    assert world.coverage("owner_visits")["reached"] == 40 - len(left_out) == 2


steps = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.booleans()), min_size=1, max_size=12)


@given(steps, st.randoms(use_true_random=False))
@settings(max_examples=25, deadline=None)
def test_events_in_any_order_and_again_end_in_the_same_figures(
    done: list[tuple[int, int, bool]], chance: random.Random
) -> None:
    """Guards the tally against repeats and disorder: it is what a count of the records by hand gives."""
    with TemporaryDirectory() as folder:
        world = estate(Path(folder), 6)
        stands: dict[str, int] = {}
        for household, other, corrected in done:
            record = world.open("resident_callback", household=f"cu_{household:04}", **VISITED)
            stands[record] = household
            if corrected:
                world.correct(record, household=f"cu_{other:04}")
                stands[record] = other
        visited = {f"cu_{number:04}" for number in stands.values()}
        assert world.coverage("owner_visits")["reached"] == len(visited)
        again = world.events() * 2
        chance.shuffle(again)
        world.take(*again)
        assert world.coverage("owner_visits")["reached"] == len(visited)
        assert set(world.gaps("owner_visits")) == {f"cu_{n:04}" for n in range(6)} - visited
        # From nothing, as if the figures had been lost.
        for name in ("contact_marks", "contact_tallies"):
            world.runtime.database[name].delete_many({})
        chance.shuffle(again)
        world.take(*again)
        assert world.coverage("owner_visits")["reached"] == len(visited)
