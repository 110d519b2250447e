from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.followup.domain.quiet import is_quiet, permitted_from
from services.followup.domain.rulebook import QuietHours
from shared.errors import RuleRefused, ValidationFailed
from tests.unit.followup.callback_world import ORG, Calls, at

#: Three attempts two hours apart, then a text message.
TRIES: dict[str, Any] = {
    "most": 2,
    "spacing": {"amount": 120, "unit": "minutes", "source": "organisation"},
    "source": "organisation",
}
_HOURS = (QuietHours(time(12), time(14), "x"), QuietHours(time(21), time(8), "x"))
_FIRST = datetime(2024, 1, 1, tzinfo=UTC)
_ZONES = ["Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"]


@pytest.mark.rule("A-MEM-18")
def test_a_call_planned_at_rest_time_moves_to_its_end(tmp_path: Path) -> None:
    """At 13:00 it is planned for 14:00, is not offered before, and is offered then."""
    calls = Calls(tmp_path, "membership", now="2026-05-01T13:00")
    calls.note("purchase")
    assert calls.only()["permitted_from"] == "2026-05-01T06:00:00.000Z"
    assert calls.listed(list="now") == []
    calls.day("2026-05-01T14:00")
    assert len(calls.listed(list="now")) == 1
    calls.day("2026-05-01T21:00")
    assert calls.listed(list="now") == []
    hours = calls.app.desk._rulebooks.for_org(ORG, calls.clock.now()).sections.quiet_hours
    assert {stretch.source for stretch in hours} == {"A-MEM-18"}


def test_a_call_made_at_rest_time_is_kept_and_marked(tmp_path: Path) -> None:
    """What happened is recorded as it happened; the mark shows it."""
    calls = Calls(tmp_path, "membership")
    calls.note("purchase")
    callback = calls.only()
    calls.day("2026-05-01T13:00")
    calls.complete(callback, "satisfied")
    (call,) = calls.app.desk.callback(ORG, callback["callback_id"])["calls"]
    assert call["in_quiet_hours"] is True


def test_it_is_the_customers_clock_that_counts(tmp_path: Path) -> None:
    """At ten in the morning in China it is night in Germany: only the customer in China is offered."""
    calls = Calls(tmp_path, "membership")
    calls.mark("cu_de", country="de")
    calls.note("purchase", "cu_de")
    calls.note("purchase", "cu_cn")
    assert [row["customer_id"] for row in calls.listed(list="now")] == ["cu_cn"]
    calls.day("2026-05-01T14:00")
    assert {row["customer_id"] for row in calls.listed(list="now")} == {"cu_de", "cu_cn"}
    calls.day("2026-05-01T19:00")
    assert [row["customer_id"] for row in calls.listed(list="now")] == ["cu_cn"]


@pytest.mark.rule("A-MEM-22")
def test_an_agreed_time_moves_the_callback(tmp_path: Path) -> None:
    """The customer asks for 05-03 15:00: until then it is not offered; one agreed for rest time waits for its end."""
    calls = Calls(tmp_path, "membership")
    calls.note("purchase")
    callback = calls.only()
    answer = calls.appoint(callback, "2026-05-03T15:00")
    assert (answer["appointed_at"], answer["permitted_from"]) == ("2026-05-03T07:00:00.000Z",) * 2
    assert calls.told("callback_appointed")[0]["reason"] == "appointment"
    assert calls.listed(list="now") == []
    calls.day("2026-05-03T15:00")
    assert len(calls.listed(list="now")) == 1
    assert calls.appoint(callback, "2026-05-04T12:30")["permitted_from"] == "2026-05-04T06:00:00.000Z"
    with pytest.raises(ValidationFailed):
        calls.appoint(callback, "2026-05-03T15:00")


def test_attempts_are_spaced_and_end_in_the_list_of_gaps(tmp_path: Path) -> None:
    """Nobody reached twice: the next is two hours later, by day; after the last it is given up and shown as a gap."""
    calls = Calls(tmp_path, "membership", callbacks={"member": {"attempts": TRIES}})
    calls.note("purchase")
    calls.day("2026-05-01T11:00")
    first = calls.complete(calls.only(), "unreachable")
    assert (first["state"], first["permitted_from"]) == ("open", "2026-05-01T06:00:00.000Z")
    calls.day("2026-05-01T14:00")
    last = calls.complete(calls.only(), "unreachable")
    assert (last["state"], last["attempts"]) == ("given_up", 2)
    assert [row["callback_id"] for row in calls.listed(list="gaps")] == [last["callback_id"]]
    assert calls.told("callback_given_up")[0]["source"] == "organisation"
    with pytest.raises(RuleRefused) as refusal:
        calls.complete(last, "satisfied")
    assert refusal.value.rule == "organisation"
    calls.day("2026-05-09T00:00")
    assert calls.told("callback_due") == []


def test_after_the_last_attempt_another_channel_may_be_tried(tmp_path: Path) -> None:
    """With ``then`` the callback goes on by text message once before it is given up."""
    calls = Calls(tmp_path, "membership", callbacks={"member": {"attempts": TRIES | {"then": "sms"}}})
    calls.note("purchase")
    answers = [calls.complete(calls.only(), "unreachable") for _ in range(3)]
    assert [(each["state"], each["channel"]) for each in answers] == [
        ("open", None),
        ("open", "sms"),
        ("given_up", "sms"),
    ]


def test_a_first_level_given_up_is_called_on_the_second(tmp_path: Path) -> None:
    """Nobody reached is a failure too."""
    calls = Calls(
        tmp_path, "auto-dealer", callbacks={"seven_day": {"attempts": {"most": 1, "source": "organisation"}}}
    )
    calls.note("delivery")
    calls.complete(calls.only(), "unreachable")
    assert calls.only(rule="second_level")["level"] == 2


@pytest.mark.parametrize(
    ("profile", "occasion", "accepted", "refused", "rule"),
    [
        pytest.param(
            "membership", "purchase", "email", "fax", "A-MEM-10", marks=pytest.mark.rule("A-MEM-10")
        ),
        pytest.param(
            "auto-dealer", "purchase", "sms", "email", "A-CAR-05", marks=pytest.mark.rule("A-CAR-05")
        ),
    ],
)
def test_customers_are_called_back_by_the_channels_of_the_trade(
    tmp_path: Path, profile: str, occasion: str, accepted: str, refused: str, rule: str
) -> None:
    """A channel of the list is taken, another refused by the list's rule until an organisation adds it."""
    calls = Calls(tmp_path, profile)
    calls.note(occasion)
    callback = calls.only()
    with pytest.raises(RuleRefused) as refusal:
        calls.complete(callback, "satisfied", channel=refused)
    assert refusal.value.rule == rule
    assert calls.complete(callback, "satisfied", channel=accepted)["state"] == "done"


def test_a_channel_an_organisation_adds_is_accepted(tmp_path: Path) -> None:
    """The handbook's list is open."""
    channels = {"value": ["phone", "fax"], "source": "organisation"}
    calls = Calls(tmp_path, "membership", callback_channels=channels)
    calls.note("purchase")
    assert calls.complete(calls.only(), "satisfied", channel="fax")["state"] == "done"


@pytest.mark.rule("A-HTL-14")
def test_a_hotel_group_writes_faxes_and_no_text_messages(tmp_path: Path) -> None:
    """Telephone, e-mail, visit and fax are in the hotels' list, and text messages are not."""
    calls = Calls(tmp_path, "hotel-franchise")
    case = {"case_id": "cs_1", "number": "OFF-1", "contact_id": "ct_1", "customer_id": "cu_1"}
    reply = {"valid": True, "handler": "h", "needs_callback": True, "round": 1}
    calls.hear("case_replied", case | reply | {"replied_at": "2026-05-01T02:00:00Z"}, 1, "complaints")
    with pytest.raises(RuleRefused) as refusal:
        calls.complete(calls.only(), "satisfied", channel="sms")
    assert refusal.value.rule == "A-HTL-14"
    assert calls.complete(calls.only(), "satisfied", channel="fax")["state"] == "done"


@settings(max_examples=300, deadline=None)
@given(
    moment=st.timedeltas(timedelta(), timedelta(days=4 * 365)).map(lambda since: _FIRST + since),
    zone=st.sampled_from(_ZONES),
    hours=st.one_of(
        st.just(_HOURS),
        st.tuples(st.times(), st.times()).map(lambda ends: (QuietHours(*ends, "x"),)),
    ),
)
def test_no_call_is_permitted_at_rest_time_in_any_zone(
    moment: datetime, zone: str, hours: tuple[QuietHours, ...]
) -> None:
    """It is never before the instant asked about, never at rest time, and at once wherever it is no rest time."""
    found = permitted_from(hours, moment, ZoneInfo(zone))
    assert found >= moment
    assert not is_quiet(hours, found, ZoneInfo(zone))
    assert (found == moment) is not is_quiet(hours, moment, ZoneInfo(zone))
    assert found - moment <= timedelta(hours=26)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    minute=st.integers(0, 24 * 60 - 1),
    countries=st.lists(st.sampled_from(["cn", "de", "in", "jp"]), min_size=1, max_size=4),
)
def test_no_call_is_offered_at_rest_time_of_any_customer(
    tmp_path: Path, minute: int, countries: list[str]
) -> None:
    """Whatever the minute, the list of calls to be made now holds exactly those whose customers are not at rest."""
    zones = {"cn": "Asia/Shanghai", "de": "Europe/Berlin", "in": "Asia/Kolkata", "jp": "Asia/Tokyo"}
    calls = Calls(tmp_path, "membership")
    for country in countries:
        calls.mark(f"cu_{country}", country=country)
        calls.note("purchase", f"cu_{country}")
    calls.clock.advance(timedelta(days=1, minutes=minute))
    now = calls.clock.now()
    awake = {f"cu_{country}" for country in countries if not is_quiet(_HOURS, now, ZoneInfo(zones[country]))}
    assert {row["customer_id"] for row in calls.listed(list="now")} == awake


def test_hours_that_leave_no_minute_to_call_in_are_refused(tmp_path: Path) -> None:
    """A slip in the file must not silence an organisation for ever."""
    hours = [{"begins": "08:00", "ends": "08:00", "source": "organisation"}]
    Calls(tmp_path, "membership", quiet_hours=hours)
    hours = [
        {"begins": "08:00", "ends": "20:00", "source": "organisation"},
        {"begins": "20:00", "ends": "08:00", "source": "organisation"},
    ]
    with pytest.raises(Exception, match="leave no minute"):
        Calls(tmp_path, "membership", quiet_hours=hours)


def test_a_callback_moves_with_a_new_calendar(tmp_path: Path) -> None:
    """Its deadline is counted again under the newer version, and told once."""
    calls = Calls(tmp_path, "property")
    calls.hear(
        "request_opened",
        {
            "request_id": "rq_1",
            "contact_id": "ct_1",
            "customer_id": "cu_1",
            "kind": "repair",
            "subtype": "service",
        },
    )
    calls.hear("request_closed", {"request_id": "rq_1", "kind": "repair"})
    kept = calls.runtime.database["callbacks"]
    row = kept.find_one({"rule": "service"})
    assert row is not None
    due = row["due_at"]
    early = {"deadline.calendar_version": "0-old", "open_calendars": [f"{ORG}/0-old"]}
    kept.update_one({"_id": row["_id"]}, {"$set": early | {"deadline.due_at": at("2026-05-02T00:00")}})
    for _ in range(2):
        calls.app.recompute_clocks()
    (told,) = calls.told("clock_recomputed")
    assert (told["subject"], told["subject_id"], told["version_from"]) == ("callback", row["_id"], "0-old")
    assert calls.only(rule="service")["due_at"] == due.strftime("%Y-%m-%dT%H:%M:%S.000Z")
