"""The handbooks as the services know them: the same as in the catalogue of rules."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path

import pytest

from services.handbooks import RULES, STANDARD, TRADES, why_not_citable

CATALOGUE = Path(__file__).parents[3] / "docs/domain/rules.tsv"


def test_every_rule_of_the_catalogue_is_known_and_no_other() -> None:
    """The copy the services carry counts each section as the catalogue does, without a gap."""
    numbers: dict[str, list[str]] = defaultdict(list)
    with CATALOGUE.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
            assert row["id"].rpartition("-")[0] == row["section"]
            numbers[row["section"]].append(row["id"].rpartition("-")[2])

    assert {section: sorted(found) for section, found in numbers.items()} == {
        section: [f"{number:02}" for number in range(1, count + 1)] for section, count in RULES.items()
    }


def test_every_section_a_profile_rests_on_exists_and_belongs_to_one_trade() -> None:
    """Nothing is borrowed: two trades share no handbook but those of the standard."""
    owned = [section for sections in TRADES.values() for section in sections]

    assert set(owned) | STANDARD <= set(RULES)
    assert len(owned) == len(set(owned))
    assert STANDARD.isdisjoint(owned)


@pytest.mark.parametrize(
    ("profile", "source", "reason"),
    [
        ("retail-chain", "B-RET-01", None),
        ("retail-chain", "B-RET-35", None),
        ("retail-chain", "B-SVN-05", None),
        ("standard", "A-JD14-03", None),
        ("own-invention", "B-RET-01", None),
        ("retail-chain", "B-RET-36", "there is no rule B-RET-36: B-RET ends with B-RET-35"),
        ("retail-chain", "B-RET-00", "there is no rule B-RET-00"),
        ("retail-chain", "B-RET-001", "there is no rule B-RET-001"),
        ("retail-chain", "B-XYZ-01", "no handbook has a section B-XYZ"),
        ("own-invention", "B-XYZ-01", "no handbook has a section B-XYZ"),
        ("retail-chain", "B-JKC-54", "B-JKC-54 belongs to another trade; retail-chain rests on B-RET"),
        ("standard", "B-RET-01", "belongs to another trade; standard rests on those of the standard"),
    ],
)
def test_a_profile_cites_rules_that_exist_and_are_its_own(
    profile: str, source: str, reason: str | None
) -> None:
    """The first and last rule of a section count; a profile nobody foresaw may cite any rule."""
    found = why_not_citable(profile, source)

    assert (found is None) if reason is None else (found is not None and reason in found)
