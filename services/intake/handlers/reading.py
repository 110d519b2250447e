"""Reads one external event: decodes, validates, and checks it against the organisation's rulebook."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from marshmallow import ValidationError

from services.intake.domain.rejection import NOBODY, Rejection
from services.intake.domain.rulebook import IntakeRules
from services.intake.handlers.registering import Intent, intent_problems, regulation_at
from services.intake.schemas import ContactSchema
from services.intake.settings import KEPT_BODY, MAX_BODY
from shared.errors import NotFound, Problem, ValidationFailed
from shared.history import Cause
from shared.ids import derived_id
from shared.messaging.envelope import CloudEvent, Undecodable, decode, parse
from shared.messaging.problems import flatten_errors
from shared.regulations import Organisation, Rulebooks

CONTACT_RECEIVED = "contact.received"
#: External events that another service takes.
TAKEN_ELSEWHERE = frozenset({"message.delivered"})
#: What is before the name of a publisher in its broker user's name.
_PUBLISHER_PREFIX = "pub-"


@dataclass(frozen=True, slots=True)
class _Raw:
    body: bytes
    routing_key: str
    user: str | None
    now: datetime


@dataclass(frozen=True, slots=True)
class Reading:
    """A good event and the contact it asks to register."""

    event: CloudEvent
    intent: Intent
    raw: _Raw


class Refused(Exception):
    """The event cannot be taken: ``rejection`` to be kept, or None when it cannot even be read."""

    def __init__(self, reason: str, rejection: Rejection | None = None) -> None:
        """``reason`` names what is wrong, without the values."""
        super().__init__(reason)
        self.rejection = rejection


class ContactReader:
    """Turns message bodies into readings; knows the rulebooks, does no I/O."""

    def __init__(self, rulebooks: Rulebooks[IntakeRules], tolerance: timedelta) -> None:
        """``tolerance`` forgives publishers' clocks that run ahead."""
        self._rulebooks = rulebooks
        self._tolerance = tolerance
        self._schema = ContactSchema()

    def read(
        self, body: bytes, content_type: str | None, routing_key: str, user: str | None, now: datetime
    ) -> Reading:
        """Return the reading, or raise Refused."""
        raw = _Raw(body, routing_key, user, now)
        if len(body) > MAX_BODY:
            problem = Problem("(body)", f"is {len(body)} bytes, more than the {MAX_BODY} allowed")
            raise self._refuse(raw, {}, (problem,))
        try:
            document = decode(body, content_type)
        except Undecodable as error:
            raise Refused(f"Undecodable: {error}") from error
        try:
            event = parse(document)
        except ValidationFailed as error:
            raise self._refuse(raw, document, error.problems) from error
        problems = self._envelope_problems(event, raw)
        if problems:
            raise self._refuse(raw, document, problems)
        return Reading(event, self._intent(event, document, raw), raw)

    def _envelope_problems(self, event: CloudEvent, raw: _Raw) -> tuple[Problem, ...]:
        if event.type != CONTACT_RECEIVED:
            return (Problem("type", f"is not known; the one event taken here is {CONTACT_RECEIVED}"),)
        if event.type != raw.routing_key:
            return (Problem("type", "differs from the routing key"),)
        publisher = _publisher(raw.user)
        if publisher is None:
            return (Problem("user_id", "must be set to the publisher's own broker user"),)
        try:
            organisation = self._rulebooks.organisation(event.org)
        except NotFound:
            return (Problem("org", "is no organisation served here"),)
        return _publisher_problems(organisation, publisher, event.type)

    def _intent(self, event: CloudEvent, document: Mapping[str, Any], raw: _Raw) -> Intent:
        try:
            data = self._schema.load(event.data)
        except ValidationError as error:
            problems = flatten_errors(error.normalized_messages(), "data")
            raise self._refuse(raw, document, self._named_sensitive(event.org, raw.now, problems)) from error
        try:
            regulation = regulation_at(self._rulebooks, event.org, data["received_at"])
        except ValidationFailed as error:
            raise self._refuse(raw, document, _in_data(error.problems)) from error
        intent = Intent(
            org=event.org,
            organisation=self._rulebooks.organisation(event.org),
            rules=regulation.sections,
            publisher=_publisher(raw.user) or "",
            **data,
        )
        problems = (*intent_problems(intent, raw.now, self._tolerance), *_beyond_limits(intent))
        if problems:
            raise self._refuse(raw, document, _in_data(problems))
        return intent

    def _named_sensitive(self, org: str, now: datetime, problems: tuple[Problem, ...]) -> tuple[Problem, ...]:
        """Say of unknown fields that are key sensitive (个人关键敏感信息) by which rule they are never taken."""
        privacy = self._rulebooks.for_org(org, now).sections.privacy
        never = {} if privacy is None else privacy.never_taken
        return tuple(
            Problem(problem.field, f"is key sensitive and never taken ({never[name].source})")
            if (name := problem.field.rpartition(".")[2]) in never
            else problem
            for problem in problems
        )

    def refuse(self, reading: Reading, problem: Problem) -> Rejection:
        """Return the rejection of an event that reads well and yet cannot be taken."""
        claims = {"org": reading.event.org, "id": reading.event.id}
        return self._rejection(reading.raw, claims, (problem,))

    def _refuse(self, raw: _Raw, document: Mapping[str, Any], problems: tuple[Problem, ...]) -> Refused:
        reason = "; ".join(f"{p.field}: {p.reason}" for p in problems)
        return Refused(reason, self._rejection(raw, document, problems))

    def _rejection(self, raw: _Raw, document: Mapping[str, Any], problems: tuple[Problem, ...]) -> Rejection:
        claimed = _short(document.get("org"))
        event_id = _short(document.get("id"))
        digest = hashlib.sha256(raw.body).hexdigest()
        # The same refused bytes are kept once, however often they are sent.
        rejected_id = derived_id("rj", raw.user or "", digest)
        rejection = Rejection(
            id=rejected_id,
            org=self._org_or_nobody(claimed, raw.user),
            event_id=event_id,
            event_type=_short(raw.routing_key) or "",
            publisher=_publisher(raw.user) or "",
            reasons=problems,
            body=raw.body[:KEPT_BODY],
            size=len(raw.body),
            rejected_at=raw.now,
        )
        rejection.reject(claimed, Cause(digest, rejection.publisher))
        return rejection

    def _org_or_nobody(self, claimed: str | None, user: str | None) -> str:
        """Return the claimed organisation only if this publisher may send for it: nobody fills another's list."""
        try:
            organisation = self._rulebooks.organisation(claimed or "")
        except NotFound:
            return NOBODY
        return organisation.id if _publisher(user) in organisation.publishers else NOBODY


def _publisher_problems(organisation: Organisation, publisher: str, kind: str) -> tuple[Problem, ...]:
    if publisher not in organisation.publishers:
        return (Problem("user_id", "names a publisher that may not send for this organisation"),)
    if not organisation.may_send(publisher, "types", kind):
        return (Problem("type", "is none this publisher may send for this organisation"),)
    return ()


def _beyond_limits(intent: Intent) -> tuple[Problem, ...]:
    """Return what the organisation does not let this publisher send."""
    limited = {"category": ("categories", intent.category), "channel": ("channels", intent.channel)}
    return tuple(
        Problem(field, "is none this publisher may send for this organisation")
        for field, (what, code) in limited.items()
        if not intent.organisation.may_send(intent.publisher, what, code)
    )


def _in_data(problems: Sequence[Problem]) -> tuple[Problem, ...]:
    return tuple(Problem(f"data.{problem.field}", problem.reason) for problem in problems)


def _publisher(user: str | None) -> str | None:
    if user is None or not user.startswith(_PUBLISHER_PREFIX):
        return None
    return user.removeprefix(_PUBLISHER_PREFIX)


def _short(value: object) -> str | None:
    """Return a value of the sender's as text that is safe to keep and to send back."""
    if not isinstance(value, str):
        return None
    return "".join(character if character.isprintable() else "?" for character in value[:128])
