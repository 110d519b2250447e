"""A conflict over a client (客户冲突): ruled on by the region, on objection by the large region, and then final."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from services.intake.domain.same.account import Particulars
from services.intake.domain.same.rules import Audience, ClaimKind, Conflicts
from shared.errors import RuleRefused
from shared.history import Cause
from shared.timed import Timed
from shared.worktime import Calendar

RULING = "ruling"


class Stage(StrEnum):
    """How far a conflict has come."""

    RULING = "ruling"
    ARBITRATION = "arbitration"
    FINAL = "final"


class Outcome(StrEnum):
    """What was ruled: another company, so that both may be kept; the same, and it passes on; refused."""

    SEPARATE = "separate"
    TRANSFERRED = "transferred"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Vote:
    """What one manager ruled, for which region and why."""

    by: str
    region: str
    outcome: Outcome
    reason: str
    at: datetime


@dataclass(kw_only=True)
class ConflictCase(Timed):
    """One conflict: what the claimant wants to enter, and the clients it meets."""

    subject: ClassVar[str] = "conflict"

    claimant: str
    particulars: Particulars
    evidence: str
    kind: ClaimKind
    against: tuple[str, ...]
    owners: tuple[str, ...]
    regions: tuple[str, ...]
    raised_at: datetime
    stage: Stage = Stage.RULING
    votes: list[Vote] = field(default_factory=list)
    outcome: Outcome | None = None
    arbitrated: bool = False
    appealed_by: str | None = None
    entered: bool = False

    def raise_(self, rules: Conflicts, calendar: Calendar, at: datetime, cause: Cause) -> None:
        """Tell whoever the rulebook names, and start the clock."""
        data = {
            "conflict_id": self.id,
            "kind": self.kind.value,
            "against": list(self.against),
            "regions": list(self.regions),
            **_told(rules.audience(self.kind)),
        }
        self.record("conflict_raised", data, at=at, cause=cause)
        self.begin_clock(RULING, rules.within, calendar, at, cause)

    def rule(self, vote: Vote, role: str, rules: Conflicts, calendar: Calendar, cause: Cause) -> None:
        """Take one ruling; with as many as the kind asks for it is final, and if they differ it is arbitrated.

        Raises RuleRefused once it is final, and for whoever is party to it or has ruled before.
        """
        granted = rules.arbitrated_by if self.stage is Stage.ARBITRATION else rules.ruled_by
        if self.stage is Stage.FINAL:
            raise RuleRefused(f"{self.id} is ruled on already", rule=granted.source)
        if vote.by in {self.claimant, *self.owners}:
            raise RuleRefused("nobody rules on their own conflict", rule=granted.source)
        if self.stage is Stage.ARBITRATION:
            self._end(vote.outcome, role, granted.source, vote.at, cause, arbitrated=True)
            return
        self._confirm(vote, rules)
        audience = rules.audience(self.kind)
        wanted = audience.confirms if audience is not None else 1
        if len(self.votes) < wanted:
            data = {"conflict_id": self.id, "confirmed": len(self.votes), "wanted": wanted, "role": role}
            self.record("conflict_confirmed", data, at=vote.at, cause=cause)
        elif len({each.outcome for each in self.votes}) > 1:
            self.arbitrate("regions_differ", None, rules, calendar, vote.at, cause)
        else:
            self._end(vote.outcome, role, granted.source, vote.at, cause, arbitrated=False)

    def _confirm(self, vote: Vote, rules: Conflicts) -> None:
        audience = rules.audience(self.kind)
        source = rules.ruled_by.source if audience is None else audience.source
        if vote.region not in self.regions:
            raise RuleRefused("the region is no party to this conflict", rule=source)
        if any(vote.by == each.by or vote.region == each.region for each in self.votes):
            raise RuleRefused("each region's own manager confirms, once", rule=source)
        self.votes = [*self.votes, vote]

    def appeal(self, rules: Conflicts, calendar: Calendar, at: datetime, cause: Cause) -> None:
        """Object to the ruling: it goes to arbitration. RuleRefused after that, or after the entry was made."""
        source = rules.arbitrated_by.source
        if self.stage is not Stage.FINAL or self.arbitrated:
            raise RuleRefused("there is no ruling of a region to object to", rule=source)
        if self.entered:
            raise RuleRefused("the client was entered under the ruling already", rule=source)
        if cause.actor not in {self.claimant, *self.owners}:
            raise RuleRefused("only a party to the conflict may object", rule=source)
        self.arbitrate("objection", cause.actor, rules, calendar, at, cause)

    def arbitrate(
        self,
        because: str,
        by: str | None,
        rules: Conflicts,
        calendar: Calendar,
        at: datetime,
        cause: Cause,
    ) -> None:
        """Hand it to the arbitrator; the ruling before has no effect any more."""
        self.stage, self.outcome, self.appealed_by = Stage.ARBITRATION, None, by
        told = _told(rules.audience(ClaimKind.ARBITRATION))
        data = {"conflict_id": self.id, "because": because, **told}
        self.record("conflict_appealed", data, at=at, cause=cause)
        self.begin_clock(RULING, rules.within, calendar, at, cause)

    def _end(
        self, outcome: Outcome, role: str, source: str, at: datetime, cause: Cause, *, arbitrated: bool
    ) -> None:
        self.stage, self.outcome, self.arbitrated = Stage.FINAL, outcome, arbitrated
        on_time = self.meet_clock(RULING, at, cause)
        data = {
            "conflict_id": self.id,
            "outcome": outcome.value,
            "arbitrated": arbitrated,
            "role": role,
            "on_time": bool(on_time),
            "source": source,
        }
        self.record("conflict_decided", data, at=at, cause=cause)

    def use(self, at: datetime, cause: Cause) -> None:
        """Note that the client is being entered under the ruling; from now on nobody objects."""
        if not self.entered:
            self.entered = True
            data = {"conflict_id": self.id, "outcome": str(self.outcome)}
            self.record("conflict_used", data, at=at, cause=cause)


def _told(audience: Audience | None) -> dict[str, Any]:
    if audience is None:
        return {"to": [], "copies": [], "source": None}
    return {"to": list(audience.to), "copies": list(audience.copies), "source": audience.source}
