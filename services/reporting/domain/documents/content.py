"""The content of a report document (报表): words, tables, key figures and charts, in Chinese and in English.

Values are exact and plain; how they look is for whoever renders them. As JSON a document is what it was, so that the
version that was published stays what it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from shared.history import moment_of, timestamp

Value = str | int | Decimal | date | datetime | None


class Kind(StrEnum):
    """What the values of a column are; None in any of them is what nobody can say."""

    TEXT = "text"
    COUNT = "count"
    NUMBER = "number"
    PERCENT = "percent"
    MONEY = "money"
    MINUTES = "minutes"
    DATE = "date"
    MOMENT = "moment"


class Shape(StrEnum):
    """How a chart draws its series."""

    BAR = "bar"
    STACKED = "stacked"
    LINE = "line"


@dataclass(frozen=True, slots=True)
class Words:
    """One text in both languages; without English the Chinese stands."""

    zh: str
    en: str = ""

    def in_(self, language: str) -> str:
        """Return the text in ``zh`` or ``en``."""
        return self.en if language == "en" and self.en else self.zh


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading between blocks."""

    words: Words


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph of plain text."""

    words: Words


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table."""

    key: str
    name: Words
    kind: Kind = Kind.TEXT


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of as many values as there are columns; ``total`` is a last row of its own."""

    name: Words
    columns: tuple[Column, ...]
    rows: tuple[tuple[Value, ...], ...]
    total: tuple[Value, ...] | None = None
    notes: tuple[Words, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a row that does not fit."""
        wanted = len(self.columns)
        for number, row in enumerate((*self.rows, *((self.total,) if self.total else ())), 1):
            if len(row) != wanted:
                raise ValueError(f"row {number} of {self.name.zh} has {len(row)} values for {wanted} columns")


@dataclass(frozen=True, slots=True)
class KeyFigure:
    """One figure beside its target; ``value`` None is that there were no cases, never nought or a hundred."""

    name: Words
    value: Decimal | None
    kind: Kind = Kind.PERCENT
    target: str | None = None
    met: bool | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class KeyFigures:
    """Figures side by side."""

    figures: tuple[KeyFigure, ...]


@dataclass(frozen=True, slots=True)
class Series:
    """One series of a chart, a value for each category."""

    name: Words
    values: tuple[Decimal | None, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture of a table that a person would rather look at."""

    name: Words
    shape: Shape
    categories: tuple[str, ...]
    series: tuple[Series, ...]
    unit: Words | None = None

    def __post_init__(self) -> None:
        """Refuse a series that does not fit."""
        for series in self.series:
            if len(series.values) != len(self.categories):
                raise ValueError(
                    f"{series.name.zh} of {self.name.zh} does not have a value for each category"
                )


Block = Heading | Paragraph | Table | KeyFigures | Chart


@dataclass(frozen=True, slots=True)
class Document:
    """One report document of ``organisation`` for ``period``, as of an instant; ``state`` is where it stands.

    ``provisional`` says that the period had not ended by then.
    """

    title: Words
    organisation: str
    period: str
    as_of: datetime
    time_zone: str
    blocks: tuple[Block, ...]
    version: int = 1
    state: str = "draft"
    provisional: bool = False
    sources: tuple[str, ...] = field(default=())

    def as_data(self) -> dict[str, Any]:
        """Return the document as JSON."""
        return {
            "title": _words(self.title),
            "organisation": self.organisation,
            "period": self.period,
            "as_of": timestamp(self.as_of),
            "time_zone": self.time_zone,
            "version": self.version,
            "state": self.state,
            "provisional": self.provisional,
            "sources": list(self.sources),
            "blocks": [_block(block) for block in self.blocks],
        }

    @staticmethod
    def of(data: Mapping[str, Any]) -> Document:
        """Return the document that ``as_data`` wrote; KeyError or ValueError for anything else."""
        return Document(
            title=_words_of(data["title"]),
            organisation=data["organisation"],
            period=data["period"],
            as_of=moment_of(data["as_of"]),
            time_zone=data["time_zone"],
            version=data["version"],
            state=data["state"],
            provisional=data["provisional"],
            sources=tuple(data["sources"]),
            blocks=tuple(_block_of(block) for block in data["blocks"]),
        )


def _words(words: Words) -> dict[str, str]:
    return {"zh": words.zh, "en": words.en}


def _words_of(data: Mapping[str, str]) -> Words:
    return Words(data["zh"], data["en"])


def _value(value: Value) -> str | int | None:
    if isinstance(value, datetime):
        return timestamp(value)
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


def _value_of(value: str | int | None, kind: Kind) -> Value:
    if value is None or kind in {Kind.TEXT, Kind.COUNT}:
        return value
    if kind is Kind.DATE:
        return date.fromisoformat(str(value))
    return moment_of(str(value)) if kind is Kind.MOMENT else Decimal(str(value))


def _block(block: Block) -> dict[str, Any]:
    if isinstance(block, Heading | Paragraph):
        return {"block": "heading" if isinstance(block, Heading) else "paragraph", **_words(block.words)}
    if isinstance(block, KeyFigures):
        return {"block": "key_figures", "figures": [_figure(figure) for figure in block.figures]}
    if isinstance(block, Chart):
        return {
            "block": "chart",
            "name": _words(block.name),
            "shape": block.shape.value,
            "unit": _words(block.unit) if block.unit else None,
            "categories": list(block.categories),
            "series": [
                {"name": _words(each.name), "values": [_value(value) for value in each.values]}
                for each in block.series
            ],
        }
    return {
        "block": "table",
        "name": _words(block.name),
        "columns": [
            {"key": column.key, "name": _words(column.name), "kind": column.kind.value}
            for column in block.columns
        ],
        "rows": [[_value(value) for value in row] for row in block.rows],
        "total": None if block.total is None else [_value(value) for value in block.total],
        "notes": [_words(note) for note in block.notes],
    }


def _figure(figure: KeyFigure) -> dict[str, Any]:
    return {
        "name": _words(figure.name),
        "value": _value(figure.value),
        "kind": figure.kind.value,
        "target": figure.target,
        "met": figure.met,
        "source": figure.source,
    }


def _block_of(data: Mapping[str, Any]) -> Block:
    readers = {
        "heading": lambda: Heading(_words_of(data)),
        "paragraph": lambda: Paragraph(_words_of(data)),
        "key_figures": lambda: KeyFigures(tuple(_figure_of(each) for each in data["figures"])),
        "chart": lambda: _chart_of(data),
        "table": lambda: _table_of(data),
    }
    read: Any = readers[data["block"]]
    block: Block = read()
    return block


def _figure_of(data: Mapping[str, Any]) -> KeyFigure:
    value = None if data["value"] is None else Decimal(data["value"])
    kind = Kind(data["kind"])
    return KeyFigure(_words_of(data["name"]), value, kind, data["target"], data["met"], data["source"])


def _chart_of(data: Mapping[str, Any]) -> Chart:
    return Chart(
        name=_words_of(data["name"]),
        shape=Shape(data["shape"]),
        categories=tuple(data["categories"]),
        series=tuple(
            Series(_words_of(each["name"]), tuple(None if v is None else Decimal(v) for v in each["values"]))
            for each in data["series"]
        ),
        unit=_words_of(data["unit"]) if data["unit"] else None,
    )


def _table_of(data: Mapping[str, Any]) -> Table:
    columns = tuple(
        Column(each["key"], _words_of(each["name"]), Kind(each["kind"])) for each in data["columns"]
    )

    def row_of(row: Sequence[Any]) -> tuple[Value, ...]:
        return tuple(
            _value_of(value, column.kind)
            if not isinstance(value, str) or column.kind is not Kind.TEXT
            else value
            for value, column in zip(row, columns, strict=True)
        )

    return Table(
        name=_words_of(data["name"]),
        columns=columns,
        rows=tuple(row_of(row) for row in data["rows"]),
        total=None if data["total"] is None else row_of(data["total"]),
        notes=tuple(_words_of(note) for note in data["notes"]),
    )
