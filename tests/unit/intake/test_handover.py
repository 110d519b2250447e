"""What is counted, told and accepted when one shift hands over to the next, and that two different people sign."""

from __future__ import annotations

from typing import Any

import pytest

from shared.errors import Conflict, RuleRefused, ValidationFailed
from tests.unit.intake.on_duty import Intake

DAY = {"desk": "front", "day": "2025-03-03", "shift": "day"}
COUNTS = ("public_items", "letters", "desk_keys", "room_keys")
HEADINGS = ("business", "instructions", "suggestions", "complaints", "equipment", "desk_log")


def estate() -> tuple[Intake, str]:
    """An estate's day shift whose handover was opened by jia at 19:30; yi takes over."""
    intake = Intake("property-demo", "2025-03-03 07:45")
    shift = intake.do("attend_shift", "jia", "duty_staff", action="arrive", **DAY)
    intake.at("2025-03-03 19:30")
    opened = intake.do("open_handover", "jia", shift_id=shift["shift_id"], to_shift="night")
    return intake, opened["handover_id"]


def count(code: str, number: str, **more: Any) -> dict[str, Any]:
    return {"code": code, "number": number} | more


def hand_over(intake: Intake, handover: str, *, leave_out: str = "", **numbers: str) -> None:
    """Enter everything the outgoing side owes, but for the heading or check ``leave_out``."""
    counts = [count(code, numbers.get(code, "12"), holders=["jia"]) for code in COUNTS]
    checks = [{"code": code, "answer": code != "abnormal"} for code in ("desk_tidy", "work_told", "abnormal")]
    intake.do(
        "fill_handover",
        "jia",
        id=handover,
        part="outgoing",
        counts=counts,
        checks=[check for check in checks if check["code"] != leave_out],
        headings={code: "无" for code in HEADINGS if code != leave_out},
    )


def take_over(intake: Intake, handover: str, **numbers: str) -> None:
    counts = [count(code, numbers.get(code, "12")) for code in COUNTS]
    intake.do("fill_handover", "yi", id=handover, part="incoming", counts=counts)


def sign(intake: Intake, handover: str, who: str, part: str, *roles: str) -> Any:
    return intake.do("sign_handover", who, *roles, id=handover, part=part)


def refusal(intake: Intake, handover: str, who: str, part: str, *roles: str) -> RuleRefused:
    with pytest.raises(RuleRefused) as refused:
        sign(intake, handover, who, part, *roles)
    return refused.value


@pytest.mark.rule("B-DUT-16", "B-FDK-07")
def test_one_signature_leaves_it_pending_and_only_two_let_the_outgoing_side_leave() -> None:
    """Promise: nobody leaves a desk that nobody has taken over, keys counted by both."""
    intake, handover = estate()
    hand_over(intake, handover)
    assert refusal(intake, handover, "yi", "incoming").rule == "B-DUT-13"
    take_over(intake, handover)
    assert sign(intake, handover, "jia", "outgoing")["state"] == "pending"
    intake.at("2025-03-03 20:01")
    with pytest.raises(RuleRefused) as early:
        intake.do("attend_shift", "jia", action="leave", **DAY)
    assert early.value.rule == "B-DUT-16"
    done = sign(intake, handover, "yi", "incoming")
    assert done["state"] == "handed_over"
    keys = done["counts"]["desk_keys"]
    assert (keys["handed"], keys["counted"], keys["holders"]) == ("12", "12", ["jia"])
    assert [row["by"] for row in done["signatures"]] == ["jia", "yi"]
    assert intake.do("attend_shift", "jia", action="leave", **DAY)["state"] == "closed"
    assert [told["state"] for told in intake.told("handover_signed")] == ["pending", "handed_over"]


@pytest.mark.rule("B-FDK-07")
def test_keys_are_counted_by_both_sides_each_with_its_holder() -> None:
    """Promise: a key nobody is named for is not handed over."""
    intake, handover = estate()
    intake.do("fill_handover", "jia", id=handover, part="outgoing", counts=[count("desk_keys", "4")])
    missing = refusal(intake, handover, "jia", "outgoing").details["missing"]
    assert {"reason": "holders of desk_keys", "source": "B-FDK-07"} in missing


def test_one_person_never_acts_for_both_sides() -> None:
    """Promise: a handover is between two people, also for what is entered."""
    intake, handover = estate()
    hand_over(intake, handover)
    assert refusal(intake, handover, "jia", "incoming").rule == "B-DUT-16"
    with pytest.raises(RuleRefused) as refused:
        intake.do("fill_handover", "jia", id=handover, part="incoming", counts=[count("letters", "12")])
    assert refused.value.rule == "B-DUT-16"
    sign(intake, handover, "jia", "outgoing")
    with pytest.raises(Conflict):
        sign(intake, handover, "jia", "outgoing")


@pytest.mark.parametrize(
    ("what", "handed", "counted", "rule"),
    [
        pytest.param("public_items", "12", "11", "B-DUT-13", marks=pytest.mark.rule("B-DUT-13")),
        pytest.param("letters", "14", "13", "B-FDK-06", marks=pytest.mark.rule("B-FDK-06")),
        pytest.param("room_keys", "40", "39", "B-DUT-24", marks=pytest.mark.rule("B-DUT-24")),
    ],
)
def test_a_difference_in_the_count_has_to_be_explained(
    what: str, handed: str, counted: str, rule: str
) -> None:
    """Promise: what is gone is not handed on in silence; whoever had it explains."""
    intake, handover = estate()
    hand_over(intake, handover, **{what: handed})
    take_over(intake, handover, **{what: counted})
    assert refusal(intake, handover, "yi", "incoming").rule == rule
    explained = {"code": what, "explanation": "已登记，待查。"}
    with pytest.raises(ValidationFailed):
        intake.do("fill_handover", "yi", id=handover, part="incoming", counts=[explained])
    intake.do("fill_handover", "jia", id=handover, part="outgoing", counts=[explained])
    sign(intake, handover, "jia", "outgoing")
    entered = sign(intake, handover, "yi", "incoming")["counts"][what]
    assert (entered["handed"], entered["counted"], entered["differs"]) == (handed, counted, True)
    assert intake.told("handover_signed")[-1]["differences"] == [what]


@pytest.mark.rule("B-DUT-15")
def test_something_abnormal_is_explained_by_the_outgoing_side_or_not_handed_over() -> None:
    """Promise: "abnormal: yes" alone is refused."""
    intake, handover = estate()
    hand_over(intake, handover, leave_out="abnormal")
    assert refusal(intake, handover, "jia", "outgoing").rule == "B-DUT-15"
    answer: dict[str, Any] = {"code": "abnormal", "answer": True}
    filling: dict[str, Any] = {"id": handover, "part": "outgoing"}
    with pytest.raises(RuleRefused) as refused:
        intake.do("fill_handover", "jia", checks=[answer], **filling)
    assert refused.value.rule == "B-DUT-15"
    intake.do("fill_handover", "jia", checks=[answer | {"explanation": "大厅漏水，已报修。"}], **filling)
    assert sign(intake, handover, "jia", "outgoing")["state"] == "pending"


@pytest.mark.parametrize(
    ("heading", "rule"),
    [
        *(
            pytest.param(heading, "B-CCP-04", marks=pytest.mark.rule("B-CCP-04"))
            for heading in HEADINGS
            if heading != "desk_log"
        ),
        pytest.param("desk_log", "B-FDK-08", marks=pytest.mark.rule("B-FDK-08")),
    ],
)
def test_a_heading_left_empty_keeps_the_shift_open_and_none_is_enough(heading: str, rule: str) -> None:
    """Promise: "none" (无) was written under every heading, so nothing was forgotten."""
    intake, handover = estate()
    hand_over(intake, handover, leave_out=heading)
    assert refusal(intake, handover, "jia", "outgoing").rule == rule
    with pytest.raises(ValidationFailed):
        intake.do("fill_handover", "jia", id=handover, part="outgoing", headings={heading: " "})
    (shift,) = intake.do("list_shifts", "yi", desk="front", day="2025-03-03")
    assert shift["state"] == "open"
    intake.do("fill_handover", "jia", id=handover, part="outgoing", headings={heading: "无"})
    assert sign(intake, handover, "jia", "outgoing")["state"] == "pending"


@pytest.mark.rule("B-DUT-17")
@pytest.mark.parametrize(("at", "state"), [("19:44", "met"), ("19:46", "met_late")])
def test_the_desk_is_ready_a_quarter_of_an_hour_before_the_change(at: str, state: str) -> None:
    """Promise: for a change at 20:00 the outgoing side's points are answered by 19:45."""
    intake, handover = estate()
    intake.at(f"2025-03-03 {at}")
    hand_over(intake, handover)
    (clock,) = intake.do("get_handover", "yi", id=handover)["clocks"]
    assert (clock["clock"], clock["state"], clock["source"]) == ("prepared", state, "B-DUT-17")
    assert clock["due_at"] == "2025-03-03T11:45:00.000Z"


def open_work(intake: Intake, text: str, **work: Any) -> str:
    entry = intake.do(
        "write_duty_log", "jia", "duty_staff", desk="front", kind="work", text=text, work=work or {}
    )
    return str(entry["entry_id"])


@pytest.mark.rule("B-DUT-14", "B-DUT-18")
def test_open_work_is_accepted_one_by_one_and_important_work_is_finished_first() -> None:
    """Promise: three open items are on the next shift's list, and an important one is not passed on."""
    intake, handover = estate()
    items = [open_work(intake, f"事项{number}") for number in range(3)]
    important = open_work(intake, "水管爆裂", important=True)
    hand_over(intake, handover)
    assert refusal(intake, handover, "jia", "outgoing").rule == "B-DUT-18"
    intake.do("follow_duty_work", "jia", "duty_staff", id=important, action="settled", text="已修好")
    sign(intake, handover, "jia", "outgoing")
    take_over(intake, handover)
    intake.do("fill_handover", "yi", id=handover, part="incoming", accepts=items[:2])
    assert refusal(intake, handover, "yi", "incoming").rule == "B-DUT-14"
    intake.do("fill_handover", "yi", id=handover, part="incoming", accepts=items[2:])
    assert sign(intake, handover, "yi", "incoming")["carried"] == items
    listed = intake.do("list_duty_work", "yi", desk="front")
    assert [row["entry_id"] for row in listed] == items


@pytest.mark.rule("B-TKT-06")
def test_what_a_stand_in_took_stands_in_the_next_handover() -> None:
    """Promise: sixty yuan of tickets sold by a stand-in are not forgotten in a drawer."""
    intake = Intake("property-demo", "2025-03-03 07:45")
    shift = intake.do("attend_shift", "jia", action="arrive", **DAY)
    intake.at("2025-03-03 12:00")
    intake.do("attend_shift", "bing", action="arrive", stands_in_for="jia", **DAY)
    intake.do("attend_shift", "bing", action="take_money", amount="60.00", **DAY)
    intake.at("2025-03-03 19:30")
    opened = intake.do("open_handover", "jia", shift_id=shift["shift_id"], to_shift="night")
    assert opened["takings"] == [{"staff": "bing", "amount": "60.00"}]


def test_what_was_signed_stays_and_a_repeat_of_the_command_changes_nothing() -> None:
    """Promise: after a signature nobody alters what it stands under; a command sent twice has its effect once."""
    intake, handover = estate()
    hand_over(intake, handover)
    key = {"idempotency_key": "same-key-0001"}
    first = intake.do("sign_handover", "jia", id=handover, part="outgoing", **key)
    assert intake.do("sign_handover", "jia", id=handover, part="outgoing", **key) == first
    assert len(intake.told("handover_signed")) == 1
    with pytest.raises(Conflict):
        hand_over(intake, handover)
    (shift,) = intake.do("list_shifts", "yi", desk="front", day="2025-03-03")
    with pytest.raises(Conflict):
        intake.do("open_handover", "jia", shift_id=shift["shift_id"], to_shift="night")
    assert [row["handover_id"] for row in intake.do("list_handovers", "yi", desk="front")] == [handover]


@pytest.mark.parametrize(
    "late", [{"questions": ["钥匙在哪？"]}, {"envelope": {"number": "7", "receiver": "cai"}}]
)
def test_nothing_is_entered_once_both_have_signed(late: dict[str, Any]) -> None:
    """Promise: the book that two people signed says tomorrow what it said when they signed."""
    intake, handover = estate()
    hand_over(intake, handover)
    take_over(intake, handover)
    for who, part in (("jia", "outgoing"), ("yi", "incoming")):
        intake.do("sign_handover", who, id=handover, part=part)
    signed = intake.do("get_handover", "jia", id=handover)
    assert signed["state"] == "handed_over"
    with pytest.raises(Conflict):
        intake.do("fill_handover", "jia", id=handover, part="outgoing", **late)
    assert intake.do("get_handover", "jia", id=handover) == signed


def test_who_takes_over_signs_under_numbers_that_no_longer_change() -> None:
    """Promise: the number that the incoming side compared with is the one that the book keeps."""
    intake, handover = estate()
    take_over(intake, handover)
    early = refusal(intake, handover, "yi", "incoming").details["missing"]
    assert {"reason": "count letters", "source": "B-FDK-06"} in early
    hand_over(intake, handover)
    sign(intake, handover, "yi", "incoming")
    with pytest.raises(Conflict):
        hand_over(intake, handover, letters="11")
    assert sign(intake, handover, "jia", "outgoing")["state"] == "handed_over"


def test_only_somebody_on_the_shift_signs_for_it() -> None:
    """Promise: a colleague who was not there does not hand over keys in place of those who were."""
    intake, handover = estate()
    hand_over(intake, handover)
    assert refusal(intake, handover, "ding", "outgoing").rule == "B-DUT-16"
