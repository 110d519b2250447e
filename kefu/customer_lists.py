"""Lists of customers as files: CSV in the encodings in use, and workbooks, row by row, formulas as text."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openpyxl
from openpyxl.xml import DEFUSEDXML

from shared.errors import ValidationFailed

#: Larger files are refused: they are cut into parts.
LARGEST = 64 * 1024 * 1024
MOST_ROWS = 1_000_000
#: What a workbook may unpack to; more is no list but an attack.
_UNPACKED = 512 * 1024 * 1024
#: The columns that are not fields of the rulebook.
BASIC = ("kind", "name", "phone", "unit", "reference")
_ENCODINGS = ("utf-8-sig", "gb18030")
#: Between several entries of one cell.
_APART = ";"


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a list, numbered as a spreadsheet shows it."""

    row: int
    customer: dict[str, Any]


def read_list(path: Path) -> Iterator[Line]:
    """Yield the customers of a list; ValidationFailed when the file or its header is not as it should be."""
    if path.stat().st_size > LARGEST:
        raise ValidationFailed(f"{path.name} is larger than {LARGEST // 2**20} MB: cut it into parts")
    rows = _workbook(path) if path.suffix.lower() == ".xlsx" else _text(path)
    header: list[str] = []
    for number, cells in rows:
        if number > MOST_ROWS:
            raise ValidationFailed(f"{path.name} has more than {MOST_ROWS} rows: cut it into parts")
        if number == 1:
            header = _header(path, cells)
        elif any(cells):
            yield Line(number, _customer(header, cells))
    if not header:
        raise ValidationFailed(f"{path.name} is empty: its first row must name the columns")


def _header(path: Path, cells: Sequence[str]) -> list[str]:
    header = [cell.strip() for cell in cells]
    missing = [name for name in ("kind", "name") if name not in header]
    if not {"phone", "unit"} & set(header):
        missing.append("phone (or unit)")
    if missing:
        raise ValidationFailed(f"{path.name}: the first row lacks the columns {', '.join(missing)}")
    double = sorted({name for name in header if name and header.count(name) > 1})
    if double:
        raise ValidationFailed(f"{path.name}: the first row names {', '.join(double)} more than once")
    return header


def _customer(header: Sequence[str], cells: Sequence[str]) -> dict[str, Any]:
    named = {name: cell.strip() for name, cell in zip(header, cells, strict=False) if name and cell.strip()}
    values = {
        name: [part.strip() for part in cell.split(_APART) if part.strip()] if _APART in cell else cell
        for name, cell in named.items()
        if name not in BASIC
    }
    basic = {name: named[name] for name in ("kind", "name", "phone", "unit") if name in named}
    return {"customer": basic, "reference": named.get("reference"), "values": values}


def _text(path: Path) -> Iterator[tuple[int, list[str]]]:
    content = path.read_bytes()
    for encoding in _ENCODINGS:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        try:
            # Cells may hold line breaks: rows are counted, not lines.
            yield from enumerate(csv.reader(io.StringIO(text, newline=""), strict=True), 1)
        except csv.Error as error:
            raise ValidationFailed(f"{path.name} is no CSV: {error}") from error
        return
    raise ValidationFailed(f"{path.name} is text neither in UTF-8 nor in GB18030")


def _workbook(path: Path) -> Iterator[tuple[int, list[str]]]:
    if not DEFUSEDXML:
        raise ValidationFailed("workbooks cannot be read safely without defusedxml: use CSV")
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(each.file_size for each in archive.infolist())
        if unpacked > _UNPACKED:
            raise ValidationFailed(f"{path.name} unpacks to more than {_UNPACKED // 2**20} MB")
        book = openpyxl.load_workbook(path, read_only=True, data_only=False)
    except (zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
        raise ValidationFailed(f"{path.name} is no workbook: {type(error).__name__}") from error
    try:
        for number, cells in enumerate(book.worksheets[0].iter_rows(values_only=True), 1):
            yield number, ["" if cell is None else _cell(cell) for cell in cells]
    finally:
        book.close()


def _cell(value: Any) -> str:
    """Return a cell as text: whole numbers without a point, days without an hour."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if hasattr(value, "hour") and hasattr(value, "date") and (value.hour, value.minute) == (0, 0):
        return str(value.date())
    return str(value)
