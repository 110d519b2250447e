"""The phrases behind the demo day, and the shares they are dealt out by."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from kefu.demo.shares import allot
from kefu.demo.trades import ORGANISATIONS, SYSTEMS, trade


def test_every_phrase_of_every_trade_can_be_filled_in() -> None:
    """No seed meets a phrase whose slot does not exist, or a channel without a system."""
    for org in ORGANISATIONS:
        phrases = trade(org)
        known = {*phrases.slots, "order"}
        for kind, text in _phrases_of(org):
            allowed = known | ({"unit"} if kind in phrases.units else set())
            assert set(re.findall(r"{(\w*)}", text)) <= allowed, text
        assert all(phrases.system_of(channel) in SYSTEMS for channel in phrases.channels)
        assert all(phrases.opinions[outcome] for outcome in ("satisfied", "neutral", "dissatisfied"))


def _phrases_of(org: str) -> Iterator[tuple[str, str]]:
    """Every (kind of customer, text) that a customer of ``org`` may say."""
    phrases = trade(org)
    for texts in phrases.texts.values():
        yield from ((text.kind, text.text) for text in texts)
    for problem in [*phrases.complaints, *(group.problem for group in phrases.groups)]:
        yield from ((problem.kind, text) for text in problem.texts)
        if problem.repeated is not None:
            yield problem.kind, problem.repeated.text
    for group in phrases.groups:
        yield group.problem.kind, group.second_call or ""


@given(
    weights=st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 50), min_size=1),
    total=st.integers(0, 200),
    seed=st.integers(0, 10),
)
def test_shares_add_up_and_leave_nobody_out(weights: dict[str, int], total: int, seed: int) -> None:
    """Every name gets its share to the nearest whole, whatever the seed."""
    names = allot(weights, total, Random(seed))
    counts = Counter(names)
    assert len(names) == total
    assert counts == Counter(allot(weights, total, Random(seed + 1)))
    if total >= len(weights):
        spare = total - len(weights)
        for name, weight in weights.items():
            assert abs(counts[name] - 1 - spare * weight / sum(weights.values())) < 1
