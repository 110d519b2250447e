"""Events that were refused: kept whole with every reason, so that nothing is lost and the sender can mend it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.intake.domain.door import CONTRACT
from shared.aggregate import Aggregate
from shared.errors import Problem
from shared.history import Cause

#: Organisation under which events are kept that name none of ours.
NOBODY = "-"


@dataclass(kw_only=True)
class Rejection(Aggregate):
    """One refused event; ``body`` is kept as received, up to ``kept_bytes`` of ``size``."""

    event_id: str | None
    event_type: str
    publisher: str
    reasons: tuple[Problem, ...]
    body: bytes
    size: int
    rejected_at: datetime

    def reject(self, claimed_org: str | None, cause: Cause) -> None:
        """Record the refusal; the event that goes back names fields and reasons, never the values."""
        data = {
            "rejected_id": self.id,
            "event_id": self.event_id,
            "event_type": self.event_type,
            "publisher": self.publisher,
            "claimed_org": claimed_org,
            "reasons": reasons_data(self.reasons),
            "contract": CONTRACT,
        }
        self.record("contact_rejected", data, at=self.rejected_at, cause=cause)
        self.mark_processed(cause.message_id)


def reasons_data(reasons: Sequence[Problem]) -> list[dict[str, str]]:
    """Return the JSON shape of the reasons."""
    return [problem.as_dict() for problem in reasons]
