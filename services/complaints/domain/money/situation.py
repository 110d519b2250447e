"""Under which authority an offer stands: the level its case has, the sum it comes to with all before it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal

from services.complaints.domain.money.rules import AuthorityRules, FilingRule
from services.complaints.domain.rulebook import ComplaintRules, LevelFacts
from shared.authority import Authority, authority_for
from shared.errors import RuleRefused


@dataclass(frozen=True, slots=True)
class Situation:
    """What decides about an offer now. ``total`` is its sum with what else was approved in the matter.

    ``level`` is the case's own or the one that ``total`` reaches, whichever is higher; ``barred`` are the people
    complained about. ``due`` are the units it is still to be filed with, and ``unreported`` is the rule that
    wants a first report, while there is none.
    """

    authority: Authority
    level: str
    total: Decimal
    barred: frozenset[str]
    due: tuple[FilingRule, ...] = ()
    unreported: str | None = None


def level_for(rules: ComplaintRules, level: str, total: Decimal) -> str:
    """Return the higher of a case's ``level`` and the one a sum of ``total`` reaches by itself."""
    codes = [each.code for each in rules.levels]
    reached = rules.level_of(LevelFacts(amount=total)).level.code
    return max(level, reached, key=codes.index)


def authority_over(rules: ComplaintRules, kind: str, level: str, total: Decimal) -> Authority:
    """Return who decides about ``kind`` at ``level`` for ``total``; RuleRefused where the rulebook is silent."""
    matrix = rules.authority.matrix if rules.authority is not None else ()
    found = authority_for(matrix, kind, level, total)
    if found is None:
        message = f"the rulebook names nobody who may approve {kind} of {total} in all at the level {level}"
        raise RuleRefused(message, rule="design", details={"level": level, "total": str(total)})
    return found


def filings_due(
    rules: AuthorityRules | None, level: str, filed: Collection[str], *, endangered: bool
) -> tuple[FilingRule, ...]:
    """Return the units that something at ``level`` is still to be filed with."""
    if rules is None:
        return ()
    wanted = [rule for rule in rules.filings if level in rule.levels]
    first = rules.first_report
    if endangered and first is not None and all(rule.code != first.filed_with for rule in wanted):
        unit = rules.filing(first.filed_with)
        wanted += [FilingRule(first.filed_with, unit.name if unit else "", (level,), first.source)]
    return tuple(rule for rule in wanted if rule.code not in filed)


def total_of(amount: Decimal, others: Sequence[Decimal]) -> Decimal:
    """Return the sum an offer of ``amount`` comes to with the others approved in its matter."""
    return sum(others, amount)
