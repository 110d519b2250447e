"""The merger of two clients that are one (客户合并): asked for, decided, carried out, and undone exactly."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shared.aggregate import Aggregate
from shared.errors import RuleRefused
from shared.history import Cause


class MergeState(StrEnum):
    """How far a merger is; the two that end on ``ing`` are carried on by the timer."""

    REQUESTED = "requested"
    REFUSED = "refused"
    MERGING = "merging"
    MERGED = "merged"
    UNDOING = "undoing"
    UNDONE = "undone"


#: What may become of a merger, by the word of whoever decides.
_STEPS = {
    "approve": (MergeState.REQUESTED, MergeState.MERGING),
    "refuse": (MergeState.REQUESTED, MergeState.REFUSED),
    "undo": (MergeState.MERGED, MergeState.UNDOING),
}


@dataclass(kw_only=True)
class Merge(Aggregate):
    """``goes`` leads to ``stays``; ``locks`` are unique, so that no client is part of two mergers under way."""

    stays: str
    goes: str
    source: str
    requested_by: str
    requested_at: datetime
    locks: tuple[str, ...]
    state: MergeState = MergeState.REQUESTED

    def requested(self, at: datetime, cause: Cause) -> None:
        """Record that it was asked for."""
        self._lock()
        self._tell(at, cause)

    def decide(self, step: str, at: datetime, cause: Cause) -> None:
        """Approve, refuse or undo; RuleRefused when it is not there for that, or by whoever asked for it."""
        before, after = _STEPS[step]
        if self.state is not before:
            raise RuleRefused(f"a merger that is {self.state} cannot be told to {step}", rule=self.source)
        if cause.actor == self.requested_by:
            raise RuleRefused("nobody decides on their own request", rule=self.source)
        self._enter(after, at, cause)

    @property
    def leads_to(self) -> str | None:
        """Return where ``goes`` has to lead in this state."""
        return self.stays if self.state in {MergeState.MERGING, MergeState.MERGED} else None

    def finish(self, at: datetime, cause: Cause) -> None:
        """Record that ``goes`` now leads where it should."""
        after = MergeState.MERGED if self.state is MergeState.MERGING else MergeState.UNDONE
        self._enter(after, at, cause)

    def _enter(self, state: MergeState, at: datetime, cause: Cause) -> None:
        self.state = state
        self._lock()
        self._tell(at, cause)

    def _lock(self) -> None:
        ended = self.state in {MergeState.REFUSED, MergeState.UNDONE}
        asked = self.state in {MergeState.REQUESTED, MergeState.MERGING}
        held = () if ended else (self.goes, self.stays) if asked else (self.goes,)
        self.locks = (self.id, *held)

    def _tell(self, at: datetime, cause: Cause) -> None:
        data = {
            "merge_id": self.id,
            "stays": self.stays,
            "goes": self.goes,
            "state": self.state.value,
            "source": self.source,
        }
        self.record("merge_moved", data, at=at, cause=cause)
