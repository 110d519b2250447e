"""Occasions (回访时机): something that happened with a customer and may call for a callback, such as a delivery."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from shared.aggregate import Aggregate
from shared.history import Cause


@dataclass(kw_only=True)
class Occasion(Aggregate):
    """What happened with a customer at ``at``, as staff or another system noted it.

    ``reference`` names the job, order or car it belongs to, ``handler`` who did the work.
    """

    customer_id: str
    occasion: str
    at: datetime
    unit: str | None
    reference: str | None
    handler: str | None
    noted_at: datetime

    def note(self, cause: Cause) -> None:
        """Record that it happened."""
        data = {"occasion_id": self.id, "customer_id": self.customer_id, "occasion": self.occasion}
        self.record("occasion_noted", data, at=self.noted_at, cause=cause)
        self.mark_processed(cause.message_id)
