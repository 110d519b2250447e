"""What the use cases of investigations share: the rules of a case, who acts, and telling the case how things stand."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from services.complaints.domain.case import Case
from services.complaints.domain.investigated import rules_of
from services.complaints.domain.investigation.file import Hand
from services.complaints.domain.investigation.rules import FormRule, InvestigationRules
from services.complaints.domain.investigation.telling import Fact, Told
from services.complaints.domain.path.filling import fill
from services.complaints.handlers.charging import cause_of
from services.complaints.handlers.handling import Caller
from services.complaints.handlers.settling import Desk, count_closed
from shared.errors import Conflict, RuleRefused
from shared.history import Cause

if TYPE_CHECKING:
    from services.complaints.domain.investigation.action import CorrectiveAction
    from services.complaints.domain.investigation.investigation import Investigation
    from services.complaints.investigations import InvestigationRepository
    from services.complaints.ledgers import Kept

T = TypeVar("T", bound=Told)

#: How often a step starts over because somebody else was faster; many things may meet in one case.
_ATTEMPTS = 20


class InquiryDesk:
    """Finds what a step of an investigation or an action rests on, and keeps the case's word on them true."""

    def __init__(self, desk: Desk, kept: InvestigationRepository) -> None:
        """Use the desk of offers for cases, rules and whom a case is about."""
        self.desk = desk
        self.lists = kept
        self.investigations = kept.investigations
        self.actions = kept.actions
        self.clock = desk.clock

    def rules(self, case: Case) -> InvestigationRules:
        """Return what the rules the case was opened under say about investigations."""
        return rules_of(self.desk.timing(case).rules)

    def rules_now(self, org: str) -> InvestigationRules:
        """Return what is in force for ``org`` at present, for what belongs to no case."""
        return rules_of(self.desk.rules.in_force(org, self.clock.now()).sections)

    def hand(self, call: Caller, case: Case) -> Hand:
        """Return who acts, and whom the case is about."""
        return Hand(call.roles, self.clock.now(), cause_of(call), self.desk.concerned(case))

    def filled(self, code: str, form: FormRule | None, given: Any, case: Case) -> dict[str, Any]:
        """Return what a form is filled with; RuleRefused with the rule that asks for what is missing.

        Where the rulebook has no such form nothing is filled: the step itself refuses.
        """
        return {} if form is None else fill(form.as_step(code), given, {}, case.ground, {})

    def settle_investigation(self, found: Investigation, cause: Cause) -> Investigation:
        """Tell the case how its investigation stands."""
        return self._settle(self.investigations, found, Case.note_investigation, cause)

    def settle_action(self, action: CorrectiveAction, cause: Cause) -> CorrectiveAction:
        """Tell the case how a corrective action stands."""
        return self._settle(self.actions, action, Case.note_action, cause)

    def _settle(self, kept: Kept[T], told: T, note: Callable[..., bool], cause: Cause) -> T:
        """Tell the case, then note that it was told.

        The case takes the newest news only, by the entry of the other's history, so telling it twice does no
        harm: a process that dies in between leaves it pending for whoever comes next.
        """
        for _ in range(_ATTEMPTS):
            if not told.pending:
                return told
            since = told.history.next_seq
            self._tell(told, note, cause)
            told.told = told.stood
            try:
                kept.save(told, since_seq=since)
            except Conflict:
                told = kept.get(told.id, told.org) or told
                continue
            told.version += 1
            return told
        raise Conflict(f"the case of {told.id} keeps being changed by others: try again")

    def _tell(self, told: Told, note: Callable[..., bool], cause: Cause) -> None:
        if told.standing is None:
            return
        fact = Fact(told.stood, told.standing)
        for _ in range(_ATTEMPTS):
            case = self.desk.case(told.case_id, told.org)
            since, timing = case.history.next_seq, self.desk.timing(case)
            if not note(case, told.id, fact, timing, at=self.clock.now(), cause=cause):
                return
            try:
                self.desk.cases.save(case, since_seq=since)
            except Conflict:
                continue
            count_closed(case, since)
            return
        raise Conflict(f"{told.case_id} keeps being changed by others: try again")


def check_open(case: Case, what: str) -> None:
    """Refuse ``what`` on a case that is not valid, or closed."""
    if case.valid is not True or not case.is_open:
        message = f"case {case.id} is {case.state}: {what} is for valid cases that are still open"
        raise RuleRefused(message, rule="design", details={"state": case.state.value})
