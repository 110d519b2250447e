"""What is written down of a callback: complete or refused or marked, one form for each, and what it opens."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.errors import Conflict, NotFound, RuleRefused, ValidationFailed
from tests.unit.followup.fakes import FakeDelivery, replied
from tests.unit.followup.talk_world import ORG, Caller

FULL = {"rating": 4, "called_at": "2026-11-16T10:00:00+08:00"}
_THREE_DAYS = """      remedies:
        member_problem:
          days: {value: 3, source: organisation}
"""
_PROMISE = """      remedies:
        member_dissatisfied:
          days: {value: 5, source: organisation}
          promise: {value: 2, source: organisation}
"""
_FIVE_MINUTES = """      callback_records:
        member_batch:
          checks:
            short:
              holds: {field: minutes, is: at_most, value: 5}
              otherwise: flag
              message: 回访时间过长
              source: organisation
"""


def _one(folder: Path, profile: str, kind: str, overrides: str = "") -> tuple[Caller, str]:
    world = Caller(folder, profile, overrides)
    world.shared_out(kind, 1)
    return world, world.open()[0]


def _complaint(folder: Path, profile: str) -> tuple[Caller, str]:
    world = Caller(folder, profile)
    world.app.follow([FakeDelivery(replied(org=ORG))])
    return world, world.open()[0]


@pytest.mark.rule("A-MEM-14")
def test_a_rating_and_opinions_are_kept_and_a_wrong_rating_is_refused(tmp_path: Path) -> None:
    """The words stay in the database: no event holds them, and the number is counted."""
    world, callback = _one(tmp_path, "membership", "irregular")
    with pytest.raises(ValidationFailed):
        world.complete(callback, "satisfied", FULL | {"rating": ""})
    with pytest.raises(RuleRefused) as refused:
        world.complete(callback, "satisfied", FULL | {"rating": 6})
    assert refused.value.rule == "A-MEM-14"
    world.complete(callback, "satisfied", FULL | {"product_opinion": "包装很好"})
    (row,) = world.records(field="product_opinion")
    assert (row["values"]["rating"], row["values"]["product_opinion"]) == ("4", "包装很好")
    assert "包装很好" not in str([each.entry.data for each in world.sent])
    (told,) = world.told("callback_recorded")
    assert {"field": "rating", "value": "4"} in told["values"]


@pytest.mark.rule("A-CAR-07", "A-CAR-11")
def test_a_car_service_refuses_a_record_without_a_rating(tmp_path: Path) -> None:
    """The record has to be complete: without it the call is not made, and nothing is written."""
    world, callback = _one(tmp_path, "auto-dealer", "member_care")
    for record in (None, {}, {"suggestion": "多些停车位"}):
        with pytest.raises(RuleRefused) as refused:
            world.complete(callback, "satisfied", record)
        assert refused.value.rule == "A-CAR-07"
    assert world.open() == [callback]
    world.complete(callback, "satisfied", {"rating": "satisfied"})
    (row,) = world.records(complete=True)
    assert row["values"] == {"rating": "satisfied"}
    (batch,) = world.batches()
    seen = world.batch(batch["batch_id"])
    assert (seen["share"], seen["coverage"], seen["reached"]) == ("100", "100.00", True)


@pytest.mark.rule("A-CAR-14", "A-CAR-15")
def test_so_so_needs_a_reason_and_satisfied_may_suggest(tmp_path: Path) -> None:
    """What is to be improved is asked of everybody who was not satisfied, and opens a corrective measure once."""
    world = Caller(tmp_path, "auto-dealer")
    world.shared_out("member_care", 2)
    first, second = world.open()
    world.complete(first, "satisfied", {"rating": "satisfied", "suggestion": "多些停车位"})
    assert [row["callback_id"] for row in world.records(field="suggestion")] == [first]
    with pytest.raises(RuleRefused) as refused:
        world.complete(second, "neutral", {"rating": "neutral"})
    assert refused.value.rule == "A-CAR-15"
    world.complete(second, "neutral", {"rating": "neutral", "reason": "等得太久"})
    assert world.hear("callback_remedied") == ["done", "done"]
    (measure,) = world.measures()
    assert (measure["values"]["asked_by"], measure["values"]["finding"]) == (
        "A-CAR-15",
        "会员回访客户不够满意",
    )


@pytest.mark.rule("A-CAR-17")
def test_a_promise_is_kept_with_its_day(tmp_path: Path) -> None:
    """Who is not satisfied is promised an improvement: the day stands in the callback, the event and the list."""
    world, callback = _one(tmp_path, "auto-dealer", "member_care", _PROMISE)
    record = {"rating": "dissatisfied", "reason": "没洗干净"}
    answer = world.complete(callback, "dissatisfied", record)
    assert answer["promised_on"] == "2026-11-18"
    (told,) = world.told("callback_remedied")
    assert (told["due_on"], told["promised_on"]) == ("2026-11-21", "2026-11-18")
    assert world.records()[0]["promised_on"] == "2026-11-18"
    steps = world.script(id=callback, answer="dissatisfied")["steps"]
    assert (steps[-1]["step"], steps[-1]["source"]) == ("close_unsatisfied", "A-CAR-17")


@pytest.mark.rule("A-MEM-09")
def test_a_problem_that_a_callback_finds_opens_a_measure_due_in_three_days(tmp_path: Path) -> None:
    """However the call ended: it is the problem that is remedied, once, though its event comes twice."""
    world, callback = _one(tmp_path, "membership", "irregular", _THREE_DAYS)
    world.complete(callback, "satisfied", FULL | {"problem": True})
    assert world.hear("callback_remedied") == ["done", "done"]
    (measure,) = world.measures()
    assert (measure["values"]["due_on"], measure["values"]["asked_by"]) == ("2026-11-19", "A-MEM-09")


def test_a_problem_filled_in_later_opens_its_measure_once(tmp_path: Path) -> None:
    """A record that is completed afterwards has the same consequences, and none a second time."""
    world, callback = _one(tmp_path, "membership", "irregular")
    world.complete(callback, "dissatisfied", {"rating": 1})
    world.fill(callback, problem=True, called_at=FULL["called_at"])
    assert [told["remedy"] for told in world.told("callback_remedied")] == ["member_problem"]


@pytest.mark.rule("B-SVN-07")
def test_low_satisfaction_after_a_complaint_opens_a_correction(tmp_path: Path) -> None:
    """Shortcomings are corrected, not only the case opened again."""
    world, callback = _complaint(tmp_path, "it-service")
    world.complete(callback, "dissatisfied")
    world.hear("callback_remedied")
    (measure,) = world.measures()
    assert measure["values"]["asked_by"] == "B-SVN-07"
    assert world.told("callback_remedied")[0]["source"] == "B-SVN-07"


@pytest.mark.rule("B-CST-05")
def test_a_suggestion_is_in_the_supervisors_list(tmp_path: Path) -> None:
    """Those who suggest something are listed with their words; those who do not are not."""
    world, callback = _complaint(tmp_path, "it-service")
    world.app.follow([FakeDelivery(replied("cs_2", org=ORG))])
    world.complete(callback, "satisfied", {"suggestion": "延长服务时间"})
    world.complete(world.open()[0], "satisfied", {"feedback": "很好"})
    (row,) = world.records(field="suggestion")
    assert (row["callback_id"], row["values"]) == (callback, {"suggestion": "延长服务时间"})
    assert len(world.records(rule="complaint")) == 2


@pytest.mark.rule("A-WHB-09")
def test_there_is_one_owner_form_for_a_callback(tmp_path: Path) -> None:
    """The form belongs to its callback and case; a second one is refused, with the call and afterwards."""
    world, callback = _complaint(tmp_path, "property")
    world.complete(callback, "satisfied", {"feedback": "处理及时"})
    (row,) = world.records()
    assert (row["case_id"], row["callback_id"]) == ("cs_1", callback)
    with pytest.raises(RuleRefused) as later:
        world.fill(callback, feedback="再说一次")
    with pytest.raises(RuleRefused) as again:
        world.complete(callback, "satisfied", {"feedback": "再说一次"})
    assert (later.value.rule, again.value.rule) == ("A-WHB-09", "A-WHB-09")


def test_a_form_that_is_not_demanded_may_follow_the_call(tmp_path: Path) -> None:
    """An existing way of working stays: a call without a form is taken, and the form filled in afterwards."""
    world, callback = _complaint(tmp_path, "property")
    with pytest.raises(ValidationFailed):
        world.fill(callback, feedback="太早")
    world.complete(callback, "satisfied")
    first = world.fill(callback, key="f", feedback="处理及时")
    assert (first, world.fill(callback, key="f", feedback="处理及时")) == (first, first)
    with pytest.raises(Conflict):
        world.fill(callback, key="f", feedback="别的")


@pytest.mark.rule("B-MBY-18")
def test_an_evaluation_sheet_is_filed_with_the_complaints_callback(tmp_path: Path) -> None:
    """A sheet without the evaluation is none."""
    world, callback = _complaint(tmp_path, "online-store")
    with pytest.raises(RuleRefused) as refused:
        world.complete(callback, "satisfied", {"suggestion": "快一点"})
    assert refused.value.rule == "B-MBY-18"
    world.complete(callback, "satisfied", {"evaluation": "满意"})
    assert world.records(rule="complaint")[0]["case_id"] == "cs_1"


@pytest.mark.rule("A-TRV-03")
def test_travellers_feedback_and_intention_are_collected(tmp_path: Path) -> None:
    """By telephone or by letter, and by nothing else."""
    world, callback = _one(tmp_path, "call-centre", "travellers")
    said = {"feedback": "导游很好", "travel_intention": "十月想去海南"}
    for record in (said | {"by": "fax"}, said, {"by": "letter", "feedback": "导游很好"}):
        with pytest.raises(RuleRefused) as refused:
            world.complete(callback, "talked", record)
        assert refused.value.rule == "A-TRV-03"
    world.complete(callback, "talked", said | {"by": "letter"})
    assert world.records()[0]["values"] == said | {"by": "letter"}


@pytest.mark.rule("A-CCC-08")
def test_who_did_not_buy_is_asked_why(tmp_path: Path) -> None:
    """A result without a reason is refused; the reason is counted."""
    world, callback = _one(tmp_path, "call-centre", "not_bought")
    with pytest.raises(RuleRefused) as refused:
        world.complete(callback, "refused", {"recommended": "入门套餐"})
    assert refused.value.rule == "A-CCC-08"
    world.complete(callback, "refused", {"not_bought_reason": "price"})
    assert world.batch(world.batches()[0]["batch_id"])["analysis"]["not_bought_reason"] == {"price": 1}


@pytest.mark.rule("A-CCC-11")
def test_after_a_sale_feedback_opinions_and_suggestions_are_told_apart(tmp_path: Path) -> None:
    """There is no fourth type."""
    world = Caller(tmp_path, "call-centre")
    world.shared_out("after_sale", 3)
    with pytest.raises(RuleRefused) as refused:
        world.complete(world.open()[0], "satisfied", {"feedback_type": "complaint", "content": "…"})
    assert refused.value.rule == "A-CCC-11"
    for kind in ("feedback", "opinion", "suggestion"):
        world.complete(world.open()[0], "satisfied", {"feedback_type": kind, "content": "说明"})
    assert {row["values"]["feedback_type"] for row in world.records()} == {
        "feedback",
        "opinion",
        "suggestion",
    }


@pytest.mark.rule("A-CCC-02")
def test_fifty_callbacks_give_fifty_rows_with_product_and_reason(tmp_path: Path) -> None:
    """What decisions are made by leaves the list in codes, page by page, each call once."""
    world = Caller(tmp_path, "call-centre")
    batch = world.shared_out("after_sale", 50)
    for number, callback in enumerate(world.open()):
        codes = {"product": f"p{number % 3}", "reason": "late" if number % 2 else "broken"}
        world.complete(callback, "satisfied", {"feedback_type": "opinion", "content": "说明", **codes})
    rows = [row for skip in (0, 20, 40) for row in world.records(batch_id=batch, limit=20, skip=skip)]
    assert len({row["callback_id"] for row in rows}) == len(rows) == 50
    assert sum(row["values"]["reason"] == "late" for row in rows) == 25
    assert {row["values"]["product"] for row in rows} == {"p0", "p1", "p2"}


@pytest.mark.rule("A-LOG-58")
def test_a_survey_of_twenty_keeps_the_result_of_each(tmp_path: Path) -> None:
    """Also of those who decline."""
    world = Caller(tmp_path, "logistics")
    batch = world.shared_out("survey", 20)
    for number, callback in enumerate(world.open()):
        outcome, result = ("declined", "declined") if number < 4 else ("satisfied", "answered")
        world.complete(callback, outcome, {"result": result})
    seen = world.batch(batch)
    assert (seen["recorded"], seen["analysis"]["result"]) == (20, {"answered": 16, "declined": 4})


def test_a_longer_call_is_flagged(tmp_path: Path) -> None:
    """It is not undone by refusing its record, but seen."""
    world = Caller(tmp_path, "membership", _FIVE_MINUTES)
    world.shared_out("irregular", 2)
    short, long_ = world.open()
    assert world.complete(short, "satisfied", FULL | {"minutes": 5})["flags"] == []
    assert world.complete(long_, "satisfied", FULL | {"minutes": 6})["flags"] == ["short"]
    assert world.told("callback_recorded")[-1]["flags"] == ["short"]


def test_a_call_that_reached_nobody_writes_nothing_down(tmp_path: Path) -> None:
    """The form belongs to the call that ends the callback; and where a rule has no form there is none to fill."""
    world, callback = _one(tmp_path, "membership", "irregular")
    answer = world.complete(callback, "unreachable", {"rating": 5})
    assert (answer["recorded"], answer["state"], world.records()) == (False, "open", [])
    with pytest.raises(NotFound):
        world.fill("cb_none", rating=5)
