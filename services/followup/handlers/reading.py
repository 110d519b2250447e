"""Reads one event of the complaints service: decodes it, checks its shape, tells what happened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from marshmallow import Schema, ValidationError

from services.followup.domain.facts import CaseClosed, CaseOpened, CaseReopened, CaseReplied, ContactAttempted
from services.followup.schemas import (
    CaseClosedSchema,
    CaseOpenedSchema,
    CaseReopenedSchema,
    CaseRepliedSchema,
    ContactAttemptedSchema,
)
from shared.errors import ValidationFailed
from shared.messaging.envelope import CloudEvent, Undecodable, decode, parse
from shared.messaging.problems import flatten_errors

Fact = CaseOpened | CaseReplied | ContactAttempted | CaseClosed | CaseReopened

#: The events of the complaints service that mean something here, and their shapes.
SCHEMAS: Mapping[str, Schema] = {
    "case_opened": CaseOpenedSchema(),
    "case_replied": CaseRepliedSchema(),
    "contact_attempted": ContactAttemptedSchema(),
    "case_closed": CaseClosedSchema(),
    "case_reopened": CaseReopenedSchema(),
}


class Unreadable(Exception):
    """The event cannot be taken and no retry can help; the message says why, without the values."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One event and what it tells; ``fact`` is None when it means nothing here."""

    event: CloudEvent
    fact: Fact | None


def read(body: bytes, content_type: str | None) -> Reading:
    """Return what the event tells; raises Unreadable."""
    try:
        event = parse(decode(body, content_type))
    except (Undecodable, ValidationFailed) as error:
        raise Unreadable(str(error)) from error
    schema = SCHEMAS.get(event.type)
    if schema is None:
        return Reading(event, None)
    try:
        fact: Any = schema.load(event.data)
    except ValidationError as error:
        problems = flatten_errors(error.normalized_messages(), "data")
        text = "; ".join(f"{problem.field}: {problem.reason}" for problem in problems)
        raise Unreadable(f"{event.type} has the wrong shape: {text}") from error
    return Reading(event, fact)
