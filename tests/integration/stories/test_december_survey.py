"""Told in docs/stories/december-survey.md: all homes are asked, and on day fifteen fewer than half have answered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from shared.errors import KefuError, RuleRefused
from tests.integration.bus import Desk, eventually
from tests.integration.stories.stage import Stage, local, telling

_HOMES = 50
_BY_LINK, _BY_LETTER = 10, 14
_PLAN: dict[str, Any] = {
    "kind": "owner_opinion",
    "purpose": "了解业户对服务的意见。",
    "method": "link",
    "where": {"phase": "occupied"},
}


@pytest.mark.timeout(600)
@pytest.mark.rule("B-PRO-15", "B-PRO-16")
def test_a_december_survey_with_48_percent_back_on_day_fifteen(tmp_path: Path) -> None:
    """Everybody is asked in time, answers count once and in time, and two short of half is not enough."""
    with telling("december-survey", "property-demo", "2025-11-28 09:00", tmp_path) as stage:
        desk, gateway = stage.person("desk", "service_desk"), stage.person("gateway", "system")
        homes = [
            {
                "customer_id": f"cu_home{number:02}",
                "units": [f"Q-{number:02}"],
                "traits": {"phase": "occupied"},
            }
            for number in range(_HOMES)
        ]
        gateway.do("followup.mark_people", rows=homes)
        wave = _on_friday(stage, desk)
        asked = _invitations(desk, wave, _HOMES)
        stage.tell("Homes asked", len({row["unit_id"] for row in asked}))
        ids = [row["invitation_id"] for row in asked]
        links = [gateway.ask("followup.get_survey_link", id=each)["token"] for each in ids]
        _the_first_week(stage, desk, gateway, links)
        _reminded(stage, wave)
        _by_letter(stage, desk, wave, ids[_BY_LINK : _BY_LINK + _BY_LETTER])
        _at_the_end(stage, desk, gateway, wave, links[-1])


def _on_friday(stage: Stage, desk: Desk) -> str:
    (missed,) = desk.ask("followup.list_missed_surveys")
    stage.tell("The survey missed before is that of", missed["period"])
    with pytest.raises(RuleRefused) as refused:
        desk.do("followup.plan_survey", **_PLAN, percent=90)
    stage.tell("Asking only 90 percent is refused by", refused.value.rule)
    wave = str(desk.do("followup.plan_survey", **_PLAN)["wave_id"])
    desk.do("followup.move_survey", id=wave, action="launch")
    stage.tell("It is open until", local(desk.ask("followup.get_survey", id=wave)["closes_at"]))
    return wave


def _the_first_week(stage: Stage, desk: Desk, gateway: Desk, links: list[str]) -> None:
    stage.at("2025-12-01 10:00")
    stage.tell("Surveys missed in December", len(desk.ask("followup.list_missed_surveys")))
    for token in links[:_BY_LINK]:
        gateway.do("followup.answer_survey", data={"token": token}, scores={"overall": 5})
    stage.tell("Answers by link", _BY_LINK)
    again = _refused(gateway, links[0], 1)
    stage.tell("A second answer by the same link is", again)
    last = links[-1][-1]
    forged = links[-1][:-1] + ("A" if last != "A" else "B")
    stage.tell("An answer by a forged link is", _refused(gateway, forged, 1))


def _reminded(stage: Stage, wave: str) -> None:
    stage.at("2025-12-16 09:00")

    def once() -> int:
        events = stage.archive.ask("reporting.list_archive", about=wave, limit=200)
        told = [each for each in events if "reminded" in map(str, each["data"].values())]
        assert told, "nobody was reminded"
        return len(told)

    stage.tell("Reminders", eventually(once))


def _by_letter(stage: Stage, desk: Desk, wave: str, ids: list[str]) -> None:
    stage.at("2025-12-19 17:00")
    rows = [
        {"invitation_id": each, "scores": {"overall": 4}, "channel": "letter", "result": None} for each in ids
    ]
    desk.do("followup.enter_survey_answers", id=wave, rows=rows)
    stage.tell("Answers by letter", len(rows))
    stage.tell("On day 15 the survey is", desk.ask("followup.get_survey", id=wave)["state"])


def _at_the_end(stage: Stage, desk: Desk, gateway: Desk, wave: str, token: str) -> None:
    stage.at("2025-12-20 00:00")

    def closed() -> dict[str, Any]:
        seen: dict[str, Any] = desk.ask("followup.get_survey", id=wave)
        assert seen["state"] == "closed", seen["state"]
        return seen

    figures = eventually(closed)["figures"]
    stage.tell("Back, in percent", figures["rate"])
    stage.tell("Enough came back", "yes" if figures["returned"] else "no")
    stage.tell("Homes without an answer", len(_invitations(desk, wave, None, state="invited")))
    stage.tell("An answer after the end is", _refused(gateway, token, 5))
    (summed,) = stage.archive.happened(wave, "survey_summed")
    stage.tell("Answers told to the other services", summed["data"]["answered"])


def _invitations(desk: Desk, wave: str, number: int | None, **wanted: Any) -> list[dict[str, Any]]:
    def look() -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = desk.ask(
            "followup.list_survey_invitations", id=wave, limit=200, **wanted
        )
        assert number is None or len(rows) == number, len(rows)
        return rows

    return eventually(look)


def _refused(gateway: Desk, token: str, score: int) -> str:
    with pytest.raises(KefuError) as refused:
        gateway.do("followup.answer_survey", data={"token": token}, scores={"overall": score})
    return refused.value.code
