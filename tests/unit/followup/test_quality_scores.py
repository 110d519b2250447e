"""Score cards: by somebody else, once, or twice unseen; totals, averages, agreement, notes and measures that follow."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.followup.domain.quality.scoring import kappa
from shared.errors import Conflict, NotFound, ValidationFailed
from shared.messaging.delivery import Outcome
from tests.unit.followup.quality_world import Checking, organisation, own

SERVICE = {"wording": 4, "not_interrupting": True, "exact": True}


def checking(folder: Path, profile: str = "it-service", **quality: object) -> Checking:
    """Return the followup of an organisation of ``profile``."""
    return Checking(organisation(folder, profile, **quality))


def marks_of(result: dict[str, Any]) -> dict[str, tuple[str | None, str]]:
    """Return value and source of each item."""
    return {mark["item"]: (mark["value"], mark["source"]) for mark in result["marks"]}


@pytest.mark.rule("B-SVN-09")
@pytest.mark.rule("B-DET-07")
def test_service_is_scored_on_wording_from_0_to_5_and_on_not_interrupting(tmp_path: Path) -> None:
    """Promise: both are on the card of every trade, each must be filled in as it is meant."""
    world = checking(tmp_path)
    sample = world.drawn("chat_check", 4, number=1)
    (row,) = sample["items"]
    for wrong in ({"wording": 6}, {"wording": True}, {"not_interrupting": 1}, {"exact": None}, {"odd": 1}):
        with pytest.raises(ValidationFailed):
            world.score(sample, row["item"], marks=SERVICE | wrong)
    result = world.score(sample, row["item"], marks=SERVICE | {"not_interrupting": False})
    assert marks_of(result)["wording"] == ("4", "B-SVN-09")
    assert marks_of(result)["not_interrupting"] == ("no", "B-DET-07")
    assert (result["total"], result["of"], result["percent"]) == ("5", "7", "71.43")


@pytest.mark.rule("B-CPF-03")
def test_whether_answers_are_exact_is_looked_at_on_twenty_chats(tmp_path: Path) -> None:
    """Promise: each of 20 sampled chats says yes or no to it."""
    world = checking(tmp_path, samples={"reception_check": {"size": own(20)}})
    sample = world.drawn("reception_check", 60)
    assert sample["drawn"] == 20
    for number, row in enumerate(sample["items"]):
        result = world.score(sample, row["item"], marks=SERVICE | {"exact": number % 4 != 0})
        assert marks_of(result)["exact"] == ("no" if number % 4 == 0 else "yes", "B-CPF-03")
    assert world.sample(sample)["scored"] == 20


def test_nobody_scores_their_own_work_and_nothing_is_scored_that_was_not_drawn(tmp_path: Path) -> None:
    """Promise: an agent does not judge the own chat."""
    world = checking(tmp_path)
    sample = world.drawn("chat_trace", 4, number=4)
    (mine,) = (row["item"] for row in sample["items"] if row["agent"] == "s-1")
    own_work = {"id": sample["sample_id"], "item": mine, "marks": SERVICE}
    assert world.refused("score_item", "s-1", **own_work).rule == "design"
    with pytest.raises(NotFound):
        world.score(sample, "it-99", marks=SERVICE)
    world.score(sample, mine, scorer="s-2", marks=SERVICE)
    with pytest.raises(Conflict):
        world.score(sample, mine, scorer="s-3", marks=SERVICE)


def test_a_second_scorer_sees_nothing_of_the_first_and_agreement_is_computed(tmp_path: Path) -> None:
    """Promise: what two found of the same they found by themselves; kappa is theirs, and null where there is none."""
    world = checking(tmp_path)
    sample = world.drawn("chat_check", 4, number=4)
    seen = [(True, True), (True, True), (False, False), (True, False)]
    for row, (first, second) in zip(sample["items"], seen, strict=True):
        world.score(sample, row["item"], marks=SERVICE | {"exact": first})
        twice = {"id": sample["sample_id"], "item": row["item"], "marks": SERVICE}
        assert world.refused("score_item", "qc-1", **twice).rule == "A-JD1-05"
        hidden = world.do("list_scores", "qc-2", sample_id=sample["sample_id"])
        assert {score["result"] is None for score in hidden if score["scorer"] == "qc-1"} == {True}
        world.score(sample, row["item"], scorer="qc-2", marks=SERVICE | {"exact": second})
        with pytest.raises(Conflict):
            world.score(sample, row["item"], scorer="qc-3", marks=SERVICE)
    agreement = {row["item"]: (row["pairs"], row["kappa"]) for row in world.sample(sample)["agreement"]}
    assert agreement == {"exact": (4, "0.5000"), "wording": (4, None), "not_interrupting": (4, None)}
    world.move(sample, "finish", summary="一致性一般。")
    shown = world.do("list_scores", "qc-2", sample_id=sample["sample_id"])
    assert all(score["result"] is not None for score in shown)
    assert world.sample(sample)["scored"] == 4


_judged = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), max_size=30)


@given(_judged)
def test_kappa_is_one_of_two_who_agree_and_the_same_whoever_was_first(pairs: list[tuple[str, str]]) -> None:
    """Promise: agreement is between -1 and 1, knows no first and second, and is not made up where there is none."""
    value = kappa(pairs)
    assert value == kappa([(other, one) for one, other in pairs])
    agreed = [(one, one) for one, _ in pairs]
    assert kappa(agreed) == (Decimal(1) if len(set(agreed)) > 1 else None)
    assert value is None or -1 <= value <= 1


@pytest.mark.rule("A-JD9-02")
def test_faults_of_chats_are_noted_for_the_agent_month_by_month(tmp_path: Path) -> None:
    """Promise: chat 77 with one fault is a note for S1, who has three in May; June and others are counted apart."""
    world = checking(tmp_path)
    world.at("2025-05-10 09:00")
    sample = world.do("open_sample", "qc-1", kind="chat_trace")
    agents = {"77": "s-1", "78": "s-1", "79": "s-1", "80": "s-1", "81": "s-2"}
    items = [{"ref": ref, "attributes": {"agent": agent}} for ref, agent in agents.items()]
    world.do("fill_sample", "qc-1", id=sample["sample_id"], items=items)
    world.move(sample, "draw", number=5)
    fault = [{"text": "未核对订单号。", "item": "exact"}]
    for ref in ("77", "78", "79", "81"):
        world.score(sample, ref, marks=SERVICE | {"exact": False}, faults=fault)
    world.at("2025-06-01 09:00")
    world.score(sample, "80", marks=SERVICE, faults=fault)
    notes = world.do("list_scores", "qc-1", agent="s-1", month="2025-05", with_faults=True)
    assert sorted(note["item"] for note in notes) == ["77", "78", "79"]
    assert all(note["result"]["faults"][0]["text"] == "未核对订单号。" for note in notes)
    assert len(world.do("list_scores", "qc-1", agent="s-1", month="2025-06", with_faults=True)) == 1
    assert "订单号" not in str([unsent.entry.data for unsent in world.published])


@pytest.mark.rule("A-JD11-02")
@pytest.mark.parametrize(("exact", "average", "on_target"), [(14, "85.00", True), (13, "82.50", False)])
def test_twenty_chats_of_a_vendor_are_averaged_and_its_base_is_visited(
    tmp_path: Path, exact: int, average: str, *, on_target: bool
) -> None:
    """Promise: the vendor's average is that of its sample, told against the aim; the visit is written down."""
    card = {
        "name": "外包质检",
        "source": "organisation",
        "items": {
            "base": {"name": "基本", "marking": "yes_no", "weight": "50", "source": "organisation"},
            "exact": {"name": "准确", "marking": "yes_no", "weight": "50", "source": "organisation"},
        },
    }
    rule = {"size": own(20), "target": own(85), "card": own("vendor")}
    world = checking(tmp_path, samples={"vendor_check": rule}, cards={"vendor": card})
    sample = world.drawn("vendor_check", 80, about="v-1")
    for number, row in enumerate(sample["items"]):
        world.score(sample, row["item"], marks={"base": True, "exact": number < exact})
    assert world.move(sample, "finish")["about"] == "v-1"
    (told,) = world.told("sample_finished")
    assert (told["average"], told["on_target"]) == (average, on_target)
    visit = {"vendor": "v-1", "visited_on": "2025-05-10", "seen": "现场培训话术。"}
    world.do("open_record", "qc-1", register="vendor_visit", values=visit)
    lacking = world.refused("open_record", "qc-1", register="vendor_visit", values={"vendor": "v-1"})
    assert lacking.rule == "A-JD11-02"


@pytest.mark.rule("A-PRM-10")
def test_a_steward_is_looked_at_for_time_dress_and_badge(tmp_path: Path) -> None:
    """Promise: on time and dressed but without a badge is 2 of 3."""
    world = checking(tmp_path, "property")
    sample = world.drawn("steward_check", 1, number=1)
    result = world.score(sample, "it-0", marks={"on_time": True, "dress": True, "badge": False})
    assert (result["total"], result["of"]) == ("2", "3")
    assert {source for _, source in marks_of(result).values()} == {"A-PRM-10"}


@pytest.mark.rule("B-DUT-04")
def test_the_fourth_ring_is_a_breach_in_a_sample_of_fifty_calls(tmp_path: Path) -> None:
    """Promise: three rings are in time, four are not, and the greeting is looked at too."""
    world = checking(tmp_path, "property")
    sample = world.drawn("phone_check", 200, number=50)
    assert sample["drawn"] == 50
    for row, rings in zip(sample["items"][:2], (3, 4), strict=True):
        world.score(sample, row["item"], marks={"rings": rings, "greeting": True})
    in_time, late = world.told("item_scored")
    assert (in_time["failed"], late["failed"]) == ([], ["rings"])
    result = world.score(sample, sample["items"][2]["item"], marks={"rings": 1, "greeting": False})
    assert marks_of(result)["greeting"] == ("no", "B-DUT-04")


@pytest.mark.rule("B-TEL-06")
def test_a_call_is_scored_on_six_items_of_tone_and_wording(tmp_path: Path) -> None:
    """Promise: polite, warm, concise, clear, patient and thorough, and none may be left out."""
    world = checking(tmp_path, "call-centre")
    sample = world.drawn("recording_check", 4, number=1)
    item = sample["items"][0]["item"]
    six = {"polite": 5, "warm": 4, "concise": 4, "clear": 5, "patient": 3, "thorough": 3}
    for left_out in six:
        with pytest.raises(ValidationFailed):
            world.score(sample, item, marks={code: mark for code, mark in six.items() if code != left_out})
    result = world.score(sample, item, marks=six)
    assert (result["average"], result["total"], result["of"]) == ("4.00", "24", "30")
    assert {source for _, source in marks_of(result).values()} == {"B-TEL-06"}


def test_a_failed_fatal_item_takes_all_points(tmp_path: Path) -> None:
    """Promise: what must never happen is not made up for by good manners."""
    item = {"name": "未泄露隐私", "marking": "yes_no", "fatal": True, "source": "organisation"}
    world = checking(tmp_path, cards={"service": {"items": {"private": item}}})
    sample = world.drawn("chat_trace", 2, number=2)
    good, bad = (
        world.score(sample, row["item"], marks=SERVICE | {"private": private})
        for row, private in zip(sample["items"], (True, False), strict=True)
    )
    assert (good["passed"], bad["passed"], bad["total"], bad["percent"]) == (True, False, "0", "0.00")


def test_measures_named_with_faults_are_opened_once_however_often_the_event_comes(tmp_path: Path) -> None:
    """Promise: a finding with a measure becomes one, with its owner and day; a mere note does not."""
    world = checking(tmp_path)
    sample = world.drawn("chat_trace", 2, number=1)
    todo = {"text": "话术不熟。", "measure": "复训。", "owner": "s-1", "due_on": "2025-05-01"}
    world.score(sample, sample["items"][0]["item"], marks=SERVICE, faults=[todo, {"text": "语气平淡。"}])
    assert set(world.react() + world.react()) == {Outcome.DONE}
    (row,) = world.do("list_records", "qc-1", register="corrective_measure")
    measure = world.do("get_record", "qc-1", id=row["record_id"])["values"]
    expected = {"finding": "话术不熟。", "measure": "复训。", "owner": "s-1", "due_on": "2025-05-01"}
    assert {code: measure[code] for code in expected} == expected


@pytest.mark.rule("A-HO2-05")
def test_speech_conduct_and_bearing_are_averaged(tmp_path: Path) -> None:
    """Promise: 4, 5 and 3 are 4.0 on average, and all three are looked at."""
    world = checking(tmp_path, "hospital")
    sample = world.drawn("manner_check", 2, number=1)
    item = sample["items"][0]["item"]
    with pytest.raises(ValidationFailed):
        world.score(sample, item, marks={"speech": 4, "conduct": 5})
    result = world.score(sample, item, marks={"speech": 4, "conduct": 5, "bearing": 3})
    assert Decimal(result["average"]) == Decimal("4.0")
    assert {source for _, source in marks_of(result).values()} == {"A-HO2-05"}


@pytest.mark.rule("B-OPT-09")
def test_an_inspection_against_a_set_of_rules_counts_what_passes(tmp_path: Path) -> None:
    """Promise: of 50 points of rule set v1 46 pass, and all 50 are looked at before it is finished."""
    point = {"name": "符合", "marking": "yes_no", "source": "organisation"}
    card = {"name": "规范检查表", "pass_at": own(100), "items": {"kept": point}, "source": "organisation"}
    kind = {
        "name": "规范检查",
        "item": "rule",
        "percent": own(100),
        "card": own("rules"),
        "source": "organisation",
    }
    world = checking(tmp_path, cards={"rules": card}, samples={"inspection": kind})
    sample = world.drawn("inspection", 50, about="rule-set-v1")
    for number, row in enumerate(sample["items"]):
        world.score(sample, row["item"], marks={"kept": number < 46})
    done = world.move(sample, "finish")
    assert (done["about"], world.sample(sample)["scored"], world.sample(sample)["passed"]) == (
        "rule-set-v1",
        50,
        46,
    )
