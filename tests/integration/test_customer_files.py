"""Customer files over the real bus: a list taken in twice, one customer found four ways, two clerks at once."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from kefu.customer_lists import read_list
from shared.errors import KefuError
from tests.integration.bus import Bus

PLAZA = "plaza-demo"


@pytest.mark.rule("A-AUT-11")
def test_a_list_taken_in_twice_makes_each_customer_once_found_by_four_keys(bus: Bus, tmp_path: Path) -> None:
    """Ten shops in a spreadsheet of an old system; the second time they are updated."""
    mark = uuid4().int
    phones = [f"139{(mark + number) % 10**8:08}" for number in range(10)]
    unit = f"U{mark % 10**9}"
    rows = [
        f"company,独一商户{mark % 10**6}{number},{phone},{unit}-{number},{unit}执照{number}"
        for number, phone in enumerate(phones)
    ]
    path = tmp_path / "shops.csv"
    path.write_bytes("\n".join(["kind,name,phone,unit,licence_name", *rows]).encode("gb18030"))
    boss = bus.desk(PLAZA, ("staff", "supervisor", "personal_data"))
    lines: list[dict[str, Any]] = [{"row": line.row, **line.customer} for line in read_list(path)]
    answers = [
        boss.do("intake.import_customers", rows=lines, origin="system", key=f"{unit}-{turn}")
        for turn in (1, 1, 2)
    ]
    assert [(each["created"], each["updated"]) for each in answers] == [(10, 0), (10, 0), (0, 10)]
    found = {
        row["customer_id"]
        for by, text in (
            ("phone", phones[3]),
            ("unit", f"{unit}-3".lower()),
            ("licence_name", f"{unit}执照3"),
            ("name", f"duyishanghu{mark % 10**6}3"),
        )
        for row in boss.ask("intake.search_customers", by=by, text=text)
    }
    assert len(found) == 1


def test_two_clerks_who_change_one_file_at_once_both_come_through(bus: Bus) -> None:
    """Neither change is lost, each is there once, and the history is whole."""
    phone = f"137{uuid4().int % 10**8:08}"
    clerk = bus.desk(PLAZA, ("staff", "personal_data"))
    customer = {"kind": "person", "name": "测试客户", "phone": phone}
    opened = clerk.do("intake.register_customer", customer=customer)["customer_id"]
    failed: list[KefuError] = []
    together = threading.Barrier(2)

    def change(values: dict[str, Any], subject: str) -> None:
        with Bus(bus.stack) as own:
            desk = own.desk(PLAZA, ("staff",), subject=subject)
            together.wait(30)
            try:
                desk.do("intake.update_customer", id=opened, values=values, reason="来电")
            except KefuError as error:
                failed.append(error)

    threads = [
        threading.Thread(target=change, args=({"unit": "B-7"}, "stf_1")),
        threading.Thread(target=change, args=({"pain_points": ["停车难"]}, "stf_2")),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failed == []
    file = clerk.ask("intake.get_customer_file", id=opened)
    assert file["unit"] == "B-7"
    assert [entry["text"] for entry in file["fields"]["pain_points"]["value"]] == ["停车难"]
    assert sorted(change["by"] for change in file["changes"]) == ["stf_1", "stf_2"]
