"""Reactions: what followup keeps of somebody's words goes when intake has erased that person."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Protocol, TypeVar

from services.followup.domain.callback import Callback
from services.followup.domain.forgetting import forget_callback, forget_invitation
from services.followup.domain.recording import RecordForm
from services.followup.domain.rulebook import FollowupRules
from services.followup.domain.surveys.invitation import Invitation
from shared.aggregate import Aggregate
from shared.errors import Conflict, NotFound
from shared.messaging.envelope import CloudEvent
from shared.registers.handlers.forgetting import ForgetInRecords
from shared.ruling import Rules

A = TypeVar("A", bound=Aggregate)
_BATCH = 100


class Holding(Protocol[A]):
    """A collection that may hold something about customers."""

    def of_customers(self, org: str, ids: Collection[str], *, after: str | None, limit: int) -> list[A]:
        """Return the first ``limit`` of those about one of the customers that come after the id ``after``."""
        ...

    def save_all(self, changes: Sequence[tuple[A, int]]) -> tuple[str, ...]:
        """Write changed ones; return the ids of those that somebody else changed meanwhile."""
        ...


class ForgetErased:
    """Takes the words out of records, callbacks and answers of the erased customer or contact; safe to repeat."""

    def __init__(
        self,
        records: ForgetInRecords,
        callbacks: Holding[Callback],
        invitations: Holding[Invitation],
        rules: Rules[FollowupRules],
    ) -> None:
        """Forget in ``records``, ``callbacks`` and ``invitations``; ``rules`` know which fields of a form are words."""
        self._records, self._callbacks, self._invitations = records, callbacks, invitations
        self._rules = rules

    def __call__(self, event: CloudEvent) -> None:
        """Forget whom the event names; Conflict when something was changed meanwhile, and it is to come again."""
        ids = {str(event.data["customer_id"]), str(event.data["subject_id"])}
        self._records(event.org, ids)
        for callbacks in _pages(self._callbacks, event.org, ids):
            _write(self._callbacks, [each for each in callbacks if forget_callback(each, self._form(each))])
        for invitations in _pages(self._invitations, event.org, ids):
            _write(self._invitations, [each for each in invitations if forget_invitation(each)])

    def _form(self, callback: Callback) -> RecordForm | None:
        try:
            rules = self._rules.of_version(callback.org, callback.regulation).rules
        except NotFound:
            return None
        return rules.record_form(callback.rule)


def _pages(holding: Holding[A], org: str, ids: Collection[str]) -> Iterator[list[A]]:
    after: str | None = None
    while found := holding.of_customers(org, ids, after=after, limit=_BATCH):
        yield found
        after = found[-1].id


def _write(holding: Holding[A], changed: Sequence[A]) -> None:
    lost = holding.save_all([(each, each.history.next_seq) for each in changed]) if changed else ()
    if lost:
        raise Conflict(f"{', '.join(lost)} changed meanwhile: forget again")
