"""Wires the use cases of surveys; part of ``application``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from services.followup.domain.rulebook import FollowupRules
from services.followup.domain.surveys.tokens import Tokens
from services.followup.handlers.measures import Measures
from services.followup.handlers.people import People
from services.followup.handlers.surveys.answers import Answers
from services.followup.handlers.surveys.asking import Ask
from services.followup.handlers.surveys.cases import AskAfterCases
from services.followup.handlers.surveys.messaging import Messaging
from services.followup.handlers.surveys.outcome import Outcome, Records
from services.followup.handlers.surveys.waves import Surveys
from services.followup.repository import FollowupRepository
from services.followup.settings import FollowupSettings
from services.followup.surveys_kept import ClosingCases, InvitationsKept, WavesKept
from shared.mongo.runtime import Runtime
from shared.ruling import Rules
from shared.ticking import Ticked


@dataclass(frozen=True, slots=True)
class SurveyApplication:
    """The use cases of surveys, and what of them has clocks."""

    waves: Surveys
    answers: Answers
    ask: Ask
    after_cases: AskAfterCases
    outcome: Outcome
    asked: InvitationsKept
    timed: Sequence[Ticked]


def build_surveys(
    runtime: Runtime,
    rules: Rules[FollowupRules],
    people: People,
    measures: Measures,
    records: Records,
    repository: FollowupRepository,
) -> SurveyApplication:
    """Ensure the indexes and wire the use cases."""
    waves, asked, clock = WavesKept(runtime), InvitationsKept(runtime), runtime.clock
    waves.ensure_indexes()
    asked.ensure_indexes()
    tokens = Tokens(cast(FollowupSettings, runtime.settings).survey_key)
    messaging = Messaging(repository, rules)
    outcome = Outcome(waves, asked, measures, records, rules, clock)
    return SurveyApplication(
        waves=Surveys(waves, asked, outcome, rules, clock),
        answers=Answers(waves, asked, tokens, rules, clock),
        ask=Ask(waves, asked, people, messaging, rules, clock),
        after_cases=AskAfterCases(ClosingCases(runtime), waves, asked, messaging, rules, clock),
        outcome=outcome,
        asked=asked,
        timed=(waves,),
    )
