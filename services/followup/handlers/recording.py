"""Use cases of what is written down of callbacks: with the call, filled in afterwards, and listed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from services.followup.domain.callback import Call, Callback, State
from services.followup.domain.recording import Opened, Record, RecordForm, opened_by, write_down
from services.followup.domain.rulebook import Effect, FollowupRules, Outcome
from services.followup.errors import no_callback, no_record_form
from shared.aggregate import digest_of
from shared.clock import Clock
from shared.errors import Conflict, Problem, RuleRefused, ValidationFailed
from shared.handling import Calling
from shared.history import Cause, timestamp
from shared.regulations import Rulebooks

_ATTEMPTS = 5


class WriteDown:
    """Knows the forms of the rulebooks; does no I/O."""

    def __init__(self, rulebooks: Rulebooks[FollowupRules]) -> None:
        """A record stays under the version of the rulebook its callback was made under."""
        self._rulebooks = rulebooks

    def form(self, callback: Callback) -> RecordForm | None:
        """Return the form of the callback's rule, if it has one."""
        return self._rules(callback).record_form(callback.rule)

    def of_call(
        self, callback: Callback, call: Call, outcome: Outcome | None, given: Mapping[str, Any] | None
    ) -> tuple[Record | None, Sequence[Opened]]:
        """Return what a call that ends the callback writes down and opens; nothing while it stays open.

        Raises what ``write_down`` raises; RuleRefused when the form is demanded and not there, or filled in before.
        """
        form = self.form(callback)
        if callback.state is not State.OPEN and given is not None and callback.written and form:
            raise RuleRefused("there is one form for each callback", rule=form.source)
        if callback.state is not State.OPEN or outcome is None or outcome.effect is Effect.RETRY:
            return None, ()
        if given is None and form is not None and form.demanded and form.demanded.value:
            given = {}
        written = (
            None if given is None else self._write(callback, form, outcome.code, given, call.at, call.by)
        )
        return written, self._opened(callback, outcome.code, written, call.at)

    def later(
        self, callback: Callback, given: Mapping[str, Any], at: datetime, by: str
    ) -> tuple[Record, Sequence[Opened]]:
        """Return the record with what was missing; as ``of_call``."""
        if callback.outcome is None:
            message = "what was said is written down with the call that ends the callback"
            raise ValidationFailed(message, problems=(Problem("id", "is still to be called"),))
        written = self._write(callback, self.form(callback), callback.outcome, given, at, by)
        return written, self._opened(callback, callback.outcome, written, at)

    def _write(
        self,
        callback: Callback,
        form: RecordForm | None,
        outcome: str,
        given: Mapping[str, Any],
        at: datetime,
        by: str,
    ) -> Record:
        if form is None:
            raise no_record_form(callback.rule)
        return write_down(form, outcome, given, at=at, by=by, before=callback.written)

    def _opened(
        self, callback: Callback, outcome: str, written: Record | None, at: datetime
    ) -> Sequence[Opened]:
        rules = self._rules(callback)
        today = local_day(self._rulebooks, callback.org, at)
        return opened_by(rules.remedies, self.form(callback), callback.rule, outcome, written, today)

    def _rules(self, callback: Callback) -> FollowupRules:
        return self._rulebooks.of_version(callback.org, callback.regulation).sections


def local_day(rulebooks: Rulebooks[FollowupRules], org: str, at: datetime) -> date:
    """Return the day it is at ``at`` where ``org`` is."""
    return at.astimezone(ZoneInfo(rulebooks.organisation(org).time_zone)).date()


class Recorded(Protocol):
    """What the use cases need of the repository."""

    def callback(self, callback_id: str, org: str) -> Callback | None:
        """Return one callback."""
        ...

    def save(self, changes: Sequence[tuple[Callback, int]]) -> Collection[str]:
        """Write changed callbacks; return the ids of those that somebody else changed meanwhile."""
        ...


class Listing(Protocol):
    """Where callbacks with a record are found."""

    def recorded(self, org: str, *, where: Mapping[str, Any], limit: int, skip: int) -> list[Callback]:
        """Return a page of callbacks with a record, the newest first."""
        ...


class Records:
    """The use cases, each scoped to the caller's organisation."""

    def __init__(
        self, repository: Recorded, listing: Listing, rulebooks: Rulebooks[FollowupRules], clock: Clock
    ) -> None:
        """Read and write callbacks."""
        self._repository, self._listing = repository, listing
        self._write = WriteDown(rulebooks)
        self._clock = clock

    def fill(self, call: Calling, data: Mapping[str, Any]) -> dict[str, Any]:
        """Fill in what the record of a made call lacks; a repeat of the command gets the first answer.

        Raises NotFound, ValidationFailed, RuleRefused (see ``write_down``), and Conflict when others keep changing
        the same callback.
        """
        digest = digest_of(data)
        for _ in range(_ATTEMPTS):
            callback = self._repository.callback(data["id"], call.org)
            if callback is None:
                raise no_callback(data["id"])
            given = callback.answer_to(call.key, digest)
            if given is not None:
                return dict(given)
            since, now = callback.history.next_seq, self._clock.now()
            written, opened = self._write.later(callback, data["record"], now, call.actor)
            cause = Cause(call.key, call.actor, call.traceparent)
            callback.keep_record(written, opened, str(callback.outcome), now, cause)
            answer = row_view(callback, written, values=False)
            callback.remember_answer(call.key, digest, answer)
            if not self._repository.save([(callback, since)]):
                return answer
        raise Conflict(f"callback {data['id']} keeps being changed by others: try again")

    def page(self, org: str, query: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return a page of what was written down, the newest first, with the callers' words."""
        where = {name: value for name, value in query.items() if name not in ("limit", "skip")}
        found = self._listing.recorded(org, where=where, limit=query["limit"], skip=query["skip"])
        return [row_view(each, each.written, values=True) for each in found if each.written is not None]


def row_view(callback: Callback, written: Record, *, values: bool) -> dict[str, Any]:
    """Return one record; ``values`` are all of them, or only those that are no text."""
    shown = written.values if values else {code: written.values[code] for code in written.counted}
    return {
        "callback_id": callback.id,
        "case_id": callback.case_id,
        "customer_id": callback.customer_id,
        "batch_id": callback.batch_id,
        "rule": callback.rule,
        "outcome": callback.outcome,
        "at": timestamp(written.at),
        "by": written.by,
        "complete": written.complete,
        "missing": list(written.missing),
        "flags": list(written.flags),
        "promised_on": callback.promised_on.isoformat() if callback.promised_on else None,
        "values": dict(shown),
    }
