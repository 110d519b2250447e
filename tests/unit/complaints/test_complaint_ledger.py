"""The complaint ledger: every case with its row, page by page, by period, source, level, state and problem."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.complaints.domain.receiving.register import Wanted
from services.complaints.receiving_documents import LEDGER_KEYS, ledger_query, ledger_row
from services.complaints.repository import case_of
from shared.errors import NotFound
from tests.unit.complaints.fakes import PLAZA, PROPERTY, RETAIL, beijing, routed
from tests.unit.complaints.receiving_world import Reception


def pages(reception: Reception, **wanted: Any) -> list[str]:
    """Return the ids of all rows, read page by page."""
    found: list[str] = []
    after: str | None = None
    while True:
        page = reception.ledger(after=after, **wanted) if after else reception.ledger(**wanted)
        found += [row["case_id"] for row in page["rows"]]
        after = page["next"]
        if after is None:
            return found


@pytest.mark.rule("B-JKC-16")
def test_every_complaint_has_a_row_with_all_that_the_ledger_asks_for() -> None:
    """From receipt to closing, linked to its case; also what was found not to stand."""
    plaza = Reception(PLAZA)
    case = plaza.open(customer="cu_1", channel="audit", demand="damages", amount="200.00")
    plaza.do("decide_validity", case, valid=False, ground="elsewhere", reason="与商场无关")
    plaza.world.at("2026-03-02 10:00")
    plaza.do("reply", case, text="已说明")

    (row,) = plaza.ledger()["rows"]

    assert row == {
        "case_id": case.id,
        "number": "NO-ct_1",
        "contact_id": "ct_1",
        "customer_id": "cu_1",
        "channel": "audit",
        "source": "audit",
        "taken_by": None,
        "problem": "lift-stuck",
        "level": "general",
        "complainant_type": None,
        "demand": "damages",
        "valid": False,
        "ground": "elsewhere",
        "rounds": 1,
        "repeats": 0,
        "escalations": 0,
        "handler": "stf_desk",
        "state": "closed",
        "received_at": "2026-03-02T01:00:00.000Z",
        "opened_at": "2026-03-02T01:00:00.000Z",
        "first_response_at": "2026-03-02T02:00:00.000Z",
        "replied_at": "2026-03-02T02:00:00.000Z",
        "closed_at": "2026-03-02T02:00:00.000Z",
        "on_time": True,
        "overdue": [],
    }
    assert plaza.world.look.case(PLAZA, row["case_id"])["number"] == row["number"]


def test_the_ledger_is_asked_by_period_source_level_state_and_problem() -> None:
    """Each by itself and all together; a period takes its beginning and leaves its end."""
    plaza = Reception(PLAZA)
    noon = beijing("2026-03-02 12:00")
    small = plaza.open("ct_1", received_at=beijing("2026-03-02 11:00"))
    large = plaza.open("ct_2", received_at=noon, amount="60000.00", problem="ceiling", channel="audit")
    assert pages(plaza, received_from=noon.isoformat()) == [large.id]
    assert pages(plaza, received_before=noon.isoformat()) == [small.id]
    assert pages(plaza, source="audit") == pages(plaza, level="major") == [large.id]
    assert pages(plaza, problem="lift-stuck") == [small.id]
    plaza.do("decide_validity", small, valid=False, reason="与商场无关")
    assert pages(plaza, state="refused") == [small.id]
    assert pages(plaza, state="open") == [large.id, small.id]
    assert pages(plaza, state="open", level="major", source="phone") == []


def test_a_case_of_before_there_were_sources_came_from_its_channel() -> None:
    """What older processes wrote is read as it was meant, by its id and in the ledger."""
    plaza = Reception(PLAZA)
    document = dict(plaza.cases.documents[plaza.open(channel="wechat").id])
    del document["source"]
    case, row = case_of(document), ledger_row(document)
    assert (case.source, case.escalations, case.opinion, case.card, case.recount) == (
        "wechat",
        0,
        None,
        {},
        False,
    )
    assert (row.source, row.escalations) == ("wechat", 0)


def test_an_organisation_sees_its_own_ledger_and_no_other() -> None:
    """Neither rows of others nor where their pages end."""
    plaza = Reception(PLAZA)
    case = plaza.open()
    plaza.world.take(routed(PROPERTY, "ct_x"))
    assert pages(plaza) == [case.id]
    with pytest.raises(NotFound):
        plaza.ledger(after=plaza.world.case_of("ct_x", PROPERTY).id)


@settings(max_examples=40, deadline=None)
@given(
    minutes=st.lists(st.integers(0, 5), min_size=0, max_size=14),
    limit=st.integers(1, 5),
)
def test_page_by_page_every_case_comes_exactly_once_the_newest_first(minutes: list[int], limit: int) -> None:
    """Also where many complaints come in at the same instant."""
    chain = Reception(RETAIL)
    start = beijing("2026-03-02 09:00")
    for number, minute in enumerate(minutes):
        chain.open(f"ct_{number}", received_at=start + timedelta(minutes=minute))
    found = pages(chain, limit=limit)
    assert sorted(found) == sorted(case.id for case in chain.cases.all())
    moments = [chain.world.case(case_id).received_at for case_id in found]
    assert moments == sorted(moments, reverse=True)


@pytest.mark.parametrize(
    "wanted", [{}, {"source": "a"}, {"level": "a"}, {"state": "closed"}, {"problem": "a"}]
)
def test_every_question_goes_along_an_index_in_the_order_of_the_page(wanted: dict[str, Any]) -> None:
    """At 300,000 cases a page costs what it holds: equal fields first, then the order, nothing left to sort."""
    after = (datetime.fromisoformat("2026-03-02T00:00:00+00:00"), "cs_1")
    query = ledger_query("o", Wanted(after=after, **wanted))
    equal = {name for name, value in query.items() if isinstance(value, str)}
    order = [("received_at", -1), ("_id", -1)]
    assert [keys for keys in LEDGER_KEYS if {name for name, _ in keys[:-2]} == equal and keys[-2:] == order]
    assert query["received_at"] == {"$lt": after[0] + timedelta(milliseconds=1)}
