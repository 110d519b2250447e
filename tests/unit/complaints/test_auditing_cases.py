"""The audit of cases: a clean database has no findings, and each invariant broken on purpose is found."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from services.complaints.domain.auditing.findings import Subject
from services.complaints.domain.case import Case
from services.complaints.domain.states import CaseState
from shared.clock import FixedClock
from shared.history import Cause
from tests.unit.complaints.audit_world import audit, meddle, page
from tests.unit.complaints.fakes import PLAZA, PROPERTY, Document, beijing, called_back
from tests.unit.complaints.offer_world import Counter

Meddling = Callable[[Document], object]


@pytest.fixture
def plaza() -> Counter:
    return Counter(FixedClock(beijing("2026-03-02 09:00")))


def _cause() -> Cause:
    return Cause("forged", "stf_test")


def closed_case(counter: Counter) -> Case:
    """Return a case that was contacted late, handled along its path and closed by its callback."""
    case = counter.world.open(counter.org, "ct_closed", problem="p-closed")
    counter.clock.advance(timedelta(hours=4))
    counter.world.tick()
    counter.world.do("attempt_contact", case, outcome="reached")
    case = counter.world.accept(counter.world.case(case.id))
    case = counter.world.answer(case)
    counter.world.call_back(called_back(case, satisfied=True))
    case = counter.world.case(case.id)
    assert case.state is CaseState.CLOSED
    return case


def test_a_case_that_went_its_way_has_no_findings(plaza: Counter) -> None:
    """Guards against false alarms: a breach, a rise of the level and a closing are all in order."""
    closed_case(plaza)
    for number in range(11):
        plaza.world.open(PLAZA, f"ct_{number}", problem="shared", unit=f"un_{number}")
    plaza.clock.advance(timedelta(days=1))
    plaza.world.tick()
    assert {case.level for case in plaza.world.cases.all()} == {"general", "major"}
    assert audit(plaza) == []


def _clock_without_end(document: Document) -> None:
    clock = next(row for row in document["deadlines"] if row["name"] == "close")
    clock |= {"state": "running", "ended_at": None}


def _late_and_on_time(document: Document) -> None:
    clock = next(row for row in document["deadlines"] if row["name"] == "close")
    clock["ended_at"] = clock["due_at"]


def _breach_lost(document: Document) -> None:
    clock = next(row for row in document["deadlines"] if row["name"] == "first_contact")
    assert clock["state"] == "met_late"
    clock["state"] = "met"
    clock["due_at"] = clock["ended_at"] + timedelta(hours=1)


def _entry_changed(document: Document) -> None:
    document["history"][0]["data"]["level"] = "general"
    document["history"][0]["actor"] = "somebody"


CLOSED_CASES = [
    pytest.param(lambda d: d.update(level="major"), "level", "ends with general", id="level"),
    pytest.param(lambda d: d.update(level="none"), "level", "none of the rulebook's", id="unknown level"),
    pytest.param(_clock_without_end, "clock", "close is running on a closed case", id="clock without end"),
    pytest.param(_late_and_on_time, "clock", "counts as on time", id="late and on time"),
    pytest.param(_breach_lost, "clock", "breached 0 times and told 1 times", id="breach lost"),
    pytest.param(_entry_changed, "history", "was changed after it was recorded", id="history"),
    pytest.param(
        lambda d: d.update(offers={"of_1": [3, True]}), "closed", "offer of_1 open", id="open offer"
    ),
    pytest.param(lambda d: d.update(closed_at=None), "closed", "at no time", id="closed at no time"),
    pytest.param(lambda d: d.pop("claim"), "readable", "KeyError", id="unreadable"),
    pytest.param(lambda d: d.update(regulation="gone:1"), "readable", "cannot be judged", id="no rulebook"),
]


@pytest.mark.parametrize(("meddling", "invariant", "words"), CLOSED_CASES)
def test_what_is_wrong_with_a_closed_case_is_found(
    plaza: Counter, meddling: Meddling, invariant: str, words: str
) -> None:
    """Guards that each thing broken behind the service's back is named, and under the invariant it breaks."""
    case = closed_case(plaza)
    meddle(plaza.world.cases.documents, case.id, meddling)
    found = audit(plaza, Subject.CASES)
    assert [(each[0], each[1]) for each in found if words in each[2]] == [(case.id, invariant)]


def test_a_closed_case_that_was_to_be_filed_is_found(plaza: Counter) -> None:
    """Guards the filing: a major case that closed without the board's is told of."""
    case = plaza.world.open(PLAZA, "ct_1", amount="60000.00")
    case = plaza.world.answer(plaza.world.accept(case))
    for unit in ("customer_relations", "board"):
        plaza.world.file(case, unit)
    plaza.world.call_back(called_back(plaza.world.case(case.id), satisfied=True))
    assert plaza.world.case(case.id).state is CaseState.CLOSED
    assert audit(plaza, Subject.CASES) == []
    meddle(plaza.world.cases.documents, case.id, lambda d: d.pop("filings"))
    assert (case.id, "closed", "closed before it was filed with board") in audit(plaza, Subject.CASES)


def test_a_case_closed_with_an_open_mandatory_step_is_found() -> None:
    """Guards the path: take one of the steps away, and the case should not have closed."""
    estate = Counter(FixedClock(beijing("2026-03-02 09:00")), org=PROPERTY)
    case = estate.world.answer(estate.world.accept(estate.world.open(PROPERTY)))
    estate.world.call_back(called_back(case, satisfied=True))
    assert estate.world.case(case.id).state is CaseState.CLOSED
    assert audit(estate, Subject.CASES) == []

    def without_report(document: Document) -> None:
        document["taken"] = [row for row in document["taken"] if row["step"] != "report_to_manager"]

    meddle(estate.world.cases.documents, case.id, without_report)
    assert audit(estate, Subject.CASES) == [
        (case.id, "closed", "closed with the step report_to_manager open")
    ]


def test_a_level_that_fell_is_found_from_the_history(plaza: Counter) -> None:
    """Guards that a level never falls: a fall that was even recorded is told of, and so is a rise from nowhere."""
    case = plaza.world.open(PLAZA, "ct_1", amount="60000.00")
    kept = plaza.world.case(case.id)
    since = kept.history.next_seq
    fell = {"case_id": case.id, "from": "major", "to": "general"}
    kept.record("case_level_changed", fell, at=plaza.clock.now(), cause=_cause())
    rose = {"case_id": case.id, "from": "important", "to": "major"}
    kept.record("case_level_changed", rose, at=plaza.clock.now(), cause=_cause())
    plaza.world.cases.save(kept, since_seq=since)
    assert [each[1:] for each in audit(plaza, Subject.CASES)] == [
        ("level", f"fell from major to general in entry {since}"),
        ("level", f"rose from important in entry {since + 1}, but was general"),
    ]


def test_a_level_that_somebody_lowered_by_authority_is_no_finding(plaza: Counter) -> None:
    """Guards the one way a level may fall from being told of as a fault."""
    case = plaza.world.open(PLAZA, "ct_1", amount="60000.00")
    plaza.world.do("set_level", case, level="general", reason="经核实金额有误")
    assert audit(plaza, Subject.CASES) == []


def test_a_clock_nobody_fired_is_found_after_a_while(plaza: Counter) -> None:
    """Guards the timer: a few minutes late is a busy moment, more is a timer that stands still."""
    case = plaza.world.open(PLAZA, "ct_1")
    plaza.at("2026-03-02 12:09")
    assert audit(plaza, Subject.CASES) == []
    plaza.at("2026-03-02 12:10")
    ((found, invariant, words),) = audit(plaza, Subject.CASES)
    assert (found, invariant) == (case.id, "clock")
    assert words == "first_contact was due at 2026-03-02T04:00:00.000Z and was never told to be late"
    plaza.world.tick()
    assert audit(plaza, Subject.CASES) == []


def test_a_due_instant_that_the_calendar_does_not_give_is_found(plaza: Counter) -> None:
    """Guards every deadline: reckoned once more from its start, length, pauses and calendar."""
    case = plaza.world.accept(plaza.world.open(PLAZA, "ct_1"))

    def moved(document: Document) -> None:
        clock = next(row for row in document["deadlines"] if row["name"] == "close")
        clock["due_at"] += timedelta(days=1)

    meddle(plaza.world.cases.documents, case.id, moved)
    ((_, invariant, words),) = audit(plaza, Subject.CASES)
    assert invariant == "clock"
    assert words == (
        "close is due at 2026-03-05T16:00:00.000Z by its calendar, and kept as 2026-03-06T16:00:00.000Z"
    )


def test_every_page_is_audited_once_and_the_last_one_says_so(plaza: Counter) -> None:
    """Guards the cursor: no case is missed between two pages, and none counted twice; others' are not seen."""
    ids = [plaza.world.open(PLAZA, f"ct_{number}", problem=f"p-{number}").id for number in range(5)]
    plaza.world.open(PROPERTY, "ct_other")
    for case_id in ids:
        meddle(plaza.world.cases.documents, case_id, lambda d: d.update(level="none"))
    seen: list[str] = []
    totals, after = [], None
    while True:
        answer = page(plaza, Subject.CASES, after=after, limit=2)
        seen += sorted({row["id"] for row in answer["findings"]})
        totals.append((answer["checked"], answer["total"]))
        after = answer["next_after"]
        if after is None:
            break
    assert seen == sorted(ids)
    assert totals == [(2, 5), (2, None), (1, None)]


def test_a_case_that_was_being_written_is_looked_at_again(plaza: Counter) -> None:
    """Guards against alarms that are gone a moment later: only what is still wrong is told."""
    case = plaza.world.open(PLAZA, "ct_1")
    documents, right = plaza.world.cases.documents, dict(plaza.world.cases.documents[case.id])
    meddle(documents, case.id, lambda d: d.update(level="none"))
    get = plaza.world.cases.get

    def put_right(case_id: str, org: str) -> Case | None:
        documents[case_id] = right
        return get(case_id, org)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plaza.world.cases, "get", put_right)
        assert audit(plaza, Subject.CASES) == []
