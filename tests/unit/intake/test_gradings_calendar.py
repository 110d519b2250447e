"""When customers are graded, and that no grade is of use before it is approved."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.intake.account_world import World

CLERK = ("clerk", ("staff",))
HEAD = ("head", ("staff", "cs_head"))
DIMENSIONS = ("asset_scale", "business_scale", "brand_strength", "cooperation")
CARDS = [
    {
        "subject": f"cu_{number}",
        "marks": [{"dimension": name, "points": number, "evidence": "租赁合同"} for name in DIMENSIONS],
    }
    for number in range(1, 11)
]
CONTACTS = [{"level": f"level_{number}", "staff": f"stf_{number}"} for number in (1, 2, 3)]


@pytest.mark.rule("B-JKC-26")
def test_a_mature_project_is_graded_in_january_and_a_new_one_six_months_after_its_opening(
    tmp_path: Path,
) -> None:
    """Guards the calendar: opened on 1 March 2025, graded by 1 September 2025; then every January."""
    world = World.of(tmp_path, "commercial-plaza", "2025-03-10 10:00")
    new = world.do("list_gradings", *CLERK, opened_on="2025-03-01")["due"]
    assert (new["by"], new["source"]) == ("2025-09-01", "B-JKC-26")
    mature = world.do("list_gradings", *CLERK)["due"]
    assert (mature["period"], mature["by"]) == ("2025-01", "2025-01-31")
    world.at("2026-01-05 10:00")
    assert world.do("list_gradings", *CLERK, opened_on="2025-03-01")["due"]["period"] == "2026-01"


@pytest.mark.rule("B-JKC-29")
def test_an_unapproved_grade_is_of_no_use(tmp_path: Path) -> None:
    """Guards the approval: until the leading group has approved the round nobody has a grade."""
    world = World.of(tmp_path, "commercial-plaza", "2026-01-12 10:00")
    proposed = world.do("propose_grading", *CLERK, period="2026-01", cards=CARDS)
    assert world.do("list_grades", *CLERK, id="cu_10") == []
    decision = {"id": proposed["grading_id"], "approved": True, "contacts": CONTACTS}
    assert world.refused("decide_grading", *CLERK, **decision).rule == "B-JKC-29"
    assert world.do("list_grades", *CLERK, id="cu_10") == []
    world.do("decide_grading", *HEAD, **decision)
    assert world.do("list_grades", *CLERK, id="cu_10")[0]["level"] == "level_1"
