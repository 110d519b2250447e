"""Use cases of those who investigate cases, approve what they report and receive it; each takes effect once per key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from services.complaints.domain.case import Case
from services.complaints.domain.investigation.file import Hand, Recurrence
from services.complaints.domain.investigation.investigation import Investigation
from services.complaints.domain.investigation.rules import InvestigationRules
from services.complaints.domain.liability.checks import wrong
from services.complaints.handlers.charging import cause_of, made_before, take_step
from services.complaints.handlers.handling import Caller
from services.complaints.handlers.inquiring import InquiryDesk, check_open
from services.complaints.handlers.investigation_views import investigation_answer
from services.complaints.metrics import INVESTIGATIONS_APPROVED
from shared.aggregate import digest_of
from shared.errors import Conflict
from shared.ids import derived_id

#: How many of the cases with the same cause a report lists itself; the query gives them all.
_LISTED = 20

_Step = Callable[[Investigation, Case, InvestigationRules, Hand], None]


class Investigate:
    """One method a command; ``data`` is what the command's schema gives."""

    def __init__(self, desk: InquiryDesk) -> None:
        """Use the desk for investigations, cases and rules."""
        self._desk = desk

    def open_investigation(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Open the investigation of a valid case; a case has one. Conflict when it has one already."""
        desk, kept = self._desk, self._desk.investigations
        found_id = derived_id("iv", data["case_id"])
        before = made_before(kept, found_id, call, data)
        if before is not None:
            desk.settle_investigation(before[0], cause_of(call))
            return before[1]
        case = desk.desk.case(data["case_id"], call.org)
        rules, hand = desk.rules(case), desk.hand(call, case)
        check_open(case, "opening an investigation")
        usual = rules.methods[0].code if rules.methods else None
        found = Investigation(
            id=found_id,
            org=call.org,
            case_id=case.id,
            level=case.level,
            regulation=case.regulation,
            method=data["method"] or usual,
            method_reason=data["method_reason"],
            investigators=tuple(data["investigators"]) or (call.actor,),
            opened_by=call.actor,
            opened_at=hand.at,
        )
        found.open(rules, hand)
        answer = investigation_answer(found)
        found.remember_answer(call.key, digest_of(data), answer)
        if not kept.insert(found):
            again = made_before(kept, found_id, call, data)
            if again is None:
                raise Conflict(f"case {case.id} is investigated already: {found_id}")
            found, answer = again
        else:
            found.version += 1
        desk.settle_investigation(found, cause_of(call))
        return answer

    def record_findings(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Write down what was found out."""

        def step(found: Investigation, case: Case, rules: InvestigationRules, hand: Hand) -> None:
            values = self._desk.filled("findings", rules.findings, data["filled"], case)
            found.record_findings(rules, values, data["reason"], hand)

        return self._step(call, data, step)

    def submit_report(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Submit the report, with how often its causes occurred before."""

        def step(found: Investigation, case: Case, rules: InvestigationRules, hand: Hand) -> None:
            values = self._desk.filled("report", rules.report, data["filled"], case)
            causes = tuple(data["causes"])
            found.submit_report(
                rules,
                values,
                causes,
                tuple(data["departments"]),
                self._recurrence(found, rules, causes, hand),
                hand,
            )

        return self._step(call, data, step)

    def approve_report(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Give the approval whose turn it is; the last one sends the report to the departments."""

        def step(found: Investigation, case: Case, rules: InvestigationRules, hand: Hand) -> None:
            del case
            found.approve_report(rules, data["revision"], data["note"], hand)

        return self._step(call, data, step)

    def return_report(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Send the report back to be written again."""

        def step(found: Investigation, case: Case, rules: InvestigationRules, hand: Hand) -> None:
            del case
            found.return_report(rules, data["revision"], data["reason"], hand)

        return self._step(call, data, step)

    def acknowledge_report(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Enter that a department received the report."""

        def step(found: Investigation, case: Case, rules: InvestigationRules, hand: Hand) -> None:
            del case
            found.acknowledge(rules, data["department"], hand)

        return self._step(call, data, step)

    def add_investigation_record(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Put a record of one of the rulebook's kinds on the investigation."""

        def step(found: Investigation, case: Case, rules: InvestigationRules, hand: Hand) -> None:
            rule = rules.record_rule(data["kind"])
            if rule is None:
                known = ", ".join(record.code for record in rules.records) or "none"
                raise wrong("kind", f"must be one of {known}")
            values = self._desk.filled(rule.code, rule.what, data["filled"], case)
            record_id = derived_id("rc", found.id, call.key)
            found.add_record(rule, record_id, values, hand, case_open=case.is_open)

        return self._step(call, data, step)

    def _step(self, call: Caller, data: Mapping[str, Any], step: _Step) -> dict[str, Any]:
        """Take one step, and tell the case; also for a repeat, whose first run may have died."""
        desk = self._desk
        approved: list[str] = []

        def taken(found: Investigation) -> None:
            approved.clear()
            since = found.history.next_seq
            case = desk.desk.case(found.case_id, found.org)
            step(found, case, desk.rules(case), desk.hand(call, case))
            approved.extend(one.type for one in found.history.since(since) if one.type == "report_approved")

        kept = desk.investigations
        found, answer = take_step(
            kept, data["id"], call, data, taken, investigation_answer, kind="investigation"
        )
        INVESTIGATIONS_APPROVED.inc(len(approved))
        desk.settle_investigation(found, cause_of(call))
        return answer

    def _recurrence(
        self, found: Investigation, rules: InvestigationRules, causes: tuple[str, ...], hand: Hand
    ) -> Recurrence:
        """Return what other cases of the organisation had one of the causes in the rulebook's period."""
        rule = rules.recurrence
        if rule is None or not causes:
            return Recurrence()
        since = hand.at - rule.period
        count, others = self._desk.lists.recurring(
            found.org, causes, since, besides=found.case_id, limit=_LISTED
        )
        return Recurrence(count, tuple(other.case_id for other in others), since, rule.source)
