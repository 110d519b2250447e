"""Drawing a sample: by a seed, fair to every stratum, the same again whatever the order of the population."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, Decimal, InvalidOperation
from fractions import Fraction

from services.followup.domain.quality.rules import SampleRule, Weight

#: What stands between the parts of a text that is hashed, and between the values of a stratum.
_NUL, _SLASH = "\0", "/"


@dataclass(frozen=True, slots=True)
class Item:
    """One thing of a population: the id it is known by elsewhere, and what is said of it."""

    ref: str
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Need:
    """How many are drawn at least, and the rule that says so."""

    number: int
    source: str


def needed(rule: SampleRule, population: int) -> Need | None:
    """Return how many of ``population`` must be drawn; a part of one counts as one. None where nothing is said."""
    wanted = []
    if rule.percent is not None:
        share = (rule.percent.value * population / 100).to_integral_value(ROUND_CEILING)
        wanted.append(Need(int(share), rule.percent.source))
    if rule.least is not None:
        wanted.append(Need(rule.least.value, rule.least.source))
    if rule.size is not None:
        wanted.append(Need(rule.size.value, rule.size.source))
    if not wanted:
        return None
    highest = max(wanted, key=lambda need: need.number)
    return Need(min(highest.number, population), highest.source)


def draw(
    population: Iterable[Item],
    number: int,
    seed: str,
    *,
    strata: Sequence[str] = (),
    weights: Sequence[Weight] = (),
) -> list[tuple[str, Item]]:
    """Return ``number`` items, each with its stratum, in the order drawn.

    Every stratum gets its share, rounded by the largest remainders; which of equal remainders gets more is
    drawn too. Inside a stratum an item of weight w has w lots, and its best one counts.
    """
    groups: dict[str, list[Item]] = {}
    for item in population:
        name = _SLASH.join(item.attributes.get(code, "") for code in strata)
        groups.setdefault(name, []).append(item)
    shares = _shares({name: len(items) for name, items in groups.items()}, number, seed)
    drawn = []
    for name, items in groups.items():
        lots = sorted((_lot(seed, item, weights), item.ref, item) for item in items) if shares[name] else []
        drawn += [(lot, name, item) for lot, _, item in lots[: shares[name]]]
    return [(name, item) for _, name, item in sorted(drawn, key=lambda each: (each[0], each[2].ref))]


def _shares(sizes: Mapping[str, int], number: int, seed: str) -> dict[str, int]:
    total = sum(sizes.values())
    if not total:
        return {}
    number = min(number, total)
    exact = {name: Fraction(number * size, total) for name, size in sizes.items()}
    shares = {name: int(share) for name, share in exact.items()}
    by_remainder = sorted(exact, key=lambda name: (shares[name] - exact[name], _hash(seed, "stratum", name)))
    for name in by_remainder[: number - sum(shares.values())]:
        shares[name] += 1
    return shares


def _lot(seed: str, item: Item, weights: Sequence[Weight]) -> str:
    lots = max((rule.weight for rule in weights if _concerns(rule, item)), default=1)
    return min(_hash(seed, item.ref, str(number)) for number in range(lots))


def _concerns(rule: Weight, item: Item) -> bool:
    value = item.attributes.get(rule.attribute)
    if value is None:
        return False
    if rule.at_most is None:
        return value in rule.values
    try:
        number = Decimal(value)
    except InvalidOperation:
        return False
    return number.is_finite() and number <= rule.at_most


def _hash(*parts: str) -> str:
    return hashlib.sha256(_NUL.join(parts).encode()).hexdigest()
