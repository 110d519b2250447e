"""Erasing a customer whom the sales know as a client: by its file or by its number, with searches and conflicts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.unit.intake.test_erasing_everywhere import Office

PHONE, OTHER_PHONE = "0571-88880001", "0571-88880002"
FIRST = {"name": "杭州远帆一贸易有限公司", "phone": PHONE, "region": "杭州", "contact_name": "测试丙"}
SECOND = {"name": "宁波近岸二贸易有限公司", "phone": OTHER_PHONE, "region": "宁波", "contact_name": "测试乙"}


def entered(office: Office, client: dict[str, str]) -> str:
    for kind in ("name", "phone"):
        office.do("search_conflicts", "u-7001", "sales_rep", kind=kind, text=client[kind])
    given = client | {"licence_name": client["name"]}
    return str(office.do("enter_account", "u-7001", "sales_rep", **given)["account_id"])


def claimed(office: Office, client: dict[str, str], evidence: str) -> str:
    """Let somebody else claim a client; return the conflict."""
    office.do("search_conflicts", "u-7002", "sales_rep", kind="name", text=client["name"])
    claim = {"name": client["name"], "phone": client["phone"], "evidence": evidence, "region": "湖州"}
    return str(office.do("raise_conflict", "u-7002", "sales_rep", **claim)["conflict_id"])


def sales_office(folder: Path) -> tuple[Office, str, str]:
    """Return an office with two clients, both claimed, and the first one's customer and conflict."""
    office = Office(folder, "sales-crm")
    customer = office.contact(kind="company", name=FIRST["name"], phone=PHONE)["customer_id"]
    entered(office, FIRST)
    entered(office, SECOND)
    conflict = claimed(office, FIRST, "甲的报价单")
    claimed(office, SECOND, "乙的报价单")
    return office, customer, conflict


def test_a_client_is_found_by_its_number_alone_and_an_open_conflict_keeps_its_words_until_it_is_ruled_on(
    tmp_path: Path,
) -> None:
    """Guards the sales: who entered a client without the file is reached too, and nobody else's client is."""
    office, customer, conflict = sales_office(tmp_path)
    others = office.where(SECOND["name"])
    report = office.erase(customer)
    reached = {row["what"]: row["count"] for row in report["reached"]}
    assert (reached["account"], reached["search"], reached["customer"]) == (1, 3, 1)
    assert {row["what"]: row["source"] for row in report["remaining"]} == {
        "conflict": "design",
        "request": "B-DET-01",
    }
    assert office.where("甲的报价单") == {"account_conflicts"}
    assert office.where("8888|0001") | office.where("88880001") == {"account_conflicts"}
    ruling: dict[str, Any] = {"id": conflict, "outcome": "refused", "reason": "甲的事查实"}
    for number, region in enumerate(("杭州", "湖州")):
        office.do("decide_conflict", f"u-710{number}", "regional_manager", **ruling, region=region)
    office.at("2025-03-05 09:30")
    office.service.erase_personal_data()
    for word in ("甲的报价单", "甲的事查实", "测试丙", FIRST["name"], "远帆", "88880001"):
        assert office.where(word) == set(), word
    # The other client, its searches and the conflict over it are as they were.
    assert office.where(SECOND["name"]) == others
    assert office.where("乙的报价单") == {"account_conflicts"}
    assert [row["what"] for row in office.report()["remaining"]] == ["request"]
    assert office.whole()
