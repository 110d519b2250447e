"""The investigation (调查) of one case: method, findings, report, who approved it and who received it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.complaints.domain.investigation.file import (
    Hand,
    InvestigationFile,
    Receipt,
    Record,
    Recurrence,
)
from services.complaints.domain.investigation.rules import InvestigationRules, Phase, RecordRule
from services.complaints.domain.investigation.states import WRITABLE, InvestigationState, StatementKind
from services.complaints.domain.liability.checks import armed, not_concerned, refused, wrong
from services.complaints.domain.path.standing import choices_of
from shared.aggregate import digest_of
from shared.authority import Authority, must_be_granted, must_hold
from shared.errors import Conflict, Problem, RuleRefused
from shared.history import timestamp


@dataclass(kw_only=True)
class Investigation(InvestigationFile):
    """One investigation, and everything that may become of it."""

    def open(self, rules: InvestigationRules, hand: Hand) -> None:
        """Record the opening: by whom the rulebook lets open it, with the method it lists, by people not concerned.

        RuleRefused for a method that is the exception and comes without a reason (B-RET-10), and for an
        investigator whom the case is about.
        """
        rule = armed(rules.opens, "opening an investigation")
        must_be_granted(rule, hand.roles, "opening an investigation")
        self._check_method(rules)
        for person in (hand.by, *self.investigators):
            not_concerned(person, hand.barred, "investigating a case", rule.source)
        data = {
            **self._head(),
            "method": self.method,
            "reasoned": self.method_reason is not None,
            "investigators": list(self.investigators),
            "regulation": self.regulation,
            "by": hand.by,
            "opened_at": timestamp(hand.at),
        }
        self.record("investigation_opened", data, at=hand.at, cause=hand.cause)
        self._stand()

    def record_findings(
        self, rules: InvestigationRules, values: Mapping[str, Any], reason: str | None, hand: Hand
    ) -> None:
        """Write down what was found out; what replaces something written before says why, and both are kept."""
        form = armed(rules.findings, "writing findings")
        self._check_hand(rules, "writing findings", hand)
        if self.findings is not None and reason is None:
            message = f"the findings of {self.id} were written before: say why they are replaced"
            raise refused(message, form.source, "reason", "is missing")
        statement = self._write(StatementKind.FINDINGS, values, (), reason, hand)
        data = {
            **self._head(),
            **statement.data(),
            "choices": choices_of(form.as_step("findings"), dict(values)),
            "source": form.source,
        }
        self.record("findings_recorded", data, at=hand.at, cause=hand.cause)

    def submit_report(
        self,
        rules: InvestigationRules,
        values: Mapping[str, Any],
        causes: tuple[str, ...],
        departments: tuple[str, ...],
        recurrence: Recurrence,
        hand: Hand,
    ) -> None:
        """Submit the report (调查报告) with its causes; the approvals given to one before are void.

        RuleRefused before there are findings and the records the rulebook wants first, and for causes that are
        no leaves of its tree; ``departments`` are those the report goes to, none named means all.
        """
        form = armed(rules.report, "submitting a report")
        reviews = armed(rules.reviews, "approving a report")
        self._check_hand(rules, "submitting a report", hand)
        self._check_ready(rules)
        _check_causes(rules, causes, form.source)
        self.recipients = _recipients(rules, departments)
        self.causes, self.recurrence, self.signatures = causes, recurrence, []
        self.prevents = bool(values.get("prevention"))
        statement = self._write(StatementKind.REPORT, values, causes, None, hand)
        self.state = InvestigationState.SUBMITTED
        self._await(reviews)
        data = {
            **self._head(),
            **statement.data(),
            "causes": list(causes),
            "recurrences": recurrence.count,
            "prevents": self.prevents,
            "awaits": list(self.awaits),
            "source": form.source,
        }
        self.record("report_submitted", data, at=hand.at, cause=hand.cause)

    def approve_report(self, rules: InvestigationRules, revision: int, note: str | None, hand: Hand) -> None:
        """Give the approval whose turn it is to the report as of ``revision``; the last one approves it.

        Conflict where another report was submitted meanwhile, RuleRefused to whoever investigated, to those the
        case is about, out of turn, and where one of those who wrote it turned out to be concerned.
        """
        reviews = armed(rules.reviews, "approving a report")
        self._must_be_submitted(revision)
        authors = {one.by for one in (self.findings, self.report) if one is not None}
        for author in sorted(authors & hand.barred):
            message = f"the report of {self.id} was written by {author}, whom the case is about: return it"
            raise RuleRefused(message, rule=reviews.source)
        signature = self._sign(reviews, hand)
        self.signatures.append(signature)
        self.note = note or self.note
        self._await(reviews, hand.barred)
        data = {
            **self._head(),
            "by": signature.by,
            "role": signature.role,
            "complete": not self.awaits,
            "source": reviews.source,
            "reviewed_at": timestamp(hand.at),
        }
        self.record("report_reviewed", data, at=hand.at, cause=hand.cause)
        if not self.awaits:
            self._approved(rules, reviews, hand)

    def return_report(self, rules: InvestigationRules, revision: int, reason: str, hand: Hand) -> None:
        """Send the report back, by whoever's approval would be next; it is written and approved anew."""
        reviews = armed(rules.reviews, "returning a report")
        self._must_be_submitted(revision)
        self._sign(reviews, hand)
        self.state, self.note = InvestigationState.RETURNED, reason
        self.signatures, self.awaits = [], ()
        data = {
            **self._head(),
            "by": hand.by,
            "source": reviews.source,
            "returned_at": timestamp(hand.at),
        }
        self.record("report_returned", data, at=hand.at, cause=hand.cause)

    def acknowledge(self, rules: InvestigationRules, department: str, hand: Hand) -> None:
        """Enter that a department received the approved report (A-LOG-83); nobody signs for two."""
        rule = armed(rules.distribution, "receiving a report")
        if self.state is not InvestigationState.APPROVED:
            message = f"the report of {self.id} is {self.state}: departments receive what is approved"
            raise RuleRefused(message, rule=rule.source)
        if department not in self.recipients:
            raise wrong("department", f"must be one of {', '.join(self.recipients) or 'none'}")
        if department not in self.unreceived:
            raise Conflict(f"{department} received the report of {self.id} already")
        if any(receipt.by == hand.by for receipt in self.receipts):
            raise RuleRefused(f"{hand.by} received it for another department already", rule=rule.source)
        self.receipts.append(Receipt(department, hand.by, hand.at))
        data = {
            **self._head(),
            "department": department,
            "outstanding": list(self.unreceived),
            "by": hand.by,
            "source": rule.source,
            "received_at": timestamp(hand.at),
        }
        self.record("report_received", data, at=hand.at, cause=hand.cause)

    def add_record(
        self,
        rule: RecordRule,
        record_id: str,
        values: Mapping[str, Any],
        hand: Hand,
        *,
        case_open: bool,
    ) -> None:
        """Put a record on it: a meeting, an opinion passed on, progress, the archiving; as the rulebook lists them."""
        what = f"{rule.what.name} ({rule.code})"
        must_hold(rule.roles, hand.roles, what, rule.source)
        not_concerned(hand.by, hand.barred, what, rule.source)
        if rule.phase is Phase.APPROVED and self.state is not InvestigationState.APPROVED:
            raise RuleRefused(f"{what} follows the approval of the report", rule=rule.source)
        if rule.phase is Phase.CASE_CLOSED and case_open:
            raise RuleRefused(f"{what} follows the closing of the case", rule=rule.source)
        if rule.once and self.records_of(rule.code):
            raise Conflict(f"{what} is on {self.id} already")
        if rule.after is not None and not self.records_of(rule.after):
            raise RuleRefused(f"{what} follows {rule.after}", rule=rule.source)
        self.records.append(Record(record_id, rule.code, dict(values), hand.by, hand.at))
        if rule.archives:
            self.archive_id = record_id
        data = {
            **self._head(),
            "record_id": record_id,
            "kind": rule.code,
            "number": len(self.records),
            "digest": digest_of(values),
            "choices": choices_of(rule.what.as_step(rule.code), dict(values)),
            "archives": rule.archives,
            "by": hand.by,
            "source": rule.source,
            "recorded_at": timestamp(hand.at),
        }
        self.record("investigation_noted", data, at=hand.at, cause=hand.cause)

    def _approved(self, rules: InvestigationRules, reviews: Authority, hand: Hand) -> None:
        self.state, self.approved_at = InvestigationState.APPROVED, hand.at
        data = {
            **self._head(),
            "causes": list(self.causes),
            "recurrences": self.recurrence.count,
            "prevents": self.prevents,
            "approved_by": [signature.by for signature in self.signatures],
            "recipients": list(self.recipients),
            "source": reviews.source,
            "distributed_by": rules.distribution.source if rules.distribution is not None else None,
            "approved_at": timestamp(hand.at),
        }
        self.record("report_approved", data, at=hand.at, cause=hand.cause)
        self._stand()

    def _check_method(self, rules: InvestigationRules) -> None:
        if self.method is None and not rules.methods:
            return
        method = rules.method(self.method or "")
        if method is None:
            known = ", ".join(each.code for each in rules.methods) or "none: the rulebook names no method"
            raise wrong("method", f"must be one of {known}")
        if method.needs_reason and self.method_reason is None:
            message = f"{method.name} is chosen only with a reason; {rules.methods[0].name} is the rule"
            raise refused(message, method.source, "method_reason", "is missing")

    def _check_hand(self, rules: InvestigationRules, what: str, hand: Hand) -> None:
        """Let those with the role go on, and count them among the investigators: they approve nothing of it."""
        rule = armed(rules.investigators, what)
        must_be_granted(rule, hand.roles, what)
        not_concerned(hand.by, hand.barred, what, rule.source)
        if self.state not in WRITABLE:
            raise Conflict(f"the report of {self.id} is {self.state}: it is not written on any more")
        self.investigators = tuple(dict.fromkeys((*self.investigators, hand.by)))

    def _check_ready(self, rules: InvestigationRules) -> None:
        if rules.findings is not None and self.findings is None:
            message = f"{rules.findings.name} comes before the report"
            raise refused(message, rules.findings.source, "findings", "is missing")
        for record in rules.records:
            if record.before_report and not self.records_of(record.code):
                message = f"{record.what.name} comes before the report"
                raise refused(message, record.source, record.code, "is missing")

    def _must_be_submitted(self, revision: int) -> None:
        if self.state is not InvestigationState.SUBMITTED:
            raise Conflict(f"the report of {self.id} is {self.state}: only a submitted one is reviewed")
        if revision != self.revision:
            raise Conflict(f"the report of {self.id} has revision {self.revision} by now: read it again")


def _check_causes(rules: InvestigationRules, causes: tuple[str, ...], source: str) -> None:
    """Refuse a report without a cause, or with one that is no leaf, where the rulebook has a tree of them."""
    if not rules.causes:
        if causes:
            raise wrong("causes", "must be empty: the rulebook lists no causes")
        return
    if not causes:
        raise refused("a report names at least one cause", source, "causes", "is missing")
    leaves = rules.leaves
    problems = tuple(Problem("causes", f"{code} is no leaf") for code in causes if code not in leaves)
    if problems:
        message = f"a report names causes under which there are no others: {', '.join(leaves)}"
        raise RuleRefused(message, rule=rules.causes[0].source, problems=problems)


def _recipients(rules: InvestigationRules, departments: tuple[str, ...]) -> tuple[str, ...]:
    known = rules.distribution.codes if rules.distribution is not None else ()
    unknown = [code for code in departments if code not in known]
    if unknown:
        raise wrong("departments", f"must be of {', '.join(known) or 'none: the rulebook distributes none'}")
    return departments or known
