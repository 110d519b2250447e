"""What staff do about each complaint, in proportions that leave cases of every state at the day's end."""

from __future__ import annotations

from datetime import timedelta
from random import Random

from kefu.demo.model import Attempt, CallbackAnswer, Outcome, Reaction
from kefu.demo.shares import allot
from kefu.demo.trades import Problem, Trade

#: Of those whom staff try to reach, how many do not answer the first call.
_UNREACHED = 0.25
#: Of those whose case closes after one callback, how many are merely content.
_NEUTRAL = 0.2
#: How far contact has come where nothing has been answered yet.
_CONTACTS_WITHOUT_REPLY: tuple[tuple[Attempt, ...], ...] = (("reached",), ("unreachable",), ())


class Reactions:
    """Deals out the reactions to the complaints of one organisation."""

    def __init__(self, trade: Trade, rng: Random, valid_complaints: int) -> None:
        """``valid_complaints`` is how many complaints that are justified will be asked for."""
        self._trade = trade
        self._rng = rng
        self._stages = allot(trade.stages, valid_complaints, rng)

    def to(self, problem: Problem) -> Reaction:
        """Return what staff do about the next complaint; IndexError after the last justified one."""
        if not problem.valid:
            return Reaction(
                valid=False, reason=problem.refusal, contacts=self._contacts(), reply=problem.refusal
            )
        stage = self._stages.pop()
        if stage == "untouched":
            return Reaction(valid=None)
        reason = "经核实情况属实,投诉成立。"
        if stage == "accepted":
            contacts = self._rng.choice(_CONTACTS_WITHOUT_REPLY)
            return Reaction(valid=True, reason=reason, ground=problem.ground, contacts=contacts)
        return Reaction(
            valid=True,
            reason=reason,
            ground=problem.ground,
            contacts=self._contacts(),
            reply=problem.reply,
            next_reply=self._next_reply(),
            prevention=problem.prevention,
            callbacks=self._callbacks(stage),
            rework_reply=self._rng.choice(self._trade.rework_replies) if stage == "reworked" else None,
        )

    def _contacts(self) -> tuple[Attempt, ...]:
        return ("unreachable", "reached") if self._rng.random() < _UNREACHED else ("reached",)

    def _next_reply(self) -> timedelta | None:
        hours = self._trade.next_reply_hours
        return None if hours is None else timedelta(hours=hours)

    def _callbacks(self, stage: str) -> tuple[CallbackAnswer, ...]:
        if stage == "satisfied":
            return (self._answer("neutral" if self._rng.random() < _NEUTRAL else "satisfied"),)
        if stage == "dissatisfied":
            return (self._answer("dissatisfied"),)
        if stage == "reworked":
            return (self._answer("dissatisfied"), self._answer("satisfied"))
        return ()

    def _answer(self, outcome: Outcome) -> CallbackAnswer:
        return CallbackAnswer(outcome, self._rng.choice(self._trade.opinions[outcome]))
