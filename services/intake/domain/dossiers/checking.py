"""What a dossier lacks, what was late, and what may not happen yet; pure questions about its parts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.intake.domain.dossiers.parts import Given, Piece
from services.intake.domain.dossiers.rules import (
    DossierRule,
    Facts,
    Gate,
    Item,
    Make,
    Mark,
    Way,
    applies,
)
from shared.errors import RuleRefused


@dataclass(frozen=True, slots=True)
class Lack:
    """An item that is asked for and not all there, how many documents of it are missing, and its rule."""

    item: str
    missing: int
    original: int
    copy: int
    source: str


def asked(item: Item, facts: Facts) -> bool:
    """Return whether ``item`` is asked for."""
    return item.required and applies(item.when, facts)


def lack_of(item: Item, pieces: Iterable[Piece]) -> Lack | None:
    """Return what of ``item`` is not there; None when it is done."""
    own = [piece for piece in pieces if piece.item == item.code]
    there = {make: sum(piece.count for piece in own if piece.make is make) for make in Make}
    original = max(0, item.needs.original - there[Make.ORIGINAL])
    copy = max(0, item.needs.copy - there[Make.COPY])
    missing = max(item.needs.any - sum(there.values()), original + copy)
    return Lack(item.code, missing, original, copy, item.source) if missing > 0 else None


def lacks(rule: DossierRule, facts: Facts, pieces: Sequence[Piece]) -> tuple[Lack, ...]:
    """Return what is to be brought in and is not there, in the order of the list."""
    found = (lack_of(item, pieces) for item in rule.items if item.way is Way.IN and asked(item, facts))
    return tuple(lack for lack in found if lack is not None)


def done_at(item: Item, pieces: Sequence[Piece]) -> datetime | None:
    """Return when ``item`` was done; None when it is not."""
    there: list[Piece] = []
    for piece in pieces:
        there.append(piece)
        if piece.item == item.code and lack_of(item, there) is None:
            return piece.received_at
    return None


def stands(mark: Mark, given: Iterable[Given]) -> bool:
    """Return whether ``mark`` was given; where it has reviewers, by one of each role."""
    own = [each for each in given if each.mark == mark.code]
    if mark.reviewers is None:
        return bool(own)
    return set(mark.reviewers.value) <= {each.role for each in own}


def pass_gates(
    gates: Iterable[Gate], rule: DossierRule, facts: Facts, pieces: Sequence[Piece], given: Sequence[Given]
) -> None:
    """Raise RuleRefused, naming the gate's rule and what is missing, unless all they ask for is there."""
    for gate in gates:
        missing = [code for code in gate.facts if code not in facts]
        if gate.complete:
            missing += [lack.item for lack in lacks(rule, facts, pieces)]
        items = (rule.item(code) for code in gate.items)
        missing += [
            item.code
            for item in items
            if item is not None
            and applies(item.when, facts)
            and item.code not in missing
            and lack_of(item, pieces) is not None
        ]
        marks = (rule.mark(code) for code in gate.marks)
        missing += [mark.code for mark in marks if mark is not None and not stands(mark, given)]
        if missing:
            raise RuleRefused(
                f"not before there is: {', '.join(missing)}", rule=gate.source, details={"missing": missing}
            )
