"""Drawing samples: reproducible, fair to every stratum, no thing twice, blind to the order of the population."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.followup.domain.quality.drawing import Item, draw, needed
from services.followup.domain.quality.rules import SampleRule, Weight
from shared.regulations.values import Sourced

AGENTS = ("s-1", "s-2", "s-3", "s-4")
LOW = Weight("low", "score", 3, "design", at_most=Decimal(60))

_populations = st.lists(st.sampled_from(AGENTS), max_size=60).map(
    lambda agents: [Item(f"it-{number}", {"agent": agent}) for number, agent in enumerate(agents)]
)
_seeds = st.text(min_size=1, max_size=8)


def refs(population: list[Item], number: int, seed: str, *, fair: bool = True) -> list[str]:
    """Return what is drawn, in the order drawn."""
    return [item.ref for _, item in draw(population, number, seed, strata=("agent",) if fair else ())]


@given(_populations, st.integers(1, 70), _seeds, st.randoms(use_true_random=False))
def test_the_same_seed_draws_the_same_whatever_the_order_and_nothing_twice(
    population: list[Item], number: int, seed: str, random: Any
) -> None:
    """Promise: whoever draws again with the seed gets the same things, each once, and as many as asked for."""
    shuffled = list(population)
    random.shuffle(shuffled)
    drawn = refs(population, number, seed)
    assert drawn == refs(shuffled, number, seed)
    assert len(set(drawn)) == len(drawn) == min(number, len(population))


@given(_populations, st.integers(1, 60), _seeds)
def test_every_stratum_is_within_one_of_its_share(population: list[Item], number: int, seed: str) -> None:
    """Promise: nobody is checked more than others because of a rounding."""
    number = min(number, len(population))
    there = Counter(item.attributes["agent"] for item in population)
    taken = Counter(name for name, _ in draw(population, number, seed, strata=("agent",)))
    for agent, size in there.items():
        assert abs(taken[agent] - Fraction(number * size, len(population))) < 1


@given(st.integers(0, 40), st.integers(1, 20), st.integers(1, 40), _seeds)
def test_a_larger_population_keeps_the_order_of_what_was_there(
    before: int, more: int, number: int, seed: str
) -> None:
    """Promise: things that come late push others out, they do not shuffle the rest."""
    population = [Item(f"it-{count}") for count in range(before + more)]
    first = refs(population[:before], number, seed, fair=False)
    kept = [ref for ref in refs(population, number, seed, fair=False) if ref in set(first)]
    assert kept == first[: len(kept)]


@pytest.mark.parametrize(
    ("percent", "population", "number"),
    [("20", 93, 19), ("10", 100, 10), ("10", 50, 5), ("20", 3, 1), ("20", 0, 0), ("100", 7, 7)],
)
def test_a_part_of_one_counts_as_one(percent: str, population: int, number: int) -> None:
    """Promise: at least a share is never a little less than it."""
    rule = SampleRule("r", "r", "chat", "design", percent=Sourced(Decimal(percent), "B-PRO-05"))
    need = needed(rule, population)
    assert need is not None
    assert (need.number, need.source) == (number, "B-PRO-05")


def test_weak_things_are_drawn_about_as_often_as_their_weight_says() -> None:
    """Promise: three lots are three chances: of one weak and three good ones the weak one comes first half the time."""
    population = [
        Item("weak", {"score": "55"}),
        *(Item(f"good-{count}", {"score": "90"}) for count in range(3)),
    ]
    first = Counter(draw(population, 1, f"seed-{count}", weights=(LOW,))[0][1].ref for count in range(2000))
    assert 900 < first["weak"] < 1100
    plain = Counter(draw(population, 1, f"seed-{count}")[0][1].ref for count in range(2000))
    assert 400 < plain["weak"] < 600


@given(_populations, st.integers(1, 30), _seeds, st.integers(0, 59))
def test_more_lots_never_take_a_thing_out_of_the_sample(
    population: list[Item], number: int, seed: str, which: int
) -> None:
    """Promise: a lower score makes it likelier to be looked at, never less likely."""
    drawn = refs(population, number, seed, fair=False)
    if which >= len(drawn):
        return
    weak = [Item(item.ref, {"score": "10"}) if item.ref == drawn[which] else item for item in population]
    assert drawn[which] in [item.ref for _, item in draw(weak, number, seed, weights=(LOW,))]
