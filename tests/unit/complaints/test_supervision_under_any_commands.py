"""Whatever happens to a case, in whatever order and however often: its clocks end once, and every urge counts once."""

from __future__ import annotations

from collections import Counter as Tally
from datetime import timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from services.complaints.domain.case import Case
from services.complaints.domain.rulebook import ComplaintRules
from services.complaints.domain.states import CaseState
from shared.clock import FixedClock
from shared.clocks import State
from shared.errors import Conflict, RuleRefused, ValidationFailed
from shared.regulations import Rulebooks
from tests.unit.complaints.fakes import beijing, called_back, entries
from tests.unit.complaints.supervision_world import Tower, own_tower

RULES = """
    clocks:
      progress:
        starts: accepted
        ends: progressed
        repeats: true
        duration: {amount: 5, unit: hours, source: B-CPF-05}
      told: {starts: accepted, ends: told, repeats: true, duration: {amount: 9, unit: hours, source: B-RES-15}}
    supervision:
      starts: {grants: [{role: manager}], source: B-JKC-11}
      urges:
        grants: [{role: manager}]
        at_most: {value: 6, source: A-LOG-36}
        answer_within: {amount: 2, unit: hours, source: A-LOG-36}
        escalation: {after: 3, to: general_manager, source: A-LOG-36}
        source: A-LOG-36
      automatic:
        late: {breaches: [progress, urge], supervisor: inspection, source: A-LOG-36}
      referrals:
        operations:
          name: 运营部
          grants: [{role: manager}]
          returns: [{role: manager}]
          within: {amount: 4, unit: hours, source: A-LOG-81}
          holds_closing: true
          source: A-LOG-81
      feedback: {of: urged, source: A-LOG-36}
"""
TEXT = "一二三"


@cache
def own_books() -> Rulebooks[ComplaintRules]:
    """Read the rulebook once for every example."""
    with TemporaryDirectory() as directory:
        return own_tower(Path(directory), RULES).books


class AnySupervision(RuleBasedStateMachine):
    """One case, and everything people may do with it while time passes."""

    def __init__(self) -> None:
        super().__init__()
        self.tower = Tower(FixedClock(beijing("2026-03-02 09:00")), "own-test", own_books())
        self.urges = 0
        self.sent: list[tuple[str, dict[str, Any], Any]] = []

    @initialize(accepted=st.booleans())
    def begin(self, *, accepted: bool) -> None:
        case = self.tower.accepted() if accepted else self.tower.open()
        self.case_id = case.id

    @property
    def case(self) -> Case:
        return self.tower.world.case(self.case_id)

    def _send(self, method: str, **arguments: Any) -> Any:
        """Send a command of supervision; None where it is refused, which must leave no trace."""
        before = self.tower.world.cases.documents[self.case_id]
        key = f"key-{len(self.sent)}"
        try:
            answer = self.tower.do(method, id=self.case_id, key=key, **arguments)
        except (RuleRefused, ValidationFailed, Conflict):
            assert self.tower.world.cases.documents[self.case_id] == before
            return None
        self.sent.append((method, {"id": self.case_id, "key": key, **arguments}, answer))
        return answer

    def _step(self, method: str, **arguments: Any) -> None:
        before = self.tower.world.cases.documents[self.case_id]
        try:
            self.tower.step(method, self.case, **arguments)
        except (RuleRefused, ValidationFailed):
            assert self.tower.world.cases.documents[self.case_id] == before

    @rule(valid=st.sampled_from([True, True, False]))
    def somebody_decides(self, *, valid: bool) -> None:
        self._step("decide_validity", valid=valid, reason=TEXT)

    @rule(asked_by=st.sampled_from(["staff", "customer"]))
    def somebody_urges(self, asked_by: str) -> None:
        if self._send("urge_case", asked_by=asked_by) is not None:
            self.urges += 1

    @rule(told=st.booleans())
    def the_handler_enters_progress(self, *, told: bool) -> None:
        self._step("progress", text=TEXT, told=told)

    @rule(final=st.booleans())
    def the_handler_replies(self, *, final: bool) -> None:
        self._step("reply", text=TEXT, final=final)

    @rule(satisfied=st.booleans())
    def a_callback_ends(self, *, satisfied: bool) -> None:
        case = self.case
        self.tower.world.call_back(called_back(case, f"cb_{case.rounds}_{satisfied}", satisfied=satisfied))

    @rule()
    def it_is_referred(self) -> None:
        self._send("refer_case", department="operations", text=TEXT)

    @rule(number=st.integers(1, 3))
    def a_referral_comes_back(self, number: int) -> None:
        self._send("return_referral", referral=number, text=TEXT)

    @rule(supervisor=st.sampled_from(["audit", "inspection", "general_manager"]), ends=st.booleans())
    def somebody_supervises(self, supervisor: str, *, ends: bool) -> None:
        self._send("end_supervision" if ends else "start_supervision", supervisor=supervisor, reason=TEXT)

    @rule(minutes=st.integers(1, 400), ticks=st.booleans())
    def time_passes(self, minutes: int, *, ticks: bool) -> None:
        self.tower.clock.advance(timedelta(minutes=minutes))
        if ticks:
            self.tower.tick()

    @rule(pick=st.integers(0, 20))
    def an_answer_was_lost_and_the_command_comes_again(self, pick: int) -> None:
        if self.sent:
            method, arguments, answer = self.sent[pick % len(self.sent)]
            before = self.tower.world.cases.documents[self.case_id]
            assert self.tower.do(method, **arguments) == answer
            assert self.tower.world.cases.documents[self.case_id] == before

    @invariant()
    def every_urge_counts_once_and_is_escalated_at_most_once(self) -> None:
        case = self.case
        numbers = [urge.number for urge in case.urges]
        assert numbers == list(range(1, self.urges + 1))
        assert [entry.data["number"] for entry in entries(case, "case_urged")] == numbers
        escalated = [urge.number for urge in case.urges if urge.escalated_to]
        assert escalated == ([3] if self.urges >= 3 else [])

    @invariant()
    def every_clock_breaches_and_is_met_at_most_once(self) -> None:
        case = self.case
        breached = Tally(entry.data["clock"] for entry in entries(case, "clock_breached"))
        met = Tally(entry.data["clock"] for entry in entries(case, "clock_met"))
        for name in {deadline.name for deadline in case.deadlines}:
            mine = [deadline for deadline in case.deadlines if deadline.name == name]
            assert sum(deadline.open for deadline in mine) <= 1
            assert breached[name] == sum(deadline.was_breached for deadline in mine)
            assert met[name] == sum(deadline.state in {State.MET, State.MET_LATE} for deadline in mine)

    @invariant()
    def progress_is_timed_exactly_while_the_case_is_handled(self) -> None:
        case = self.case
        running = {deadline.name for deadline in case.deadlines if deadline.open}
        handled = case.state is CaseState.ACCEPTED
        assert ("progress" in running) is ("told" in running) is handled
        if case.state is CaseState.CLOSED:
            assert not running
            assert not any(referral.open for referral in case.referrals if case.valid and case.rounds)

    @invariant()
    def what_the_list_says_is_what_the_case_says(self) -> None:
        case = self.case
        rows = self.tower.do("supervised_cases")
        listed = case.is_open and bool(case.supervisors)
        assert [row["case_id"] for row in rows] == ([case.id] if listed else [])
        assert len(set(case.supervisors)) == len(case.supervisors)
        assert case.history.verify() == []


TestSupervision = AnySupervision.TestCase
TestSupervision.settings = settings(
    max_examples=12, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
