"""A mandate: somebody may sign in another one's place, under one role, until a moment and up to a sum."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Mandate:
    """``delegate`` acts for ``principal`` as ``role`` from ``since`` to before ``until``; instants are aware.

    ``limit`` bounds the sum in all, itself included; None is as far as the role itself reaches.
    """

    id: str
    principal: str
    delegate: str
    role: str
    since: datetime
    until: datetime
    limit: Decimal | None = None
    revoked_at: datetime | None = None

    def why_not(self, total: Decimal, at: datetime) -> str | None:
        """Return why it does not reach ``total`` at ``at``; None when it does."""
        if self.revoked_at is not None and at >= self.revoked_at:
            return "was revoked"
        if at < self.since:
            return "has not begun"
        if at >= self.until:
            return "has expired"
        if self.limit is not None and total > self.limit:
            return f"reaches to {self.limit}, and this comes to {total}"
        return None
