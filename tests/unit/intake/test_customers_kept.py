"""What finding customer files asks the database: conditions that an index answers, and one and the same term."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import patch

import pytest

from services.intake.customers_kept import CustomersKept
from services.intake.domain.files import terms
from services.intake.domain.files.blind import BlindIndex
from services.intake.schemas_files import ListCustomers
from shared.clock import FixedClock
from shared.ids import CountingIds
from tests.memory import PHONE_KEY, memory_runtime
from tests.unit.intake.fakes import beijing
from tests.unit.intake.files_world import file_room


class _Asked:
    """A collection that holds nothing and remembers the first condition of all it is asked."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    @property
    def last(self) -> Any:
        return self.asked[-1]

    def aggregate(self, steps: list[Any]) -> list[Any]:
        self.asked.append(steps[0]["$match"])
        return []


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> tuple[CustomersKept, _Asked]:
    runtime = memory_runtime(
        FixedClock(beijing("2024-05-06 09:00")), CountingIds(), settings=SimpleNamespace()
    )
    kept, collection = CustomersKept(runtime, BlindIndex([PHONE_KEY])), _Asked()
    monkeypatch.setattr(kept.store, "collection", cast("Any", collection))
    return kept, collection


def test_what_begins_with_a_text_is_asked_as_plain_bounds_first(asked: tuple[CustomersKept, _Asked]) -> None:
    """Promise: no search reads every file; the embedded database has an index for bounds, none for $elemMatch."""
    kept, collection = asked
    kept.search("plaza", "name", "wxm", whole=False, limit=50, skip=0)
    bounds = [
        {"$gte": f"plaza|{what}|wxm", "$lt": f"plaza|{what}|wxm\U0010ffff"} for what in ("~name", "name")
    ]
    assert collection.asked == [{"terms": each} for each in bounds]
    kept.tagged("plaza", (), ("updated", date(2024, 5, 5)), limit=50, skip=0)
    assert collection.last == {"terms": {"$gte": "plaza|=updated|", "$lt": "plaza|=updated|2024-05-05\0"}}


def test_the_first_of_several_tags_is_asked_by_itself(asked: tuple[CustomersKept, _Asked]) -> None:
    """Promise: an index narrows a list in several states; joined with $and the embedded database uses none."""
    kept, collection = asked
    tags = ("plaza|=class|vip", "plaza|=lifecycle|existing")
    kept.tagged("plaza", tags, ("updated", date(2024, 5, 5)), limit=50, skip=0)
    assert collection.last == {"terms": "plaza|=class|vip"}


def test_bounds_hold_for_one_and_the_same_term() -> None:
    """Promise: a file with one term above and another below what is searched is not found; pages hold their size."""
    runtime = memory_runtime(
        FixedClock(beijing("2024-05-06 09:00")), CountingIds(), settings=SimpleNamespace()
    )
    kept = CustomersKept(runtime, BlindIndex([PHONE_KEY]))
    rows: list[Any] = [
        {"_id": "cu_1", "terms": ["plaza|name|a", "plaza|name|z"]},
        *({"_id": f"cu_{number}", "terms": [f"plaza|name|m{number}"]} for number in range(2, 5)),
    ]
    kept.store.collection.insert_many(rows)
    bounds = {"$gte": "plaza|name|m", "$lt": "plaza|name|m\U0010ffff"}
    found = kept.store.find_within({"terms": bounds}, {"terms": {"$elemMatch": bounds}}, limit=2, skip=1)
    assert [row["_id"] for row in found] == ["cu_3", "cu_4"]


@pytest.fixture
def crowd() -> CustomersKept:
    """Two thousand files, most of them of people called Wang."""
    runtime = memory_runtime(
        FixedClock(beijing("2024-05-06 09:00")), CountingIds(), settings=SimpleNamespace()
    )
    kept = CustomersKept(runtime, BlindIndex([PHONE_KEY]))
    names = ("王", "王小明", "王晓梅", "李四")
    rows: list[Any] = [
        {"_id": each, "kind": "person", "name": name, "phone": None, "unit": None}
        | {"terms": terms.searched(each, "plaza", name, None, [])}
        for number in range(2000)
        for each, name in ((f"cu_{number}", names[number % len(names)]),)
    ]
    kept.store.collection.insert_many(rows)
    return kept


def _search(kept: CustomersKept, text: str, skip: int, limit: int = 50) -> list[str]:
    return [row.id for row in kept.search("plaza", "name", text, whole=False, limit=limit, skip=skip)]


def test_pages_of_a_search_hold_everybody_once_and_who_is_called_just_that_first(
    crowd: CustomersKept,
) -> None:
    """Promise: however the pages are cut, nobody is missed or shown twice, and the order is the same."""
    pages = [_search(crowd, "王", skip) for skip in range(0, 1600, 50)]
    found = [each for page in pages for each in page]
    assert len(found) == len(set(found)) == 1500
    assert {int(each.removeprefix("cu_")) % 4 for each in found[:500]} == {0}
    assert _search(crowd, "王", 0, 2000) == found
    assert [len(_search(crowd, text, 0, 2000)) for text in ("w", "wxm", "wangx", "王晓", "li", "x")] == [
        *(1500, 1000, 1000, 500, 500, 0)
    ]


def test_a_page_is_found_without_reading_everybody_it_could_be_of(crowd: CustomersKept) -> None:
    """Promise: what a search reads is bound by the page, and not by how many share a name."""
    real, read = crowd.store.find_within, []

    def counted(*arguments: Any, **more: Any) -> list[dict[str, Any]]:
        rows = real(*arguments, **more)
        read.extend(rows)
        return rows

    with patch.object(crowd.store, "find_within", counted):
        page = _search(crowd, "w", 0)
    assert len(page) == 50
    assert len(read) < 500


def test_a_row_read_by_itself_says_what_the_whole_file_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Promise: lists read a fraction of a file, never its history, and show the same; older files are shown too."""
    room = file_room(tmp_path, "auto-dealer")
    customer = room.register("王小明", values={"plate": ["沪A12345"]}, lifecycle="potential")
    kept = room.app.files.read._kept
    read: list[dict[str, Any]] = []
    whole, within = kept.store.find_many, kept.store.find_within

    def spied(how: Callable[..., list[dict[str, Any]]]) -> Callable[..., list[dict[str, Any]]]:
        def find(*arguments: Any, **more: Any) -> list[dict[str, Any]]:
            rows = how(*arguments, **more)
            read.extend(rows)
            return rows

        return find

    monkeypatch.setattr(kept.store, "find_many", spied(whole))
    monkeypatch.setattr(kept.store, "find_within", spied(within))
    file = room.app.files.read.file("made-up", customer, actor="u-1", full=True)
    found = room.app.files.read.search("made-up", "name", "wxm", limit=50, skip=0, full=True)
    listed = room.app.files.read.page("made-up", ListCustomers().load({"lifecycle": "potential"}), full=True)
    everybody = room.app.files.read.page("made-up", ListCustomers().load({}), full=True)
    assert found == listed == everybody == [{key: file[key] for key in found[0]}]
    assert len(read) == 3
    assert {key for row in read for key in row}.isdisjoint({"history", "processed", "answers", "fields"})
    kept.store.collection.update_many(
        {}, {"$unset": dict.fromkeys(("days", "origins", "lacking", "phase"), "")}
    )
    (old,) = room.app.files.read.search("made-up", "plate", "沪A1", limit=50, skip=0, full=False)
    assert (old["customer_id"], old["origins"], old["updated_on"], old["masked"]) == (
        customer,
        [],
        None,
        True,
    )
