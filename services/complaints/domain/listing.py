"""Which cases a list shows, and in which order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Listing:
    """What is asked of the cases of one organisation; what is ``None`` is not asked.

    ``state`` is a state, ``open`` or ``overdue``. ``handler`` asks for the open cases somebody handles,
    ``due_before`` for those a clock of which ends before the instant; these come the most urgent first, all
    others the newest first.
    """

    state: str | None = None
    level: str | None = None
    matter_id: str | None = None
    handler: str | None = None
    due_before: datetime | None = None
