"""What every act of liability checks: that the rulebook has the rule, who acts, and that nobody acts on themselves."""

from __future__ import annotations

from collections.abc import Collection
from typing import TypeVar

from shared.errors import Problem, RuleRefused, ValidationFailed

Rule = TypeVar("Rule")


def armed(rule: Rule | None, what: str) -> Rule:
    """Return ``rule``; RuleRefused where the rulebook has none."""
    if rule is None:
        raise RuleRefused(f"the rulebook has no rule for {what}", rule="design")
    return rule


def not_concerned(actor: str, concerned: Collection[str], what: str, rule: str) -> None:
    """Refuse ``what`` to somebody whom it is about."""
    if actor in concerned:
        raise RuleRefused(f"{what} is not for {actor}, whom it is about", rule=rule)


def not_own(actor: str, authors: Collection[str], what: str, rule: str) -> None:
    """Refuse ``what`` to somebody who prepared it: nobody approves their own."""
    if actor in authors:
        raise RuleRefused(f"{what} is not for {actor}, who prepared it", rule=rule)


def wrong(field: str, reason: str) -> ValidationFailed:
    """Return the error for one argument that is wrong in itself, whatever the rulebook says."""
    return ValidationFailed(f"{field} {reason}", problems=(Problem(field, reason),))


def refused(message: str, rule: str, field: str, reason: str) -> RuleRefused:
    """Return the refusal of one argument by a rule."""
    return RuleRefused(message, rule=rule, problems=(Problem(field, reason),))
