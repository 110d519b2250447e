"""``kefu up`` and ``kefu demo`` around the stack and the player: how they end and what they say."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from kefu.cli import main, running
from kefu.cli.app import app
from kefu.cli.screen import output
from kefu.demo.expectations import Figure
from kefu.demo.figures import Shown
from kefu.demo.player import Outcome
from kefu.demo.stack import Place
from kefu.local.errors import LocalStackError
from kefu.reach import Reach
from shared.errors import Unavailable

ROOT = Path(__file__).parents[3]


class Stack:
    """Stands in for the stack; remembers how it was made and whether it was stopped."""

    made: list[Stack]
    refuses: LocalStackError | None = None
    ended: list[str]

    def __init__(self, *, fresh: bool) -> None:
        self.fresh = fresh
        self.stopped = False
        self.reach = Reach("pyamqp://127.0.0.1:1/kefu", ROOT / "organisations")
        self.made.append(self)

    def start(self, _teller: object) -> None:
        if self.refuses is not None:
            raise self.refuses

    def stop(self, _teller: object) -> None:
        self.stopped = True

    def casualties(self) -> list[str]:
        return self.ended

    def places(self) -> list[Place]:
        return [Place("intake", "http://127.0.0.1:20000/metrics", "intake.log")]


class Play:
    """Stands in for the player and for what is gathered after it."""

    def __init__(self) -> None:
        self.outcome = Outcome(figures=[Figure("contacts registered", 356, 356)])
        self.raises: Exception | None = None
        self.seeds: list[str] = []

    def __call__(self, _reach: object, wanted: Any, *_: object, **__: object) -> Play:
        self.seeds.append(wanted.contacts[0].event_id)
        return self

    def play(self) -> Outcome:
        if self.raises is not None:
            raise self.raises
        return self.outcome


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Play:
    stand_in = Play()
    monkeypatch.setattr(Stack, "made", [], raising=False)
    monkeypatch.setattr(Stack, "ended", [], raising=False)
    monkeypatch.setattr(running, "Stack", Stack)
    monkeypatch.setattr(running, "Player", stand_in)
    monkeypatch.setattr(running, "Colleagues", lambda _reach: open(os.devnull))  # noqa: PTH123, SIM115 - any context
    monkeypatch.setattr(running, "gather", lambda _colleagues, _orgs, month: Shown(month))
    monkeypatch.setattr(running, "tell_stories", lambda *_: [])
    monkeypatch.setattr(running, "exit_on_signals", lambda: None)
    monkeypatch.setenv("KEFU_HOME", str(tmp_path))
    for name in ("KEFU_BROKER_URL", "KEFU_SECRETS_DIR"):
        monkeypatch.delenv(name, raising=False)
    return stand_in


def kefu(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def test_a_day_that_came_out_well_ends_with_zero(play: Play) -> None:
    """`make run ONCE=1` is green, and says so in a line; everything is stopped."""
    result = kefu("demo", "--once")
    assert result.exit_code == 0
    assert "expected = found" in result.stdout
    assert "http://127.0.0.1:20000/metrics" in result.stdout
    (stack,) = Stack.made
    assert (stack.fresh, stack.stopped) == (True, True)


@pytest.mark.parametrize(
    "outcome",
    [
        Outcome(figures=[Figure("contacts registered", 356, 355)]),
        Outcome(failures=["plaza-demo, case of e-1: refused"]),
    ],
)
def test_a_day_that_did_not_ends_with_one(play: Play, outcome: Outcome) -> None:
    """A number that differs or a step that was refused makes the run red."""
    play.outcome = outcome
    result = kefu("demo", "--once")
    assert result.exit_code == 1
    assert "did not come out as expected" in result.stderr
    for failure in outcome.failures:
        assert failure in result.stderr
    assert Stack.made[0].stopped


def test_a_stack_that_does_not_start_ends_with_three(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    """The words of the refusal are all a newcomer has to go by."""
    monkeypatch.setattr(Stack, "refuses", LocalStackError("RabbitMQ is needed and was not found."))
    result = kefu("demo", "--once")
    assert result.exit_code == 3
    assert "RabbitMQ is needed" in result.stderr
    assert Stack.made[0].stopped


def test_a_service_that_died_is_named_when_the_day_breaks_off(play: Play) -> None:
    """'No answer' alone would send people looking in the wrong place."""
    play.raises = Unavailable("the broker is away")
    Stack.ended.append("The service intake has ended.")
    result = kefu("demo", "--once")
    assert result.exit_code == 3
    assert "The service intake has ended." in result.stderr
    assert Stack.made[0].stopped


def test_a_stack_that_loses_a_part_does_not_stay_up(play: Play) -> None:
    """`kefu up` under a supervisor ends with 1 instead of pretending."""
    Stack.ended.append("The service intake has ended.")
    result = kefu("up")
    assert result.exit_code == 1
    assert "The service intake has ended." in result.stderr
    (stack,) = Stack.made
    assert (stack.fresh, stack.stopped) == (False, True)


def test_what_earlier_runs_left_is_kept_on_demand(play: Play) -> None:
    """The demo begins afresh unless told otherwise."""
    kefu("demo", "--once", "--keep")
    assert Stack.made[0].fresh is False


def test_playing_into_a_running_stack_starts_none(play: Play) -> None:
    """Without one there is nothing to play into."""
    result = kefu("demo", "--attach")
    assert result.exit_code == 3
    assert "kefu up" in result.stderr
    assert not Stack.made


def test_a_terminal_that_knows_no_chinese_gets_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Question marks can be read past; a traceback in the middle of a report cannot."""
    shown = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(shown, encoding="ascii"))
    monkeypatch.setattr(sys, "argv", ["kefu", "version"])
    with pytest.raises(SystemExit):
        main()
    output.print("投诉 case")
    sys.stdout.flush()
    assert b"?? case" in shown.getvalue()
