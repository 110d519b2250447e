"""Documents as workbooks: a cover with figures and charts, and a sheet for every table."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from openpyxl import Workbook
from openpyxl.cell import Cell, MergedCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.drawing.image import Image
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from services.reporting.domain.documents.content import (
    Chart,
    Document,
    Heading,
    KeyFigures,
    Kind,
    Paragraph,
    Table,
    Value,
)
from services.reporting.rendering import wording
from services.reporting.rendering.charts import to_png

_FORMATS = {
    Kind.COUNT: "#,##0",
    Kind.NUMBER: "General",
    Kind.PERCENT: '0.0"%"',
    Kind.MONEY: "#,##0.00",
    Kind.MINUTES: "#,##0.0",
    Kind.DATE: "yyyy-mm-dd",
    Kind.MOMENT: "yyyy-mm-dd hh:mm",
}
_BOLD, _TITLE = Font(bold=True), Font(bold=True, size=16)
_HEAD = PatternFill("solid", fgColor="F4F6F8")
_FORBIDDEN = re.compile(r"[\[\]:*?/\\]")
_LONGEST_NAME, _WIDEST, _NARROWEST = 31, 60, 8
#: How many rows of the cover a chart takes.
_CHART_ROWS, _CHART_WIDTH, _CHART_HEIGHT = 19, 720, 320
_EPOCH = (1980, 1, 1, 0, 0, 0)


def to_xlsx(document: Document, language: str) -> bytes:
    """Return the document as a workbook; text is text, whatever it begins with."""
    book = Workbook()
    cover = book.worksheets[0]
    cover.title = wording.COVER.in_(language)
    names = {cover.title}
    _cover(cover, document, language)
    for block in document.blocks:
        if isinstance(block, Table):
            _table(book.create_sheet(_sheet_name(block.name.in_(language), names)), block, document, language)
    written = io.BytesIO()
    book.save(written)
    return _repeatable(written.getvalue(), document.as_of)


def _cover(sheet: Worksheet, document: Document, language: str) -> None:
    _write(sheet.cell(1, 1), document.title.in_(language)).font = _TITLE
    row = 3
    for label, value in wording.head(document, language):
        _write(sheet.cell(row, 1), label).font = _BOLD
        _write(sheet.cell(row, 2), value)
        row += 1
    if document.provisional:
        _write(sheet.cell(row, 1), wording.PROVISIONAL.in_(language)).font = _BOLD
        row += 1
    sheet.column_dimensions["A"].width, sheet.column_dimensions["B"].width = 28, 44
    for block in document.blocks:
        row += 1
        if isinstance(block, Heading | Paragraph):
            cell = _write(sheet.cell(row, 1), block.words.in_(language))
            cell.font = _BOLD if isinstance(block, Heading) else Font()
        elif isinstance(block, KeyFigures):
            row = _figures(sheet, row, block, document, language)
        elif isinstance(block, Chart):
            picture = Image(io.BytesIO(to_png(block, language)))
            picture.width, picture.height = _CHART_WIDTH, _CHART_HEIGHT
            sheet.add_image(picture, f"A{row}")
            row += _CHART_ROWS
        else:
            row -= 1


def _figures(sheet: Worksheet, row: int, block: KeyFigures, document: Document, language: str) -> int:
    for place, words in enumerate((wording.FIGURE, wording.VALUE, wording.TARGET, wording.MET), 1):
        cell = _write(sheet.cell(row, place), words.in_(language))
        cell.font, cell.fill = _BOLD, _HEAD
    for each in block.figures:
        row += 1
        _write(sheet.cell(row, 1), each.name.in_(language))
        _value(sheet.cell(row, 2), each.value, each.kind, document.time_zone, language)
        _write(sheet.cell(row, 3), each.target or "")
        met = "" if each.met is None else (wording.YES if each.met else wording.NO).in_(language)
        _write(sheet.cell(row, 4), met)
    return row


def _table(sheet: Worksheet, table: Table, document: Document, language: str) -> None:
    for place, column in enumerate(table.columns, 1):
        cell = _write(sheet.cell(1, place), column.name.in_(language))
        cell.font, cell.fill = _BOLD, _HEAD
    lines = [*table.rows, *((table.total,) if table.total else ())]
    widths = [wording.width(column.name.in_(language)) for column in table.columns]
    for row, line in enumerate(lines, 2):
        for place, (value, column) in enumerate(zip(line, table.columns, strict=True), 1):
            cell = _value(sheet.cell(row, place), value, column.kind, document.time_zone, language)
            if table.total is not None and row == len(lines) + 1:
                cell.font = _BOLD
            text = wording.shown(value, column.kind, document.time_zone, language)
            widths[place - 1] = max(widths[place - 1], wording.width(text))
    after = len(lines) + 2
    if not lines:
        _write(sheet.cell(2, 1), wording.NOTHING.in_(language))
        after = 3
    for number, note in enumerate(table.notes):
        _write(sheet.cell(after + 1 + number, 1), note.in_(language))
    for place, width in enumerate(widths, 1):
        sheet.column_dimensions[get_column_letter(place)].width = min(_WIDEST, max(_NARROWEST, width + 2))
    sheet.freeze_panes = "A2"


def _value(cell: Cell | MergedCell, value: Value, kind: Kind, zone: str, language: str) -> Cell | MergedCell:
    """Write a value as what it is, so that it can be counted with; an instant in the document's own zone."""
    if value is None or isinstance(value, str):
        return _write(cell, wording.shown(value, kind, zone, language))
    if isinstance(value, datetime):
        cell.value = value.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    elif not isinstance(value, Decimal):
        cell.value = value
    else:
        cell.value = wording.rounded(value, kind)
    cell.number_format = _FORMATS.get(kind, "General")
    cell.alignment = Alignment(horizontal="right" if kind in wording.NUMBERS else "left")
    return cell


def _write(cell: Cell | MergedCell, text: str) -> Cell | MergedCell:
    """Write a text as text: what begins like a formula is none, and what no workbook may hold is left out."""
    cell.value = ILLEGAL_CHARACTERS_RE.sub("", text)
    cell.data_type = "s"
    cell.quotePrefix = text.startswith(("=", "+", "-", "@"))
    cell.alignment = Alignment(wrap_text="\n" in text, vertical="top")
    return cell


def _sheet_name(wanted: str, taken: set[str]) -> str:
    """Return a name no other sheet has, that a workbook takes."""
    base = _FORBIDDEN.sub(" ", wanted).strip("' ")[:_LONGEST_NAME] or "-"
    name, number = base, 2
    while name.casefold() in {each.casefold() for each in taken}:
        ending = f" {number}"
        name, number = base[: _LONGEST_NAME - len(ending)] + ending, number + 1
    taken.add(name)
    return name


def _repeatable(workbook: bytes, at: datetime) -> bytes:
    """Return the workbook with the document's instant in place of that of writing, so that it is always the same."""
    stamp = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ").encode()
    written = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(workbook)) as source,
        zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for name in source.namelist():
            content = source.read(name)
            if name == "docProps/core.xml":
                content = re.sub(rb"(W3CDTF\">)[^<]*(<)", rb"\g<1>" + stamp + rb"\g<2>", content)
            target.writestr(zipfile.ZipInfo(name, _EPOCH), content, zipfile.ZIP_DEFLATED)
    return written.getvalue()
