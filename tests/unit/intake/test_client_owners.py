"""Whose client somebody is: pools by role, quotas, moves, what others may see, grades and ratings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from services.intake.accounts_kept import AccountShelves
from services.intake.domain.same.rules import Contract
from tests.unit.intake.account_world import BOSS, KEEPER, REP2, World, company

SMALL = """
overrides:
  - version: "1"
    effective_from: 2020-01-01
    intake:
      accounts:
        ownership:
          new_regions: {value: [西宁], source: organisation}
          pools:
            representative:
              role: sales_rep
              holds: [never_signed, voided, lapsed]
              counts: {value: [never_signed, voided, lapsed], source: organisation}
              quota: {most: 2, in_new_regions: 3, source: organisation}
              source: organisation
"""


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Return a sales department on a Thursday morning."""
    return World.of(tmp_path, "sales-crm")


def sign(world: World, account: dict[str, Any], value: str, since: str, who: Any = BOSS) -> dict[str, Any]:
    """Note where a client's contract stands."""
    given: dict[str, Any] = {
        "id": account["account_id"],
        "change": "contract",
        "value": value,
        "since": since,
    }
    signed: dict[str, Any] = world.do("change_account", *who, **given)
    return signed


def move(world: World, account: dict[str, Any], to: str) -> dict[str, Any]:
    """Move a client to another owner."""
    moved: dict[str, Any] = world.do(
        "change_account", *BOSS, id=account["account_id"], change="owner", value=to
    )
    return moved


@pytest.mark.rule("B-CRM-02")
def test_the_seventy_first_client_of_a_representative_is_refused(world: World) -> None:
    """Guards the quota with the handbook's number; somebody else still has room."""
    for number in range(70):
        world.enter(number)
    assert world.do("get_quota", pool="representative") == {
        "owner": "rep1",
        "pool": "representative",
        "held": 70,
        "counted": 70,
        "most": 70,
        "source": "B-CRM-02",
    }
    for kind in ("name", "phone"):
        world.do("search_conflicts", kind=kind, text=company(70)[kind])
    assert world.refused("enter_account", **company(70)).rule == "B-CRM-02"
    assert world.enter(70, "rep2")["owner"] == "rep2"


def test_a_new_region_has_a_quota_of_its_own(tmp_path: Path) -> None:
    """Guards the policy value: a third client in a new region, and none in an old one."""
    world = World.of(tmp_path, "sales-crm", extra=SMALL)
    world.enter(1)
    world.enter(2)
    for kind in ("name", "phone"):
        world.do("search_conflicts", kind=kind, text=company(3)[kind])
    assert world.refused("enter_account", **company(3)).rule == "organisation"
    assert world.do("enter_account", **company(3) | {"region": "西宁"})["owner"] == "rep1"


def test_two_entries_at_once_do_not_share_the_last_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards the quota under concurrency: a place is unique, so whoever saw it free too late is refused."""
    world = World.of(tmp_path, "sales-crm", extra=SMALL)
    world.enter(1)
    for number in (2, 3):
        for kind in ("name", "phone"):
            world.do("search_conflicts", kind=kind, text=company(number)[kind])
    slots = AccountShelves.slots
    looked: list[str] = []

    def meanwhile(shelves: AccountShelves, prefix: str) -> set[str]:
        taken = slots(shelves, prefix)
        looked.append(prefix)
        if len(looked) == 1:
            world.do("enter_account", **company(3))
        return taken

    monkeypatch.setattr(AccountShelves, "slots", meanwhile)
    assert world.refused("enter_account", **company(2)).rule == "organisation"
    assert world.do("get_quota", pool="representative")["counted"] == 2


@pytest.mark.rule("B-CRM-03")
@pytest.mark.parametrize(
    ("contract", "since", "keeper"),
    [
        (Contract.NEVER_SIGNED, "2025-03-01", "representative"),
        (Contract.VOIDED, "2025-03-01", "representative"),
        (Contract.IN_SERVICE, "2025-03-01", "manager"),
        (Contract.LAPSED, "2024-02-06", "representative"),
        (Contract.LAPSED, "2024-04-06", "manager"),
        (Contract.LAPSED, "2024-03-06", "representative"),
        (Contract.LAPSED, "2024-03-07", "manager"),
    ],
)
def test_the_state_of_the_contract_says_whose_client_it_is(
    world: World, contract: Contract, since: str, keeper: str
) -> None:
    """Guards the pools: lapsed 13 months is the representative's, 11 the manager's, a year to the day the former's."""
    account = world.enter(1)
    signed = sign(world, account, contract.value, since)
    moved = move(world, account, "somebody")
    assert moved["pool"] == keeper
    assert (signed["owner"] == "rep1") is (keeper == "representative")


@pytest.mark.rule("B-CRM-03")
def test_a_lapsed_client_leaves_its_account_manager_after_a_year(world: World) -> None:
    """Guards that ownership passes by itself on the day, and the history says so."""
    account = world.enter(1)
    sign(world, account, "lapsed", "2024-06-30")
    assert move(world, account, "am1")["pool"] == "manager"
    world.at("2025-06-29 23:59")
    assert world.do("get_account", *BOSS, id=account["account_id"])["owner"] == "am1"
    world.at("2025-06-30 00:00")
    passed = world.do("get_account", *BOSS, id=account["account_id"])
    assert (passed["owner"], passed["pool"]) == (None, None)
    assert [row["owner"] for row in passed["owners"]] == ["rep1", None, "am1", None]
    assert world.events("account_changed")[-1]["source"] == "B-CRM-03"
    assert world.do("change_account", *BOSS, id=account["account_id"], change="owner", value="rep2")[
        "pool"
    ] == ("representative")


@pytest.mark.rule("B-CRM-04")
def test_only_clients_in_service_count_for_an_account_manager(world: World) -> None:
    """Guards the count: fifty in service and eight lapsed within a year are fifty."""
    for number in range(58):
        account = world.enter(number)
        sign(world, account, "in_service" if number < 50 else "lapsed", "2025-01-06")
        move(world, account, "am1")
    quota = world.do("get_quota", *KEEPER, pool="manager")
    assert (quota["held"], quota["counted"], quota["source"]) == (58, 50, "B-CRM-04")


@pytest.mark.rule("A-JD14-06")
def test_a_manager_moves_a_client_and_an_agent_does_not(world: World) -> None:
    """Guards the power to move clients; the history keeps both owners."""
    account = world.enter(1)
    asked: dict[str, Any] = {"id": account["account_id"], "change": "owner", "value": "rep2"}
    assert world.refused("change_account", **asked).rule == "A-JD14-06"
    assert world.do("change_account", "boss", ("staff", "manager"), **asked)["owner"] == "rep2"
    shown = world.do("get_account", *REP2, id=account["account_id"])
    assert [row["owner"] for row in shown["owners"]] == ["rep1", "rep2"]


@pytest.mark.rule("A-JD15-01")
def test_everybody_sees_their_own_clients_and_not_those_of_others(world: World) -> None:
    """Guards the twelve of one's own, and the thirteenth that is somebody else's."""
    mine = [world.enter(number)["account_id"] for number in range(12)]
    theirs = world.enter(12, "rep2")["account_id"]
    assert {row["account_id"] for row in world.do("list_accounts", limit=50)} == set(mine)
    assert world.refused("get_account", id=theirs).rule == "A-JD15-01"
    assert world.refused("list_accounts", owner="rep2").rule == "A-JD15-01"
    assert len(world.do("list_accounts", *BOSS, limit=50)) == 13


@pytest.mark.rule("A-JD15-02")
def test_a_client_that_may_be_lost_is_on_the_list_of_those_at_risk(world: World) -> None:
    """Guards the state with the moment since when, and the list."""
    account = world.enter(1)
    world.enter(2)
    world.at("2025-05-06 09:00")
    world.do("change_account", id=account["account_id"], change="state", value="at_risk")
    (row,) = world.do("list_accounts", state="at_risk")
    assert (row["account_id"], row["state_since"]) == (account["account_id"], "2025-05-06T01:00:00.000Z")
    assert world.events("account_changed")[-1]["source"] == "A-JD15-02"


@pytest.mark.rule("A-LOG-69")
def test_a_credit_grade_has_its_assessor_and_its_day_and_those_before_stay(tmp_path: Path) -> None:
    """Guards the history of credit grades."""
    world = World.of(tmp_path, "logistics")
    account = world.do("enter_account", "file1", ("staff",), customer_id="cu_1")["account_id"]
    for day, grade in (("2025-03-07", "C"), ("2025-04-07", "B")):
        world.at(f"{day} 10:00")
        world.do("change_account", "file1", ("staff",), id=account, change="credit", value=grade)
    shown = world.do("get_account", "file1", ("staff",), id=account)
    assert shown["grades"] == [
        {"kind": "credit", "grade": "C", "by": "file1", "at": "2025-03-07T02:00:00.000Z"},
        {"kind": "credit", "grade": "B", "by": "file1", "at": "2025-04-07T02:00:00.000Z"},
    ]
    assert world.events("account_changed")[-1] == {
        "account_id": account,
        "change": "credit",
        "before": "C",
        "after": "B",
        "at": "2025-04-07T02:00:00.000Z",
        "source": "A-LOG-69",
    }


@pytest.mark.rule("A-LOG-77")
def test_a_client_that_rates_its_agent_low_is_offered_another_one(tmp_path: Path) -> None:
    """Guards the proposal: two of five opens it, accepting moves the client with its history, three does not."""
    world = World.of(tmp_path, "logistics")
    account = world.do("enter_account", "a", ("staff",), customer_id="cu_1")["account_id"]
    rating: dict[str, Any] = {"id": account, "change": "rating", "to": "b"}
    assert world.do("change_account", "a", ("staff",), **rating, value="3")["proposed"] is None
    assert world.do("change_account", "a", ("staff",), **rating, value="2")["proposed"] == "b"
    accept: dict[str, Any] = {"id": account, "change": "proposal", "value": "accepted"}
    assert world.refused("change_account", "a", ("staff",), **accept).rule == "A-JD14-06"
    moved = world.do("change_account", *BOSS, **accept)
    assert (moved["owner"], moved["proposed"]) == ("b", None)
    shown = world.do("get_account", "b", ("staff",), id=account)
    assert [row["owner"] for row in shown["owners"]] == ["a", "b"]
    assert world.events("account_changed")[-1]["source"] == "A-LOG-77"


@pytest.mark.rule("B-ECM-11")
def test_a_grade_given_during_reception_is_on_the_supervisors_list(tmp_path: Path) -> None:
    """Guards the report of grades: the supervisor asks for those of one grade and sees them all."""
    world = World.of(tmp_path, "online-store")
    for number, grade in enumerate("BAB"):
        account = world.do("enter_account", f"agent{number}", ("staff",), customer_id=f"cu_{number}")
        given: dict[str, Any] = {"id": account["account_id"], "change": "reception", "value": grade}
        world.do("change_account", f"agent{number}", ("staff",), **given)
    rows = world.do("list_accounts", "boss", ("staff", "supervisor"), grade="B")
    assert {row["customer_id"] for row in rows} == {"cu_0", "cu_2"}
    assert {row["grades"][0]["by"] for row in rows} == {"agent0", "agent2"}
    assert {event["source"] for event in world.events("account_changed")} == {"B-ECM-11"}
