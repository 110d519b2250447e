"""Waves of surveys: what a plan needs, who launches, when they close, how many came back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from shared.errors import Forbidden, KefuError, RuleRefused
from tests.unit.followup.survey_office import SurveyOffice, overall

_PLAN = {
    "kind": "client_satisfaction",
    "purpose": "了解交付体验。",
    "where": {"kind": "company"},
    "size": 200,
    "method": "phone",
}


@pytest.fixture
def logistics(tmp_path: Path) -> SurveyOffice:
    return SurveyOffice(tmp_path, "logistics")


@pytest.mark.rule("A-LOG-66")
@pytest.mark.parametrize("lacking", ["purpose", "where", "size", "method"])
def test_a_plan_without_one_of_its_parts_is_refused_by_the_rule(
    logistics: SurveyOffice, lacking: str
) -> None:
    """Purpose, target, number and one method are there before anybody is asked."""
    with pytest.raises(RuleRefused) as refused:
        logistics.plan(**{key: value for key, value in _PLAN.items() if key != lacking})
    assert refused.value.rule == "A-LOG-66"
    names = {"where": "target", "size": "sample"}
    assert [problem.field for problem in refused.value.problems] == [names.get(lacking, lacking)]


@pytest.mark.rule("A-LOG-66")
def test_a_survey_of_200_is_not_launched_before_it_was_rehearsed(logistics: SurveyOffice) -> None:
    """The questions are tried out beforehand (事前充分模拟)."""
    wave = logistics.plan(**_PLAN)
    with pytest.raises(RuleRefused) as refused:
        logistics.move(wave, "launch", "post_service_supervisor")
    assert refused.value.rule == "A-LOG-66"
    logistics.move(wave, "rehearse")
    assert logistics.move(wave, "launch", "post_service_supervisor")["state"] == "launched"


@pytest.mark.rule("A-LOG-50")
def test_only_the_post_service_supervisor_launches(logistics: SurveyOffice) -> None:
    """A survey of 50 clients; the front desk may not."""
    clients = logistics.people(60)
    wave = logistics.plan(**_PLAN | {"size": 50, "where": {}})
    logistics.move(wave, "rehearse")
    with pytest.raises(Forbidden) as refused:
        logistics.move(wave, "launch", "front_desk_agent")
    assert refused.value.rule == "A-LOG-50"
    assert logistics.invitations(wave) == []
    logistics.move(wave, "launch", "post_service_supervisor")
    asked = [row["customer_id"] for row in logistics.invitations(wave)]
    assert len(asked) == 50
    assert set(asked) <= set(clients)


@pytest.mark.rule("B-PRO-16")
@pytest.mark.parametrize(("back", "met", "rate"), [(450, True, "50.0"), (449, False, "49.9")])
def test_of_900_sent_450_must_be_back_after_15_working_days(
    tmp_path: Path, back: int, *, met: bool, rate: str
) -> None:
    """Sent on 19 May 2025, a Monday; the Dragon Boat holiday on 2 June puts the end off to 10 June."""
    estate = SurveyOffice(tmp_path, "property")
    estate.people(900, phase="occupied")
    wave = estate.launched(kind="owner_opinion", where={"phase": "occupied"}, method="letter")
    seen = estate.get(wave)
    assert [(row["clock"], row["source"]) for row in seen["clocks"]] == [("collect", "B-PRO-16")]
    # The end of the fifteenth working day, local time.
    assert seen["closes_at"] == "2025-06-10T16:00:00.000Z"
    estate.fill(wave, overall(*[4] * back))
    estate.pass_time("2025-06-10T23:59:00+08:00")
    assert estate.get(wave)["state"] == "launched"
    estate.pass_time("2025-06-11T00:00:00+08:00")
    seen = estate.get(wave)
    assert (seen["state"], seen["figures"]["rate"], seen["figures"]["returned"]) == ("closed", rate, met)
    assert [(row["sent"], row["answered"], row["returned"]) for row in estate.told("survey_summed")] == [
        (900, back, met)
    ]


@pytest.mark.rule("B-PRO-15")
def test_all_occupied_homes_are_asked_and_each_once(tmp_path: Path) -> None:
    """Nobody is asked who does not live there, and a home of two people gets one questionnaire."""
    estate = SurveyOffice(tmp_path, "property")
    homes = estate.people(898, phase="occupied")
    estate.people(5, phase="vacant")
    shared = [
        {"customer_id": each, "traits": {"phase": "occupied"}, "units": ("home-899", "home-900")}
        for each in ("cu_wife", "cu_husband")
    ]
    estate.app.people.mark(estate.by(), shared)
    with pytest.raises(RuleRefused) as refused:
        estate.plan(kind="owner_opinion", where={"phase": "occupied"}, percent=90)
    assert refused.value.rule == "B-PRO-15"
    wave = estate.launched(kind="owner_opinion", where={"phase": "occupied"})
    seen = estate.get(wave)
    assert (seen["sent"], seen["population"], seen["coverage"]) == (900, 900, "100.0")
    units = [row["unit_id"] for row in estate.invitations(wave)]
    assert len(set(units)) == len(units) == 900
    assert set(units) == {f"home-{each}" for each in homes} | {"home-899", "home-900"}


@pytest.mark.rule("B-PRO-15")
def test_a_survey_not_sent_before_june_is_missed(tmp_path: Path) -> None:
    """From December to the end of May one goes out; on 1 June it is late."""
    estate = SurveyOffice(tmp_path, "property", now="2025-05-31T23:59:00+08:00")
    assert [row["period"] for row in estate.app.surveys.waves.missed("works-demo")] == ["2024-12"]
    estate.pass_time("2025-06-01T00:00:00+08:00")
    (row,) = estate.app.surveys.waves.missed("works-demo")
    assert (row["kind"], row["period"], row["source"]) == ("owner_opinion", "2025-06", "B-PRO-15")
    sent_in_time = SurveyOffice(tmp_path, "property", now="2025-05-31T12:00:00+08:00")
    sent_in_time.people(3)
    sent_in_time.launched(kind="owner_opinion", where={})
    sent_in_time.pass_time("2025-06-01T00:00:00+08:00")
    assert list(sent_in_time.app.surveys.waves.missed("works-demo")) == []


_QUARTERLY = """overrides:
  - version: "2026.1"
    effective_from: 2020-01-01
    followup:
      surveys:
        satisfaction:
          rhythm: {every: quarter, source: organisation}
"""


@pytest.mark.rule("A-GEN-12")
def test_a_quarter_without_its_survey_is_flagged(tmp_path: Path) -> None:
    """Made in the first quarter and not in the second: from July on the second is missed."""
    office = SurveyOffice(tmp_path, "standard", _QUARTERLY, now="2025-03-31T12:00:00+08:00")
    office.people(2)
    office.launched(kind="satisfaction", where={})
    office.pass_time("2025-06-30T12:00:00+08:00")
    assert list(office.app.surveys.waves.missed("works-demo")) == []
    office.pass_time("2025-07-01T00:00:00+08:00")
    (row,) = office.app.surveys.waves.missed("works-demo")
    assert (row["period"], row["source"]) == ("2025-Q2", "organisation")


def test_whoever_has_not_answered_is_reminded_before_the_end(tmp_path: Path) -> None:
    """One reminder at two thirds of the time; those whose answer is there are left alone."""
    estate = SurveyOffice(tmp_path, "property")
    estate.people(4)
    wave = estate.launched(kind="owner_opinion", where={})
    estate.pass_time("2025-06-06T12:00:00+08:00")
    seen = estate.get(wave)
    assert (seen["reminders"], seen["state"]) == (1, "launched")
    assert [row["action"] for row in estate.told("survey_changed")] == [
        "planned",
        "launched",
        "sent",
        "reminded",
    ]


_CREDIBLE = """overrides:
  - version: "2026.1"
    effective_from: 2020-01-01
    followup:
      surveys:
        satisfaction:
          credibility: {value: true, source: organisation}
"""


def test_a_wave_is_not_evaluated_without_a_judgement_of_its_credibility(tmp_path: Path) -> None:
    """Where the rulebook asks for one (可信度)."""
    office = SurveyOffice(tmp_path, "standard", _CREDIBLE)
    office.people(2)
    wave = office.launched(kind="satisfaction", where={})
    with pytest.raises(RuleRefused):
        office.move(wave, "evaluate", credibility="high")
    office.move(wave, "close")
    with pytest.raises(RuleRefused) as refused:
        office.move(wave, "evaluate", conclusion="整体良好。")
    assert refused.value.rule == "organisation"
    assert office.move(wave, "evaluate", credibility="high", conclusion="整体良好。")["state"] == "evaluated"
    assert office.get(wave)["credibility"] == "high"


def test_a_plan_repeated_under_its_key_is_one_wave(tmp_path: Path) -> None:
    """The same key is the same plan, and with other arguments a conflict."""
    office = SurveyOffice(tmp_path, "standard")
    call, data = office.by(key="k-plan"), {"kind": "satisfaction"}
    usual: dict[str, Any] = {
        "purpose": None,
        "method": None,
        "where": {},
        "customers": [],
        "size": None,
        "percent": None,
    }
    full = usual | {"stratify": None, "seed": None} | data
    waves = office.app.surveys.waves
    assert waves.plan(call, full) == waves.plan(call, full)
    with pytest.raises(KefuError):
        waves.plan(call, full | {"size": 3})
    assert len(waves.list("works-demo", {"kind": None, "state": None, "limit": 50, "skip": 0})) == 1
