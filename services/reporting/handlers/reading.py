"""Reads what a service published: decodes it and checks what the archive and the figures need of it."""

from __future__ import annotations

from services.reporting.domain.case import beside_cases
from services.reporting.domain.event import ArchivedEvent, concerned
from services.reporting.schemas import data_schema
from shared.clocks.digest import DIGEST, unpack
from shared.errors import ValidationFailed
from shared.messaging.envelope import CloudEvent, Undecodable, decode, parse
from shared.messaging.problems import flatten_errors


class Unreadable(Exception):
    """The message cannot be archived and no retry can help; the text names what is wrong, never the values."""


def read_events(source: str, body: bytes, content_type: str | None) -> list[ArchivedEvent]:
    """Return what a message of the service ``source`` says: one event, or those of a digest; raises Unreadable.

    An event is the same whether it came by itself or in a digest, of which nothing else is kept. Its data is
    checked here, before it is kept: a malformed event in the archive would spoil what is computed from it
    every time.
    """
    try:
        event = parse(decode(body, content_type))
        events = unpack(event)
    except Undecodable as error:
        raise Unreadable(f"Undecodable: {error}") from error
    except ValidationFailed as error:
        raise Unreadable(error.message) from error
    if event.source != f"/kefu/{source}":
        raise Unreadable(f"source is not that of the service {source}, whose exchange it came from")
    if event.type != DIGEST:
        return [_checked(source, event, "data")]
    return [_checked(source, each, f"data.events.{place}.data") for place, each in enumerate(events)]


def _checked(source: str, event: CloudEvent, place: str) -> ArchivedEvent:
    if event.subject is None or event.sequence is None or event.time is None:
        raise Unreadable("subject, sequence and time must all be there")
    schema = data_schema(source, event.type) if not beside_cases(event.type, event.data) else None
    if schema is not None:
        problems = flatten_errors(schema.validate(event.data), place)
        if problems:
            raise Unreadable("; ".join(f"{problem.field}: {problem.reason}" for problem in problems))
    return ArchivedEvent(
        key=event.key,
        org=event.org,
        source=source,
        type=event.type,
        subject=event.subject,
        sequence=event.sequence,
        time=event.time,
        about=concerned(event.subject, event.data),
        data=event.data,
    )
