"""What a case knows of disputes about it (部门争议): which are open, and which department a ruling made responsible."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from services.complaints.domain.rulebook import ComplaintRules
from services.complaints.domain.supervised import SupervisedCase
from services.complaints.domain.timing import Timing
from shared.errors import Problem, RuleRefused
from shared.history import Cause, timestamp


@dataclass(frozen=True, slots=True)
class DisputeFact:
    """Whether a dispute waits for a ruling, as of the entry ``seq`` of its history."""

    seq: int
    open: bool


@dataclass(kw_only=True)
class ContestedCase(SupervisedCase):
    """The part of a case that disputes know; handling goes on whatever they are about (不得推诿)."""

    disputes: dict[str, DisputeFact] = field(default_factory=dict)
    responsible: str | None = None

    @property
    def open_disputes(self) -> list[str]:
        """Return the disputes that wait for a ruling."""
        return sorted(dispute_id for dispute_id, fact in self.disputes.items() if fact.open)

    def note_dispute(
        self,
        dispute_id: str,
        fact: DisputeFact,
        responsible: str | None,
        *,
        timing: Timing,
        at: datetime,
        cause: Cause,
    ) -> bool:
        """Take note of a dispute and of the department a ruling named; return whether that is news.

        News that was overtaken changes nothing. The last ruling closes a case that only waited for it.
        """
        known = self.disputes.get(dispute_id, DisputeFact(0, open=False))
        if known.seq >= fact.seq:
            return False
        self.disputes[dispute_id] = fact
        step = "dispute_opened" if fact.open else "dispute_settled"
        data = {"case_id": self.id, "step": step, "at": timestamp(at)}
        self.record("case_progressed", data, at=at, cause=cause)
        if responsible is not None and responsible != self.responsible:
            named = {
                "case_id": self.id,
                "department": responsible,
                "from": self.responsible,
                "dispute_id": dispute_id,
                "named_at": timestamp(at),
            }
            self.responsible = responsible
            self.record("responsible_named", named, at=at, cause=cause)
        self._close_if_it_waits(timing, at, cause)
        return True

    def _check_nothing_open(self, rules: ComplaintRules) -> None:
        super()._check_nothing_open(rules)
        wanted = self._ruling_wanted(rules)
        if wanted is not None:
            problems = tuple(Problem("dispute", f"{dispute_id} is open") for dispute_id in self.open_disputes)
            message = f"case {self.id} cannot close before its disputes are ruled on"
            raise RuleRefused(message, rule=wanted, problems=problems)

    def _anything_open(self, rules: ComplaintRules) -> bool:
        return super()._anything_open(rules) or self._ruling_wanted(rules) is not None

    def _ruling_wanted(self, rules: ComplaintRules) -> str | None:
        holds = rules.disputes.holds_closing if rules.disputes is not None else None
        return holds.source if holds is not None and holds.value and self.open_disputes else None
