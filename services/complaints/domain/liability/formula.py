"""Retail's formula (罚扣): loss / total base points of the department x the person's base points, exact to the fen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from services.complaints.domain.liability.attribution import Finding
from services.complaints.domain.liability.checks import refused, wrong
from services.complaints.domain.liability.rules import FormulaRule, Liable
from shared.errors import RuleRefused
from shared.ledger import Step, apportion, round_half_up


@dataclass(frozen=True, slots=True)
class Loss:
    """What the formula is fed: the loss in yuan, the department's base points, and those of each person charged."""

    amount: Decimal
    total_points: Decimal
    points: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class Share:
    """What one person pays, and the steps that lead there."""

    staff: str
    amount: Decimal
    trace: tuple[Step, ...]


def shares(rule: FormulaRule, finding: Finding, loss: Loss) -> tuple[Share, ...]:
    """Return what each person pays, sorted by staff id.

    A person pays the formula, rounded half up to the fen. A group's amount is the formula with all its points,
    a department's the whole loss; both are split among their people by points, so that the lines add up to the
    fen and the largest share takes what rounding leaves. RuleRefused where those charged are not those liable;
    ValidationFailed for points or sums that cannot be.
    """
    _check(loss)
    level = finding.level
    if level is Liable.PERSON:
        if set(loss.points) != set(finding.persons):
            named = ", ".join(finding.persons)
            raise refused("those charged are those liable", rule.source, "points", f"must name just {named}")
        amounts = {staff: _formula(loss, points) for staff, points in loss.points.items()}
        return _traced(rule, loss, amounts)
    department = rule.by_department
    if department is None or not department.value:
        raise RuleRefused(f"the rulebook has no rule for charging a {level}", rule="design")
    own = sum(loss.points.values(), Decimal(0))
    if level is Liable.DEPARTMENT and own != loss.total_points:
        reason = f"add up to {own}; a whole department is charged by all its {loss.total_points} points"
        raise refused("everybody of the department is charged", department.source, "points", reason)
    whole = _formula(loss, own)
    split = Step(f"{level}_amount", str(whole), department.source)
    return _traced(rule, loss, apportion(whole, loss.points), split)


def _formula(loss: Loss, points: Decimal) -> Decimal:
    return round_half_up(Fraction(loss.amount) * Fraction(points) / Fraction(loss.total_points))


def _traced(
    rule: FormulaRule, loss: Loss, amounts: Mapping[str, Decimal], *between: Step
) -> tuple[Share, ...]:
    def steps(staff: str, amount: Decimal) -> Sequence[Step]:
        return (
            Step("loss", str(loss.amount), rule.source),
            Step("total_points", str(loss.total_points), rule.source),
            Step("own_points", str(loss.points[staff]), rule.source),
            *between,
            Step("amount", str(amount), (*between, Step("", "", rule.source))[0].source),
        )

    return tuple(
        Share(staff, amounts[staff], tuple(steps(staff, amounts[staff]))) for staff in sorted(amounts)
    )


def _check(loss: Loss) -> None:
    if loss.amount <= 0:
        raise wrong("loss", "must be more than nothing")
    if not loss.points:
        raise wrong("points", "names nobody")
    if min(loss.points.values()) <= 0:
        raise wrong("points", "must be more than nothing for everybody")
    if sum(loss.points.values(), Decimal(0)) > loss.total_points:
        raise wrong("points", "add up to more than the department's total")
