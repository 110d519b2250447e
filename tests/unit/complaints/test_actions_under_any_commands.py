"""Whatever is done with actions, in whatever order: clocks end, nobody judges his own, no case closes too early."""

from __future__ import annotations

import tempfile
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from services.complaints.domain.case import Case
from services.complaints.domain.investigation.action import CorrectiveAction
from services.complaints.domain.rulebook import ComplaintRules
from shared.clock import FixedClock
from shared.clocks import State
from shared.errors import KefuError
from shared.regulations import Rulebooks
from tests.unit.complaints.fakes import beijing
from tests.unit.complaints.investigation_world import LOGISTICS, Bureau, books_of

EVERYTHING = {
    *("staff", "quality_staff", "post_service_supervisor", "complaint_handler"),
    *("cs_head", "manager", "auditor"),
}
people = st.sampled_from(["stf_a", "stf_b", "stf_c"])
picks = st.integers(0, 3)
ENDED = {State.MET, State.MET_LATE, State.BREACHED, State.SUPERSEDED}


@lru_cache(maxsize=1)
def books() -> Rulebooks[ComplaintRules]:
    with tempfile.TemporaryDirectory() as directory:
        return books_of(Path(directory), "freight-test", LOGISTICS)


class AnyActions(RuleBasedStateMachine):
    """Two cases of a company that closes none without an investigation and an action, and three people who may all."""

    def __init__(self) -> None:
        super().__init__()
        self.bureau = Bureau(FixedClock(beijing("2026-03-02 09:00")), "freight-test", books())
        self.sent: list[tuple[str, str, dict[str, Any], Any]] = []

    @initialize()
    def begin(self) -> None:
        for number in range(2):
            case = self.bureau.case()
            self.bureau.world.answer(self.bureau.kept(case))
            if number == 0:
                self.bureau.approved(case)

    # --- what people do ---------------------------------------------------------------------------------------

    @rule(by=people, owner=people, pick=picks)
    def open(self, by: str, owner: str, pick: int) -> None:
        terms = {"kind": "corrective", "what": "x", "department": "ops", "owner": owner}
        self.send("open_action", by, case_id=self.cases[pick // 3].id, **terms)

    @rule(by=people, owner=people, pick=picks, approver=people)
    def open_and_approve(self, by: str, owner: str, pick: int, approver: str) -> None:
        self.open(by, owner, pick)
        for action in self.actions:
            if action.state.value == "draft":
                self.send("decide_action", approver, id=action.id, approved=True)

    @rule(owner=people, doer=people, pick=picks)
    def open_and_do(self, owner: str, doer: str, pick: int) -> None:
        self.open_and_approve("stf_a", owner, pick, "stf_b")
        if self.actions:
            self.send("complete_action", doer, id=self.actions[-1].id, evidence="x")

    @rule(by=people, effective=st.booleans())
    def wait_and_check_all(self, by: str, *, effective: bool) -> None:
        self.bureau.clock.advance(timedelta(hours=121))
        for action in self.actions:
            self.send("check_action", by, id=action.id, effective=effective, finding="x")

    @rule(by=people, pick=picks, approved=st.booleans())
    def decide(self, by: str, pick: int, *, approved: bool) -> None:
        self.with_action(pick, "decide_action", by, approved=approved)

    @rule(by=people, pick=picks)
    def complete(self, by: str, pick: int) -> None:
        self.with_action(pick, "complete_action", by, evidence="x")

    @rule(by=people)
    def complete_all(self, by: str) -> None:
        for action in self.actions:
            self.send("complete_action", by, id=action.id, evidence="x")

    @rule(by=people, pick=picks, amount=st.integers(1, 9))
    def extend(self, by: str, pick: int, amount: int) -> None:
        self.with_action(pick, "extend_action", by, amount=amount, reason="supplier")

    @rule(by=people, pick=picks, effective=st.booleans())
    def check(self, by: str, pick: int, *, effective: bool) -> None:
        self.with_action(pick, "check_action", by, effective=effective, finding="x")

    @rule(by=people, pick=picks)
    def withdraw(self, by: str, pick: int) -> None:
        active = [action for action in self.actions if action.state.value == "active"]
        if active:
            self.send("withdraw_action", by, id=active[pick % len(active)].id, reason="x")
        else:
            self.with_action(pick, "withdraw_action", by, reason="x")

    @rule(whom=people, pick=picks)
    def accuse(self, whom: str, pick: int) -> None:
        try:
            self.bureau.counter.do("name_accused", id=self.cases[pick // 3].id, staff=[whom])
        except KefuError:
            return

    @rule(pick=picks)
    def close(self, pick: int) -> None:
        """Try to close; told from the actions alone, by other means than the code's, whether that may be."""
        case = self.cases[pick // 3]
        mine = [action for action in self.actions if action.case_id == case.id]
        states = {action.state.value for action in mine}
        allowed = (
            case.state.value == "replied"
            and bool(case.investigations)
            and bool(states & {"done", "effective"})
            and not states & {"draft", "active"}
        )
        try:
            self.bureau.world.do("close", case)
        except KefuError:
            assert not allowed, (case.state, states)
        else:
            assert allowed, (case.state, states)

    @rule(hours=st.sampled_from([0, 12, 60, 200]))
    def time_passes(self, hours: int) -> None:
        self.bureau.clock.advance(timedelta(hours=hours))
        self.bureau.tick()

    @rule(hours=st.sampled_from([1, 100]))
    def time_passes_unnoticed(self, hours: int) -> None:
        self.bureau.clock.advance(timedelta(hours=hours))

    @rule(pick=picks)
    def repeat(self, pick: int) -> None:
        """Send a command again under its key: the same answer, and nothing else."""
        if self.sent:
            key, method, arguments, answer = self.sent[pick % len(self.sent)]
            before = self.bureau.everything()
            assert self.bureau.do(method, key=key, **arguments) == answer
            assert self.bureau.everything() == before

    # --- what always holds ------------------------------------------------------------------------------------

    @invariant()
    def every_clock_ends_with_what_it_was_for(self) -> None:
        for action in self.actions:
            over = action.state.value in {"refused", "withdrawn", "effective"}
            for clock in action.deadlines:
                if clock.ended_at is not None or over:
                    assert clock.state in ENDED
                    assert clock.ended_at is not None or clock.state is State.BREACHED
            running = [clock.name for clock in action.deadlines if clock.open and not over]
            wanted = {"active": ["action_due"], "done": ["action_check"]}
            assert running == wanted.get(action.state.value, [])

    @invariant()
    def a_breach_is_told_once(self) -> None:
        for action in self.actions:
            told = [entry for entry in action.history if entry.type == "action_overdue"]
            breached = [clock for clock in action.deadlines if clock.was_breached]
            assert len(told) == len(breached)

    @invariant()
    def nobody_decides_extends_or_checks_his_own(self) -> None:
        for action in self.actions:
            for entry in action.history:
                if entry.type in {"action_approved", "action_refused"}:
                    assert entry.data["by"] != action.opened_by
                if entry.type in {"action_extended", "action_withdrawn", "action_checked"}:
                    assert entry.data["by"] != action.owner
            doers: set[str] = set()
            for entry in action.history:
                if entry.type == "action_completed":
                    doers.add(entry.data["by"])
                assert entry.type != "action_checked" or entry.data["by"] not in doers

    @invariant()
    def cases_know_their_actions(self) -> None:
        told = {action_id: fact.standing for case in self.cases for action_id, fact in case.actions.items()}
        assert told == {action.id: action.stands for action in self.actions}

    @invariant()
    def histories_are_whole(self) -> None:
        for action in self.actions:
            assert action.history.verify() == []

    # --- helpers ----------------------------------------------------------------------------------------------

    @property
    def cases(self) -> list[Case]:
        return self.bureau.world.cases.all()

    @property
    def actions(self) -> list[CorrectiveAction]:
        return self.bureau.found.actions.all()

    def with_action(self, pick: int, method: str, by: str, **arguments: Any) -> None:
        if self.actions:
            self.send(method, by, id=self.actions[pick % len(self.actions)].id, **arguments)

    def send(self, method: str, by: str, **arguments: Any) -> None:
        key = f"any-{len(self.sent)}-{self.bureau.calls}"
        whole: dict[str, Any] = {"by": by, "roles": EVERYTHING, **arguments}
        try:
            answer = self.bureau.do(method, key=key, **whole)
        except KefuError:
            return
        self.sent.append((key, method, whole, answer))


AnyActions.TestCase.settings = settings(max_examples=30, stateful_step_count=20, deadline=None)
TestAnyActions = AnyActions.TestCase
