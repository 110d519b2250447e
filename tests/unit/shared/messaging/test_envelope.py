from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.errors import ValidationFailed
from shared.history import Cause, History
from shared.messaging.envelope import CONTENT_TYPE, Undecodable, decode, parse, render

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def _event(**changes: Any) -> dict[str, Any]:
    """Return a valid event; a change to None takes the attribute away."""
    event = {
        "specversion": "1.0",
        "id": "42",
        "source": "/shop",
        "type": "order.placed",
        "org": "plaza",
        "time": "2026-03-02T09:00:00+08:00",
        "subject": "order/42",
        "sequence": "7",
        "traceparent": TRACE,
        "data": {"n": 1},
        **changes,
    }
    return {name: value for name, value in event.items() if value is not None}


def _faults(event: dict[str, Any]) -> dict[str, str]:
    with pytest.raises(ValidationFailed) as refused:
        parse(event)
    assert all(problem.field in refused.value.message for problem in refused.value.problems)
    return {problem.field: problem.reason for problem in refused.value.problems}


def test_a_valid_event_is_read_whole() -> None:
    """Every attribute arrives, the time as an instant in UTC."""
    event = parse(_event())
    assert (event.id, event.source, event.type, event.org) == ("42", "/shop", "order.placed", "plaza")
    assert event.time == datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
    assert (event.subject, event.sequence, event.traceparent, event.data) == (
        "order/42",
        7,
        TRACE,
        {"n": 1},
    )


def test_only_what_cloudevents_and_the_organisation_need_is_required() -> None:
    """A simple publisher sends six attributes."""
    event = parse(_event(time=None, subject=None, sequence=None, traceparent=None))
    assert (event.time, event.subject, event.sequence, event.traceparent) == (None, None, None, None)


def test_source_and_id_together_make_an_event_unique() -> None:
    """Two publishers may number alike."""
    keys = {parse(_event(source=source, id="1")).key for source in ("/shop", "/crm")}
    assert keys == {"/shop#1", "/crm#1"}


@pytest.mark.parametrize("name", ["id", "source", "type", "org"])
@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "is missing"),
        ("", "must be text that is not empty"),
        ("   ", "must be text that is not empty"),
        (42, "must be text that is not empty"),
        (["x"], "must be text that is not empty"),
        ("x" * 257, "is longer than 256 characters"),
        ("a\x00b", "holds control characters"),
        ("a\nb", "holds control characters"),
        ("a\x1b[31mb", "holds control characters"),
        ("a\u202eb", "holds control characters"),
        ("a\ud800b", "holds control characters"),
    ],
)
def test_each_required_attribute_that_is_wrong_is_named(name: str, value: object, reason: str) -> None:
    """The publisher learns the attribute and the reason, and nothing odd reaches logs or ids."""
    assert _faults(_event(**{name: value})) == {name: reason}


@pytest.mark.parametrize("name", ["subject", "dataschema", "datacontenttype", "traceparent", "sequence"])
def test_an_optional_attribute_may_be_missing_but_not_wrong(name: str) -> None:
    """What is there must be usable."""
    parse(_event(**{name: None}))
    assert name in _faults(_event(**{name: {"a": 1}}))
    assert _faults(_event(**{name: "a\x07"}))[name]


@pytest.mark.parametrize("value", [None, "0.3", 1.0, 1, "1"])
def test_only_version_one_is_spoken(value: object) -> None:
    """Another version may mean something else by the same names."""
    assert _faults(_event(specversion=value)) == {"specversion": "must be the string 1.0"}


@pytest.mark.parametrize(
    "value",
    ["2026-03-02T09:00:00", "2026-03-02", "yesterday", "", 1772413200, ["2026"], "0001-01-01T00:00:00+08:00"],
)
def test_a_time_without_an_offset_or_no_time_at_all_is_refused(value: object) -> None:
    """A guessed zone would move every deadline that starts there."""
    assert "must be RFC 3339 with an offset" in _faults(_event(time=value))["time"]


@pytest.mark.parametrize("value", [7, "seven", "-1", "1.0", "٣", "²", True])
def test_a_sequence_is_a_number_written_as_text(value: object) -> None:
    """CloudEvents know no numbers beyond 32 bits; text is what its sequence extension asks for."""
    assert "sequence" in _faults(_event(sequence=value))


@pytest.mark.parametrize(
    "value", ["garbage", TRACE.upper(), TRACE + "-x", "01-" + TRACE[3:], "00-" + "g" * 32 + TRACE[35:]]
)
def test_a_trace_that_is_garbage_is_dropped_and_the_event_taken(value: str) -> None:
    """Tracing is a convenience: nobody's event is refused for it, and no garbage is passed on."""
    assert parse(_event(traceparent=value)).traceparent is None


@pytest.mark.parametrize("value", [None, [], "text", 7])
def test_data_must_be_an_object(value: object) -> None:
    """Everything a handler reads has a name."""
    assert _faults(_event(data=value)) == {"data": "must be an object"}


def test_everything_that_is_wrong_is_told_at_once() -> None:
    """A publisher mends its events in one go, not one refusal at a time."""
    found = _faults({"id": "", "sequence": "x", "time": "x"})
    assert found.keys() == {"specversion", "id", "source", "type", "org", "sequence", "time", "data"}


@pytest.mark.parametrize(
    "content_type",
    ["application/json", CONTENT_TYPE, "Application/JSON; charset=utf-8", " application/json ;x=y"],
)
def test_json_by_any_of_its_names_is_taken(content_type: str) -> None:
    """Clients differ in parameters and in case."""
    assert decode(b'{"a": "\xe5\xae\xa2"}', content_type) == {"a": "客"}


@pytest.mark.parametrize("content_type", [None, "", "text/plain", "application/x-python-serialize"])
def test_another_content_type_is_refused_unread(content_type: str | None) -> None:
    """What does not call itself JSON is not tried as JSON, and certainly not as anything executable."""
    with pytest.raises(Undecodable, match="content type"):
        decode(b"{}", content_type)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe\xfd",
        b"{'a': 1}",
        b'{"a": NaN}',
        b'{"a": [Infinity]}',
        b'{"a": -Infinity}',
        b'{"a": "\\ud800"}',
        b'{"\\uDFFFa": 1}',
        '{"a": 1}'.encode("utf-16"),
        '{"a": "\\ud800"}'.encode("utf-16-le"),
        b'{"a": ' + b"9" * 5000 + b"}",
        b"[" * 200_000,
        b'{"a":' * 200_000,
    ],
    ids=lambda body: repr(body[:14]),
)
def test_what_is_no_json_is_refused_and_never_ends_the_process(body: bytes) -> None:
    """Not even brackets nested past the parser's depth, numbers that are none, or halves of characters."""
    with pytest.raises(Undecodable, match="body is not valid JSON"):
        decode(body, CONTENT_TYPE)


@pytest.mark.parametrize("body", [b"[]", b"null", b'"x"', b"7", b"true"])
def test_json_that_is_no_object_is_refused(body: bytes) -> None:
    """An event is an object."""
    with pytest.raises(Undecodable, match="not an object"):
        decode(body, CONTENT_TYPE)


def test_a_whole_character_written_as_two_escapes_is_taken() -> None:
    """Many clients escape everything outside ASCII, in pairs where JSON needs pairs."""
    assert decode(b'{"a": "\\ud83d\\ude00"}', CONTENT_TYPE) == {"a": "😀"}


def test_what_cannot_be_decoded_is_not_quoted() -> None:
    """The reason goes into headers and logs; the body may hold personal data."""
    with pytest.raises(Undecodable) as refused:
        decode(b'{"phone": "13800000001" "name": "\xe6\xb5\x8b"}', CONTENT_TYPE)
    assert "13800000001" not in str(refused.value)


TEXT = st.text(st.characters(codec="utf-8", categories=["L", "N", "P"]), min_size=1, max_size=8)
DATA = st.dictionaries(
    st.text(max_size=3),
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    max_size=3,
)


@settings(max_examples=60)
@given(TEXT, TEXT, TEXT, st.integers(1, 60), DATA, st.none() | st.just(TRACE))
def test_what_is_rendered_is_read_back_the_same(
    aggregate: str, kind: str, org: str, before: int, data: dict[str, Any], trace: str | None
) -> None:
    """Every event a service publishes is one its consumers accept, with the same content."""
    history = History(aggregate)
    at = datetime(2026, 3, 2, tzinfo=UTC) + timedelta(milliseconds=before)
    entry = [history.append(kind, data, at=at, cause=Cause("m", "a", trace)) for _ in range(before)][-1]
    body = render(entry, service="desk", org=org, subject=aggregate)
    event = parse(decode(body, CONTENT_TYPE))
    assert (event.id, event.type, event.org, event.subject) == (entry.id, kind, org, aggregate)
    assert (event.sequence, event.time, event.traceparent) == (entry.seq, at, trace)
    assert (event.source, event.dataschema) == ("/kefu/desk", f"urn:kefu:desk:{kind}:1")
    assert event.data == data


def test_a_rendered_event_carries_chinese_as_it_is_and_no_actor() -> None:
    """Readable in any viewer; who acted stays in the history, ids are all an event carries."""
    history = History("cs_1")
    at = datetime(2026, 3, 2, tzinfo=UTC)
    entry = history.append("changed", {"note": "测试"}, at=at, cause=Cause("m", "stf_1"))
    body = render(entry, service="desk", org="plaza", subject="cs_1")
    assert "测试".encode() in body
    assert "stf_1" not in body.decode()
    assert json.loads(body)["sequence"] == "1"
