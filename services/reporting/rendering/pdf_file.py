"""Documents as PDF, with the font in it as far as it is used."""

from __future__ import annotations

import io
from functools import cache
from html import escape
from typing import Any

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import CondPageBreak, Flowable, Image, SimpleDocTemplate, Spacer
from reportlab.platypus import Paragraph as Text
from reportlab.platypus import Table as Grid

from services.reporting.domain.documents.content import (
    Chart,
    Document,
    Heading,
    KeyFigures,
    Paragraph,
    Table,
)
from services.reporting.rendering import wording
from services.reporting.rendering.charts import to_png
from services.reporting.rendering.fonts import font_file

_FONT = "NotoSansSC"
_MARGIN = 18 * mm
#: What a block needs at least, else it begins on the next page.
_TOGETHER = 30 * mm
#: A table with more columns than this is laid across.
_MANY_COLUMNS = 8
_LINE, _HEAD = colors.HexColor("#cccccc"), colors.HexColor("#f4f6f8")
_SHAPE = 3.2 / 7.2
#: Columns are as wide as the texts of the first rows, within bounds.
_NARROWEST, _WIDEST, _LOOKED_AT = 4, 24, 200


@cache
def _font() -> str:
    pdfmetrics.registerFont(TTFont(_FONT, font_file()))
    return _FONT


def _style(size: int, **more: Any) -> ParagraphStyle:
    return ParagraphStyle(
        f"s{size}", fontName=_font(), fontSize=size, leading=size * 1.45, wordWrap="CJK", **more
    )


def to_pdf(document: Document, language: str) -> bytes:
    """Return the document as PDF on A4, laid across when a table has many columns."""
    wide = any(isinstance(each, Table) and len(each.columns) > _MANY_COLUMNS for each in document.blocks)
    page = landscape(A4) if wide else A4
    width = page[0] - 2 * _MARGIN
    written = io.BytesIO()
    title = document.title.in_(language)
    frame = SimpleDocTemplate(
        written,
        pagesize=page,
        leftMargin=_MARGIN,
        rightMargin=_MARGIN,
        topMargin=_MARGIN,
        bottomMargin=_MARGIN,
        title=f"{title} {document.period}",
        author=document.organisation,
        lang="en" if language == "en" else "zh-CN",
        invariant=1,
    )

    def foot(canvas: Any, laid: Any) -> None:
        canvas.setFont(_font(), 8)
        canvas.setFillColor(colors.grey)
        canvas.drawString(_MARGIN, 10 * mm, f"{document.organisation} · {title} · {document.period}")
        canvas.drawRightString(page[0] - _MARGIN, 10 * mm, str(laid.page))

    frame.build(_flow(document, language, width), onFirstPage=foot, onLaterPages=foot)
    return written.getvalue()


def _flow(document: Document, language: str, width: float) -> list[Flowable]:
    flow: list[Flowable] = [Text(escape(document.title.in_(language)), _style(18)), Spacer(0, 2 * mm)]
    small = _style(9, textColor=colors.HexColor("#555555"))
    flow += [
        Text(f"{escape(label)}：{escape(value)}", small) for label, value in wording.head(document, language)
    ]
    if document.provisional:
        warning = _style(10, textColor=colors.HexColor("#9a5b00"))
        flow.append(Text(escape(wording.PROVISIONAL.in_(language)), warning))
    for block in document.blocks:
        # No heading stands alone at the foot of a page.
        flow += [Spacer(0, 4 * mm), CondPageBreak(_TOGETHER)]
        if isinstance(block, Heading):
            flow.append(Text(escape(block.words.in_(language)), _style(13)))
        elif isinstance(block, Paragraph):
            lines = escape(block.words.in_(language)).replace("\n", "<br/>")
            flow.append(Text(lines, _style(10)))
        elif isinstance(block, KeyFigures):
            flow.append(_figures(block, document, language, width))
        elif isinstance(block, Chart):
            flow.append(Image(io.BytesIO(to_png(block, language)), width=width, height=width * _SHAPE))
        else:
            flow += _table(block, document, language, width)
    return flow


def _figures(block: KeyFigures, document: Document, language: str, width: float) -> Grid:
    heads = [each.in_(language) for each in (wording.FIGURE, wording.VALUE, wording.TARGET, wording.MET)]
    rows = [heads]
    for each in block.figures:
        value = wording.NO_CASES.in_(language)
        if each.value is not None:
            value = wording.shown(each.value, each.kind, document.time_zone, language)
        met = "" if each.met is None else (wording.YES if each.met else wording.NO).in_(language)
        rows.append([each.name.in_(language), value, each.target or "", met])
    shares = (0.46, 0.2, 0.22, 0.12)
    return _grid(rows, [width * share for share in shares], {1}, total=False)


def _table(table: Table, document: Document, language: str, width: float) -> list[Flowable]:
    lines = [*table.rows, *((table.total,) if table.total else ())]
    kinds = [column.kind for column in table.columns]
    rows = [[column.name.in_(language) for column in table.columns]]
    rows += [
        [
            wording.shown(value, kind, document.time_zone, language)
            for value, kind in zip(line, kinds, strict=True)
        ]
        for line in lines
    ]
    numbers = {place for place, kind in enumerate(kinds) if kind in wording.NUMBERS}
    flow: list[Flowable] = [Text(escape(table.name.in_(language)), _style(11, spaceAfter=1 * mm))]
    flow.append(_grid(rows, _widths(rows, width), numbers, total=table.total is not None))
    if not lines:
        flow.append(Text(escape(wording.NOTHING.in_(language)), _style(9)))
    flow += [Text(escape(note.in_(language)), _style(8)) for note in table.notes]
    return flow


def _widths(rows: list[list[str]], width: float) -> list[float]:
    """Return the widths of columns, each by its longest text, none below or above what can be read."""
    longest = [
        min(_WIDEST, max(_NARROWEST, *(wording.width(cell) for cell in column)))
        for column in zip(*rows[:_LOOKED_AT], strict=True)
    ]
    return [width * each / sum(longest) for each in longest]


def _grid(rows: list[list[str]], widths: list[float], numbers: set[int], *, total: bool) -> Grid:
    left, right = _style(9), _style(9, alignment=2)
    cells = [
        [
            Text(escape(cell).replace("\n", "<br/>"), right if place in numbers else left)
            for place, cell in enumerate(row)
        ]
        for row in rows
    ]
    looks: list[Any] = [
        ("BACKGROUND", (0, 0), (-1, 0), _HEAD),
        ("LINEBELOW", (0, 0), (-1, -1), 0.4, _LINE),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("TOPPADDING", (0, 0), (-1, -1), 2),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
    ]
    if total:
        looks.append(("LINEABOVE", (0, -1), (-1, -1), 1, colors.grey))
    return Grid(cells, colWidths=widths, repeatRows=1, style=looks)
