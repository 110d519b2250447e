"""Handing cases over, judging their level, and the lists by which people find their work."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError as SchemaError

from shared.clock import FixedClock
from shared.errors import Conflict, RuleRefused, ValidationFailed
from shared.history import Cause
from tests.unit.complaints.fakes import PLAZA, RETAIL, World, beijing, clock, rules_of, types


def households(world: World, number: int, problem: str = "roof") -> None:
    """Let as many households as ``number`` complain of the same."""
    for count in range(number):
        world.open(
            contact=f"ct_{problem}_{count}", problem=problem, customer=f"cu_{count}", unit=f"un_{count}"
        )


# Handing over


def test_a_case_is_handed_over_and_found_among_the_cases_of_whoever_has_it(world: World) -> None:
    """Guards the answer to "what is mine": the open cases that somebody was given or last worked on."""
    case = world.open(contact="ct_1", problem="p-1")
    world.open(contact="ct_2", problem="p-2")
    assert world.numbers(mine=True, actor="stf_li") == []
    world.do("assign_case", case, handler="stf_li", note="熟悉该租户")
    assert world.numbers(mine=True, actor="stf_li") == ["NO-ct_1"]
    assert types(world.case(case.id))[-1] == "case_assigned"
    world.do("assign_case", case, handler="stf_wang")
    assert world.numbers(mine=True, actor="stf_li") == []
    entry = [*world.case(case.id).history][-1]
    assert (entry.data["from"], entry.data["handler"]) == ("stf_li", "stf_wang")
    assert "熟悉" not in str([*world.case(case.id).history])


def test_a_closed_case_is_nobodys_work_and_cannot_be_handed_over(world: World) -> None:
    """Guards the list of one's own work against what is done."""
    case = world.open(RETAIL)
    case = world.answer(world.accept(case))
    world.do("close", case)
    assert world.numbers(RETAIL, mine=True, actor=case.handler or "") == []
    with pytest.raises(RuleRefused, match="nobody handles it any more"):
        world.do("assign_case", case, handler="stf_li")


def test_nobody_is_given_a_complaint_about_themselves(world: World) -> None:
    """Whoever a complaint is about does not handle it."""
    case = world.open()
    kept = world.case(case.id)
    since, timing = kept.history.next_seq, world.rules.timing(kept.org, kept.regulation)
    at, cause = world.clock.now(), Cause("accusing", "stf_test")
    kept.name_accused(timing, ["stf_zhao"], roles={"complaint_handler"}, at=at, cause=cause)
    world.cases.save(kept, since_seq=since)
    with pytest.raises(RuleRefused, match="about themselves"):
        world.do("assign_case", case, handler="stf_zhao")
    with pytest.raises(RuleRefused, match="about themselves"):
        world.do("set_level", case, level="major", reason="自评", actor="stf_zhao")


def test_handing_over_to_who_has_it_is_told_and_a_repeat_of_the_command_is_not_a_second_time(
    world: World,
) -> None:
    """Guards one effect a key, and says when somebody else was faster."""
    case = world.open()
    first = world.do("assign_case", case, handler="stf_li", key="k")
    assert world.do("assign_case", case, handler="stf_li", key="k") == first
    assert types(world.case(case.id)).count("case_assigned") == 1
    with pytest.raises(Conflict, match="already"):
        world.do("assign_case", case, handler="stf_li")


def test_who_may_not_hand_over_is_told_the_rule(world: World) -> None:
    """Guards the rulebook's grants."""
    case = world.open()
    for method, arguments in (
        ("assign_case", {"handler": "stf_li"}),
        ("set_level", {"level": "major", "reason": "影响大"}),
    ):
        with pytest.raises(RuleRefused) as refused:
            world.do(method, case, roles={"staff"}, **arguments)
        assert refused.value.rule == "design"


# Levels by authority


def test_a_level_falls_only_by_authority_and_its_deadlines_follow(world: World) -> None:
    """Guards: major by twelve households, judged general, with the deadlines of a general complaint."""
    households(world, 12)
    case = world.accept(world.case_of("ct_roof_0"))
    assert case.level == "major"
    before = clock(case, "close").due_at
    world.do("set_level", case, level="general", reason="各户互不相关")
    judged = world.case(case.id)
    assert judged.level == "general"
    assert clock(judged, "close").due_at < before
    assert clock(judged, "close").source == rules_of(PLAZA).clock("close").duration_for("general").source  # type: ignore[union-attr]
    shown = world.look.explain_level(PLAZA, case.id)
    assert (shown["level"], shown["by_facts"]) == ("general", "major")
    assert shown["by_authority"]["by"] == "stf_test"
    entry = [*judged.history][-1]
    assert (entry.type, entry.data["because"]) == ("case_level_changed", ["authority"])


def test_a_judged_level_stays_while_the_facts_ask_for_no_more_than_they_did(world: World) -> None:
    """A thirteenth household does not undo what was judged of twelve; a graver matter does."""
    households(world, 5)
    case = world.case_of("ct_roof_0")
    assert case.level == "important"
    world.do("set_level", case, level="general", reason="各户互不相关")
    world.open(contact="ct_6", problem="roof", customer="cu_6", unit="un_6")
    assert world.case(case.id).level == "general"
    households(world, 12)
    raised = world.case(case.id)
    assert (raised.level, raised.judged) == ("major", None)


def test_a_level_the_rulebook_does_not_have_is_refused_and_the_same_one_is_told(world: World) -> None:
    """Guards against typing errors, and against a change that changes nothing."""
    case = world.open()
    with pytest.raises(ValidationFailed) as wrong:
        world.do("set_level", case, level="catastrophic", reason="x")
    assert [problem.field for problem in wrong.value.problems] == ["level"]
    with pytest.raises(Conflict, match="already"):
        world.do("set_level", case, level="general", reason="x")


@given(
    st.lists(
        st.one_of(st.integers(1, 14), st.sampled_from(["general", "important", "major"])),
        min_size=1,
        max_size=12,
    )
)
def test_no_level_ever_falls_by_itself(steps: list[int | str]) -> None:
    """Whatever arrives in whatever order between judgements: a fall is always somebody's decision."""
    world = World(FixedClock(beijing("2026-03-02 09:00")))
    case, codes = world.open(problem="roof", unit="un_0"), [level.code for level in rules_of(PLAZA).levels]
    for step in steps:
        if isinstance(step, int):
            households(world, step)
        elif step != world.case(case.id).level:
            world.do("set_level", case, level=step, reason="核定")
    changes = [entry.data for entry in world.case(case.id).history if entry.type == "case_level_changed"]
    for change in changes:
        if codes.index(change["to"]) < codes.index(change["from"]):
            assert change["because"] == ["authority"]
    # Once judged, it is below what the facts ask for only while nobody has more to say than was known then.
    last = world.case(case.id)
    asked = rules_of(PLAZA).level_of(last.claim.facts(last.households)).level.code
    if last.judged is None:
        assert codes.index(last.level) >= codes.index(asked)
    else:
        assert codes.index(asked) <= max(codes.index(last.judged.by_facts), codes.index(last.level))


# Lists


def test_what_is_due_today_comes_the_most_urgent_first_by_the_organisations_own_day(world: World) -> None:
    """Guards the morning's list: what ends before midnight in China, which is four in the afternoon in UTC."""
    world.at("2026-03-02 20:30")
    world.open(contact="ct_late", problem="p-1")
    world.at("2026-03-02 20:00")
    world.open(contact="ct_early", problem="p-2")
    world.at("2026-03-02 21:30")
    world.open(contact="ct_tomorrow", problem="p-3")
    assert world.numbers(due_today=True) == ["NO-ct_early", "NO-ct_late"]
    assert world.numbers(due_today=True, limit=1, skip=1) == ["NO-ct_late"]
    assert world.numbers(due_before="2026-03-02T23:30:00+08:00") == ["NO-ct_early"]
    assert world.numbers(due_before="2026-03-02T23:30:00.001+08:00") == ["NO-ct_early", "NO-ct_late"]
    world.do("attempt_contact", world.case_of("ct_early"), outcome="reached")
    assert world.numbers(due_today=True) == ["NO-ct_late"]
    with pytest.raises(SchemaError, match="due_today"):
        world.numbers(due_today=True, due_before="2026-03-02T23:30:00+08:00")


def test_the_cases_of_one_matter_are_listed_together(world: World) -> None:
    """Guards group complaints as one matter with its members."""
    households(world, 3)
    world.open(contact="ct_other", problem="other")
    matter = world.case_of("ct_roof_0").matter_id
    assert sorted(world.numbers(matter_id=matter)) == ["NO-ct_roof_0", "NO-ct_roof_1", "NO-ct_roof_2"]


def test_an_overdue_case_says_which_deadline_it_missed_and_whose_rule_that_is(world: World) -> None:
    """Guards "overdue, with reason and source"."""
    world.at("2026-03-02 08:00")
    case = world.open()
    world.at("2026-03-02 12:00")
    world.tick()
    (missed,) = world.look.case(PLAZA, case.id)["overdue_because"]
    assert (missed["clock"], missed["source"]) == ("first_contact", "B-JKC-52")
    world.do("attempt_contact", case, outcome="reached")
    assert world.look.case(PLAZA, case.id)["overdue_because"] == []
