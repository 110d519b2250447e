"""Whatever people try on a path, in whatever order: nothing closes half done, what is refused leaves no trace."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from kefu.demo.walking import filled
from services.complaints.domain.states import CaseState
from shared.clock import FixedClock
from shared.errors import RuleRefused, ValidationFailed
from tests.unit.complaints.fakes import (
    IT,
    PROPERTY,
    RETAIL,
    World,
    beijing,
    called_back,
    routed,
    rules_of,
)

ORGS = (RETAIL, PROPERTY, IT)
ROLES = sorted(
    {grant.role for org in ORGS for step in rules_of(org).path or () for grant in step.grants}
    | {"ops_cs", "complaint_handler", "cs_head"}
)
STEPS = sorted({step.code for org in ORGS for step in rules_of(org).path or ()})
#: Everybody's, or one that is as often wrong as right.
SOME_ROLES = st.one_of(st.just(set(ROLES)), st.sampled_from(ROLES).map(lambda role: {role}))
TEXT = "已核实"


class Paths(RuleBasedStateMachine):
    """One case, three people, every role: most tries are wrong, and every right one brings it further."""

    @initialize(
        org=st.sampled_from(ORGS),
        channel=st.sampled_from(["phone", "counter"]),
        stage=st.sampled_from(["received", "accepted", "replied", "replied"]),
    )
    def begin(self, org: str, channel: str, stage: str) -> None:
        self.world = World(FixedClock(beijing("2026-03-02 09:00")))
        self.event = routed(org, "ct_1", channel=channel, complainant_type="end_consumer", demand="exchange")
        self.world.take(self.event)
        case = self.world.case_of("ct_1", org)
        self.case_id = case.id
        if stage != "received":
            case = self.world.accept(case)
        if stage == "replied":
            case = self.world.walk(case)
            self.world.do("reply", case, text=TEXT, prevention=TEXT)

    def _try(self, method: str, *, roles: set[str], actor: str, **arguments: Any) -> None:
        before = self.world.cases.documents[self.case_id]
        case = self.world.case(self.case_id)
        try:
            self.world.do(method, case, roles=roles, actor=actor, **arguments)
        except (RuleRefused, ValidationFailed) as error:
            unexplained = isinstance(error, RuleRefused) and not error.rule
            changed = self.world.cases.documents[self.case_id] != before
            if unexplained or changed:
                raise AssertionError(
                    f"refused, but changed: {changed}, without a rule: {unexplained}"
                ) from error

    @rule(step=st.sampled_from(STEPS), role=st.sampled_from(ROLES), person=st.integers(1, 3))
    def anybody_tries_any_step(self, step: str, role: str, person: int) -> None:
        self._try("take_step", roles={role}, actor=f"stf_{person}", step=step)

    @rule(data=st.data(), yes=st.booleans(), person=st.integers(1, 3))
    def somebody_takes_a_step_whose_turn_it_is(self, data: st.DataObject, person: int, *, yes: bool) -> None:
        case = self.world.case(self.case_id)
        rows = self.world.next_steps(case, roles=ROLES, actor=f"stf_{person}")["steps"]
        ready = [row for row in rows if row["may_take"] and row["command"] == "take_step"]
        if not ready:
            return
        row = data.draw(st.sampled_from(ready))
        given = {name: yes if isinstance(value, bool) else value for name, value in filled(row).items()}
        before = len(case.taken)
        roles = set(row["roles"])
        self.world.do("take_step", case, roles=roles, actor=f"stf_{person}", step=row["step"], filled=given)
        assert len(self.world.case(self.case_id).taken) == before + 1

    @rule(valid=st.sampled_from([True, True, False]), roles=SOME_ROLES)
    def somebody_decides(self, roles: set[str], *, valid: bool) -> None:
        grounds = rules_of(self.world.case(self.case_id).org).grounds
        ground = grounds[0].code if grounds else None
        self._try("decide_validity", roles=roles, actor="stf_1", valid=valid, ground=ground, reason=TEXT)

    @rule(roles=SOME_ROLES)
    def somebody_replies(self, roles: set[str]) -> None:
        self._try("reply", roles=roles, actor="stf_2", text=TEXT, prevention=TEXT)

    @rule()
    def somebody_closes(self) -> None:
        self._try("close", roles={"complaint_handler"}, actor="stf_2")

    @rule(stop=st.sampled_from(["report_to_manager", "gm_decision", "handling_opinion", "none"]))
    def everybody_does_what_is_theirs(self, stop: str) -> None:
        case = self.world.case(self.case_id)
        if case.is_open:
            self.world.walk(case, until=stop)

    @rule(satisfied=st.booleans(), other_round=st.sampled_from([0, 0, 0, -1, 1]))
    def a_callback_ends(self, other_round: int, *, satisfied: bool) -> None:
        case = self.world.case(self.case_id)
        number = max(case.rounds + other_round, 0)
        event = called_back(case, f"cb_{number}_{satisfied}", satisfied=satisfied, round_number=number)
        self.world.call_back(event)

    @rule()
    def the_contact_comes_again(self) -> None:
        before = self.world.case(self.case_id)
        self.world.take(self.event)
        assert len(self.world.case(self.case_id).history) == len(before.history)

    @invariant()
    def no_case_closes_with_an_open_mandatory_step(self) -> None:
        case = self.world.case(self.case_id)
        walk = case.walk(rules_of(case.org))
        assert walk is not None
        if case.state is CaseState.CLOSED:
            assert [step.code for step in walk.open_mandatory()] == []
            assert not any(deadline.open for deadline in case.deadlines)

    @invariant()
    def whatever_counts_as_taken_came_after_what_it_rests_on(self) -> None:
        case = self.world.case(self.case_id)
        walk = case.walk(rules_of(case.org))
        assert walk is not None
        for step in walk.path:
            if walk.entries(step.code):
                assert walk.asked(step) is True
                assert walk.waits_for(step) == ()

    @invariant()
    def the_history_is_whole(self) -> None:
        assert self.world.case(self.case_id).history.verify() == []


TestPaths = Paths.TestCase
TestPaths.settings = settings(
    max_examples=40, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
