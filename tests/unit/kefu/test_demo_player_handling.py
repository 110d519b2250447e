"""What staff do about one complaint, as the demo plays it."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any

import pytest

from kefu.demo import handling
from kefu.demo.colleagues import Colleague
from kefu.demo.handling import STATES, Handling, NotSeen, Task
from kefu.demo.model import CallbackAnswer, Reaction
from shared.errors import KefuError, RuleRefused

SATISFIED = CallbackAnswer("satisfied", "好的")
UNHAPPY = CallbackAnswer("dissatisfied", "不行")
VALID = Reaction(valid=True, reason="属实", ground="noise", contacts=("unreachable", "reached"))
REPLIED = Reaction(valid=True, reason="属实", reply="已处理", prevention="加强巡查")


class Office:
    """Stands in for the services: remembers commands, schedules a callback for each final reply, reopens."""

    def __init__(self) -> None:
        self.commands: list[tuple[Colleague, str, str, dict[str, Any]]] = []
        self.refuses: dict[str, Exception] = {}
        self.asked: defaultdict[str, int] = defaultdict(int)
        self.slow_for = 0
        self.rounds = 0
        self.state = "received"
        #: What the path asks for, by what it waits for; and where the case must be filed.
        self.steps: list[dict[str, Any]] = []
        self.filings: list[str] = []

    def order(self, org: str, who: Colleague, method: str, key: str, **arguments: Any) -> Any:
        if method in self.refuses:
            raise self.refuses[method]
        self.commands.append((who, method, key, arguments))
        if method == "complaints.reply" and arguments.get("final", True):
            self.rounds += 1
            self.state = "replied"
        if method == "followup.complete_callback" and arguments["outcome"] == "dissatisfied":
            self.state = "accepted"
        if method == "complaints.take_step":
            self.steps = [row for row in self.steps if row["step"] != arguments["step"]]

    def ask(self, org: str, method: str, **arguments: Any) -> Any:
        if method == "complaints.next_steps":
            return {"steps": [row | {"waits_for": self._waits_for(row)} for row in self.steps]}
        if method == "complaints.get_settlement":
            return {"filings_due": [{"unit": unit} for unit in self.filings]}
        self.asked[method] += 1
        if self.asked[method] <= self.slow_for:
            return [] if method == "followup.list_callbacks" else {"state": "replied"}
        if method == "followup.list_callbacks":
            return [{"callback_id": f"cb_{self.rounds}", "round": self.rounds}]
        return {"state": self.state}

    def _waits_for(self, row: dict[str, Any]) -> list[str]:
        return ["reply"] if row["after_reply"] and not self.rounds else []

    def methods(self) -> list[str]:
        return [method.partition(".")[2] for _, method, _, _ in self.commands]

    def arguments(self, method: str) -> list[dict[str, Any]]:
        return [arguments for _, name, _, arguments in self.commands if name.endswith(f".{method}")]


def play(office: Office, reaction: Reaction, *, run: str = "r1", by_hand: bool = False) -> None:
    stop = Event()
    closed_by_hand = {"plaza-demo"} if by_hand else set()
    colleagues: Any = office
    player = Handling(colleagues, run, closed_by_hand=closed_by_hand, stop=stop)
    player.play(Task("plaza-demo", "cs_1", "e-1", reaction))


def step(code: str, role: str, *fields: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Return a step as ``next_steps`` tells of it."""
    row = {"step": code, "roles": [role], "mandatory": True, "command": "take_step", "taken": []}
    rest = {"fields": list(fields), "each_of": None, "remaining": [], "after_reply": False}
    return row | rest | changes


def asked_for(code: str, kind: str, *options: str, required: bool = True) -> dict[str, Any]:
    return {"field": code, "kind": kind, "options": list(options), "required": required}


def test_each_step_of_the_path_is_taken_by_somebody_of_its_role_and_filled_as_asked() -> None:
    """Mandatory steps before the decision and after the reply; others and those with a command are left alone."""
    office = Office()
    office.steps = [
        step("verify", "duty_staff", asked_for("result", "text"), asked_for("number", "of_case")),
        step(
            "decide", "department_manager", asked_for("yes", "yes_no"), asked_for("what", "choice", "a", "b")
        ),
        step("tell", "property_clerk", asked_for("who", "names", required=True), after_reply=True),
        step("extra", "hr_admin", mandatory=False),
        step("reply", "ops_cs", command="reply"),
    ]
    play(office, REPLIED)
    assert office.methods() == ["take_step", "take_step", "decide_validity", "reply", "take_step"]
    took = [(row["step"], sorted(row["filled"])) for row in office.arguments("take_step")]
    assert took == [("verify", ["result"]), ("decide", ["what", "yes"]), ("tell", ["who"])]
    who = [colleague for colleague, method, _, _ in office.commands if method.endswith("take_step")]
    assert who == [Colleague.FRONT, Colleague.SUPERIOR, Colleague.FRONT]


def test_a_step_for_each_of_several_is_filled_with_the_one_still_missing() -> None:
    """The signature is that of a department that has not signed."""
    office = Office()
    signed = step("sign", "staff", asked_for("department", "text"), each_of="department")
    office.steps = [signed | {"remaining": ["finance", "sales"]}]
    play(office, VALID)
    assert [row["filled"] for row in office.arguments("take_step")] == [{"department": "finance"}]


def test_a_step_nobody_of_the_demo_may_take_is_told() -> None:
    """A rulebook with a role the demo lacks stops the case with its name."""
    office = Office()
    office.steps = [step("fly", "astronaut")]
    with pytest.raises(KefuError, match="astronaut"):
        play(office, VALID)


def test_a_case_is_filed_where_it_must_be_before_its_callback() -> None:
    """What must be filed before closing is filed after the reply."""
    office = Office()
    office.filings = ["board"]
    play(office, REPLIED)
    assert office.methods() == ["decide_validity", "reply", "record_filing"]
    assert office.arguments("record_filing")[0]["unit"] == "board"


def test_nothing_is_done_about_a_complaint_nobody_took_up() -> None:
    """Some cases of the day must still wait for everything."""
    office = Office()
    play(office, Reaction(valid=None))
    assert not office.commands


def test_a_complaint_is_decided_before_the_customer_is_called() -> None:
    """The order of the plan is the order of the commands; nothing follows what is not planned."""
    office = Office()
    play(office, VALID)
    assert office.methods() == ["decide_validity", "attempt_contact", "attempt_contact"]
    assert office.arguments("decide_validity") == [
        {"id": "cs_1", "valid": True, "ground": "noise", "reason": "属实"}
    ]
    assert [row["outcome"] for row in office.arguments("attempt_contact")] == ["unreachable", "reached"]


def test_a_promise_names_its_time_before_the_final_reply() -> None:
    """Where the trade promises when the next reply comes, an interim reply says so."""
    office = Office()
    play(office, Reaction(valid=True, reason="属实", reply="已处理", next_reply=timedelta(hours=24)))
    assert office.methods() == ["decide_validity", "reply", "reply"]
    interim, final = office.arguments("reply")
    ahead = datetime.fromisoformat(interim["next_reply_at"]) - datetime.now(UTC)
    assert timedelta(hours=23) < ahead <= timedelta(hours=24)
    assert interim["final"] is False
    assert final["text"] == "已处理"
    assert "next_reply_at" not in final


def test_an_unhappy_customer_is_answered_and_called_again() -> None:
    """Callback, rework, second callback: each about the reply before it."""
    office = Office()
    office.slow_for = 2
    reaction = Reaction(
        valid=True, reason="属实", reply="已处理", callbacks=(UNHAPPY, SATISFIED), rework_reply="重新处理"
    )
    play(office, reaction)
    assert office.methods() == ["decide_validity", "reply", "complete_callback", "reply", "complete_callback"]
    assert [row["text"] for row in office.arguments("reply")] == ["已处理", "重新处理"]
    assert office.arguments("complete_callback") == [
        {"id": "cb_1", "outcome": "dissatisfied", "note": "不行"},
        {"id": "cb_2", "outcome": "satisfied", "note": "好的"},
    ]


def test_somebody_else_than_the_handler_calls_back() -> None:
    """Rulebooks forbid people to call about cases of their own."""
    office = Office()
    play(office, Reaction(valid=True, reason="属实", reply="已处理", callbacks=(SATISFIED,)))
    by = {method: who for who, method, _, _ in office.commands}
    assert by["complaints.reply"] is Colleague.HANDLER
    assert by["followup.complete_callback"] is Colleague.CALLER
    assert Colleague.HANDLER.subject != Colleague.CALLER.subject


@pytest.mark.parametrize(("answers", "closed"), [((SATISFIED,), True), ((UNHAPPY,), False), ((), False)])
def test_a_case_is_closed_by_hand_only_where_no_callback_closes_it(
    answers: tuple[CallbackAnswer, ...], *, closed: bool
) -> None:
    """And only when the customer is content."""
    reaction = Reaction(valid=True, reason="属实", reply="已处理", callbacks=answers)
    by_hand, by_callback = Office(), Office()
    play(by_hand, reaction, by_hand=True)
    play(by_callback, reaction)
    assert ("close_case" in by_hand.methods()) is closed
    assert "close_case" not in by_callback.methods()


def test_keys_are_one_for_each_step_and_the_same_in_every_try() -> None:
    """A day that is played again after a crash repeats its commands instead of giving new ones."""
    reaction = Reaction(
        valid=True, reason="属实", contacts=("unreachable", "reached"), reply="已处理",
        next_reply=timedelta(hours=1), callbacks=(UNHAPPY, SATISFIED), rework_reply="重新处理",
    )  # fmt: skip
    first, again, other = Office(), Office(), Office()
    play(first, reaction)
    play(again, reaction)
    play(other, reaction, run="r2")
    keys = [key for _, _, key, _ in first.commands]
    assert len(set(keys)) == len(keys)
    assert keys == [key for _, _, key, _ in again.commands]
    assert not set(keys) & {key for _, _, key, _ in other.commands}


def test_a_refusal_ends_the_case_and_is_passed_on() -> None:
    """Nothing is done after a step that was refused; whoever plays the day hears of it."""
    office = Office()
    office.refuses["complaints.attempt_contact"] = RuleRefused("not allowed", rule="B-JKC-52")
    with pytest.raises(RuleRefused):
        play(office, VALID)
    assert office.methods() == ["decide_validity"]


def test_a_callback_that_never_comes_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waiting has an end, and the words name the case."""
    monkeypatch.setattr(handling, "PATIENCE", 0.05)
    office = Office()
    office.slow_for = 1_000_000
    with pytest.raises(NotSeen, match="e-1"):
        play(office, Reaction(valid=True, reason="属实", reply="已处理", callbacks=(SATISFIED,)))


def test_no_step_begins_once_the_demo_is_being_stopped() -> None:
    """Ctrl-C must not wait for a hundred cases."""
    office, stop = Office(), Event()
    stop.set()
    colleagues: Any = office
    with pytest.raises(NotSeen):
        Handling(colleagues, "r1", closed_by_hand=(), stop=stop).play(
            Task("plaza-demo", "cs_1", "e-1", VALID)
        )
    assert not office.commands


def test_every_stage_has_its_state() -> None:
    """What staff have done decides where the case must stand."""
    assert STATES[Reaction(valid=None).stage] == "received"
    assert STATES[Reaction(valid=False, reply="抱歉").stage] == "closed"
    assert STATES[VALID.stage] == "accepted"
    assert STATES[REPLIED.stage] == "replied"
    assert STATES[Reaction(valid=True, reply="好", callbacks=(UNHAPPY,)).stage] == "accepted"
    assert STATES[Reaction(valid=True, reply="好", callbacks=(SATISFIED,)).stage] == "closed"
    assert STATES[Reaction(valid=True, reply="好", callbacks=(UNHAPPY, SATISFIED)).stage] == "closed"
