"""Samples: as many as the rulebook asks for, every one scored, a summary and a signature where it says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.errors import Conflict, ValidationFailed
from tests.unit.followup.quality_world import Checking, organisation, own

BOSS = "department_manager"
SERVICE = {"wording": 4, "not_interrupting": True, "exact": True}
TEN = {"percent": own(10)}


def checking(folder: Path, profile: str, **quality: object) -> Checking:
    """Return the followup of an organisation of ``profile``."""
    return Checking(organisation(folder, profile, **quality))


@pytest.mark.rule("B-PRO-05")
def test_a_fifth_of_the_duty_records_is_checked_each_month_and_signed_by_the_director(tmp_path: Path) -> None:
    """Promise: of 93 at least 19; 18 are refused, 18 scored are not met, and only the director signs."""
    world = checking(tmp_path, "property")
    opened = world.do("open_sample", "qc-1", kind="duty_record_check", period="2025-03")
    items = [{"ref": f"de-{number}"} for number in range(93)]
    world.do("fill_sample", "qc-1", id=opened["sample_id"], items=items)
    too_few = {"id": opened["sample_id"], "action": "draw", "number": 18}
    assert world.refused("move_sample", "qc-1", **too_few).rule == "B-PRO-05"
    world.move(opened, "draw")
    sample = world.sample(opened)
    assert (sample["population"], sample["needed"], sample["drawn"], sample["source"]) == (
        93,
        19,
        19,
        "B-PRO-05",
    )
    *eighteen, last = [row["item"] for row in sample["items"]]
    for item in eighteen:
        world.score(sample, item, marks={"in_order": True})
    assert (world.sample(sample)["scored"], world.sample(sample)["met"]) == (18, False)
    assert world.refused("move_sample", "qc-1", id=sample["sample_id"], action="finish").rule == "B-PRO-05"
    world.score(sample, last, marks={"in_order": False})
    assert world.sample(sample)["met"] is True
    world.move(sample, "finish")
    assert world.refused("move_sample", "qc-1", id=sample["sample_id"], action="approve").rule == "B-PRO-05"
    signed = world.do("move_sample", "dir-1", BOSS, id=sample["sample_id"], action="approve")
    assert (signed["state"], signed["approved_by"]) == ("approved", "dir-1")


@pytest.mark.rule("A-TEL-16")
def test_a_tenth_of_the_recordings_is_drawn_by_a_seed_and_each_is_scored(tmp_path: Path) -> None:
    """Promise: 10 of 100, the same again with the seed, others with another, and none is left out."""
    kind = {"percent": own(10)}
    world = checking(tmp_path, "call-centre", samples={"recording_check": kind})
    drawn = [world.drawn("recording_check", 100, seed=seed) for seed in ("a", "a", "b")]
    first, again, other = ([row["item"] for row in sample["items"]] for sample in drawn)
    assert len(first) == 10
    assert first == again
    assert first != other
    marks = dict.fromkeys(("polite", "warm", "concise", "clear", "patient", "thorough"), 4)
    fault = {"text": "语速过快。", "measure": "放慢语速。"}
    for item in first:
        refused = world.refused("move_sample", "qc-1", id=drawn[0]["sample_id"], action="finish")
        assert refused.rule == "A-TEL-16"
        world.score(drawn[0], item, marks=marks, faults=[fault])
    assert world.move(drawn[0], "finish")["state"] == "finished"
    assert world.sample(drawn[0])["average"] == "80.00"


@pytest.mark.rule("A-JD1-05")
def test_a_tenth_of_the_chats_is_scored_and_summed_up_in_words(tmp_path: Path) -> None:
    """Promise: 5 of 50, fair to the agents; the batch is not closed before all are scored and summed up."""
    world = checking(tmp_path, "it-service", samples={"chat_check": TEN})
    sample = world.drawn("chat_check", 50)
    items = [row["item"] for row in sample["items"]]
    assert len(items) == 5
    agents = [row["agent"] for row in sample["items"]]
    assert max(agents.count(f"s-{number}") for number in range(4)) == 2
    for item in items:
        world.score(sample, item, marks=SERVICE)
    finish = {"id": sample["sample_id"], "action": "finish"}
    assert world.refused("move_sample", "qc-1", **finish).rule == "A-JD1-05"
    done = world.move(sample, "finish", summary="用语整体规范，准确性待提高。")
    assert (done["state"], done["summary"]) == ("finished", "用语整体规范，准确性待提高。")
    assert "用语" not in str([unsent.entry.data for unsent in world.published])


@pytest.mark.rule("B-JKC-21")
@pytest.mark.parametrize(("signed", "on_time"), [("2025-04-15 23:00", True), ("2025-04-16 09:00", False)])
def test_the_check_of_a_quarter_is_approved_by_the_fifteenth(
    tmp_path: Path, signed: str, *, on_time: bool
) -> None:
    """Promise: of the first quarter by 15 April, and once a quarter; a day later is a breach."""
    world = checking(tmp_path, "commercial-plaza")
    sample = world.drawn("file_check", 3, number=3, period="2025-Q1")
    with pytest.raises(Conflict):
        world.do("open_sample", "qc-1", kind="file_check", period="2025-Q1")
    (clock,) = sample["clocks"]
    assert (clock["due_at"], clock["source"]) == ("2025-04-15T16:00:00.000Z", "B-JKC-21")
    for row in sample["items"]:
        world.score(sample, row["item"], marks={"file": True, "ledger": True})
    world.move(sample, "finish")
    world.at(signed)
    assert world.refused("move_sample", "qc-1", id=sample["sample_id"], action="approve").rule == "B-JKC-21"
    world.do("move_sample", "boss", "cs_head", id=sample["sample_id"], action="approve")
    assert world.told("sample_approved")[0]["on_time"] is on_time
    assert len(world.told("clock_breached")) == (not on_time)


@pytest.mark.rule("B-JKC-07")
@pytest.mark.rule("B-JKC-12")
def test_mystery_customers_are_drawn_from_a_project_by_those_who_manage_them(tmp_path: Path) -> None:
    """Promise: 5 of 120 by a stored seed, once a quarter, willing and unpaid, and sealed from who is visited."""
    world = checking(tmp_path, "commercial-plaza", samples={"mystery_customers": {"size": own(5)}})
    rows = [{"customer_id": f"cu_{number:03}", "traits": {"project": "p1"}} for number in range(120)]
    others = [{"customer_id": f"cx_{number}", "traits": {"project": "p2"}} for number in range(9)]
    alone = [{"customer_id": "cu_alone", "traits": {"project": "p1"}, "opted_out": True}]
    world.do("mark_people", "crm", "system", rows=rows + others + alone)
    kind = {"kind": "mystery_customers", "about": "p1", "period": "2025-Q1", "seed": "s-2025-1"}
    assert world.refused("open_sample", "guard", **kind).rule == "B-JKC-12"
    opened = world.do("open_sample", "head", "cs_head", **kind)
    assert opened["opened_by"] == "head"
    with pytest.raises(Conflict):
        world.do("open_sample", "head", "cs_head", **kind)
    filled = world.do("fill_sample", "head", "cs_head", id=opened["sample_id"], where={"project": "p1"})
    assert filled["population"] == 120
    world.move(opened, "draw", "cs_head")
    assert world.refused("get_sample", "guard", id=opened["sample_id"]).rule == "B-JKC-12"
    sample = world.sample(opened, "cs_head")
    drawn = [row["item"] for row in sample["items"]]
    assert (len(set(drawn)), sample["seed"], sample["period"]) == (5, "s-2025-1", "2025-Q1")
    assert set(drawn) <= {row["customer_id"] for row in rows}
    assert [read["source"] for read in world.told("sample_read")] == ["B-JKC-12"]
    asked = {"customer": drawn[0], "sample": sample["sample_id"], "quarter": "2025-Q1"}
    form = {"register": "mystery_customer"}
    for wrong in ({"consent": False, "fee": "0"}, {"consent": True, "fee": "50.00"}, {"fee": "0"}):
        lacking = world.refused("open_record", "head", "cs_head", values=asked | wrong, **form)
        assert lacking.rule == "B-JKC-07"
    taken = world.do("open_record", "head", "cs_head", values=asked | {"consent": True, "fee": "0"}, **form)
    assert world.refused("get_record", "guard", id=taken["record_id"]).rule == "B-JKC-12"


@pytest.mark.rule("B-STD-14")
@pytest.mark.rule("B-PLZ-08")
@pytest.mark.parametrize(("left_out", "rule"), [("attentive", "B-STD-14"), ("welcomed", "B-PLZ-08")])
def test_a_mystery_customer_says_whether_service_was_attentive_and_nobody_was_ignored(
    tmp_path: Path, left_out: str, rule: str
) -> None:
    """Promise: no visit is written down without the two things it is made for."""
    world = checking(tmp_path, "commercial-plaza")
    values = {"attentive": True, "welcomed": False, "seen": "交接班时无人招呼。"}
    visit = world.do("open_record", "head", "cs_head", register="mystery_visit", values=values)
    read = world.do("get_record", "head", "cs_head", id=visit["record_id"])
    assert (read["values"]["attentive"], read["values"]["welcomed"]) == (True, False)
    del values[left_out]
    lacking = world.refused("open_record", "head", "cs_head", register="mystery_visit", values=values)
    assert lacking.rule == rule


def test_what_was_answered_is_drawn_from_and_a_repeat_adds_nothing(tmp_path: Path) -> None:
    """Promise: a page counts once however often it is sent, and one thing given twice is one thing."""
    world = checking(tmp_path, "it-service")
    sample = world.do("open_sample", "qc-1", kind="chat_check")["sample_id"]
    page = [{"ref": f"it-{number}", "attributes": {"agent": "s-1"}} for number in range(3)]
    sent = {"id": sample, "items": page, "idempotency_key": "key-same-page-1"}
    assert world.do("fill_sample", "qc-1", **sent) == world.do("fill_sample", "qc-1", **sent)
    world.do("fill_sample", "qc-1", id=sample, items=page[:1])
    with pytest.raises(ValidationFailed):
        world.do("move_sample", "qc-1", id=sample, action="draw")
    world.do("move_sample", "qc-1", id=sample, action="draw", number=9)
    assert [told["population"] for told in world.told("sample_drawn")] == [3]
    with pytest.raises(Conflict):
        world.do("fill_sample", "qc-1", id=sample, items=page)


def test_one_thing_said_to_be_two_persons_work_is_no_population(tmp_path: Path) -> None:
    """Promise: a contradiction is told, not settled by the order of pages."""
    world = checking(tmp_path, "it-service")
    sample = world.do("open_sample", "qc-1", kind="chat_check")["sample_id"]
    for agent in ("s-1", "s-2"):
        items = [{"ref": "it-1", "attributes": {"agent": agent}}]
        world.do("fill_sample", "qc-1", id=sample, items=items)
    with pytest.raises(ValidationFailed, match="not one"):
        world.do("move_sample", "qc-1", id=sample, action="draw", number=1)
