"""The prose of the stories says nothing that their facts do not; it needs no servers."""

from __future__ import annotations

import csv

import pytest

from tests.integration.process_stack import ROOT
from tests.integration.stories.facts import STORIES, Facts

_NAMES = sorted(path.stem for path in STORIES.glob("*.md") if path.stem != "README")


@pytest.mark.parametrize("story", _NAMES)
def test_no_number_date_or_time_of_the_prose_is_missing_among_the_facts(story: str) -> None:
    """Guards the prose: the test compares the facts with the system, this one the prose with the facts."""
    facts = Facts(story)
    assert facts.values
    assert facts.unproved() == set()


@pytest.mark.parametrize("story", _NAMES)
def test_the_rules_of_a_story_exist_and_those_of_its_facts_are_told(story: str) -> None:
    """Guards the ids: each stands in the catalogue, and a refusal that is asserted is also told of."""
    facts = Facts(story)
    with (ROOT / "docs/domain/rules.tsv").open(encoding="utf-8", newline="") as file:
        known = {row[0] for row in csv.reader(file, delimiter="\t")}
    assert facts.rules
    assert facts.rules <= known
    assert {value for value in facts.values.values() if value in known} <= facts.cited


def test_every_story_is_listed_and_played() -> None:
    """Guards the overview, and that no story stands there without a test of its own."""
    overview = (STORIES / "README.md").read_text(encoding="utf-8")
    assert [name for name in _NAMES if f"({name}.md)" not in overview] == []
    played = {path.stem for path in (ROOT / "tests/integration/stories").glob("test_*.py")}
    assert {f"test_{name.replace('-', '_')}" for name in _NAMES} <= played
