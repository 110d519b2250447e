"""How good a customer file is: timely, exact, complete (及时、准确、完整), and how old it may be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from services.intake.domain.files.rules import FileRules, Fresh


@dataclass(frozen=True, slots=True)
class Filled:
    """What of a file its quality is judged by: its kind, the fields it holds, and those not confirmed yet."""

    kind: str
    holds: frozenset[str]
    unconfirmed: frozenset[str]
    days: Mapping[str, date]


@dataclass(frozen=True, slots=True)
class Quality:
    """The three parts of the score, each of a hundred, with what is missing and what is too old."""

    timely: int
    exact: int
    complete: int
    lacking: tuple[str, ...]
    stale: tuple[str, ...]


def lacking(rules: FileRules, kind: str, holds: Iterable[str]) -> tuple[str, ...]:
    """Return which required fields a file of ``kind`` lacks."""
    held = set(holds)
    return tuple(
        field.code
        for field in rules.fields
        if field.required and field.belongs_to(kind) and field.code not in held
    )


def last_fresh_day(rules: FileRules, what: Fresh, today: date) -> date | None:
    """Return the last day on which ``what`` happened to a file that is stale ``today``; None without a rule."""
    rule = next((each for each in rules.freshness if each.what == what.value), None)
    return None if rule is None else today - timedelta(days=rule.within_days)


def quality(rules: FileRules, filled: Filled, today: date) -> Quality:
    """Judge a file; a part there is nothing to judge by counts in full."""
    required = [f.code for f in rules.fields if f.required and f.belongs_to(filled.kind)]
    missing = lacking(rules, filled.kind, filled.holds)
    stale = []
    for what in Fresh:
        last = last_fresh_day(rules, what, today)
        if last is not None and filled.days[what.value] <= last:
            stale.append(what.value)
    due = len(rules.freshness)
    return Quality(
        timely=_percent(due - len(stale), due),
        exact=_percent(len(filled.holds) - len(filled.unconfirmed), len(filled.holds)),
        complete=_percent(len(required) - len(missing), len(required)),
        lacking=missing,
        stale=tuple(stale),
    )


def _percent(part: int, whole: int) -> int:
    return 100 if whole == 0 else part * 100 // whole
