"""What a rulebook says about disputes between departments: what they are about, who rules, who hears an appeal."""

from __future__ import annotations

from dataclasses import dataclass

from shared.regulations.values import Sourced
from shared.worktime import Duration


@dataclass(frozen=True, slots=True)
class AppealRule:
    """That one appeal may be ``lodged_within`` a time; ``rulers`` hear it in their order, ``within`` another."""

    rulers: tuple[str, ...]
    lodged_within: Sourced[Duration]
    source: str
    within: Sourced[Duration] | None = None


@dataclass(frozen=True, slots=True)
class SubjectRule:
    """What a dispute may be about: which roles raise it, which rule on it in their order, and whether it interprets.

    What interprets the service policy (最终解释) is kept to be found again. Without ``appeal`` a ruling is final.
    """

    code: str
    name: str
    raises: tuple[str, ...]
    rulers: tuple[str, ...]
    source: str
    within: Sourced[Duration] | None = None
    appeal: AppealRule | None = None
    interprets: bool = False


@dataclass(frozen=True, slots=True)
class DisputeRules:
    """Everything a rulebook says about disputes; a case waits for the ruling only where ``holds_closing`` says so."""

    subjects: tuple[SubjectRule, ...] = ()
    holds_closing: Sourced[bool] | None = None

    def subject(self, code: str) -> SubjectRule | None:
        """Return what is said about disputes on ``code``."""
        return next((rule for rule in self.subjects if rule.code == code), None)
