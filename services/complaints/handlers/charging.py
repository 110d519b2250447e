"""What the use cases of liability share: the rules of a case, taking a step on an aggregate once, and refusals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar
from zoneinfo import ZoneInfo

from services.complaints.domain.case import Case
from services.complaints.domain.liability.attribution import Liability
from services.complaints.domain.liability.rules import LiabilityRules
from services.complaints.domain.rulebook import ComplaintRules
from services.complaints.errors import no_case
from services.complaints.handlers.handling import Caller
from shared.aggregate import Aggregate, digest_of
from shared.clock import Clock
from shared.errors import Conflict, NotFound, RuleRefused
from shared.history import Cause
from shared.ids import derived_id
from shared.regulations import Rulebooks

if TYPE_CHECKING:
    from services.complaints.ledgers import Kept, LedgerRepository
    from services.complaints.repository import CaseRepository

A = TypeVar("A", bound=Aggregate)

_ATTEMPTS = 5


def liability_id(case_id: str) -> str:
    """Return the id of the liability for a case."""
    return derived_id("lb", case_id)


class Files:
    """Finds what a step of liability rests on: the case, its liability, and the rules it was opened under."""

    def __init__(
        self,
        cases: CaseRepository,
        ledgers: LedgerRepository,
        rulebooks: Rulebooks[ComplaintRules],
        clock: Clock,
    ) -> None:
        """Use the repositories and the loaded rulebooks."""
        self.cases = cases
        self.ledgers = ledgers
        self.clock = clock
        self._rulebooks = rulebooks

    def case(self, case_id: str, org: str) -> Case:
        """Return a case of ``org``; NotFound when there is none."""
        case = self.cases.get(case_id, org)
        if case is None:
            raise no_case(case_id)
        return case

    def liability(self, case: Case) -> Liability:
        """Return who was found liable for a case; RuleRefused while nobody was."""
        found = self.ledgers.liabilities.get(liability_id(case.id), case.org)
        if found is None:
            message = f"nobody was found liable for case {case.id} yet: attribute it first"
            raise RuleRefused(message, rule="design")
        return found

    def unchanged(self, case_id: str, org: str, revision: int) -> None:
        """Refuse what was proposed on an attribution of the case that is no longer in force."""
        found = self.ledgers.liabilities.get(liability_id(case_id), org)
        if found is not None:
            found.check_unchanged(revision)

    def rules_of(self, org: str, version: str) -> LiabilityRules:
        """Return the rules of a version of the rulebook; empty where it says nothing."""
        return self._rulebooks.of_version(org, version).sections.liability or LiabilityRules()

    def rules_now(self, org: str) -> LiabilityRules:
        """Return the rules in force."""
        return self._rulebooks.for_org(org, self.clock.now()).sections.liability or LiabilityRules()

    def zone(self, org: str) -> ZoneInfo:
        """Return the time zone whose wall clocks decide which month it is."""
        return ZoneInfo(self._rulebooks.organisation(org).time_zone)

    def month_now(self, org: str) -> datetime:
        """Return the present moment on the organisation's wall clocks."""
        return self.clock.now().astimezone(self.zone(org))


def cause_of(call: Caller) -> Cause:
    """Return why something happens because of a call."""
    return Cause(call.key, call.actor, call.traceparent)


def missing(kind: str, aggregate_id: str) -> NotFound:
    """Return the error for something that does not exist in the caller's organisation."""
    return NotFound(f"there is no {kind} {aggregate_id!r} in your organisation")


def take_step(
    kept: Kept[A],
    aggregate_id: str,
    call: Caller,
    data: Mapping[str, Any],
    step: Callable[[A], None],
    view: Callable[[A], dict[str, Any]],
    *,
    kind: str,
) -> tuple[A, dict[str, Any]]:
    """Load, take the step, write; return what is kept and the answer, for a repeat the one given before.

    NotFound when there is no such aggregate, Conflict when somebody else keeps changing it.
    """
    digest = digest_of(data)
    for _ in range(_ATTEMPTS):
        aggregate = kept.get(aggregate_id, call.org)
        if aggregate is None:
            raise missing(kind, aggregate_id)
        answered = aggregate.answer_to(call.key, digest)
        if answered is not None:
            return aggregate, dict(answered)
        since = aggregate.history.next_seq
        step(aggregate)
        answer = view(aggregate)
        aggregate.remember_answer(call.key, digest, answer)
        try:
            kept.save(aggregate, since_seq=since)
        except Conflict:
            continue
        aggregate.version += 1
        return aggregate, answer
    raise Conflict(f"{aggregate_id} keeps being changed by others: read it again")


def made_before(
    kept: Kept[A], aggregate_id: str, call: Caller, data: Mapping[str, Any]
) -> tuple[A, dict[str, Any]] | None:
    """Return what the same command made before, with its answer; None when it made nothing yet."""
    found = kept.get(aggregate_id, call.org)
    if found is None:
        return None
    answer = found.answer_to(call.key, digest_of(data))
    return None if answer is None else (found, dict(answer))
