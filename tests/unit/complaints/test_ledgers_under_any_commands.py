"""Whatever is proposed, decided, appealed, reversed and closed, in any order and however often: the sums hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from services.complaints.domain.liability.penalty import PenaltyState
from shared.clock import FixedClock
from shared.errors import KefuError
from shared.ledger import Kind, period_after
from tests.unit.complaints.fakes import SHOP, beijing
from tests.unit.complaints.liability_world import GM, Office

STAFF = ("stf_a", "stf_b")
sums = st.integers(1, 300_000).map(lambda hundredths: f"{Decimal(hundredths) / 100:.2f}")


class MonthsMachine(RuleBasedStateMachine):
    """Retail's penalties over many months, with any bonuses, appeals and reversals."""

    def __init__(self) -> None:
        super().__init__()
        self.office = Office(FixedClock(beijing("2025-01-06 09:00")))
        self.month = "2025-01"
        self.penalties: list[str] = []
        self.statements: dict[str, dict[str, Any]] = {}

    @rule(amount=sums, staff=st.sampled_from(STAFF))
    def charge(self, amount: str, staff: str) -> None:
        self.penalties.append(self.office.charge(amount, staff).id)

    @rule(amount=sums, first=st.integers(1, 50), second=st.integers(1, 50))
    def charge_the_department(self, amount: str, first: int, second: int) -> None:
        case = self.office.liable(level="department", unattributable="记录缺失")
        rows = [{"staff": STAFF[0], "points": str(first)}, {"staff": STAFF[1], "points": str(second)}]
        proposed = self.office.do(
            "propose_penalty",
            case_id=case.id,
            loss=amount,
            total_points=str(first + second),
            points=rows,
            reason="x",
        )
        penalty = self.office.approve(proposed)
        assert penalty.total == Decimal(amount)
        self.penalties.append(penalty.id)

    @precondition(lambda self: self.penalties)
    @rule(data=st.data(), staff=st.sampled_from(STAFF), upheld=st.booleans())
    def appeal(self, data: st.DataObject, staff: str, *, upheld: bool) -> None:
        penalty = data.draw(st.sampled_from(self.penalties))
        try:
            self.office.do("appeal_penalty", by=staff, roles={"staff"}, id=penalty, reason="不服")
            self.office.do("decide_appeal", by=GM, id=penalty, staff=staff, upheld=upheld)
        except KefuError as error:
            assert error.code in {"rule_refused", "validation_failed"}  # noqa: PT017 - both are right at times

    @precondition(lambda self: self.penalties)
    @rule(data=st.data())
    def reverse(self, data: st.DataObject) -> None:
        penalty = data.draw(st.sampled_from(self.penalties))
        if self.office.penalty(penalty).state is PenaltyState.POSTED:
            self.office.do("reverse_penalty", by=GM, id=penalty, reason="更正")

    @rule(first=sums, second=sums)
    def close(self, first: str, second: str) -> None:
        self.office.at(f"{self.month}-28 18:00")
        while self._too_early():
            self.office.clock.advance(_DAY)
        balances = {staff: self._capped(staff) for staff in STAFF}
        answer = self.office.close(self.month, stf_a=first, stf_b=second)
        for staff, bonus in zip(STAFF, (first, second), strict=True):
            taken = (
                self.office.deducted(staff).get(self.month, Decimal(0)) if balances[staff] is not None else 0
            )
            assert taken <= Decimal(bonus) / 2
        assert answer["state"] == "closed"
        self.statements[self.month] = self.office.do("month_statement", month=self.month)
        self.month = period_after(self.month)
        self.office.at(f"{self.month}-05 09:00")

    @invariant()
    def closed_months_never_change(self) -> None:
        for month, before in self.statements.items():
            shown = self.office.do("month_statement", month=month)
            assert {**shown, "review_overdue": None} == {**before, "review_overdue": None}

    @invariant()
    def what_was_charged_and_stands_is_taken_or_still_owed(self) -> None:
        for staff in STAFF:
            standing = sum(
                (
                    line.amount or Decimal(0)
                    for penalty in self.penalties
                    for line in self.office.penalty(penalty).lines
                    if line.staff == staff and line.state.value == "posted"
                ),
                Decimal(0),
            )
            lines = self._lines(staff)
            taken = -sum(
                (line.amount for line in lines if line.kind in {Kind.SETTLEMENT, Kind.RETURN}), Decimal(0)
            )
            assert standing == taken + sum((line.amount for line in lines), Decimal(0))

    @invariant()
    def events_tell_the_whole_ledger(self) -> None:
        told = sorted(
            (event.data["entry_id"], event.data["amount"])
            for event in self.office.events("ledger_entry_posted")
        )
        kept = sorted((line.id, str(line.amount)) for staff in STAFF for line in self._lines(staff))
        assert told == kept

    @invariant()
    def every_history_verifies(self) -> None:
        for account in self.office.ledgers.accounts.all():
            assert account.history.verify() == []

    def _lines(self, staff: str) -> list[Any]:
        found = [row for row in self.office.ledgers.accounts.all() if row.staff == staff]
        return [line for account in found for line in account.ledger.lines]

    def _capped(self, staff: str) -> Decimal | None:
        found = [row for row in self.office.ledgers.accounts.all() if row.staff == staff]
        return found[0].ledger.balance if found else None

    def _too_early(self) -> bool:
        return (self.office.clock.now() + _DAY).astimezone(beijing("2025-01-01 00:00").tzinfo).strftime(
            "%Y-%m"
        ) == self.month


_DAY = beijing("2025-01-02 00:00") - beijing("2025-01-01 00:00")

TestMonths = MonthsMachine.TestCase
TestMonths.settings = settings(
    max_examples=12, stateful_step_count=16, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


@dataclass(frozen=True)
class Command:
    """One command with its key, as a caller would send it, perhaps again and again."""

    method: str
    by: str
    key: str
    arguments: dict[str, Any] = field(hash=False)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_any_order_and_repetition_of_commands_with_their_keys_gives_the_same_ledgers(
    data: st.DataObject,
) -> None:
    """Guards the ledgers against retries, crossing calls and replicas: fines and points of a month in any order."""
    count = data.draw(st.integers(1, 5))
    kinds = data.draw(
        st.lists(st.sampled_from(["propose_fine", "propose_points"]), min_size=count, max_size=count)
    )
    persons = data.draw(st.lists(st.sampled_from(STAFF), min_size=count, max_size=count))

    def prepared() -> tuple[Office, list[Command]]:
        office = Office(FixedClock(beijing("2025-03-03 09:00")), SHOP)
        approvals = []
        for number, (method, staff) in enumerate(zip(kinds, persons, strict=True)):
            case = office.case(closed=False)
            office.liable(staff, case=case)
            offence = "service" if method == "propose_fine" else "attitude"
            proposed = office.do(
                method, key=f"p-{number}", case_id=case.id, staff=staff, offence=offence, reason="x"
            )
            arguments = {"id": proposed["penalty_id"], "approved": True}
            approvals.append(Command("decide_penalty", GM, f"d-{number}", arguments))
        return office, approvals

    first, commands = prepared()
    for command in commands:
        first.do(command.method, by=command.by, key=command.key, **command.arguments)
    second, again = prepared()
    repeats = data.draw(st.lists(st.sampled_from(again), max_size=5))
    for command in data.draw(st.permutations([*again, *repeats])):
        second.do(command.method, by=command.by, key=command.key, **command.arguments)
        if data.draw(st.booleans()):
            second.post.pending()
    assert seen(first) == seen(second)


def seen(office: Office) -> list[Any]:
    """Return what must not depend on order: every ledger's amounts, its balance and its proposals."""
    return sorted(
        (
            account.staff,
            account.unit.value,
            [str(line.amount) for line in account.ledger.lines],
            len(account.dismissals),
        )
        for account in office.ledgers.accounts.all()
    )


class SeriesMachine(RuleBasedStateMachine):
    """Fines of an online shop with appeals: the month always costs what its standing fines cost together."""

    @initialize()
    def open_shop(self) -> None:
        self.office = Office(FixedClock(beijing("2025-03-03 09:00")), SHOP)
        self.standing: list[str] = []

    @rule()
    def fine(self) -> None:
        case = self.office.case(closed=False)
        self.office.liable("stf_a", case=case)
        proposed = self.office.do(
            "propose_fine", case_id=case.id, staff="stf_a", offence="service", reason="x"
        )
        self.standing.append(self.office.approve(proposed).id)

    @precondition(lambda self: self.standing)
    @rule(data=st.data())
    def uphold_an_appeal(self, data: st.DataObject) -> None:
        penalty = data.draw(st.sampled_from(self.standing))
        self.standing.remove(penalty)
        self.office.do("appeal_penalty", by="stf_a", roles={"staff"}, id=penalty, reason="不服")
        self.office.do("decide_appeal", by=GM, id=penalty, staff="stf_a", upheld=True)

    @invariant()
    def the_month_costs_what_its_standing_fines_cost(self) -> None:
        accounts = self.office.ledgers.accounts.all()
        if accounts:
            expected = [0, 50, 150][min(len(self.standing), 2)]
            assert accounts[0].ledger.balance == expected
            proposed = [row for row in accounts[0].dismissals if row.withdrawn_at is None]
            assert len(proposed) == (len(self.standing) >= 3)


TestSeries = SeriesMachine.TestCase
TestSeries.settings = settings(
    max_examples=10, stateful_step_count=12, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
