"""A conflict search (客户冲突查询): who looked for what, when, and what was found."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from services.intake.domain.same.rules import SearchKind
from shared.aggregate import Aggregate
from shared.history import Cause


@dataclass(frozen=True, slots=True)
class Candidate:
    """Another client that is like what was searched, with its points and what they are for."""

    account_id: str
    hit: bool
    points: int
    reasons: tuple[str, ...]


@dataclass(kw_only=True)
class Search(Aggregate):
    """One search; ``key`` is what was compared."""

    by: str
    kind: SearchKind
    key: str
    searched_at: datetime
    candidates: list[Candidate] = field(default_factory=list)

    @property
    def hits(self) -> list[str]:
        """Return the clients that share the key."""
        return [candidate.account_id for candidate in self.candidates if candidate.hit]

    def conclude(self, found: list[Candidate], at: datetime, cause: Cause) -> None:
        """Keep what was found, those most alike first."""
        self.candidates = sorted(found, key=lambda each: (not each.hit, -each.points, each.account_id))
        data = {
            "search_id": self.id,
            "kind": self.kind.value,
            "hits": self.hits,
            "candidates": len(self.candidates),
        }
        self.record("conflict_searched", data, at=at, cause=cause)
