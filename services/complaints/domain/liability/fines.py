"""Fixed fines (罚款) and points (扣分): what the n-th case of a person in a month costs, and who pays with them."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from services.complaints.domain.liability.checks import refused
from services.complaints.domain.liability.rules import FineRule, LiabilityRules, PointRule
from shared.errors import RuleRefused
from shared.ledger import ZERO, Tariff

#: A fine that doubled more often is beyond any sum a ledger holds; from there on it stays.
_MOST_DOUBLINGS = 30


def fine_for(rules: LiabilityRules, offence: str) -> FineRule:
    """Return the fine in use for ``offence``.

    RuleRefused where the rulebook has none, or several of which the organisation has chosen none.
    """
    candidates = [fine for fine in rules.fines if fine.offence == offence]
    chosen = dict(rules.fine_in_use).get(offence)
    if chosen is not None:
        return next(fine for fine in candidates if fine.code == chosen.value)
    if not candidates:
        raise RuleRefused(f"the rulebook has no rule for a fine for {offence}", rule="design")
    if len(candidates) > 1:
        listed = ", ".join(fine.code for fine in candidates)
        message = f"the handbooks disagree on the fine for {offence} ({listed}): the organisation must choose"
        raise RuleRefused(message, rule=candidates[0].source)
    return candidates[0]


def points_for(rules: LiabilityRules, offence: str) -> PointRule:
    """Return the points for ``offence``; RuleRefused where the rulebook has none."""
    found = next((points for points in rules.points if points.offence == offence), None)
    if found is None:
        raise RuleRefused(f"the rulebook has no rule for points for {offence}", rule="design")
    return found


def fine_tariff(fine: FineRule) -> Tariff:
    """Return what ``n`` cases of one person in one month cost in yuan under ``fine``."""

    def total(count: int) -> Decimal:
        if fine.dismissal_from is not None:
            count = min(count, fine.dismissal_from - 1)
        if not fine.doubles:
            return fine.amount * count
        doubled: int = min(count, _MOST_DOUBLINGS)
        last = 1 << (doubled - 1)
        return fine.amount * (2 * last - 1 + last * (count - doubled))

    return Tariff(lambda count: total(count) if count > 0 else ZERO, fine.source)


def points_tariff(points: PointRule) -> Tariff:
    """Return how many points ``n`` cases of one person in one month cost: a step replaces the single points."""

    def total(count: int) -> Decimal:
        reached = [step for step in points.steps if step.count <= count]
        return reached[-1].points if reached else points.single * count

    return Tariff(total, points.source)


def tariff_of(rules: LiabilityRules, code: str) -> Tariff | None:
    """Return the tariff of the fine or points called ``code``; None where the rulebook has neither."""
    for fine in rules.fines:
        if fine.code == code:
            return fine_tariff(fine)
    return next((points_tariff(points) for points in rules.points if points.code == code), None)


def joint_amounts(fine: FineRule, joint: Mapping[str, str]) -> dict[str, Decimal]:
    """Return what those jointly liable pay, by staff id; ``joint`` says who holds each post.

    RuleRefused unless every post the rule names is given, and no other. Who holds two posts pays for both.
    """
    wanted = {rule.post for rule in fine.joint}
    if set(joint) != wanted:
        reason = f"must name the holder of each of {', '.join(sorted(wanted))}" if wanted else "must be empty"
        raise refused("those jointly liable are named by post", fine.source, "joint", reason)
    amounts: dict[str, Decimal] = {}
    for rule in fine.joint:
        staff = joint[rule.post]
        amounts[staff] = amounts.get(staff, ZERO) + rule.amount
    return amounts
