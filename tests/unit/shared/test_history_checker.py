"""The checker that reliability tests trust: it must cry out whenever something is wrong, and only then."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from shared.history import Cause, History
from shared.testing.checker import Fate, Ledger, chain_faults, same, score, score_ledger, table

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def test_a_run_without_fault_is_clean() -> None:
    """Acknowledged ones took effect once; of the unanswered some did and some did not."""
    result = score("commands", {"a", "b", "c"}, {"a", "b"}, {"a": 1, "b": 1})
    assert result.clean
    assert (result.attempted, result.acknowledged, result.effects) == (3, 2, 2)
    assert score("commands", {"a", "b", "c"}, {"a", "b"}, {"a": 1, "b": 1, "c": 1}).clean


@pytest.mark.parametrize(
    ("effects", "fault"),
    [
        ({"a": 1}, "lost"),
        ({"a": 1, "b": 0}, "lost"),
        ({"a": 2, "b": 1}, "doubled"),
        ({"a": 1, "b": 1, "c": 2}, "doubled"),
        ({"a": 1, "b": 1, "x": 1}, "unexpected"),
    ],
)
def test_each_kind_of_fault_is_told_with_its_key(effects: dict[str, int], fault: str) -> None:
    """Lost, doubled and unexpected each name what they are about."""
    result = score("commands", {"a", "b", "c"}, {"a", "b"}, effects)
    assert not result.clean
    assert [name for name in ("lost", "doubled", "unexpected") if getattr(result, name)] == [fault]
    assert f"commands {fault}: " in table([result])


def test_a_refused_operation_must_have_no_effect() -> None:
    """A caller that was told no must be able to rely on it."""
    ledger = Ledger()
    for key in ("done", "refused", "unanswered"):
        ledger.attempt("commands", key)
    ledger.acknowledge("commands", "done")
    ledger.refuse("commands", "refused")
    assert ledger.keys("commands", Fate.UNKNOWN) == {"unanswered"}
    assert score_ledger("commands", ledger, {"done": 1, "unanswered": 1}).clean
    assert score_ledger("commands", ledger, {"done": 1, "refused": 1}).unexpected == ("refused",)


def test_an_attempt_repeated_after_its_answer_stays_answered() -> None:
    """Duplicates sent on purpose do not make the ledger forget what it knows."""
    ledger = Ledger()
    ledger.attempt("events", "a")
    ledger.acknowledge("events", "a")
    ledger.attempt("events", "a")
    assert ledger.keys("events", Fate.ACKNOWLEDGED) == {"a"}


def test_an_answer_without_an_attempt_is_a_fault_of_the_test() -> None:
    """A workload that notes its attempts too late would call real effects unexpected."""
    with pytest.raises(ValueError, match="before it was attempted"):
        Ledger().acknowledge("events", "a")


def test_two_lists_that_must_be_the_same_are_compared_both_ways_and_for_repeats() -> None:
    """Recorded and delivered: as sets, and nothing delivered twice."""
    assert same("entries", ["a", "b"], ["b", "a"]).clean
    assert same("entries", ["a", "b"], ["a"]).lost == ("b",)
    assert same("entries", ["a"], ["a", "b"]).unexpected == ("b",)
    assert same("entries", ["a"], ["a", "a"]).doubled == ("a",)


def test_a_gap_or_a_change_in_a_history_is_found() -> None:
    """Each aggregate's entries number from one and chain to each other."""
    history = History("x")
    for number in range(3):
        history.append("happened", {"number": number}, at=NOW, cause=Cause("m", "tests"))
    whole: dict[str, Any] = {"_id": "x", "history": history.as_documents()}
    assert chain_faults([whole]) == []
    assert chain_faults([whole | {"history": [whole["history"][0], whole["history"][2]]}])
    changed = [dict(entry) for entry in whole["history"]]
    changed[1]["data"] = {"number": 9}
    assert chain_faults([whole | {"history": changed}])
