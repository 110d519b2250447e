"""What an aggregate carries that its case must know of: since when it stands so, and what the case was told."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from services.complaints.domain.investigation.states import Standing
from shared.aggregate import Aggregate


@dataclass(frozen=True, slots=True)
class Fact:
    """How something stood as of the entry ``seq`` of its own history."""

    seq: int
    standing: Standing


@dataclass(kw_only=True)
class Told(Aggregate, ABC):
    """An aggregate of one case.

    ``stood`` is the entry of its history since which it stands as it does, ``told`` the one its case knows of.
    """

    case_id: str
    standing: Standing | None = None
    stood: int = 0
    told: int = 0

    @property
    @abstractmethod
    def stands(self) -> Standing:
        """Return what the case is to know of it."""

    @property
    def pending(self) -> bool:
        """Return whether its case still has to be told."""
        return self.told < self.stood

    def _stand(self) -> None:
        """Note since which entry it stands as it does; called once an act that may change that is recorded."""
        if self.stands is not self.standing:
            self.standing, self.stood = self.stands, len(self.history)
