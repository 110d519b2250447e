"""What reading a list of customers promises: any encoding in use, rows as numbered, formulas as text."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest

from kefu.customer_lists import read_list
from shared.errors import ValidationFailed

HEADER = "kind,name,phone,plate\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_chinese_is_read_in_every_encoding_in_use(tmp_path: Path, encoding: str) -> None:
    """Promise: a list saved by an old spreadsheet is read like a new one."""
    path = tmp_path / "list.csv"
    path.write_bytes((HEADER + "person,王小明,13800000001,沪A12345;沪B00001\n").encode(encoding))
    (line,) = read_list(path)
    assert line.row == 2
    assert line.customer["customer"] == {"kind": "person", "name": "王小明", "phone": "13800000001"}
    assert line.customer["values"] == {"plate": ["沪A12345", "沪B00001"]}


def test_a_workbook_is_read_without_computing_its_formulas(tmp_path: Path) -> None:
    """Promise: numbers keep their digits and a formula is the text it is."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["kind", "name", "phone", "plate"])
    sheet.append(["person", "王小明", 13800000001, "=1+1"])
    sheet.append([None, None, None, None])
    book.save(tmp_path / "list.xlsx")
    (line,) = read_list(tmp_path / "list.xlsx")
    assert line.customer["customer"]["phone"] == "13800000001"
    assert line.customer["values"] == {"plate": "=1+1"}


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ("", "empty"),
        ("name,phone\n", "kind"),
        ("kind,name\n", "phone"),
        ("kind,name,phone,phone\n", "more than once"),
        (HEADER + 'person,"王\n', "CSV"),
    ],
)
def test_a_file_that_is_no_list_is_refused_with_what_is_missing(
    tmp_path: Path, content: str, word: str
) -> None:
    """Promise: whoever made the list is told what to mend."""
    path = tmp_path / "list.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ValidationFailed, match=word):
        list(read_list(path))


def test_what_is_no_workbook_is_refused(tmp_path: Path) -> None:
    """Promise: a picture renamed is no traceback."""
    path = tmp_path / "list.xlsx"
    path.write_bytes(b"GIF89a")
    with pytest.raises(ValidationFailed, match="no workbook"):
        list(read_list(path))
