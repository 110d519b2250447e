"""Documents as CSV: one section after the other, in UTF-8 with the mark by which spreadsheets know it."""

from __future__ import annotations

import csv
import io
from decimal import Decimal

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
from services.reporting.rendering.wording import (
    FIGURE,
    KEY_FIGURES,
    MET,
    NO,
    NO_CASES,
    NOTHING,
    PROVISIONAL,
    TARGET,
    VALUE,
    YES,
    head,
    rounded,
    shown,
)

#: Spreadsheets take a cell that begins so for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def to_csv(document: Document, language: str) -> bytes:
    """Return the document as CSV; charts are left out, their numbers stand in tables."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([harmless(document.title.in_(language))])
    writer.writerows([label, harmless(value)] for label, value in head(document, language))
    if document.provisional:
        writer.writerow([PROVISIONAL.in_(language)])
    for block in document.blocks:
        writer.writerows([[], *_rows(block, document.time_zone, language)])
    return text.getvalue().encode("utf-8-sig")


def harmless(text: str) -> str:
    """Return ``text`` so that no spreadsheet runs it: an apostrophe before what would begin a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _rows(
    block: Heading | Paragraph | Table | KeyFigures | Chart, zone: str, language: str
) -> list[list[str]]:
    if isinstance(block, Heading | Paragraph):
        return [[harmless(block.words.in_(language))]]
    if isinstance(block, KeyFigures):
        header = [each.in_(language) for each in (FIGURE, VALUE, TARGET, MET)]
        rows = [
            [
                harmless(each.name.in_(language)),
                NO_CASES.in_(language) if each.value is None else str(rounded(each.value, each.kind)),
                harmless(each.target or ""),
                "" if each.met is None else (YES if each.met else NO).in_(language),
            ]
            for each in block.figures
        ]
        return [[KEY_FIGURES.in_(language)], header, *rows]
    if isinstance(block, Chart):
        return []
    kinds = [column.kind for column in block.columns]
    lines = [*block.rows, *((block.total,) if block.total else ())]
    rows = [
        [_cell(value, kind, zone, language) for value, kind in zip(row, kinds, strict=True)] for row in lines
    ]
    return [
        [harmless(block.name.in_(language))],
        [harmless(column.name.in_(language)) for column in block.columns],
        *(rows or [[NOTHING.in_(language)]]),
        *([harmless(note.in_(language))] for note in block.notes),
    ]


def _cell(value: Value, kind: Kind, zone: str, language: str) -> str:
    if value is None:
        return shown(value, kind, zone, language)
    if isinstance(value, Decimal):
        return f"{rounded(value, kind):f}"
    if isinstance(value, int):
        return str(value)
    return harmless(shown(value, kind, zone, language))
