"""Entering a client: both searches first, complete, named as on the licence, and never two at the same moment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from services.intake.accounts_kept import AccountShelves
from shared.errors import Conflict, ValidationFailed
from tests.unit.intake.account_world import BOSS, INFO, KEEPER, REGION, REP2, World, company


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Return a sales department on a Thursday morning."""
    return World.of(tmp_path, "sales-crm")


@pytest.mark.rule("B-CRM-05")
@pytest.mark.parametrize("made", [(), ("name",), ("phone",)])
def test_without_both_searches_nobody_enters_a_client(world: World, made: tuple[str, ...]) -> None:
    """Guards the searches: each by its own key, and each kept with who made it."""
    for kind in made:
        world.do("search_conflicts", kind=kind, text=company(1)[kind])
    assert world.refused("enter_account", **company(1)).rule == "B-CRM-05"
    for kind in {"name", "phone"} - set(made):
        world.do("search_conflicts", kind=kind, text=company(1)[kind])
    assert world.do("enter_account", **company(1))["owner"] == "rep1"
    assert [unsent.entry.actor for unsent in world.published if unsent.entry.type == "conflict_searched"] == [
        "rep1",
        "rep1",
    ]


@pytest.mark.rule("B-CRM-05")
def test_searches_of_somebody_else_of_another_client_or_of_yesterday_do_not_count(world: World) -> None:
    """Guards that the search is the entering person's own, of this client, and recent."""
    for kind in ("name", "phone"):
        world.do("search_conflicts", *REP2, kind=kind, text=company(1)[kind])
        world.do("search_conflicts", kind=kind, text=company(2)[kind])
    assert world.refused("enter_account", **company(1)).rule == "B-CRM-05"
    world.at("2025-03-07 10:00")
    assert world.do("enter_account", **company(2))["owner"] == "rep1"
    world.at("2025-03-07 10:01")
    assert world.refused("enter_account", *REP2, **company(1)).rule == "B-CRM-05"


@pytest.mark.rule("B-CRM-06")
@pytest.mark.parametrize("shared", ["name", "phone"])
def test_a_hit_of_either_search_goes_to_a_ruling_first(world: World, shared: str) -> None:
    """Guards that one hit is enough, and that consent lets the entry proceed."""
    first = world.enter(1)
    mine = company(2) | {shared: company(1)[shared]}
    if shared == "name":
        mine |= {"licence_name": mine["name"]}
    for kind in ("name", "phone"):
        world.do("search_conflicts", *REP2, kind=kind, text=mine[kind])
    refusal = world.refused("enter_account", *REP2, **mine)
    assert (refusal.rule, refusal.details) == ("B-CRM-06", {"hits": [first["account_id"]]})
    claim = {name: mine[name] for name in ("name", "phone", "region")}
    conflict = world.do("raise_conflict", *REP2, **claim, evidence="名片")
    assert (conflict["stage"], conflict["against"]) == ("ruling", [first["account_id"]])
    consent: dict[str, Any] = {"conflict_id": conflict["conflict_id"]}
    assert world.refused("enter_account", *REP2, **mine | consent).rule == "B-CRM-06"
    world.do(
        "decide_conflict",
        *REGION,
        id=conflict["conflict_id"],
        region="杭州",
        outcome="separate",
        reason="两家公司",
    )
    entered = world.do("enter_account", *REP2, **mine | consent)
    assert entered["owner"] == "rep2"
    assert entered["account_id"] != first["account_id"]
    assert world.refused("enter_account", *REP2, **mine | consent).rule == "B-CRM-06"


def test_of_two_who_enter_the_same_client_at_the_same_moment_one_wins_and_the_other_is_sent_to_the_ruling(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards uniqueness where both searches were clean: the database decides, and says whom the second met."""
    for who in (("rep1", ("staff", "sales_rep")), REP2):
        for kind in ("name", "phone"):
            assert world.do("search_conflicts", *who, kind=kind, text=company(1)[kind])["hits"] == []
    winner: list[str] = []
    slots = AccountShelves.slots

    def meanwhile(shelves: AccountShelves, prefix: str) -> set[str]:
        if not winner:
            winner.append("")
            winner[0] = world.do("enter_account", *REP2, **company(1))["account_id"]
        return slots(shelves, prefix)

    monkeypatch.setattr(AccountShelves, "slots", meanwhile)
    refusal = world.refused("enter_account", **company(1))
    assert (refusal.rule, refusal.details) == ("B-CRM-06", {"hits": winner})
    assert len(world.events("account_entered")) == 1


def test_an_entry_repeated_is_the_same_entry_and_another_one_under_its_key_is_refused(world: World) -> None:
    """Guards idempotency: one client, one event, one place of the quota."""
    for kind in ("name", "phone"):
        world.do("search_conflicts", kind=kind, text=company(1)[kind])
    first = world.do("enter_account", key="once", **company(1))
    assert world.do("enter_account", key="once", **company(1)) == first
    with pytest.raises(Conflict, match="idempotency key"):
        world.do("enter_account", key="once", **company(1) | {"contact_name": "测试乙"})
    assert len(world.events("account_entered")) == 1
    assert world.do("get_quota", pool="representative")["counted"] == 1


@pytest.mark.rule("B-CRM-14")
def test_what_is_missing_is_listed(world: World) -> None:
    """Guards completeness: all that is missing at once, by name."""
    refusal = world.refused("enter_account", **company(1) | {"region": None, "contact_name": None})
    assert (refusal.rule, refusal.details) == ("B-CRM-14", {"missing": ["region", "contact_name"]})


@pytest.mark.rule("B-CRM-15")
def test_a_name_is_chinese_with_an_english_one_only_in_brackets(world: World) -> None:
    """Guards the form of names at the desk, not only in the parser."""
    assert world.refused("enter_account", **company(1) | {"name": "Huaxing/华星"}).rule == "B-CRM-15"
    named = "华星(Huaxing)"
    assert world.enter(1, name=named, licence_name=named)["protected"]


@pytest.mark.rule("B-CRM-16")
def test_a_name_whose_key_field_is_not_that_of_the_licence_is_not_protected(world: World) -> None:
    """Guards that whoever enters it sloppily holds nothing against the next."""
    sloppy = world.enter(1, name="华兴贸易", licence_name="华星贸易")
    assert not sloppy["protected"]
    assert world.events("account_entered")[0]["protected"] is False
    next_one = world.enter(2, "rep2", name="华兴贸易", licence_name="华兴贸易")
    assert next_one["protected"]
    branch = world.enter(3, name="杭州新月贸易有限公司", licence_name="上海新月贸易集团")
    assert branch["protected"]


@pytest.mark.rule("B-CRM-17")
def test_several_names_are_entered_each_by_itself_and_then_merged(world: World) -> None:
    """Guards the way for a client with several names: no slashes, two entries, one request, one client."""
    assert world.refused("enter_account", **company(1) | {"name": "华星/华兴"}).rule == "B-CRM-17"
    stays, goes = world.enter(1)["account_id"], world.enter(2)["account_id"]
    merge = world.do("request_merge", stays=stays, goes=goes)
    decide: dict[str, Any] = {"id": merge["merge_id"], "decision": "approve"}
    assert world.refused("decide_merge", *REGION, **decide).rule == "B-CRM-17"
    assert world.do("decide_merge", *INFO, **decide)["state"] == "merged"
    assert world.do("get_account", id=goes)["account_id"] == stays


@pytest.mark.rule("B-CRM-01")
def test_the_rules_are_those_of_the_role_and_nobody_else_enters_clients(world: World) -> None:
    """Guards that a representative's rules are not an account manager's."""
    assert world.enter(1)["pool"] == "representative"
    for kind in ("name", "phone"):
        world.do("search_conflicts", "clerk", ("staff",), kind=kind, text=company(2)[kind])
        world.do("search_conflicts", *KEEPER, kind=kind, text=company(3)[kind])
    assert world.refused("enter_account", "clerk", ("staff",), **company(2)).rule == "B-CRM-01"
    assert world.refused("enter_account", *KEEPER, **company(3)).rule == "B-CRM-03"


def test_a_search_shows_who_is_alike_with_the_points_and_their_reasons(world: World) -> None:
    """Guards that likeness advises and does not stop: only the same key is a hit."""
    one = world.enter(1, name="杭州华星贸易有限公司", licence_name="杭州华星贸易有限公司")["account_id"]
    found = world.do("search_conflicts", *REP2, kind="name", text="杭州华兴科技有限公司")
    assert found["hits"] == []
    (candidate,) = found["candidates"]
    assert candidate["account_id"] == one
    assert (candidate["points"], candidate["reasons"]) == (16, ["sound", "region", "form"])


def test_what_cannot_be_searched_by_is_told(world: World) -> None:
    """Guards the searcher from an empty answer to half a number."""
    with pytest.raises(ValidationFailed, match="area code"):
        world.do("search_conflicts", kind="phone", text="87654321")


def test_nothing_personal_leaves_in_events(world: World) -> None:
    """Guards privacy: names and numbers stay in the file."""
    world.enter(1)
    told = str([dict(unsent.entry.data) for unsent in world.published])
    assert not any(text in told for text in ("华一", "测试甲", "0571", "80000001"))
    assert world.do("get_account", *BOSS, id=world.events("account_entered")[0]["account_id"])["phone"].count(
        "*"
    )
