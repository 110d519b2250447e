"""Notices: what gateways and staff report of messages counts once, and who has not answered is listed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.followup.domain.message import REPORTED, Message, Status
from shared.history import Cause
from shared.messaging.delivery import Outcome
from tests.unit.followup.care_world import CareWorld, beijing, delivered

WITHIN_A_DAY = """
      care:
        kinds:
          client_notice:
            acknowledge:
              within: {amount: 24, unit: hours, source: organisation}
"""


@pytest.mark.rule("A-RES-10")
@pytest.mark.parametrize("kind", ["change_notice", "progress_notice", "move_in_notice"])
def test_a_notice_goes_to_all_buyers_and_its_delivery_is_logged(tmp_path: Path, kind: str) -> None:
    """Two hundred buyers, whether or not they want advertising: two hundred deliveries are logged."""
    world = CareWorld(tmp_path, "real-estate")
    world.people(199, traits={"type": "buyer"})
    world.people(1, first=199, traits={"type": "buyer"}, opted_out=True)
    campaign = world.start(kind, "n-1", where={"type": "buyer"}, variables={"number": "N-1"})
    world.run()
    world.app.care.reports([delivered(row["message_id"]) for row in world.messages()])
    assert world.campaign(campaign)["messages"]["delivered"] == 200
    log = world.messages(campaign_id=campaign, status="delivered")
    assert len({row["customer_id"] for row in log}) == 200
    assert {row["template_source"] for row in log} == {"A-RES-10"}


@pytest.mark.rule("A-PRM-22")
def test_a_notice_to_homes_counts_delivered_and_read(tmp_path: Path) -> None:
    """Three hundred homes got it, of which two hundred and fifty read it."""
    world = CareWorld(tmp_path, "property")
    world.people(300, kind="person")
    campaign = world.start("home_notice", "n-1", variables={"number": "N1"})
    world.run()
    ids = [row["message_id"] for row in world.messages()]
    world.app.care.reports([delivered(each) for each in ids])
    world.app.care.reports([delivered(each, "read") for each in ids[:250]])
    shown = world.campaign(campaign)["messages"]
    assert (shown["delivered"] + shown["read"], shown["read"]) == (300, 250)
    reports = world.events("message_reported")
    assert [sum(row["status"] == each for row in reports) for each in ("delivered", "read")] == [300, 250]


@pytest.mark.rule("A-LOG-76")
def test_a_key_client_who_does_not_acknowledge_in_time_is_listed(tmp_path: Path) -> None:
    """Sent at nine, acknowledged by one at half past ten; the other is listed after the configured day."""
    world = CareWorld(tmp_path, "logistics", WITHIN_A_DAY, now="2026-06-01 09:00")
    world.people(2, traits={"vip": "yes"})
    world.start("client_notice", "n-1", where={"vip": "yes"}, variables={"number": "N1"})
    world.run()
    first, second = world.messages()
    world.clock.set(beijing("2026-06-01 10:30"))
    assert world.report(first["message_id"], "acknowledged")["status"] == "acknowledged"
    assert [row["message_id"] for row in world.messages(status="unacknowledged")] == [second["message_id"]]
    world.clock.set(beijing("2026-06-02 08:59"))
    assert world.messages(status="overdue") == []
    world.clock.set(beijing("2026-06-02 09:00"))
    [late] = world.messages(status="overdue")
    assert (late["message_id"], late["template_source"]) == (second["message_id"], "A-LOG-76")
    acknowledged = {"status": "acknowledged", "at": "2026-06-01T02:30:00.000Z"}
    assert world.messages(status="acknowledged")[0]["reports"] == [acknowledged]


@pytest.mark.rule("A-HTL-02")
def test_hotels_that_do_not_acknowledge_a_policy_are_listed(tmp_path: Path) -> None:
    """Of twenty hotels eighteen acknowledge and two are missing."""
    world = CareWorld(tmp_path, "hotel-franchise")
    hotels = world.people(20, kind="company")
    campaign = world.start("policy_notice", "p-1", variables={"number": "P1"})
    world.run()
    for row in world.messages()[:18]:
        world.report(row["message_id"], "acknowledged")
    listed = world.messages(campaign_id=campaign, status="acknowledged")
    missing = world.messages(campaign_id=campaign, status="unacknowledged")
    assert (len(listed), len(missing)) == (18, 2)
    assert {row["customer_id"] for row in [*listed, *missing]} == set(hotels)
    assert {row["template_source"] for row in missing} == {"A-HTL-02"}


@pytest.mark.rule("B-RES-12")
def test_a_new_phase_is_told_to_the_owners_of_earlier_ones(tmp_path: Path) -> None:
    """Phase three goes to owners of phases one and two, on the day it opens."""
    world = CareWorld(tmp_path, "real-estate", now="2025-04-20 09:00")
    for phase in range(1, 5):
        world.people(2, first=phase * 10, traits={"type": "owner", "phase": str(phase)})
    opening: dict[str, Any] = {
        "starts_at": "2025-05-01T09:00:00+08:00",
        "variables": {"phase": "3", "day": "2025-05-01"},
    }
    world.start("phase_opening", "phase-3", **opening)
    world.run("2025-04-30 09:00")
    assert world.told() == []
    world.run("2025-05-01 09:00")
    assert [customer for _, customer in world.told()] == ["cu_00010", "cu_00011", "cu_00020", "cu_00021"]
    assert {row["template_source"] for row in world.messages()} == {"B-RES-12"}


@pytest.mark.rule("B-RES-13")
def test_the_progress_of_construction_is_told_to_who_signed(tmp_path: Path) -> None:
    """At sixty percent one batch goes to the list of signed contracts, each message linked to the batch."""
    world = CareWorld(tmp_path, "real-estate")
    signed = world.people(4, traits={"contract": "signed"})
    world.people(3, first=4, traits={"contract": "reserved"})
    campaign = world.start("construction_progress", "progress-60", variables={"progress": "60"})
    world.run()
    batch = world.messages(campaign_id=campaign)
    assert sorted(row["customer_id"] for row in batch) == signed
    assert {row["variables"]["progress"] for row in batch} == {"60"}
    assert {row["template_source"] for row in batch} == {"B-RES-13"}


def test_a_report_counts_once_and_wrong_ones_are_given_up_with_the_reason(tmp_path: Path) -> None:
    """A repeat changes nothing; strangers, other organisations, the future and unknown messages are refused."""
    world = CareWorld(tmp_path, "property")
    world.people(1)
    world.start("home_notice", "n-1")
    world.run()
    [row] = world.messages()
    message = row["message_id"]
    batch = [
        delivered(message),
        delivered(message),
        delivered(message, event_id="another"),
        delivered(message, user=None),
        delivered(message, "read", user="pub-shop"),
        delivered(message, "read", user="pub-stranger"),
        delivered(message, "eaten"),
        delivered(message, "read", at="2026-06-02T09:00:00+08:00"),
        delivered("ms_none"),
        delivered(message, "read", org="nobody"),
    ]
    world.app.care.reports(batch)
    assert [each.outcome for each in batch] == [Outcome.DONE, *[Outcome.DUPLICATE] * 2, *[Outcome.DEAD] * 7]
    reasons = [each.reason or "" for each in batch[3:]]
    named = ["user_id", "type", "user_id", "data.status", "data.at", "ms_none", "nobody"]
    assert all(name in reason for name, reason in zip(named, reasons, strict=True))
    assert [data["status"] for data in world.events("message_reported")] == ["delivered"]


@given(st.permutations(list(REPORTED) * 2))
def test_the_furthest_a_message_got_holds_in_any_order(reports: list[Status]) -> None:
    """Whatever comes first, the end is the same and each report is recorded once."""
    at = beijing("2026-06-01 09:00")
    message = Message(
        id="ms_1",
        org="org",
        template="news",
        template_source="B-SVN-08",
        regulation="r",
        customer_id="cu_1",
        variables={},
        requested_at=at,
    )
    for number, status in enumerate(reports):
        message.report(status, at, at, Cause(f"e-{number}", "gateway"))
    assert message.status is Status.ACKNOWLEDGED
    assert len(message.history) == len(REPORTED)
