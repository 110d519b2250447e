"""The duty log: written by some, signed by others, never altered, open work carried on until it is settled."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.duty.log import sample
from services.intake.service import IntakeService
from shared.errors import Conflict, RuleRefused, ValidationFailed
from shared.messaging.rpc import operations_of
from tests.unit.intake.on_duty import Intake


def write(intake: Intake, who: str = "jia", *roles: str, **entry: Any) -> Any:
    given_entry = {"desk": "front", "kind": "work", "text": "巡视大堂"} | entry
    return intake.do("write_duty_log", who, *(roles or ("duty_staff",)), **given_entry)


def refusal(intake: Intake, method: str, who: str, *roles: str, **arguments: Any) -> str | None:
    with pytest.raises(RuleRefused) as refused:
        intake.do(method, who, *roles, **arguments)
    return refused.value.rule


@pytest.mark.rule("B-DUT-01")
def test_duty_staff_write_the_log_and_the_group_head_signs_it() -> None:
    """Promise: who does the duty does not check it, and who checks it did not write it."""
    intake = Intake("property-demo")
    assert refusal(intake, "write_duty_log", "o", desk="front", kind="work", text="x") == "B-DUT-01"
    write(intake)
    page: dict[str, Any] = {"desk": "front", "period": "2025-03-03"}
    assert refusal(intake, "sign_duty_log", "jia", "duty_staff", **page) == "B-DUT-19"
    assert refusal(intake, "sign_duty_log", "jia", "cs_head", **page) == "B-DUT-19"
    signed = intake.do("sign_duty_log", "head", "cs_head", **page)
    assert signed["signed_by"] == "head"
    with pytest.raises(Conflict):
        intake.do("sign_duty_log", "head2", "cs_head", **page)


@pytest.mark.rule("B-DUT-03")
def test_an_inquiry_keeps_the_question_and_the_answer_given() -> None:
    """Promise: what a visitor asked was answered, and with what."""
    intake = Intake("property-demo")
    asked: dict[str, Any] = {"kind": "inquiry", "fields": {"question": "停车费多少？"}}
    with pytest.raises(RuleRefused) as refused:
        write(intake, **asked)
    assert refused.value.rule == "B-DUT-03"
    asked["fields"]["answer"] = "每小时五元"
    assert write(intake, **asked)["fields"] == asked["fields"]


@pytest.mark.rule("B-DUT-11")
def test_an_entry_is_corrected_by_another_one_and_never_altered() -> None:
    """Promise: no page is torn out: no call alters or removes an entry, and the corrected one still stands."""
    intake = Intake("property-demo")
    wrong = write(intake, text="十点停水")
    right = write(intake, text="更正：十一点停水", corrects=wrong["entry_id"])
    page = intake.do("get_duty_log", "jia", desk="front", period="2025-03-03")
    assert page["entries"] == [wrong, right]
    assert right["corrects"] == wrong["entry_id"]
    changing = {name for name, it in operations_of(IntakeService).items() if it.kind == "command"}
    assert {name for name in changing if "duty_log" in name} == {"write_duty_log", "sign_duty_log"}
    with pytest.raises(Conflict):
        intake.do("follow_duty_work", "jia", "duty_staff", id=wrong["entry_id"], action="settled", text="改")


@pytest.mark.rule("B-DUT-19")
def test_a_page_unsigned_at_the_end_of_the_next_day_is_flagged() -> None:
    """Promise: the log of 3 March is signed by 24:00 of 4 March."""
    intake = Intake("property-demo", "2025-03-03 09:00")
    write(intake)
    intake.at("2025-03-04 23:59")
    assert intake.told("clock_breached") == []
    intake.at("2025-03-05 00:00")
    (flag,) = intake.told("clock_breached")
    assert (flag["clock"], flag["source"]) == ("signature", "B-DUT-19")
    assert flag["due_at"] == "2025-03-04T16:00:00.000Z"
    page: dict[str, Any] = {"desk": "front", "period": "2025-03-03"}
    intake.do("sign_duty_log", "head", "cs_head", **page)
    assert intake.told("duty_log_signed")[0]["on_time"] is False


def test_what_is_written_after_the_signature_is_signed_for_again() -> None:
    """Promise: a signature stands under what was there, and a page shows when more was written since."""
    intake = Intake("property-demo", "2025-03-03 09:00")
    write(intake)
    page: dict[str, Any] = {"desk": "front", "period": "2025-03-03"}
    assert intake.do("sign_duty_log", "head", "cs_head", **page)["entries_signed"] == 1
    intake.at("2025-03-03 20:00")
    write(intake, text="夜间巡视")
    shown = intake.do("get_duty_log", "jia", **page)
    assert (shown["page"]["entries_signed"], shown["total"]) == (1, 2)
    intake.at("2025-03-04 09:00")
    again = intake.do("sign_duty_log", "deputy", "cs_head", **page)
    assert (again["signed_by"], again["entries_signed"]) == ("deputy", 2)
    assert [told["on_time"] for told in intake.told("duty_log_signed")] == [True, True]
    with pytest.raises(Conflict):
        intake.do("sign_duty_log", "head", "cs_head", **page)


@pytest.mark.rule("B-PRO-04")
def test_the_customer_supervisor_signs_every_month() -> None:
    """Promise: a March log that nobody signed is called for on 1 April."""
    intake = Intake("property-demo", "2025-03-03 09:00")
    write(intake)
    march: dict[str, Any] = {"desk": "front", "period": "2025-03"}
    assert refusal(intake, "sign_duty_log", "head", "cs_head", **march) == "B-PRO-04"
    intake.at("2025-03-31 23:59")
    assert {flag["source"] for flag in intake.told("clock_breached")} == {"B-DUT-19"}
    intake.at("2025-04-01 00:00")
    assert intake.told("clock_breached")[-1]["source"] == "B-PRO-04"
    assert intake.do("sign_duty_log", "super", "supervisor", **march)["signed_by"] == "super"


@pytest.mark.rule("B-DUT-08")
def test_open_work_of_yesterday_has_a_reason_and_a_new_day_before_the_shift_hands_over() -> None:
    """Promise: what was not solved in time is explained, not forgotten."""
    intake = Intake("property-demo", "2025-03-03 09:00")
    item = write(intake, text="三楼灯坏", work={"due_on": "2025-03-03"})["entry_id"]
    intake.at("2025-03-04 07:45")
    day: dict[str, Any] = {"desk": "front", "day": "2025-03-04", "shift": "day"}
    shift = intake.do("attend_shift", "jia", action="arrive", **day)
    handover = intake.do("open_handover", "jia", shift_id=shift["shift_id"], to_shift="night")
    sign: dict[str, Any] = {"id": handover["handover_id"], "part": "outgoing"}
    assert refusal(intake, "sign_handover", "jia", **sign) == "B-DUT-08"
    late: dict[str, Any] = {"id": item, "action": "postponed", "text": "等配件"}
    assert refusal(intake, "follow_duty_work", "jia", "duty_staff", **late) == "B-DUT-08"
    past = late | {"due_on": "2025-03-03"}
    assert refusal(intake, "follow_duty_work", "jia", "duty_staff", **past) == "B-DUT-08"
    put_off = intake.do("follow_duty_work", "jia", "duty_staff", due_on="2025-03-06", **late)
    assert (put_off["open"], put_off["due_on"]) == (True, "2025-03-06")
    # What is still missing is missing by other rules.
    assert refusal(intake, "sign_handover", "jia", **sign) == "B-DUT-13"


@pytest.mark.rule("B-DUT-09")
def test_an_emergency_opens_its_plan_with_all_departments_at_once() -> None:
    """Promise: a fire is everybody's at the same moment, and is settled only when every point is done."""
    intake = Intake("property-demo")
    fire = write(intake, kind="incident", text="地下室起火", plan="fire")
    assert fire["departments"] == ["security", "engineering", "service_desk"]
    (told,) = intake.told("log_entry_written")
    assert (told["departments"], told["important"]) == (fire["departments"], True)
    step: dict[str, Any] = {"id": fire["entry_id"], "text": "完成"}
    with pytest.raises(Conflict):
        intake.do("follow_duty_work", "jia", "duty_staff", action="settled", **step)
    for point in fire["points_left"]:
        intake.do("follow_duty_work", "jia", "duty_staff", action="done", point=point, **step)
    (left,) = intake.do("list_duty_work", "jia", desk="front")
    assert left["points_left"] == []
    assert not intake.do("follow_duty_work", "jia", "duty_staff", action="settled", **step)["open"]
    with pytest.raises(ValidationFailed):
        write(intake, kind="incident", plan="flood")


@pytest.mark.rule("B-ITS-19")
def test_the_log_of_a_statutory_holiday_has_the_watch_on_the_websites() -> None:
    """Promise: on National Day somebody looked; without it the page is not signed."""
    intake = Intake("it-demo", "2025-10-01 09:00")
    write(intake, "an", "staff")
    page: dict[str, Any] = {"desk": "front", "period": "2025-10-01"}
    assert refusal(intake, "sign_duty_log", "boss", "supervisor", **page) == "B-ITS-19"
    watch = {"site": "www.example.cn", "found": "正常"}
    write(intake, "an", "staff", kind="monitoring", fields=watch)
    assert intake.do("sign_duty_log", "boss", "supervisor", **page)["signed_by"] == "boss"
    weekday = Intake("it-demo", "2025-10-13 09:00")
    write(weekday, "an", "staff")
    assert weekday.do("sign_duty_log", "boss", "supervisor", desk="front", period="2025-10-13")


@pytest.mark.rule("B-MBY-12")
@pytest.mark.parametrize("missing", ["problem", "solution", "lesson"])
def test_a_problem_is_recorded_with_its_solution_and_the_lesson(missing: str) -> None:
    """Promise: the same problem is solved faster the next time."""
    intake = Intake("shop-demo")
    whole = {"problem": "色差", "solution": "换货", "lesson": "实拍图"}
    part = {name: text for name, text in whole.items() if name != missing}
    with pytest.raises(RuleRefused) as refused:
        write(intake, kind="problem", fields=part)
    assert refused.value.rule == "B-MBY-12"
    assert write(intake, kind="problem", fields=whole)["fields"] == whole


@pytest.mark.rule("B-JKC-36")
def test_a_patrol_note_stands_in_the_contact_record_of_the_units_month() -> None:
    """Promise: what was asked in passing on 7 March is in the record of March, and of no other month."""
    intake = Intake("plaza-demo", "2025-03-07 10:00")
    note = write(intake, "mei", "service_desk", kind="patrol", text="商户问招牌", unit="A-101")
    write(intake, "mei", "service_desk", kind="patrol", text="别家", unit="A-102")
    march = intake.do("get_unit_record", "mei", unit="a-101", month="2025-03")
    assert [row["entry_id"] for row in march["entries"]] == [note["entry_id"]]
    assert march["entries"][0]["day"] == "2025-03-07"
    assert intake.do("get_unit_record", "mei", unit="A-101", month="2025-04")["entries"] == []


def test_no_event_of_the_log_holds_what_was_written() -> None:
    """Promise: words, which may name people, stay in the log."""
    intake = Intake("property-demo")
    item = write(intake, kind="inquiry", fields={"question": "张三住哪", "answer": "不便告知"}, work={})
    intake.do("follow_duty_work", "jia", "duty_staff", id=item["entry_id"], action="settled", text="张三来过")
    said = str([unsent.entry.data for unsent in intake.published])
    assert "张三" not in said
    assert len(intake.told("duty_work_followed")) == 1


@given(st.sets(st.integers(0, 400).map(str)), st.integers(1, 100), st.text(max_size=5))
def test_a_sample_is_large_enough_and_the_same_for_the_same_seed(
    ids: set[str], percent: int, seed: str
) -> None:
    """Promise: nobody chooses which entries are checked, and it can be looked at again."""
    chosen = sample(list(ids), percent, seed)
    assert len(chosen) * 100 >= len(ids) * percent
    assert (len(chosen) - 1) * 100 < len(ids) * percent or not chosen
    assert set(chosen) <= ids
    assert sample(sorted(ids, reverse=True), percent, seed) == chosen


@pytest.mark.rule("B-PRO-05")
def test_at_least_a_fifth_of_a_months_entries_is_shown_to_be_checked() -> None:
    """Promise: of eleven entries three are checked, whoever asks twice the same ones."""
    intake = Intake("property-demo")
    for number in range(11):
        write(intake, text=f"记录{number}")
    march: dict[str, Any] = {"desk": "front", "period": "2025-03", "seed": "april"}
    shown = intake.do("get_duty_log", "dir", **march)
    assert (shown["total"], len(shown["entries"])) == (11, 3)
    assert intake.do("get_duty_log", "dir", **march)["entries"] == shown["entries"]


def test_a_page_is_begun_with_its_first_entry_and_entries_know_their_day() -> None:
    """Promise: an entry after midnight is on the next day's page."""
    intake = Intake("property-demo", "2025-03-03 23:59")
    assert write(intake)["day"] == date(2025, 3, 3).isoformat()
    intake.at("2025-03-04 00:00")
    assert write(intake)["day"] == "2025-03-04"
    assert len(intake.told("clock_started")) == 3
