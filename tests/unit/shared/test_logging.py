"""Logging: one JSON line per record, nothing personal in any of them."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.logging import bind_context, configure_logging, get_logger

LIBRARIES = ("pymongo", "amqp", "kombu", "nameko")


class Lines(io.StringIO):
    """A stream that gives back what was logged."""

    def read_all(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.getvalue().split("\n") if line]

    def only(self) -> dict[str, Any]:
        (line,) = self.read_all()
        return line

    def start_afresh(self) -> None:
        """Forget what was logged, and be the only one logged to: the test runner listens as well."""
        self.seek(0)
        self.truncate()
        configure_logging("alpha", "debug", self)


@pytest.fixture
def lines() -> Iterator[Lines]:
    """Logging configured into memory, and put back as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    levels = {name: logging.getLogger(name).level for name in LIBRARIES}
    stream = Lines()
    configure_logging("alpha", "debug", stream)
    yield stream
    root.handlers = handlers
    root.setLevel(level)
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)


def test_a_line_tells_when_how_grave_who_what_and_which_service(lines: Lines) -> None:
    """The keys everyone looks for, first and in one order, and the record's own after them."""
    get_logger("alpha.beta").info("a thing was done", thing_id="thg_1", count=3)
    line = lines.only()
    assert list(line) == ["time", "level", "logger", "event", "service", "thing_id", "count"]
    assert datetime.fromisoformat(line.pop("time")).utcoffset() == timedelta(0)
    assert line == {
        "level": "info",
        "logger": "alpha.beta",
        "event": "a thing was done",
        "service": "alpha",
        "thing_id": "thg_1",
        "count": 3,
    }


def test_libraries_are_written_in_the_same_form(lines: Lines) -> None:
    """nameko, kombu and the rest log through the standard library; their lines look like ours."""
    with bind_context(correlation_id="c-1"):
        logging.getLogger("kombu.connection").warning("lost %s, trying again in %d s", "broker", 2)
    line = lines.only()
    assert line["event"] == "lost broker, trying again in 2 s"
    assert (line["level"], line["logger"], line["service"]) == ("warning", "kombu.connection", "alpha")
    assert line["correlation_id"] == "c-1"


def test_context_is_on_every_line_inside_the_block_and_on_none_after_it(lines: Lines) -> None:
    """A correlation id follows the work and does not stick to the next piece of work."""
    log = get_logger("alpha")
    with bind_context(correlation_id="c-1", trace_id=None), bind_context(org="org_1"):
        log.info("inside")
    log.info("outside")
    inside, outside = lines.read_all()
    assert (inside["correlation_id"], inside["org"]) == ("c-1", "org_1")
    assert "trace_id" not in inside
    assert "correlation_id" not in outside


def test_levels_below_the_one_set_are_not_written(lines: Lines) -> None:
    """A quiet level is quiet, for our loggers and the libraries'."""
    configure_logging("alpha", "WARNING", lines)
    get_logger("alpha").info("quiet")
    logging.getLogger("nameko").info("quiet")
    get_logger("alpha").warning("loud")
    assert lines.only()["event"] == "loud"


def test_libraries_never_write_their_debug_records(lines: Lines) -> None:
    """The database driver logs whole documents at DEBUG; no setting turns that on."""
    for name in ("pymongo.command", "amqp", "kombu.pidbox", "nameko.rpc"):
        logging.getLogger(name).debug("the whole document")
    assert lines.getvalue() == ""


def test_deliveries_ignored_while_a_channel_closes_are_no_news(lines: Lines) -> None:
    """That one warning comes by the hundred at every stop; other methods' warnings are kept."""
    template = "Received method %s during closing channel %s. This method will be ignored"
    logging.getLogger("amqp").warning(template, (60, 60), 1)
    logging.getLogger("amqp").warning(template, (20, 40), 1)
    assert lines.only()["event"].startswith("Received method (20, 40)")


def test_an_exception_is_told_with_its_trace_and_without_the_numbers_in_its_message(lines: Lines) -> None:
    """Traces are kept for whoever mends the fault; what the message quotes is masked."""

    def fail() -> None:
        raise ValueError("bad phone 13800000001, name: '测试甲'")

    for log in (get_logger("alpha"), logging.getLogger("nameko")):
        try:
            fail()
        except ValueError:
            log.exception("it failed")
    for line in lines.read_all():
        assert "in fail" in line["exception"]
        assert "ValueError: bad phone ***" in line["exception"]
        assert line["level"] == "error"
    assert "13800000001', " not in lines.getvalue()


class Colour(Enum):
    """A value that is not JSON."""

    RED = "red"


@dataclass
class Person:
    """An object whose representation tells who it is."""

    name: str


def test_values_are_brought_down_to_json_and_objects_to_their_class(lines: Lines) -> None:
    """Nothing makes a line unwritable, and no representation of an object gives away what is in it."""
    get_logger("alpha").info(
        "values",
        colour=Colour.RED,
        money=Decimal("12.50"),
        ratio=0.13800000001,
        nothing=float("nan"),
        when=datetime(2026, 11, 23, tzinfo=UTC),
        took=timedelta(seconds=2),
        key=UUID(int=1),
        path=PurePosixPath("/a/b"),
        error=ValueError("tel 13800000001"),
        person=Person("测试甲"),
        raw=b"13800000001",
        several=(1, {"phone": "x", "n": {2}}),
        long=list(range(60)),
    )
    line = lines.only()
    assert line["colour"] == "red"
    assert line["money"] == "12.50"
    assert line["ratio"] == 0.13800000001
    assert line["nothing"] == "nan"
    assert line["when"] == "2026-11-23T00:00:00+00:00"
    assert line["took"] == 2.0
    assert line["key"] == str(UUID(int=1))
    assert line["path"] == "/a/b"
    assert line["error"] == "ValueError: tel ***"
    assert line["person"].endswith(".Person>")
    assert line["raw"] == "<builtins.bytes>"
    assert line["several"] == [1, {"phone": "***", "n": [2]}]
    assert line["long"][-1] == "… 10 more"


def test_a_record_that_cannot_be_written_tells_its_place_and_not_its_arguments(
    lines: Lines, capsys: pytest.CaptureFixture[str]
) -> None:
    """A logging mistake must neither stop the work nor print the arguments on standard error."""
    lines.start_afresh()
    logging.getLogger("alpha").warning("%d calls", "13800000001")
    assert lines.only()["event"] == "a log record could not be written"
    assert "test_logging:" in lines.only()["place"]
    assert capsys.readouterr().err == ""


def test_a_very_long_text_is_cut_and_a_number_across_the_cut_does_not_show(lines: Lines) -> None:
    """A body logged by mistake does not flood the log, and cutting does not unmask."""
    for length in range(16_370, 16_386):
        lines.start_afresh()
        get_logger("alpha").info("x" * length + "13800000001" + "y" * 50_000)
        line = lines.only()
        # The time may well have these digits.
        del line["time"]
        assert len(line["event"]) < 16_400
        assert "138" not in str(line)


PERSONAL_KEYS = (
    "name",
    "phone",
    "id_number",
    "address",
    "text",
    "email",
    "callerPhone",
    "contact_name",
    "姓名",
)
SECRET = "绝密甲乙丙"
harmless_keys = st.sampled_from(["count", "queue", "outcome", "details"])
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(harmless_keys, inner, max_size=3),
    max_leaves=8,
)


@st.composite
def nested_secret(draw: st.DrawFn) -> dict[str, Any]:
    """Something personal at a random depth, as text or within lists and dictionaries."""
    secret: Any = draw(st.sampled_from([SECRET, [SECRET], {"count": SECRET}, {SECRET: 1}, Person(SECRET)]))
    document: Any = {draw(st.sampled_from(PERSONAL_KEYS)): secret, "count": draw(values)}
    for _ in range(draw(st.integers(0, 8))):
        document = draw(st.sampled_from([[document], {"details": document}, {"queue": [document]}]))
    return {"details": document, "outcome": draw(values)}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(fields=nested_secret())
def test_nothing_under_a_personal_key_is_ever_in_a_line(lines: Lines, fields: dict[str, Any]) -> None:
    """At any depth, in any shape, by any logger call: what stands under a personal key is masked."""
    lines.start_afresh()
    log = get_logger("alpha")
    log.info("done", **fields)
    with bind_context(phone=SECRET):
        log.warning("done")
    log.bind(address=SECRET).error("done")
    assert len(lines.read_all()) == 3
    assert SECRET not in lines.getvalue()


phones = st.from_regex(r"\A1[3-9][0-9]{9}\Z")
id_numbers = st.from_regex(r"\A[1-9][0-9]{5}(19|20)[0-9]{2}(0[1-9]|1[0-2])(0[1-9]|2[0-8])[0-9]{3}[0-9X]\Z")
around = st.text().filter(lambda text: not (text[:1].isdecimal() or text[-1:].isdecimal()))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(number=phones | id_numbers, before=around, after=around)
def test_no_phone_or_identity_number_is_ever_in_a_line(
    lines: Lines, number: str, before: str, after: str
) -> None:
    """In the event, its arguments, a value, a key or an exception, from us or a library: always masked."""
    lines.start_afresh()
    text = f"{before}{number}{after}"
    log = get_logger("alpha")
    log.info(text.replace("%", "%%"), value=text, deep=[{text: text}], error=ValueError(text))
    log.info("arguments %s", text)
    logging.getLogger("nameko").error("arguments %r", [text])
    if number.isdecimal():
        log.info("number", value=int(number), exact=Decimal(number))
    assert len(lines.read_all()) == 3 + number.isdecimal()
    assert number not in lines.getvalue()
