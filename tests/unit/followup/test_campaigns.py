"""Campaigns: everybody who is chosen is reached once, whatever dies when, and nobody who declined."""

from __future__ import annotations

import tempfile
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.followup.handlers.campaigns import Campaigns
from shared.errors import Conflict, Forbidden, NotFound
from tests.unit.followup.care_world import CareWorld

CAP = """
      care:
        cap: {value: 2, source: organisation}
        kinds:
          news:
            every: {value: quarter, source: organisation}
"""


class Died(Exception):
    """The process was killed."""


def dying(world: CareWorld, after: int) -> tuple[Campaigns, Counter[str]]:
    """Return a process that dies after so many writes, and how many it did."""
    app, done = world.replica(), Counter[str]()
    campaigns = app.care.campaigns

    def mortal(write: Any) -> Any:
        def written(*args: Any, **kwargs: Any) -> Any:
            if done["writes"] >= after:
                raise Died
            done["writes"] += 1
            return write(*args, **kwargs)

        return written

    # Each write of a round goes through one of these stores.
    for kept in (campaigns._campaigns, campaigns._messages):
        store: Any = kept.store
        store.insert, store.replace_many = mortal(store.insert), mortal(store.replace_many)
    campaigns._page = lambda _: 4
    return campaigns, done


@pytest.mark.rule("B-SVN-08")
def test_news_reach_all_who_consent_and_none_who_declined(tmp_path: Path) -> None:
    """Forty get the quarterly message, the five who declined do not; it comes by itself, once in a quarter."""
    world = CareWorld(tmp_path, "standard", CAP)
    consenting = world.people(40)
    world.people(5, first=40, opted_out=True)
    world.run("2026-07-01 09:00")
    world.run("2026-09-30 09:00")
    assert world.told() == [("news", each) for each in consenting]
    [campaign] = world.app.care.campaigns.campaigns(world.org, {"kind": "news", "limit": 9, "skip": 0})
    assert (campaign["occasion"], campaign["chosen"], campaign["sent"]) == ("2026-quarter-3", 45, 40)
    assert campaign["skipped"] == [{"reason": "opted_out", "number": 5}]
    assert {row["template_source"] for row in world.events("message_requested")} == {"B-SVN-08"}


@given(st.lists(st.integers(0, 7), max_size=6), st.integers(0, 14), st.integers(1, 3))
@settings(max_examples=40, deadline=None)
def test_nobody_is_reached_twice_and_nobody_missed_whenever_processes_die(
    deaths: list[int], number: int, replicas: int
) -> None:
    """Killed before any of its writes, as often as you like, a campaign ends with one message for each."""
    with tempfile.TemporaryDirectory() as folder:
        world = CareWorld(Path(folder), "standard")
        everybody = world.people(number)
        declined = everybody[::3]
        for each in declined:
            world.tell(each, opted_out=True)
        campaign = world.start("news")
        for after in deaths:
            campaigns, _ = dying(world, after)
            with suppress(Died):
                while world.campaign(campaign)["state"] != "done":
                    campaigns.round()
        others = [world.replica().care.campaigns for _ in range(replicas)]
        while sum(other.round() for other in others):
            pass
        assert [customer for _, customer in world.told()] == sorted(set(everybody) - set(declined))
        shown = world.campaign(campaign)
        assert (shown["chosen"], shown["sent"]) == (number, number - len(declined))
        assert sum(shown["skipped"].values()) == len(declined)
        assert len(world.events("campaign_finished")) == 1


def test_who_declines_between_a_crash_and_its_repair_counts_as_told(tmp_path: Path) -> None:
    """The message is out: the counts say what happened, not what would happen now."""
    world = CareWorld(tmp_path, "standard")
    world.people(3)
    campaign = world.start("news")
    campaigns, _ = dying(world, after=1)
    with pytest.raises(Died):
        campaigns.round()
    world.tell("cu_00001", opted_out=True)
    world.run()
    shown = world.campaign(campaign)
    assert (shown["sent"], shown["skipped"]) == (3, {})


def test_a_campaign_started_again_is_the_same_campaign(tmp_path: Path) -> None:
    """Another start of the same occasion reaches nobody again; for others it is refused."""
    world = CareWorld(tmp_path, "standard")
    world.people(3)
    first = world.start("news", variables={"topic": "spring"})
    world.run()
    assert world.start("news", variables={"topic": "spring"}) == first
    world.run()
    assert len(world.told()) == 3
    with pytest.raises(Conflict):
        world.start("news", where={"vip": "yes"})
    with pytest.raises(NotFound):
        world.start("unheard-of")


def test_nobody_gets_more_in_a_month_than_the_organisation_says(tmp_path: Path) -> None:
    """The third campaign of a month is too many for who had two; another month begins anew."""
    world = CareWorld(tmp_path, "standard", CAP.replace("quarter", "year"), now="2026-06-01 09:00")
    world.people(4)
    world.run()
    world.start("news", "second", where={"unit": "A-1"})
    world.tell("cu_00001", units=("A-1",))
    world.run()
    third = world.start("news", "third")
    world.run()
    assert world.campaign(third)["skipped"] == {"monthly_cap": 1}
    assert Counter(customer for _, customer in world.told()) == dict.fromkeys(world.people(4), 2)
    july = world.start("news", "july", starts_at="2026-07-01T09:00:00+08:00")
    world.run("2026-06-30 09:00")
    assert world.campaign(july)["sent"] == 0
    world.run("2026-07-01 09:00")
    assert world.campaign(july)["sent"] == 4


def test_nobody_is_disturbed_in_quiet_hours(tmp_path: Path) -> None:
    """A campaign of the evening goes on in the morning."""
    world = CareWorld(tmp_path, "membership", "      care: {}", now="2026-06-01 21:30")
    world.people(2)
    campaign = world.start("news")
    world.run()
    world.run("2026-06-02 07:59")
    assert world.told() == []
    assert world.campaign(campaign)["next_at"] == "2026-06-02T00:00:00.000Z"
    world.run("2026-06-02 08:00")
    assert len(world.told()) == 2


@pytest.mark.rule("A-ECO-09")
def test_only_the_member_post_starts_campaigns_for_members(tmp_path: Path) -> None:
    """The member post reaches the forty members of level two; any other role is refused."""
    world = CareWorld(tmp_path, "online-store")
    members = world.people(40, traits={"level": "2"})
    world.people(7, first=40, traits={"level": "1"})
    with pytest.raises(Forbidden) as refused:
        world.start("member_campaign", where={"level": "2"}, roles=("manager",))
    assert refused.value.rule == "A-ECO-09"
    world.start("member_campaign", where={"level": "2"}, roles=("crm_specialist",))
    world.run()
    assert world.told() == [("campaign", each) for each in members]


@pytest.mark.rule("B-MBY-06")
def test_a_group_of_buyers_gets_its_campaign(tmp_path: Path) -> None:
    """Only the group "newborn" gets campaign 3."""
    world = CareWorld(tmp_path, "online-store")
    newborn = world.people(6, traits={"group": "newborn"})
    world.people(6, first=6, traits={"group": "toddler"})
    campaign = world.start("group_campaign", "campaign-3", where={"group": "newborn"})
    world.run()
    assert world.told() == [("campaign", each) for each in newborn]
    sources = {(row["template_source"], row["campaign_id"]) for row in world.events("message_requested")}
    assert sources == {("B-MBY-06", campaign)}


LOYAL = """
      care:
        kinds:
          loyal_buyer:
            at_least:
              value: {value: 5, source: organisation}
            every: {value: month, source: organisation}
"""


@pytest.mark.rule("B-MBY-07")
def test_who_ordered_often_enough_becomes_vip_and_hears_of_offers(tmp_path: Path) -> None:
    """With five orders, as configured, a buyer is VIP and gets the offers; with four neither."""
    world = CareWorld(tmp_path, "online-store", LOYAL)
    loyal = world.people(2, traits={"orders": "5"})
    world.people(2, first=2, traits={"orders": "4"})
    world.run()
    found = world.app.people.page(world.org, {"vip": "yes"})
    assert [person.id for person in found] == loyal
    world.start("vip_offer")
    world.run()
    assert world.told() == [("vip", each) for each in loyal]


@pytest.mark.rule("A-TRV-04")
def test_a_chosen_group_gets_visits_at_home_with_the_promotion(tmp_path: Path) -> None:
    """Twelve customers aged sixty and more make twelve visits, each with the promotion's code."""
    world = CareWorld(tmp_path, "call-centre")
    chosen = world.people(12, traits={"age": "60plus"})
    world.people(5, first=12, traits={"age": "30plus"})
    world.start("home_visit", where={"age": "60plus"}, variables={"promotion": "P-60"})
    world.run()
    assert [(task["customer"], task["promotion"]) for task in world.tasks()] == [
        (each, "P-60") for each in chosen
    ]


@pytest.mark.rule("A-CCC-07")
def test_who_bought_is_called_to_buy_more(tmp_path: Path) -> None:
    """A customer with a deal makes one task, one without makes none."""
    world = CareWorld(tmp_path, "call-centre")
    world.people(1, traits={"status": "deal"})
    world.people(1, first=1, traits={"status": "no_deal"})
    campaign = world.start("cross_sell")
    world.run()
    world.run()
    assert [task["customer"] for task in world.tasks()] == ["cu_00000"]
    assert world.campaign(campaign)["sent"] == 1
