"""Made-up events of cases, as the other services publish them, and the deliveries that carry them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from services.reporting.domain.event import ArchivedEvent, concerned
from shared.history import timestamp

#: The organisations that come with the repository.
ORGANISATIONS = Path(__file__).parents[3] / "organisations"
ORG = "property-demo"
#: Morning of a day in the middle of November in China.
START = datetime(2026, 11, 10, 1, 0, tzinfo=UTC)
DUE = START + timedelta(days=2)
CLOCKS = ({"name": "close", "due_at": timestamp(DUE), "provisional": False},)


@dataclass
class Story:
    """Writes down what happens to one case, numbering the events of each subject as their service does."""

    case_id: str = "cs_1"
    org: str = ORG
    received_at: datetime = START
    events: list[ArchivedEvent] = field(default_factory=list)

    def tell(self, source: str, kind: str, subject: str, data: Mapping[str, Any]) -> Story:
        """Let ``kind`` happen to ``subject``."""
        sequence = 1 + sum(event.subject == subject for event in self.events)
        self.events.append(
            ArchivedEvent(
                key=f"/kefu/{source}#{subject}.{sequence}",
                org=self.org,
                source=source,
                type=kind,
                subject=subject,
                sequence=sequence,
                time=START + timedelta(minutes=len(self.events)),
                about=concerned(subject, data),
                data=dict(data),
            )
        )
        return self

    def case(self, kind: str, **data: Any) -> Story:
        """Let ``kind`` happen to the case."""
        return self.tell("complaints", kind, self.case_id, {"case_id": self.case_id, **data})

    def callback(self, kind: str, number: int = 1, **data: Any) -> Story:
        """Let ``kind`` happen to the ``number``-th callback of the case."""
        callback_id = f"{self.case_id}-cb{number}"
        return self.tell(
            "followup", kind, callback_id, {"callback_id": callback_id, "case_id": self.case_id, **data}
        )

    def opened(self, level: str = "minor", clocks: tuple[Mapping[str, Any], ...] = CLOCKS) -> Story:
        """Open the case."""
        return self.case(
            "case_opened",
            number=f"PRO-{self.case_id}",
            contact_id=f"ct-{self.case_id}",
            level=level,
            received_at=timestamp(self.received_at),
            clocks=list(clocks),
        )

    def accepted(self, clocks: tuple[Mapping[str, Any], ...] = CLOCKS) -> Story:
        """Find the complaint valid."""
        return self.case("case_accepted", ground=None, accepted_at=timestamp(START), clocks=list(clocks))

    def replied(self, *, valid: bool = True, number: int = 1) -> Story:
        """Answer the customer for good."""
        return self.case(
            "case_replied", valid=valid, replied_at=timestamp(START + timedelta(days=1)), round=number
        )

    def closed(self, *, valid: bool = True, on_time: bool = True) -> Story:
        """Close the case."""
        at = timestamp(START + timedelta(days=3))
        return self.case("case_closed", closed_at=at, valid=valid, on_time=on_time, because="callback")

    def reopened(self) -> Story:
        """Open the case again."""
        return self.case("case_reopened", callback_id="cb", reopened_at=timestamp(START), round=2)

    def breached(self, clock: str = "close", due_at: datetime = DUE) -> Story:
        """Let a deadline pass."""
        return self.case("clock_breached", clock=clock, due_at=timestamp(due_at), level="minor")

    def met(self, clock: str = "close", *, on_time: bool = True) -> Story:
        """Meet a deadline."""
        return self.case(
            "clock_met", clock=clock, due_at=timestamp(DUE), met_at=timestamp(DUE), on_time=on_time
        )

    def called_back(self, outcome: str = "satisfied", number: int = 1) -> Story:
        """Schedule a callback and make it."""
        self.callback("callback_scheduled", number, round=number, due_at=None)
        kind = "callback_unsatisfied" if outcome == "dissatisfied" else "callback_completed"
        return self.callback(kind, number, outcome=outcome, completed_at=timestamp(DUE))


@dataclass(eq=False)
class FakeDelivery:
    """A delivery that remembers what was said of it."""

    body: bytes
    content_type: str | None = "application/cloudevents+json"
    outcome: str = "done"
    reason: str | None = None

    def duplicate(self) -> None:
        """Remember that the event was known."""
        self.outcome = "duplicate"

    def dead(self, reason: str) -> None:
        """Remember that it cannot be handled."""
        self.outcome, self.reason = "dead", reason


def delivery(event: ArchivedEvent, **changed: Any) -> FakeDelivery:
    """Return the event as it comes from the bus, attributes of its envelope ``changed``."""
    source, _, event_id = event.key.partition("#")
    envelope = {
        "specversion": "1.0",
        "id": event_id,
        "source": source,
        "type": event.type,
        "subject": event.subject,
        "time": timestamp(event.time),
        "org": event.org,
        "sequence": str(event.sequence),
        "data": dict(event.data),
    }
    return FakeDelivery(json.dumps(envelope | changed).encode())


def digest(events: Sequence[ArchivedEvent], **changed: Any) -> FakeDelivery:
    """Return events of one source and organisation as they come from the bus in one digest."""
    rows = [json.loads(delivery(event).body) for event in events]
    first = rows[0]
    own = ("id", "type", "subject", "time", "sequence", "data")
    envelope = {name: first[name] for name in ("specversion", "source", "time", "org")} | {
        "id": "dg_1.1",
        "type": "clocks_digested",
        "subject": "dg_1",
        "sequence": "1",
        "data": {
            "digest_id": "dg_1",
            "round": "tick_1",
            "events": [{name: row[name] for name in own} for row in rows],
        },
    }
    return FakeDelivery(json.dumps(envelope | changed).encode())


def contact(
    number: int, received_at: datetime, *, category: str = "enquiry", channel: str = "phone"
) -> Story:
    """Return the story of one contact."""
    contact_id = f"ct_{number}"
    data = {
        "contact_id": contact_id,
        "number": f"PRO-{number}",
        "category": category,
        "channel": channel,
        "received_at": timestamp(received_at),
    }
    return Story().tell("intake", "contact_registered", contact_id, data)
