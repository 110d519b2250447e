"""The use cases of quality checks together, wired over their collections."""

from __future__ import annotations

from dataclasses import dataclass

from services.followup.domain.rulebook import FollowupRules
from services.followup.handlers.consequences import Reaction
from services.followup.handlers.improving import Improve
from services.followup.handlers.measures import Measures
from services.followup.handlers.people import People
from services.followup.handlers.sampling import Sampling
from services.followup.handlers.scoring import Scoring
from services.followup.quality_kept import Pages, Samples, Scores
from shared.mongo.runtime import Runtime
from shared.ruling import Rules
from shared.ticking import Ticked


@dataclass(frozen=True, slots=True)
class Quality:
    """Everything about quality checks."""

    sampling: Sampling
    scoring: Scoring
    timed: tuple[Ticked, ...]
    reactions: tuple[tuple[tuple[str, str], Reaction], ...]


def quality(runtime: Runtime, rules: Rules[FollowupRules], people: People, measures: Measures) -> Quality:
    """Ensure the indexes and wire the use cases."""
    samples, pages, scores = Samples(runtime), Pages(runtime), Scores(runtime)
    samples.ensure_indexes()
    scores.ensure_indexes()
    improve = Improve(samples, scores, rules, measures)
    return Quality(
        sampling=Sampling(samples, pages, scores, people, rules, runtime.clock),
        scoring=Scoring(samples, scores, rules, runtime.clock),
        timed=(samples,),
        reactions=((("followup", "item_scored"), improve.of_score),),
    )
