"""Contacts that are no complaints become requests in the same batch, once, and none is forgotten."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

import pytest
from pymongo.errors import AutoReconnect

from services.intake.repository import IntakeRepository
from shared.errors import Unavailable
from shared.messaging.delivery import Outcome
from shared.mongo.store import insert_in_turn
from tests.unit.intake.fakes import IT, PLAZA, PROPERTY
from tests.unit.intake.requests_world import Desk, instant, refused


def die_between(desk: Desk, **changes: Any) -> None:
    """Take a need whose contact is written and whose request is not."""
    requests = desk.runtime.database["requests"]
    with patch.object(requests, "insert_many", side_effect=AutoReconnect()), pytest.raises(Unavailable):
        desk.deliver(category="need", **changes)
    assert desk.runtime.database["contacts"].count_documents({}) == 1


def test_a_contact_becomes_a_request_in_the_same_write() -> None:
    """Promise: contact and request go out together, and the request names the contact it came from."""
    desk = Desk(PLAZA)
    with patch("services.intake.repository.insert_in_turn", wraps=insert_in_turn) as write:
        request = desk.take(category="need")
    (call,) = write.call_args_list
    assert [len(documents) for _, documents in call.args[0]] == [1, 1, 1]
    types = [unsent.entry.type for unsent in desk.published]
    assert types[:4] == ["customer_registered", "contact_registered", "contact_routed", "request_opened"]
    contact = desk.events("contact_registered")[0]["contact_id"]
    assert desk.look(request)["contact_id"] == contact


def test_a_complaint_is_written_as_it_always_was() -> None:
    """Promise: a batch of complaints costs no step more, and opens no request."""
    desk = Desk(PLAZA)
    with patch("services.intake.repository.insert_in_turn", wraps=insert_in_turn) as write:
        desk.deliver(category="complaint", complaint={"problem": "lift-stuck"})
    (call,) = write.call_args_list
    assert [len(documents) for _, documents in call.args[0]] == [1, 1]
    assert desk.rows() == []
    assert desk.runtime.database["awaited_requests"].find_one({}) is None


def test_the_same_contact_again_opens_nothing_more() -> None:
    """Promise: one request for a contact, however often its event is delivered."""
    desk = Desk(PLAZA)
    first = desk.take(category="need")
    desk.deliver(category="need")
    desk.pass_time(minutes=5)
    assert [row["request_id"] for row in desk.rows()] == [first]


def test_a_request_that_a_dying_batch_left_out_is_opened_when_the_batch_comes_again() -> None:
    """Promise: what is acknowledged has its request, once, and its clocks count from the contact."""
    desk = Desk(PLAZA)
    received = desk.clock.now()
    die_between(desk)
    assert desk.runtime.database["awaited_requests"].find_one({}) is None
    desk.pass_time(minutes=2)
    assert desk.rows() == []
    for _ in range(3):
        (again,) = desk.deliver(category="need")
        assert again.outcome is Outcome.DUPLICATE
    (row,) = desk.rows()
    assert (instant(row) - received).total_seconds() == 3600
    desk.pass_time(minutes=2)
    assert len(desk.events("request_opened")) == 1


def test_anothers_event_of_the_same_id_completes_the_first_and_gets_no_request_of_its_own() -> None:
    """Promise: whoever used the id first has contact and request; the second is refused and has neither."""
    desk = Desk(PLAZA)
    die_between(desk, text="first")
    desk.org = PROPERTY
    desk.deliver(category="repair", text="second")
    (request,) = desk.runtime.database["requests"].find()
    assert (request["org"], request["opening"]["text"]) == (PLAZA, "first")
    assert desk.runtime.database["rejected_events"].count_documents({"org": PROPERTY}) == 1


def test_a_contact_that_another_replica_took_meanwhile_leaves_nobody_in_its_batch_without_a_request() -> None:
    """Promise: a batch that finds one of its contacts written opens the requests of all of them, once each."""
    desk = Desk(PLAZA)
    with patch.object(IntakeRepository, "known_contacts", return_value=set()):
        desk.deliver(1, category="need")
        items = [*desk.said(1, category="need"), *desk.said(2, category="need")]
        desk.app.receive(items)
    assert [item.outcome for item in items] == [Outcome.DUPLICATE, Outcome.DONE]
    assert len({row["contact_id"] for row in desk.rows()}) == len(desk.rows()) == 2
    assert len(desk.events("request_opened")) == 2


def test_a_request_left_out_by_hand_is_opened_by_the_timer() -> None:
    """Promise: a registered need is never without its request, also when nobody brings it again."""
    desk = Desk(PLAZA)
    received = desk.clock.now()
    requests = desk.runtime.database["requests"]
    with patch.object(requests, "insert_many", side_effect=AutoReconnect()), pytest.raises(Unavailable):
        desk.register(category="need")
    assert desk.runtime.database["contacts"].count_documents({}) == 1
    desk.pass_time(seconds=10)
    assert desk.rows() == []
    desk.pass_time(seconds=30)
    (row,) = desk.rows()
    assert (instant(row) - received).total_seconds() == 3600
    desk.pass_time(minutes=1)
    assert len(desk.events("request_opened")) == 1


def test_an_unreachable_database_opens_nothing_and_the_batch_again_opens_all() -> None:
    """Promise: the batch is taken whole at its second delivery."""
    desk = Desk(PLAZA)
    with (
        patch("services.intake.repository.insert_in_turn", side_effect=Unavailable("away")),
        pytest.raises(Unavailable),
    ):
        desk.deliver(category="need")
    assert desk.rows() == []
    desk.take(category="need")
    assert len(desk.rows()) == 1


def test_a_contact_taken_by_hand_becomes_a_request_too() -> None:
    """Promise: the way in makes no difference."""
    desk = Desk(PLAZA)
    contact = desk.register(category="need")["contact_id"]
    assert [row["contact_id"] for row in desk.rows()] == [contact]


@pytest.mark.rule("B-JKC-62")
def test_what_the_audit_and_legal_centre_passes_on_is_the_city_companys() -> None:
    """Promise: source audit_legal, owner city_crm_handler; any other need is the desk's."""
    desk = Desk(PLAZA)
    request = desk.take(category="need", channel="audit_legal")
    other = desk.take(2, category="need")
    assert desk.look(request)["owner"]["role"] == "city_crm_handler"
    assert desk.look(other)["owner"]["role"] == "service_desk"
    assert [opened["source"] for opened in desk.events("request_opened")] == ["B-JKC-62", "B-JKC-15"]


@pytest.mark.rule("B-JKC-05", "B-JKC-15")
def test_a_need_is_a_row_of_the_ledger_and_no_complaint() -> None:
    """Promise: needs are listed by themselves, each with who answers for it and when it is due."""
    desk = Desk(PLAZA)
    request = desk.take(category="need", taken_by="A3")
    desk.deliver(2, category="complaint", complaint={"problem": "lift-stuck"})
    (row,) = desk.rows(kind="need")
    assert (row["request_id"], row["first_responsible"]["staff"]) == (request, "A3")
    assert desk.count("kind") == {"need": 1}


@pytest.mark.rule("B-SFM-03")
def test_an_open_request_is_gone_on_with_instead_of_opened_twice() -> None:
    """Promise: who opens a second one by hand is told of the first, and may say that theirs is separate."""
    desk = Desk(PROPERTY)
    request = desk.take(category="repair")
    who = desk.look(request)["customer_id"]
    with refused("B-SFM-03"):
        desk.open("repair", customer_id=who)
    assert desk.open("repair", customer_id=who, separate=True) != request
    assert len(desk.rows(customer_id=who)) == 2


@pytest.mark.rule("B-ITS-10")
def test_a_second_call_before_an_answer_is_a_breach_and_one_after_it_is_not() -> None:
    """Promise: customers should not have to call twice; if they had to, that is on record."""
    desk = Desk(IT)
    request = desk.take(1, event="a")
    desk.pass_time(minutes=10)
    desk.take(1, event="b")
    desk.tick()
    assert len(desk.look(request)["repeats"]) == 1
    (breach,) = desk.events("request_repeated")
    assert (breach["request_id"], breach["source"]) == (request, "B-ITS-10")

    answered = desk.take(2, event="c")
    desk.act(answered, "advise", record="已重启", hotline_solved=True)
    desk.pass_time(minutes=10)
    desk.take(2, event="d")
    desk.tick()
    assert desk.look(answered)["repeats"] == []


def test_no_event_of_a_request_holds_anybodys_words() -> None:
    """Promise: what customers and staff write stays in the service."""
    desk = Desk(PLAZA)
    request = desk.take(category="need", text="秘密的话")
    desk.act(request, "contact_department", departments="秘密的部门")
    assert "秘密" not in str([unsent.entry.data for unsent in desk.published])


def test_what_was_noted_and_never_registered_is_forgotten_after_an_hour_and_holds_up_nobody() -> None:
    """Promise: who died before the contact was written leaves no request, and nothing behind for ever."""
    desk = Desk(PLAZA)
    database = desk.runtime.database
    with (
        patch.object(database["contacts"], "insert_many", side_effect=AutoReconnect()),
        pytest.raises(Unavailable),
    ):
        desk.register(category="need")
    assert database["awaited_requests"].count_documents({}) == 1
    desk.pass_time(minutes=2)
    assert (database["awaited_requests"].count_documents({}), desk.rows()) == (1, [])
    desk.pass_time(minutes=60)
    assert (database["awaited_requests"].count_documents({}), desk.rows()) == (0, [])


def test_a_batch_delivered_again_after_its_notes_were_written_opens_each_request_once() -> None:
    """Promise: notes of a first attempt are no obstacle to the second."""
    desk = Desk(IT)
    contacts = desk.runtime.database["contacts"]
    with patch.object(contacts, "insert_many", side_effect=AutoReconnect()), pytest.raises(Unavailable):
        desk.deliver()
    assert desk.runtime.database["awaited_requests"].count_documents({}) == 1
    desk.deliver()
    assert len(desk.rows()) == 1
    desk.pass_time(minutes=2)
    assert desk.runtime.database["awaited_requests"].count_documents({}) == 0
    assert len(desk.rows()) == 1
