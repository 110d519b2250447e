from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.history import GENESIS, Cause, Entry, History, moment_of, timestamp

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

JSON_VALUES = (
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.lists(st.integers(0, 9), max_size=2)
)
DATA = st.dictionaries(st.text(max_size=3), JSON_VALUES, max_size=2)


def _history(length: int, **data: Any) -> History:
    history = History("cs_1")
    for number in range(1, length + 1):
        cause = Cause(f"m{number}", "desk", TRACE)
        history.append("changed", {"n": number, **data}, at=NOON + timedelta(seconds=number), cause=cause)
    return history


def test_entries_are_numbered_named_and_chained_from_the_first() -> None:
    """The same entry always has the same event id, and its place in the chain is fixed."""
    history = _history(3)
    assert [entry.seq for entry in history] == [1, 2, 3]
    assert [entry.id for entry in history] == ["cs_1.1", "cs_1.2", "cs_1.3"]
    first, second, third = history
    assert (first.prev, second.prev, third.prev) == (GENESIS, first.hash, second.hash)
    assert (len(history), history.next_seq) == (3, 4)
    assert history.verify() == []


@settings(max_examples=40)
@given(st.lists(st.tuples(DATA, st.datetimes(timezones=st.just(UTC))), max_size=5))
def test_a_history_kept_in_the_database_and_read_back_verifies(
    happened: list[tuple[dict[str, Any], datetime]],
) -> None:
    """Writing down and reading back changes nothing the chain covers."""
    history = History("cs_1")
    for data, at in happened:
        history.append("changed", data, at=at, cause=Cause("m", "desk"))
    read = History.from_documents("cs_1", history.as_documents())
    assert read.entries == history.entries
    assert read.verify() == []


def test_an_entry_that_goes_out_in_a_digest_is_kept_as_such_and_any_other_as_ever() -> None:
    """A history written before there were digests still verifies: only what is digested says so."""
    alone, digested = History("cs_1"), History("cs_1")
    for history, cause in ((alone, Cause("m", "desk")), (digested, Cause("m", "desk", digested=True))):
        history.append("changed", {}, at=NOON, cause=cause)
        read = History.from_documents("cs_1", history.as_documents())
        assert (read.entries, read.verify()) == (history.entries, [])
    assert "digested" not in alone.as_documents()[0]
    assert alone.entries[0].hash == "49fd4015420996f562bf5e97af3bc941ba6fcb50ac4f331fb572ddcfa61baf1d"
    assert digested.as_documents()[0]["digested"] is True
    assert digested.entries[0].hash != alone.entries[0].hash


CHANGES: dict[str, Callable[[Entry], Entry]] = {
    "seq": lambda entry: replace(entry, seq=entry.seq + 1),
    "id": lambda entry: replace(entry, id="cs_2.1"),
    "type": lambda entry: replace(entry, type="paid"),
    "time": lambda entry: replace(entry, time="2026-03-02T05:00:00.000Z"),
    "actor": lambda entry: replace(entry, actor="boss"),
    "cause": lambda entry: replace(entry, cause="m99"),
    "data": lambda entry: replace(entry, data={**entry.data, "n": -1}),
    "trace": lambda entry: replace(entry, trace=None),
    "prev": lambda entry: replace(entry, prev="f" * 64),
    "hash": lambda entry: replace(entry, hash="f" * 64),
    "digested": lambda entry: replace(entry, digested=True),
}


@pytest.mark.parametrize("field", CHANGES)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_change_of_any_field_of_any_entry_is_found(field: str, place: int) -> None:
    """Nobody rewrites what happened, not even which trace it belonged to."""
    history = _history(3)
    assert set(CHANGES) == set(Entry.__slots__)
    history.entries[place] = CHANGES[field](history.entries[place])
    assert history.verify() != []


@settings(max_examples=40)
@given(st.data())
def test_any_deletion_reordering_or_insertion_is_found(data: st.DataObject) -> None:
    """The chain names the entry before, so whatever is moved, taken out or slipped in between shows."""
    history = _history(data.draw(st.integers(3, 7)))
    entries = history.entries
    kind = data.draw(st.sampled_from(["delete", "swap", "insert", "repeat"]))
    if kind == "delete":
        del entries[data.draw(st.integers(0, len(entries) - 2))]
    elif kind == "swap":
        one, other = data.draw(st.sampled_from([(a, b) for a in range(len(entries)) for b in range(a)]))
        entries[one], entries[other] = entries[other], entries[one]
    elif kind == "insert":
        place = data.draw(st.integers(0, len(entries) - 1))
        slipped = replace(entries[place], data={"n": 0}, hash="")
        entries.insert(place, replace(slipped, hash=slipped.digest()))
    else:
        place = data.draw(st.integers(0, len(entries) - 1))
        entries.insert(place, entries[place])
    assert history.verify() != []


@settings(max_examples=40)
@given(DATA, DATA)
def test_any_other_data_has_another_hash(one: dict[str, Any], other: dict[str, Any]) -> None:
    """What an entry says is fixed to the letter: no two different contents look the same to the chain."""
    first, second = _history(1, x=one).entries[0], _history(1, x=other).entries[0]
    same = repr(sorted(one.items(), key=repr)) == repr(sorted(other.items(), key=repr))
    assert (first.hash == second.hash) is same


def test_another_aggregates_history_is_not_taken_for_this_ones() -> None:
    """A whole valid chain put under another aggregate would otherwise verify."""
    moved = History.from_documents("cs_2", _history(2).as_documents())
    assert len(moved.verify()) == 2


def test_each_fault_is_told_in_a_sentence_that_names_the_entry() -> None:
    """The person who runs the check must know where to look."""
    history = _history(3)
    history.entries[1] = replace(history.entries[1], actor="boss")
    assert history.verify() == ["entry 2 (changed) was changed after it was recorded"]
    history = _history(3)
    del history.entries[1]
    faults = history.verify()
    assert any("entry 2 carries sequence 3" in fault for fault in faults)
    assert any("entry 2 does not follow the one before it" in fault for fault in faults)


def test_since_returns_the_entries_from_a_number_on() -> None:
    """That is what is published after a write, no more and no less."""
    history = _history(4)
    assert [entry.seq for entry in history.since(3)] == [3, 4]
    assert [entry.seq for entry in history.since(1)] == [1, 2, 3, 4]
    assert list(history.since(5)) == []


def test_data_changed_by_its_owner_afterwards_does_not_change_the_entry() -> None:
    """An entry keeps what was true when it was recorded."""
    data = {"n": 1}
    history = History("cs_1")
    history.append("changed", data, at=NOON, cause=Cause("m", "desk"))
    data["n"] = 2
    assert history.entries[0].data == {"n": 1}
    assert history.verify() == []


@settings(max_examples=40)
@given(st.datetimes(timezones=st.timezones()))
def test_a_written_moment_reads_back_as_the_same_instant_to_the_millisecond(moment: datetime) -> None:
    """One form everywhere: RFC 3339, UTC, milliseconds."""
    try:
        text = timestamp(moment)
    except OverflowError:  # the first or last day of the calendar, moved beyond it by its zone
        return
    assert text.endswith("Z")
    read = moment_of(text)
    assert read.tzinfo is UTC
    assert timedelta(0) <= moment.astimezone(UTC) - read < timedelta(milliseconds=1)


def test_a_moment_without_an_offset_is_no_moment() -> None:
    """Guessing a zone would shift deadlines by hours."""
    with pytest.raises(ValueError, match="has no offset"):
        moment_of("2026-03-02T09:00:00")
    assert moment_of("2026-03-02T09:00:00+08:00") == datetime(2026, 3, 2, 9, tzinfo=ZoneInfo("Asia/Shanghai"))
