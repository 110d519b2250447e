"""Use cases of disputes between departments: raise, step aside, rule, appeal, withdraw; and telling the case."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from services.complaints.domain.case import Case
from services.complaints.domain.contested import DisputeFact
from services.complaints.domain.dispute.dispute import Dispute, Outcome, Party, Ruler
from services.complaints.domain.dispute.rules import DisputeRules, SubjectRule
from services.complaints.domain.liability.checks import wrong
from services.complaints.handlers.charging import cause_of, made_before, missing, take_step
from services.complaints.handlers.handling import Caller
from services.complaints.handlers.settling import Desk, count_closed
from services.complaints.handlers.supervision_views import (
    dispute_answer,
    dispute_view,
    interpretation_view,
)
from shared.aggregate import digest_of
from shared.errors import Conflict, RuleRefused
from shared.history import Cause
from shared.ids import derived_id

if TYPE_CHECKING:
    from services.complaints.disputes import DisputeRepository

_ATTEMPTS = 20


class SettleDisputes:
    """One method a command; ``data`` is what the command's schema gives."""

    def __init__(self, desk: Desk, repository: DisputeRepository) -> None:
        """Use the desk for cases and rules."""
        self._desk = desk
        self.lists = repository
        self._kept = repository.disputes

    def raise_dispute(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Raise a dispute about a case that is still open."""
        dispute_id = derived_id("dp", call.key)
        before = made_before(self._kept, dispute_id, call, data)
        if before is not None:
            self._tell(before[0], cause_of(call))
            return before[1]
        case, at = self._desk.case(data["case_id"], call.org), self._desk.clock.now()
        rule = self._subject(case, data["subject"])
        if not case.is_open:
            message = f"case {case.id} is closed: nothing about it is disputed any more"
            raise RuleRefused(message, rule="design", details={"state": case.state.value})
        dispute = Dispute(
            id=dispute_id,
            org=call.org,
            case_id=case.id,
            subject=rule.code,
            question=data["question"],
            topic=data["topic"],
            department=data["department"],
            parties=tuple(Party(row["department"], tuple(row["staff"])) for row in data["parties"]),
            raised_by=call.actor,
            raised_at=at,
            regulation=case.regulation,
            interprets=rule.interprets,
            rulers=rule.rulers,
            source=rule.source,
        )
        dispute.raise_it(rule, call.roles, self._desk.timing(case).calendar, at=at, cause=cause_of(call))
        answer = dispute_answer(dispute)
        dispute.remember_answer(call.key, digest_of(data), answer)
        if not self._kept.insert(dispute):
            again = made_before(self._kept, dispute_id, call, data)
            if again is None:
                raise Conflict(f"{dispute_id} was raised by somebody else")
            self._tell(again[0], cause_of(call))
            return again[1]
        dispute.version += 1
        self._tell(dispute, cause_of(call))
        return answer

    def recuse(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Step aside; the next of the rulebook's list rules."""

        def step(dispute: Dispute) -> None:
            ruler = self._ruler(call, self._case(dispute))
            at = self._desk.clock.now()
            dispute.recuse(ruler, reason=data["reason"], at=at, cause=cause_of(call))

        return self._step(call, data, step)

    def rule_dispute(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Rule on a dispute."""

        def step(dispute: Dispute) -> None:
            case = self._case(dispute)
            dispute.rule(
                self._subject(case, dispute.subject),
                self._ruler(call, case),
                self._desk.timing(case).calendar,
                outcome=Outcome(data["outcome"]),
                text=data["text"],
                responsible=data["responsible"],
                at=self._desk.clock.now(),
                cause=cause_of(call),
            )

        return self._step(call, data, step)

    def appeal_ruling(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Appeal against a ruling, once."""

        def step(dispute: Dispute) -> None:
            case = self._case(dispute)
            dispute.appeal(
                self._subject(case, dispute.subject),
                data["department"],
                call.roles,
                self._desk.timing(case).calendar,
                reason=data["reason"],
                at=self._desk.clock.now(),
                cause=cause_of(call),
            )

        return self._step(call, data, step)

    def withdraw_dispute(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Withdraw a dispute before it is ruled on."""

        def step(dispute: Dispute) -> None:
            dispute.withdraw(at=self._desk.clock.now(), cause=cause_of(call))

        return self._step(call, data, step)

    def dispute(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return one dispute."""
        found = self._kept.get(data["id"], call.org)
        if found is None:
            raise missing("dispute", data["id"])
        return dispute_view(found)

    def disputes(self, call: Caller, data: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return a page of disputes, the newest first."""
        given = {name: value for name, value in data.items() if name != "open"}
        found = self.lists.listed(call.org, is_open=data["open"], **given)
        return [dispute_view(dispute) for dispute in found]

    def interpretations(self, call: Caller, data: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return a page of the rulings that say how the service policy is read, the newest first."""
        found = self.lists.interpretations(call.org, **data)
        return [interpretation_view(dispute) for dispute in found]

    def settle(self, dispute: Dispute, cause: Cause) -> None:
        """Tell the case of a dispute what was left half done; safe to repeat."""
        self._tell(dispute, cause)

    def _step(self, call: Caller, data: Mapping[str, Any], step: Callable[[Dispute], None]) -> dict[str, Any]:
        dispute, answer = take_step(self._kept, data["id"], call, data, step, dispute_answer, kind="dispute")
        self._tell(dispute, cause_of(call))
        return answer

    def _tell(self, dispute: Dispute, cause: Cause) -> None:
        """Let the case take note, and remember that it did; a process that dies in between leaves it pending."""
        for _ in range(_ATTEMPTS):
            if not dispute.pending:
                return
            self._tell_case(dispute, cause)
            since = dispute.history.next_seq
            dispute.told = dispute.stood
            try:
                self._kept.save(dispute, since_seq=since)
            except Conflict:
                dispute = self._kept.get(dispute.id, dispute.org) or dispute
                continue
            dispute.version += 1
        if dispute.pending:
            raise Conflict(f"dispute {dispute.id} keeps being changed by others: try again")

    def _tell_case(self, dispute: Dispute, cause: Cause) -> None:
        fact = DisputeFact(dispute.stood, dispute.is_open)
        for _ in range(_ATTEMPTS):
            case = self._case(dispute)
            since = case.history.next_seq
            timing, at = self._desk.timing(case), self._desk.clock.now()
            news = case.note_dispute(dispute.id, fact, dispute.responsible, timing=timing, at=at, cause=cause)
            if not news:
                return
            try:
                self._desk.cases.save(case, since_seq=since)
            except Conflict:
                continue
            count_closed(case, since)
            return
        raise Conflict(f"{dispute.case_id} keeps being changed by others: try again")

    def _case(self, dispute: Dispute) -> Case:
        return self._desk.case(dispute.case_id, dispute.org)

    def _ruler(self, call: Caller, case: Case) -> Ruler:
        return Ruler(call.actor, frozenset(call.roles), self._desk.concerned(case))

    def _subject(self, case: Case, code: str) -> SubjectRule:
        rules = self._desk.timing(case).rules.disputes or DisputeRules()
        rule = rules.subject(code)
        if rule is None:
            known = ", ".join(each.code for each in rules.subjects) or "none: the rulebook names nothing"
            raise wrong("subject", f"must be one of {known}")
        return rule
