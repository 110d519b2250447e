"""What a rulebook may say of key figures, and what is found wrong in one before a service starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.reporting.domain.counting.matters import COUNTED_KINDS
from services.reporting.domain.kpis.vocabulary import VOCABULARY
from services.reporting.domain.kpis.window import Window
from shared.regulations import RegulationError
from tests.unit.reporting.kpi_world import Measured
from tests.unit.reporting.test_kpis import aim, target


def formula(term: str) -> str:
    """Return a formula of one term over itself."""
    sums = f"numerator: [{{{term}}}], denominator: [{{{term}}}]"
    return f"formulas:\n  share: {{english: share, unit: percent, {sums}, source: organisation}}"


FAULTS = {
    "a kind that is not counted": (
        formula("kind: moods, count: good"),
        r"numerator\.0\.kind: nothing of this kind",
    ),
    "a count that a kind has not": (
        formula("kind: cases, count: closd"),
        r"formulas\.share\.numerator\.0\.count: cases have no such count; known are .*closed",
    ),
    "a stem without a code": (formula("kind: surveys, count: scored"), r"count: surveys have no such count"),
    "a filter by what is not counted apart": (
        formula("kind: cases, count: closed, where: {person: u-1}"),
        r"where: cases are not counted apart by person",
    ),
    "a filter by nothing there is": (
        formula("kind: cases, count: closed, where: {mood: good}"),
        r"where: there is no dimension 'mood'",
    ),
    "a reported figure that nobody takes": (
        formula("kind: figures, count: numerator, where: {category: mood}"),
        r"formulas\.share: there is no reported figure mood",
    ),
    "a value of what is stated as a share": (
        formula("kind: figures, count: value, where: {category: fee_collection}"),
        r"a statement of fee_collection gives a share, so it has no value",
    ),
    "figures of which nobody knows which": (
        formula("kind: figures, count: value"),
        r"a sum of figures says which",
    ),
    "a percentage of nothing": (
        formula("kind: cases, count: closed").replace("denominator: [{kind: cases, count: closed}], ", ""),
        r"denominator: is missing: percent divides by something",
    ),
    "a figure without a formula": ("kpis:\n" + target("mood", "90"), r"kpis\.mood: no such key figure"),
    "two targets": (
        "kpis:\n" + target("shop_dsr", "4", against="industry_dsr", window="day"),
        r"against: is another target than the one in target",
    ),
    "persons of what is not counted by person": (
        "kpis:\n" + target("resolution_rate", "90", per="person"),
        r"what resolution_rate sums is not all counted apart by person",
    ),
    "a target of no key figure": (aim(mood="90"), r"kpi_targets\.mood: there is no such key figure"),
    "a second target": (
        aim(shop_dsr="4"),
        r"kpi_targets\.shop_dsr: is measured against industry_dsr",
    ),
    "an index that is no key figure": (
        "index_systems:\n  quality: {name: 质量指标体系, weights: {mood: 100}, source: organisation}",
        r"index_systems\.quality: there is no key figure mood",
    ),
}


@pytest.mark.parametrize(("own", "fault"), FAULTS.values(), ids=FAULTS)
def test_what_is_wrong_is_found_at_start_with_its_place(tmp_path: Path, own: str, fault: str) -> None:
    """Promise: a slip in a formula is found before the service starts, and never as a figure that is nothing."""
    with pytest.raises(RegulationError, match=fault):
        Measured(tmp_path, "standard", own)


@pytest.mark.rule("A-JD6-02")
@pytest.mark.parametrize("last", [20, 15])
def test_the_weights_of_an_index_system_add_up_to_a_hundred(tmp_path: Path, last: int) -> None:
    """Promise: five indices of 20 each are a system, 95 in all are refused."""
    codes = ("satisfaction", "handling_time", "resolution_rate", "callback_rate")
    weights = ", ".join([*(f"{code}: 20" for code in codes), f"promise: {last}"])
    own = (
        "kpis:\n  promise: {name: 承诺兑现率, formula: promise_kept, comparison: at_least, source: organisation}\n"
        f"index_systems:\n  quality: {{name: 质量指标体系, weights: {{{weights}}}, source: organisation}}"
    )
    if last == 20:
        office = Measured(tmp_path, "standard", own)
        (system,) = office.app.kpis.measuring.asked("works-demo", Window.of("2026-05")).rules.index_systems
        assert sum(weight for _, weight in system.weights) == 100
        return
    with pytest.raises(RegulationError, match=r"index_systems\.quality\.weights: add up to 95, not to 100"):
        Measured(tmp_path, "standard", own)


def test_everything_that_is_counted_can_be_asked_for() -> None:
    """Promise: a new kind of matter does not go unnoticed by the formulas."""
    assert set(VOCABULARY) == set(COUNTED_KINDS)
