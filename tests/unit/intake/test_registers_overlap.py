"""What two records may not have at overlapping times: a room, an agent's hour; refused before and at the write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.rulebook import PROFILES, read_rulebooks
from shared.errors import Conflict, RuleRefused
from shared.registers.definition import Field, NoOverlap, Register
from shared.registers.sharing import shared_keys
from shared.registers.words import Type
from tests.unit.intake.register_office import Office, organisation, refused
from tests.unit.intake.register_world import office_of

BOOKING: dict[str, Any] = {"order_number": "M1", "seats": "40", "day": "2026-06-10", "room": "一号"}


@pytest.fixture
def hotel(tmp_path: Path) -> Office:
    return office_of(tmp_path, "standard")


@pytest.fixture
def centre(tmp_path: Path) -> Office:
    return office_of(tmp_path, "call-centre")


@pytest.mark.rule("A-JD7-05")
def test_a_room_is_not_booked_into_a_meeting_that_lasts(hotel: Office) -> None:
    """Promise: 09:00 to 11:00 keeps others out at 10:30, not at 11:00, not next door, not after it is cancelled."""
    first = hotel.open("room_booking", hotel.by("u-3"), **BOOKING, at="09:00", until="11:00")
    for at, until in (
        ("10:30", "12:00"),
        ("08:00", "09:05"),
        ("09:30", "10:00"),
        ("08:00", "12:00"),
        ("10:30", None),
    ):
        wrong = refused("room_booking", hotel.by("u-4"), step=hotel.open, **BOOKING, at=at, until=until)
        assert (wrong.rule, wrong.details["record_id"]) == ("A-JD7-05", first)
    hotel.open("room_booking", hotel.by("u-4"), **BOOKING, at="11:00", until="12:00")
    hotel.open("room_booking", hotel.by("u-4"), **BOOKING | {"room": "二号"}, at="10:00", until="12:00")
    hotel.open("room_booking", hotel.by("u-4"), **BOOKING | {"day": "2026-06-11"}, at="10:00", until="12:00")
    hotel.act(first, "cancel", hotel.by("u-3"))
    hotel.open("room_booking", hotel.by("u-4"), **BOOKING, at="10:00", until="11:00")


@pytest.mark.rule("A-JD7-05")
def test_a_meeting_that_ends_before_it_begins_is_no_booking(hotel: Office) -> None:
    """Promise: nobody gets a room for a time that is none."""
    wrong = refused("room_booking", hotel.by("u-4"), step=hotel.open, **BOOKING, at="11:00", until="10:00")
    assert wrong.rule == "A-JD7-05"


@pytest.mark.rule("A-CCC-05")
def test_an_agent_has_one_appointment_at_a_time(centre: Office) -> None:
    """Promise: a call makes an appointment; a second one for the same agent within it is refused."""
    made = {"agent": "u-7", "begins": "2026-05-10T14:00:00+08:00", "ends": "2026-05-10T15:00:00+08:00"}
    form = {"kind": "visit", "customer": "cu_1"} | made
    first = centre.open("appointment", centre.by("u-1"), **form)
    assert centre.get(first)["values"]["made_on"] == "2026-03-02"
    same = refused("appointment", centre.by("u-2"), step=centre.open, **form | {"customer": "cu_2"})
    assert (same.rule, same.details["record_id"]) == ("A-CCC-05", first)
    centre.open("appointment", centre.by("u-2"), **form | {"agent": "u-8"})
    later = {"begins": "2026-05-10T15:00:00+08:00", "ends": "2026-05-10T15:30:00+08:00"}
    second = centre.open("appointment", centre.by("u-2"), **form | later)
    back = {"begins": "2026-05-10T14:30:00+08:00", "ends": "2026-05-10T15:30:00+08:00"}
    assert refused(second, "move", centre.by("u-7"), step=centre.act, **back).rule == "A-CCC-05"
    third = refused("appointment", centre.by("u-2"), step=centre.open, **form | {"kind": "chat"})
    assert third.rule == "A-CCC-05"


DAYS = st.integers(1, 28)


@given(DAYS, DAYS, DAYS, DAYS)
def test_two_stretches_of_days_share_a_key_exactly_when_they_overlap(a: int, b: int, c: int, d: int) -> None:
    """Invariant: the unique index refuses what overlaps and nothing else, both ends counted."""
    field = {code: Field(code, code, Type.DATE) for code in ("begins", "ends")}
    rule = NoOverlap(begins="begins", ends="ends", per=("what",), source="design")
    fields = (*field.values(), Field("what", "what", Type.TEXT))
    register = Register("r", "r", "design", fields, (), no_overlap=(rule,))
    first, second = (
        set(
            shared_keys(
                register,
                "o",
                {"what": "x", "begins": f"2026-05-{m:02}", "ends": f"2026-05-{n:02}"},
                is_open=True,
            )
        )
        for m, n in ((min(a, b), max(a, b)), (min(c, d), max(c, d)))
    )
    assert bool(first & second) == (min(a, b) <= max(c, d) and min(c, d) <= max(a, b))


def test_a_stretch_without_measure_is_refused(centre: Office) -> None:
    """Promise: nobody blocks an agent for a year by a slip of the pen, and no document grows without bound."""
    form = {"kind": "visit", "customer": "cu_1", "agent": "u-7"}
    wide = {"begins": "2026-05-10T14:00:00+08:00", "ends": "2027-05-10T14:00:00+08:00"}
    with pytest.raises(RuleRefused) as wrong:
        centre.open("appointment", centre.by("u-1"), **form, **wide)
    assert wrong.value.rule == "A-CCC-05"


def test_of_two_bookings_at_the_same_instant_the_database_takes_one(
    hotel: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Promise: also when neither could see the other before it wrote; and a booking can be moved over itself."""
    first = hotel.open("room_booking", hotel.by("u-3"), **BOOKING, at="09:00", until="11:00")
    with monkeypatch.context() as blind:
        blind.setattr("shared.mongo.registers.RecordsKept.holder", lambda *_: None)
        with pytest.raises(Conflict):
            hotel.open("room_booking", hotel.by("u-4"), **BOOKING, at="10:55", until="12:00")
    assert hotel.find(register="room_booking") == [first]
    hotel.act(first, "hold", hotel.by("u-3"))
    hotel.open("room_booking", hotel.by("u-4"), **BOOKING, at="10:55", until="12:00")


FAULTY = """
overrides:
  - version: "2026.1"
    effective_from: 2020-01-01
    intake:
      registers:
        slots:
          name: 时段
          source: organisation
          fields:
            day: {name: 日期, type: date}
            at: {name: 时间, type: time}
            to: {name: 至, type: moment}
            what: {name: 事项, type: text}
          open: [{role: staff}]
          no_overlap:
            - {begins: what, source: organisation}
            - {begins: at, ends: to, day: day, per: [day, ghost], source: organisation}
            - {begins: at, per: what, source: organisation}
            - {begins: at, day: day, source: organisation}
"""


def test_a_definition_of_overlaps_that_cannot_be_held_is_refused_at_loading(tmp_path: Path) -> None:
    """Promise: ends of another kind, times without their day and unknown fields are named with their path."""
    organisation(tmp_path, "standard")
    with (tmp_path / "works-demo.yaml").open("a", encoding="utf-8") as file:
        file.write(FAULTY)
    faults = read_rulebooks(tmp_path, PROFILES).faults
    head = "registers.slots.no_overlap."
    assert {fault.path.partition(head)[2] for fault in faults} == {
        "0.begins",
        "1.ends",
        "1.per",
        "2.day",
        "3.per",
    }
