"""Mergers of clients: everything leads to the one that stays, and undone it is as it was."""

from __future__ import annotations

import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.intake.domain.same.account import Account
from shared.errors import Conflict, NotFound, RuleRefused
from tests.unit.intake.account_world import BOSS, INFO, REP2, World, company

#: What every write changes, whatever it is.
_WRITTEN = ("version", "history", "processed", "answers")


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Return a sales department with three clients."""
    world = World.of(tmp_path, "sales-crm")
    for number in (1, 2, 3):
        world.enter(number)
    return world


def ids(world: World) -> list[str]:
    return [str(event["account_id"]) for event in world.events("account_entered")]


def state(world: World, account_id: str) -> dict[str, Any]:
    """Return everything a client is, but for what any write adds."""
    account = world.app.accounts.clients._kept.accounts.get(account_id, world.org)
    assert isinstance(account, Account)
    return {name: value for name, value in asdict(account).items() if name not in _WRITTEN}


def merged(world: World, stays: str, goes: str) -> str:
    merge = world.do("request_merge", stays=stays, goes=goes)["merge_id"]
    assert world.do("decide_merge", *INFO, id=merge, decision="approve")["state"] == "merged"
    return str(merge)


def test_contacts_names_and_numbers_lead_to_the_client_that_stays(world: World) -> None:
    """Guards that nothing is lost: both files belong to it, and the old name finds it."""
    stays, goes, _ = ids(world)
    merged(world, stays, goes)
    assert world.do("get_account", id=goes)["account_id"] == stays
    assert world.do("get_account", id=stays)["leads_here"] == [goes]
    found = world.do("search_conflicts", *REP2, kind="name", text=company(2)["name"])
    assert found["hits"] == [stays]
    assert goes not in {row["account_id"] for row in world.do("list_accounts")}
    assert world.refused("change_account", *BOSS, id=goes, change="owner", value="x").rule == "A-JD14-06"


def test_customers_files_of_both_belong_to_the_one_that_stays(tmp_path: Path) -> None:
    """Guards the contacts: they are kept by file, and both files are named."""
    world = World.of(tmp_path, "sales-crm")
    stays = world.enter(1, customer_id="cu_1")["account_id"]
    goes = world.enter(2, customer_id="cu_2")["account_id"]
    merge = merged(world, stays, goes)
    assert world.do("get_account", id=goes)["customers"] == ["cu_1", "cu_2"]
    world.do("decide_merge", *INFO, id=merge, decision="undo")
    assert world.do("get_account", id=goes)["customers"] == ["cu_2"]


@settings(max_examples=15, deadline=None)
@given(
    order=st.permutations([0, 1, 2]),
    changes=st.lists(
        st.sampled_from(
            [("state", "at_risk"), ("contract", "voided"), ("contract", "in_service"), ("owner", "x")]
        ),
        max_size=3,
    ),
)
def test_a_merger_undone_leaves_every_client_exactly_as_it_was(
    order: list[int], changes: list[tuple[str, str]]
) -> None:
    """Guards the undoing, for any clients in any state, one merger upon another too."""
    with tempfile.TemporaryDirectory() as folder:
        world = World.of(Path(folder), "sales-crm")
        for number in (1, 2, 3):
            world.enter(number)
        first, second, third = (ids(world)[index] for index in order)
        for change, value in changes:
            world.do("change_account", *BOSS, id=second, change=change, value=value)
        before = [state(world, each) for each in (first, second, third)]
        inner, outer = merged(world, second, first), merged(world, third, second)
        assert world.do("get_account", *BOSS, id=first)["account_id"] == third
        for merge in (inner, outer):
            assert world.do("decide_merge", *INFO, id=merge, decision="undo")["state"] == "undone"
        assert [state(world, each) for each in (first, second, third)] == before


def test_no_client_is_part_of_two_mergers_and_none_leads_in_a_circle(world: World) -> None:
    """Guards concurrency: whoever asks second for the same client is told so, until the first is decided."""
    one, two, three = ids(world)
    merge = world.do("request_merge", stays=one, goes=two)["merge_id"]
    for stays, goes in ((two, one), (three, two), (one, three)):
        with pytest.raises(Conflict):
            world.do("request_merge", stays=stays, goes=goes)
    world.do("decide_merge", *INFO, id=merge, decision="approve")
    with pytest.raises(Conflict):
        world.do("request_merge", stays=two, goes=one)
    with pytest.raises(NotFound):
        world.do("request_merge", stays=one, goes="ac_none")
    merged(world, one, three)


def test_a_merger_refused_changes_nothing_and_lets_both_go(world: World) -> None:
    """Guards the refusal, and that nobody decides on their own request or twice."""
    one, two, _ = ids(world)
    before = state(world, two)
    merge = world.do("request_merge", stays=one, goes=two)["merge_id"]
    own = ("rep1", ("staff", "information_department"))
    assert world.refused("decide_merge", *own, id=merge, decision="approve").rule == "B-CRM-17"
    assert world.do("decide_merge", *INFO, id=merge, decision="refuse")["state"] == "refused"
    assert world.refused("decide_merge", *INFO, id=merge, decision="undo").rule == "B-CRM-17"
    assert state(world, two) == before
    merged(world, two, one)
    assert sorted(row["state"] for row in world.do("list_merges")) == ["merged", "refused"]


def test_a_merger_cut_short_is_carried_out_by_the_timer(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards against death between the decision and the client: the next round finishes it, once."""
    one, two, _ = ids(world)
    merge = world.do("request_merge", stays=one, goes=two)["merge_id"]
    with monkeypatch.context() as patch:
        patch.setattr(type(world.app.accounts.merges), "settle", lambda _: False)
        assert world.do("decide_merge", *INFO, id=merge, decision="approve")["state"] == "merging"
    assert world.do("get_account", id=two)["account_id"] == two
    world.app.accounts.merges.settle()
    world.app.accounts.merges.settle()
    assert world.do("get_account", id=two)["account_id"] == one
    assert [event["state"] for event in world.events("merge_moved")] == ["requested", "merging", "merged"]
    with pytest.raises(RuleRefused):
        world.do("decide_merge", *INFO, id=merge, decision="approve")
