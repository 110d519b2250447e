"""The part of the story about surveys: an estate asks its homes, a plaza asks after a case."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.contract.stage import Stage

_ESTATE: dict[str, Any] = {"org": "property-demo", "roles": ("staff", "service_desk")}
_SYSTEM: dict[str, Any] = {"org": "property-demo", "roles": ("system",)}
_PLAZA: dict[str, Any] = {"org": "plaza-demo", "roles": ("staff", "followup_agent")}
_IT: dict[str, Any] = {"org": "it-demo", "roles": ("staff",)}


def tell_of_surveys(stage: Stage) -> None:
    """Let three of four homes answer in time and one too late, and a caller enter what was said on the phone."""
    rows = [
        {"customer_id": f"cu_home{number}", "units": [f"Q-{number}"], "traits": {"phase": "settled"}}
        for number in range(4)
    ]
    stage.ask("followup.mark_people", **_SYSTEM, rows=rows)
    plan: dict[str, Any] = {"kind": "owner_opinion", "purpose": "十二月满意度调查。", "method": "link"}
    stage.ask("followup.list_missed_surveys", **_ESTATE)
    stage.call("followup.plan_survey", **_ESTATE, **plan, where={"phase": "settled"}, size=2)
    wave = stage.ask("followup.plan_survey", **_ESTATE, **plan, where={"phase": "settled"})["wave_id"]
    stage.ask("followup.move_survey", **_ESTATE, id=wave, action="rehearse")
    stage.ask("followup.move_survey", **_ESTATE, id=wave, action="launch")
    stage.pass_time(timedelta(minutes=1))
    asked = stage.ask("followup.list_survey_invitations", **_ESTATE, id=wave)
    links = [stage.ask("followup.get_survey_link", **_SYSTEM, id=row["invitation_id"]) for row in asked]
    for link in links[:2]:
        answer: dict[str, Any] = {"scores": {"overall": 4}, "comment": "楼道很干净。"}
        stage.ask("followup.answer_survey", **_SYSTEM, token=link["token"], **answer)
    stage.call("followup.answer_survey", **_SYSTEM, token=links[0]["token"], scores={"overall": 1})
    entered = {"invitation_id": asked[2]["invitation_id"], "scores": {"overall": 5}, "channel": "letter"}
    stage.ask("followup.enter_survey_answers", **_ESTATE, id=wave, rows=[entered])
    stage.pass_time(timedelta(days=30))
    stage.call("followup.answer_survey", **_SYSTEM, token=links[3]["token"], scores={"overall": 5})
    stage.ask("followup.move_survey", **_ESTATE, id=wave, action="evaluate", credibility="high")
    stage.ask("followup.get_survey", **_ESTATE, id=wave)
    stage.ask("followup.list_surveys", **_ESTATE, state="evaluated")
    _after_a_case(stage)
    _low(stage)


def _after_a_case(stage: Stage) -> None:
    """After every case that closed somebody is to be asked; one does not pick up the phone."""
    wave = stage.ask("followup.list_surveys", **_PLAZA, kind="after_case")[0]["wave_id"]
    one = stage.ask("followup.list_survey_invitations", **_PLAZA, id=wave)[0]["invitation_id"]
    row = {"invitation_id": one, "result": "unreachable"}
    stage.call("followup.enter_survey_answers", **_PLAZA, id=wave, rows=[row])


def _low(stage: Stage) -> None:
    """A user of a system rates one of five things badly."""
    crm: dict[str, Any] = _IT | {"roles": ("system",)}
    stage.ask("followup.mark_people", **crm, rows=[{"customer_id": "cu_user", "units": [], "traits": {}}])
    plan: dict[str, Any] = {"kind": "user_satisfaction", "method": "phone", "customers": ["cu_user"]}
    wave = stage.ask("followup.plan_survey", **_IT, **plan)["wave_id"]
    stage.ask("followup.move_survey", **_IT, id=wave, action="launch")
    stage.pass_time(timedelta(minutes=1))
    (asked,) = stage.ask("followup.list_survey_invitations", **_IT, id=wave)
    scores = {"installation": 4, "operation": 2, "implementation": 4, "after_sales": 5, "training": 3}
    row = {"invitation_id": asked["invitation_id"], "result": "answered", "scores": scores}
    stage.ask("followup.enter_survey_answers", **_IT, id=wave, rows=[row])
    stage.settle()
    stage.ask("followup.move_survey", **_IT, id=wave, action="close")
    stage.settle()
