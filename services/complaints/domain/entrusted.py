"""Who handles a case (移交), and the level that somebody with authority gave it; part of Case."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.complaints.domain.checks import check_step
from services.complaints.domain.claim import Note
from services.complaints.domain.rulebook import Step
from services.complaints.domain.settled import SettledCase
from services.complaints.domain.states import OPEN_STATES
from services.complaints.domain.timing import Timing
from shared.errors import Conflict, Problem, RuleRefused, ValidationFailed
from shared.history import Cause, timestamp


@dataclass(frozen=True, slots=True)
class Judgement:
    """That somebody set the level by authority, and the level that the facts asked for at that time."""

    by_facts: str
    by: str
    at: datetime


@dataclass(kw_only=True)
class EntrustedCase(SettledCase):
    """The part of a case that says who handles it and who judged its level.

    ``handler`` is who handles it now: whoever it was handed to, or who last worked on it. ``judged`` holds until
    the facts ask for more than they did when it was made.
    """

    handler: str | None = None
    judged: Judgement | None = None

    def assign(
        self,
        timing: Timing,
        handler: str,
        *,
        note: str | None,
        roles: Collection[str],
        at: datetime,
        cause: Cause,
    ) -> None:
        """Hand the case over to ``handler``; nobody handles a complaint about themselves."""
        check_step(Step.ASSIGN, timing.rules, roles, self.channel)
        self._must_be(OPEN_STATES, "nobody handles it any more")
        if handler == self.handler:
            raise Conflict(f"{handler} handles case {self.id} already")
        if handler in self.accused:
            problem = Problem("handler", "is somebody the complaint is about")
            raise RuleRefused(
                "nobody handles a complaint about themselves", rule="design", problems=(problem,)
            )
        before, self.handler = self.handler, handler
        if note is not None:
            self.notes.append(Note("assignment", note, cause.actor, at))
        data = {
            "case_id": self.id,
            "from": before,
            "handler": handler,
            "by": cause.actor,
            "assigned_at": timestamp(at),
        }
        self.record("case_assigned", data, at=at, cause=cause)

    def set_level(
        self,
        timing: Timing,
        level: str,
        reason: str,
        *,
        roles: Collection[str],
        at: datetime,
        cause: Cause,
    ) -> None:
        """Give the case another level by authority; only so does one ever fall.

        Its deadlines follow. It rises again by itself once the facts ask for a higher level than now.
        """
        rules = timing.rules
        check_step(Step.SET_LEVEL, rules, roles, self.channel)
        self._must_be(OPEN_STATES, "its level is final")
        codes = [known.code for known in rules.levels]
        if level not in codes:
            problem = Problem("level", f"must be one of {', '.join(codes)}")
            raise ValidationFailed("the rulebook has no such level", problems=(problem,))
        if level == self.level:
            raise Conflict(f"case {self.id} is of the level {level} already")
        if cause.actor in self.accused:
            raise RuleRefused("nobody judges a complaint about themselves", rule="design")
        self.judged = Judgement(self._level_by_facts(timing), cause.actor, at)
        self.notes.append(Note("level", reason, cause.actor, at))
        self._put_level(level, ("authority",), timing, at, cause)

    def _judged_high_enough(self, level: str, timing: Timing) -> bool:
        """Return whether whoever judged the level knew of facts that asked for ``level``."""
        codes = [known.code for known in timing.rules.levels]
        return self.judged is not None and codes.index(level) <= codes.index(self.judged.by_facts)

    @abstractmethod
    def _level_by_facts(self, timing: Timing) -> str:
        """Return the level the facts ask for; see Case, which has them."""

    @abstractmethod
    def _put_level(
        self, level: str, because: Sequence[str], timing: Timing, at: datetime, cause: Cause
    ) -> None:
        """Change the level and what depends on it; see Case."""
