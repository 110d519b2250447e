"""Reaction: who is on the staff follows what intake's directory tells."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from services.reporting.domain.event import ArchivedEvent

#: Where a member stands who can owe something: the account is, or may be, open.
_ACTIVE = "active"


@dataclass(frozen=True, slots=True)
class Member:
    """One member of staff: the id they sign in with, their unit and post, and whether they are there."""

    staff: str
    unit: str
    post: str
    active: bool


class Noting(Protocol):
    """Where members are kept."""

    def note(self, org: str, member: Member, at: datetime, sequence: int) -> None:
        """Take what the directory said of somebody."""
        ...


class FollowStaff:
    """Notes each change; any order and any repetition ends the same."""

    def __init__(self, staff: Noting) -> None:
        """Note in ``staff``."""
        self._staff = staff

    def __call__(self, event: ArchivedEvent) -> None:
        """Take a ``member_changed``."""
        data = event.data
        member = Member(data["staff"], data["unit"], data["post"], active=data["state"] == _ACTIVE)
        self._staff.note(event.org, member, event.time, event.sequence)
