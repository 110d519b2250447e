from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn, cast

import pytest
from pymongo import ASCENDING, IndexModel
from pymongo.errors import AutoReconnect, BulkWriteError

from shared.clock import FixedClock
from shared.errors import Conflict, Unavailable
from shared.history import Cause, History
from shared.ids import CountingIds
from shared.mongo.runtime import Runtime, aggregate_store
from shared.mongo.store import AggregateStore, Inserted, MongoTickets, base_indexes, insert_in_turn
from shared.outbox import Ref, Ticket, Unsent
from tests.unit.shared.messaging.stage import service_settings
from tests.unit.shared.mongo.fake import Collection, Database, Document

START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
GRACE = timedelta(seconds=10)


def _away() -> NoReturn:
    raise AutoReconnect("the primary stepped down")


class Desk:
    """A store, its tickets and its relay, which only keeps what it is handed."""

    def __init__(self) -> None:
        self.database = Database()
        self.clock = FixedClock(START)
        self.handed: list[tuple[str, list[str]]] = []
        self.tickets = MongoTickets(cast("Any", self.database))
        self.ids = CountingIds()
        self.store = self.sibling("things")

    def sibling(self, kind: str) -> AggregateStore:
        """Return the store of another collection of the same service."""
        return AggregateStore(
            cast("Any", self.database),
            kind,
            tickets=self.tickets,
            relay=self,
            clock=self.clock,
            ids=self.ids,
            grace=GRACE,
        )

    @property
    def things(self) -> Collection:
        return self.database["things"]

    @property
    def open_tickets(self) -> dict[str, Document]:
        return self.database["outbox_tickets"].rows

    def hand_over(self, ticket_id: str, entries: Sequence[Unsent]) -> None:
        self.database.journal.append(("relay", "hand_over", [unsent.entry.id for unsent in entries]))
        self.handed.append((ticket_id, [unsent.entry.id for unsent in entries]))
        assert all(unsent.org == "plaza" for unsent in entries)


@pytest.fixture
def desk() -> Desk:
    """An empty collection of things."""
    return Desk()


def thing(name: str, *, entries: int = 1, message: str = "m", **fields: Any) -> Document:
    history = History(name)
    for number in range(entries):
        history.append("made", {"n": number}, at=START, cause=Cause(message, "a"))
    return {
        "_id": name,
        "org": "plaza",
        "version": 1,
        "history": history.as_documents(),
        "processed": [message],
        **fields,
    }


def changed(document: Document, message: str, *, recording: bool = True) -> tuple[Document, int]:
    """Return the next version after ``message``, and the number of its first new entry."""
    history = History.from_documents(document["_id"], document["history"])
    since = history.next_seq
    if recording:
        history.append("changed", {}, at=START, cause=Cause(message, "a"))
    after = document | {
        "version": document["version"] + 1,
        "history": history.as_documents(),
        "processed": [*document["processed"], message],
    }
    return after, since


def kept(desk: Desk, name: str) -> Document:
    document = desk.store.find(name)
    assert document is not None
    return document


# Inserting


def test_the_ticket_is_written_before_the_documents_and_the_entries_handed_over_after(desk: Desk) -> None:
    """No entry exists without a ticket that names it, wherever the process dies."""
    inserted = desk.store.insert([thing("a", entries=2), thing("b")])
    assert inserted == Inserted(("a", "b"), ())
    assert desk.database.journal == [
        ("outbox_tickets", "insert_one", ["tk_1"]),
        ("things", "insert_many", ["a", "b"]),
        ("relay", "hand_over", ["a.1", "a.2", "b.1"]),
    ]
    assert desk.open_tickets == {
        "tk_1": {"_id": "tk_1", "opened_at": START, "refs": [["things", "a", 1], ["things", "b", 1]]}
    }


def test_inserting_nothing_costs_nothing(desk: Desk) -> None:
    """An empty batch touches neither database nor relay."""
    assert desk.store.insert([]) == Inserted((), ())
    desk.store.replace_many([])
    assert desk.database.journal == []


def test_what_was_there_before_is_told_and_not_published_again(desk: Desk) -> None:
    """The message came a second time: the first one's write and events stand."""
    desk.store.insert([thing("a", message="first")])
    desk.handed.clear()
    again = [thing("a", message="second"), thing("b")]
    assert desk.store.insert(again) == Inserted(("b",), ("a",))
    assert kept(desk, "a")["processed"] == ["first"]
    assert desk.handed == [("tk_2", ["b.1"])]


def test_a_ticket_for_which_nothing_was_written_is_closed_at_once(desk: Desk) -> None:
    """It must not wait an hour to be given up."""
    desk.store.insert([thing("a")])
    desk.store.insert([thing("a", message="second")])
    assert list(desk.open_tickets) == ["tk_1"]


def test_an_insert_the_driver_sent_twice_is_new_and_its_events_go_out(desk: Desk) -> None:
    """The first one's answer got lost; no other ticket names what the second found to be there already."""
    desk.things.answer_lost = True
    assert desk.store.insert([thing("a"), thing("b")]) == Inserted(("a", "b"), ())
    assert desk.handed == [("tk_1", ["a.1", "b.1"])]


def test_of_an_insert_sent_twice_what_somebody_else_wrote_stays_known(desk: Desk) -> None:
    """Somebody else's ticket names that; whoever wrote it publishes it."""
    desk.store.insert([thing("a")])
    desk.handed.clear()
    desk.things.answer_lost = True
    again = [thing("a", message="second"), thing("b")]
    assert desk.store.insert(again) == Inserted(("b",), ("a",))
    assert desk.handed == [("tk_2", ["b.1"])]


def test_a_first_step_the_driver_sent_twice_lets_the_later_steps_be_taken(desk: Desk) -> None:
    """What it found known is this writer's own, and the later steps build on it."""
    others = desk.sibling("others")
    desk.database["others"].answer_lost = True
    results = insert_in_turn([(others, [thing("x")]), (desk.store, [thing("a")])])
    assert [result.new for result in results] == [("x",), ("a",)]
    assert desk.handed == [("tk_1", ["x.1", "a.1"])]


def test_the_same_document_twice_in_one_batch_is_inserted_and_published_once(desk: Desk) -> None:
    """It is new, whatever the database says of its second appearance; its events must go out."""
    assert desk.store.insert([thing("a"), thing("a"), thing("b")]) == Inserted(("a", "b"), ())
    assert desk.handed == [("tk_1", ["a.1", "b.1"])]


def test_a_key_taken_by_another_document_counts_as_known(desk: Desk) -> None:
    """The unique number belongs to who had it first; the latecomer is not written and not published."""
    desk.things.unique = ("number",)
    desk.store.insert([thing("a", number=7)])
    desk.handed.clear()
    assert desk.store.insert([thing("b", number=7), thing("c", number=8)]) == Inserted(("c",), ("b",))
    assert desk.handed == [("tk_2", ["c.1"])]


def test_a_ticket_that_cannot_be_written_keeps_the_documents_from_being_written(desk: Desk) -> None:
    """Without it their events could be lost."""
    desk.database["outbox_tickets"].before["insert_one"] = _away
    with pytest.raises(Unavailable):
        desk.store.insert([thing("a")])
    assert desk.things.rows == {}


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_insert_of_unknown_fate_leaves_its_ticket_and_hands_nothing_over(when: str, desk: Desk) -> None:
    """The relay finds out; the same batch again finds what is there and writes the rest."""
    getattr(desk.things, when)["insert_many"] = _away
    with pytest.raises(Unavailable):
        desk.store.insert([thing("a")])
    assert desk.handed == []
    assert list(desk.open_tickets) == ["tk_1"]
    again = desk.store.insert([thing("a", message="again")])
    assert again == (Inserted(("a",), ()) if when == "before" else Inserted((), ("a",)))
    assert "tk_1" in desk.open_tickets


@pytest.mark.parametrize("code", [64, 91, 11602])
def test_an_insert_not_confirmed_by_a_majority_is_of_unknown_fate(code: int, desk: Desk) -> None:
    """A new primary may know nothing of it: it must be done again, not acknowledged."""
    desk.things.write_concern_errors = [{"code": code, "errmsg": "waiting for replication timed out"}]
    with pytest.raises(Unavailable):
        desk.store.insert([thing("a")])
    assert desk.handed == []
    assert list(desk.open_tickets) == ["tk_1"]


@pytest.mark.parametrize("code", [91, 189, 10107, 11600])
def test_a_server_that_goes_away_in_the_middle_of_an_insert_is_away(code: int, desk: Desk) -> None:
    """That some were refused as repeats does not hide that others were not written."""
    desk.store.insert([thing("a")])
    desk.things.bulk_errors = [{"index": 1, "code": code}]
    with pytest.raises(Unavailable):
        desk.store.insert([thing("a"), thing("b"), thing("c")])
    assert list(desk.open_tickets) == ["tk_1", "tk_2"]


def test_a_document_the_database_refuses_for_itself_is_an_error_and_not_a_repeat(desk: Desk) -> None:
    """Taking it for known would lose it."""
    desk.things.bulk_errors = [{"index": 0, "code": 121}]
    with pytest.raises(BulkWriteError):
        desk.store.insert([thing("a"), thing("b")])
    assert list(desk.open_tickets) == ["tk_1"]
    assert desk.handed == []


def test_inserts_in_turn_share_one_ticket_and_are_handed_over_together(desk: Desk) -> None:
    """What two collections get in one step costs one ticket, and none of it can be forgotten."""
    others = desk.sibling("others")
    results = insert_in_turn([(others, [thing("x")]), (desk.store, [thing("a"), thing("b")])])
    assert [result.new for result in results] == [("x",), ("a", "b")]
    assert desk.database.journal == [
        ("outbox_tickets", "insert_one", ["tk_1"]),
        ("others", "insert_many", ["x"]),
        ("things", "insert_many", ["a", "b"]),
        ("relay", "hand_over", ["x.1", "a.1", "b.1"]),
    ]
    assert desk.open_tickets["tk_1"]["refs"] == [["others", "x", 1], ["things", "a", 1], ["things", "b", 1]]


def test_after_a_step_that_found_something_known_the_later_steps_are_not_taken(desk: Desk) -> None:
    """They build on what is somebody else's; what was new before that goes out."""
    others = desk.sibling("others")
    others.insert([thing("x")])
    desk.handed.clear()
    (result,) = insert_in_turn(
        [(others, [thing("x", message="second"), thing("y")]), (desk.store, [thing("a")])]
    )
    assert (result.new, result.known) == (("y",), ("x",))
    assert desk.things.rows == {}
    assert desk.handed == [("tk_2", ["y.1"])]


def test_inserting_nothing_in_turn_costs_nothing(desk: Desk) -> None:
    """Not even a ticket."""
    assert insert_in_turn([(desk.store, []), (desk.store, [])]) == [Inserted((), ()), Inserted((), ())]
    assert desk.database.journal == []


# Replacing


def test_a_change_is_written_under_a_ticket_and_only_its_new_entries_are_handed_over(desk: Desk) -> None:
    """What was published before is not published again."""
    desk.store.insert([thing("a", entries=2)])
    desk.database.journal.clear()
    document, since = changed(kept(desk, "a"), "m2")
    desk.store.replace(document, since_seq=since)
    assert desk.database.journal == [
        ("outbox_tickets", "insert_one", ["tk_2"]),
        ("things", "bulk_write", ["a"]),
        ("relay", "hand_over", ["a.3"]),
    ]
    assert desk.open_tickets["tk_2"]["refs"] == [["things", "a", 3]]
    assert (kept(desk, "a")["version"], kept(desk, "a")["processed"]) == (2, ["m", "m2"])


def test_a_change_made_on_an_old_version_is_refused(desk: Desk) -> None:
    """Neither overwritten nor merged: read again and decide again."""
    desk.store.insert([thing("a")])
    read = kept(desk, "a")
    desk.store.replace(changed(read, "m2")[0], since_seq=2)
    desk.handed.clear()
    with pytest.raises(Conflict, match="read it again"):
        desk.store.replace(changed(read, "m3")[0], since_seq=2)
    assert kept(desk, "a")["processed"] == ["m", "m2"]
    assert desk.handed == []
    assert list(desk.open_tickets) == ["tk_1", "tk_2"]


def test_a_change_of_something_that_is_gone_is_refused(desk: Desk) -> None:
    """It is not created again by the back door."""
    document, since = changed(thing("a"), "m2")
    with pytest.raises(Conflict):
        desk.store.replace(document, since_seq=since)
    assert desk.things.rows == {}


def test_of_several_changes_all_but_the_conflicting_are_written_and_handed_over(desk: Desk) -> None:
    """In one write, and with the word of which were not."""
    desk.store.insert([thing(name) for name in "abc"])
    old = {name: kept(desk, name) for name in "abc"}
    desk.store.replace(changed(old["b"], "other")[0], since_seq=2)
    desk.handed.clear()
    assert desk.store.replace_many([changed(old[name], "m2") for name in "abc"]) == ("b",)
    assert desk.handed == [("tk_3", ["a.2", "c.2"])]
    assert [kept(desk, name)["processed"][-1] for name in "abc"] == ["m2", "other", "m2"]


def test_a_change_somebody_builds_on_before_we_hear_of_it_is_still_ours(desk: Desk) -> None:
    """Beside a conflict, which makes us look who wrote what: not handing it over would lose its events."""
    desk.store.insert([thing(name) for name in "ab"])
    old = {name: kept(desk, name) for name in "ab"}
    desk.store.replace(changed(old["b"], "other")[0], since_seq=2)
    desk.handed.clear()

    def somebody_builds_on_it() -> None:
        desk.things.rows["a"] = changed(kept(desk, "a"), "m3")[0]

    desk.things.after["bulk_write"] = somebody_builds_on_it
    assert desk.store.replace_many([changed(old[name], "m2") for name in "ab"]) == ("b",)
    assert desk.handed == [("tk_3", ["a.2"])]


def test_a_change_that_would_break_a_unique_index_is_not_written_and_named(desk: Desk) -> None:
    """The others are."""
    desk.things.unique = ("plate",)
    desk.store.insert([thing("a") | {"plate": "1"}, thing("b") | {"plate": "2"}])
    (first, since), (second, _) = (changed(kept(desk, name), "m2") for name in "ab")
    assert desk.store.replace_many([(first | {"plate": "2"}, since), (second, since)]) == ("a",)
    assert [kept(desk, name)["processed"][-1] for name in "ab"] == ["m", "m2"]
    with pytest.raises(Conflict):
        desk.store.replace(first | {"plate": "2"}, since_seq=since)


def test_a_change_the_database_refuses_for_itself_is_an_error_and_no_conflict(desk: Desk) -> None:
    """Reading again would not help."""
    desk.store.insert([thing("a")])
    desk.things.bulk_errors = [{"index": 0, "code": 121}]
    with pytest.raises(BulkWriteError):
        desk.store.replace(changed(kept(desk, "a"), "m2")[0], since_seq=2)
    assert list(desk.open_tickets) == ["tk_1", "tk_2"]


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_change_of_unknown_fate_leaves_its_ticket_and_hands_nothing_over(when: str, desk: Desk) -> None:
    """Not even what was surely written before it: the ticket speaks for all, and the relay finds out."""
    desk.store.insert([thing("a"), thing("b")])
    desk.handed.clear()
    changes = [changed(kept(desk, name), "m2") for name in "ab"]
    if when == "before":
        desk.things.before["bulk_write"] = _away
    else:
        # Between the two writes.
        fail: Callable[[], object] = lambda: desk.things.before.__setitem__("replace_one", _away)  # noqa: E731 - read in place
        desk.things.after["replace_one"] = fail
    with pytest.raises(Unavailable):
        desk.store.replace_many(changes)
    assert desk.handed == []
    assert desk.open_tickets["tk_2"]["refs"] == [["things", "a", 2], ["things", "b", 2]]


@pytest.mark.parametrize("when", ["before", "after"])
def test_the_same_change_again_is_recognised_as_the_same(when: str, desk: Desk) -> None:
    """Whoever did not hear the answer may simply repeat: nothing is done twice, and the events go out."""
    desk.store.insert([thing("a")])
    desk.handed.clear()
    document, since = changed(kept(desk, "a"), "m2")
    getattr(desk.things, when)["bulk_write"] = _away
    with pytest.raises(Unavailable):
        desk.store.replace(document, since_seq=since)
    desk.store.replace(document, since_seq=since)
    assert desk.handed == [("tk_3", ["a.2"])]
    assert kept(desk, "a")["version"] == 2


def test_a_write_the_driver_sent_twice_is_no_conflict(desk: Desk) -> None:
    """The first one's answer got lost; the second found its own work."""
    desk.store.insert([thing("a")])
    document, since = changed(kept(desk, "a"), "m2")
    desk.things.answer_lost = True
    desk.store.replace(document, since_seq=since)
    assert desk.handed[-1] == ("tk_2", ["a.2"])


def test_two_changes_that_record_nothing_are_not_taken_for_the_same(desk: Desk) -> None:
    """With no new entry there is nothing by which a write could be known as one's own."""
    desk.store.insert([thing("a")])
    read = kept(desk, "a")
    desk.store.replace(changed(read, "m2", recording=False)[0], since_seq=2)
    with pytest.raises(Conflict):
        desk.store.replace(changed(read, "m3", recording=False)[0], since_seq=2)
    assert kept(desk, "a")["processed"] == ["m", "m2"]


def test_a_change_made_beside_one_that_recorded_nothing_is_a_conflict(desk: Desk) -> None:
    """Also where nothing had ever been recorded before."""
    desk.things.rows["a"] = read = thing("a", entries=0)
    desk.store.replace(changed(read, "m2", recording=False)[0], since_seq=1)
    with pytest.raises(Conflict):
        desk.store.replace(changed(read, "m3")[0], since_seq=1)
    assert kept(desk, "a")["processed"] == ["m", "m2"]


def test_a_change_that_records_nothing_is_written_and_its_ticket_closed(desk: Desk) -> None:
    """There is nothing to publish."""
    desk.store.insert([thing("a")])
    desk.handed.clear()
    desk.store.replace(changed(kept(desk, "a"), "m2", recording=False)[0], since_seq=2)
    assert kept(desk, "a")["processed"] == ["m", "m2"]
    assert (desk.handed, list(desk.open_tickets)) == ([], ["tk_1"])


def test_a_ticket_that_cannot_be_closed_does_not_undo_the_write(desk: Desk) -> None:
    """It was written: saying otherwise would have it done again; the relay gives the ticket up later."""
    desk.store.insert([thing("a")])
    desk.database["outbox_tickets"].before["delete_many"] = _away
    desk.store.replace(changed(kept(desk, "a"), "m2", recording=False)[0], since_seq=2)
    assert kept(desk, "a")["processed"] == ["m", "m2"]
    desk.database["outbox_tickets"].before["delete_many"] = _away
    with pytest.raises(Conflict):
        desk.store.replace(changed(thing("a"), "m3")[0], since_seq=2)


# Tickets and time


@pytest.mark.parametrize("call", ["insert_many", "bulk_write"])
def test_a_slow_writer_opens_its_ticket_again_before_it_hands_over(call: str, desk: Desk) -> None:
    """Another replica may have taken it for a dead one's and closed it in between."""
    desk.store.insert([thing("there")])
    ticket_of_the_write = "tk_2"

    def slowly() -> None:
        desk.clock.advance(GRACE * 0.6)
        desk.tickets.close([ticket_of_the_write])

    desk.things.after[call] = slowly
    if call == "insert_many":
        desk.store.insert([thing("a")])
    else:
        desk.store.replace(changed(kept(desk, "there"), "m2")[0], since_seq=2)
    assert ticket_of_the_write in desk.open_tickets
    assert [step[:2] for step in desk.database.journal[-2:]] == [
        ("outbox_tickets", "insert_one"),
        ("relay", "hand_over"),
    ]


def test_opening_a_ticket_again_that_is_still_there_changes_nothing(desk: Desk) -> None:
    """Nobody had closed it."""
    ticket = Ticket("tk_1", START, (Ref("things", "a", 1),))
    desk.tickets.open(ticket)
    desk.tickets.narrow("tk_1", [])
    desk.tickets.open(ticket)
    assert desk.open_tickets["tk_1"]["refs"] == []


def test_tickets_are_found_oldest_first_page_by_page(desk: Desk) -> None:
    """The longest overdue comes first, and what stays open does not hide what is behind it."""
    for number in (3, 1, 2, 4):
        opened = START + timedelta(seconds=number)
        desk.tickets.open(Ticket(f"tk_{number}", opened, (Ref("things", "a", number),)))
    before = START + timedelta(seconds=4)
    assert [ticket.id for ticket in desk.tickets.overdue(before, 2)] == ["tk_1", "tk_2"]
    assert [ticket.id for ticket in desk.tickets.overdue(before, 2, 2)] == ["tk_3"]
    assert desk.tickets.overdue(before, 1)[0].refs == (Ref("things", "a", 1),)


def test_a_ticket_leads_to_the_entries_it_stands_for(desk: Desk) -> None:
    """From the first new one on, of every aggregate it names, whatever collection it is in."""
    desk.store.insert([thing("a", entries=3), thing("b")])
    other = thing("x", entries=2)
    desk.database["others"].rows["x"] = other
    refs = [Ref("things", "a", 2), Ref("others", "x", 1), Ref("things", "gone", 1)]
    assert {unsent.entry.id for unsent in desk.tickets.unsent(refs)} == {"a.2", "a.3", "x.1", "x.2"}
    assert {unsent.subject for unsent in desk.tickets.unsent(refs)} == {"a", "x"}


def test_an_aggregate_named_twice_in_a_ticket_is_read_from_its_first_new_entry(desk: Desk) -> None:
    """Two changes of the same thing under one ticket are both published."""
    desk.store.insert([thing("a")])
    for message in ("m2", "m3"):
        document, since = changed(kept(desk, "a"), message)
        desk.store.replace(document, since_seq=since)
    refs = [Ref("things", "a", 3), Ref("things", "a", 2)]
    assert [unsent.entry.id for unsent in desk.tickets.unsent(refs)] == ["a.2", "a.3"]


def test_the_backlog_is_counted_and_dated(desk: Desk) -> None:
    """None open, none old."""
    assert desk.tickets.backlog() == (0, None)
    desk.tickets.open(Ticket("tk_2", START + GRACE, ()))
    desk.tickets.open(Ticket("tk_1", START, ()))
    assert desk.tickets.backlog() == (2, START)
    desk.tickets.close(["tk_1"])
    assert desk.tickets.backlog() == (1, START + GRACE)


def test_closing_nothing_asks_the_database_nothing(desk: Desk) -> None:
    """The usual end of a round in which nothing was complete."""
    desk.tickets.close([])
    assert desk.database.journal == []


@pytest.mark.parametrize("call", ["overdue", "unsent", "backlog"])
def test_a_database_that_is_away_is_told_as_such(call: str, desk: Desk) -> None:
    """The relay waits and tries again; it must not take "away" for "nothing there"."""
    for name in ("outbox_tickets", "things"):
        desk.database[name].before["find"] = _away
    arguments: dict[str, tuple[Any, ...]] = {"overdue": (START, 1), "unsent": ([Ref("things", "a", 1)],)}
    with pytest.raises(Unavailable):
        getattr(desk.tickets, call)(*arguments.get(call, ()))


# Reading


def test_an_aggregate_of_another_organisation_is_not_there(desk: Desk) -> None:
    """Nobody learns of another's by guessing ids."""
    desk.store.insert([thing("a")])
    assert desk.store.find("a", "plaza") is not None
    assert desk.store.find("a", "retail") is None
    assert desk.store.find("b", "plaza") is None


def test_many_are_found_in_the_order_and_portion_asked_for(desk: Desk) -> None:
    """Without the fields that are not needed."""
    desk.store.insert([thing(name, rank=rank) for rank, name in enumerate("dacb")])
    found = desk.store.find_many({"org": "plaza"}, sort=[("_id", -1)], skip=1, limit=2, without=("history",))
    assert [row["_id"] for row in found] == ["c", "b"]
    assert desk.things.asked[-1] == ({"org": "plaza"}, {"history": 0})
    assert len(desk.store.find_many({})) == 4
    assert list(desk.things.asked[-1]) == [{}, None]
    assert desk.store.count({"rank": {"$gte": 2}}) == 2


def test_indexes_are_made_where_they_are_asked_for(desk: Desk) -> None:
    """By organisation on every collection, by age on the tickets, so that both are found without a scan."""
    desk.store.ensure_indexes(base_indexes())
    desk.store.ensure_indexes([])
    desk.tickets.ensure_indexes()
    assert [index.document["key"] for index in desk.things.indexes] == [{"org": 1}]
    tickets = desk.database["outbox_tickets"].indexes
    assert [index.document["key"] for index in tickets] == [{"opened_at": 1}]
    assert isinstance(IndexModel([("org", ASCENDING)]), IndexModel)


def test_a_service_builds_its_stores_from_its_runtime(desk: Desk) -> None:
    """Tickets, relay, clock, ids and grace are the service's own."""
    settings = service_settings(outbox_grace=7.0)
    runtime = Runtime(
        settings, desk.clock, CountingIds(), cast("Any", desk.database), desk.tickets, relay=desk
    )
    store = aggregate_store(runtime, "others")
    store.insert([thing("x")])
    assert list(desk.database["others"].rows) == ["x"]
    assert desk.handed == [("tk_1", ["x.1"])]
    assert store._grace == timedelta(seconds=7)
