"""Use cases of people who handle cases and their clocks; each takes effect once per idempotency key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from services.complaints.domain.case import Case
from services.complaints.domain.states import ContactOutcome
from services.complaints.domain.timing import Timing
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

Step = Callable[[Case, Timing, Cause], None]


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

    def _apply(self, call: Caller, data: Mapping[str, Any], step: Step) -> dict[str, Any]:
        """Load, take the step, write; a repeat of the command gets the answer it got before."""
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
            step(case, self._rules.timing(case.org, case.regulation), cause)
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

        def step(case: Case, timing: Timing, cause: Cause) -> None:
            case.decide_validity(
                timing,
                valid=data["valid"],
                ground=data["ground"],
                reason=data["reason"],
                roles=call.roles,
                at=self._clock.now(),
                cause=cause,
            )

        return self._apply(call, data, step)

    def attempt_contact(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Note an attempt to reach the customer."""

        def step(case: Case, timing: Timing, cause: Cause) -> None:
            outcome = ContactOutcome(data["outcome"])
            case.attempt_contact(timing, outcome, roles=call.roles, at=self._clock.now(), cause=cause)

        return self._apply(call, data, step)

    def progress(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Enter progress into the case."""

        def step(case: Case, timing: Timing, cause: Cause) -> None:
            case.progress(
                timing, data["step"], data["text"], roles=call.roles, at=self._clock.now(), cause=cause
            )

        return self._apply(call, data, step)

    def reply(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Reply to the customer."""

        def step(case: Case, timing: Timing, cause: Cause) -> None:
            case.reply(
                timing,
                data["text"],
                final=data["final"],
                next_reply_at=data["next_reply_at"],
                prevention=data["prevention"],
                roles=call.roles,
                at=self._clock.now(),
                cause=cause,
            )

        return self._apply(call, data, step)

    def close(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Close the case by hand."""

        def step(case: Case, timing: Timing, cause: Cause) -> None:
            case.close(timing, roles=call.roles, at=self._clock.now(), cause=cause)

        return self._apply(call, data, step)

    def pause_clocks(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Let clocks stand still."""

        def step(case: Case, timing: Timing, cause: Cause) -> None:
            case.pause_clocks(
                timing,
                data["clocks"],
                reason=data["reason"],
                note=data["note"],
                roles=call.roles,
                at=self._clock.now(),
                cause=cause,
            )

        return self._apply(call, data, step)

    def resume_clocks(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Let paused clocks run again."""

        def step(case: Case, timing: Timing, cause: Cause) -> None:
            case.resume_clocks(
                timing,
                data["clocks"],
                note=data["note"],
                roles=call.roles,
                at=self._clock.now(),
                cause=cause,
            )

        return self._apply(call, data, step)

    def request_extension(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Ask for more time for a clock."""

        def step(case: Case, timing: Timing, cause: Cause) -> None:
            case.request_extension(
                timing,
                data["clock"],
                data["amount"],
                reason=data["reason"],
                note=data["note"],
                roles=call.roles,
                at=self._clock.now(),
                cause=cause,
            )

        return self._apply(call, data, step)

    def decide_extension(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Grant or refuse the extension asked for."""

        def step(case: Case, timing: Timing, cause: Cause) -> None:
            case.decide_extension(
                timing,
                data["clock"],
                granted=data["granted"],
                note=data["note"],
                roles=call.roles,
                at=self._clock.now(),
                cause=cause,
            )

        return self._apply(call, data, step)
