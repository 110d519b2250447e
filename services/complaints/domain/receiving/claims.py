"""Whether a claim says what the rulebook wants to know, and what becomes of it once somebody clarifies it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from services.complaints.domain.claim import Claim
from shared.errors import Problem, RuleRefused

if TYPE_CHECKING:
    from services.complaints.domain.rulebook import Choice, ComplaintRules


@dataclass(frozen=True, slots=True)
class Unclear:
    """A field of a claim that is empty or not as the rulebook lists it, with the values it may have and the rule."""

    field: str
    listed: tuple[str, ...]
    rule: str

    @property
    def problem(self) -> Problem:
        """Return what is wrong, as errors tell it."""
        return Problem(self.field, f"must be one of {', '.join(self.listed)}")


@dataclass(frozen=True, slots=True)
class Clarified:
    """What somebody found out about a claim; ``None`` leaves a field as it was."""

    complainant_type: str | None = None
    demand: str | None = None
    problem: str | None = None
    amount: Decimal | None = None
    media: bool | None = None
    lawsuit: bool | None = None
    unit_id: str | None = None
    source: str | None = None

    def over(self, claim: Claim) -> Claim:
        """Return ``claim`` with what was found out laid over it."""
        names = ("complainant_type", "demand", "problem", "amount", "media", "lawsuit")
        given: dict[str, Any] = {name: getattr(self, name) for name in names}
        return replace(claim, **{name: value for name, value in given.items() if value is not None})


def unclear(claim: Claim, rules: ComplaintRules) -> tuple[Unclear, ...]:
    """Return what of ``claim`` is unclear; nothing where the rulebook lists neither types nor demands."""
    asked: tuple[tuple[str, tuple[Choice, ...], str | None], ...] = (
        ("complainant_type", rules.complainant_types, claim.complainant_type),
        ("demand", rules.demands, claim.demand),
    )
    return tuple(
        Unclear(name, tuple(choice.code for choice in listed), listed[0].source)
        for name, listed, value in asked
        if listed and all(value != choice.code for choice in listed)
    )


def check_clear(claim: Claim, rules: ComplaintRules, case_id: str) -> None:
    """Refuse to find a complaint valid of which it is unclear who complains, or what they ask for (B-RET-01, 02)."""
    found = unclear(claim, rules)
    if found:
        names = " and ".join(each.field for each in found)
        message = f"the claim of case {case_id} is unclear: clarify its {names} first"
        raise RuleRefused(message, rule=found[0].rule, problems=tuple(each.problem for each in found))


def check_given(given: Clarified, claim: Claim, rules: ComplaintRules) -> None:
    """Refuse values that the rulebook does not list, as a first claim's would be unclear."""
    wrong = [each for each in unclear(claim, rules) if getattr(given, each.field) is not None]
    if wrong:
        message = f"the rulebook does not list this {wrong[0].field}"
        raise RuleRefused(message, rule=wrong[0].rule, problems=tuple(each.problem for each in wrong))
