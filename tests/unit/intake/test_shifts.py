"""Who comes to a shift and when they may go: early enough, not before the end, not while a customer is asking."""

from __future__ import annotations

from typing import Any

import pytest

from shared.errors import Conflict, RuleRefused, ValidationFailed
from tests.unit.intake.on_duty import Intake

READY = ["product_intro", "chat_replies", "customer_classes", "information"]
READY += ["doubts", "bargaining", "improvements", "questions"]
DAY = {"desk": "front", "day": "2025-03-03", "shift": "day"}
NIGHT = {"desk": "chat", "day": "2025-03-03", "shift": "night"}


def refusal(intake: Intake, who: str, **arguments: Any) -> str | None:
    with pytest.raises(RuleRefused) as refused:
        intake.do("attend_shift", who, **arguments)
    return refused.value.rule


@pytest.mark.rule("B-DUT-12")
@pytest.mark.parametrize(("at", "late"), [("07:50:00", False), ("07:51:00", True)])
def test_whoever_takes_the_desk_over_is_there_ten_minutes_early(at: str, *, late: bool) -> None:
    """Promise: for a shift at 08:00, 07:50 is in time and 07:51 a warning."""
    intake = Intake("property-demo", f"2025-03-03 {at}")
    arrived = intake.do("attend_shift", "jia", action="arrive", **DAY)
    expected = [{"code": "late_arrival", "source": "B-DUT-12"}] if late else []
    assert arrived["warnings"] == expected
    assert intake.told("shift_attended")[0]["warnings"] == expected


@pytest.mark.rule("B-PRO-19")
@pytest.mark.parametrize(("back", "long"), [("15:59", False), ("16:01", True)])
def test_nobody_stands_in_for_longer_than_four_hours(back: str, *, long: bool) -> None:
    """Promise: four hours and a minute is a warning, and one that comes while it lasts."""
    intake = Intake("property-demo", "2025-03-03 12:00")
    intake.do("attend_shift", "yi", action="arrive", stands_in_for="jia", **DAY)
    intake.at(f"2025-03-03 {back}")
    assert [told["source"] for told in intake.told("clock_breached")] == (["B-PRO-19"] if long else [])
    left = intake.do("attend_shift", "yi", action="leave", **DAY)
    assert left["warnings"] == ([{"code": "stand_in_too_long", "source": "B-PRO-19"}] if long else [])


def night() -> Intake:
    """The night shift of an, from 17:30 to 01:00."""
    intake = Intake("shop-demo", "2025-03-03 17:30")
    intake.do("attend_shift", "an", action="arrive", ready=READY, **NIGHT)
    return intake


@pytest.mark.rule("B-SHP-02")
def test_the_night_shift_goes_on_while_a_customer_is_still_asking() -> None:
    """Promise: a chat open at 00:58 moves the end to when it is closed."""
    intake = night()
    intake.at("2025-03-04 00:58")
    chat: dict[str, Any] = {"conversation": "ch-7", **NIGHT}
    shift = intake.do("attend_shift", "an", action="open_conversation", **chat)
    assert shift["ends_at"] == "2025-03-03T17:00:00.000Z"
    intake.at("2025-03-04 01:10")
    assert refusal(intake, "an", action="leave", **NIGHT) == "B-SHP-02"
    closed = intake.do("attend_shift", "an", action="close_conversation", **chat)
    assert closed["ends_at"] == "2025-03-03T17:10:00.000Z"
    assert refusal(intake, "an", action="leave", **NIGHT) == "B-SHP-03"
    with pytest.raises(Conflict):
        intake.do("attend_shift", "an", action="close_conversation", **chat)


@pytest.mark.rule("B-SHP-03", "B-MBY-20")
def test_a_night_shift_without_its_note_in_the_handover_book_is_not_closed() -> None:
    """Promise: at 01:00 without a handover text nobody signs, and without signatures nobody goes."""
    intake = night()
    intake.at("2025-03-04 01:00")
    assert refusal(intake, "an", action="leave", **NIGHT) == "B-SHP-03"
    (shift,) = intake.do("list_shifts", "an", desk="chat", day="2025-03-03")
    assert shift["state"] == "open"
    opened = intake.do("open_handover", "an", shift_id=shift["shift_id"], to_shift="day")
    own: dict[str, Any] = {"id": opened["handover_id"], "part": "outgoing"}
    with pytest.raises(RuleRefused) as refused:
        intake.do("sign_handover", "an", **own)
    assert refused.value.rule == "B-MBY-20"
    intake.do("fill_handover", "an", headings={"book": "两单待跟进"}, **own)
    intake.do("sign_handover", "an", **own)
    assert refusal(intake, "an", action="leave", **NIGHT) == "B-SHP-03"
    intake.do("sign_handover", "bai", id=opened["handover_id"], part="incoming")
    assert intake.do("attend_shift", "an", action="leave", **NIGHT)["state"] == "closed"


@pytest.mark.rule("B-MBY-03")
def test_work_begins_with_eight_things_prepared() -> None:
    """Promise: the list an agent starts with has eight points, and what is not prepared is named."""
    intake = Intake("shop-demo", "2025-03-03 08:20")
    day = NIGHT | {"shift": "day"}
    arrived = intake.do("attend_shift", "an", action="arrive", **day)
    assert [row["code"] for row in arrived["warnings"]] == [f"not_ready.{code}" for code in READY]
    assert {row["source"] for row in arrived["warnings"]} == {"B-MBY-03"}
    assert len(arrived["warnings"]) == 8
    ready = intake.do("attend_shift", "bai", action="arrive", ready=READY, **day)
    assert ready["warnings"] == []


def shop_with_roster() -> tuple[Intake, str]:
    """A shop whose night of 3 March is an's."""
    intake = Intake("shop-demo", "2025-03-01 09:00")
    shift = {"shift": "night", "day": "2025-03-03"}
    drawn = intake.do(
        "draw_roster",
        "lead",
        desk="chat",
        first="2025-03-03",
        last="2025-03-03",
        assignments=[{"staff": "an"} | shift],
    )
    return intake, drawn["roster_id"]


@pytest.mark.rule("B-ECM-33")
def test_a_post_left_empty_without_an_accepted_swap_is_absence_without_leave() -> None:
    """Promise: only a swap the other one accepted takes a shift away from somebody."""
    absent: dict[str, Any] = {"action": "note_absence", **NIGHT}
    shift = {"shift": "night", "day": "2025-03-03"}
    intake, roster = shop_with_roster()
    intake.do("swap_shift", "an", id=roster, action="propose", to="bai", **shift)
    intake.at("2025-03-03 18:00")
    intake.do("attend_shift", "lead", staff="an", **absent)
    (told,) = intake.told("absent_without_leave")
    assert (told["staff"], told["source"]) == ("an", "B-ECM-33")

    swapped, roster = shop_with_roster()
    swapped.do("swap_shift", "an", id=roster, action="propose", to="bai", **shift)
    swapped.do("swap_shift", "bai", id=roster, action="accept", no=1)
    swapped.at("2025-03-03 18:00")
    with pytest.raises(Conflict):
        swapped.do("attend_shift", "lead", staff="an", **absent)
    swapped.do("attend_shift", "bai", action="arrive", ready=READY, **NIGHT)
    with pytest.raises(Conflict):
        swapped.do("attend_shift", "lead", staff="bai", **absent)
    assert swapped.told("absent_without_leave") == []


def test_a_shift_is_one_however_many_come_and_none_without_a_template() -> None:
    """Promise: two who come at once are on the same shift; nobody comes twice, or to a shift there is not."""
    intake = Intake("property-demo", "2025-03-03 07:45")
    first = intake.do("attend_shift", "jia", action="arrive", **DAY)
    second = intake.do("attend_shift", "yi", action="arrive", **DAY)
    assert first["shift_id"] == second["shift_id"]
    assert [row["staff"] for row in second["people"]] == ["jia", "yi"]
    with pytest.raises(Conflict):
        intake.do("attend_shift", "jia", action="arrive", **DAY)
    with pytest.raises(ValidationFailed):
        intake.do("attend_shift", "jia", action="arrive", **(DAY | {"shift": "dawn"}))
    with pytest.raises(ValidationFailed):
        intake.do("attend_shift", "jia", action="take_money", **DAY)
