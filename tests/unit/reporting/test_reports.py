"""Publishing a month's report: once per command, versions in order, frozen once published."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from services.reporting.domain.month import Month
from services.reporting.handlers.archive import ArchiveEvents
from services.reporting.handlers.figures import Figures
from services.reporting.handlers.reports import Reports
from shared.clock import FixedClock
from shared.errors import Conflict, NotFound, ValidationFailed
from tests.unit.reporting.memory import Memory
from tests.unit.reporting.stories import ORG, Story, delivery

NOVEMBER = Month(2026, 11)


@dataclass(frozen=True)
class FakeCall:
    key: str = "property-demo/publish_month_report/1"
    org: str = ORG
    actor: str = "manager-1"
    traceparent: str | None = None


@pytest.fixture
def reports(memory: Memory, figures: Figures, clock: FixedClock) -> Reports:
    return Reports(memory, figures, clock)


def test_a_report_is_published_with_the_figures_as_they_stand_and_keeps_them(
    reports: Reports, archive: ArchiveEvents
) -> None:
    """Promise: what happens after the publication does not change what was published."""
    archive("complaints", [delivery(event) for event in Story("cs_1").opened().events])
    answer = reports.publish(FakeCall(), NOVEMBER)
    archive("complaints", [delivery(event) for event in Story("cs_2").opened().events])
    report = reports.get(ORG, NOVEMBER, None)
    assert (answer["version"], report["report_id"]) == (1, answer["report_id"])
    assert report["statistics"]["cases"]["received"] == 1
    assert {row["code"] for row in report["kpis"]} >= {"handled_on_time", "satisfaction"}


def test_every_publication_announces_itself_once_without_figures(reports: Reports, memory: Memory) -> None:
    """Promise: the event names report, organisation, kind, month and version, and nothing else."""
    answer = reports.publish(FakeCall(), NOVEMBER)
    (report,) = memory.reports.values()
    (entry,) = report.history
    assert (entry.type, entry.actor) == ("report_published", "manager-1")
    assert entry.data == {
        "report_id": answer["report_id"],
        "org": ORG,
        "kind": "month_statistics",
        "month": "2026-11",
        "version": 1,
    }


def test_a_repeat_of_the_command_gets_the_first_answer_and_publishes_nothing(
    reports: Reports, memory: Memory, clock: FixedClock
) -> None:
    """Promise: a caller that heard no answer may ask again."""
    first = reports.publish(FakeCall(), NOVEMBER)
    clock.set(datetime(2026, 11, 24, tzinfo=UTC))
    assert reports.publish(FakeCall(), NOVEMBER) == first
    assert len(memory.reports) == 1


def test_the_key_of_one_month_s_report_cannot_publish_another(reports: Reports) -> None:
    """Promise: an idempotency key stands for one command."""
    reports.publish(FakeCall(), NOVEMBER)
    with pytest.raises(Conflict, match="used before"):
        reports.publish(FakeCall(), Month(2026, 10))


def test_versions_count_up_by_organisation_and_month(reports: Reports) -> None:
    """Promise: the next publication of a month is its next version, whatever others publish."""
    versions = [
        reports.publish(FakeCall(key, org), month)["version"]
        for key, org, month in [
            ("a", ORG, NOVEMBER),
            ("b", ORG, NOVEMBER),
            ("c", ORG, Month(2026, 10)),
            ("d", "retail-demo", NOVEMBER),
            ("e", ORG, NOVEMBER),
        ]
    ]
    assert versions == [1, 2, 1, 1, 3]
    assert reports.get(ORG, NOVEMBER, 2)["version"] == 2
    assert reports.get(ORG, NOVEMBER, None)["version"] == 3


def test_two_who_publish_at_the_same_moment_get_different_versions(reports: Reports, memory: Memory) -> None:
    """Promise: a version is given out once, and nobody's publication is lost."""
    memory.meanwhile = lambda: reports.publish(FakeCall("other"), NOVEMBER)
    answer = reports.publish(FakeCall("mine"), NOVEMBER)
    assert answer["version"] == 2
    assert sorted(report.edition for report in memory.reports.values()) == [1, 2]


def test_the_same_command_at_work_twice_at_the_same_moment_publishes_once(
    reports: Reports, memory: Memory
) -> None:
    """Promise: a command delivered to two replicas has one effect and one answer."""
    answers = []
    memory.meanwhile = lambda: answers.append(reports.publish(FakeCall(), NOVEMBER))
    assert reports.publish(FakeCall(), NOVEMBER) == answers[0]
    assert len(memory.reports) == 1


def test_a_month_that_has_not_begun_where_the_organisation_is_cannot_be_reported(
    reports: Reports, clock: FixedClock
) -> None:
    """Promise: the border is the organisation's own midnight."""
    clock.set(datetime(2026, 11, 30, 15, 59, tzinfo=UTC))
    with pytest.raises(ValidationFailed) as refused:
        reports.publish(FakeCall(), Month(2026, 12))
    assert [problem.field for problem in refused.value.problems] == ["month"]
    clock.set(datetime(2026, 11, 30, 16, 0, tzinfo=UTC))
    assert reports.publish(FakeCall(), Month(2026, 12))["version"] == 1


def test_a_report_nobody_published_is_not_found_nor_is_another_organisation_s(reports: Reports) -> None:
    """Promise: reports are read within the organisation only."""
    reports.publish(FakeCall(), NOVEMBER)
    for org, version in [("retail-demo", None), (ORG, 2)]:
        with pytest.raises(NotFound, match="2026-11"):
            reports.get(org, NOVEMBER, version)


@pytest.mark.rule("B-RET-33")
@pytest.mark.parametrize(
    ("published_at", "on_time"),
    [
        (datetime(2025, 3, 10, 15, 59, tzinfo=UTC), True),
        (datetime(2025, 3, 10, 16, 0, tzinfo=UTC), False),
    ],
    ids=["last minute of 10 March in Shanghai", "first minute of 11 March in Shanghai"],
)
def test_the_chain_s_statistics_table_is_on_time_until_the_tenth_of_the_next_month(
    reports: Reports, clock: FixedClock, published_at: datetime, *, on_time: bool
) -> None:
    """Promise: February's table filed on 10 March is on time, on 11 March it is late."""
    clock.set(published_at)
    answer = reports.publish(FakeCall(org="retail-demo"), Month(2025, 2))
    assert (answer["due_on"], answer["on_time"]) == ("2025-03-10", on_time)


def test_without_a_rule_a_report_is_neither_on_time_nor_late(reports: Reports) -> None:
    """Promise: a deadline the organisation's rulebook does not give is not borrowed from another's."""
    answer = reports.publish(FakeCall(), NOVEMBER)
    assert (answer["due_on"], answer["on_time"]) == (None, None)
