"""Told in docs/stories/dealers-week.md: five cars delivered, and the calls of the seventh day."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from shared.errors import Conflict
from tests.integration.bus import Desk, eventually
from tests.integration.stories.stage import Stage, local, telling

_ORGANISATIONS = Path(__file__).with_name("organisations")
_DAYS = {"mon": "03", "tue": "04", "wed": "05", "thu": "06", "fri": "07"}

Callback = dict[str, Any]


@pytest.mark.timeout(600)
@pytest.mark.rule("A-AUT-03", "A-AUT-22", "A-CAR-11", "B-SVN-07")
def test_a_dealers_week_of_calls_on_the_seventh_day(tmp_path: Path) -> None:
    """Each buyer is called in time and at a permitted hour, or somebody finds them in a list."""
    org, begin = "dealer-demo", "2025-03-03 15:00"
    with telling("dealers-week", org, begin, tmp_path, organisations=_ORGANISATIONS) as stage:
        agent, head = stage.person("anna", "followup_agent"), stage.person("head", "supervisor")
        calls = _delivered(stage, agent)
        _on_monday(stage, agent, calls["mon"])
        _on_tuesday(stage, agent, calls["tue"])
        _on_wednesday(stage, agent, head, calls["wed"])
        _on_thursday(stage, agent, calls["thu"])
        _at_the_end_of_the_week(stage, agent, head, calls)


def _delivered(stage: Stage, agent: Desk) -> dict[str, Callback]:
    """Deliver a car a day; return the callback that each buyer is owed."""
    for name, day in _DAYS.items():
        stage.at(f"2025-03-{day} 16:00")
        agent.do(
            "followup.note_occasion",
            customer_id=f"cu_{name}",
            occasion="delivery",
            at=f"2025-03-{day}T15:30:00+08:00",
            data={"key": f"delivery.{name}"},
        )
    calls = {name: agent.only("followup.list_callbacks", customer_id=f"cu_{name}") for name in _DAYS}
    stage.tell("Monday's buyer is to be called before", local(calls["mon"]["due_at"]))
    stage.tell("By the rule", calls["mon"]["due_source"])
    stage.tell("Friday's buyer is to be called before", local(calls["fri"]["due_at"]))
    return calls


def _on_monday(stage: Stage, agent: Desk, monday: Callback) -> None:
    stage.at("2025-03-10 13:00")
    stage.tell("Calls offered at 13:00", len(_listed(agent, "now")))
    stage.at("2025-03-10 14:00")
    stage.tell("Calls offered at 14:00", len(_listed(agent, "now")))
    stage.tell("Calls due by the end of Monday", len(_listed(agent, "today")))
    made = _call(agent, monday, "satisfied")
    stage.tell("Monday's call was made in time", "yes" if made["on_time"] else "no")


def _on_tuesday(stage: Stage, agent: Desk, tuesday: Callback) -> None:
    stage.at("2025-03-11 09:00")
    stage.tell("After one call in vain Tuesday's is", _call(agent, tuesday, "unreachable")["state"])
    stage.at("2025-03-11 11:30")
    stage.tell("After the second it is", _call(agent, tuesday, "unreachable")["state"])
    stage.tell("The level that follows", _second(agent, "tue")["level"])


def _on_wednesday(stage: Stage, agent: Desk, head: Desk, wednesday: Callback) -> None:
    stage.at("2025-03-12 10:00")
    stage.tell(
        "A dissatisfied buyer's call has the effect", _call(agent, wednesday, "dissatisfied")["effect"]
    )
    second = _second(agent, "wed")
    stage.at("2025-03-12 15:00")
    _call(agent, second, "dissatisfied")
    measure = head.only("followup.list_records", register="corrective_measure")
    record = head.ask("followup.get_record", id=measure["record_id"])
    stage.tell("What remains is put right, as demanded by", record["values"]["asked_by"])


def _on_thursday(stage: Stage, agent: Desk, thursday: Callback) -> None:
    stage.at("2025-03-13 10:00")
    agent.do("followup.take_callback", id=thursday["callback_id"])
    with pytest.raises(Conflict):
        stage.person("ben", "followup_agent").do("followup.take_callback", id=thursday["callback_id"])
    agent.do("followup.appoint_callback", id=thursday["callback_id"], at="2025-03-15T10:00:00+08:00")
    agreed = _again(agent, thursday)
    stage.tell("Thursday's buyer wants to be called at", local(agreed["appointed_at"]))
    stage.tell("The call stays due before", local(agreed["due_at"]))


def _at_the_end_of_the_week(stage: Stage, agent: Desk, head: Desk, calls: dict[str, Callback]) -> None:
    stage.at("2025-03-15 10:00")
    for name, whose in (("thu", "Thursday's"), ("fri", "Friday's")):
        (told,) = stage.archive.happened(calls[name]["callback_id"], "callback_due")
        stage.tell(f"{whose} call, overdue, is handed to", told["data"]["handed_to"])
    stage.tell("Overdue on Saturday", _names(_listed(head, "overdue")))
    made = _call(head, calls["thu"], "satisfied")
    stage.tell("Thursday's call was made in time", "yes" if made["on_time"] else "no")
    stage.tell("Gaps at the end of the week", _names(_listed(head, "gaps")))


def _listed(desk: Desk, name: str) -> list[Callback]:
    rows: list[Callback] = desk.ask("followup.list_callbacks", list=name, limit=200)
    return rows


def _names(rows: list[Callback]) -> str:
    return ", ".join(sorted(row["customer_id"].removeprefix("cu_") for row in rows))


def _call(desk: Desk, callback: Callback, outcome: str) -> Callback:
    made: Callback = desk.do("followup.complete_callback", id=callback["callback_id"], outcome=outcome)
    return made


def _again(desk: Desk, callback: Callback) -> Callback:
    found: Callback = desk.ask("followup.get_callback", id=callback["callback_id"])
    return found


def _second(agent: Desk, name: str) -> Callback:
    """Return the callback of the second level to a buyer, once it is there."""

    def there() -> Callback:
        rows = agent.ask("followup.list_callbacks", customer_id=f"cu_{name}", rule="second_level")
        assert len(rows) == 1, rows
        return dict(rows[0])

    return eventually(there)
