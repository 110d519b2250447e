"""Use cases of those who call back, and of gateways: record a call, look up, word a message."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from services.followup.domain.callback import Call, Callback
from services.followup.domain.message import Message, wording
from services.followup.domain.rulebook import CallbackRule, Effect, FollowupRules, MessageTemplate
from services.followup.errors import no_callback, no_message, no_rule, no_template
from services.followup.handlers.recording import WriteDown
from services.followup.handlers.views import (
    callback_view,
    calls_view,
    history_view,
    message_view,
    outcomes_view,
)
from services.followup.handlers.when import CallTimes
from services.followup.metrics import CALLBACKS_MADE, CALLS_AT_QUIET_TIME
from services.followup.schemas import CallbackList
from shared.aggregate import digest_of
from shared.clock import Clock
from shared.errors import Conflict
from shared.handling import Calling
from shared.history import Cause
from shared.regulations import Rulebooks
from shared.worktime import Calendars

_ATTEMPTS = 5


class Shelf(Protocol):
    """What the use cases need of the repository; every read is of one organisation."""

    def callback(self, callback_id: str, org: str) -> Callback | None:
        """Return one callback."""
        ...

    def callbacks(self, org: str, **query: Any) -> list[Callback]:
        """Return a page of callbacks by due time; see ``CallbacksKept.page``."""
        ...

    def zones(self, org: str) -> list[str | None]:
        """Return the zones of the customers who are still to be called."""
        ...

    def message(self, message_id: str, org: str) -> Message | None:
        """Return one message."""
        ...

    def messages(
        self,
        org: str,
        *,
        case_id: str | None = None,
        campaign_id: str | None = None,
        status: str | None = None,
        now: datetime | None = None,
        limit: int,
        skip: int,
    ) -> list[Message]:
        """Return a page of messages, newest first."""
        ...

    def save(self, changes: Sequence[tuple[Callback, int]]) -> Collection[str]:
        """Write changed callbacks; return the ids of those that somebody else changed meanwhile."""
        ...


class Desk:
    """The use cases, each scoped to the caller's organisation."""

    def __init__(
        self,
        repository: Shelf,
        rulebooks: Rulebooks[FollowupRules],
        clock: Clock,
        times: CallTimes | None = None,
    ) -> None:
        """A callback and a message stay under the version of the rulebook they were made under."""
        self._times = times or CallTimes(rulebooks, Calendars())
        self._repository = repository
        self._rulebooks = rulebooks
        self._clock = clock
        self._records = WriteDown(rulebooks)

    def complete(self, call: Calling, data: Mapping[str, Any]) -> dict[str, Any]:
        """Record a call made; a repeat of the command gets the first answer and changes nothing.

        Raises NotFound, ValidationFailed, RuleRefused (see Callback.take), and Conflict when others keep
        changing the same callback or the key was used with other arguments.
        """
        digest = digest_of(data)
        for _ in range(_ATTEMPTS):
            callback = self._callback(call.org, data["id"])
            given = callback.answer_to(call.key, digest)
            if given is not None:
                return dict(given)
            since = callback.history.next_seq
            effect = self._take(callback, call, data)
            answer = callback_view(callback, self._clock.now())
            callback.remember_answer(call.key, digest, answer)
            if self._repository.save([(callback, since)]):
                continue
            CALLBACKS_MADE.labels(outcome=data["outcome"], effect=effect.value).inc()
            CALLS_AT_QUIET_TIME.inc(callback.calls[-1].in_quiet_hours)
            return answer
        raise Conflict(f"callback {data['id']} keeps being changed by others: try again")

    def _take(self, callback: Callback, call: Calling, data: Mapping[str, Any]) -> Effect:
        rule = self._rule(callback)
        outcome = rule.outcome(data["outcome"])
        reached = data["reached"]
        if reached is None:
            reached = outcome is not None and outcome.effect is not Effect.RETRY
        now = self._clock.now()
        made = Call(
            now,
            call.actor,
            data["outcome"],
            reached,
            data["note"],
            data.get("channel"),
            self._times.quiet(callback, now),
        )
        written, opened = self._records.of_call(callback, made, outcome, data.get("record"))
        return callback.take(
            made,
            rule,
            Cause(call.key, call.actor, call.traceparent),
            next_from=self._times.next_attempt(callback, rule, now),
            written=written,
            opened=opened,
            channels=self._rulebooks.for_org(callback.org, now).sections.callback_channels,
        )

    def callback(self, org: str, callback_id: str) -> dict[str, Any]:
        """Return one callback with the calls made and the outcomes its rule permits."""
        callback = self._callback(org, callback_id)
        return {
            **callback_view(callback, self._clock.now()),
            "calls": calls_view(callback),
            "outcomes": outcomes_view(self._rule(callback)),
        }

    def callbacks(self, org: str, query: Mapping[str, Any], actor: str | None = None) -> list[dict[str, Any]]:
        """Return a page of callbacks, the earliest due first and those without a due time last.

        The list ``mine`` holds those of ``actor``, ``now`` those whose customers may be called at this minute.
        """
        now = self._clock.now()
        asked = dict(query)
        worklist, day = asked.pop("list", None), asked.pop("due_on", None)
        if worklist == CallbackList.TODAY:
            day = self._times.today(org, now)
        if worklist == CallbackList.NOW:
            asked["zones"] = self._times.open_zones(org, now, self._repository.zones(org))
        if worklist:
            asked |= {"worklist": worklist, "holder": actor}
        if day is not None:
            asked["due"] = self._times.day(org, day)
        return [
            callback_view(callback, now) for callback in self._repository.callbacks(org, now=now, **asked)
        ]

    def callback_history(self, org: str, callback_id: str) -> dict[str, Any]:
        """Return a callback's history and what is wrong with its chain, if anything."""
        return history_view(self._callback(org, callback_id).history)

    def messages(self, org: str, query: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return a page of messages, newest first, each with what its template still wants to know."""
        return [
            message_view(message, self._template(message))
            for message in self._repository.messages(org, now=self._clock.now(), **query)
        ]

    def render(self, org: str, message_id: str, values: Mapping[str, str]) -> dict[str, Any]:
        """Return the message as the customer gets it; see ``wording`` for what is refused. Keeps nothing."""
        message = self._repository.message(message_id, org)
        if message is None:
            raise no_message(message_id)
        return {"message_id": message.id, "text": wording(self._template(message), message, values)}

    def _callback(self, org: str, callback_id: str) -> Callback:
        callback = self._repository.callback(callback_id, org)
        if callback is None:
            raise no_callback(callback_id)
        return callback

    def _rule(self, callback: Callback) -> CallbackRule:
        rule = self._rulebooks.of_version(callback.org, callback.regulation).sections.callback(callback.rule)
        if rule is None:
            raise no_rule(callback.rule)
        return rule

    def _template(self, message: Message) -> MessageTemplate:
        rules = self._rulebooks.of_version(message.org, message.regulation).sections
        template = rules.message(message.template)
        if template is None:
            raise no_template(message.template)
        return template
