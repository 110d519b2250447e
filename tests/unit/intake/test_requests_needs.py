"""A plaza's needs: the department within an hour, done in three or later with consent, closed once approved."""

from __future__ import annotations

import pytest

from shared.errors import NotFound, RuleRefused
from tests.unit.intake.fakes import PLAZA, beijing
from tests.unit.intake.requests_world import Desk, instant, refused


@pytest.fixture
def desk() -> Desk:
    """Return the plaza's desk at ten in the morning."""
    return Desk(PLAZA)


@pytest.mark.rule("B-JKC-48")
def test_the_department_is_contacted_within_an_hour(desk: Desk) -> None:
    """Promise: a need of 10:00 has its department's ear by 11:00, and 11:00 is too late."""
    prompt, late = desk.take(1, category="need"), desk.take(2, category="need")
    clock = desk.clocks(prompt)["department_contact"]
    assert (instant(clock), clock["source"]) == (beijing("2026-03-02 11:00"), "B-JKC-48")
    desk.at("2026-03-02 10:59:59")
    desk.act(prompt, "contact_department", departments="工程部")
    desk.at("2026-03-02 11:00")
    desk.act(late, "contact_department", departments="工程部")
    assert desk.clocks(prompt)["department_contact"]["state"] == "met"
    assert desk.clocks(late)["department_contact"]["state"] == "met_late"


@pytest.mark.rule("B-JKC-49")
def test_a_need_is_done_within_three_hours(desk: Desk) -> None:
    """Promise: due at 13:00; at 13:01 it stands in the list of what is overdue."""
    request = desk.take(category="need")
    clock = desk.clocks(request)["handled"]
    assert (instant(clock), clock["source"]) == (beijing("2026-03-02 13:00"), "B-JKC-49")
    desk.act(request, "contact_department", departments="工程部")
    desk.at("2026-03-02 12:59")
    assert desk.rows(state="overdue") == []
    desk.at("2026-03-02 13:01")
    assert [row["request_id"] for row in desk.rows(state="overdue")] == [request]


@pytest.mark.rule("B-JKC-51")
def test_a_later_time_needs_the_leaders_consent_and_the_callback_says_why(desk: Desk) -> None:
    """Promise: nobody else delays; the reason is in the callback's words or there is no callback."""
    request = desk.take(category="need")
    desk.act(request, "contact_department", departments="工程部")
    later = {"id": request, "clock": "handled", "amount": 48, "reason": "parts", "note": "配件未到"}
    with refused("B-JKC-51"):
        desk.do("delay_request", **later)
    with refused("B-JKC-48"):
        again = desk.take(2, category="need")
        desk.do(
            "delay_request",
            desk.person("L", "cs_head"),
            **later | {"id": again, "clock": "department_contact"},
        )
    desk.do("delay_request", desk.person("L", "cs_head"), **later)
    assert instant(desk.clocks(request)["handled"]) == beijing("2026-03-04 10:00")
    (extended,) = desk.events("clock_extended")
    assert (extended["by"], extended["role"], extended["reason"]) == ("L", "cs_head", "parts")
    desk.at("2026-03-03 15:00")
    desk.act(request, "finish", outcome="已更换")
    desk.act(request, "approve", desk.person("L", "cs_head"))
    with refused("B-JKC-51"):
        desk.act(request, "call_back", callback="已回访")
    desk.act(request, "call_back", callback="因配件未到晚了一天，客户理解")
    assert desk.events("request_closed")[0]["on_time"] is True


@pytest.mark.rule("B-JKC-43")
def test_a_need_is_closed_only_after_the_head_of_customer_service_has_approved_it(desk: Desk) -> None:
    """Promise: nobody else approves, not before the need is done, and without it the closing callback is refused."""
    request = desk.take(category="need")
    desk.act(request, "contact_department", departments="工程部")
    head = desk.person("L", "cs_head")
    with refused("B-JKC-49"):
        desk.act(request, "approve", head)
    desk.act(request, "finish", outcome="已处理")
    for other in (desk.person("u-1"), desk.person("M", "manager"), desk.person("D", "service_desk")):
        with refused("B-JKC-43"):
            desk.act(request, "approve", other)
    with refused("B-JKC-43"):
        desk.act(request, "call_back", callback="满意")
    assert desk.events("request_closed") == []
    desk.act(request, "approve", head)
    assert desk.act(request, "call_back", callback="满意")["closed"] is True
    approved = [done["by"] for done in desk.look(request)["done"] if done["action"] == "approve"]
    assert approved == ["L"]


@pytest.mark.rule("B-JKC-51")
def test_what_ran_out_without_consent_stays_overdue(desk: Desk) -> None:
    """Promise: a consent that comes too late heals nothing."""
    request = desk.take(category="need")
    desk.at("2026-03-02 13:01")
    later = {"id": request, "clock": "handled", "amount": 48, "reason": "parts", "note": "配件未到"}
    with pytest.raises(RuleRefused):
        desk.do("delay_request", desk.person("L", "cs_head"), **later)
    assert desk.look(request)["overdue"] is True
    with pytest.raises(NotFound):
        desk.do("delay_request", desk.person("L", "cs_head"), **later | {"clock": "none"})


def test_without_a_delay_the_callback_needs_no_reason(desk: Desk) -> None:
    """Promise: the demand holds only where there is something to explain."""
    request = desk.take(category="need")
    desk.act(request, "contact_department", departments="工程部")
    desk.act(request, "finish", outcome="已处理")
    desk.act(request, "approve", desk.person("L", "cs_head"))
    assert desk.act(request, "call_back", callback="满意")["closed"] is True
    with pytest.raises(RuleRefused):
        desk.act(request, "call_back", callback="再次")
