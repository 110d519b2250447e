"""Ledgers: nothing lost, nothing taken twice, nothing changed, whatever the order of what happens."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from shared.errors import NotFound
from shared.ledger import Kind, Ledger, Line, PeriodLocked, Posting, Step, Tariff, period_after

NOW = datetime(2025, 3, 5, 1, 0, tzinfo=UTC)
#: 50, 100, 200 … each twice the one before.
DOUBLING = Tariff(lambda count: Decimal(50) * (2**count - 1), "design")
#: One each; three cost 5 in all, five cost 10.
STEPS = Tariff(lambda count: Decimal(10 if count >= 5 else 5 if count >= 3 else count), "design")


def posting(number: int, amount: str = "0", bucket: str = "loss") -> Posting:
    return Posting(f"p{number}", bucket, Decimal(amount), NOW, "u-1", (Step("why", "x", "design"),))


def amounts(lines: list[Line]) -> list[tuple[str, str]]:
    return [(line.kind.value, str(line.amount)) for line in lines]


def test_what_exceeds_the_limit_is_taken_in_later_periods() -> None:
    """1,000 at 300 a month are 300, 300, 300 and 100, and then nothing."""
    ledger = Ledger()
    ledger.charge(posting(1, "1000"), "2025-03")
    taken = []
    for period in ("2025-03", "2025-04", "2025-05", "2025-06", "2025-07"):
        (done,) = ledger.settle(period, {"loss": Decimal(300)}, at=NOW, by="u-1")
        taken.append(str(done.taken))
    assert taken == ["300.00", "300.00", "300.00", "100.00", "0.00"]
    assert ledger.balance == 0


def test_the_oldest_charge_is_settled_first() -> None:
    """The second waits until the first is paid."""
    ledger = Ledger()
    ledger.charge(posting(1, "100"), "2025-03")
    ledger.charge(posting(2, "100"), "2025-03")
    ledger.settle("2025-03", {"loss": Decimal(150)}, at=NOW, by="u-1")
    assert [ledger.owed("p1"), ledger.owed("p2")] == [Decimal(0), Decimal(50)]


def test_buckets_do_not_share_a_limit() -> None:
    """Other charges are taken whole beside a limited one, and untouched where they are not named."""
    ledger = Ledger()
    for number, bucket in enumerate(("loss", "fixed", "score")):
        ledger.charge(posting(number, "100", bucket), "2025-03")
    done = ledger.settle("2025-03", {"loss": Decimal(10), "fixed": None}, at=NOW, by="u-1")
    assert [(each.bucket, str(each.taken), str(each.carried)) for each in done] == [
        ("loss", "10.00", "90.00"),
        ("fixed", "100.00", "0.00"),
    ]
    assert ledger.owed("p2") == 100


def test_a_charge_taken_back_after_a_deduction_is_given_back() -> None:
    """300 of 1,000 were taken; after the counter-entry just these come back, whatever the limit."""
    ledger = Ledger()
    ledger.charge(posting(1, "1000"), "2025-03")
    ledger.settle("2025-03", {"loss": Decimal(300)}, at=NOW, by="u-1")
    ledger.reverse("p1", "2025-04", at=NOW, by="u-2")
    assert ledger.balance == -300
    (done,) = ledger.settle("2025-04", {"loss": Decimal(0)}, at=NOW, by="u-1")
    assert [done.taken, done.returned, ledger.balance] == [Decimal(0), Decimal(300), Decimal(0)]
    assert [line.kind for line in ledger.lines] == [
        Kind.CHARGE,
        Kind.SETTLEMENT,
        Kind.COUNTER,
        Kind.RETURN,
    ]


def test_a_locked_period_takes_nothing_any_more() -> None:
    """Neither a charge nor a counter-entry nor a second settlement; the next period does."""
    ledger = Ledger()
    ledger.charge(posting(1, "10"), "2025-03")
    ledger.settle("2025-03", {"loss": None}, at=NOW, by="u-1")
    with pytest.raises(PeriodLocked):
        ledger.charge(posting(2, "10"), "2025-03")
    with pytest.raises(PeriodLocked):
        ledger.reverse("p1", "2025-02", at=NOW, by="u-1")
    with pytest.raises(PeriodLocked):
        ledger.settle("2025-03", {"loss": None}, at=NOW, by="u-1")
    assert (ledger.open_period("2025-01"), ledger.open_period("2025-06")) == ("2025-04", "2025-06")
    assert len(ledger.lines) == 2


def test_the_same_id_again_changes_nothing() -> None:
    """Charges, counter-entries and their repeats: each once."""
    ledger = Ledger()
    assert ledger.charge(posting(1, "10"), "2025-03")
    assert not ledger.charge(posting(1, "10"), "2025-04")
    assert ledger.reverse("p1", "2025-03", at=NOW, by="u-1")
    assert not ledger.reverse("p1", "2025-03", at=NOW, by="u-1")
    assert amounts(ledger.lines) == [("charge", "10.00"), ("counter", "-10.00")]
    with pytest.raises(NotFound):
        ledger.reverse("p1.r", "2025-03", at=NOW, by="u-1")


@pytest.mark.parametrize("amount", ["-1", "0.001", "NaN"])
def test_a_charge_that_is_no_sum_is_refused(amount: str) -> None:
    """Taking back is done by counter-entries only, never by charging less than nothing."""
    ledger = Ledger()
    with pytest.raises(ValueError):
        ledger.charge(posting(1, amount), "2025-03")
    assert not ledger.lines


def test_a_series_is_charged_by_its_tariff_and_says_how_often_it_was() -> None:
    """The amount is what one more adds; its trace names the occurrence."""
    ledger = Ledger()
    for number in range(3):
        ledger.charge(posting(number), "2025-03", series="s", tariff=DOUBLING)
    assert [str(line.amount) for line in ledger.lines] == ["50.00", "100.00", "200.00"]
    assert [line.ordinal for line in ledger.lines] == [1, 2, 3]
    assert ledger.lines[1].trace[-2:] == (
        Step("occurrence", "2", "design"),
        Step("amount", "100.00", "design"),
    )


def test_taking_back_the_first_of_a_series_counts_the_later_ones_anew() -> None:
    """50, 100 and 200 without the first are 50 and 100; a closed period stays as it was."""
    ledger = Ledger()
    for number in range(3):
        ledger.charge(posting(number), "2025-03", series="s", tariff=DOUBLING)
    ledger.settle("2025-03", {"loss": None}, at=NOW, by="u-1")
    before = list(ledger.lines)
    ledger.reverse("p0", "2025-04", at=NOW, by="u-2", tariff=DOUBLING)
    assert ledger.lines[: len(before)] == before
    assert amounts(ledger.lines[len(before) :]) == [
        ("counter", "-50.00"),
        ("recount", "-50.00"),
        ("recount", "-100.00"),
    ]
    ledger.charge(posting(3), "2025-04", series="s", tariff=DOUBLING)
    assert ledger.lines[-1].amount == 200


class LedgerMachine(RuleBasedStateMachine):
    """Charges, series, counter-entries, repeats and settlements with any limit, in any order, over many periods."""

    def __init__(self) -> None:
        super().__init__()
        self.ledger = Ledger()
        self.period = "2025-01"
        self.numbers = 0
        self.frozen: list[Line] = []
        self.taken = Decimal(0)

    @rule(hundredths=st.integers(0, 10**6), bucket=st.sampled_from(["loss", "fixed"]))
    def charge(self, hundredths: int, bucket: str) -> None:
        self.numbers += 1
        amount = str(Decimal(hundredths) / 100)
        self.ledger.charge(posting(self.numbers, amount, bucket), self.period)

    @rule(series=st.sampled_from(["doubling/1", "steps/1", "steps/2"]))
    def charge_in_series(self, series: str) -> None:
        self.numbers += 1
        self.ledger.charge(
            posting(self.numbers, bucket="fixed"), self.period, series=series, tariff=tariff(series)
        )

    @precondition(lambda self: self.numbers)
    @rule(data=st.data())
    def repeat_a_charge(self, data: st.DataObject) -> None:
        before = list(self.ledger.lines)
        number = data.draw(st.integers(1, self.numbers))
        self.ledger.charge(posting(number, "77"), self.period)
        assert self.ledger.lines == before

    @precondition(lambda self: self.numbers)
    @rule(data=st.data())
    def take_back(self, data: st.DataObject) -> None:
        charge = self.ledger.line(f"p{data.draw(st.integers(1, self.numbers))}")
        assert charge is not None
        found = tariff(charge.series) if charge.series else None
        self.ledger.reverse(charge.id, self.period, at=NOW, by="u-2", tariff=found)

    @rule(hundredths=st.integers(0, 10**5))
    def settle(self, hundredths: int) -> None:
        limit = Decimal(hundredths) / 100
        loss, fixed = self.ledger.settle(self.period, {"loss": limit, "fixed": None}, at=NOW, by="u-1")
        assert 0 <= loss.taken <= limit
        assert loss.taken + loss.carried == loss.owed
        assert fixed.carried == 0
        self.taken += loss.taken + fixed.taken - loss.returned - fixed.returned
        self.frozen = list(self.ledger.lines)
        self.period = period_after(self.period)

    @invariant()
    def closed_periods_never_change(self) -> None:
        assert self.ledger.lines[: len(self.frozen)] == self.frozen
        assert all(line.period == self.period for line in self.ledger.lines[len(self.frozen) :])

    @invariant()
    def what_was_charged_is_taken_or_still_owed(self) -> None:
        charged = sum(
            (line.amount for line in self.ledger.lines if line.kind not in {Kind.SETTLEMENT, Kind.RETURN}),
            Decimal(0),
        )
        assert charged == self.taken + self.ledger.balance

    @invariant()
    def a_series_costs_what_its_standing_charges_cost_together(self) -> None:
        for series in {line.series for line in self.ledger.lines if line.series}:
            standing = self.ledger.standing(series)
            cost = sum(
                (
                    line.amount
                    for charge in standing
                    for line in self.ledger.about(charge.id)
                    if line.kind in {Kind.CHARGE, Kind.RECOUNT}
                ),
                Decimal(0),
            )
            assert cost == tariff(series).total(len(standing))

    @invariant()
    def nothing_is_owed_of_what_was_taken_back_but_what_was_taken_for_it(self) -> None:
        for line in self.ledger.lines:
            if line.kind is Kind.CHARGE and not self.ledger.stands(line.id):
                taken = sum(
                    (
                        -each.amount
                        for each in self.ledger.about(line.id)
                        if each.kind in {Kind.SETTLEMENT, Kind.RETURN}
                    ),
                    Decimal(0),
                )
                assert self.ledger.owed(line.id) == -taken
                assert taken >= 0


def tariff(series: str) -> Tariff:
    return DOUBLING if series.startswith("doubling") else STEPS


TestLedgerMachine = LedgerMachine.TestCase
TestLedgerMachine.settings = settings(max_examples=40, stateful_step_count=30)
