"""What a deadline keeps of its interruptions: pauses and extensions, each with reason and authority; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from shared.worktime import Duration, Interval


@dataclass(frozen=True, slots=True)
class Authority:
    """Why something was allowed: the reason's code, who did it, and the role that carries the right to it."""

    reason: str
    by: str
    role: str


@dataclass(frozen=True, slots=True)
class Pause:
    """A stretch in which a deadline stands still, ``[start, end)``; ``end`` is None while it lasts."""

    start: datetime
    end: datetime | None
    authority: Authority
    resumed_by: str | None = None

    def as_document(self) -> dict[str, Any]:
        """Return the shape kept in the database."""
        return {
            "start": self.start,
            "end": self.end,
            **_authority_document(self.authority),
            "resumed_by": self.resumed_by,
        }

    @staticmethod
    def from_document(document: Mapping[str, Any]) -> Pause:
        """Rebuild a pause from the shape kept in the database."""
        return Pause(document["start"], document["end"], _authority(document), document["resumed_by"])


def intervals(pauses: Sequence[Pause]) -> tuple[Interval, ...]:
    """Return the pauses that have ended, as the working calendar takes them."""
    return tuple(Interval(pause.start, pause.end) for pause in pauses if pause.end is not None)


class Decision(StrEnum):
    """What became of a request for more time."""

    PENDING = "pending"
    GRANTED = "granted"
    REFUSED = "refused"
    #: The deadline ended, or its time ran out, before anybody decided.
    LAPSED = "lapsed"


@dataclass(frozen=True, slots=True)
class Extension:
    """A request for more time and what became of it; ``amount`` is the new total, in the deadline's unit.

    ``due_before`` is the due instant at the time of the request; ``due_after`` the one granted.
    """

    amount: int
    requested_at: datetime
    authority: Authority
    due_before: datetime
    decision: Decision = Decision.PENDING
    decided_at: datetime | None = None
    decided_by: str | None = None
    decided_role: str | None = None
    due_after: datetime | None = None

    def as_document(self) -> dict[str, Any]:
        """Return the shape kept in the database."""
        return {
            "amount": self.amount,
            "requested_at": self.requested_at,
            **_authority_document(self.authority),
            "due_before": self.due_before,
            "decision": self.decision.value,
            "decided_at": self.decided_at,
            "decided_by": self.decided_by,
            "decided_role": self.decided_role,
            "due_after": self.due_after,
        }

    @staticmethod
    def from_document(document: Mapping[str, Any]) -> Extension:
        """Rebuild an extension from the shape kept in the database."""
        return Extension(
            document["amount"],
            document["requested_at"],
            _authority(document),
            document["due_before"],
            Decision(document["decision"]),
            *(document[name] for name in ("decided_at", "decided_by", "decided_role", "due_after")),
        )


def duration_document(duration: Duration) -> dict[str, Any]:
    """Return the shape of a duration kept in the database."""
    return {
        "amount": duration.amount,
        "unit": duration.unit,
        "from_next_day": duration.from_next_day,
        "end_of_day": duration.end_of_day,
    }


def _authority_document(authority: Authority) -> dict[str, Any]:
    return {"reason": authority.reason, "by": authority.by, "role": authority.role}


def _authority(document: Mapping[str, Any]) -> Authority:
    return Authority(document["reason"], document["by"], document["role"])
