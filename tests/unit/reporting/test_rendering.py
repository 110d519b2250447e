"""Report documents as files: what opens them finds what the document says, and nothing it does not."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pypdfium2
import pytest
from fontTools.ttLib import TTFont
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from services.reporting.domain.documents.content import Column, Document, Kind, Table, Value, Words
from services.reporting.rendering import Format, render
from services.reporting.rendering.aside import MOST_VALUES, render_aside
from services.reporting.rendering.fonts import font_file
from shared.errors import ValidationFailed
from tests.unit.reporting.sample_document import FORMULA, sample


def _book(document: Document, language: str = "zh") -> Workbook:
    return load_workbook(io.BytesIO(render(document, Format.XLSX, language)))


def _local(*parts: int) -> datetime:
    """Return an instant as workbooks hold it: without a zone."""
    return datetime(*parts, tzinfo=UTC).replace(tzinfo=None)  # type: ignore[misc,arg-type]  # no microseconds


def _rows(document: Document) -> list[list[str]]:
    text = render(document, Format.CSV).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text)))


def _pages(document: Document, language: str = "zh") -> list[str]:
    pdf = pypdfium2.PdfDocument(render(document, Format.PDF, language))
    return [page.get_textpage().get_text_range() for page in pdf]


class _Page(HTMLParser):
    """What a browser would show and load."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.text: list[str] = []
        self.tags: list[str] = []
        self.loaded: list[str] = []
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.loaded += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        self.text.append(data.strip())


@pytest.mark.parametrize("wanted", Format)
def test_the_same_document_is_the_same_file_to_the_byte(wanted: Format) -> None:
    """Promise: a file asked for twice is the same, so that what was approved can be compared."""
    assert render(sample(), wanted) == render(sample(), wanted)


def test_a_workbook_holds_numbers_as_numbers_and_instants_in_the_zone_of_the_document() -> None:
    """Promise: a department head can go on counting with it; every table has a sheet."""
    book = _book(sample())
    assert book.sheetnames == ["封面", "明细", "空表"]
    row = [cell.value for cell in book["明细"][2]]
    assert row[1:5] == [1200, 55.6, 1234.5, _local(2026, 10, 1)]
    assert row[5] == _local(2026, 10, 1, 11, 4)
    assert book["明细"]["C3"].value == "无数据"
    assert book["空表"]["A2"].value == "本期无记录"
    assert book["明细"].freeze_panes == "A2"


def test_text_is_never_a_formula() -> None:
    """Promise: what somebody wrote as a name runs in no spreadsheet, and the number below nought stays one."""
    cell = _book(sample())["明细"]["A2"]
    assert (cell.value, cell.data_type, cell.quotePrefix) == (FORMULA, "s", True)
    rows = _rows(sample())
    assert [f"'{FORMULA}", "1200", "55.6", "1234.50", "2026-10-01", "2026-10-01 11:04"] in rows
    assert "-3.00" in next(row for row in rows if row and row[0].startswith("噪音"))


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
def test_no_text_breaks_a_file_or_becomes_a_formula(text: str) -> None:
    """Promise: whatever a name holds, the files open, and no cell begins like a formula."""
    table = Table(Words("表"), (Column("a", Words("甲")),), ((text,),))
    document = replace(sample(), blocks=(table,))
    cells = [cell for row in _rows(document) for cell in row]
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in cells)
    cell = _book(document)["表"]["A2"]
    assert cell.data_type in ("s", "n", "inlineStr")
    assert cell.data_type != "n" or cell.value is None


def test_a_page_escapes_what_it_is_told_and_loads_nothing() -> None:
    """Promise: the file shows the same without a network, and nothing in it is taken for markup."""
    page = _Page(render(sample(), Format.HTML))
    assert "本月受理 <123> 起。\n其中有效 100 起。" in page.text
    assert "123" not in page.tags
    assert "script" not in page.tags
    assert page.loaded
    assert all(each.startswith("data:image/svg+xml;base64,") for each in page.loaded)
    assert {"97.3%", "无数据", "1,200", "本期无记录"} <= {text for text in page.text if text}
    assert any("暂计" in text for text in page.text)


def test_chinese_in_a_pdf_can_be_read_copied_and_searched() -> None:
    """Promise: titles, tables and notes are text in the file, none of it a box, on pages with a number."""
    text = "".join(_pages(sample()))
    for wanted in ("投诉统计表", "处理及时率", "97.3%", "无数据", "本期无记录", "金额单位：元", "暂计"):
        assert wanted in text
    assert "\ufffd" not in text
    english = "".join(_pages(sample(), "en"))
    assert "Complaint statistics" in english
    assert "no cases" in english


def test_every_letter_the_files_use_of_themselves_is_in_the_font() -> None:
    """Promise: no label is shown as an empty box."""
    letters = TTFont(font_file()).getBestCmap()
    text = "".join(_pages(sample())) + "≥≤<>—·‰％（）"
    missing = {
        letter
        for letter in text
        if ord(letter) not in letters and not letter.isspace() and letter.isprintable()
    }
    assert missing == set()


def test_a_long_table_goes_on_over_pages_with_its_head_on_each() -> None:
    """Promise: nothing of a table is cut off, and every page says what its columns are."""
    columns = (Column("n", Words("序号"), Kind.COUNT), Column("what", Words("事项")))
    table = Table(Words("长表"), columns, tuple((number, f"事项{number}") for number in range(1, 121)))
    pages = _pages(replace(sample(), blocks=(table,)))
    assert len(pages) > 2
    assert all("序号" in page for page in pages)
    assert "事项120" in pages[-1]


def test_a_document_drawn_aside_is_the_same_and_one_too_large_is_refused() -> None:
    """Promise: a service draws without standing still, and no request can make it fill the memory."""
    assert render_aside(sample(), Format.PDF) == render(sample(), Format.PDF)
    row: tuple[Value, ...] = (1,) * 1000
    columns = tuple(Column(f"c{number}", Words("列"), Kind.COUNT) for number in range(1000))
    large = Table(Words("大表"), columns, (row,) * (MOST_VALUES // 1000 + 1))
    with pytest.raises(ValidationFailed):
        render_aside(replace(sample(), blocks=(large,)), Format.CSV)


_VALUES: dict[Kind, st.SearchStrategy[Value]] = {
    Kind.TEXT: st.text(max_size=10),
    Kind.COUNT: st.integers(-10, 10**12),
    Kind.DATE: st.dates(),
    Kind.MOMENT: st.integers(0, 4 * 10**12).map(
        lambda milliseconds: datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=milliseconds)
    ),
}
_NUMBERS = st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**9), max_value=10**9)


@given(st.data())
def test_a_document_is_the_same_after_it_was_kept(data: st.DataObject) -> None:
    """Promise: the version that was published is read again as it was, every value of its own type."""
    kinds = data.draw(st.lists(st.sampled_from(Kind), min_size=1, max_size=4))
    row = st.tuples(*(st.none() | _VALUES.get(kind, _NUMBERS) for kind in kinds))
    columns = tuple(Column(f"c{place}", Words("列"), kind) for place, kind in enumerate(kinds))
    table = Table(
        Words("表"), columns, tuple(data.draw(st.lists(row, max_size=4))), data.draw(st.none() | row)
    )
    document = replace(sample(), blocks=(*sample().blocks, table))
    assert Document.of(json.loads(json.dumps(document.as_data()))) == document


def test_a_row_that_does_not_fit_its_columns_is_refused() -> None:
    """Promise: a table never shifts a value into another column."""
    with pytest.raises(ValueError, match="row 1 of 表"):
        Table(Words("表"), (Column("a", Words("甲")),), ((1, 2),))
