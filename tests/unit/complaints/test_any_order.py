"""Any order, any repetition, any split into batches: the same cases; and what holds after whatever happens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from services.complaints.domain.case import Case
from services.complaints.domain.states import CaseState
from shared.clock import FixedClock
from shared.clocks import State
from shared.errors import RuleRefused, ValidationFailed
from shared.messaging.delivery import Outcome
from tests.unit.complaints.fakes import (
    PLAZA,
    PROPERTY,
    RETAIL,
    World,
    beijing,
    called_back,
    routed,
    rules_of,
)

START = beijing("2026-03-02 09:00")


@dataclass(frozen=True)
class Customer:
    name: str
    unit: str | None


#: Two live in one home, one gives no unit.
CUSTOMERS = [
    *(Customer(f"cu_{n}", f"un_{n}") for n in range(11)),
    Customer("cu_b", "un_0"),
    Customer("cu_x", None),
]

CLAIMS: list[dict[str, Any]] = [
    {},
    {},
    {},
    {"amount": "5000.00"},
    {"amount": "5000.01"},
    {"amount": "50000.00"},
    {"media": True},
]


@st.composite
def complaints(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Return the events of some customers' contacts about few problems, so that many meet."""
    org = draw(st.sampled_from([PLAZA, PROPERTY, RETAIL]))
    chosen = draw(st.lists(st.sampled_from(CUSTOMERS), min_size=1, max_size=16))
    return [
        routed(
            org,
            f"ct_{number}",
            customer=customer.name,
            unit=customer.unit,
            problem=draw(st.sampled_from(["lift", "lift", "noise"])),
            received_at=START - timedelta(minutes=number),
            **draw(st.sampled_from(CLAIMS)),
        )
        for number, customer in enumerate(chosen)
    ]


def split(events: Sequence[dict[str, Any]], cuts: Sequence[int]) -> list[list[dict[str, Any]]]:
    """Return ``events`` in order, cut into batches of the sizes ``cuts`` as long as they last, then singly."""
    batches, rest = [], list(events)
    for size in cuts:
        batches.append(rest[:size])
        rest = rest[size:]
    return [batch for batch in [*batches, *([event] for event in rest)] if batch]


def seen(world: World) -> list[Any]:
    """Return what must not depend on order: who has which case at what level, with which contacts, in what state."""
    return sorted(
        (
            case.customer_id,
            case.claim.problem,
            sorted(case.contacts),
            case.level,
            world.look.case(case.org, case.id)["households"],
            case.repeats,
            str(case.claim.amount),
            case.state.value,
            case.rounds,
        )
        for case in world.cases.all()
    )


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_any_order_repetition_and_split_of_routed_contacts_gives_the_same_cases(data: st.DataObject) -> None:
    """Guards levels, households, joins and states against whatever the broker does with the messages."""
    events = data.draw(complaints())
    first = World(FixedClock(START))
    for event in events:
        first.take(event)
    repeats = data.draw(st.lists(st.sampled_from(events), max_size=6))
    shuffled = data.draw(st.permutations([*events, *repeats]))
    second = World(FixedClock(START))
    for batch in split(shuffled, data.draw(st.lists(st.integers(1, 8), max_size=8))):
        second.take(*batch)
    assert seen(second) == seen(first)
    assert all(case.history.verify() == [] for case in second.cases.all())


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_any_order_repetition_and_split_of_callback_results_gives_the_same_states(
    data: st.DataObject,
) -> None:
    """Guards closing and reopening: each case ends as its own callback says, once."""
    satisfied = data.draw(st.lists(st.booleans(), min_size=1, max_size=6))

    def prepared() -> tuple[World, list[Case]]:
        world = World(FixedClock(START))
        cases = [world.open(contact=f"ct_{n}", problem=f"p-{n}") for n in range(len(satisfied))]
        return world, [world.answer(world.accept(case)) for case in cases]

    first, cases = prepared()
    events = [
        called_back(case, f"cb_{case.id}", satisfied=yes) for case, yes in zip(cases, satisfied, strict=True)
    ]
    for event in events:
        first.call_back(event)
    second, _ = prepared()
    repeats = data.draw(st.lists(st.sampled_from(events), max_size=6))
    shuffled = data.draw(st.permutations([*events, *repeats]))
    for batch in split(shuffled, data.draw(st.lists(st.integers(1, 4), max_size=4))):
        second.call_back(*batch)
    assert seen(second) == seen(first)
    for case, yes in zip(cases, satisfied, strict=True):
        after = second.case(case.id)
        assert after.state is (CaseState.CLOSED if yes else CaseState.ACCEPTED)
        assert [e.type for e in after.history].count("case_closed" if yes else "case_reopened") == 1


def _actor(method: str) -> str:
    """Return who gives the command: nobody decides on what he asked for."""
    return "stf_boss" if method == "decide_extension" else "stf_test"


class CaseLife(RuleBasedStateMachine):
    """Everything that can happen to the cases of one organisation, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(FixedClock(START))
        self.org = PLAZA
        self.results: list[dict[str, Any]] = []
        self.events: list[dict[str, Any]] = []
        self.levels: dict[str, int] = {}
        self.breached: dict[str, int] = {}
        self.commands: dict[str, tuple[str, str, dict[str, Any], dict[str, Any]]] = {}

    @initialize(org=st.sampled_from([PLAZA, PROPERTY, RETAIL]))
    def choose(self, org: str) -> None:
        self.org = org

    @rule(customer=st.sampled_from(CUSTOMERS), claim=st.sampled_from(CLAIMS))
    def complain(self, customer: Customer, claim: dict[str, Any]) -> None:
        contact = f"ct_{len(self.events)}"
        now = self.world.clock.now()
        event = routed(
            self.org, contact, customer=customer.name, unit=customer.unit, received_at=now, **claim
        )
        self.events.append(event)
        self.world.take(event)
        assert self.world.cases.of_contact(contact, self.org) is not None

    @rule(data=st.data())
    def deliver_again(self, data: st.DataObject) -> None:
        if not (self.events or self.results):
            return
        before = seen(self.world)
        if self.events:
            (delivery,) = self.world.take(data.draw(st.sampled_from(self.events)))
            assert delivery.outcome is Outcome.DUPLICATE
        if self.results:
            (delivery,) = self.world.call_back(data.draw(st.sampled_from(self.results)))
            assert delivery.outcome is Outcome.DUPLICATE
        assert seen(self.world) == before

    @rule(
        data=st.data(),
        method=st.sampled_from(
            [
                *("decide_validity", "attempt_contact", "progress", "reply", "close"),
                *("pause_clocks", "resume_clocks", "request_extension", "decide_extension"),
            ]
        ),
    )
    def command(self, data: st.DataObject, method: str) -> None:
        case = self._any_case(data)
        if case is None:
            return
        arguments = self._arguments(data, method)
        key = f"key-{len(self.commands)}"
        before = self.world.cases.documents[case.id]
        try:
            answer = self.world.do(method, case, key=key, actor=_actor(method), **arguments)
        except (RuleRefused, ValidationFailed):
            assert self.world.cases.documents[case.id] is before
            return
        self.commands[key] = (method, case.id, arguments, answer)

    @rule(data=st.data())
    def send_a_command_again(self, data: st.DataObject) -> None:
        if not self.commands:
            return
        key = data.draw(st.sampled_from(sorted(self.commands)))
        method, case_id, arguments, answer = self.commands[key]
        before = self.world.cases.documents[case_id]
        again = self.world.do(method, case_id, org=self.org, key=key, actor=_actor(method), **arguments)
        assert again == answer
        assert self.world.cases.documents[case_id] is before

    @rule(data=st.data(), satisfied=st.booleans(), late=st.booleans())
    def call_back(self, data: st.DataObject, *, satisfied: bool, late: bool) -> None:
        case = self._any_case(data)
        if case is None or not case.rounds:
            return
        event = called_back(
            case,
            f"cb_{len(self.results)}",
            satisfied=satisfied,
            round_number=case.rounds - late,
        )
        self.results.append(event)
        self.world.call_back(event)
        if late:
            assert self.world.case(case.id).state is case.state

    @rule(minutes=st.sampled_from([1, 60, 179, 1440, 7 * 1440]), tick=st.booleans())
    def wait(self, minutes: int, *, tick: bool) -> None:
        self.world.clock.advance(timedelta(minutes=minutes))
        if tick:
            self.world.tick()

    def _any_case(self, data: st.DataObject) -> Case | None:
        cases = self.world.cases.all()
        return data.draw(st.sampled_from(cases)) if cases else None

    def _arguments(self, data: st.DataObject, method: str) -> dict[str, Any]:
        listed = rules_of(self.org).grounds
        if method == "decide_validity":
            ground = data.draw(st.sampled_from([*(choice.code for choice in listed[:2]), "changed_mind"]))
            return {"valid": data.draw(st.booleans()), "ground": ground, "reason": "核实"}
        if method == "attempt_contact":
            return {"outcome": data.draw(st.sampled_from(["reached", "unreachable"]))}
        if method == "progress":
            return {"text": "进展"}
        if method == "reply":
            final = data.draw(st.booleans())
            next_at = None if final else (self.world.clock.now() + timedelta(hours=4)).isoformat()
            return {"text": "答复", "final": final, "next_reply_at": next_at, "prevention": "检修"}
        if method.endswith("extension"):
            more = {"amount": data.draw(st.sampled_from([3, 5, 20])), "reason": "several_departments"}
            decision = {"granted": data.draw(st.booleans())}
            return {"clock": "close"} | (more if method == "request_extension" else decision)
        return {"reason": "customer_away"} if method == "pause_clocks" else {}

    @invariant()
    def histories_are_whole(self) -> None:
        assert all(case.history.verify() == [] for case in self.world.cases.all())

    @invariant()
    def no_level_falls(self) -> None:
        codes = [level.code for level in rules_of(self.org).levels]
        for case in self.world.cases.all():
            level = codes.index(case.level)
            assert level >= self.levels.get(case.id, 0)
            self.levels[case.id] = level

    @invariant()
    def every_clock_of_a_closed_case_has_ended_and_none_ticks(self) -> None:
        for case in self.world.cases.all():
            if case.state is not CaseState.CLOSED:
                continue
            assert case.next_due is None
            assert not case.overdue
            for deadline in case.deadlines:
                assert deadline.ended_at is not None
                assert deadline.state in {State.MET, State.MET_LATE, State.SUPERSEDED, State.BREACHED}
                if deadline.state is State.SUPERSEDED and deadline.pauses:
                    # One that stood still when it was dropped has no due instant to be measured by.
                    continue
                late = deadline.state in {State.MET_LATE, State.BREACHED}
                assert late == (deadline.ended_at >= deadline.due_at), "late is what ended after its time"

    @invariant()
    def a_paused_clock_is_silent_and_an_extended_one_no_earlier_than_its_original(self) -> None:
        for case in self.world.cases.all():
            for deadline in case.deadlines:
                assert deadline.state is not State.PAUSED or deadline.next_at is None
                assert deadline.original_due_at <= deadline.due_at
                assert all(one.end is None or one.start <= one.end for one in deadline.pauses)
                standing = [one for one in deadline.pauses if one.end is None]
                assert len(standing) == (deadline.state is State.PAUSED)
            expected = {f"{case.org}/{each.calendar_version}" for each in case.deadlines if each.open}
            assert set(self.world.cases.documents[case.id].get("open_calendars", ())) == expected

    @invariant()
    def every_breach_is_recorded_once_and_for_good(self) -> None:
        for case in self.world.cases.all():
            breached = sum(deadline.was_breached for deadline in case.deadlines)
            recorded = sum(entry.type == "clock_breached" for entry in case.history)
            assert breached == recorded
            assert breached >= self.breached.get(case.id, 0)
            self.breached[case.id] = breached
            closed = [entry for entry in case.history if entry.type == "case_closed"]
            if case.state is CaseState.CLOSED:
                assert closed[-1].data["on_time"] is (breached == 0)

    @invariant()
    def no_customer_has_the_same_complaint_open_twice_and_no_contact_two_cases(self) -> None:
        cases = self.world.cases.all()
        persons = [(case.customer_id, case.claim.problem) for case in cases if case.is_open]
        assert len(persons) == len(set(persons))
        contacts = [contact for case in cases for contact in case.contacts]
        assert sorted(contacts) == sorted(event["data"]["contact_id"] for event in self.events)

    @invariant()
    def a_case_closes_only_as_its_rulebook_allows(self) -> None:
        allowed = {"reply", "refused"} if self.org == RETAIL else {"callback", "refused"}
        for case in self.world.cases.all():
            reasons = {entry.data["because"] for entry in case.history if entry.type == "case_closed"}
            assert reasons <= allowed


TestCaseLife = CaseLife.TestCase
TestCaseLife.settings = settings(
    max_examples=40, stateful_step_count=25, suppress_health_check=[HealthCheck.too_slow]
)
