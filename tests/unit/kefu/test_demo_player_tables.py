"""The tables at the end of a demo day, and how progress is told."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from kefu.demo.expectations import Figure
from kefu.demo.figures import Shown, gather
from kefu.demo.progress import Bars, Lines, teller_for
from kefu.demo.stack import Place
from kefu.demo.tables import (
    WIDTH,
    all_tables,
    callbacks_table,
    cases_table,
    clocks_table,
    figures_table,
    places_table,
    rejected_table,
)

ORGS = ("plaza-demo", "property-demo", "retail-demo", "shop-demo", "it-demo")
NAMES = dict.fromkeys(ORGS, "蓝砚信息技术服务（演示）")
STATISTICS = {
    "contacts": {"total": 98},
    "rejected_events": 3,
    "cases": dict.fromkeys(
        ("received", "valid", "refused", "undecided", "open", "replied", "closed", "overdue", "late", "reopened",
         "escalated"), 1234,
    ),
    "callbacks": dict.fromkeys(("scheduled", "made", "satisfied", "overdue"), 0),
}  # fmt: skip


def case(
    level: str, state: str, *, due_at: str = "2026-11-24T16:00:00.000Z", overdue: bool = False
) -> dict[str, Any]:
    half = {"percent": 50, "before": None, "at": None, "passed": True}
    first, close = (
        {"name": "first_contact", "due_at": "2026-11-20T00:00:00.000Z", "state": "met", "provisional": False},
        {"name": "close", "due_at": due_at, "state": "running", "provisional": True},
    )
    late = {**first, "name": "reply", "state": "breached", "warnings": [half]}
    clocks = [{**first, "warnings": []}, {**close, "warnings": [half]}, late]
    return {"level": level, "state": state, "overdue": overdue, "deadlines": clocks}


def callback(number: int, due_at: str | None, *, overdue: bool = False) -> dict[str, Any]:
    return {
        "case_number": f"PLZ-20261123-{number:05}",
        "round": 1,
        "replied_at": "2026-11-23T01:00:00.000Z",
        "due_at": due_at,
        "overdue": overdue,
        "due_source": "organisation" if due_at else None,
    }


def rejection(event_id: str | None, reason: str) -> dict[str, Any]:
    return {
        "event_id": event_id,
        "publisher": "property-fees",
        "reasons": [{"field": "data.text", "reason": reason}],
    }


def kpi(**fields: Any) -> dict[str, Any]:
    usual = {
        "name": "有效投诉处理及时率", "numerator": "1000", "denominator": "1234", "value": "81.0",
        "unit": "percent", "target": "100",
        "comparison": "at_least", "met": False, "source": "B-JKC-18",
    }  # fmt: skip
    return usual | fields


@pytest.fixture
def shown() -> Shown:
    day = Shown("2026-11")
    for org in ORGS:
        day.contacts[org] = {"complaint": 1234, "need": 12}
        day.cases[org] = [
            case("general", "received"),
            case("important", "closed", due_at="2026-11-23T16:00:00.000Z", overdue=True),
        ]
        day.callbacks[org] = [callback(n, "2026-11-25T16:00:00.000Z") for n in range(4)]
        day.rejected[org] = [rejection("d1123012905-f016", "must be an amount in yuan written as text " * 4)]
        day.statistics[org] = STATISTICS
        day.kpis[org] = [
            kpi(),
            kpi(value=None, numerator="0", denominator="0", met=None),
            kpi(value=None, met=None, target=None),
        ]
    day.rejected["-"] = [rejection("[red]x[/red]", "is [bold] wrong"), rejection(None, "is missing")]
    return day


def render(*what: Any, terminal: bool = False) -> str:
    stream = io.StringIO()
    console = Console(file=stream, width=WIDTH, force_terminal=terminal, highlight=False)
    for each in what:
        console.print(each)
    return stream.getvalue()


def test_clocks_that_warned_and_clocks_that_are_late_are_told_apart(shown: Shown) -> None:
    """A clock late before anybody looked never warned; whoever reads the table must not think it did."""
    lines = render(clocks_table(shown)).splitlines()
    close = next(line.split() for line in lines if line.strip().startswith("close"))
    reply = next(line.split() for line in lines if line.strip().startswith("reply"))
    assert close == ["close", "2", "2", "·", "·", "·", "·", "·"]
    assert reply == ["reply", "·", "·", "2", "·", "·", "·", "·"]


def test_every_table_fits_a_hundred_columns(shown: Shown) -> None:
    """Chinese characters are two columns wide; no number, state or rule is cut off."""
    text = render(*all_tables(shown, NAMES))
    assert max(cell_len(line) for line in text.splitlines()) <= WIDTH
    assert "…" not in text
    for needed in (
        "received",
        "overdue",
        "PLZ-20261123-00002",
        "有效投诉处理及时率",
        "B-JKC-18",
        "property-demo",
    ):
        assert needed in text


def test_columns_stand_below_each_other_whatever_the_script(shown: Shown) -> None:
    """A table whose Chinese rows are shifted cannot be read."""
    for table in all_tables(shown, NAMES):
        widths = {cell_len(line) for line in render(table).splitlines()[1:] if line.strip()}
        assert len(widths) == 1


def test_counts_are_added_up(shown: Shown) -> None:
    """The last row and the last column hold the sums."""
    last = [line for line in render(next(all_tables(shown, NAMES))).splitlines() if "合计" in line][-1]
    assert last.split()[-2:] == ["6170", "6230"]


def test_the_next_deadline_is_the_earliest_still_running(shown: Shown) -> None:
    """Met ones are past, and a provisional date is marked; times are those of the organisations."""
    text = render(*all_tables(shown, NAMES))
    assert "11-25 00:00? close" in text
    assert "11-24 00:00? close" in text
    assert "first_contact" not in render(cases_table(shown))


def test_callbacks_stand_in_the_order_they_are_due() -> None:
    """Those without a time come last, and what the table leaves out is counted."""
    day = Shown("2026-11")
    day.callbacks["retail-demo"] = [callback(n, None) for n in range(20)]
    day.callbacks["plaza-demo"] = [
        callback(98, "2026-11-26T16:00:00.000Z"),
        callback(99, "2026-11-22T16:00:00.000Z", overdue=True),
    ]
    lines = render(callbacks_table(day)).splitlines()
    numbers = [line.split()[1] for line in lines if "PLZ-" in line]
    assert numbers[:2] == ["PLZ-20261123-00099", "PLZ-20261123-00098"]
    assert "overdue" in next(line for line in lines if "00099" in line)
    assert "no time given" in next(line for line in lines if "00001" in line)
    assert any(line.startswith("and 7 more") for line in lines)


def test_text_from_outside_is_shown_as_it_is(shown: Shown) -> None:
    """An event's id may look like markup; it must neither vanish nor paint the table."""
    text = render(rejected_table(shown), terminal=True)
    assert "[red]x[/red]" in text
    assert "[bold] wrong" in text


def test_a_number_that_differs_stands_out() -> None:
    """Nobody has to compare twelve numbers by eye."""
    text = render(figures_table([Figure("contacts", 356, 356), Figure("dead letters", 4, 3)]))
    assert [line.split()[-1] for line in text.splitlines() if "contacts" in line] == ["="]
    assert [line.split()[-1] for line in text.splitlines() if "dead" in line] == ["DIFFERS"]


def test_long_paths_are_folded_and_not_cut() -> None:
    """A log's path is there to be copied."""
    path = "/somewhere/" + "very-long-directory/" * 6 + "intake.log"
    text = render(places_table([Place("intake", "http://127.0.0.1:20000/metrics", path)]))
    assert max(cell_len(line) for line in text.splitlines()) <= WIDTH
    assert "".join(text.split()).count("intake.log") == 1


def test_progress_is_told_in_lines_where_nobody_watches() -> None:
    """A log gets one line a phase, without a single control character."""
    stream = io.StringIO()
    with teller_for(Console(file=stream, width=WIDTH)) as teller:
        assert isinstance(teller, Lines)
        teller.begin("contacts registered", 3)
        for done in (1, 2, 3):
            teller.advance(done)
        teller.end()
    (line,) = stream.getvalue().splitlines()
    assert line.startswith("contacts registered: 3 of 3 (")
    assert line.isprintable()


def test_progress_is_drawn_on_a_terminal() -> None:
    """People see a bar that moves."""
    stream = io.StringIO()
    with teller_for(Console(file=stream, width=WIDTH, force_terminal=True)) as teller:
        assert isinstance(teller, Bars)
        teller.begin("contacts registered", 3)
        teller.advance(3)
        teller.end()
    assert "contacts registered" in stream.getvalue()
    assert "3/3" in stream.getvalue()


def test_lists_are_gathered_to_the_last_page() -> None:
    """A table that silently stops at the first page would be wrong on a busy day."""
    cases = [{"case_id": f"cs_{n}"} for n in range(450)]

    class Office:
        def ask(self, org: str, method: str, **arguments: Any) -> Any:
            if method == "complaints.list_cases":
                return cases[arguments["skip"] : arguments["skip"] + arguments["limit"]]
            return {"kpis": []} if method in {"reporting.kpis", "reporting.month_statistics"} else []

    office: Any = Office()
    assert gather(office, ("plaza-demo",), "2026-11").cases["plaza-demo"] == cases
