"""How a whole case is told: people act one after the other, and what the system says of it becomes a table."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from kefu.demo.arrivals import LOCAL
from kefu.demo.colleagues import Colleague, Colleagues, Person
from kefu.demo.handling import PATIENCE, NotSeen
from kefu.demo.messages import CONTACT_RECEIVED, CONTENT_TYPE, encode
from kefu.local.waiting import wait_until
from kefu.reach import Reach
from kefu.secrets import publisher_user
from shared.errors import NotFound, RuleRefused
from shared.ids import derived_id
from shared.messaging.publisher import Fate, Outgoing, PipelinedPublisher
from shared.messaging.topology import EXTERNAL_EXCHANGE


@dataclass(frozen=True, slots=True)
class Told:
    """One row of a story: what happened, what the rules make of it, and what the system says."""

    what: str
    expected: str
    found: str

    @property
    def right(self) -> bool:
        """Return whether the system says what the rules make of it."""
        return self.expected == self.found


@dataclass(slots=True)
class Story:
    """A whole case of ``org``; ``rows`` is how many it has when told to its end, ``note`` what it leaves out."""

    title: str
    org: str
    rows: int
    note: str = ""
    told: list[Told] = field(default_factory=list)
    failure: str | None = None

    @property
    def right(self) -> int:
        """Return how many rows are told and right."""
        return sum(row.right for row in self.told)


class Scene:
    """One story's people and customers; every command is given under a key of its own."""

    def __init__(self, colleagues: Colleagues, reach: Reach, run: str, story: Story) -> None:
        """``run`` marks event ids, keys and problems, so that runs against one broker do not meet."""
        self.colleagues = colleagues
        self.run = run
        self.org = story.org
        self._reach = reach
        self._story = story
        self._numbers = itertools.count(1)

    def key(self, name: str) -> str:
        """Return the idempotency key of the step ``name``."""
        return f"{self.run}/{self.org}/{name}"

    def tell(self, what: str, expected: object, found: object) -> None:
        """Compare what the rules make of something with what the system says."""
        self._story.told.append(Told(what, str(expected), str(found)))

    def ask(self, method: str, *, who: Person | None = None, **arguments: Any) -> Any:
        """Return the answer to a query of ``who``, of the head if nobody is named."""
        return self.colleagues.ask(self.org, method, who=who or Colleague.HEAD, **arguments)

    def do(self, person: Person, method: str, **arguments: Any) -> Any:
        """Let ``person`` give a command."""
        key = self.key(str(next(self._numbers)))
        return self.colleagues.order(self.org, person, method, key, **arguments)

    def refused(self, what: str, rule: str, person: Person, method: str, **arguments: Any) -> None:
        """Let ``person`` try what the rules forbid; told is the rule by which it is refused."""
        try:
            self.do(person, method, **arguments)
        except RuleRefused as refusal:
            self.tell(what, rule, refusal.rule)
        else:
            self.tell(what, rule, "not refused")

    def complain(
        self, customers: range, *, hours_ago: int = 0, channel: str = "phone", **complaint: Any
    ) -> list[str]:
        """Publish a complaint of each of ``customers`` of the hotline; return the ids of the contacts."""
        user, received = publisher_user("hotline"), datetime.now(UTC) - timedelta(hours=hours_ago)
        events = [self._event(number, channel, received, complaint) for number in customers]
        batch = [
            Outgoing(
                exchange=EXTERNAL_EXCHANGE,
                routing_key=CONTACT_RECEIVED,
                body=encode(event),
                message_id=event["id"],
                content_type=CONTENT_TYPE,
                user_id=user,
            )
            for event in events
        ]
        publisher = PipelinedPublisher(self._reach.url_of(user))
        try:
            if publisher.publish(batch) != [Fate.CONFIRMED] * len(batch):
                raise NotSeen("the broker did not take every complaint")
        finally:
            publisher.close()
        return [derived_id("ct", event["source"], event["id"]) for event in events]

    def _event(
        self, number: int, channel: str, received: datetime, complaint: dict[str, Any]
    ) -> dict[str, Any]:
        customer = {"kind": "household", "name": f"测试{number}户", "phone": f"1380000{number:04d}"}
        return {
            "specversion": "1.0",
            "id": f"{self.run}-{self.org}-{next(self._numbers)}",
            "source": f"/hotline/{self.org}",
            "type": CONTACT_RECEIVED,
            "org": self.org,
            "data": {
                "channel": channel,
                "category": "complaint",
                "received_at": received.astimezone(LOCAL).isoformat(timespec="seconds"),
                "customer": {**customer, "unit": f"T9-{number:03d}"},
                "text": "投诉",
                "complaint": complaint,
            },
        }

    def case_of(self, contact_id: str, **wanted: Any) -> dict[str, Any]:
        """Return the case of a contact once it looks as ``wanted``."""

        def look() -> dict[str, Any] | None:
            try:
                case: dict[str, Any] = self.ask("complaints.get_case_of_contact", contact_id=contact_id)
            except NotFound:
                return None
            return case if wanted.items() <= case.items() else None

        found: dict[str, Any] = self.until(look, f"the case of {contact_id} was not seen with {wanted}")
        return found

    def until(self, look: Callable[[], Any], otherwise: str) -> Any:
        """Return what ``look`` finds as soon as it finds anything; NotSeen when it does not in time."""
        found: list[Any] = []

        def there() -> bool:
            one = look()
            if one:
                found.append(one)
            return bool(one)

        if not wait_until(there, PATIENCE):
            raise NotSeen(f"{otherwise} within {PATIENCE:g} s")
        return found[0]

    def call_back(self, caller: Person, case_id: str) -> None:
        """Let the customer be satisfied at the callback, once it is asked for."""
        asked: dict[str, Any] = {"case_id": case_id, "state": "open"}
        rows = self.until(
            lambda: self.ask("followup.list_callbacks", **asked), f"no callback of {case_id} was asked for"
        )
        self.do(caller, "followup.complete_callback", id=rows[0]["callback_id"], outcome="satisfied")


def taken(scene: Scene, case_id: str) -> dict[str, int]:
    """Return how often each step of a case's path was taken."""
    steps = scene.ask("complaints.get_case", id=case_id)["steps"]
    return {row["step"]: len(row["taken"]) for row in steps}


def clock_of(case: dict[str, Any], name: str) -> str:
    """Return the state of the clock ``name`` of a case; empty when it has none."""
    return next((row["state"] for row in reversed(case["deadlines"]) if row["name"] == name), "")
