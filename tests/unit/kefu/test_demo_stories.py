"""The whole cases of the demo: their table fits the screen, and the demo fails when one differs or breaks off."""

from __future__ import annotations

import io
from typing import Any, cast

import pytest
from rich.cells import cell_len
from rich.console import Console

from kefu.cli import running
from kefu.demo.colleagues import Person
from kefu.demo.player import Outcome
from kefu.demo.scenes import Scene, Story
from kefu.demo.tables import WIDTH, story_table
from shared.errors import RuleRefused

CLERK = Person("demo-clerk", ("staff",))


class _Colleagues:
    """Refuses every command by one rule, or none."""

    def __init__(self, rule: str | None) -> None:
        self.rule = rule
        self.keys: list[str] = []

    def order(self, org: str, who: Person, method: str, key: str, **arguments: Any) -> dict[str, Any]:
        del org, who, method, arguments
        self.keys.append(key)
        if self.rule is not None:
            raise RuleRefused("no", rule=self.rule)
        return {}


def scene(story: Story, rule: str | None = None) -> Scene:
    return Scene(cast(Any, _Colleagues(rule)), cast(Any, None), "d1", story)


def story(rows: int = 1) -> Story:
    return Story(
        "A matter grows from 3 to 12 households 群诉", "plaza-demo", rows, note="What it leaves out."
    )


@pytest.mark.parametrize(("rule", "right"), [("B-JKC-44", 1), ("B-JKC-47", 0), (None, 0)])
def test_a_refusal_counts_only_by_the_very_rule(rule: str | None, right: int) -> None:
    """Guards the demo against a story that is refused by chance, or not at all."""
    told = story()
    scene(told, rule).refused("越权审批", "B-JKC-44", CLERK, "complaints.decide_offer", id="of_1")
    assert told.right == right


def test_every_command_has_a_key_of_its_own() -> None:
    """Guards that no step is taken for the repeat of another one."""
    played = scene(story())
    for _ in range(3):
        played.do(CLERK, "complaints.reply", id="cs_1")
    keys = cast(_Colleagues, played.colleagues).keys
    assert len(set(keys)) == 3
    assert all(key.startswith("d1/plaza-demo/") for key in keys)


@pytest.mark.parametrize("found", ["major", "general"])
def test_the_table_fits_the_screen_and_marks_what_differs(found: str) -> None:
    """Guards the output: Chinese is two columns wide, and a difference is seen at once."""
    told = story()
    scene(told).tell(
        "filed with the customer relations unit and the board 报备客户关系管理单位和董事局" * 2,
        "major",
        found,
    )
    console = Console(file=io.StringIO(), width=WIDTH)
    console.print(story_table(told))
    text = cast(io.StringIO, console.file).getvalue()
    assert max(cell_len(line) for line in text.splitlines()) <= WIDTH
    assert ("DIFFERS" in text) is (found != "major")
    assert "What it leaves out." in text


@pytest.mark.parametrize(
    ("rows", "failure", "well"), [(1, None, True), (2, None, False), (1, "the broker is away", False)]
)
def test_the_demo_fails_when_a_whole_case_is_not_told_to_its_end(
    rows: int, failure: str | None, *, well: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards the exit code: a row that was never told is as bad as one that differs."""
    told = story(rows)
    told.failure = failure
    scene(told).tell("3 households 三户", "general", "general")
    monkeypatch.setattr(running, "tell_stories", lambda *_: [told])
    outcome = Outcome()
    running._tell_stories(cast(Any, None), "d1", outcome)
    assert outcome.well is well
