"""What front desks take: kinds and hotlines of a forwarder, enquiries of owners, problems, doubts, in good time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.intake.schemas import ContactQuery
from shared.errors import ValidationFailed
from tests.unit.intake.fakes import SHOP, beijing, customer
from tests.unit.intake.requests_world import Desk, Person, instant, organisation, refused

_FORWARDER = ("booking_agent", "query_agent", "urgent_agent", "retention_manager", "operations", "finance")
_CLAIM = {"problem": "waybill-w100"}


@pytest.fixture
def forwarder(tmp_path: Path) -> Desk:
    """Return the desk of a logistics centre."""
    return Desk(organisation(tmp_path, "logistics", roles=_FORWARDER), tmp_path)


def stranger(desk: Desk) -> Person:
    """Return somebody of the organisation who is no member of staff."""
    return Person(desk.org, f"{desk.org}/stranger", "robot", frozenset({"system"}))


def contacts(desk: Desk, **asked: Any) -> list[dict[str, Any]]:
    """Return a page of contacts."""
    return desk.app.desk.contacts(desk.org, ContactQuery().load(asked))


@pytest.mark.rule("A-LOG-11")
def test_each_kind_the_department_must_handle_counts_for_itself(forwarder: Desk) -> None:
    """Promise: shipment information, complaint, enquiry and urgent order come in one by one, the urgent one first."""
    for number, category in enumerate(("shipment_information", "enquiry", "urgent_order")):
        forwarder.take(number, category=category)
    forwarder.deliver(4, category="complaint", complaint=_CLAIM)
    kinds = {"shipment_information": 1, "enquiry": 1, "urgent_order": 1}
    assert forwarder.app.desk.count(forwarder.org, None, None) == kinds | {"complaint": 1}
    assert forwarder.count("kind") == kinds
    rows = forwarder.rows(forwarder.person("M", "retention_manager"))
    assert rows[0]["kind"] == "urgent_order"
    opened = {event["kind"]: event["source"] for event in forwarder.events("request_opened")}
    assert opened["shipment_information"] == opened["enquiry"] == "A-LOG-11"


@pytest.mark.rule("A-LOG-21")
def test_enquiries_and_complaints_are_taken_while_the_shipment_is_on_its_way(forwarder: Desk) -> None:
    """Promise: both are of the phase in process; the complaint goes on as a case of its waybill and its client."""
    enquiry = forwarder.take(1, phase="in_process")
    forwarder.deliver(2, customer=customer(1), category="complaint", complaint=_CLAIM, phase="in_process")
    forwarder.deliver(3, phase="post_service")
    taken = contacts(forwarder, phase="in_process")
    assert {row["category"] for row in taken} == {"enquiry", "complaint"}
    client = forwarder.look(enquiry)["customer_id"]
    (case,) = [event for event in forwarder.events("contact_routed") if event["routed_to"] == "complaints"]
    assert (case["complaint"]["problem"], case["customer_id"]) == ("waybill-w100", client)
    assert {row["customer_id"] for row in taken} == {client}


@pytest.mark.rule("A-LOG-57")
def test_a_call_on_the_wrong_hotline_is_transferred_to_the_other(forwarder: Desk) -> None:
    """Promise: of a complaint on the consultation line both names are kept, and the complaint line counts it."""
    call = forwarder.take(881, channel="consultation_hotline")
    first, second = (forwarder.person(name, "service_desk") for name in ("A1", "A2"))
    assert forwarder.do("accept_request", first, id=call)["owner"]["unit"] == "consultation_line"
    forwarder.act(call, "note", first, topic="投诉")
    assert forwarder.count("unit") == {"consultation_line": 1}
    forwarder.do("transfer_request", first, id=call, unit="complaint_line", reason="属投诉")
    forwarder.do("accept_request", second, id=call)
    (passed,) = forwarder.look(call)["passed"]
    assert (passed["by"], passed["accepted_by"]) == ("A1", "A2")
    assert forwarder.count("unit") == {"complaint_line": 1}
    assert forwarder.events("request_opened")[0]["source"] == "A-LOG-57"


@pytest.mark.rule("A-RES-02")
def test_what_an_owner_asks_is_answered_and_the_answer_timed(tmp_path: Path) -> None:
    """Promise: an enquiry of ten o'clock answered at eleven, and a problem raised by another owner too."""
    desk = Desk(organisation(tmp_path, "real-estate"), tmp_path)
    desk.at("2026-05-06 10:00")
    enquiry, doubt = desk.take(1), desk.take(2, category="query")
    with refused("A-RES-02"):
        desk.act(enquiry, "answer", stranger(desk), outcome="已答复")
    desk.act(doubt, "coordinate", record="工程部核实")
    desk.at("2026-05-06 11:00")
    for request in (enquiry, doubt):
        assert desk.act(request, "answer", outcome="已答复")["closed"] is True
        seen = desk.look(request)
        assert instant(seen, "opened_at") == beijing("2026-05-06 10:00")
        assert instant(seen, "replied_at") == beijing("2026-05-06 11:00")
    assert desk.rows() == []


@pytest.mark.rule("A-GEN-11")
def test_a_problem_nobody_named_a_department_for_is_customer_services(tmp_path: Path) -> None:
    """Promise: one of one belongs to the department that answers for customers' problems, by its rule."""
    desk = Desk(organisation(tmp_path, "standard"), tmp_path)
    problem = desk.take(1, category="need")
    assert desk.count("unit") == {"customer_service": 1}
    (event,) = desk.events("request_opened")
    assert (event["owner"]["unit"], event["source"]) == ("customer_service", "A-GEN-11")
    # Any of its people may take it on.
    assert desk.do("accept_request", desk.person("u-9"), id=problem)["owner"] == {
        "unit": "customer_service",
        "role": "staff",
        "staff": "u-9",
    }


@pytest.mark.rule("B-DET-01")
@pytest.mark.parametrize("channel", ["phone", "online", "wechat"])
def test_agents_of_every_channel_take_inquiries_problems_and_complaints(tmp_path: Path, channel: str) -> None:
    """Promise: these three kinds of work and no fourth, whoever the agent is; who is no agent opens none."""
    desk = Desk(organisation(tmp_path, "standard"), tmp_path)
    desk.take(1, channel=channel)
    desk.take(2, category="repair", channel=channel)
    desk.deliver(3, category="complaint", complaint={"problem": "noise"}, channel=channel)
    assert desk.count("kind") == {"enquiry": 1, "problem": 1}
    routed = {event["category"]: event["routed_to"] for event in desk.events("contact_routed")}
    assert routed == {"enquiry": "desk", "repair": "desk", "complaint": "complaints"}
    for kind in ("enquiry", "problem"):
        with refused("B-DET-01"):
            desk.open(kind, stranger(desk))
    with pytest.raises(ValidationFailed, match="category"):
        desk.register(category="party")
    # The manager executes what the department supervises: both see all of it.
    assert len(desk.rows(desk.person("M", "manager"))) == 2


@pytest.mark.rule("B-DET-06")
def test_a_contact_of_two_minutes_past_is_recorded_before_twelve_past(tmp_path: Path) -> None:
    """Promise: with its customer, and on the list of the late ones from the tenth minute on, by the rule."""
    desk = Desk(organisation(tmp_path, "standard"), tmp_path)
    came = beijing("2026-03-02 10:02").isoformat()
    marks = {}
    for number, at in enumerate(("10:02:00", "10:11:59", "10:12:00")):
        desk.at(f"2026-03-02 {at}")
        claim: dict[str, Any] = {"category": "complaint", "complaint": _CLAIM} if number else {}
        desk.deliver(number, received_at=came, **claim)
        (row,) = (
            contacts(desk, limit=1, skip=0)
            if number == 0
            else [each for each in contacts(desk) if each["contact_id"] not in marks]
        )
        assert row["customer_id"].startswith("cu_")
        marks[row["contact_id"]] = row["recorded_late"]
    assert list(marks.values()) == [None, None, "B-DET-06"]
    assert [row["contact_id"] for row in contacts(desk, late=True)] == [[*marks][-1]]


@pytest.mark.rule("B-DET-06")
@settings(max_examples=30, deadline=None)
@given(minutes=st.integers(0, 60 * 24), limit=st.integers(1, 600))
def test_late_is_what_was_recorded_at_its_limit_or_after(
    tmp_path_factory: pytest.TempPathFactory, minutes: int, limit: int
) -> None:
    """Promise: one border, the organisation's own where it names one."""
    folder = tmp_path_factory.mktemp("organisations")
    own = {"recorded_minutes": {"value": limit, "source": "organisation"}}
    desk = Desk(organisation(folder, "standard", intake=own), folder)
    came = desk.clock.now().isoformat()
    desk.pass_time(minutes=minutes)
    desk.deliver(1, received_at=came)
    (row,) = contacts(desk)
    assert row["recorded_late"] == ("organisation" if minutes >= limit else None)


@pytest.mark.rule("B-ECM-07")
def test_an_inquiry_in_the_shop_is_answered_at_once(tmp_path: Path) -> None:
    """Promise: the answer is timed against the number the profile reads into it, which an organisation may change."""
    desk = Desk(SHOP)
    answered, waiting = desk.take(1), desk.take(2)
    clock = desk.clocks(answered)["response"]
    assert (instant(clock), clock["source"]) == (beijing("2026-03-02 10:05"), "B-ECM-07")
    desk.pass_time(minutes=4)
    desk.act(answered, "reply", outcome="可以退换")
    desk.pass_time(minutes=1)
    assert desk.clocks(answered)["response"]["state"] == "met"
    assert [event["subject_id"] for event in desk.events("clock_breached")] == [waiting]
    own = {"amount": 2, "unit": "minutes", "source": "organisation"}
    clocks = {"response": {"name": "第一时间回应", "within": own, "source": "organisation"}}
    strict = Desk(organisation(tmp_path, "online-store", intake={"requests": {"clocks": clocks}}), tmp_path)
    assert instant(strict.clocks(strict.take())["response"]) == beijing("2026-03-02 10:02")
