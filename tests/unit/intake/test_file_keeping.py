"""How customer files are kept: standards, transfers, confirmation, freshness, classes and lists taken in."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.errors import RuleRefused, ValidationFailed
from tests.unit.intake.files_world import FileRoom, file_room

_LISTS = """
lists:
  streets: {name: 街道清单, values: [人民路, 解放路], source: organisation}
  meter_brands: {name: 表具品牌清单, values: [金卡], source: organisation}
"""


def refused(room: FileRoom, what: str, /, **arguments: Any) -> str | None:
    """Do what must be refused; return the rule that refuses."""
    with pytest.raises(RuleRefused) as error:
        room.do(what, **arguments)
    return error.value.rule


@pytest.mark.rule("B-GAS-01", "B-GAS-02")
def test_the_quality_of_a_file_has_three_parts_and_an_empty_meter_makes_it_incomplete(
    tmp_path: Path,
) -> None:
    """Promise: what is missing is named, and each part is scored by itself."""
    room = file_room(tmp_path, "gas-utility", _LISTS)
    customer = room.register(values={"street": "人民路", "equipment": ["灶具"]})
    quality = room.file(customer)["quality"]
    assert [quality[part] for part in ("timely", "exact", "complete")] == [100, 100, 80]
    assert quality["lacking"] == ["meter_number"]
    assert room.page(incomplete=True) == [customer]
    room.do("update", id=customer, values={"meter_number": "M-1"}, reason="上门抄表")
    assert room.file(customer)["quality"]["complete"] == 100
    assert (room.page(incomplete=True), room.find("meter_number", "m-1")) == ([], [customer])
    room.do("update", id=customer, values={"phone": "13800000002"}, learned=True, reason="上门得知")
    room.clock.advance(timedelta(days=91))
    quality = room.file(customer)["quality"]
    assert (quality["timely"], quality["stale"], quality["complete"]) == (0, ["reviewed"], 100)
    assert quality["exact"] < 100


@pytest.mark.rule("B-GAS-03", "B-GAS-10")
def test_a_street_or_meter_brand_that_is_not_in_the_standard_list_is_refused(tmp_path: Path) -> None:
    """Promise: addresses and meters are written as the company's lists say, from whatever side they come."""
    room = file_room(tmp_path, "gas-utility", _LISTS)
    customer = room.register(values={"street": "人民路"})
    wrong: dict[str, Any] = {"id": customer, "reason": "更正"}
    assert refused(room, "update", values={"street": "人民大街"}, **wrong) == "B-GAS-03"
    assert refused(room, "update", values={"meter_brand": "某牌"}, **wrong) == "B-GAS-10"
    assert room.file(customer)["fields"]["street"]["value"] == "人民路"
    row = {"customer": {"kind": "person", "name": "李四", "phone": "13800000002"}}
    answer = room.take([row | {"values": {"street": "某街"}}])
    assert [(each["row"], each["field"], each["rule"]) for each in answer["refused"]] == [
        (2, "street", "B-GAS-03")
    ]


@pytest.mark.rule("B-GAS-05")
def test_a_commercial_user_has_a_contract_address(tmp_path: Path) -> None:
    """Promise: no file of a company is opened without the address its contract was signed for."""
    room = file_room(tmp_path, "gas-utility")
    company: dict[str, Any] = {"customer": {"kind": "company", "name": "华星", "phone": "13800000001"}}
    assert refused(room, "register", **company) == "B-GAS-05"
    room.do("register", **company, values={"contract_address": "人民路1号"})


@pytest.mark.rule("B-GAS-06")
def test_staff_are_given_the_words_that_explain_the_naming_rule(tmp_path: Path) -> None:
    """Promise: whoever looks at a file can tell the customer how estates are named."""
    room = file_room(tmp_path, "gas-utility")
    (notice,) = room.file(room.register())["notices"]
    assert notice["source"] == "B-GAS-06"
    assert "小区" in notice["words"]


@pytest.mark.rule("B-GAS-07")
def test_a_meter_is_not_handed_over_with_arrears_or_without_all_copies(tmp_path: Path) -> None:
    """Promise: owners change only when nothing is owed and all three copies are there."""
    room = file_room(tmp_path, "gas-utility")
    customer = room.register()
    copies = ["property_certificate", "old_owner_id", "new_owner_id"]
    owner: dict[str, Any] = {
        "id": customer,
        "values": {"name": "李四", "phone": "13800000002"},
        "reason": "过户",
    }
    paid = {"arrears": "0", "copies": copies}
    assert refused(room, "update", **owner, transfer=paid | {"arrears": "120"}) == "B-GAS-07"
    assert refused(room, "update", **owner, transfer=paid | {"copies": copies[:2]}) == "B-GAS-07"
    special = paid | {"arrears": "120", "special_case": "争议中"}
    assert refused(room, "update", **owner, transfer=special) == "B-GAS-07"
    assert room.file(customer)["name"] == "王小明"
    room.do("update", **owner, transfer=paid)
    file = room.file(customer)
    assert (file["name"], file["phone"]) == ("李四", "+8613800000002")
    assert [(each["field"], each["before"]) for each in file["changes"]] == [
        ("name", "王小明"),
        ("phone", "+8613800000001"),
    ]
    room.do(
        "update", **(owner | {"values": {"name": "赵六"}}), transfer=special, roles=("staff", "supervisor")
    )


@pytest.mark.rule("B-GAS-08")
def test_a_phone_learned_in_service_counts_once_the_customer_confirmed_it(tmp_path: Path) -> None:
    """Promise: nobody is called on a number that a mechanic noted down and nobody checked."""
    room = file_room(tmp_path, "gas-utility")
    customer = room.register()
    learned = {"phone": "13800000002"}
    answer = room.do("update", id=customer, values=learned, learned=True, reason="上门得知")
    assert answer["pending"] == ["phone"]
    file = room.file(customer)
    assert (file["phone"], file["pending"]["phone"]["value"]) == ("+8613800000001", "+8613800000002")
    assert file["quality"]["exact"] < 100
    assert room.find("phone", "13800000002") == []
    room.do("check", id=customer, how="confirmed", fields=["phone"])
    file = room.file(customer)
    assert (file["phone"], file["confirmed"]) == ("+8613800000002", {"phone": "2024-05-06"})
    assert room.find("phone", "13800000002") == [customer]


@pytest.mark.rule("B-GAS-09")
def test_a_correction_keeps_the_value_before_with_who_and_why(tmp_path: Path) -> None:
    """Promise: what a file said earlier can always be seen; events hold none of it."""
    room = file_room(tmp_path, "gas-utility", _LISTS)
    customer = room.register(values={"street": "人民路"})
    room.do("update", id=customer, actor="u-7", values={"street": "解放路"}, reason="地址有误")
    (change,) = room.file(customer)["changes"]
    kept = {name: change[name] for name in ("field", "before", "after", "by", "reason")}
    assert kept == {
        "field": "street",
        "before": "人民路",
        "after": "解放路",
        "by": "u-7",
        "reason": "地址有误",
    }
    assert room.events() == ["customer_registered", "customer_changed"]
    data = str([unsent.entry.data for unsent in room.published])
    assert not any(word in data for word in ("路", "有误", "王", "1380"))


@pytest.mark.rule("A-LOG-59")
def test_data_confirmed_with_the_customer_is_fresh_and_listed_when_it_is_too_old(tmp_path: Path) -> None:
    """Promise: what was not confirmed for longer than the rule says is listed from that day on."""
    room = file_room(tmp_path, "logistics")
    customer = room.register()
    room.do("check", id=customer, how="confirmed", on="2024-05-06")
    assert room.file(customer)["days"]["confirmed"] == "2024-05-06"
    assert room.page(stale="confirmed", on="2024-08-03") == []
    assert room.page(stale="confirmed", on="2024-08-04") == [customer]
    with pytest.raises(ValidationFailed, match="future"):
        room.do("check", id=customer, how="confirmed", on="2024-05-07")


@pytest.mark.rule("A-MEM-04")
def test_a_file_that_was_not_updated_today_is_stale_at_the_end_of_the_day(tmp_path: Path) -> None:
    """Promise: every file is updated every day, and those that were not are listed."""
    room = file_room(tmp_path, "membership", at="2024-05-05 10:00")
    customer, other = room.register(), room.register("李四", "13800000002")
    room.clock.advance(timedelta(days=1, hours=10))
    room.do("update", id=other, values={"unit": "A-1"}, reason="更新")
    room.clock.advance(timedelta(hours=3, minutes=59))
    assert room.page(stale="updated") == [customer]


@pytest.mark.rule("A-HTL-05", "A-JD15-03")
def test_profiles_and_reviews_are_overdue_after_ninety_days(tmp_path: Path) -> None:
    """Promise: overdue from the ninetieth day on, not before; a review starts the count again."""
    room = file_room(tmp_path, "hotel-franchise", at="2025-01-01 09:00")
    blocks = {"operation": "好", "management": "好", "service": "好"}
    customer = room.register(kind="company", values=blocks)
    assert room.file(customer)["quality"]["complete"] == 100
    for what in ("updated", "reviewed"):
        assert room.page(stale=what, on="2025-03-31") == []
        assert room.page(stale=what, on="2025-04-01") == [customer]
    room.clock.advance(timedelta(days=90))
    assert room.file(customer)["quality"]["stale"] == ["updated", "reviewed"]
    room.do("check", id=customer, how="reviewed")
    assert room.page(stale="reviewed") == []


@pytest.mark.parametrize("profile", ["membership", "auto-dealer"])
@pytest.mark.rule("A-MEM-01", "A-CAR-01")
def test_specialists_who_extracted_no_file_on_a_day_are_listed(tmp_path: Path, profile: str) -> None:
    """Promise: who extracts every day is not listed, who missed a day is."""
    room = file_room(tmp_path, profile, "specialists: {value: [u-a, u-b], source: organisation}")
    customer = room.register()
    room.do("classify", id=customer, step="extracted", actor="u-b")
    today = (room.clock.now() + timedelta(hours=8)).date()
    missed = room.app.files.read.missed("made-up", today)
    rule = "A-MEM-01" if profile == "membership" else "A-CAR-01"
    assert [(each["staff"], each["source"]) for each in missed] == [("u-a", rule)]
    tomorrow = room.app.files.read.missed("made-up", today + timedelta(days=1))
    assert [each["staff"] for each in tomorrow] == ["u-a", "u-b"]


@pytest.mark.parametrize(
    ("profile", "group", "rule"), [("membership", "gold", "A-MEM-02"), ("auto-dealer", "vip", "A-CAR-02")]
)
@pytest.mark.rule("A-MEM-02", "A-CAR-02")
def test_files_are_extracted_submitted_and_classified_by_the_supervisor_alone(
    tmp_path: Path, profile: str, group: str, rule: str
) -> None:
    """Promise: nobody skips a step, and a specialist does not classify."""
    room = file_room(tmp_path, profile)
    customer = room.register()
    boss = ("staff", "supervisor")
    classified: dict[str, Any] = {"id": customer, "step": "classified", "class": group}
    room.do("classify", id=customer, step="extracted")
    assert refused(room, "classify", **classified, roles=boss) == rule
    room.do("classify", id=customer, step="submitted")
    assert refused(room, "classify", **classified) == rule
    room.do("classify", **classified, roles=boss)
    assert (room.page(**{"class": group}), room.file(customer)["filing"]) == ([customer], "classified")


@pytest.mark.rule("A-MEM-03")
def test_each_class_has_a_named_keeper_and_a_class_without_one_is_a_gap(tmp_path: Path) -> None:
    """Promise: the count by class shows how many files there are, who keeps them, and who is missing."""
    own = """
classes:
  gold: {name: 金卡会员, keeper: u-b, source: organisation}
  silver: {name: 银卡会员, keeper: u-c, source: organisation}
filing: null
"""
    room = file_room(tmp_path, "membership", own)
    for number in range(3):
        customer = room.register(f"会员{number}", f"1380000000{number}")
        group = "gold" if number < 2 else "normal"
        room.do("classify", id=customer, step="classified", **{"class": group})
    rows = room.app.files.read.count("made-up", "class")["rows"]
    assert {row["code"]: row["count"] for row in rows} == {"gold": 2, "silver": 0, "normal": 1}
    assert [row["code"] for row in rows if row["keeper"] is None] == ["normal"]
    assert room.file(room.page(**{"class": "gold"})[0])["keeper"] == "u-b"


@pytest.mark.rule("A-CLO-04")
def test_customers_of_a_clothing_shop_are_filed_by_category(tmp_path: Path) -> None:
    """Promise: twenty very important ones and eighty others are counted and listed as such, and no third class."""
    room = file_room(tmp_path, "apparel")
    rows = [
        {"customer": {"kind": "person", "name": f"顾客{number}", "phone": str(13800000000 + number)}}
        for number in range(100)
    ]
    room.take(rows)
    found = room.page(limit=100)
    assert len(found) == 100
    for number, customer in enumerate(found):
        group = "vip" if number < 20 else "normal"
        room.do("classify", id=customer, step="classified", **{"class": group})
    counted = room.app.files.read.count("made-up", "class")["rows"]
    assert {row["code"]: row["count"] for row in counted} == {"vip": 20, "normal": 80}
    assert sorted(room.page(limit=100, **{"class": "vip"})) == sorted(found[:20])
    with pytest.raises(RuleRefused):
        room.do("classify", id=found[0], step="classified", **{"class": "gold"})
