"""Use cases of those who decide who is liable and what it costs; each takes effect once per idempotency key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from services.complaints.domain.case import Case
from services.complaints.domain.liability import formula
from services.complaints.domain.liability.attribution import Finding, Liability, check_persons
from services.complaints.domain.liability.checks import (
    armed,
    not_concerned,
    refused,
    wrong,
)
from services.complaints.domain.liability.fines import fine_for, joint_amounts, points_for
from services.complaints.domain.liability.penalty import Basis, Bucket, Penalty, PenaltyLine, Unit
from services.complaints.domain.liability.rules import ApprovalRule, FineRule, LiabilityRules, Liable
from services.complaints.domain.liability.sanctions import SanctionState
from services.complaints.handlers.charging import Files, cause_of, liability_id, made_before, take_step
from services.complaints.handlers.handling import Caller
from services.complaints.handlers.liability_views import attribution_answer, penalty_answer
from services.complaints.handlers.posting import PostCharges
from shared.aggregate import digest_of
from shared.authority import must_hold
from shared.errors import Conflict, RuleRefused
from shared.ids import derived_id
from shared.ledger import Step, period_of

_ATTEMPTS = 5
_PAYEE = "company"


class AttributeLiability:
    """Decides who is liable for a case."""

    def __init__(self, files: Files) -> None:
        """Use the files for cases and rules."""
        self._files = files

    def __call__(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Attribute a case to a person, a group or a department, with the reason."""
        files, at = self._files, self._files.clock.now()
        case = files.case(data["case_id"], call.org)
        rule = armed(files.rules_of(call.org, case.regulation).attribution, "attributing liability")
        finding = Finding(
            data["area"],
            Liable(data["level"]),
            data["department"],
            data["group"],
            check_persons(data["persons"]),
            data["reason"],
            data["unattributable"],
        )
        kept, digest, cause = files.ledgers.liabilities, digest_of(data), cause_of(call)
        for _ in range(_ATTEMPTS):
            liability = kept.get(liability_id(case.id), call.org)
            if liability is not None:
                answered = liability.answer_to(call.key, digest)
                if answered is not None:
                    return dict(answered)
                self._check_free(case)
            changed = liability or Liability(
                id=liability_id(case.id), org=call.org, case_id=case.id, regulation=case.regulation
            )
            since = changed.history.next_seq
            changed.attribute(rule, finding, case, roles=call.roles, at=at, cause=cause)
            answer = attribution_answer(changed)
            changed.remember_answer(call.key, digest, answer)
            if liability is None:
                if kept.insert(changed):
                    return answer
                continue
            try:
                kept.save(changed, since_seq=since)
            except Conflict:
                continue
            return answer
        raise Conflict(f"the liability for {case.id} keeps being changed by others: read it again")

    def _check_free(self, case: Case) -> None:
        """Refuse to attribute anew what somebody already pays or is sanctioned for."""
        ledgers = self._files.ledgers
        every: dict[str, Any] = {"state": None, "staff": None, "limit": 0, "skip": 0}
        penalties = ledgers.listed_penalties(case.org, case_id=case.id, **every)
        sanctions = ledgers.listed_sanctions(case.org, case_id=case.id, **every)
        standing = [penalty.id for penalty in penalties if penalty.standing]
        standing += [sanction.id for sanction in sanctions if sanction.state is not SanctionState.REFUSED]
        if standing:
            message = f"{standing[0]} rests on the attribution: refuse it or take it back first"
            raise RuleRefused(message, rule="design")


class Penalise:
    """Proposes penalties, decides on them and on appeals, and takes them back."""

    def __init__(self, files: Files, post: PostCharges) -> None:
        """Use ``post`` to write the ledgers once something is decided."""
        self._files = files
        self._post = post

    def propose_penalty(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Propose what a loss costs those liable by the rulebook's formula."""

        def build(_: Case, liability: Liability, rules: LiabilityRules) -> dict[str, Any]:
            rule = armed(rules.formula, "charging a loss by a formula")
            points = _by_staff(data["points"], "points", "points")
            loss = formula.Loss(data["loss"], data["total_points"], points)
            shares = formula.shares(rule, liability.current.finding, loss)
            to = Step("payee", rule.payee.value, rule.payee.source)
            fund = Step("paid_from", rule.paid_from.value.value, rule.paid_from.source)
            lines = [
                PenaltyLine(number, share.staff, share.amount, (*share.trace, fund, to))
                for number, share in enumerate(shares, 1)
            ]
            return {
                "basis": Basis.FORMULA,
                "code": "formula",
                "unit": Unit.YUAN,
                "bucket": Bucket.LOSS,
                "payee": rule.payee.value,
                "paid_from": rule.paid_from.value.value,
                "source": rule.source,
                "lines": lines,
            }

        return self._propose(call, data, build)

    def propose_fine(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Propose the fixed fine for an offence, with those jointly liable."""

        def build(case: Case, liability: Liability, rules: LiabilityRules) -> dict[str, Any]:
            fine = fine_for(rules, data["offence"])
            _check_liable(liability, data["staff"], fine.source)
            if fine.late_only and case.on_time:
                message = f"case {case.id} missed no deadline: the fine is for those solved late"
                raise RuleRefused(message, rule=fine.source)
            joint = _by_post(data["joint"], data["staff"])
            return {
                "basis": Basis.FINE,
                "code": fine.code,
                "unit": Unit.YUAN,
                "bucket": Bucket.FIXED,
                "payee": _PAYEE,
                "paid_from": fine.paid_from.value,
                "source": fine.source,
                "lines": self._fine_lines(case, fine, data["staff"], joint),
            }

        return self._propose(call, data, build)

    def propose_points(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Propose the deduction of points for an offence."""

        def build(case: Case, liability: Liability, rules: LiabilityRules) -> dict[str, Any]:
            rule = points_for(rules, data["offence"])
            _check_liable(liability, data["staff"], rule.source)
            trace = (Step("single", str(rule.single), rule.source),)
            series = self._series(case, rule.code)
            return {
                "basis": Basis.POINTS,
                "code": rule.code,
                "unit": Unit.POINTS,
                "bucket": Bucket.SCORE,
                "payee": _PAYEE,
                "paid_from": "score",
                "source": rule.source,
                "lines": [PenaltyLine(1, data["staff"], None, trace, series)],
            }

        return self._propose(call, data, build)

    def decide_penalty(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Approve a penalty, which charges it, or refuse it; of two deciders one is told that he came second."""

        def step(penalty: Penalty) -> None:
            if data["approved"]:
                self._files.unchanged(penalty.case_id, penalty.org, penalty.revision)
            penalty.decide(
                self._approval(penalty),
                approved=data["approved"],
                note=data["note"],
                roles=call.roles,
                at=self._files.clock.now(),
                cause=cause_of(call),
            )

        return self._step(call, data, step)

    def appeal_penalty(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Appeal against what one is charged oneself."""

        def step(penalty: Penalty) -> None:
            rule = armed(self._rules(penalty).appeals, "appeals")
            at = self._files.clock.now()
            penalty.appeal(rule, data["reason"], at=at, cause=cause_of(call))

        return self._step(call, data, step)

    def decide_appeal(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Uphold an appeal, which takes the line back by a counter-entry, or dismiss it."""

        def step(penalty: Penalty) -> None:
            penalty.decide_appeal(
                armed(self._rules(penalty).appeals, "appeals"),
                data["staff"],
                upheld=data["upheld"],
                note=data["note"],
                roles=call.roles,
                at=self._files.clock.now(),
                cause=cause_of(call),
            )

        return self._step(call, data, step)

    def reverse_penalty(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Take a penalty back by counter-entries to every line that stands."""

        def step(penalty: Penalty) -> None:
            penalty.reverse(
                self._approval(penalty),
                note=data["reason"],
                roles=call.roles,
                at=self._files.clock.now(),
                cause=cause_of(call),
            )

        return self._step(call, data, step)

    def _propose(self, call: Caller, data: Mapping[str, Any], build: Any) -> dict[str, Any]:
        files, at, cause = self._files, self._files.clock.now(), cause_of(call)
        kept = files.ledgers.penalties
        penalty_id = derived_id("pn", call.key)
        before = made_before(kept, penalty_id, call, data)
        if before is not None:
            return before[1]
        case = files.case(data["case_id"], call.org)
        rules = files.rules_of(call.org, case.regulation)
        approval = armed(rules.penalties, "penalties")
        must_hold(approval.proposals, call.roles, "proposing a penalty", approval.source)
        liability = files.liability(case)
        parts = build(case, liability, rules)
        made = liability.current
        penalty = Penalty(
            id=penalty_id,
            org=call.org,
            case_id=case.id,
            liability_id=liability.id,
            revision=liability.revision,
            department=made.finding.department,
            regulation=case.regulation,
            reason=data["reason"],
            authors=tuple(dict.fromkeys((made.by, call.actor))),
            proposed_by=call.actor,
            proposed_at=at,
            **parts,
        )
        concerned = (*penalty.staff, *made.finding.persons)
        not_concerned(call.actor, concerned, "proposing a penalty", approval.source)
        not_concerned(made.by, penalty.staff, "having attributed the liability", approval.source)
        penalty.propose(at=at, cause=cause)
        answer = penalty_answer(penalty)
        penalty.remember_answer(call.key, digest_of(data), answer)
        if not kept.insert(penalty):
            again = made_before(kept, penalty_id, call, data)
            if again is None:
                raise Conflict(f"case {case.id} has a standing penalty of this kind already")
            return again[1]
        return answer

    def _step(self, call: Caller, data: Mapping[str, Any], step: Any) -> dict[str, Any]:
        penalty, answer = take_step(
            self._files.ledgers.penalties, data["id"], call, data, step, penalty_answer, kind="penalty"
        )
        # Also for a repeat: whoever decided may have died before the ledgers were written.
        if penalty.pending:
            self._post.penalty(penalty, cause_of(call))
        return answer

    def _fine_lines(
        self, case: Case, fine: FineRule, staff: str, joint: Mapping[str, str]
    ) -> list[PenaltyLine]:
        each = Step("fine", str(fine.amount), fine.source)
        lines = [PenaltyLine(1, staff, None, (each,), self._series(case, fine.code))]
        posts = {holder: post for post, holder in joint.items()}
        for number, (holder, amount) in enumerate(joint_amounts(fine, joint).items(), 2):
            trace = (
                Step("jointly_liable_as", posts[holder], fine.source),
                Step("amount", str(amount), fine.source),
            )
            lines.append(PenaltyLine(number, holder, amount, trace, post=posts[holder]))
        return lines

    def _series(self, case: Case, code: str) -> str:
        """Return what counts together: cases received in the same calendar month, by local time."""
        return f"{code}/{period_of(case.received_at, self._files.zone(case.org))}"

    def _rules(self, penalty: Penalty) -> LiabilityRules:
        return self._files.rules_of(penalty.org, penalty.regulation)

    def _approval(self, penalty: Penalty) -> ApprovalRule:
        rules = self._rules(penalty)
        if penalty.basis is Basis.CONVERSION and rules.sanctions is not None:
            return rules.sanctions.approval
        return armed(rules.penalties, "penalties")


def _check_liable(liability: Liability, staff: str, rule: str) -> None:
    persons = liability.current.finding.persons
    if staff not in persons:
        listed = ", ".join(persons) or "nobody"
        raise refused("whoever is charged was found liable", rule, "staff", f"must be one of {listed}")


def _by_staff(rows: Sequence[Mapping[str, Any]], value: str, field: str) -> dict[str, Decimal]:
    found = {row["staff"]: row[value] for row in rows}
    if len(found) != len(rows):
        raise wrong(field, "names somebody twice")
    return found


def _by_post(rows: Sequence[Mapping[str, str]], fined: str) -> dict[str, str]:
    found = {row["post"]: row["staff"] for row in rows}
    if len(found) != len(rows):
        raise wrong("joint", "names a post twice")
    if fined in found.values():
        raise wrong("joint", f"names {fined}, who is fined already")
    return found


def bonuses_of(rows: Sequence[Mapping[str, Any]]) -> dict[str, Decimal]:
    """Return the bonuses by staff id; ValidationFailed when somebody is named twice."""
    return _by_staff(rows, "bonus", "bonuses")
