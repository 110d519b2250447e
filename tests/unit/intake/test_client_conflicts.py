"""Conflicts over clients: who is told, who rules, by when, and where an objection goes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from shared.errors import ValidationFailed
from tests.unit.intake.account_world import BOSS, KEEPER, LARGE, OTHER_REGION, REGION, REP2, World, company


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Return a sales department on a Thursday morning, with one client of the first representative."""
    world = World.of(tmp_path, "sales-crm")
    world.enter(1)
    return world


def claim(world: World, region: str = "杭州", **more: Any) -> dict[str, Any]:
    """Let the second representative claim the first one's client."""
    given = {"name": company(1)["name"], "phone": company(1)["phone"], "region": region, "evidence": "合同"}
    claimed: dict[str, Any] = world.do("raise_conflict", *REP2, **given | more)
    return claimed


def ruling(conflict: dict[str, Any], outcome: str = "refused", region: str = "杭州") -> dict[str, Any]:
    return {"id": conflict["conflict_id"], "region": region, "outcome": outcome, "reason": "查实"}


@pytest.mark.rule("B-CRM-08")
def test_the_region_rules_and_without_objection_that_is_final(world: World) -> None:
    """Guards the first way: ruling, then final, by the regional manager and nobody else."""
    conflict = claim(world)
    assert world.refused("decide_conflict", *BOSS, **ruling(conflict)).rule == "B-CRM-08"
    assert world.refused("decide_conflict", *LARGE, **ruling(conflict)).rule == "B-CRM-08"
    assert world.do("decide_conflict", *REGION, **ruling(conflict))["stage"] == "final"
    assert world.refused("decide_conflict", *REGION, **ruling(conflict)).rule == "B-CRM-08"


@pytest.mark.rule("B-CRM-08")
def test_an_objection_goes_to_the_large_region_whose_word_is_final(world: World) -> None:
    """Guards the second way: ruling, arbitration, final; an objection to that is refused."""
    conflict = claim(world)
    world.do("decide_conflict", *REGION, **ruling(conflict))
    assert world.refused("appeal_conflict", *BOSS, id=conflict["conflict_id"]).rule == "B-CRM-08"
    appealed = world.do("appeal_conflict", *REP2, id=conflict["conflict_id"])
    assert (appealed["stage"], appealed["outcome"]) == ("arbitration", None)
    assert world.refused("decide_conflict", *REGION, **ruling(conflict)).rule == "B-CRM-08"
    arbitrated = world.do("decide_conflict", *LARGE, **ruling(conflict, "transferred"))
    assert (arbitrated["stage"], arbitrated["outcome"], arbitrated["arbitrated"]) == (
        "final",
        "transferred",
        True,
    )
    assert world.refused("appeal_conflict", id=conflict["conflict_id"]).rule == "B-CRM-08"
    taken = world.do("enter_account", *REP2, **company(1), conflict_id=conflict["conflict_id"])
    assert (taken["account_id"], taken["owner"]) == (conflict["against"][0], "rep2")


def test_nobody_objects_once_the_client_was_entered_under_the_ruling(world: World) -> None:
    """Guards that a ruling acted on does not fall away under the entry."""
    conflict = claim(world)
    world.do("decide_conflict", *REGION, **ruling(conflict, "separate"))
    world.do("enter_account", *REP2, **company(1), conflict_id=conflict["conflict_id"])
    assert world.refused("appeal_conflict", id=conflict["conflict_id"]).rule == "B-CRM-08"


def test_nobody_rules_on_their_own_conflict(world: World) -> None:
    """Guards impartiality: neither the claimant nor the owner, whatever roles they have."""
    conflict = claim(world)
    for actor in ("rep1", "rep2"):
        who = (actor, ("staff", "regional_manager"))
        assert world.refused("decide_conflict", *who, **ruling(conflict)).rule == "B-CRM-08"


@pytest.mark.rule("B-CRM-09")
def test_of_an_unsigned_client_four_roles_are_told(world: World) -> None:
    """Guards the message list: one addressee, three copies."""
    claim(world)
    (told,) = world.events("conflict_raised")
    assert (told["kind"], told["source"]) == ("unsigned", "B-CRM-09")
    assert told["to"] == ["regional_manager"]
    assert set(told["copies"]) == {"regional_coordinator", "direct_supervisor", "information_department"}


@pytest.mark.rule("B-CRM-10")
def test_of_a_signed_client_five_roles_are_told(world: World) -> None:
    """Guards the message list once there is a contract: the senior account manager is addressed too."""
    signed = world.events("account_entered")[0]["account_id"]
    world.do("change_account", *BOSS, id=signed, change="contract", value="in_service")
    claim(world)
    (told,) = world.events("conflict_raised")
    assert (told["kind"], told["source"]) == ("signed", "B-CRM-10")
    assert told["to"] == ["regional_manager", "senior_account_manager"]
    assert set(told["copies"]) == {"regional_coordinator", "account_manager", "information_department"}


@pytest.mark.rule("B-CRM-11")
def test_across_regions_it_holds_only_when_both_regional_managers_confirm(world: World) -> None:
    """Guards that one region does not decide for the other, nor one manager for both."""
    conflict = claim(world, region="宁波")
    (told,) = world.events("conflict_raised")
    assert (told["kind"], told["source"], told["regions"]) == ("cross_region", "B-CRM-11", ["宁波", "杭州"])
    assert {*told["to"], *told["copies"]} == {"regional_manager", "regional_coordinator", "direct_supervisor"}
    one = world.do("decide_conflict", *REGION, **ruling(conflict, "separate"))
    assert (one["stage"], one["outcome"], one["confirmed"]) == ("ruling", None, ["杭州"])
    for who, region in ((REGION, "宁波"), (OTHER_REGION, "杭州"), (OTHER_REGION, "温州")):
        refusal = world.refused("decide_conflict", *who, **ruling(conflict, "separate", region))
        assert refusal.rule == "B-CRM-11"
    both = world.do("decide_conflict", *OTHER_REGION, **ruling(conflict, "separate", "宁波"))
    assert (both["stage"], both["outcome"]) == ("final", "separate")


def test_two_regions_that_differ_are_arbitrated(world: World) -> None:
    """Guards against a ruling that nobody made."""
    conflict = claim(world, region="宁波")
    world.do("decide_conflict", *REGION, **ruling(conflict, "refused"))
    differ = world.do("decide_conflict", *OTHER_REGION, **ruling(conflict, "transferred", "宁波"))
    assert (differ["stage"], differ["outcome"]) == ("arbitration", None)
    assert world.events("conflict_appealed")[0]["because"] == "regions_differ"


@pytest.mark.rule("B-CRM-12")
def test_an_arbitration_is_addressed_to_the_large_region_with_four_copies(world: World) -> None:
    """Guards the message list of the arbitration."""
    conflict = claim(world)
    world.do("decide_conflict", *REGION, **ruling(conflict))
    world.do("appeal_conflict", *REP2, id=conflict["conflict_id"])
    (told,) = world.events("conflict_appealed")
    assert (told["to"], told["source"]) == (["large_region_manager"], "B-CRM-12")
    assert set(told["copies"]) == {
        "regional_manager",
        "direct_supervisor",
        "regional_coordinator",
        "information_department",
    }


@pytest.mark.rule("B-CRM-13")
def test_a_ruling_is_due_within_three_working_days(world: World) -> None:
    """Guards the deadline: asked on Thursday the 6th, due by the end of Tuesday the 11th."""
    conflict = claim(world)
    (clock,) = conflict["clocks"]
    assert (clock["due_at"], clock["source"]) == ("2025-03-11T16:00:00.000Z", "B-CRM-13")
    world.at("2025-03-11 23:59")
    assert world.events("clock_breached") == []
    world.at("2025-03-12 00:00")
    (breach,) = world.events("clock_breached")
    assert (breach["subject_id"], breach["source"]) == (conflict["conflict_id"], "B-CRM-13")
    world.do("decide_conflict", *REGION, **ruling(conflict))
    assert world.events("conflict_decided")[0]["on_time"] is False


def test_conflicts_are_listed_by_stage_and_read_one_by_one(world: World) -> None:
    """Guards that a manager finds what waits."""
    conflict = claim(world)
    assert world.do("list_conflicts", *REGION, stage="final") == []
    assert world.do("list_conflicts", *REGION, stage="ruling") == [conflict]
    assert world.do("get_conflict", *REGION, id=conflict["conflict_id"]) == conflict
    with pytest.raises(ValidationFailed, match="no conflict"):
        world.do("raise_conflict", *KEEPER, **{k: company(9)[k] for k in ("name", "region")}, evidence="x")
