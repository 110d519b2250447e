from __future__ import annotations

from typing import Any

import pytest

from shared.errors import NotFound, RuleRefused, ValidationFailed
from tests.unit.followup.fakes import World, attempted

ORG = "plaza-demo"
VALUES = {"surname": "测", "title": "先生", "topic": "三楼空调漏水", "hotline": "400-000-0000"}


@pytest.fixture
def message_id(world: World) -> str:
    world.tell(attempted())
    return world.repository.all_messages()[0].id


@pytest.mark.rule("B-JKC-53")
def test_the_first_contact_message_says_everything_the_rule_demands(world: World, message_id: str) -> None:
    """Surname and title, who sends, the topic, that the call failed, where to call back, apology and wish."""
    text = world.desk.render(ORG, message_id, VALUES)["text"]
    for part in ("测先生", "云桥商业广场（演示）", "三楼空调漏水", "未能接通", "客服热线400-000-0000"):
        assert part in text
    assert "敬请谅解" in text
    assert "祝您" in text


@pytest.mark.rule("B-JKC-53")
@pytest.mark.parametrize("name", sorted(VALUES))
def test_a_message_that_lacks_a_required_part_is_refused(world: World, message_id: str, name: str) -> None:
    """Neither a missing nor a blank value gets through; the refusal names it and the rule."""
    lacking = {key: value for key, value in VALUES.items() if key != name}
    for values in (lacking, lacking | {name: "  "}):
        with pytest.raises(RuleRefused) as refusal:
            world.desk.render(ORG, message_id, values)
        assert refusal.value.rule == "B-JKC-53"
        assert [problem.field for problem in refusal.value.problems] == [f"values.{name}"]


def test_a_value_the_template_has_no_place_for_is_refused(world: World, message_id: str) -> None:
    """A misspelt variable would otherwise vanish without a word."""
    with pytest.raises(ValidationFailed) as refusal:
        world.desk.render(ORG, message_id, VALUES | {"surnam": "测"})
    assert refusal.value.problems[0].field == "values.surnam"


def test_values_are_taken_literally(world: World, message_id: str) -> None:
    """A customer's words that look like a placeholder are no placeholder."""
    text = world.desk.render(ORG, message_id, VALUES | {"topic": "{hotline} {0.__class__}"})["text"]
    assert "“{hotline} {0.__class__}”" in text


def test_what_the_gateway_fills_in_is_kept_nowhere(world: World, message_id: str) -> None:
    """Personal data passes through: neither the message nor its history holds it afterwards."""
    world.desk.render(ORG, message_id, VALUES)
    kept = str(world.repository.messages_kept)
    assert not any(value in kept for value in ("测先生", "三楼空调漏水", "400-000-0000"))


def test_a_message_tells_the_gateway_what_it_still_wants_to_know(world: World, message_id: str) -> None:
    """The gateway resolves these by asking intake, and nothing else."""
    query: dict[str, Any] = {"case_id": None, "limit": 50, "skip": 0}
    (row,) = world.desk.messages(ORG, query)
    assert (row["message_id"], row["wanted"]) == (message_id, ["surname", "title", "topic", "hotline"])


def test_a_message_of_another_organisation_does_not_exist(world: World, message_id: str) -> None:
    """Every read is scoped to the caller's own organisation."""
    with pytest.raises(NotFound):
        world.desk.render("property-demo", message_id, VALUES)
    query: dict[str, Any] = {"case_id": None, "limit": 50, "skip": 0}
    assert world.desk.messages("property-demo", query) == []
