"""Use case: take what another system measured, once for each window; said again, it is corrected."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from services.reporting.domain.kpis.statement import STATED_APART, Statement, check, statement_id
from services.reporting.domain.rulebook import ReportingRules
from services.reporting.errors import no_reported_figure
from shared.acting import cause_of
from shared.aggregate import digest_of
from shared.clock import Clock
from shared.errors import Conflict
from shared.handling import Calling
from shared.ruling import Rules

_ATTEMPTS = 5


class Shelf(Protocol):
    """Where statements are kept."""

    def get(self, aggregate_id: str, org: str) -> Statement | None:
        """Return one of ``org``."""
        ...

    def insert(self, aggregate: Statement) -> bool:
        """Write a new one; False when it is there."""
        ...

    def save(self, aggregate: Statement, *, since_seq: int) -> None:
        """Write a changed one; Conflict if somebody else changed it meanwhile."""
        ...


class ReportFigure:
    """One statement a figure, window and part; a repeat of the command gets the first answer and changes nothing."""

    def __init__(self, shelf: Shelf, rules: Rules[ReportingRules], clock: Clock) -> None:
        """Keep statements on ``shelf``."""
        self._shelf, self._rules, self._clock = shelf, rules, clock

    def __call__(self, call: Calling, data: Mapping[str, Any]) -> dict[str, Any]:
        """Take a statement; NotFound for a figure the rulebook has not, ValidationFailed if it says too little."""
        now, window = self._clock.now(), data["window"]
        known = self._rules.in_force(call.org, now).rules.reported_figures
        wanted = next((each for each in known if each.code == data["figure"]), None)
        if wanted is None:
            raise no_reported_figure(data["figure"], tuple(each.code for each in known))
        values = {name: data[name] for name in ("numerator", "denominator", "value")}
        parts = check(wanted, window, {each.value: data[each.value] for each in STATED_APART}, values)
        digest, cause = digest_of(data), cause_of(call)
        new = statement_id(call.org, wanted.code, window, parts)
        for _ in range(_ATTEMPTS):
            known_one = self._shelf.get(new, call.org)
            statement = known_one or Statement(
                id=new, org=call.org, figure=wanted.code, window=str(window), parts=parts
            )
            answered = statement.answer_to(call.key, digest)
            if answered is not None:
                return dict(answered)
            since = statement.history.next_seq
            statement.state(window, values, data["reference"], now, cause)
            result = _view(statement)
            statement.remember_answer(call.key, digest, result)
            if known_one is None:
                if self._shelf.insert(statement):
                    return result
                continue
            try:
                self._shelf.save(statement, since_seq=since)
            except Conflict:
                continue
            return result
        raise Conflict(f"{wanted.code} of {window} keeps being stated by others: try again")


def _view(statement: Statement) -> dict[str, Any]:
    said = {name: getattr(statement, name) for name in ("numerator", "denominator", "value")}
    return {
        "statement_id": statement.id,
        "figure": statement.figure,
        "window": statement.window,
        **{each.value: statement.parts.get(each.value) for each in STATED_APART},
        **{name: None if amount is None else f"{amount:f}" for name, amount in said.items()},
        "reference": statement.reference,
        "times": statement.times,
    }
