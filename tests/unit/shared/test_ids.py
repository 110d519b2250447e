from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.ids import CountingIds, TimeOrderedIds, derived_id

PARTS = st.lists(st.text("ab:1客", max_size=4), max_size=3)


@settings(max_examples=50)
@given(PARTS, PARTS)
def test_different_parts_never_share_an_id(one: list[str], other: list[str]) -> None:
    """Two messages that differ anywhere, also in where one part ends, are two things."""
    assert (derived_id("ct", *one) == derived_id("ct", *other)) is (one == other)


def test_moving_a_letter_between_parts_gives_another_id() -> None:
    """Sources and event ids are free text, so their border must count."""
    tuples = [("a", "bc"), ("ab", "c"), ("abc",), ("abc", ""), ("", "abc"), ("1:a", "bc"), ("a", "2:bc")]
    assert len({derived_id("ct", *parts) for parts in tuples}) == len(tuples)


def test_the_same_parts_give_the_same_id_in_every_process_and_release() -> None:
    """A repeat is recognised by this id for as long as the data lives, so it is frozen here."""
    assert derived_id("ct", "/shop", "42") == "ct_02g6gw6ag61b36taphyjga7s4cmcz1x4"


def test_the_prefix_tells_kinds_apart() -> None:
    """A case and its contact may be derived from the same parts."""
    assert derived_id("ct", "x")[3:] == derived_id("cs", "x")[3:]
    assert derived_id("ct", "x") != derived_id("cs", "x")


@settings(max_examples=50)
@given(PARTS)
def test_a_derived_id_is_short_lower_case_and_readable(parts: list[str]) -> None:
    """Ids travel in URLs, routing keys and people's e-mails."""
    assert re.fullmatch(r"ct_[0-9a-hjkmnp-tv-z]{32}", derived_id("ct", *parts))


def test_new_ids_are_unique_and_sort_by_the_time_they_were_made() -> None:
    """A collection read by id is read in the order in which things came to be."""
    ids = TimeOrderedIds()
    made = [ids.new("tk") for _ in range(500)]
    assert len(set(made)) == 500
    assert all(re.fullmatch(r"tk_[0-9a-hjkmnp-tv-z]{26}", one) for one in made)
    stamps = [one[:13] for one in made]
    assert stamps == sorted(stamps)


def test_counting_ids_can_be_written_into_expectations() -> None:
    """One count over all prefixes, from one."""
    ids = CountingIds()
    assert [ids.new("a"), ids.new("b"), ids.new("a")] == ["a_1", "b_2", "a_3"]
