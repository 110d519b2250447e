"""What intake says of its own collections: none is left out, and no text in them is of an unknown kind."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from services.intake import application
from services.intake.domain.privacy.erasing import Traces
from services.intake.domain.privacy.holdings import HOLDINGS, Holding, Reach
from services.intake.erasing_kept import Holders
from services.intake.rulebook_privacy import CATALOGUED
from shared.aggregate import Aggregate
from shared.clock import FixedClock
from shared.forgetting import ERASED
from shared.ids import CountingIds
from shared.mongo.documents import Documents
from shared.mongo.kept import Kept
from shared.mongo.store import AggregateStore
from tests.memory import memory_runtime
from tests.unit.intake.fakes import ORGANISATIONS, beijing
from tests.unit.intake.test_erasing_everywhere import Office

NAME, PHONE = "测试甲", "13800000001"


@pytest.fixture
def stores(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Return every collection of aggregates that the service opens at its start."""
    opened: set[str] = set()
    real = AggregateStore.__init__

    def noting(self: AggregateStore, database: Any, kind: str, **means: Any) -> None:
        opened.add(kind)
        real(self, database, kind, **means)

    monkeypatch.setattr(AggregateStore, "__init__", noting)
    clock = FixedClock(beijing("2026-03-02 09:00"))
    settings = SimpleNamespace(organisations_dir=ORGANISATIONS)
    application.build(memory_runtime(clock, CountingIds(), settings=settings))
    return opened


def test_of_every_collection_somebody_said_what_is_personal(stores: set[str]) -> None:
    """Guards erasure against the collection that is added later: whoever adds one says what it holds."""
    assert len(stores) > 20
    assert stores == HOLDINGS.keys()


def test_an_erasure_can_reach_every_collection_that_holds_something_personal(tmp_path: Path) -> None:
    """Guards the wiring: what is to be searched when a customer is erased is handed to the eraser."""
    holders = Office(tmp_path, "logistics").service.app.eraser._elsewhere._holders
    reached = {name for name, holding in HOLDINGS.items() if holding.reach is not Reach.NONE}
    # The repository keeps contacts and rejected events, and erases them itself.
    assert reached - holders._shelves.keys() == {"contacts", "rejected_events"}


@pytest.mark.parametrize("name", HOLDINGS)
def test_of_every_text_somebody_said_whether_it_is_personal(name: str) -> None:
    """Guards erasure against the field that is added later, however deep."""
    holding = HOLDINGS[name]
    assert holding.unsaid() == []
    if holding.catalogued:
        assert holding.kind in CATALOGUED.values()


@pytest.mark.parametrize("name", HOLDINGS)
def test_what_is_said_to_be_personal_is_there(name: str) -> None:
    """Guards against a path that was renamed: what is personal would be left where it is."""
    holding = HOLDINGS[name]
    known = Documents(holding.kind)._types
    assert all(path.partition(".")[0] in known for path in (*holding.personal, *holding.plain))
    assert (holding.reach is Reach.NONE) == (not holding.personal and not holding.catalogued)


@dataclass(frozen=True, slots=True)
class Line:
    what: str
    at: datetime


@dataclass(kw_only=True)
class Notebook(Aggregate):
    title: str
    lines: list[Line] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)


def test_a_text_nobody_said_anything_of_is_named() -> None:
    """Guards the guard: a new field, a field of a row and a field of any type are all noticed."""
    said = Holding("notebook", Notebook, Reach.WHOLE, personal=("facts",), plain=("title",))
    assert said.unsaid() == ["lines.what"]
    assert Holding("notebook", Notebook, Reach.NONE).unsaid() == ["title", "lines.what", "facts"]


def test_a_service_with_a_collection_nobody_said_anything_of_does_not_start() -> None:
    """Guards production: the mistake shows at the start and not when somebody asks to be erased."""
    clock = FixedClock(beijing("2026-03-02 09:00"))
    runtime = memory_runtime(clock, CountingIds())
    documents = Documents(Notebook)
    with pytest.raises(ValueError, match="notebooks"):
        Holders([Kept(runtime, "notebooks", documents.to, documents.of)])


@pytest.mark.parametrize(
    "written",
    [
        "13800000001",
        "138 0000 0001",
        "138-0000-0001",
        "+86 13800000001",
        "+86-138.0000.0001",
        "１３８０００００００１",
    ],
)
def test_a_number_is_taken_out_however_it_is_written(written: str) -> None:
    """Guards the log: spaces, hyphens, a country code and wide digits hide nothing."""
    traces = Traces(PHONE, NAME, "A-1234")
    assert traces.blanked(f"来电{written}。") == f"来电{ERASED}。"
    assert traces.blanked("来电13800000002。") == "来电13800000002。"


def test_a_name_alone_may_be_somebody_elses() -> None:
    """Guards other people's words: a name counts beside the number or the unit, or where the unit is spoken of."""
    traces = Traces(PHONE, NAME, "A-1234")
    assert traces.blanked(f"{NAME}来过") == f"{NAME}来过"
    assert traces.blanked(f"a-1234的{NAME}来过") == f"a-1234的{ERASED}来过"
    assert traces.blanked(f"{NAME}来过", at_home=True) == f"{ERASED}来过"
    assert traces.blanked(f"{NAME}，{PHONE}") == f"{ERASED},{ERASED}"


def test_of_a_list_only_the_customers_own_row_loses_its_words(tmp_path: Path) -> None:
    """Guards the others in one form, one round of grading or one list: their words stay."""
    office = Office(tmp_path, "commercial-plaza")
    first = office.contact(kind="person", name=NAME, phone=PHONE)["customer_id"]
    other = office.contact(kind="person", name="测试乙", phone="13800000002")["customer_id"]
    dimensions = ("asset_scale", "business_scale", "brand_strength", "cooperation")

    def card(customer: str, words: str) -> dict[str, Any]:
        marks = [{"dimension": each, "points": 5, "evidence": words} for each in dimensions]
        return {"subject": customer, "marks": marks}

    cards = [card(first, "甲的合同"), card(other, "乙的合同")]
    office.ask("propose_grading", period="2025-01", cards=cards)
    leads = [{"id": each, "channel": "wechat", "screened": "pass"} for each in (first, other)]
    allocation = office.ask("open_allocation", kind="lead", subjects=leads)["allocation_id"]
    office.ask("allocate", id=allocation, staff=[{"staff": "u-1"}])
    for each, note in ((first, "甲说了很多的话" * 5), (other, "乙说了很多的话" * 5)):
        office.ask("record_first_contact", id=allocation, subject=each, note=note)
    office.erase(first)
    assert (office.where("甲的合同"), office.where("甲说了")) == (set(), set())
    assert office.where("乙的合同") == {"gradings"}
    assert office.where("乙说了") == {"allocations"}
    assert office.whole()


def test_rows_of_a_form_about_others_stay(tmp_path: Path) -> None:
    """Guards a form with a row for each customer: one of them is erased, the others are still there."""
    row = {"name": "行", "type": "list", "required": True, "source": "organisation"}
    columns = {
        "customer": {"name": "客户", "type": "party", "required": True, "source": "organisation"},
        "said": {"name": "说", "type": "text", "source": "organisation"},
        "paid": {"name": "付", "type": "amount", "source": "organisation"},
    }
    texts = {"said": {"name": "摘要", "type": "text", "source": "organisation"}}
    form = {
        "name": "来访登记",
        "source": "organisation",
        "fields": {"rows": {**row, "fields": columns}, **texts},
        "open": [{"role": "staff"}],
    }
    office = Office(tmp_path, "logistics", registers={"callers": form})
    first = office.contact(kind="person", name=NAME, phone=PHONE)["customer_id"]
    other = office.contact(kind="person", name="测试乙", phone="13800000002")["customer_id"]
    rows = [
        {"customer": first, "said": "甲的话", "paid": "10.00"},
        {"customer": other, "said": "乙的话", "paid": "20.00"},
    ]
    office.ask("open_record", register="callers", values={"rows": rows, "said": "都来过"})
    office.erase(first)
    (record,) = office.documents()["records"]
    assert record["values"] == {
        "rows": [
            {"customer": first, "said": ERASED, "paid": "10.00"},
            {"customer": other, "said": "乙的话", "paid": "20.00"},
        ],
        "said": "都来过",
    }
    assert "甲的话" not in repr(record)
    assert "rows.said=乙的话" in record["tokens"]
