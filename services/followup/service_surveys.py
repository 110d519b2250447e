"""Entry points of the followup service about surveys; part of ``service``."""

from __future__ import annotations

from typing import Any

from services.followup.application import Application
from services.followup.schemas_surveys import (
    AnswerSurvey,
    EnterSurveyAnswers,
    InvitationQuery,
    MoveSurvey,
    Nothing,
    PlanSurvey,
    SurveyQuery,
)
from shared.arguments import ById
from shared.messaging.rpc import Call, command, query

_STAFF = ("staff",)
_READERS = ("staff", "system")
#: Who sends invitations and takes what comes back by their links.
_GATEWAYS = ("followup_agent", "system")


class SurveyCalls:
    """Satisfaction surveys."""

    app: Application

    @command(*_STAFF, schema=PlanSurvey)
    def plan_survey(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Plan a wave of a survey."""
        return self.app.surveys.waves.plan(call, data)

    @command(*_STAFF, schema=MoveSurvey)
    def move_survey(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Rehearse, launch, close or evaluate a wave."""
        return self.app.surveys.waves.move(call, data)

    @command(*_GATEWAYS, schema=AnswerSurvey)
    def answer_survey(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Take the answer that came by a link."""
        return self.app.surveys.answers.answer(call, data)

    @command(*_STAFF, schema=EnterSurveyAnswers)
    def enter_survey_answers(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Enter answers and results of calls, row by row."""
        return self.app.surveys.answers.enter(call, data)

    @query(*_GATEWAYS, schema=ById)
    def get_survey_link(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Return the token of an invitation's link."""
        return self.app.surveys.answers.link(call.org, data["id"])

    @query(*_READERS, schema=ById)
    def get_survey(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Return a wave with its figures."""
        return self.app.surveys.waves.get(call.org, data["id"])

    @query(*_READERS, schema=SurveyQuery)
    def list_surveys(self, call: Call, data: dict[str, Any]) -> list[dict[str, Any]]:
        """Return a page of waves, the newest first."""
        return self.app.surveys.waves.list(call.org, data)

    @query(*_READERS, schema=Nothing)
    def list_missed_surveys(self, call: Call, data: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the surveys that were owed and not made."""
        del data
        return list(self.app.surveys.waves.missed(call.org))

    @query(*_READERS, schema=InvitationQuery)
    def list_survey_invitations(self, call: Call, data: dict[str, Any]) -> list[dict[str, Any]]:
        """Return a page of a wave's invitations."""
        return self.app.surveys.answers.list(call.org, data)
