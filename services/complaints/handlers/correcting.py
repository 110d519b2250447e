"""Use cases of corrective actions: opened, approved, done, extended, checked, withdrawn; each once per key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from services.complaints.domain.case import Case
from services.complaints.domain.investigation.action import CorrectiveAction
from services.complaints.domain.investigation.file import Hand
from services.complaints.domain.investigation.rules import ActionKind, ActionRules, InvestigationRules
from services.complaints.domain.liability.checks import armed, wrong
from services.complaints.domain.timing import Timing
from services.complaints.handlers.charging import cause_of, made_before, missing, take_step
from services.complaints.handlers.handling import Caller
from services.complaints.handlers.inquiring import InquiryDesk
from services.complaints.handlers.investigation_views import action_answer
from services.complaints.metrics import ACTIONS_CHECKED
from shared.aggregate import digest_of
from shared.errors import Conflict, RuleRefused
from shared.ids import derived_id

_Step = Callable[[CorrectiveAction, ActionRules, Timing, Hand], None]


class Correct:
    """One method a command; ``data`` is what the command's schema gives."""

    def __init__(self, desk: InquiryDesk) -> None:
        """Use the desk for actions, cases and rules."""
        self._desk = desk

    def open_action(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Open a corrective action on a valid case, whether it is closed or not, or on its investigation."""
        desk, kept = self._desk, self._desk.actions
        action_id = derived_id("ca", call.key)
        before = made_before(kept, action_id, call, data)
        if before is not None:
            desk.settle_action(before[0], cause_of(call))
            return before[1]
        case = desk.desk.case(data["case_id"], call.org)
        rules, hand, timing = desk.rules(case), desk.hand(call, case), desk.desk.timing(case)
        if case.valid is not True:
            message = f"case {case.id} was not found valid: there is nothing to correct"
            raise RuleRefused(message, rule="design", details={"state": case.state.value})
        actions = armed(rules.actions, "corrective actions")
        kind = _kind(actions, data["kind"])
        action = CorrectiveAction(
            id=action_id,
            org=call.org,
            case_id=case.id,
            investigation_id=data["investigation_id"],
            kind=kind.code,
            what=data["what"],
            department=data["department"],
            owner=data["owner"],
            cause=self._cause(case, rules, data),
            regulation=case.regulation,
            source=kind.source,
            opened_by=call.actor,
            opened_at=hand.at,
        )
        action.open(actions, kind, timing, hand)
        answer = action_answer(action)
        action.remember_answer(call.key, digest_of(data), answer)
        if kept.insert(action):
            action.version += 1
        else:
            again = made_before(kept, action_id, call, data)
            if again is None:
                raise Conflict(f"{action_id} was opened by somebody else")
            action, answer = again
        desk.settle_action(action, cause_of(call))
        return answer

    def decide_action(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Approve a draft, or refuse it."""

        def step(action: CorrectiveAction, rules: ActionRules, timing: Timing, hand: Hand) -> None:
            kind = _kind(rules, action.kind)
            action.decide(rules, kind, timing, hand, approved=data["approved"], note=data["note"])

        return self._step(call, data, step)

    def complete_action(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Enter that it is done."""

        def step(action: CorrectiveAction, rules: ActionRules, timing: Timing, hand: Hand) -> None:
            action.complete(rules, data["evidence"], data["note"], timing, hand)

        return self._step(call, data, step)

    def extend_action(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Give it more time."""

        def step(action: CorrectiveAction, rules: ActionRules, timing: Timing, hand: Hand) -> None:
            action.extend(rules, data["amount"], data["reason"], timing, hand)

        return self._step(call, data, step)

    def check_action(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Enter whether it helped."""

        def step(action: CorrectiveAction, rules: ActionRules, timing: Timing, hand: Hand) -> None:
            kind, effective = _kind(rules, action.kind), data["effective"]
            action.check(rules, kind, data["finding"], timing, hand, effective=effective)

        return self._step(call, data, step)

    def withdraw_action(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Give it up."""

        def step(action: CorrectiveAction, rules: ActionRules, timing: Timing, hand: Hand) -> None:
            del timing
            action.withdraw(rules, data["reason"], hand)

        return self._step(call, data, step)

    def _step(self, call: Caller, data: Mapping[str, Any], step: _Step) -> dict[str, Any]:
        """Take one step, and tell the case; also for a repeat, whose first run may have died."""
        desk = self._desk
        checked: list[str] = []

        def taken(action: CorrectiveAction) -> None:
            since = action.history.next_seq
            case = desk.desk.case(action.case_id, action.org)
            rules = armed(desk.rules(case).actions, "corrective actions")
            step(action, rules, desk.desk.timing(case), desk.hand(call, case))
            new = [entry for entry in action.history.since(since) if entry.type == "action_checked"]
            checked[:] = [str(entry.data["effective"]).lower() for entry in new]

        action, answer = take_step(
            desk.actions, data["id"], call, data, taken, action_answer, kind="corrective action"
        )
        for effective in checked:
            ACTIONS_CHECKED.labels(effective=effective).inc()
        desk.settle_action(action, cause_of(call))
        return answer

    def _cause(self, case: Case, rules: InvestigationRules, data: Mapping[str, Any]) -> str | None:
        """Return against which cause it is: as said, or the only one the investigation reported."""
        said: str | None = data["cause"]
        found_id = data["investigation_id"]
        if found_id is not None:
            found = self._desk.investigations.get(found_id, case.org)
            if found is None or found.case_id != case.id:
                raise missing("investigation of this case", found_id)
            if said is None and len(found.causes) == 1:
                return found.causes[0]
        if said is not None and said not in rules.leaves:
            raise wrong("cause", f"must be one of {', '.join(rules.leaves) or 'none'}")
        return said


def _kind(rules: ActionRules, code: str) -> ActionKind:
    kind = rules.kind(code)
    if kind is None:
        raise wrong("kind", f"must be one of {', '.join(each.code for each in rules.kinds)}")
    return kind
