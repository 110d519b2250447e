"""Use cases of answers: by the link of an invitation, or entered by staff; lists for those who phone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from services.followup.domain.rulebook import FollowupRules
from services.followup.domain.surveys.definition import SurveyKind
from services.followup.domain.surveys.invitation import ANSWERED, Invitation, Reply
from services.followup.domain.surveys.tokens import Tokens
from services.followup.domain.surveys.wave import Wave
from services.followup.handlers.surveys.finding import kind_of
from services.followup.metrics import SURVEY_ANSWERS, SURVEY_REFUSALS
from shared.acting import Caller, Shelf, change, found
from shared.clock import Clock
from shared.errors import KefuError, Problem, RuleRefused, ValidationFailed
from shared.history import Cause, timestamp
from shared.ruling import Rules


class WaveReading(Protocol):
    """Where waves are found."""

    def get(self, aggregate_id: str, org: str) -> Wave | None:
        """Return one of ``org``."""
        ...


class InvitationShelf(Shelf[Invitation], Protocol):
    """Where invitations are kept."""

    def page(self, org: str, wave_id: str, state: str | None, limit: int, skip: int) -> list[Invitation]:
        """Return a page of a wave's invitations."""
        ...


@dataclass(frozen=True, slots=True)
class _RowCall:
    """A command that stands in one row of another."""

    org: str
    actor: str
    roles: frozenset[str]
    key: str
    traceparent: str | None


class Answers:
    """The answers to all waves; every invitation has at most one."""

    def __init__(
        self,
        waves: WaveReading,
        asked: InvitationShelf,
        tokens: Tokens,
        rules: Rules[FollowupRules],
        clock: Clock,
    ) -> None:
        """Use what keeps waves and invitations, and what signs links."""
        self._waves, self._asked, self._tokens = waves, asked, tokens
        self._rules, self._clock = rules, clock

    def link(self, org: str, invitation_id: str) -> dict[str, Any]:
        """Return the token of an invitation's link, for whoever sends it; always the same."""
        invitation = found(self._asked.get(invitation_id, org), "invitation", invitation_id)
        token = self._tokens.sign(org, invitation.wave_id, invitation.id)
        return {"invitation_id": invitation.id, "wave_id": invitation.wave_id, "token": token}

    def answer(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Take the answer that came by a link.

        ValidationFailed for a token nobody signed here, RuleRefused after the wave closed and for a second answer.
        """
        read = self._tokens.read(call.org, data["token"])
        if read is None:
            SURVEY_REFUSALS.labels(reason="forged").inc()
            problem = Problem("token", "was not signed by this service")
            raise ValidationFailed("the link is not genuine", problems=(problem,))
        wave, kind = self._wave(call.org, read[0])
        content = {key: data[key] for key in ("scores", "tags", "comment", "channel")}
        return self._take(call, {"id": read[1], **content}, wave, kind)

    def enter(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Enter answers and the results of calls, row by row; a row refused says why and keeps nobody else's out."""
        wave, kind = self._wave(call.org, data["id"])
        rows = []
        for row in data["rows"]:
            one = _RowCall(
                call.org, call.actor, call.roles, f"{call.key}/{row['invitation_id']}", call.traceparent
            )
            content = {key: value for key, value in row.items() if key != "invitation_id"}
            rows.append(self._row(one, {"id": row["invitation_id"], **content}, wave, kind))
        taken = sum(row["refused"] is None for row in rows)
        return {"wave_id": wave.id, "taken": taken, "refused": len(rows) - taken, "rows": rows}

    def list(self, org: str, data: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return a page of a wave's invitations, such as the list of those to be phoned."""
        found(self._waves.get(data["id"], org), "survey", data["id"])
        rows = self._asked.page(org, data["id"], data["state"], data["limit"], data["skip"])
        return [invitation_view(one) for one in rows]

    def _row(self, call: Caller, data: Mapping[str, Any], wave: Wave, kind: SurveyKind) -> dict[str, Any]:
        try:
            view = self._take(call, data, wave, kind)
        except KefuError as error:
            if error.transient:
                raise
            refused: dict[str, Any] = {"code": error.code, "message": error.message, "rule": error.rule}
            return {"invitation_id": data["id"], "state": None, "refused": refused}
        return {"invitation_id": data["id"], "state": view["state"], "refused": None}

    def _take(self, call: Caller, data: Mapping[str, Any], wave: Wave, kind: SurveyKind) -> dict[str, Any]:
        taken = []

        def step(invitation: Invitation, cause: Cause) -> None:
            now = self._clock.now()
            if invitation.wave_id != wave.id:
                found(None, "invitation of this survey", invitation.id)
            if not wave.takes_answers(now):
                SURVEY_REFUSALS.labels(reason="closed").inc()
                source = kind.closes.source if kind.closes else kind.source
                raise RuleRefused("the survey takes no answers now", rule=source)
            if invitation.state == ANSWERED:
                SURVEY_REFUSALS.labels(reason="answered").inc()
            if data.get("result") is not None:
                invitation.call(kind, data["result"], now, call.actor, cause)
            reply = _reply(data)
            if reply is not None:
                invitation.answer(kind, reply, now, cause)
                taken.append(reply.channel)
            elif data.get("result") is None:
                problem = Problem("scores", "is missing, and so is the result of a call")
                raise ValidationFailed("there is neither an answer nor a result", problems=(problem,))

        answer = change(self._asked, call, data, "invitation", step, _stands)
        for channel in taken[-1:]:
            SURVEY_ANSWERS.labels(channel=channel).inc()
        return answer

    def _wave(self, org: str, wave_id: str) -> tuple[Wave, SurveyKind]:
        wave = found(self._waves.get(wave_id, org), "survey", wave_id)
        return wave, kind_of(self._rules, wave)


def _reply(data: Mapping[str, Any]) -> Reply | None:
    """Return the answer in ``data``; None when only a call is recorded."""
    said: Callable[[str], Any] = data.get
    if not (said("scores") or said("tags") or said("comment")):
        return None
    return Reply(data["channel"], dict(data["scores"]), tuple(data["tags"]), data["comment"])


def _stands(invitation: Invitation) -> dict[str, Any]:
    """Return what is told to whoever answers: nothing of who was asked."""
    return {"invitation_id": invitation.id, "wave_id": invitation.wave_id, "state": invitation.state}


def invitation_view(invitation: Invitation) -> dict[str, Any]:
    """Return the JSON shape of an invitation as staff see it."""
    reply = invitation.reply
    return _stands(invitation) | {
        "kind": invitation.kind,
        "method": invitation.method,
        "customer_id": invitation.customer_id,
        "unit_id": invitation.unit,
        "case_id": invitation.case_id,
        "stratum": invitation.stratum,
        "invited_at": timestamp(invitation.invited_at),
        "answered_at": None if invitation.answered_at is None else timestamp(invitation.answered_at),
        "channel": reply.channel if reply else None,
        "scores": dict(reply.scores) if reply else {},
        "tags": list(reply.tags) if reply else [],
        "comment": reply.comment if reply else None,
        "tries": [
            {"at": timestamp(each.at), "by": each.by, "result": each.result} for each in invitation.tries
        ],
    }
