"""Use cases of people who handle cases and their clocks; each takes effect once per idempotency key."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from services.complaints.domain.case import Case
from services.complaints.domain.states import ContactOutcome
from services.complaints.errors import no_case
from services.complaints.handlers.opening import Rules
from services.complaints.handlers.views import result_view
from services.complaints.metrics import CASES_CLOSED
from shared.aggregate import digest_of
from shared.clock import Clock
from shared.errors import Conflict
from shared.handling import Calling
from shared.history import Cause

if TYPE_CHECKING:
    from services.complaints.repository import CaseRepository

_ATTEMPTS = 5


class Caller(Calling, Protocol):
    """What the use cases need of a call: also which roles the rulebook may grant a step to."""

    @property
    def roles(self) -> frozenset[str]:
        """The caller's roles."""
        ...


class CaseCommands:
    """What every use case that changes one case is made of."""

    def __init__(self, repository: CaseRepository, rules: Rules, clock: Clock) -> None:
        """Use the repository for cases."""
        self._repository = repository
        self._rules = rules
        self._clock = clock

    def _apply(
        self,
        call: Caller,
        data: Mapping[str, Any],
        step: Callable[..., None],
        *arguments: object,
        fields: Sequence[str] = (),
    ) -> dict[str, Any]:
        """Load, take the step, write; a repeat of the command gets the answer it got before.

        ``step`` is a method of Case; it is given ``arguments``, and ``fields`` of ``data`` by their names.
        """
        digest = digest_of(data)
        cause = Cause(call.key, call.actor, call.traceparent)
        for attempt in range(_ATTEMPTS):
            case = self._repository.get(data["id"], call.org)
            if case is None:
                raise no_case(data["id"])
            answered = case.answer_to(call.key, digest)
            if answered is not None:
                return dict(answered)
            since = case.history.next_seq
            step(
                case,
                self._rules.timing(case.org, case.regulation),
                *arguments,
                **{name: data[name] for name in fields},
                roles=call.roles,
                at=self._clock.now(),
                cause=cause,
            )
            case.watch(self._rules.timing(case.org, case.regulation), self._clock.now(), cause)
            result = result_view(case)
            case.remember_answer(call.key, digest, result)
            try:
                self._repository.save(case, since_seq=since)
            except Conflict:
                if attempt == _ATTEMPTS - 1:
                    raise
                continue
            for entry in case.history.since(since):
                if entry.type == "case_closed":
                    CASES_CLOSED.labels(because=entry.data["because"]).inc()
            return result
        raise no_case(data["id"])


class HandleCases(CaseCommands):
    """One method a command; ``data`` is what the command's schema gives."""

    def decide_validity(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Decide whether the complaint stands."""
        return self._apply(call, data, Case.decide_validity, fields=("valid", "ground", "reason"))

    def attempt_contact(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Note an attempt to reach the customer."""
        apologised = [name for name in ("apologised",) if name in data]
        return self._apply(
            call, data, Case.attempt_contact, ContactOutcome(data["outcome"]), fields=apologised
        )

    def progress(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Enter progress into the case."""
        told = [name for name in ("told",) if name in data]
        return self._apply(call, data, Case.progress, data["step"], data["text"], fields=told)

    def reply(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Reply to the customer."""
        return self._apply(
            call, data, Case.reply, data["text"], fields=("final", "next_reply_at", "prevention")
        )

    def close(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Close the case by hand."""
        return self._apply(call, data, Case.close)

    def assign_case(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Hand the case over to somebody."""
        return self._apply(call, data, Case.assign, data["handler"], fields=("note",))

    def set_level(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Give the case another level by authority."""
        return self._apply(call, data, Case.set_level, data["level"], data["reason"])

    def pause_clocks(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Let clocks stand still."""
        return self._apply(call, data, Case.pause_clocks, data["clocks"], fields=("reason", "note"))

    def resume_clocks(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Let paused clocks run again."""
        return self._apply(call, data, Case.resume_clocks, data["clocks"], fields=("note",))

    def request_extension(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Ask for more time for a clock."""
        return self._apply(
            call, data, Case.request_extension, data["clock"], data["amount"], fields=("reason", "note")
        )

    def decide_extension(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Grant or refuse the extension asked for."""
        return self._apply(call, data, Case.decide_extension, data["clock"], fields=("granted", "note"))
