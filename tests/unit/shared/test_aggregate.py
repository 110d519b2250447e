from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.aggregate import Aggregate, base_document, base_fields, digest_of
from shared.errors import Conflict
from shared.history import Cause

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)


@dataclass(kw_only=True)
class Thing(Aggregate):
    name: str = "thing"


def test_a_recorded_event_belongs_to_its_aggregate() -> None:
    """The event's id is the aggregate's id and the entry's number, whoever made the history."""
    thing = Thing(id="th_1", org="o")
    entry = thing.record("changed", {"n": 1}, at=NOON, cause=Cause("m1", "desk"))
    assert (entry.id, entry.cause, entry.actor) == ("th_1.1", "m1", "desk")
    assert thing.history.verify() == []


def test_two_aggregates_share_neither_history_nor_memory() -> None:
    """A default that is shared would publish one aggregate's events as another's."""
    one, other = Thing(id="th_1", org="o"), Thing(id="th_2", org="o")
    one.record("changed", {}, at=NOON, cause=Cause("m", "desk"))
    one.mark_processed("m")
    one.remember_answer("k", "d", {})
    assert (len(other.history), other.processed, other.answers) == (0, [], [])


def test_a_message_is_remembered_once() -> None:
    """Marking it twice does not let the document grow."""
    thing = Thing(id="th_1", org="o")
    assert not thing.has_processed("m1")
    thing.mark_processed("m1")
    thing.mark_processed("m1")
    assert thing.processed == ["m1"]
    assert thing.has_processed("m1")


def test_a_repeated_command_gets_the_answer_it_got_before() -> None:
    """A caller whose answer got lost asks again with the same key and learns what happened."""
    thing = Thing(id="th_1", org="o")
    assert thing.answer_to("k1", digest_of({"a": 1})) is None
    thing.remember_answer("k1", digest_of({"a": 1}), {"state": "done"})
    assert thing.answer_to("k1", digest_of({"a": 1})) == {"state": "done"}
    assert thing.answer_to("k2", digest_of({"a": 1})) is None


def test_a_key_used_again_with_other_arguments_is_refused() -> None:
    """Answering the second command with the first one's answer would hide that it never took effect."""
    thing = Thing(id="th_1", org="o")
    thing.remember_answer("k1", digest_of({"a": 1}), {})
    with pytest.raises(Conflict, match="use a new key"):
        thing.answer_to("k1", digest_of({"a": 2}))


def test_what_is_written_is_the_next_version_and_reads_back_whole() -> None:
    """State, history, processed messages and answers travel in one document."""
    thing = Thing(id="th_1", org="o", version=4)
    thing.record("changed", {"n": 1}, at=NOON, cause=Cause("m1", "desk"))
    thing.mark_processed("m1")
    thing.remember_answer("k1", "d", {"state": "done"})
    document = base_document(thing)
    assert (document["_id"], document["org"], document["version"]) == ("th_1", "o", 5)
    read = Thing(**base_fields(document))
    assert (read.id, read.org, read.version, read.processed) == ("th_1", "o", 5, ["m1"])
    assert read.history.entries == thing.history.entries
    assert read.history.verify() == []
    assert read.answer_to("k1", "d") == {"state": "done"}


ARGUMENTS = st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5) | st.none(), max_size=4)


@settings(max_examples=40)
@given(ARGUMENTS, ARGUMENTS)
def test_the_digest_tells_arguments_apart_and_forgets_their_order(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    """Only what was asked counts, not in which order it was written."""
    assert (digest_of(one) == digest_of(other)) is (one == other)
    assert digest_of(dict(reversed(one.items()))) == digest_of(one)
