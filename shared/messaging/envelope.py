"""Event bodies: CloudEvents 1.0 JSON in, CloudEvents 1.0 JSON out."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shared.errors import Problem, ValidationFailed
from shared.history import Entry, moment_of

CONTENT_TYPE = "application/cloudevents+json"
#: What a JSON event may call itself; parameters such as a charset are ignored.
ACCEPTED_CONTENT_TYPES = frozenset({CONTENT_TYPE, "application/json"})

_TEXT_ATTRIBUTES = ("id", "source", "type", "org")
_OPTIONAL_TEXT = ("subject", "dataschema", "datacontenttype", "traceparent", "sequence")
_TRACEPARENT = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_MAX_ATTRIBUTE = 256
_ESCAPED_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
#: What a signed 64-bit number holds of any value, which is what databases count with.
_MAX_DIGITS = 18


class Undecodable(Exception):
    """The body is no JSON object of the accepted content types; no retry can help."""


@dataclass(frozen=True, slots=True)
class CloudEvent:
    """One event as read from the bus; ``sequence`` numbers the events of one subject, from 1."""

    id: str
    source: str
    type: str
    org: str
    time: datetime | None = None
    subject: str | None = None
    dataschema: str | None = None
    sequence: int | None = None
    traceparent: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Return what makes the event unique: CloudEvents promise that source and id together are."""
        return f"{self.source}#{self.id}"


def decode(body: bytes, content_type: str | None) -> dict[str, Any]:
    """Return the JSON object in ``body``; raises Undecodable naming what is wrong with it."""
    media_type = (content_type or "").partition(";")[0].strip().lower()
    if media_type not in ACCEPTED_CONTENT_TYPES:
        message = f"content type {content_type!r} is not one of {', '.join(sorted(ACCEPTED_CONTENT_TYPES))}"
        raise Undecodable(message)
    try:
        document = json.loads(body.decode("utf-8-sig"), parse_constant=_no_constant)
        if _ESCAPED_SURROGATE.search(body):
            # Half a character: JSON's grammar lets it pass, but it is no text and no database keeps it.
            json.dumps(document, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        message = f"body is not valid JSON: {error}"
        raise Undecodable(message) from error
    if not isinstance(document, dict):
        message = f"body is a JSON {type(document).__name__}, not an object"
        raise Undecodable(message)
    return document


def parse(document: Mapping[str, Any]) -> CloudEvent:
    """Read the CloudEvents attributes; raises ValidationFailed naming every attribute that is wrong."""
    problems: list[Problem] = []
    if document.get("specversion") != "1.0":
        problems.append(Problem("specversion", "must be the string 1.0"))
    for name in _TEXT_ATTRIBUTES:
        problems.extend(_text_problems(name, document.get(name), required=True))
    for name in _OPTIONAL_TEXT:
        problems.extend(_text_problems(name, document.get(name), required=False))
    moment, time_problems = _read_time(document.get("time"))
    sequence, sequence_problems = _read_sequence(document.get("sequence"))
    problems += time_problems + sequence_problems
    data = document.get("data")
    if not isinstance(data, dict):
        problems.append(Problem("data", "must be an object"))
    trace = document.get("traceparent")
    if problems:
        message = "the event's envelope is wrong: " + "; ".join(f"{p.field} {p.reason}" for p in problems)
        raise ValidationFailed(message, problems=tuple(problems))
    return CloudEvent(
        id=document["id"],
        source=document["source"],
        type=document["type"],
        org=document["org"],
        time=moment,
        subject=document.get("subject"),
        dataschema=document.get("dataschema"),
        sequence=sequence,
        traceparent=trace if isinstance(trace, str) and _TRACEPARENT.fullmatch(trace) else None,
        data=data if isinstance(data, dict) else {},
    )


def render(entry: Entry, *, service: str, org: str, subject: str) -> bytes:
    """Return the CloudEvents JSON body of one history entry."""
    document: dict[str, Any] = {
        "specversion": "1.0",
        "id": entry.id,
        "source": f"/kefu/{service}",
        "type": entry.type,
        "subject": subject,
        "time": entry.time,
        "datacontenttype": "application/json",
        "dataschema": f"urn:kefu:{service}:{entry.type}:1",
        "org": org,
        "sequence": str(entry.seq),
        "data": entry.data,
    }
    if entry.trace:
        document["traceparent"] = entry.trace
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def _no_constant(name: str) -> None:
    message = f"{name} is no JSON number"
    raise ValueError(message)


def _text_problems(name: str, value: object, *, required: bool) -> list[Problem]:
    if value is None:
        return [Problem(name, "is missing")] if required else []
    if not isinstance(value, str) or not value.strip():
        return [Problem(name, "must be text that is not empty")]
    if len(value) > _MAX_ATTRIBUTE:
        return [Problem(name, f"is longer than {_MAX_ATTRIBUTE} characters")]
    if not value.isprintable():
        return [Problem(name, "holds control characters")]
    return []


def _read_time(value: object) -> tuple[datetime | None, list[Problem]]:
    if value is None:
        return None, []
    try:
        # The parser itself would pass over a NUL at the end.
        if isinstance(value, str) and value.isprintable():
            return moment_of(value), []
    except (ValueError, OverflowError):
        pass
    return None, [
        Problem("time", "must be RFC 3339 with an offset from UTC, for example 2025-03-05T10:00:00+08:00")
    ]


def _read_sequence(value: object) -> tuple[int | None, list[Problem]]:
    if value is None:
        return None, []
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= _MAX_DIGITS:
        return int(value), []
    return None, [Problem("sequence", f"must be a number of at most {_MAX_DIGITS} digits written as text")]
