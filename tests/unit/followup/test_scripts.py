"""What to say on a callback: every word with its rule, the right branch, the wish of the season, few questions."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.followup.domain.scripts import Festival
from shared.errors import NotFound, RuleRefused
from shared.regulations.errors import RegulationError
from tests.unit.followup.fakes import FakeDelivery, replied
from tests.unit.followup.talk_world import ORG, Caller

WHO = {"agent": "小李", "customer": "王", "title": "先生"}
SERVICE = {"service": "洗车", "time": "5月1日"}


def _script(code: str, profile: str, questions: int, limit: int, source: str = "organisation") -> str:
    steps = "".join(
        f"            q{number}: {{part: middle, text: 第{number}问？, question: true, source: {source}}}\n"
        for number in range(1, questions + 1)
    )
    return (
        f"      scripts:\n        {code}:\n          name: {profile}\n          source: {source}\n"
        f"          questions: {{value: {limit}, source: {source}}}\n          steps:\n{steps}"
    )


@pytest.fixture
def drivers(tmp_path: Path) -> Caller:
    return Caller(tmp_path, "auto-dealer")


def _steps(world: Caller, **query: Any) -> dict[str, dict[str, Any]]:
    return {step["step"]: step for step in world.script(**query)["steps"]}


@pytest.mark.rule("A-MEM-23")
def test_the_opening_greets_names_checks_and_apologises(tmp_path: Path) -> None:
    """Three variables are filled; without the customer's name nothing is said, and no name is kept."""
    world = Caller(tmp_path, "membership")
    world.shared_out("irregular", 1)
    callback = world.open()[0]
    step = _steps(world, id=callback, values=WHO)["open"]
    assert step["text"] == "您好！我是小李。请问是王先生吗？不好意思，打扰您了。"
    assert step["variables"] == ["agent", "customer", "title"]
    with pytest.raises(RuleRefused) as refused:
        world.script(id=callback, values={"agent": "小李", "title": "先生"})
    assert refused.value.rule == "A-MEM-23"
    assert [problem.field for problem in refused.value.problems] == ["values.customer"]
    database = world.runtime.database
    assert "小李" not in str([list(database[name].find()) for name in database.list_collection_names()])


@pytest.mark.rule("A-CAR-12")
def test_a_car_service_opens_with_company_and_post(drivers: Caller) -> None:
    """The company is known; a blank name of the customer blocks."""
    step = _steps(drivers, script="member", values=WHO | SERVICE)["open"]
    assert step["text"].startswith("您好！我是演示单位的客服代表小李，请问是王先生吗？")
    with pytest.raises(RuleRefused) as refused:
        drivers.script(script="member", values={"agent": "小李", "title": "先生", **SERVICE})
    assert refused.value.rule == "A-CAR-12"


@pytest.mark.rule("A-CAR-13")
def test_the_customer_is_thanked_for_a_named_service_at_a_named_time(drivers: Caller) -> None:
    """Both have to be said."""
    step = _steps(drivers, script="member", values=WHO | SERVICE)["service"]
    assert (step["part"], step["question"], step["source"]) == ("middle", True, "A-CAR-13")
    assert "5月1日接受我们的洗车服务" in step["text"]
    for missing in SERVICE:
        said = WHO | {code: value for code, value in SERVICE.items() if code != missing}
        with pytest.raises(RuleRefused) as refused:
            drivers.script(script="member", values=said)
        assert refused.value.rule == "A-CAR-13"


@pytest.mark.rule("A-CAR-14")
def test_the_satisfied_are_asked_for_suggestions(drivers: Caller) -> None:
    """And not what was wrong."""
    steps = _steps(drivers, script="member", answer="satisfied")
    assert (list(steps), steps["suggest"]["source"]) == (["suggest", "close_satisfied"], "A-CAR-14")
    assert steps["suggest"]["question"]


@pytest.mark.rule("A-CAR-15")
@pytest.mark.parametrize("answer", ["neutral", "dissatisfied"])
def test_who_was_not_satisfied_is_asked_what_to_improve(drivers: Caller, answer: str) -> None:
    """So-so counts as not satisfied."""
    steps = _steps(drivers, script="member", answer=answer)
    assert (list(steps), steps["improve"]["source"]) == (["improve", "close_unsatisfied"], "A-CAR-15")


@pytest.mark.rule("A-CAR-16")
@pytest.mark.parametrize(
    ("day", "wish"),
    [
        ("2028-01-18", "祝您开车愉快"),
        ("2028-01-19", "祝您节日快乐"),
        ("2028-01-25", "祝您节日快乐"),
        ("2028-02-09", "祝您节日快乐"),
        ("2028-02-10", "祝您开车愉快"),
        ("2028-06-25", "祝您开车愉快"),
    ],
)
def test_the_wish_follows_the_calendar_of_the_moon(drivers: Caller, day: str, wish: str) -> None:
    """In 2028 the new year begins on 26 January: its time is a week before and a fortnight after."""
    drivers.at(day)
    for answer in ("satisfied", "dissatisfied"):
        *_, closing = drivers.script(script="member", answer=answer)["steps"]
        assert wish in closing["text"]


@pytest.mark.rule("A-TEL-15")
def test_after_a_complaint_the_satisfied_are_thanked_and_the_others_heard(tmp_path: Path) -> None:
    """Thanks end the call; otherwise the unit concerned is urged on."""
    world = Caller(tmp_path, "call-centre")
    world.app.follow([FakeDelivery(replied(org=ORG))])
    callback = world.open()[0]
    assert "感谢" in _steps(world, id=callback, answer="satisfied")["thanks"]["text"]
    assert "督导" in _steps(world, id=callback, answer="dissatisfied")["urge"]["text"]


@pytest.mark.rule("A-CCC-23")
def test_a_second_callback_has_a_script_that_is_taught(tmp_path: Path) -> None:
    """Which course teaches it is for the organisation to say; the words are versioned."""
    course = (
        "      scripts:\n        second_callback:\n          courses: {value: [c2], source: organisation}\n"
    )
    world = Caller(tmp_path, "call-centre", course)
    script = world.script(script="second_callback", values={"customer": "王先生", "agent": "小李"})
    assert (script["version"], script["courses"], script["source"]) == ("v1", ["c2"], "A-CCC-23")
    invitation = _steps(world, script="invitation", values={"customer": "王先生", "agent": "小李"})
    assert "诚邀您参加" in invitation["open"]["text"]


@pytest.mark.rule("A-MEM-17")
def test_a_sixth_question_is_refused_where_five_are_allowed(tmp_path: Path) -> None:
    """By the rulebook when it is read, and by the script when a caller brings more of their own."""
    with pytest.raises(RegulationError, match="6 questions are asked where organisation permits 5"):
        Caller(tmp_path, "membership", _script("long", "长话术", 6, 5))
    world = Caller(tmp_path, "membership", _script("long", "长话术", 5, 5))
    assert len(world.script(script="long")["steps"]) == 5
    with pytest.raises(RuleRefused):
        world.script(script="long", more_questions=1)


@pytest.mark.rule("A-CAR-10")
def test_a_car_service_with_five_questions_refuses_a_script_with_six(tmp_path: Path) -> None:
    """Only one branch is asked of one customer, so branches do not add up."""
    limit = "      scripts:\n        member:\n          questions: {value: 2, source: organisation}\n"
    world = Caller(tmp_path, "auto-dealer", limit)
    assert world.script(script="member", answer="satisfied")["answers"] == [
        "satisfied",
        "neutral",
        "dissatisfied",
    ]
    with pytest.raises(RuleRefused) as refused:
        world.script(script="member", answer="satisfied", more_questions=1)
    assert refused.value.rule == "organisation"
    other = tmp_path / "other"
    other.mkdir()
    with pytest.raises(RegulationError, match="6 questions"):
        Caller(other, "auto-dealer", _script("member", "六问", 6, 5))


def test_what_is_not_there_has_no_words(drivers: Caller) -> None:
    """Neither a script nor a callback that does not exist, nor one whose rule has no script."""
    with pytest.raises(NotFound):
        drivers.script(script="none")
    with pytest.raises(NotFound):
        drivers.script(id="cb_none")


def test_values_are_taken_literally(drivers: Caller) -> None:
    """A name that looks like a variable is a name."""
    step = _steps(drivers, script="member", values=WHO | SERVICE | {"customer": "{agent}"})["open"]
    assert "请问是{agent}先生吗" in step["text"]


@given(
    day=st.dates(date(2001, 1, 1), date(2090, 12, 31)),
    before=st.integers(0, 31),
    after=st.integers(0, 31),
    month=st.integers(1, 12),
    of_month=st.integers(1, 28),
)
def test_the_time_of_a_yearly_festival_is_the_same_around_the_turn_of_the_year(
    day: date, before: int, after: int, month: int, of_month: int
) -> None:
    """A day is near exactly when some year's festival lies at most so far behind or ahead."""
    festival = Festival("f", "节", (f"{month:02}-{of_month:02}",), "design", before, after)
    distances = [(day - date(year, month, of_month)).days for year in range(day.year - 2, day.year + 3)]
    assert festival.near(day) == any(-before <= distance <= after for distance in distances)
