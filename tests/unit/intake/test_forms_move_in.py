"""What a housing estate writes down about moving in and out, fees, paid services, and equal treatment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from shared.errors import NotFound
from tests.unit.intake.register_office import By, Office, refused
from tests.unit.intake.register_world import office_of

PRICE = """overrides:
  - version: "2026.1"
    effective_from: 2020-01-01
    intake:
      registers:
        fee_reckoning:
          fields:
            price:
              {name: 收费标准, type: amount, required: true, default: "2.00", must_be: "2.00", source: organisation}
"""
STRAIGHT = """overrides:
  - version: "2026.1"
    effective_from: 2020-01-01
    intake:
      registers:
        move_in:
          actions:
            finish:
              {name: 办结, from: [appointed, received], to: done, grants: [{role: staff}], source: organisation}
"""


@pytest.fixture
def office() -> Office:
    return Office()


def clerk(office: Office) -> By:
    return office.by("u-1", "property_clerk")


def listed(office: Office, unit: str = "3-1201") -> str:
    return office.open("move_in_list", clerk(office), unit=unit)


def booked(office: Office, listing: str, slot: str = "2026-06-20T09:00:00+08:00") -> str:
    return office.open("move_in_appointment", clerk(office), listing=listing, slot=slot)


@pytest.mark.rule("B-DUT-07")
def test_only_who_is_on_the_developers_list_moves_in(office: Office) -> None:
    """Promise: a unit that is not on the list gets no appointment and moves not in; each line serves once."""
    listing = listed(office)
    appointment = booked(office, listing)
    unlisted = refused("move_in", clerk(office), step=office.open, appointment=appointment)
    assert unlisted.rule == "B-DUT-07"
    with pytest.raises(NotFound, match="move_in_list"):
        office.open("move_in", clerk(office), listing=appointment, appointment=appointment)
    office.open("move_in", clerk(office), listing=listing, appointment=appointment)
    again = refused("move_in", clerk(office), step=office.open, listing=listing, appointment=appointment)
    assert again.rule == "B-DUT-07"
    assert refused("move_in_list", clerk(office), step=office.open, unit="3-1201").rule == "B-DUT-07"


@pytest.mark.rule("B-DUT-07", "A-WHB-02")
def test_a_unit_is_decorated_only_after_it_moved_in(office: Office) -> None:
    """Promise: appointed, received, done, in this order; before that no second decoration."""
    listing = listed(office)
    appointment = booked(office, listing)
    record = office.open("move_in", clerk(office), listing=listing, appointment=appointment)
    works: dict[str, Any] = {"scope": "厨房", "until": "2026-09-30"}
    reception = office.open("move_in_reception", clerk(office), appointment=appointment)
    passed = [office.get(record)["state"]]
    assert refused(record, "finish", clerk(office), step=office.act).rule == "A-WHB-02"
    assert refused(record, "decorate", clerk(office), step=office.act, **works).rule == "B-DUT-07"
    assert refused(record, "receive", clerk(office), step=office.act).rule == "A-WHB-02"
    passed.append(office.act(record, "receive", clerk(office), reception=reception)["state"])
    assert refused(record, "decorate", clerk(office), step=office.act, **works).rule == "B-DUT-07"
    passed.append(office.act(record, "finish", clerk(office))["state"])
    assert passed == ["appointed", "received", "done"]
    assert office.act(record, "decorate", clerk(office), **works)["state"] == "decorating"
    assert office.act(record, "inspect", office.by("u-5", "engineering"))["state"] == "done"


@pytest.mark.rule("A-WHB-02")
def test_the_steps_of_moving_in_are_the_organisations_to_change(tmp_path: Path) -> None:
    """Promise: an estate that receives nobody beforehand says so in its file, and nothing else changes."""
    office = office_of(tmp_path, "property", STRAIGHT)
    listing = listed(office)
    record = office.open("move_in", clerk(office), listing=listing, appointment=booked(office, listing))
    assert office.act(record, "finish", clerk(office))["state"] == "done"


@pytest.mark.rule("A-WHB-07")
def test_no_two_units_move_in_at_the_same_time(office: Office) -> None:
    """Promise: a slot is given once, until the appointment is called off."""
    first, second = listed(office), listed(office, "3-1202")
    record = booked(office, first)
    assert office.get(record)["values"]["slot"] == "2026-06-20T01:00:00.000Z"
    slot = "2026-06-20T09:00:00+08:00"
    twice = refused("move_in_appointment", clerk(office), step=office.open, listing=second, slot=slot)
    assert (twice.rule, twice.details["record_id"]) == ("A-WHB-07", record)
    office.act(record, "cancel", clerk(office))
    assert booked(office, second) != record


@pytest.mark.rule("A-WHB-08")
def test_a_reception_belongs_to_its_appointment(office: Office) -> None:
    """Promise: none is written without one, and one appointment is received once."""
    appointment = booked(office, listed(office))
    assert refused("move_in_reception", clerk(office), step=office.open).rule == "A-WHB-08"
    record = office.open("move_in_reception", clerk(office), appointment=appointment)
    shown = office.get(record)["values"]
    assert (shown["appointment"], shown["host"]) == (appointment, "u-1")
    assert office.find(register="move_in_reception", where={"appointment": appointment}) == [record]
    again = refused("move_in_reception", clerk(office), step=office.open, appointment=appointment)
    assert again.rule == "A-WHB-08"


@pytest.mark.rule("A-WHB-03")
def test_a_reception_of_an_owner_says_who_when_and_by_whom(office: Office) -> None:
    """Promise: time and host are written by themselves; without the owner it is none."""
    assert refused("owner_reception", office.by("u-4"), step=office.open).rule == "A-WHB-03"
    record = office.open("owner_reception", office.by("u-4"), customer="cu_1")
    assert office.get(record)["values"] == {
        "customer": "cu_1",
        "received_at": "2026-03-02T01:00:00.000Z",
        "host": "u-4",
    }


@pytest.mark.rule("A-JD8-04")
def test_nobody_moves_out_while_fees_are_unpaid(office: Office) -> None:
    """Promise: with 500 yuan owed the move is not released; with nothing owed it is."""
    moving = {"unit": "U1", "kind": "move_out"}
    assert refused("tenancy_change", clerk(office), step=office.open, **moving).rule == "A-JD8-04"
    record = office.open("tenancy_change", clerk(office), **moving, unpaid="500.00")
    held = refused(record, "release", clerk(office), step=office.act)
    assert (held.rule, held.details["difference"]) == ("A-JD8-04", "500.00")
    office.act(record, "settle", clerk(office), unpaid="0.00")
    assert office.act(record, "release", clerk(office))["state"] == "released"
    arriving = office.open("tenancy_change", clerk(office), unit="U2", kind="move_in")
    assert office.act(arriving, "release", clerk(office))["state"] == "released"


@pytest.mark.rule("A-PRM-12")
def test_a_fee_is_reckoned_by_the_price_the_organisation_has_set(tmp_path: Path) -> None:
    """Promise: 100 square metres at the configured 2.00 are 200.00, whoever asks; no other price is taken."""
    office = office_of(tmp_path, "property", PRICE)
    for steward in ("u-1", "u-2"):
        record = office.open("fee_reckoning", office.by(steward), area=100)
        assert office.get(record)["values"]["fee"] == "200.00"
    other = refused("fee_reckoning", office.by("u-1"), step=office.open, area=100, price="1.50")
    assert other.rule == "organisation"
    assert refused("fee_reckoning", office.by("u-1"), step=office.open, area=0).rule == "A-PRM-12"


@pytest.mark.rule("A-PRM-12")
def test_where_no_price_is_set_it_must_be_written(office: Office) -> None:
    """Promise: nothing is reckoned with a price nobody gave."""
    assert refused("fee_reckoning", office.by("u-1"), step=office.open, area=100).rule == "A-PRM-12"


@pytest.mark.rule("A-JD5-07")
def test_a_tenant_asks_for_a_paid_service_that_is_offered(office: Office) -> None:
    """Promise: what is asked for is in the list, with its price; without a tenant it is no request."""
    service = office.open("paid_service", clerk(office), title="深度清洁", price="300")
    assert office.get(service)["values"]["price"] == "300.00"
    desk = ("u-2", "service_desk")
    record = office.open("paid_service_request", office.by(*desk), service=service, customer="cu_1")
    assert office.find(register="paid_service_request", where={"service": service}) == [record]
    unasked = refused("paid_service_request", office.by(*desk), step=office.open, customer="cu_1")
    assert unasked.rule == "A-JD5-07"
    assert refused("paid_service", clerk(office), step=office.open, title="绿植").rule == "A-JD5-07"
    assert office.act(record, "render", office.by("u-3"), price="300")["state"] == "rendered"


EQUAL = ("acquaintances_and_strangers", "adults_and_children", "busy_or_quiet")


@pytest.mark.rule("B-CCP-19")
@pytest.mark.parametrize("left_out", EQUAL)
def test_a_mystery_check_answers_all_three_questions_of_equal_treatment(
    office: Office, left_out: str
) -> None:
    """Promise: a form that leaves one of them open is not taken."""
    form: dict[str, Any] = {"post": "前台"} | {item: True for item in EQUAL if item != left_out}
    checker = office.by("u-8", "supervisor")
    assert refused("mystery_check", checker, step=office.open, **form).rule == "B-CCP-19"


@pytest.mark.rule("B-CCP-19")
def test_whoever_is_treated_unequally_is_seen(office: Office) -> None:
    """Promise: the form has three such items; what is not alike is flagged and told, what is alike is not."""
    (shown,) = office.app.read_registers.describe_register(office.by("u-8"), {"register": "mystery_check"})
    flags = [field["field"] for field in shown["fields"] if field["type"] == "flag"]
    assert flags == list(EQUAL)
    same = office.open(
        "mystery_check", office.by("u-8", "supervisor"), post="前台", **dict.fromkeys(EQUAL, True)
    )
    assert office.get(same)["flags"] == []
    form: dict[str, Any] = dict.fromkeys(EQUAL, True) | {"busy_or_quiet": False}
    unequal = office.open("mystery_check", office.by("u-8", "supervisor"), post="前台", **form)
    assert office.get(unequal)["flags"] == ["same_when_busy"]
    (notice,) = office.told(unequal, "record_noticed")
    assert (notice["to"], notice["source"]) == ("supervisor", "B-CCP-19")
