"""Whatever people do with a dispute, in whatever order and however often: one appeal, nobody judges their own."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from services.complaints.domain.case import Case
from services.complaints.domain.dispute.dispute import Dispute, DisputeState
from services.complaints.domain.states import CaseState
from shared.errors import Conflict, RuleRefused, ValidationFailed
from tests.unit.complaints.fakes import called_back
from tests.unit.complaints.supervision_world import Tower

#: Everybody may raise and appeal; who rules as what is told apart by the role, who is a party by the name.
PEOPLE = {
    "stf_a": {"complaint_handler", "supervisor", "manager", "cs_vice_president"},
    "stf_b": {"complaint_handler", "supervisor", "cs_vice_president"},
    "stf_c": {"complaint_handler", "supervisor", "manager", "cs_vice_president", "cs_senior_executive"},
    "stf_d": {"complaint_handler", "manager", "engineering"},
    "stf_e": {"complaint_handler", "supervisor", "manager", "cs_senior_executive"},
    "stf_f": {"complaint_handler", "supervisor", "cs_vice_president", "cs_senior_executive"},
}
PARTIES = {"engineering": ["stf_a"], "operations": ["stf_b"]}
ACCUSED = "stf_e"
people = st.sampled_from(sorted(PEOPLE))
sides = st.sampled_from(sorted(PARTIES))
picks = st.integers(0, 5)


class AnyDisputes(RuleBasedStateMachine):
    """One case, its disputes, and everything people may do about them."""

    def __init__(self) -> None:
        super().__init__()
        self.tower = Tower()
        self.sent: list[tuple[str, dict[str, Any], Any]] = []

    @initialize()
    def begin(self) -> None:
        self.case_id = self.tower.accepted().id
        accused: dict[str, Any] = {"id": self.case_id, "staff": [ACCUSED]}
        self.tower.counter.do("name_accused", **accused, roles={"complaint_handler"})
        self.raise_one("stf_a", "engineering")

    @property
    def case(self) -> Case:
        return self.tower.world.case(self.case_id)

    @property
    def disputes(self) -> list[Dispute]:
        return self.tower.kept.disputes.all()

    def _send(self, method: str, by: str, **arguments: Any) -> None:
        before = dict(self.tower.kept.disputes.documents)
        given = {"by": by, "roles": PEOPLE[by] | {"staff"}, "key": f"key-{len(self.sent)}", **arguments}
        try:
            answer = self.tower.do(method, **given)
        except (RuleRefused, ValidationFailed, Conflict):
            assert self.tower.kept.disputes.documents == before
            return
        self.sent.append((method, given, answer))

    def _one(self, pick: int) -> Dispute:
        return self.disputes[pick % len(self.disputes)]

    @rule(by=people, side=sides)
    def raise_one(self, by: str, side: str) -> None:
        if len(self.disputes) < 3:
            parties = [{"department": name, "staff": staff} for name, staff in PARTIES.items()]
            about = {"case_id": self.case_id, "subject": "responsibility", "question": "x"}
            self._send("raise_dispute", by, **about, department=side, parties=parties)

    @rule(by=people, pick=picks)
    def step_aside(self, by: str, pick: int) -> None:
        self._send("recuse", by, id=self._one(pick).id, reason="x")

    @rule(by=people, pick=picks, side=st.one_of(st.none(), sides))
    def rule_on_it(self, by: str, pick: int, side: str | None) -> None:
        self._send("rule_dispute", by, id=self._one(pick).id, text="x", responsible=side)

    @rule(by=people, pick=picks, side=sides)
    def appeal(self, by: str, pick: int, side: str) -> None:
        self._send("appeal_ruling", by, id=self._one(pick).id, department=side, reason="x")

    @rule(by=people, pick=picks)
    def withdraw(self, by: str, pick: int) -> None:
        self._send("withdraw_dispute", by, id=self._one(pick).id)

    @rule()
    def the_case_is_answered_to_satisfaction(self) -> None:
        if self.case.state is CaseState.ACCEPTED:
            self.tower.step("reply", self.case, text="x")
        self.tower.world.call_back(called_back(self.case, satisfied=True))

    @rule(hours=st.integers(1, 30), ticks=st.booleans())
    def time_passes(self, hours: int, *, ticks: bool) -> None:
        self.tower.clock.advance(timedelta(hours=hours))
        if ticks:
            self.tower.tick()

    @rule(pick=picks)
    def an_answer_was_lost_and_the_command_comes_again(self, pick: int) -> None:
        if self.sent:
            method, given, answer = self.sent[pick % len(self.sent)]
            assert self.tower.do(method, **given) == answer

    @invariant()
    def nobody_of_a_party_and_nobody_accused_rules(self) -> None:
        for dispute in self.disputes:
            barred = {dispute.raised_by, ACCUSED, *(n for staff in PARTIES.values() for n in staff)}
            for entry in dispute.history:
                # Whoever ruled may still step aside from what comes after it, and then rules no more.
                if entry.type == "ruler_recused":
                    barred.add(entry.actor)
                elif entry.type == "dispute_ruled":
                    assert entry.actor not in barred
            for ruling in dispute.rulings:
                assert ruling.role in PEOPLE[ruling.by]
                assert "engineering" not in PEOPLE[ruling.by]
            judges = [ruling.by for ruling in dispute.rulings]
            assert len(set(judges)) == len(judges)

    @invariant()
    def there_is_at_most_one_appeal_and_its_ruling_is_final(self) -> None:
        for dispute in self.disputes:
            kinds = [entry.type for entry in dispute.history]
            assert kinds.count("ruling_appealed") <= 1
            assert len(dispute.rulings) <= 2
            if len(dispute.rulings) == 2:
                assert dispute.state is DisputeState.FINAL
            assert kinds.count("ruling_overdue") <= dispute.instance
            assert kinds.count("ruling_final") <= 1
            assert dispute.history.verify() == []

    @invariant()
    def the_case_knows_what_is_open_and_waits_for_it(self) -> None:
        case = self.case
        still = sorted(dispute.id for dispute in self.disputes if dispute.is_open)
        assert case.open_disputes == still
        assert not any(dispute.pending for dispute in self.disputes)
        assert case.history.verify() == []


TestDisputes = AnyDisputes.TestCase
TestDisputes.settings = settings(
    max_examples=15, stateful_step_count=20, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
