"""Answers to surveys: by a link that nobody can make, once, in time; entered by staff; and what follows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from shared import metrics
from shared.errors import NotFound, RuleRefused, ValidationFailed
from tests.unit.followup.survey_office import ORG, SurveyOffice, overall


def _refusals(reason: str) -> float:
    return metrics.REGISTRY.get_sample_value("kefu_survey_refusals_total", {"reason": reason}) or 0.0


@pytest.fixture
def office(tmp_path: Path) -> SurveyOffice:
    return SurveyOffice(tmp_path, "standard")


def _one(office: SurveyOffice) -> tuple[str, str]:
    """Ask three people and return the wave and the first invitation."""
    office.people(3)
    wave = office.launched(kind="satisfaction", where={})
    return wave, office.invitations(wave)[0]["invitation_id"]


def test_a_link_is_answered_once(office: SurveyOffice) -> None:
    """A repeat of the same command gets its answer; the link used again is refused and counted."""
    wave, one = _one(office)
    token, before = office.token(one), _refusals("answered")
    answer = {"scores": {"overall": 5}, "tags": ["price"], "comment": "很好。"}
    first = office.answer(token, "k-one", **answer)
    assert office.answer(token, "k-one", **answer) == first
    assert _refusals("answered") == before
    with pytest.raises(RuleRefused):
        office.answer(token, "k-two", scores={"overall": 1})
    assert _refusals("answered") == before + 1
    (row,) = office.invitations(wave, state="answered")
    assert (row["scores"], row["tags"], row["comment"], row["channel"]) == (
        {"overall": 5},
        ["price"],
        "很好。",
        "web",
    )
    assert len(office.told("survey_answered")) == 1
    assert "很好" not in str(office.told("survey_answered"))


def test_a_link_of_another_invitation_wave_or_organisation_cannot_be_made(office: SurveyOffice) -> None:
    """Whatever part of a token is changed, it is refused and counted, and nothing is answered."""
    wave, one = _one(office)
    other = office.invitations(wave)[1]["invitation_id"]
    token, before = office.token(one), _refusals("forged")
    head, body, signature = token.split(".")
    forged = [
        f"{head}.{other}.{signature}",
        f"sw_other.{body}.{signature}",
        f"{head}.{body}.{signature[:-2]}xx",
        f"{head}.{body}.",
        f"{head}.{body}",
        "x",
        f"{head}.{body}.签名",
    ]
    for each in forged:
        with pytest.raises(ValidationFailed):
            office.answer(each, scores={"overall": 5})
    with pytest.raises(ValidationFailed):
        office.app.surveys.answers.answer(
            office.by().__class__("u-1", frozenset(), "k-x", org="other-demo"),
            {"token": token, "scores": {"overall": 5}, "tags": [], "comment": None, "channel": "web"},
        )
    assert _refusals("forged") == before + len(forged) + 1
    assert office.invitations(wave, state="answered") == []


def test_after_closing_no_answer_is_taken(office: SurveyOffice) -> None:
    """The link ends with its wave."""
    wave, one = _one(office)
    token, before = office.token(one), _refusals("closed")
    office.move(wave, "close")
    with pytest.raises(RuleRefused):
        office.answer(token, scores={"overall": 5})
    assert _refusals("closed") == before + 1


def test_at_the_end_of_the_time_no_answer_is_taken_even_before_the_timer_has_come_round(
    tmp_path: Path,
) -> None:
    """The instant counts, not when somebody looks at the clock; B-PRO-16 names the end."""
    estate = SurveyOffice(tmp_path, "property")
    estate.people(2)
    wave = estate.launched(kind="owner_opinion", where={})
    first, second = (estate.token(row["invitation_id"]) for row in estate.invitations(wave))
    estate.clock.advance(estate.clock.now().replace(month=6, day=10, hour=15, minute=59) - estate.clock.now())
    estate.app.surveys.answers.answer(
        estate.by(),
        {"token": first, "scores": {"overall": 5}, "tags": [], "comment": None, "channel": "web"},
    )
    estate.clock.advance(estate.clock.now().replace(hour=16, minute=0) - estate.clock.now())
    with pytest.raises(RuleRefused) as refused:
        estate.app.surveys.answers.answer(
            estate.by(),
            {"token": second, "scores": {"overall": 5}, "tags": [], "comment": None, "channel": "web"},
        )
    assert refused.value.rule == "B-PRO-16"


@pytest.mark.parametrize(
    "wrong",
    [
        {"scores": {"overall": 6}},
        {"scores": {"overall": 0}},
        {"scores": {"overall": 5, "colour": 5}},
        {"tags": ["price"]},
        {"scores": {"overall": 5}, "tags": ["parking"]},
    ],
)
def test_what_is_no_answer_to_the_survey_is_refused_and_may_be_given_again(
    office: SurveyOffice, wrong: dict[str, Any]
) -> None:
    """Scores outside the scale, dimensions nobody asked for and unknown needs change nothing."""
    _, one = _one(office)
    with pytest.raises(ValidationFailed):
        office.answer(office.token(one), **wrong)
    assert office.answer(office.token(one), scores={"overall": 5})["state"] == "answered"


@pytest.mark.rule("A-LOG-58")
def test_a_list_of_20_numbers_is_phoned_and_each_result_is_kept(tmp_path: Path) -> None:
    """Outbound list (外呼名单); a row that is wrong says why and keeps nobody else's out."""
    callers = SurveyOffice(tmp_path, "logistics")
    people = callers.people(20)
    wave = callers.plan(
        kind="client_satisfaction", purpose="电话回访。", customers=people, method="phone", size=20
    )
    callers.move(wave, "rehearse")
    callers.move(wave, "launch", "post_service_supervisor")
    asked = callers.invitations(wave, state="invited")
    assert [row["method"] for row in asked] == ["phone"] * 20
    results = ["unreachable"] * 5 + ["declined"] * 3 + ["wrong_number"] * 2
    rows: list[dict[str, Any]] = [
        {"invitation_id": one["invitation_id"], "result": result}
        for one, result in zip(asked, results, strict=False)
    ]
    rows += [
        {"invitation_id": one["invitation_id"], "result": "answered", "scores": {"service": 5}}
        for one in asked[10:]
    ]
    rows[4]["result"] = "asleep"
    entered = callers.enter(wave, rows, "k-list")
    assert (entered["taken"], entered["refused"]) == (19, 1)
    assert entered["rows"][4]["refused"]["code"] == "validation_failed"
    assert callers.enter(wave, rows, "k-list")["taken"] == 19
    kept = [[each["result"] for each in row["tries"]] for row in callers.invitations(wave)]
    assert kept == [[row["result"]] if row["result"] != "asleep" else [] for row in rows]
    figures = callers.get(wave)["figures"]
    assert figures["results"] == {"unreachable": 4, "declined": 3, "wrong_number": 2, "answered": 10}
    assert figures["channels"] == {"phone": 10}


@pytest.mark.rule("A-LOG-19")
def test_a_score_of_3_opens_a_measure_that_stays_open_until_its_result_is_recorded(tmp_path: Path) -> None:
    """One measure for the answer, whatever is delivered twice; a four opens none."""
    client = SurveyOffice(tmp_path, "logistics")
    people = client.people(2)
    plan = {"kind": "client_satisfaction", "purpose": "月度调查。", "method": "phone", "size": 2}
    wave = client.plan(**plan, customers=people)
    client.move(wave, "rehearse")
    client.move(wave, "launch", "post_service_supervisor")
    client.fill(wave, [{"scores": {"service": 3}}, {"scores": {"service": 4}}])
    (low,) = client.told("survey_low")
    assert (low["score"], low["limit"], low["source"]) == (3, "3", "A-LOG-19")
    client._heard = 0
    client.settle()
    (opened,) = client.told("record_opened")
    assert opened["register"] == "corrective_measure"
    assert client.get(wave)["measures"] == {"opened": 1, "closed": 0, "done": "0.0"}
    record = opened["record_id"]
    _improve(client, record, "u-8", "assign", owner="u-9")
    with pytest.raises(RuleRefused):
        _improve(client, record, "u-9", "complete")
    assert client.get(wave)["measures"]["closed"] == 0
    _improve(client, record, "u-9", "complete", evidence="已整改。")
    _improve(client, record, "u-8", "check", effective=True)
    assert client.get(wave)["measures"] == {"opened": 1, "closed": 1, "done": "100.0"}


def _improve(office: SurveyOffice, record: str, actor: str, action: str, **values: Any) -> None:
    """Let ``actor`` take a step on a measure."""
    call = office.by("supervisor", actor=actor)
    office.app.keep_registers.act_on_record(call, {"id": record, "action": action, "values": values})


_LIMITS = """overrides:
  - version: "2026.1"
    effective_from: 2020-01-01
    followup:
      surveys:
        satisfaction:
          average: {value: "4.2", measure: 改进服务, source: organisation}
          low: {value: 2, measure: 整改, source: organisation}
"""


@pytest.mark.rule("A-JD5-03")
def test_of_three_problems_two_put_right_are_67_percent(tmp_path: Path) -> None:
    """Each low answer of the quarter opens a measure; the wave tells how far they are (整改率)."""
    office = SurveyOffice(tmp_path, "standard", _LIMITS.replace('"4.2"', '"1.0"'))
    office.people(5)
    wave = office.launched(kind="satisfaction", where={})
    office.fill(wave, overall(1, 2, 2, 5, 5))
    measures = [row["record_id"] for row in office.told("record_opened")]
    assert len(measures) == 3
    for record in measures[:2]:
        _improve(office, record, "u-8", "assign", owner="u-9")
        _improve(office, record, "u-9", "complete", evidence="已整改。")
        _improve(office, record, "u-8", "check", effective=True)
    done = office.get(wave)["measures"]
    assert (done["opened"], done["closed"], done["done"]) == (3, 2, "66.7")


@pytest.mark.rule("A-GEN-07")
@pytest.mark.parametrize(("threes", "opened"), [(0, 0), (2, 1)])
def test_an_average_below_the_limit_opens_an_improvement_when_the_wave_closes(
    tmp_path: Path, threes: int, opened: int
) -> None:
    """20 answers: 4.1 of 5 is below 4.2 and calls for it once; 4.2 itself does not."""
    office = SurveyOffice(tmp_path, "standard", _LIMITS)
    office.people(20)
    wave = office.launched(kind="satisfaction", where={})
    fives = 4
    scores = [5] * fives + [3] * threes + [4] * (20 - fives - threes)
    office.fill(wave, overall(*scores))
    assert office.told("record_opened") == []
    office.move(wave, "close")
    office._heard = 0
    office.settle()
    measures = office.told("record_opened")
    assert [row["register"] for row in measures] == ["corrective_measure"] * opened
    (summed,) = office.told("survey_summed")
    assert summed["averages"] == [{"dimension": "overall", "average": "4.10" if opened else "4.20"}]
    assert summed["below"] == ["overall"] * opened


_ANONYMOUS = """overrides:
  - version: "2026.1"
    effective_from: 2020-01-01
    followup: {surveys: {satisfaction: {anonymous: {value: true, source: organisation}}}}
"""


def test_of_an_anonymous_answer_nothing_says_whose_it_is(tmp_path: Path) -> None:
    """The customer is known as long as the questionnaire is out, and gone with the answer."""
    office = SurveyOffice(tmp_path, "standard", _ANONYMOUS)
    wave, one = _one(office)
    office.answer(office.token(one), scores={"overall": 2})
    (row,) = office.invitations(wave, state="answered")
    assert row["customer_id"] is None
    document: Any = office.runtime.database["survey_invitations"].find_one({"_id": one})
    assert "cu_" not in str(document)
    assert [told["customer_id"] for told in office.told("survey_answered")] == [None]


@pytest.mark.rule("A-LOG-07")
def test_one_client_is_asked_for_an_opinion_on_any_day(tmp_path: Path) -> None:
    """A Saturday in August; what is answered stands with the client."""
    office = SurveyOffice(tmp_path, "logistics", now="2025-08-16T20:15:00+08:00")
    (client, _) = office.people(2)
    wave = office.launched(kind="opinion", customers=[client])
    (asked,) = office.invitations(wave)
    assert asked["customer_id"] == client
    with pytest.raises(ValidationFailed):
        office.answer(office.token(asked["invitation_id"]), channel="app")
    office.answer(office.token(asked["invitation_id"]), comment="希望周末也送货。")
    (stored,) = office.invitations(wave)
    assert (stored["customer_id"], stored["comment"]) == (client, "希望周末也送货。")


def test_nobody_is_asked_who_wants_to_be_left_alone(office: SurveyOffice) -> None:
    """Who opted out is not drawn, and not counted either."""
    (first, second) = office.people(2)
    office.app.people.mark(office.by(), [{"customer_id": second, "opted_out": True}])
    wave = office.launched(kind="satisfaction", where={})
    assert [row["customer_id"] for row in office.invitations(wave)] == [first]
    assert office.get(wave)["population"] == 1


def test_a_wave_that_is_not_there_is_told(office: SurveyOffice) -> None:
    """Nor is an invitation of another organisation."""
    with pytest.raises(NotFound):
        office.get("sw_none")
    with pytest.raises(NotFound):
        office.app.surveys.answers.link(ORG, "sv_none")
