"""Use case: take what gateways and staff report of messages (送达回执), each report once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from services.followup.care_kept import MessagesKept
from services.followup.domain.message import Message
from services.followup.domain.rulebook import FollowupRules
from services.followup.errors import no_message
from services.followup.handlers.consequences import read_data
from services.followup.schemas_care import DeliveredSchema
from shared.acting import Caller, change
from shared.clock import Clock
from shared.errors import Conflict, KefuError, ValidationFailed
from shared.handling import Incoming
from shared.history import Cause
from shared.messaging.envelope import CloudEvent, Undecodable, decode, parse
from shared.regulations import Rulebooks

#: The one type of external event that is taken here.
MESSAGE_DELIVERED = "message.delivered"
#: What is before the name of a publisher in its broker user's name.
_PUBLISHER_PREFIX = "pub-"
#: How far a publisher's clock may run ahead.
_TOLERANCE = timedelta(minutes=5)
_ATTEMPTS = 5


class External(Incoming, Protocol):
    """A message from outside: also under which routing key it came, and from which broker user."""

    routing_key: str
    user_id: str | None


class MessageReports:
    """Takes whole batches; any order and any repetition of the reports of a message ends the same."""

    def __init__(self, messages: MessagesKept, rulebooks: Rulebooks[FollowupRules], clock: Clock) -> None:
        """Use what keeps messages; the rulebooks say who may publish."""
        self._messages, self._rulebooks, self._clock = messages, rulebooks, clock
        self._schema = DeliveredSchema()

    def __call__(self, deliveries: Sequence[External]) -> None:
        """Take each report, or give it up with the reason; raises what another try may help against."""
        reports: list[tuple[External, CloudEvent, Mapping[str, Any]]] = []
        for delivery in deliveries:
            try:
                event = parse(decode(delivery.body, delivery.content_type))
                self._check_sender(event, delivery)
                reports.append((delivery, event, self._read(event)))
            except (Undecodable, KefuError) as error:
                delivery.dead(str(error))
        for _ in range(_ATTEMPTS):
            if not reports:
                return
            reports = self._take(reports)
        raise Conflict("others keep reporting of the same messages: try again")

    def _check_sender(self, event: CloudEvent, delivery: External) -> None:
        """Raise ValidationFailed unless the broker vouches for a publisher that may say this for the organisation."""
        user = delivery.user_id or ""
        publisher = user.removeprefix(_PUBLISHER_PREFIX)
        organisation = self._rulebooks.organisation(event.org)
        if event.type != MESSAGE_DELIVERED or delivery.routing_key != MESSAGE_DELIVERED:
            raise ValidationFailed(f"type: is not {MESSAGE_DELIVERED}, or differs from the routing key")
        if not user.startswith(_PUBLISHER_PREFIX) or publisher not in organisation.publishers:
            raise ValidationFailed("user_id: names no publisher that may send for this organisation")
        if not organisation.may_send(publisher, "types", event.type):
            raise ValidationFailed("type: is none this publisher may send for this organisation")

    def _read(self, event: CloudEvent) -> Mapping[str, Any]:
        data: Mapping[str, Any] = read_data(event, self._schema)
        self._check_time(data["at"])
        return data

    def _check_time(self, at: datetime) -> None:
        if at > self._clock.now() + _TOLERANCE:
            raise ValidationFailed("data.at: lies in the future")

    def _take(
        self, reports: Sequence[tuple[External, CloudEvent, Mapping[str, Any]]]
    ) -> list[tuple[External, CloudEvent, Mapping[str, Any]]]:
        """Write what is reported; return what somebody else was faster with."""
        now = self._clock.now()
        kept = self._messages.with_ids([data["message_id"] for _, _, data in reports])
        since = {key: message.history.next_seq for key, message in kept.items()}
        for delivery, event, data in reports:
            message = kept.get(data["message_id"])
            if message is None or message.org != event.org:
                delivery.dead(str(no_message(data["message_id"])))
            elif not message.report(data["status"], data["at"], now, _cause(event, delivery)):
                delivery.duplicate()
        changed = [(m, since[key]) for key, m in kept.items() if m.history.next_seq > since[key]]
        lost = self._messages.save_all(changed) if changed else ()
        return [report for report in reports if report[2]["message_id"] in lost]

    def report(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Take what a member of staff knows of a message, such as that the client acknowledged it."""

        def step(message: Message, cause: Cause) -> None:
            now = self._clock.now()
            at = data["at"] or now
            self._check_time(at)
            message.report(data["status"], at, now, cause)

        return change(self._messages, call, data, "message", step, _reported)


def _cause(event: CloudEvent, delivery: External) -> Cause:
    publisher = (delivery.user_id or "").removeprefix(_PUBLISHER_PREFIX)
    return Cause(event.key, publisher, event.traceparent)


def _reported(message: Message) -> dict[str, Any]:
    return {"message_id": message.id, "status": message.status.value}
