"""Finding the kind of survey that governs a wave, and the people it asks."""

from __future__ import annotations

from services.followup.domain.rulebook import FollowupRules
from services.followup.domain.surveys.definition import SurveyKind
from services.followup.domain.surveys.wave import Wave
from shared.errors import NotFound
from shared.ruling import Rules


def kind_called(rules: FollowupRules, code: str) -> SurveyKind:
    """Return the kind called ``code``; NotFound naming those there are."""
    kind = rules.survey(code)
    if kind is None:
        there = ", ".join(each.code for each in rules.surveys) or "none"
        raise NotFound(f"the rulebook has no survey {code!r}: there is {there}")
    return kind


def kind_of(rules: Rules[FollowupRules], wave: Wave) -> SurveyKind:
    """Return the kind of ``wave``, by the version of the rulebook it was planned under."""
    return kind_called(rules.of_version(wave.org, wave.regulation).rules, wave.kind)
