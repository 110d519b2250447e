"""Use cases of the month: the review of its closed cases, the personnel notice, and the closing with its deductions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from services.complaints.domain.liability.account import Account
from services.complaints.domain.liability.checks import armed
from services.complaints.domain.liability.month import LedgerMonth, MonthState, Totals, month_id
from services.complaints.domain.liability.penalty import Unit
from services.complaints.domain.liability.rules import LiabilityRules, MonthStep
from services.complaints.domain.liability.sanctions import publishable
from services.complaints.handlers.charging import Files, cause_of, liability_id
from services.complaints.handlers.handling import Caller
from services.complaints.handlers.liability import bonuses_of
from services.complaints.handlers.liability_views import month_answer
from services.complaints.handlers.posting import PostCharges
from shared.aggregate import digest_of
from shared.authority import must_hold
from shared.errors import Conflict, KefuError, Problem, RuleRefused, Unavailable, ValidationFailed
from shared.history import Cause
from shared.ledger import ZERO, period_after, period_bounds
from shared.logging import get_logger

log = get_logger(__name__)

_ATTEMPTS = 10
#: Ledgers closed in one write.
_PORTION = 100
#: Names a refusal holds at most.
_MOST_NAMES = 20


class KeepMonths:
    """Reviews, publishes and closes months."""

    def __init__(self, files: Files, post: PostCharges) -> None:
        """Use ``post`` for what is still to be posted before a month closes."""
        self._files = files
        self._post = post

    def review_month(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Record that the month's closed cases were reviewed."""
        rules = self._files.rules_now(call.org)
        rule = armed(rules.review, "reviewing a month")
        begin, end = period_bounds(data["month"], self._files.zone(call.org))
        at = self._files.clock.now()
        if at < end:
            raise RuleRefused(
                f"{data['month']} is not over: its cases are reviewed after it", rule=rule.source
            )

        def step(month: LedgerMonth) -> None:
            closed = self._files.ledgers.closed_cases(call.org, begin, end)
            liable = self._files.ledgers.liable([liability_id(case) for case in closed])
            month.note_review(
                rule,
                due_at=_due(rule, end),
                closed_cases=len(closed),
                without_liability=len(closed) - liable,
                roles=call.roles,
                at=at,
                cause=cause_of(call),
            )

        return month_answer(self._step(call, data, step))

    def publish_notice(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Publish the approved sanctions of the month's cases in a personnel notice."""
        rules = self._files.rules_now(call.org)
        rule = publishable(rules.notice)
        _, end = period_bounds(data["month"], self._files.zone(call.org))
        at = self._files.clock.now()

        def step(month: LedgerMonth) -> None:
            listed = {sanction for notice in month.notices for sanction in notice.sanctions}
            waiting = self._files.ledgers.approved_sanctions(call.org, data["month"])
            month.publish(
                rule,
                [sanction for sanction in waiting if sanction not in listed],
                due_at=_due(rule, end),
                reviewed_first=None if rules.review is None else rules.review.source,
                roles=call.roles,
                at=at,
                cause=cause_of(call),
            )

        month = self._step(call, data, step)
        return month_answer(self._mark_published(month, cause_of(call)))

    def close_month(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Deduct at the month's end, carry what exceeds the cap into the next month, and lock the month for good.

        A repeat of the call continues what was begun; somebody else is told that the month is being closed.
        """
        rules = self._files.rules_now(call.org)
        rule = armed(rules.closing, "closing a month")
        must_hold(rule.roles, call.roles, "closing a month", rule.source)
        bonuses = bonuses_of(data["bonuses"])
        self._check_time(call.org, data["month"], rule)
        # Approved in time means deducted in time, also when a process died in between.
        self._post.pending(call.org)

        def step(month: LedgerMonth) -> None:
            if month.state is MonthState.OPEN:
                self._check_bonuses(month, rules, bonuses)
            month.begin_closing(
                rule, bonuses, roles=call.roles, at=self._files.clock.now(), cause=cause_of(call)
            )

        month = self._step(call, data, step)
        return month_answer(self._finish(month, cause_of(call)))

    def pending(self) -> bool:
        """Finish closings and publications that were begun and left; return whether there may be more."""
        for month in self._files.ledgers.pending_months(_PORTION):
            cause = Cause(month.closing_key or f"{month.id}.notice", "system")
            try:
                self._mark_published(self._finish(month, cause), cause)
            except KefuError as error:
                if isinstance(error, Unavailable):
                    raise
                log.exception("month cannot be finished", month=month.id)
        return False

    def _step(self, call: Caller, data: Mapping[str, Any], step: Any) -> LedgerMonth:
        """Take a step on a month, which begins to exist with it; a repeat gets the month as it is."""
        months, digest = self._files.ledgers.months, digest_of(data)
        wanted = month_id(call.org, data["month"])
        for _ in range(_ATTEMPTS):
            month = months.get(wanted, call.org)
            fresh = month is None
            month = month or LedgerMonth(id=wanted, org=call.org, month=data["month"])
            if month.answer_to(call.key, digest) is not None:
                return month
            since = month.history.next_seq
            step(month)
            month.remember_answer(call.key, digest, {"month_id": month.id})
            if fresh:
                if months.insert(month):
                    return self._read(month)
                continue
            try:
                months.save(month, since_seq=since)
            except Conflict:
                continue
            return self._read(month)
        raise Conflict(f"the month {data['month']} keeps being changed by others: read it again")

    def _finish(self, month: LedgerMonth, cause: Cause) -> LedgerMonth:
        """Close every ledger of a month whose closing was begun, then the month; any number may do it at once."""
        if month.state is not MonthState.CLOSING:
            return month
        rules = self._files.rules_now(month.org)
        totals, carrying = Totals(), list[str]()
        for start in range(0, len(month.accounts), _PORTION):
            for account in self._close(month, month.accounts[start : start + _PORTION], rules, cause):
                end = account.month_end(month.month)
                if account.unit is Unit.YUAN:
                    totals = Totals(
                        totals.accounts + 1,
                        totals.deducted + end.taken,
                        totals.refunded + end.refunded,
                        totals.carried + end.carried,
                    )
                if end.carried != ZERO:
                    carrying.append(account.id)
        if carrying:
            self._post.join(month.org, period_after(month.month), *carrying)
        for _ in range(_ATTEMPTS):
            kept = self._read(month)
            since = kept.history.next_seq
            kept.finish_closing(totals, at=self._files.clock.now(), cause=cause)
            if kept.history.next_seq == since:
                return kept
            try:
                self._files.ledgers.months.save(kept, since_seq=since)
            except Conflict:
                continue
            return self._read(kept)
        raise Conflict(f"the month {month.month} keeps being changed by others: try again")

    def _close(
        self, month: LedgerMonth, account_ids: Sequence[str], rules: LiabilityRules, cause: Cause
    ) -> list[Account]:
        """Close ledgers, each once, and return them as they are then."""
        accounts, waiting = self._files.ledgers.accounts, list(account_ids)
        closed: dict[str, Account] = {}
        source = rules.closing.source if rules.closing is not None else "design"
        for _ in range(_ATTEMPTS):
            changes = []
            for account in self._files.ledgers.accounts_by_id(waiting):
                since = account.history.next_seq
                account.close(
                    month.month,
                    cap=rules.cap,
                    bonus=month.bonuses.get(account.staff),
                    source=source,
                    at=self._files.clock.now(),
                    cause=cause,
                )
                closed[account.id] = account
                if account.history.next_seq > since:
                    changes.append((account, since))
            waiting = list(accounts.save_all(changes)) if changes else []
            if not waiting:
                return list(closed.values())
        raise Conflict(f"ledgers of {month.month} keep being changed by others: try again")

    def _mark_published(self, month: LedgerMonth, cause: Cause) -> LedgerMonth:
        """Tell the sanctions of a notice that they are published."""
        if not month.unmarked:
            return month
        sanctions = self._files.ledgers.sanctions
        for sanction_id in month.unmarked:
            for _ in range(_ATTEMPTS):
                sanction = sanctions.get(sanction_id, month.org)
                if sanction is None:
                    break
                since = sanction.history.next_seq
                sanction.publish(at=self._files.clock.now(), cause=cause)
                if sanction.history.next_seq == since:
                    break
                try:
                    sanctions.save(sanction, since_seq=since)
                except Conflict:
                    continue
                break
        done = set(month.unmarked)
        for _ in range(_ATTEMPTS):
            kept = self._read(month)
            kept.unmarked = [sanction for sanction in kept.unmarked if sanction not in done]
            try:
                self._files.ledgers.months.save(kept, since_seq=kept.history.next_seq)
            except Conflict:
                continue
            return self._read(month)
        return self._read(month)

    def _read(self, month: LedgerMonth) -> LedgerMonth:
        found = self._files.ledgers.months.get(month.id, month.org)
        return month if found is None else found

    def _check_time(self, org: str, month: str, rule: MonthStep) -> None:
        _, end = period_bounds(month, self._files.zone(org))
        # On the last day payroll is made up; what is approved later that day goes into the next month.
        if self._files.clock.now() < end - timedelta(days=1):
            raise RuleRefused(f"{month} is closed at its end, not before its last day", rule=rule.source)
        earlier = self._files.ledgers.open_month_before(org, month)
        if earlier is not None:
            raise RuleRefused(f"{earlier} is closed before {month}", rule=rule.source)

    def _check_bonuses(
        self, month: LedgerMonth, rules: LiabilityRules, bonuses: Mapping[str, Decimal]
    ) -> None:
        if rules.cap is None:
            return
        missing = [
            account.staff
            for start in range(0, len(month.accounts), _PORTION)
            for account in self._files.ledgers.accounts_by_id(month.accounts[start : start + _PORTION])
            if account.staff not in bonuses and account.needs_bonus(month.month)
        ]
        if missing:
            named = sorted(missing)[:_MOST_NAMES]
            problems = tuple(Problem("bonuses", f"is missing for {staff}") for staff in named)
            message = f"the month's bonus of {len(missing)} who owe something is not given"
            raise ValidationFailed(message, problems=problems)


def review_due(files: Files, org: str, month: str) -> datetime | None:
    """Return when the review of ``month`` is late by the rules in force; None where they give no day."""
    rule = files.rules_now(org).review
    return None if rule is None else _due(rule, period_bounds(month, files.zone(org))[1])


def _due(rule: MonthStep, end: datetime) -> datetime | None:
    """Return the first instant that is too late: the end of the rule's day in the month after."""
    return None if rule.by_day is None else end.replace(day=rule.by_day) + timedelta(days=1)
