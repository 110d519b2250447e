"""After every solved case its customer is asked once, in whatever order and however often the events come."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.followup.survey_office import ORG, Sent, SurveyOffice


def _event(kind: str, case: str, **data: Any) -> bytes:
    document = {
        "specversion": "1.0",
        "id": f"{case}.{kind}",
        "source": "/kefu/complaints",
        "type": kind,
        "time": "2025-05-19T09:00:00+08:00",
        "datacontenttype": "application/json",
        "org": ORG,
        "data": {"case_id": case, **data},
    }
    return json.dumps(document).encode()


def _of_case(case: str) -> list[bytes]:
    whose = {"number": "WRK-1", "contact_id": f"ct_{case}", "customer_id": f"cu_{case}"}
    at = "2025-05-19T09:00:00+08:00"
    return [
        _event("case_opened", case, **whose, channel="phone", opened_at=at),
        _event("case_closed", case, closed_at=at, rounds=1, because="reply"),
        _event("case_closed", case, closed_at="2025-05-20T09:00:00+08:00", rounds=2, because="callback"),
    ]


@pytest.mark.rule("B-STD-13")
@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_a_closed_case_is_surveyed_once(tmp_path: Path, order: tuple[int, ...]) -> None:
    """Closed, taken up again and closed again, delivered twice: the customer is asked once about it."""
    office = SurveyOffice(tmp_path, "standard")
    events = _of_case("one")
    for number in (*order, *order):
        office.app.surveys.after_cases([Sent(events[number])])
    (wave,) = office.app.surveys.waves.list(
        ORG, {"kind": "after_case", "state": None, "limit": 50, "skip": 0}
    )
    (row,) = office.invitations(wave["wave_id"])
    assert (row["case_id"], row["customer_id"]) == ("one", "cu_one")
    # A write that says the same again may be published again, under the same id.
    assert len({each.entry.id for each in office.sent if each.entry.type == "survey_invited"}) == 1


@pytest.mark.rule("B-STD-13")
def test_an_open_case_is_not_surveyed_and_a_batch_of_closed_ones_is(tmp_path: Path) -> None:
    """Thirty cases in one batch, ten of which stay open; what cannot be read is passed over."""
    office = SurveyOffice(tmp_path, "standard")
    bodies = [b"no event"]
    for number in range(30):
        opened, closed, _ = _of_case(f"c{number:02}")
        bodies += [opened, closed] if number < 20 else [opened]
    office.app.surveys.after_cases([Sent(body) for body in bodies])
    (wave,) = office.app.surveys.waves.list(ORG, {"kind": None, "state": None, "limit": 50, "skip": 0})
    asked = office.invitations(wave["wave_id"])
    assert sorted(row["case_id"] for row in asked) == [f"c{number:02}" for number in range(20)]
    office.pass_time("2025-06-30T23:59:00+08:00")
    assert office.get(wave["wave_id"])["state"] == "launched"
    office.pass_time("2025-07-01T00:00:00+08:00")
    assert office.get(wave["wave_id"])["state"] == "closed"


def test_a_survey_of_a_clothing_shop_sent_to_100_came_back_from_60(tmp_path: Path) -> None:
    """Of the forms of contact the survey: sent 100, returned 60."""
    shop = SurveyOffice(tmp_path, "apparel")
    shop.people(100)
    wave = shop.launched(kind="contact", where={}, method="email")
    shop.fill(wave, [{"scores": {"overall": 5}}] * 60)
    figures = shop.get(wave)["figures"]
    assert (figures["sent"], figures["answered"], figures["rate"]) == (100, 60, "60.0")
