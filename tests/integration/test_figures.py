"""The month's statistics and key figures, computed from events that came over the real bus."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from tests.integration.bus import Bus, Desk, eventually
from tests.integration.events import complaint, enquiry

IT = "it-demo"
PLAZA = "plaza-demo"

_months = count(0)


@pytest.fixture
def month() -> tuple[str, str]:
    """A past month that no other test uses, as ``2021-07``, and a moment in it as RFC 3339."""
    years, months = divmod(next(_months), 12)
    return f"{2021 + years}-{months + 1:02d}", f"{2021 + years}-{months + 1:02d}-15T10:00:00+08:00"


def work_off(desk: Desk, event: dict[str, Any], outcome: str) -> str:
    """Take the case of ``event`` from validity to the callback with ``outcome``; return its id."""
    case_id = str(desk.case_of(event)["case_id"])
    desk.do("complaints.decide_validity", id=case_id, valid=True, reason="属实")
    desk.do("complaints.attempt_contact", id=case_id, outcome="reached")
    desk.do("complaints.reply", id=case_id, text="已处理")
    (callback,) = desk.callbacks_of(case_id, 1)
    desk.do("followup.complete_callback", id=callback["callback_id"], outcome=outcome)
    return case_id


def figures(answer: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Return numerator and denominator of every key figure by its code."""
    return {kpi["code"]: (kpi["numerator"], kpi["denominator"]) for kpi in answer["kpis"]}


CODES = ["handled_on_time", "valid_complaints_handled", "callback_rate", "satisfaction"]


def test_the_months_statistics_and_key_figures_are_those_of_what_happened(
    bus: Bus, month: tuple[str, str]
) -> None:
    """Every contact, case and callback of the month is counted once, and the shares follow from the counts."""
    name, moment = month
    desk = bus.desk(PLAZA)
    satisfied, neutral, invalid, untouched = (complaint(PLAZA, received_at=moment) for _ in range(4))
    asked = [enquiry(PLAZA, received_at=moment, channel=channel) for channel in ("wechat", "phone", "phone")]
    # Every event twice: figures count what happened, not what was sent.
    for _ in range(2):
        bus.publish("hotline", satisfied, neutral, invalid, untouched, *asked)
    work_off(desk, satisfied, "satisfied")
    work_off(desk, neutral, "neutral")
    invalid_id = desk.case_of(invalid)["case_id"]
    desk.do("complaints.decide_validity", id=invalid_id, valid=False, reason="不属实")
    desk.do("complaints.reply", id=invalid_id, text="已说明")
    desk.case_of(untouched)

    def table() -> dict[str, Any]:
        answer: dict[str, Any] = desk.ask("reporting.month_statistics", month=name)
        wanted = {"received": 4, "valid": 2, "refused": 1, "undecided": 1, "closed": 3, "open": 1, "late": 4}
        assert wanted.items() <= answer["cases"].items(), answer["cases"]
        # Callbacks come from another service, by another queue.
        assert answer["callbacks"] == {"scheduled": 2, "made": 2, "satisfied": 1, "overdue": 0}
        return answer

    answer = eventually(table)
    assert answer["contacts"]["total"] == 7
    assert answer["contacts"]["by_category"] == [
        {"category": "complaint", "count": 4},
        {"category": "enquiry", "count": 3},
    ]
    assert answer["contacts"]["by_channel"] == [
        {"channel": "phone", "count": 6},
        {"channel": "wechat", "count": 1},
    ]
    assert figures(desk.ask("reporting.kpis", month=name, codes=CODES)) == {
        "handled_on_time": ("0", "3"),
        "valid_complaints_handled": ("2", "2"),
        "callback_rate": ("2", "2"),
        "satisfaction": ("1", "2"),
    }


def test_a_case_handled_in_time_counts_as_such_and_can_be_found_behind_the_figure(bus: Bus) -> None:
    """Whoever doubts a figure sees the cases it counts."""
    desk = bus.desk(PLAZA)
    event = complaint(PLAZA)
    bus.publish("hotline", event)
    case_id = work_off(desk, event, "satisfied")
    local = datetime.fromisoformat(event["data"]["received_at"]).astimezone(UTC) + timedelta(hours=8)

    def counted() -> dict[str, Any]:
        rows: list[dict[str, Any]] = []
        asked = {"code": "handled_on_time", "month": f"{local:%Y-%m}", "limit": 200}
        after = None
        while True:
            page = desk.ask("reporting.kpi_cases", **asked, after=after)
            rows += page["matters"]
            after = page["next"]
            if after is None:
                break
        ours = [row for row in rows if row["id"] == case_id]
        assert len(ours) == 1
        return ours[0]

    row = eventually(counted)
    assert (row["numerator"], row["denominator"]) == ("1", "1")


def test_a_published_report_keeps_its_figures_and_the_next_one_is_a_new_version(
    bus: Bus, month: tuple[str, str]
) -> None:
    """What was published stays as it was; a repeat of the command publishes nothing new."""
    name, moment = month
    desk = bus.desk(IT)
    bus.publish("crm", first := enquiry(IT, received_at=moment))
    desk.archived(desk.contact_of(first)["contact_id"], "contact_registered")

    def counted(number: int) -> None:
        assert desk.ask("reporting.month_statistics", month=name)["contacts"]["total"] == number

    eventually(lambda: counted(1))
    published = desk.do("reporting.publish_month_report", key=f"{name}-first", month=name)
    assert desk.do("reporting.publish_month_report", key=f"{name}-first", month=name) == published
    bus.publish("crm", enquiry(IT, received_at=moment))
    eventually(lambda: counted(2))
    again = desk.do("reporting.publish_month_report", month=name)
    assert (published["version"], again["version"]) == (1, 2)
    kept = desk.ask("reporting.get_report", month=name, version=1)
    assert kept["statistics"]["contacts"]["total"] == 1
    assert desk.ask("reporting.get_report", month=name)["statistics"]["contacts"]["total"] == 2
    desk.happened(published["report_id"], "report_published")
    desk.happened(again["report_id"], "report_published")
