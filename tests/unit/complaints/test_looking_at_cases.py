"""What people see who look cases up: only their own organisation's, with clocks, rules and reasons."""

from __future__ import annotations

import pytest

from shared.errors import NotFound
from tests.unit.complaints.fakes import PLAZA, RETAIL, World, clock, types


def test_another_organisations_case_does_not_exist(world: World) -> None:
    """Guards the scope of every command and every question."""
    case = world.open(PLAZA)
    for method, arguments in (("attempt_contact", {"outcome": "reached"}), ("close", {})):
        with pytest.raises(NotFound):
            world.do(method, case, org=RETAIL, **arguments)
    for look in (world.look.case, world.look.history, world.look.explain_level):
        with pytest.raises(NotFound):
            look(RETAIL, case.id)
    with pytest.raises(NotFound):
        world.look.by_contact(RETAIL, "ct_1")
    with pytest.raises(NotFound):
        world.look.by_contact(PLAZA, "ct_unknown")
    assert world.numbers(RETAIL) == []
    assert world.look.summary(RETAIL) == []


def test_a_case_is_shown_with_its_clocks_the_rule_behind_each_and_its_notes(world: World) -> None:
    """Guards what operators see."""
    case = world.accept(world.open(amount="6000.00"))
    shown = world.look.case(PLAZA, case.id)
    assert shown["amount"] == "6000.00"
    assert {row["name"]: row["source"] for row in shown["deadlines"]} == {
        "first_contact": "B-JKC-52",
        "close": "B-JKC-55",
    }
    assert shown["notes"][0]["text"] == "现场核实属实"
    listed = world.look.by_contact(PLAZA, "ct_1")
    assert "notes" not in listed
    assert listed["overdue"] is False
    assert clock(case, "close").source == "B-JKC-55"


def test_lists_and_counts_show_what_is_open_and_what_is_overdue(world: World) -> None:
    """Guards the operator's overview: by state, by level, newest first, in pages."""
    world.at("2026-03-02 08:00")
    late = world.open(contact="ct_late", problem="p-1")
    world.at("2026-03-02 11:30")
    world.open(contact="ct_new", problem="p-2", media=True)
    world.tick()

    assert world.numbers() == ["NO-ct_new", "NO-ct_late"]
    assert world.numbers(limit=1, skip=1) == ["NO-ct_late"]
    assert world.numbers(state="overdue") == ["NO-ct_late"]
    assert world.numbers(level="important") == ["NO-ct_new"]
    assert {(row["level"], row["count"], row["overdue"]) for row in world.look.summary(PLAZA)} == {
        ("general", 1, 1),
        ("important", 1, 0),
    }
    world.do("attempt_contact", late, outcome="reached")
    assert world.numbers(state="overdue") == []
    assert world.numbers(state="open") == ["NO-ct_new", "NO-ct_late"]


@pytest.mark.rule("B-JKC-41")
def test_a_level_is_explained_by_the_tests_it_met_and_their_rule(world: World) -> None:
    """Guards that a level can be traced to the handbook."""
    case = world.open(media=True, amount="5000.01")
    assert world.look.explain_level(PLAZA, case.id) == {
        "case_id": case.id,
        "level": "important",
        "by_facts": "important",
        "because": ["amount", "media"],
        "households": 1,
        "by_authority": None,
        "source": "B-JKC-41",
    }


def test_the_history_is_shown_whole_and_tells_when_it_was_tampered_with(world: World) -> None:
    """Guards the chain: every entry in order, no faults; one changed word and it says which."""
    case = world.answer(world.accept(world.open()))
    shown = world.look.history(PLAZA, case.id)
    assert [row["type"] for row in shown["entries"]] == types(case)
    assert shown["faults"] == []
    world.cases.documents[case.id]["history"][1]["data"]["ground"] = "anders"
    assert len(world.look.history(PLAZA, case.id)["faults"]) == 1
