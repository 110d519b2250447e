"""Playing what staff do about one complaint: decide, contact, reply, call back, handle again, close."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any

from kefu.demo.colleagues import Colleague, Colleagues
from kefu.demo.model import Reaction, Stage
from kefu.demo.walking import Walker
from kefu.local.waiting import wait_until
from shared.errors import KefuError
from shared.history import timestamp

PATIENCE = 60.0

#: The state a case must be in when staff have come that far with it.
STATES: dict[Stage, str] = {
    "untouched": "received",
    "accepted": "accepted",
    "refused": "closed",
    "replied": "replied",
    "satisfied": "closed",
    "dissatisfied": "accepted",
    "reworked": "closed",
}
_INTERIM = "正在处理,届时再向您答复。"


class NotSeen(KefuError):
    """Something that should have happened by itself did not happen in time."""

    code = "not_seen"


@dataclass(frozen=True, slots=True)
class Task:
    """One case and what staff do about it; ``name`` is the event that raised it."""

    org: str
    case_id: str
    name: str
    reaction: Reaction


class Handling:
    """Plays reactions over RPC; may be shared between threads."""

    def __init__(
        self, colleagues: Colleagues, run: str, *, closed_by_hand: Collection[str], stop: Event
    ) -> None:
        """Mark idempotency keys by ``run``; stop waiting once ``stop`` is set.

        ``closed_by_hand`` are the organisations whose rulebook lets no callback close a case.
        """
        self._colleagues = colleagues
        self._run = run
        self._closed_by_hand = closed_by_hand
        self._stop = stop
        self._walker = Walker(colleagues)

    def play(self, task: Task) -> None:
        """Do everything the reaction holds, in its order; raises the error of whatever was refused."""
        reaction = task.reaction
        if reaction.valid is None:
            return
        self._walk(task)
        decision = {"valid": reaction.valid, "ground": reaction.ground, "reason": reaction.reason}
        self._handle(task, "decide_validity", "validity", **decision)
        for number, outcome in enumerate(reaction.contacts, 1):
            self._handle(task, "attempt_contact", f"contact-{number}", outcome=outcome)
        if reaction.reply is None:
            return
        if reaction.next_reply is not None:
            self._promise(task, reaction.next_reply)
        self._reply(task, 1, reaction.reply)
        for number, answer in enumerate(reaction.callbacks, 1):
            if number > 1:
                self._wait_for_reopening(task)
                self._reply(task, number, reaction.rework_reply or reaction.reply)
            callback_id = self._wait_for_callback(task, number)
            said = {"outcome": answer.outcome, "note": answer.opinion}
            key = self._key(task, f"callback-{number}")
            self._colleagues.order(
                task.org, Colleague.CALLER, "followup.complete_callback", key, id=callback_id, **said
            )
        if reaction.callbacks and STATES[reaction.stage] == "closed" and task.org in self._closed_by_hand:
            self._handle(task, "close_case", "close")

    def _promise(self, task: Task, later: timedelta) -> None:
        moment = timestamp(datetime.now(UTC) + later)
        self._handle(task, "reply", "interim", text=_INTERIM, final=False, next_reply_at=moment)

    def _reply(self, task: Task, number: int, text: str) -> None:
        self._walk(task)
        self._handle(task, "reply", f"reply-{number}", text=text, prevention=task.reaction.prevention)
        # What follows the reply must be done before a callback can close the case.
        self._walk(task)
        if task.reaction.valid:
            self._walker.file(task.org, task.case_id, lambda step: self._key(task, step))

    def _walk(self, task: Task) -> None:
        self._walker.walk(task.org, task.case_id, lambda step: self._key(task, step))

    def _handle(self, task: Task, method: str, step: str, **arguments: Any) -> None:
        if self._stop.is_set():
            raise NotSeen(f"the case of {task.name} was left where it was: the demo is being stopped")
        key = self._key(task, step)
        self._colleagues.order(
            task.org, Colleague.HANDLER, f"complaints.{method}", key, id=task.case_id, **arguments
        )

    def _key(self, task: Task, step: str) -> str:
        return f"{self._run}/{task.name}/{step}"

    def _wait_for_callback(self, task: Task, number: int) -> str:
        found: list[str] = []

        def scheduled() -> bool:
            rows = self._colleagues.ask(
                task.org, "followup.list_callbacks", case_id=task.case_id, state="open"
            )
            found.extend(row["callback_id"] for row in rows if row["round"] == number)
            return bool(found)

        self._wait(scheduled, f"no callback was scheduled for reply {number} on the case of {task.name}")
        return found[0]

    def _wait_for_reopening(self, task: Task) -> None:
        def reopened() -> bool:
            case = self._colleagues.ask(task.org, "complaints.get_case", id=task.case_id)
            return bool(case["state"] == "accepted")

        self._wait(reopened, f"the case of {task.name} was not reopened after an unhappy callback")

    def _wait(self, condition: Callable[[], bool], otherwise: str) -> None:
        if not wait_until(lambda: self._stop.is_set() or condition(), PATIENCE) or self._stop.is_set():
            raise NotSeen(f"{otherwise} within {PATIENCE:g} s")
