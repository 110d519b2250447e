"""The matrix of signatures: who signs for what, in which order, and what a mandate adds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.authority import (
    Authority,
    Mandate,
    Place,
    Signature,
    Signer,
    authority_for,
    faults_of,
    must_be_granted,
    must_hold,
    sign,
    standing,
)
from shared.errors import Conflict, RuleRefused
from shared.regulations.values import Sourced

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
CLERK, HEAD, CHIEF = "clerk", "head", "chief"
ROW = Authority("row", (Place((CLERK,)), Place((HEAD, CHIEF), quorum=2)), "R-1")


def signature(by: str, role: str, principal: str | None = None) -> Signature:
    return Signature(by, role, NOON, principal, "m-1" if principal else None)


def signer(by: str, *roles: str, mandate: Mandate | None = None) -> Signer:
    return Signer(by, frozenset(roles), NOON, mandate)


def mandate(**given: Any) -> Mandate:
    values = {"id": "m-1", "principal": "p", "delegate": "d", "role": HEAD, "since": NOON}
    return Mandate(**{**values, "until": NOON + timedelta(days=1), **given})


def rows(*limits: str | None, levels: tuple[str, ...] = (), kinds: tuple[str, ...] = ()) -> list[Authority]:
    return [
        Authority(f"r{n}", (Place((CLERK,)),), "R-1", kinds, levels, Decimal(limit) if limit else None)
        for n, limit in enumerate(limits)
    ]


@pytest.mark.parametrize(
    ("total", "code"), [("0", "r0"), ("10.00", "r0"), ("10.01", "r1"), ("99.99", "r1"), ("100.01", None)]
)
def test_the_first_row_that_covers_the_sum_decides_and_a_limit_includes_itself(
    total: str, code: str | None
) -> None:
    """Borders belong to the lower row; beyond the last one nobody is named."""
    found = authority_for(rows("10", "100"), "x", "low", Decimal(total))
    assert (found.code if found else None) == code


def test_a_row_speaks_only_about_its_kinds_and_levels() -> None:
    """Silence about another kind or level is no permission."""
    table = rows(None, levels=("low",), kinds=("x",))
    assert authority_for(table, "x", "low", Decimal(1)) is not None
    assert authority_for(table, "y", "low", Decimal(1)) is None
    assert authority_for(table, "x", "high", Decimal(1)) is None


def test_a_row_that_is_never_reached_is_a_fault() -> None:
    """A slip of the pen in a matrix would give a right to nobody, or to the wrong people."""
    assert [code for code, _ in faults_of(rows("100", "10", None))] == ["r1"]
    assert [code for code, _ in faults_of(rows("10", "100", None))] == []
    assert [code for code, _ in faults_of([*rows(None), *rows("5", levels=("low",))])] == ["r0"]
    assert list(faults_of([*rows("5", levels=("low",)), *rows("5", levels=("high",))])) == []


def test_signatures_fill_the_places_in_their_order() -> None:
    """A quorum is of different people, and nobody counts before their turn."""
    early = [signature("h1", HEAD), signature("c", CLERK)]
    found = standing(ROW, early)
    assert ([one.by for one in found.counted], found.missing, found.complete) == (["c"], 2, False)
    done = [*early, signature("h1", HEAD), signature("h1", CHIEF), signature("h2", CHIEF)]
    assert [one.by for one in standing(ROW, done).counted] == ["c", "h1", "h2"]
    assert standing(ROW, done).complete


def test_who_is_barred_or_stands_behind_another_signature_does_not_count() -> None:
    """Neither in person nor by mandate."""
    signed = [signature("c", CLERK), signature("h1", HEAD), signature("d", HEAD, "h1"), signature("h2", HEAD)]
    assert [one.by for one in standing(ROW, signed).counted] == ["c", "h1", "h2"]
    assert [one.by for one in standing(ROW, signed, {"h1"}).counted] == ["c", "h2"]


def test_whoever_comes_out_of_turn_or_without_a_right_is_refused_with_the_rule() -> None:
    """And whoever comes second is told who was first."""
    for wrong, word in ((signer("h", HEAD), "first"), (signer("x", "cook"), "is for clerk")):
        with pytest.raises(RuleRefused, match=word) as refused:
            sign(ROW, [], wrong, authors=(), barred=(), what="signing")
        assert refused.value.rule == "R-1"
    for author, barred in ((("c",), ()), ((), ("c",))):
        with pytest.raises(RuleRefused):
            sign(ROW, [], signer("c", CLERK), authors=author, barred=barred, what="signing")
    alone = Authority("a", (Place((CLERK,)),), "R-2")
    with pytest.raises(Conflict, match="c1"):
        sign(alone, [signature("c1", CLERK)], signer("c2", CLERK), authors=(), barred=(), what="signing")


def test_a_mandate_gives_its_role_and_no_other() -> None:
    """The delegate's own roles do not count beside it; both persons stand behind the signature."""
    given_before = [signature("c", CLERK)]
    made = sign(
        ROW, given_before, signer("d", CHIEF, mandate=mandate()), authors=(), barred=(), what="signing"
    )
    assert (made.role, made.persons) == (HEAD, frozenset({"p", "d"}))
    for author in ("p", "d"):
        with pytest.raises(RuleRefused):
            sign(
                ROW,
                given_before,
                signer("d", mandate=mandate()),
                authors=(author,),
                barred=(),
                what="signing",
            )


@pytest.mark.parametrize(
    ("given_mandate", "total", "at", "word"),
    [
        (mandate(), "1", NOON, None),
        (mandate(), "1", NOON + timedelta(days=1), "expired"),
        (mandate(), "1", NOON - timedelta(seconds=1), "begun"),
        (mandate(limit=Decimal(10)), "10", NOON, None),
        (mandate(limit=Decimal(10)), "10.01", NOON, "reaches"),
        (mandate(revoked_at=NOON), "1", NOON, "revoked"),
        (mandate(revoked_at=NOON), "1", NOON - timedelta(seconds=1), "begun"),
    ],
)
def test_a_mandate_reaches_from_its_beginning_to_before_its_end_and_to_its_limit(
    given_mandate: Mandate, total: str, at: datetime, word: str | None
) -> None:
    """The last instant is no longer in it, the limit itself still is."""
    reason = given_mandate.why_not(Decimal(total), at)
    assert (reason is None) if word is None else (reason is not None and word in reason)


names = st.sampled_from(["a", "b", "c", "d"])
signatures = st.lists(
    st.builds(signature, names, st.sampled_from([CLERK, HEAD, CHIEF]), st.none() | names), max_size=8
)


@given(signatures, st.frozensets(names))
def test_what_counts_is_enough_by_itself_and_never_holds_a_person_twice(
    signed: list[Signature], barred: frozenset[str]
) -> None:
    """The signatures that count, alone, say the same; and no person stands behind two of them."""
    found = standing(ROW, signed, barred)
    assert standing(ROW, found.counted, barred) == found
    persons = [person for one in found.counted for person in one.persons]
    assert len(persons) == len(set(persons))
    assert not set(persons) & barred
    wanted = sum(place.quorum for place in ROW.places)
    assert found.complete == (len(found.counted) == wanted)


def test_whoever_holds_a_role_that_is_asked_for_acts_under_the_first_of_them() -> None:
    """Guards under which role something is on record, and that others are refused by the rule that asks."""
    asked = (CHIEF, HEAD)
    assert must_hold(asked, {HEAD, CHIEF, CLERK}, "closing", "R-7") == CHIEF
    assert must_be_granted(Sourced(asked, "R-7"), {HEAD}, "closing") == HEAD
    for held in ({CLERK}, frozenset[str]()):
        with pytest.raises(RuleRefused, match="closing is for chief, head") as refusal:
            must_be_granted(Sourced(asked, "R-7"), held, "closing")
        assert refusal.value.rule == "R-7"
