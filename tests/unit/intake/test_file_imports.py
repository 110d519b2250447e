"""What taking in a list of customers promises: each once, again means updated, a wrong row refuses itself alone."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.errors import ValidationFailed
from tests.unit.intake.files_world import file_room


def row(number: int, **more: Any) -> dict[str, Any]:
    customer = {"kind": "person", "name": f"客户{number}", "phone": f"138{number:08}"}
    return {"customer": customer} | more


@pytest.mark.rule("B-DSE-03")
@pytest.mark.parametrize("origin", ["desk", "third_party", "authorised", "shared", "system"])
def test_data_that_comes_by_any_of_the_ways_is_tagged_with_its_source(tmp_path: Path, origin: str) -> None:
    """Promise: a list is data however it was collected, each value says how, and by another way none comes."""
    room = file_room(tmp_path, "standard")
    assert room.take([row(1)], origin)["created"] == 1
    (customer,) = room.page()
    assert [source["code"] for source in room.file(customer)["sources"]] == [origin]
    with pytest.raises(ValidationFailed):
        room.take([row(2)], "hearsay")
    assert room.page() == [customer]


@pytest.mark.rule("A-AUT-11")
def test_ten_customers_are_created_and_the_same_list_again_updates_ten(tmp_path: Path) -> None:
    """Promise: no customer twice, and every value keeps the tag of the system it came from."""
    room = file_room(tmp_path, "auto-dealer")
    rows = [row(number, reference=f"D{number}", values={"plate": f"沪A{number:05}"}) for number in range(10)]
    first = room.take(rows, "dms")
    assert first == {"created": 10, "updated": 0, "merged": 0, "refused": []}
    second = room.take(rows, "dms")
    assert second == {"created": 0, "updated": 10, "merged": 0, "refused": []}
    assert room.app.files.read.count("made-up", "class")["total"] == 10
    (customer,) = room.find("plate", "沪A00003")
    file = room.file(customer)
    assert file["fields"]["plate"]["origin"] == "dms"
    assert [source["code"] for source in file["sources"]] == ["dms"]
    # Another phone under the same number of the other system: the same customer.
    rows[3]["customer"]["phone"] = "13900000000"
    assert room.take(rows[3:4], "dms")["updated"] == 1
    assert room.find("phone", "13900000000") == [customer]


@pytest.mark.rule("A-TEL-03")
def test_doubles_in_a_list_are_merged_into_one_file(tmp_path: Path) -> None:
    """Promise: fifty rows of fifty customers make fifty files, a double makes none."""
    room = file_room(tmp_path, "call-centre")
    answer = room.take([*(row(number) for number in range(50)), row(7), row(7)], "dialled")
    assert (answer["created"], answer["merged"]) == (50, 2)
    assert room.app.files.read.count("made-up", "class")["total"] == 50


@pytest.mark.rule("A-CCC-03")
def test_a_customer_that_came_by_two_ways_has_one_file_with_two_sources(tmp_path: Path) -> None:
    """Promise: the source of each is kept in one place."""
    room = file_room(tmp_path, "call-centre")
    room.take([row(1)], "media")
    room.take([row(1)], "referral")
    (customer,) = room.find("phone", "13800000001")
    assert [source["code"] for source in room.file(customer)["sources"]] == ["media", "referral"]
    assert room.page(origin="media") == room.page(origin="referral") == [customer]


@pytest.mark.rule("B-MBY-13")
def test_buyers_are_kept_with_all_the_ways_to_reach_them(tmp_path: Path) -> None:
    """Promise: phone, chat and address of a deal are in the file; one that is missing is listed."""
    room = file_room(tmp_path, "online-store")
    room.take([row(1, values={"chat_id": "ww-1", "address": "某路1号"}), row(2, values={"chat_id": "ww-2"})])
    (buyer,) = room.find("chat_id", "WW-1")
    assert room.file(buyer)["lacking"] == []
    assert room.page(lacks="address") == room.find("chat_id", "ww-2")


def test_a_wrong_row_is_refused_with_its_number_and_the_others_are_taken(tmp_path: Path) -> None:
    """Promise: one typing error does not keep a list out, and is told where it stands."""
    room = file_room(tmp_path, "auto-dealer")
    rows = [row(1), {"customer": {"kind": "person", "name": "甲", "phone": "12"}}, row(2, values={"x": "1"})]
    answer = room.take(rows)
    assert answer["created"] == 1
    assert [(each["row"], each["field"]) for each in answer["refused"]] == [(3, "phone"), (4, "x")]


def test_a_row_that_names_two_customers_is_refused(tmp_path: Path) -> None:
    """Promise: two files are never mixed up by a list."""
    room = file_room(tmp_path, "auto-dealer")
    room.take([row(1, reference="D1"), row(2, reference="D2")], "dms")
    answer = room.take([row(1, reference="D2")], "dms")
    assert [each["field"] for each in answer["refused"]] == ["phone"]


def test_a_dry_run_answers_the_same_and_writes_nothing(tmp_path: Path) -> None:
    """Promise: a list can be tried before it is taken."""
    room = file_room(tmp_path, "auto-dealer")
    tried = room.take([row(1), row(1), row(2)], dry_run=True)
    assert (room.app.files.read.count("made-up", "class")["total"], room.events()) == (0, [])
    assert room.take([row(1), row(1), row(2)]) == tried


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(st.integers(0, 6), min_size=1, max_size=6), min_size=1, max_size=4))
def test_however_lists_overlap_and_are_repeated_there_is_one_file_for_each_customer(
    batches: list[list[int]],
) -> None:
    """Promise: a repeat of a batch gets the same answer, and files are as many as customers."""
    with TemporaryDirectory() as directory:
        room = file_room(Path(directory), "auto-dealer")
        for number, batch in enumerate(batches):
            rows = [row(each) for each in batch]
            answer = room.take(rows, key=f"b-{number}")
            written = len(room.published)
            assert answer["created"] + answer["updated"] + answer["merged"] == len(batch)
            assert room.take(rows, key=f"b-{number}") == answer
            assert len(room.published) == written
        different = {each for batch in batches for each in batch}
        assert room.app.files.read.count("made-up", "class")["total"] == len(different)
