"""A dossier (档案): its documents, and what is done with it: marked, excused, lent, signed for, read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from services.intake.domain.dossiers.checking import pass_gates, stands
from services.intake.domain.dossiers.papers import Papers
from services.intake.domain.dossiers.parts import (
    Access,
    Act,
    Excuse,
    Given,
    Loan,
    LoanState,
    Plan,
    Receipt,
)
from services.intake.domain.dossiers.rules import COMPLETE, LOAN, DossierRule, Mark
from shared.errors import Conflict, Problem, RuleRefused, ValidationFailed
from shared.history import timestamp


@dataclass(kw_only=True)
class Dossier(Papers):
    """The documents about one subject, and everything that was done with them."""

    plans: list[Plan] = field(default_factory=list)
    excuses: list[Excuse] = field(default_factory=list)
    loans: list[Loan] = field(default_factory=list)
    accesses: list[Access] = field(default_factory=list)

    def mark(
        self, rule: DossierRule, act: Act, mark: Mark, *, at: datetime | None = None, piece: int | None = None
    ) -> None:
        """Give ``mark``, which happened ``at`` or now; with reviewers, once by each of their roles.

        RuleRefused, naming the rule, while what must come first is missing; Conflict when it was given before.
        """
        allowed = mark.reviewers if mark.reviewers is not None else mark.grants
        role = act.role_of(allowed)
        own = [given for given in self.given if given.mark == mark.code]
        if mark.reviewers is not None and any(given.role == role or given.by == act.by for given in own):
            raise Conflict(f"{mark.code} was given by {act.by} or under the role {role} already")
        if mark.reviewers is None and own:
            raise Conflict(f"{mark.code} was given before")
        moment = at or act.at
        if moment > act.at:
            problem = Problem("at", "lies in the future")
            raise ValidationFailed("what did not happen yet cannot be marked", problems=(problem,))
        pass_gates(mark.gates, rule, self.facts, self.pieces, self.given)
        if mark.picks is not None and (piece is None or self.piece(piece).item != mark.picks):
            raise RuleRefused(f"{mark.code} names one document of {mark.picks}", rule=mark.source)
        self.given.append(Given(mark.code, moment, act.by, role, piece))
        data = {
            "mark": mark.code,
            "at": timestamp(moment),
            "role": role,
            "piece": piece,
            "stands": stands(mark, self.given),
            "source": mark.source,
        }
        self.record("dossier_marked", self._head() | data, at=act.at, cause=act.cause)
        if stands(mark, self.given):
            self.meet_clock(mark.code, act.at, act.cause)
        self._touch(rule, act)

    def plan(self, rule: DossierRule, act: Act, mark: Mark, day: date) -> None:
        """Set the ``day`` by the end of which ``mark`` is to be given; a later plan replaces it."""
        act.role_of(mark.grants)
        if stands(mark, self.given):
            raise Conflict(f"{mark.code} was given before")
        self.plans = [plan for plan in self.plans if plan.mark != mark.code]
        self.plans.append(Plan(mark.code, day, act.at, act.by))
        data = {"mark": mark.code, "day": day.isoformat(), "source": mark.source}
        self.record("dossier_planned", self._head() | data, at=act.at, cause=act.cause)
        self.begin_clock_until(
            mark.code, act.end_of(day), act.calendar, act.at, act.cause, source=mark.source
        )
        self._touch(rule, act)

    def excuse(self, rule: DossierRule, act: Act, items: Sequence[str], *, reason: str, of: str) -> Excuse:
        """Note why documents will be late, as ``of`` explained it; valid only before they are due."""
        allowed = rule.completion.excuse if rule.completion is not None else None
        if allowed is None:
            raise Conflict(f"no rule excuses documents of {rule.code} that are late")
        act.role_of(allowed)
        if of == act.by:
            raise RuleRefused("nobody explains to themselves", rule=allowed.source)
        unknown = [code for code in items if rule.item(code) is None]
        if unknown:
            problem = Problem("items", f"are not on the list: {', '.join(unknown)}")
            raise ValidationFailed("the excuse names other documents", problems=(problem,))
        due = next((d.due_at for d in reversed(self.deadlines) if d.name == COMPLETE), None)
        noted = Excuse(tuple(items), reason, of, act.by, act.at, due is None or act.at < due)
        self.excuses.append(noted)
        data = {"items": list(items), "of": of, "valid": noted.valid, "source": allowed.source}
        self.record("dossier_excused", self._head() | data, at=act.at, cause=act.cause)
        self._touch(rule, act)
        return noted

    def ask_loan(self, rule: DossierRule, act: Act, numbers: Sequence[int], due_back: date) -> Loan:
        """Ask to borrow documents until the end of ``due_back``; only what is filed and in the file is lent."""
        if rule.lending is None:
            raise RuleRefused(f"documents of {rule.code} are not lent", rule=rule.source)
        if due_back < act.day:
            problem = Problem("due_back", "lies in the past")
            raise ValidationFailed("nothing is lent until yesterday", problems=(problem,))
        away = {number for loan in self.loans if loan.state in _GOING for number in loan.pieces}
        for number in numbers:
            piece = self.piece(number)
            if piece.filed_at is None or piece.holder is not None or number in away:
                raise Conflict(f"document {number} is not in the file, or somebody else asked for it")
        loan = Loan(len(self.loans) + 1, tuple(numbers), act.by, act.at, due_back)
        self.loans.append(loan)
        self._tell_of(loan, rule, act)
        return loan

    def decide_loan(self, rule: DossierRule, act: Act, number: int, *, granted: bool) -> None:
        """Sign for a loan, or refuse it; Forbidden, naming the rule, to all but the role that signs."""
        loan = self._loan(number, LoanState.PENDING)
        role = act.role_of(rule.lending)
        state = LoanState.LENT if granted else LoanState.REFUSED
        loan = replace(loan, state=state, decided_by=act.by, decided_role=role, decided_at=act.at)
        self.loans[number - 1] = loan
        self._tell_of(loan, rule, act)
        if granted:
            for each in loan.pieces:
                self._replace(replace(self.piece(each), holder=loan.borrower))
            source = rule.source if rule.lending is None else rule.lending.source
            due = act.end_of(loan.due_back)
            self.begin_clock_until(_clock(loan), due, act.calendar, act.at, act.cause, source=source)
        self._touch(rule, act)

    def return_loan(self, rule: DossierRule, act: Act, number: int) -> None:
        """Take back what was lent."""
        loan = replace(self._loan(number, LoanState.LENT), state=LoanState.RETURNED, returned_at=act.at)
        self.loans[number - 1] = loan
        for each in loan.pieces:
            self._replace(replace(self.piece(each), holder=None))
        self._tell_of(loan, rule, act)
        self.meet_clock(_clock(loan), act.at, act.cause)
        self._touch(rule, act)

    def sign_receipt(self, rule: DossierRule, act: Act, numbers: Sequence[int]) -> Receipt:
        """Note that the customer signed the slip for these documents."""
        if rule.receipts is None:
            raise Conflict(f"no rule asks for a slip for documents of {rule.code}")
        pieces = tuple(self.piece(number).number for number in numbers)
        receipt = Receipt(len(self.receipts) + 1, pieces, act.by, act.at)
        self.receipts.append(receipt)
        self._tell_of_slip(receipt, rule.receipts.source, act)
        self._touch(rule, act)
        return receipt

    def pass_receipt(self, rule: DossierRule, act: Act, number: int) -> Receipt:
        """Note that the slip was passed on to whom the rule names."""
        if rule.receipts is None or not 1 <= number <= len(self.receipts):
            raise Conflict(f"{self.id} has no slip {number}")
        receipt = self.receipts[number - 1]
        if receipt.passed_at is not None:
            raise Conflict(f"slip {number} was passed on before")
        receipt = replace(receipt, passed_at=act.at, passed_by=act.by)
        self.receipts[number - 1] = receipt
        self._tell_of_slip(receipt, rule.receipts.source, act)
        self._touch(rule, act)
        return receipt

    def be_read(self, act: Act, purpose: str, source: str) -> None:
        """Leave an entry of who reads it, when and what for."""
        self.accesses.append(Access(act.by, act.at, purpose))
        self.record("dossier_read", {**self._head(), "source": source}, at=act.at, cause=act.cause)

    def _loan(self, number: int, state: LoanState) -> Loan:
        if not 1 <= number <= len(self.loans) or self.loans[number - 1].state is not state:
            raise Conflict(f"{self.id} has no loan {number} that is {state.value}")
        return self.loans[number - 1]

    def _tell_of(self, loan: Loan, rule: DossierRule, act: Act) -> None:
        data = {
            "loan": loan.number,
            "state": loan.state.value,
            "pieces": list(loan.pieces),
            "borrower": loan.borrower,
            "due_back": loan.due_back.isoformat(),
            "role": loan.decided_role,
            "source": rule.source if rule.lending is None else rule.lending.source,
        }
        self.record("loan_changed", self._head() | data, at=act.at, cause=act.cause)

    def _tell_of_slip(self, receipt: Receipt, source: str, act: Act) -> None:
        state = "signed" if receipt.passed_at is None else "passed_on"
        data = {"receipt": receipt.number, "pieces": list(receipt.pieces), "state": state, "source": source}
        self.record("receipt_changed", self._head() | data, at=act.at, cause=act.cause)


_GOING = frozenset({LoanState.PENDING, LoanState.LENT})


def _clock(loan: Loan) -> str:
    return f"{LOAN}.{loan.number}"
