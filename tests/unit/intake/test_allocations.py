"""Allocation: lists over staff by number and ability, by their hour, contacted in time and in detail."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.same.allocation import Able, Place, Subject, advise, distributed
from shared.errors import Conflict, ValidationFailed
from tests.unit.intake.account_world import World

BOSS = ("boss", ("staff", "supervisor"))
A, B = ("a", ("staff",)), ("b", ("staff",))
NOTE = "客户在家，约下周三到店看车，已记录需求和联系时间。"
QUOTA = """
overrides:
  - version: "1"
    effective_from: 2020-01-01
    intake: {accounts: {allocation: {quota: {value: 3, source: organisation}}}}
"""


def member(tmp: Path, profile: str = "membership", extra: str = "") -> World:
    return World.of(tmp, profile, "2025-05-01 10:00", extra)


def subjects(count: int, **more: Any) -> list[dict[str, Any]]:
    return [{"id": f"cu_{number:03}", **more} for number in range(count)]


def allocated(world: World, count: int, *staff: tuple[str, int], kind: str = "customer", **more: Any) -> Any:
    listed = world.do("open_allocation", *BOSS, kind=kind, subjects=subjects(count, **more))
    able = [{"staff": name, "ability": ability} for name, ability in staff]
    return world.do("allocate", *BOSS, id=listed["allocation_id"], staff=able)


def counts(allocation: dict[str, Any]) -> dict[str, int]:
    names = [row["staff"] for row in allocation["subjects"]]
    return {name: names.count(name) for name in sorted(set(names))}


@pytest.mark.rule("A-MEM-05")
def test_customers_are_given_out_in_equal_numbers_weighed_by_ability(tmp_path: Path) -> None:
    """Guards the split: five and five, six and four at three to two; by the supervisor and nobody else."""
    world = member(tmp_path)
    assert counts(allocated(world, 10, ("a", 1), ("b", 1))) == {"a": 5, "b": 5}
    assert counts(allocated(world, 10, ("a", 3), ("b", 2))) == {"a": 6, "b": 4}
    listed = world.do("open_allocation", *A, kind="customer", subjects=subjects(2))
    able = {"id": listed["allocation_id"], "staff": [{"staff": "a"}]}
    assert world.refused("allocate", *A, **able).rule == "A-MEM-05"
    assert world.events("allocation_made")[1]["shares"] == [
        {"staff": "a", "count": 6},
        {"staff": "b", "count": 4},
    ]


@pytest.mark.rule("A-CAR-03")
def test_nine_customers_of_a_dealer_are_three_for_each_of_three(tmp_path: Path) -> None:
    """Guards the dealer's own rule behind the same split."""
    world = member(tmp_path, "auto-dealer")
    assert counts(allocated(world, 9, ("a", 1), ("b", 1), ("c", 1))) == {"a": 3, "b": 3, "c": 3}
    assert world.events("allocation_made")[0]["source"] == "A-CAR-03"


@pytest.mark.parametrize(
    ("profile", "rule"),
    [
        pytest.param("membership", "A-MEM-06", marks=pytest.mark.rule("A-MEM-06")),
        pytest.param("auto-dealer", "A-CAR-04", marks=pytest.mark.rule("A-CAR-04")),
    ],
)
def test_each_customer_given_out_is_contacted_within_a_week(tmp_path: Path, profile: str, rule: str) -> None:
    """Guards the week: given on the 1st, the 8th is in time, on the 9th it is overdue."""
    world = member(tmp_path, profile)
    given_out = allocated(world, 2, ("a", 1))["allocation_id"]
    world.at("2025-05-08 23:59")
    world.do("record_first_contact", *A, id=given_out, subject="cu_000", note=NOTE)
    assert world.events("subject_contacted")[0]["on_time"] is True
    assert world.events("clock_breached") == []
    world.at("2025-05-09 00:00")
    (breach,) = world.events("clock_breached")
    assert (breach["clock"], breach["source"]) == ("first_contact.cu_001", rule)
    assert world.do("list_allocations", *BOSS)[0]["overdue"]
    world.do("record_first_contact", *A, id=given_out, subject="cu_001", note=NOTE)
    assert world.events("subject_contacted")[1]["on_time"] is False


@pytest.mark.parametrize(
    ("profile", "rule"),
    [
        pytest.param("membership", "A-MEM-07", marks=pytest.mark.rule("A-MEM-07")),
        pytest.param("auto-dealer", "A-CAR-04", marks=pytest.mark.rule("A-CAR-04")),
    ],
)
def test_only_a_detailed_record_ends_the_week(tmp_path: Path, profile: str, rule: str) -> None:
    """Guards the record: an empty note and one of nineteen characters leave the duty open, twenty clear it."""
    world = member(tmp_path, profile)
    given_out = allocated(world, 1, ("a", 1))["allocation_id"]
    world.at("2025-05-03 10:00")
    contact: dict[str, Any] = {"id": given_out, "subject": "cu_000"}
    for note in ("", " " * 30, "好" * 19 + " "):
        assert world.refused("record_first_contact", *A, **contact, note=note).rule == rule
    assert world.do("list_allocations", *BOSS)[0]["subjects"][0]["due_at"] == "2025-05-08T16:00:00.000Z"
    done = world.do("record_first_contact", *A, **contact, note="好" * 20)
    assert (done["subjects"][0]["due_at"], done["overdue"]) == (None, False)
    assert done["subjects"][0]["contacted_at"] == "2025-05-03T02:00:00.000Z"
    assert "好" not in str([dict(unsent.entry.data) for unsent in world.published])


def test_only_who_was_given_a_customer_records_the_contact(tmp_path: Path) -> None:
    """Guards the owner of the duty."""
    world = member(tmp_path)
    given_out = allocated(world, 1, ("a", 1))["allocation_id"]
    refusal = world.refused("record_first_contact", *B, id=given_out, subject="cu_000", note=NOTE)
    assert refusal.rule == "A-MEM-05"


@pytest.mark.rule("A-TEL-14")
def test_the_list_of_the_day_is_given_out_by_nine(tmp_path: Path) -> None:
    """Guards the morning: at 08:59 in time, at 09:00 late, and the clock says by which rule."""
    world = World.of(tmp_path, "call-centre", "2025-05-05 18:00")
    lists = [
        world.do("open_allocation", *BOSS, kind="customer", subjects=subjects(4), for_day="2025-05-06")
        for _ in range(2)
    ]
    able = [{"staff": "a"}, {"staff": "b"}]
    world.at("2025-05-06 08:59")
    assert world.do("allocate", *BOSS, id=lists[0]["allocation_id"], staff=able)["late"] is False
    world.at("2025-05-06 09:00")
    (breach,) = world.events("clock_breached")
    assert (breach["subject_id"], breach["source"]) == (lists[1]["allocation_id"], "A-TEL-14")
    assert world.do("allocate", *BOSS, id=lists[1]["allocation_id"], staff=able)["late"] is True


@pytest.mark.rule("A-JD4-01")
def test_a_lead_is_kept_with_its_channel_and_its_screening(tmp_path: Path) -> None:
    """Guards the lead: phone or WeChat, screened; without a channel it is refused."""
    world = member(tmp_path)
    lead = {"id": "l1", "channel": "wechat", "screened": "pass"}
    kept = world.do("open_allocation", *A, kind="lead", subjects=[lead])["subjects"][0]
    assert (kept["channel"], kept["screened"]) == ("wechat", "pass")
    for channel in (None, "letter"):
        wrong = lead | {"id": "l2", "channel": channel}
        assert world.refused("open_allocation", *A, kind="lead", subjects=[wrong]).rule == "A-JD4-01"


@pytest.mark.rule("A-JD4-05")
def test_a_lead_is_given_to_the_field_team_by_the_superior_after_screening(tmp_path: Path) -> None:
    """Guards the order: screened first, then by the supervisor, and on one list only."""
    world = member(tmp_path)
    leads = [{"id": "l1", "channel": "phone", "screened": "pass"}, {"id": "l2", "channel": "phone"}]
    both = world.do("open_allocation", *A, kind="lead", subjects=leads[1:])["allocation_id"]
    given_out = world.do("open_allocation", *A, kind="lead", subjects=leads[:1])["allocation_id"]
    field = [{"staff": "f1"}]
    assert world.refused("allocate", *A, id=given_out, staff=field).rule == "A-JD4-05"
    assert world.refused("allocate", *BOSS, id=both, staff=field).rule == "A-JD4-05"
    done = world.do("allocate", *BOSS, id=given_out, staff=field)
    assert done["subjects"][0]["staff"] == "f1"
    with pytest.raises(Conflict):
        world.do("open_allocation", *A, kind="lead", subjects=leads[:1])
    assert world.refused("allocate", *BOSS, id=given_out, staff=field).rule == "A-JD4-05"


@pytest.mark.rule("A-CCC-04")
def test_the_list_of_a_campaign_holds_only_its_regions(tmp_path: Path) -> None:
    """Guards the reach: whoever lives elsewhere is not on the list, and each region goes to its own people."""
    world = member(tmp_path, "call-centre")
    people = [
        {"id": f"cu_{n}", "region": region} for n, region in enumerate(("浙江", "江苏", "安徽", "浙江"))
    ]
    listed = world.do("open_allocation", *BOSS, kind="customer", subjects=people, regions=["浙江", "江苏"])
    assert [row["region"] for row in listed["subjects"]] == ["浙江", "江苏", "浙江"]
    able = [{"staff": "a", "regions": ["浙江"]}, {"staff": "b", "regions": ["江苏"]}]
    done = world.do("allocate", *BOSS, id=listed["allocation_id"], staff=able)
    assert [row["staff"] for row in done["subjects"]] == ["a", "b", "a"]
    # Nobody else's rulebook has lists cut so: what is cut here is cut by the rule.
    other = member(tmp_path)
    with pytest.raises(ValidationFailed, match="not cut by region"):
        other.do("open_allocation", *BOSS, kind="customer", subjects=people, regions=["浙江"])


def test_nobody_gets_more_than_the_quota_with_what_is_still_to_be_contacted(tmp_path: Path) -> None:
    """Guards the quota: the rest goes to the others, and what nobody has room for stops the list whole."""
    world = member(tmp_path, extra=QUOTA)
    assert counts(allocated(world, 2, ("a", 1))) == {"a": 2}
    assert counts(allocated(world, 4, ("a", 5), ("b", 1))) == {"a": 1, "b": 3}
    listed = world.do("open_allocation", *BOSS, kind="customer", subjects=subjects(1))
    full: dict[str, Any] = {"id": listed["allocation_id"], "staff": [{"staff": "a"}, {"staff": "b"}]}
    assert world.refused("allocate", *BOSS, **full).rule == "organisation"


@pytest.mark.rule("A-JD11-04")
def test_agents_are_spread_over_shops_by_their_traffic(tmp_path: Path) -> None:
    """Guards an even load: 100, 50 and 50 visits with four agents are two, one and one."""
    world = member(tmp_path, "online-store")
    shops = [{"code": code, "traffic": load} for code, load in (("s1", 100), ("s2", 50), ("s3", 50))]
    advice = world.do("advise_staffing", *BOSS, places=shops, agents=4)
    assert [row["agents"] for row in advice["agents"]] == [2, 1, 1]
    assert advice["sources"] == ["A-JD11-04"]


@pytest.mark.rule("B-DET-13")
def test_where_too_many_wait_somebody_is_moved(tmp_path: Path) -> None:
    """Guards the suggestion: thirty waiting before two agents and ten before two, one moves."""
    world = member(tmp_path)
    queues = [{"code": "busy", "traffic": 30, "agents": 2}, {"code": "quiet", "traffic": 10, "agents": 2}]
    advice = world.do("advise_staffing", *BOSS, places=queues)
    assert advice["moves"] == [{"of": "quiet", "to": "busy", "agents": 1}]
    assert advice["sources"] == ["B-DET-13"]


@pytest.mark.parametrize(
    ("agents", "supervisors", "below", "vacancies"),
    [
        pytest.param(4, 1, True, 2, marks=pytest.mark.rule("A-CCC-14")),
        pytest.param(5, 1, False, 1, marks=[pytest.mark.rule("A-CCC-14"), pytest.mark.rule("A-CCC-15")]),
        (6, 1, False, 0),
        (9, 2, True, 0),
    ],
)
def test_a_team_below_its_size_is_flagged(
    tmp_path: Path, agents: int, supervisors: int, *, below: bool, vacancies: int
) -> None:
    """Guards the span of five agents to a supervisor, and the six heads that are needed."""
    world = member(tmp_path, "call-centre")
    places = [{"code": "calls", "traffic": 1, "agents": agents}]
    advice = world.do("advise_staffing", *BOSS, places=places, supervisors=supervisors)
    assert (advice["below_span"], advice["vacancies"]) == (below, vacancies)
    assert {"A-CCC-14", "A-CCC-15"} <= set(advice["sources"])


_STAFF = st.lists(st.integers(1, 9), min_size=1, max_size=8).map(
    lambda abilities: [Able(f"s{number}", ability) for number, ability in enumerate(abilities)]
)


@given(st.integers(0, 120), _STAFF)
def test_any_list_is_given_out_whole_and_within_one_of_the_exact_share(count: int, staff: list[Able]) -> None:
    """Guards fairness by the largest remainder: nobody is more than one away from what ability is worth."""
    given_out = distributed([Subject(f"cu_{number}") for number in range(count)], staff)
    assert len(given_out) == count
    whole = sum(each.ability for each in staff)
    for each in staff:
        share = sum(name == each.staff for name in given_out.values())
        assert abs(share * whole - count * each.ability) < whole


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 20)), min_size=1, max_size=8))
def test_moves_lead_from_what_is_there_to_what_is_advised(loads: list[tuple[int, int]]) -> None:
    """Guards the advice: carried out, it gives what it says, and moves nobody who is not there."""
    places = [Place(str(number), load + 1, agents) for number, (load, agents) in enumerate(loads)]
    advice = advise(places, sum(each.agents for each in places))
    after = {each.code: each.agents for each in places}
    for source, to, count in advice.moves:
        assert count > 0
        after[source] -= count
        after[to] += count
    assert after == advice.agents
