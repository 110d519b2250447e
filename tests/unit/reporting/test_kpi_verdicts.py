"""Key figures off their targets: said once when the window has ended, and taken back when what comes late mends it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from unittest.mock import Mock

import pytest

from services.reporting.handlers.counting import ReadSums
from services.reporting.kpis_kept import VerdictsKept
from services.reporting.metrics import KPI_TARGET, KPI_VALUE
from shared.errors import Conflict
from tests.unit.reporting.kpi_world import Measured
from tests.unit.reporting.register_world import ORG, beijing
from tests.unit.reporting.test_kpis import aim

SHOPS = aim(shop_response="90")
#: After a round is made none is made for so long.
ROUND = timedelta(minutes=5)


@pytest.fixture
def office(tmp_path: Path) -> Callable[..., Measured]:
    """Build an office of a profile, with what its organisation decides itself."""

    def built(profile: str, own: str = "") -> Measured:
        return Measured(tmp_path, profile, own)

    return built


def off(office: Measured) -> list[tuple[str, str, str | None, str | None]]:
    """Return what was said to be off: key figure, window, part and value."""
    return [(e["code"], e["window"], e["key"], e["value"]) for e in office.events("kpi_off_target")]


def fees(office: Measured, numerator: str, window: str = "2026-05") -> None:
    """Let the fee system state what was collected of a hundred."""
    office.states("fee_collection", window, person="u-s1", numerator=numerator, denominator="100")


def test_a_figure_off_its_target_is_said_once_when_its_window_has_ended(
    office: Callable[..., Measured],
) -> None:
    """Promise: not while May runs, at its end once with the months before, and not again by later rounds."""
    estate = office("property")
    fees(estate, "97", "2026-03")
    fees(estate, "96", "2026-04")
    fees(estate, "93")
    estate.pass_time(beijing("2026-05-31 23:59"))
    assert ("fee_collection", "2026-05", None, "93.0") not in off(estate)
    estate.pass_time(ROUND)
    estate.pass_time(ROUND)
    said = [each for each in estate.events("kpi_off_target") if each["code"] == "fee_collection"]
    assert [(each["window"], each["value"], each["target"], each["gap"]) for each in said] == [
        ("2026-05", "93.0", "95", "-2.0")
    ]
    assert [(each["window"], each["value"]) for each in said[0]["trend"]] == [
        ("2026-05", "93.0"),
        ("2026-04", "96.0"),
        ("2026-03", "97.0"),
        ("2026-02", None),
    ]


def test_a_window_without_cases_is_neither_met_nor_missed(office: Callable[..., Measured]) -> None:
    """Promise: nobody hears of a month in which nothing was counted."""
    estate = office("property")
    estate.pass_time(beijing("2026-06-02 09:00"))
    assert off(estate) == []


def test_what_comes_late_takes_a_verdict_back_and_may_bring_it_again(office: Callable[..., Measured]) -> None:
    """Promise: a correction across the target is said, one that stays on its side is not."""
    estate = office("property")
    fees(estate, "93")
    estate.pass_time(beijing("2026-06-01 00:01"))
    for collected in ("94", "95", "96", "92"):
        fees(estate, collected)
        estate.pass_time(ROUND)
    rows = [*estate.said, *estate.sent]
    told = [
        (e.entry.type, e.entry.data["value"]) for e in rows if e.entry.data.get("code") == "fee_collection"
    ]
    assert told == [("kpi_off_target", "93.0"), ("kpi_back_on_target", "95.0"), ("kpi_off_target", "92.0")]
    subjects = {e.subject for e in rows if e.entry.data.get("code") == "fee_collection"}
    assert len(subjects) == 1


def test_a_verdict_stands_when_the_time_for_what_comes_late_is_over(office: Callable[..., Measured]) -> None:
    """Promise: more than 31 days after its end a window is judged no more."""
    estate = office("property")
    fees(estate, "93")
    estate.pass_time(beijing("2026-06-01 00:01"))
    estate.pass_time(beijing("2026-07-02 00:01"))
    fees(estate, "99")
    estate.pass_time(ROUND)
    assert estate.events("kpi_back_on_target") == []


@pytest.mark.rule("A-JD1-06")
def test_each_shop_is_judged_by_itself(office: Callable[..., Measured]) -> None:
    """Promise: S1 with 92 % passes a target of 90 %, S2 with 88 % is told of, the average of both is not judged."""
    shops = office("standard", SHOPS)
    for unit, answered in (("S1", "92"), ("S2", "88")):
        shops.states("shop_response", "2026-05-06", unit=unit, numerator=answered, denominator="100")
    shops.pass_time(beijing("2026-05-07 00:01"))
    assert off(shops) == [("shop_response", "2026-05-06", "S2", "88.0")]


@pytest.mark.rule("A-JD13-06")
def test_a_project_whose_delivery_scores_below_the_limit_is_told_of(office: Callable[..., Measured]) -> None:
    """Promise: P1 with 85 passes the limit of 80 that the organisation set, P2 with 72 is flagged."""
    projects = office("standard", aim(delivery_score="80"))
    for project, score in (("P1", "85"), ("P2", "72")):
        projects.states("delivery_score", project=project, value=score)
    projects.pass_time(beijing("2026-06-01 00:01"))
    assert off(projects) == [("delivery_score", "2026-05", "P2", "72.0")]


def test_after_a_standstill_every_day_left_out_is_judged(office: Callable[..., Measured]) -> None:
    """Promise: what ended while nothing ran is said when it runs again, each day once."""
    shops = office("standard", SHOPS)
    for day in ("2026-05-06", "2026-05-08"):
        shops.states("shop_response", day, unit="S1", numerator="8", denominator="10")
    shops.pass_time(beijing("2026-05-20 09:00"))
    shops.pass_time(ROUND)
    assert sorted(each[1] for each in off(shops)) == ["2026-05-06", "2026-05-08"]


def test_two_replicas_say_the_same_once(
    office: Callable[..., Measured], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Promise: ids follow from what is judged, so a judge who saw nothing of the other's word finds it said."""
    shops = office("standard", SHOPS)
    shops.states("shop_response", "2026-05-06", unit="S1", numerator="8", denominator="10")
    shops.pass_time(timedelta(days=1))
    monkeypatch.setattr(VerdictsKept, "of_windows", lambda *_: [])
    shops.pass_time(ROUND)
    assert len(off(shops)) == 1


def test_a_round_that_finds_its_sums_changing_is_begun_again_by_the_next_tick(
    office: Callable[..., Measured], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Promise: a busy moment stops neither other timers nor the word on what was off."""
    shops = office("standard", SHOPS)
    shops.states("shop_response", "2026-05-06", unit="S1", numerator="8", denominator="10")
    with monkeypatch.context() as busy:
        busy.setattr(ReadSums, "__call__", Mock(side_effect=Conflict("busy")))
        shops.pass_time(timedelta(days=1))
    assert off(shops) == []
    shops.pass_time(timedelta(seconds=1))
    assert len(off(shops)) == 1


def test_values_and_targets_are_shown_as_gauges_in_base_units(office: Callable[..., Measured]) -> None:
    """Promise: a share is a ratio, and a figure without cases has no series."""
    estate = office("property")
    fees(estate, "93")
    estate.pass_time(ROUND)
    labels = {"organisation": ORG, "code": "fee_collection", "unit": "ratio"}
    value, wanted = (metric.labels(**labels) for metric in (KPI_VALUE, KPI_TARGET))
    assert (value._value.get(), wanted._value.get()) == (pytest.approx(0.93), pytest.approx(0.95))
    samples = [sample for family in KPI_VALUE.collect() for sample in family.samples]
    shown = {(sample.labels["organisation"], sample.labels["code"]) for sample in samples}
    assert (ORG, "paid_service_satisfaction") not in shown
