"""What follows from findings: a corrective measure (纠正措施) for each that names one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.followup.domain.rulebook import FollowupRules
from services.followup.handlers.measures import Measures
from shared.messaging.envelope import CloudEvent
from shared.ruling import Rules

if TYPE_CHECKING:
    from services.followup.quality_kept import Samples, Scores


class Improve:
    """Opens the measures of a score; the words are read where they are kept, events hold none."""

    def __init__(
        self,
        samples: Samples,
        scores: Scores,
        rules: Rules[FollowupRules],
        measures: Measures,
    ) -> None:
        """Use what keeps findings, and what opens measures."""
        self._samples, self._scores = samples, scores
        self._rules, self._measures = rules, measures

    def of_score(self, event: CloudEvent) -> None:
        """Open the measures named in a score."""
        found = self._scores.get(event.data["score_id"], event.org)
        sample = None if found is None else self._samples.get(found.sample, event.org)
        if found is None or sample is None:
            # The event is written with its score: where there is none, there is nothing to follow from.
            return
        rule = self._rules.of_version(event.org, sample.regulation).rules.quality.sample(sample.kind)
        for number, fault in enumerate(found.faults):
            if fault.measure is not None:
                self._measures.open(
                    event.org,
                    key=f"{found.id}/{number}",
                    finding=fault.text,
                    measure=fault.measure,
                    owner=fault.owner,
                    due_on=fault.due_on,
                    source=None if rule is None else rule.source,
                )
