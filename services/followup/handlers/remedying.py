"""What follows from a bad answer: the corrective measure that the rulebook asks for, opened once."""

from __future__ import annotations

from datetime import date
from typing import Any

from services.followup.domain.rulebook import FollowupRules
from services.followup.handlers.measures import Measures
from shared.errors import NotFound
from shared.messaging.envelope import CloudEvent
from shared.regulations import Rulebooks


class OpenMeasures:
    """Reacts to ``callback_remedied``; a repeat opens nothing more."""

    def __init__(self, rulebooks: Rulebooks[FollowupRules], measures: Measures) -> None:
        """Word measures by the rulebook the callback was made under."""
        self._rulebooks, self._measures = rulebooks, measures

    def __call__(self, event: CloudEvent) -> None:
        """Open the measure; raises NotFound when the rulebook no longer holds the remedy."""
        data: dict[str, Any] = dict(event.data)
        rules = self._rulebooks.of_version(event.org, data["regulation"]).sections
        remedy = next((each for each in rules.remedies if each.code == data["remedy"]), None)
        if remedy is None:
            raise NotFound(f"the rulebook has no remedy {data['remedy']!r}")
        self._measures.open(
            event.org,
            key=f"{data['callback_id']}/{remedy.code}",
            finding=remedy.finding,
            measure=remedy.measure,
            due_on=date.fromisoformat(data["due_on"]) if data["due_on"] else None,
            source=remedy.source,
        )
