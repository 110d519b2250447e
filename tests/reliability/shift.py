"""What everybody has who works while things break: the run they belong to, and how they send and note down."""

from __future__ import annotations

import queue
import threading
import time
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from shared.errors import Unavailable
from shared.messaging.publisher import Fate, Outgoing, PipelinedPublisher
from shared.testing.checker import Ledger
from tests.integration.bus import EVERY_ROLE
from tests.integration.process_stack import ProcessStack

ORG = "plaza-demo"
#: Kinds of operations in the ledger beside the commands, which go by their method.
CONTACTS = "events of contacts"
REJECTED = "events to be rejected"
DEAD = "messages to be dead-lettered"

#: Everybody may do everything; that nobody approves what is their own is up to the names.
_ROLES = (*EVERY_ROLE, "cs_vice_president", "cs_senior_executive")
#: Seconds a caller repeats what was not answered before it gives up for good.
PERSISTENCE = 90.0


@dataclass
class Shared:
    """What the workers of one run have in common."""

    stack: ProcessStack
    run: str
    ledger: Ledger
    stop: threading.Event = field(default_factory=threading.Event)
    #: Complaints a publisher knows to be taken, for the people who handle them.
    taken: queue.SimpleQueue[dict[str, Any]] = field(default_factory=queue.SimpleQueue)
    claimed: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)
    #: Ids of the complaints that came in too late, whose first clock must breach once.
    late: set[str] = field(default_factory=set)
    failures: list[str] = field(default_factory=list)
    tokens: dict[str, str] = field(default_factory=dict)

    def token(self, subject: str) -> str:
        """Return the token of a member of staff; the same one for the whole run."""
        with self.lock:
            if subject not in self.tokens:
                self.tokens[subject] = self.stack.token(ORG, _ROLES, subject=subject)
            return self.tokens[subject]

    def claim(self, case_id: str) -> bool:
        """Return whether the case is still nobody's, and take it."""
        with self.lock:
            fresh = case_id not in self.claimed
            self.claimed.add(case_id)
            return fresh


class Worker:
    """One thread of the workload; whatever it cannot explain is noted as a failure of the run."""

    def __init__(self, shared: Shared, rng: Random) -> None:
        self.shared = shared
        self.rng = rng

    def work(self) -> None:
        try:
            self.toil()
        except Exception as error:  # noqa: BLE001 - reported by the test, in its own thread
            self.shared.failures.append(f"{self}: {type(error).__name__}: {error}")

    def toil(self) -> None:
        raise NotImplementedError

    def __str__(self) -> str:
        return type(self).__name__


def publish_until_confirmed(publisher: PipelinedPublisher, messages: list[Outgoing]) -> bool:
    """Publish until the broker confirmed every message; False if it would not within a minute and a half."""
    deadline = time.monotonic() + PERSISTENCE
    while time.monotonic() < deadline:
        try:
            return set(publisher.publish(messages)) == {Fate.CONFIRMED}
        except Unavailable:
            time.sleep(0.2)
    return False


def contact_key(event: dict[str, Any]) -> str:
    """Return the cause that a contact registered for ``event`` carries."""
    return f"{event['source']}#{event['id']}"


def command_key(method: str, key: str) -> str:
    """Return the cause that the effect of a command carries."""
    return f"{ORG}/{method.partition('.')[2]}/{key}"


def sent_by(message: Outgoing, user: str) -> Outgoing:
    """Return the message as sent by another of the broker's users."""
    return replace(message, user_id=user)
