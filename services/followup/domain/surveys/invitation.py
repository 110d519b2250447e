"""One person asked in a wave (调查邀请), the calls made to them, and their answer: at most one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.followup.domain.surveys.definition import SurveyKind
from services.followup.domain.surveys.figures import CHANNEL, RESULT, SCORE, STATE, TAG, fact
from shared.aggregate import Aggregate
from shared.errors import Problem, RuleRefused, ValidationFailed
from shared.history import Cause

INVITED, ANSWERED = "invited", "answered"


@dataclass(frozen=True, slots=True)
class Try:
    """A call made to ask, and its result code."""

    at: datetime
    by: str
    result: str


@dataclass(frozen=True, slots=True)
class Reply:
    """What somebody answered, through which channel."""

    channel: str
    scores: Mapping[str, int]
    tags: tuple[str, ...] = ()
    comment: str | None = None


@dataclass(kw_only=True)
class Invitation(Aggregate):
    """One person, or one unit, asked once; of an anonymous kind nothing says any more who, once it is answered."""

    wave_id: str
    kind: str
    method: str | None
    invited_at: datetime
    customer_id: str | None = None
    unit: str | None = None
    stratum: str | None = None
    case_id: str | None = None
    contact_id: str | None = None
    state: str = INVITED
    answered_at: datetime | None = None
    reply: Reply | None = None
    tries: tuple[Try, ...] = ()

    @property
    def counted(self) -> list[str]:
        """Return what it adds one to in the figures of its wave."""
        facts = [fact(STATE, self.state)]
        if self.tries:
            facts.append(fact(RESULT, self.tries[-1].result))
        if self.reply:
            facts.append(fact(CHANNEL, self.reply.channel))
            facts += [fact(SCORE, code, score) for code, score in self.reply.scores.items()]
            facts += [fact(TAG, tag) for tag in self.reply.tags]
        return facts

    def invite(self, kind: SurveyKind, cause: Cause) -> None:
        """Record that the person is asked."""
        who = None if kind.nameless else self.customer_id
        data = self._head() | {"method": self.method, "customer_id": who}
        self.record("survey_invited", data, at=self.invited_at, cause=cause)

    def call(self, kind: SurveyKind, result: str, at: datetime, by: str, cause: Cause) -> None:
        """Record a call and its result (结果代码); refused with a result the rulebook does not know."""
        if result not in kind.results:
            problem = Problem("result", f"must be one of {', '.join(kind.results) or 'none'}")
            raise ValidationFailed("that is no result of a call", problems=(problem,))
        self._still_open(kind)
        self.tries = (*self.tries, Try(at, by, result))
        data = self._head() | {"result": result, "tries": len(self.tries)}
        self.record("survey_tried", data, at=at, cause=cause)

    def answer(self, kind: SurveyKind, reply: Reply, at: datetime, cause: Cause) -> None:
        """Take the one answer; what is low in it is told by itself. Refused when there is one already."""
        self._still_open(kind)
        kind.check_answer(dict(reply.scores), reply.tags, reply.comment)
        self.state, self.answered_at, self.reply = ANSWERED, at, reply
        if kind.nameless:
            self.customer_id = self.unit = self.case_id = self.contact_id = None
        head = self._head() | {"customer_id": self.customer_id}
        told: dict[str, Any] = {
            "channel": reply.channel,
            "scores": [{"dimension": code, "score": score} for code, score in reply.scores.items()],
            "tags": list(reply.tags),
        }
        self.record("survey_answered", head | told, at=at, cause=cause)
        low = kind.low
        if low is None:
            return
        for code, score in reply.scores.items():
            if score <= low.value:
                found = {"dimension": code, "score": score, "limit": str(low.value), "source": low.source}
                self.record("survey_low", head | found, at=at, cause=cause)

    def _still_open(self, kind: SurveyKind) -> None:
        if self.state == ANSWERED:
            raise RuleRefused("this invitation was answered before", rule=kind.source)

    def _head(self) -> dict[str, Any]:
        return {
            "invitation_id": self.id,
            "wave_id": self.wave_id,
            "kind": self.kind,
            "case_id": self.case_id,
        }
