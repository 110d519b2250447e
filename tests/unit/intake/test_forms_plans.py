"""Plans of resources and of a day's calls, buildings, addresses without a name, calls of unknown callers."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from services.intake.rulebook import read_rulebooks
from shared.errors import NotFound
from tests.unit.intake.fakes import beijing
from tests.unit.intake.files_world import file_room
from tests.unit.intake.on_duty import organisation
from tests.unit.intake.register_office import By, Office, refused
from tests.unit.intake.register_world import office_of

HEAD = ("post_service_supervisor",)


def building(name: str, from_south: int, from_east: int) -> dict[str, Any]:
    return {"building": name, "from_south": from_south, "from_east": from_east}


@pytest.mark.rule("B-GAS-04")
def test_buildings_without_a_common_name_are_numbered_from_south_to_north_and_east_to_west(
    tmp_path: Path,
) -> None:
    """Promise: in whatever order they are entered the numbers are the same, and each is given once."""
    office = office_of(tmp_path, "gas-utility")
    there = [building("甲", 1, 1), building("乙", 1, 2), building("丙", 2, 1), building("丁", 10, 1)]
    for turn, rows in enumerate(permutations(there)):
        record = office.open(
            "non_standard_address", office.by("u-1"), place=f"河东{turn}", buildings=list(rows)
        )
        numbers = {row["building"]: row["number"] for row in office.get(record)["values"]["buildings"]}
        assert numbers == {"甲": "1", "乙": "2", "丙": "3", "丁": "4"}
    record = office.open("non_standard_address", office.by("u-1"), place="河西", buildings=there)
    again = refused("non_standard_address", office.by("u-2"), step=office.open, place="河西", buildings=there)
    assert again.rule == "B-GAS-04"
    # One more is built in the south: those behind it move up, and what stood there before is kept.
    grown = [*there, building("戊", 1, 3)]
    office.correct(record, office.by("u-9", "supervisor"), "新建", buildings=grown)
    rows = office.get(record)["values"]["buildings"]
    assert [(row["building"], row["number"]) for row in rows][-3:] == [("丙", "4"), ("丁", "5"), ("戊", "3")]


@pytest.mark.rule("B-GAS-04")
@pytest.mark.parametrize(
    "wrong",
    [
        {"common_name": "和平小区"},
        {"buildings": []},
        {"buildings": [building("甲", 1, 1), building("乙", 1, 1)]},
        {"buildings": [{"building": "甲", "from_south": 1}]},
        {"buildings": [building("甲", 0, 1)]},
    ],
)
def test_an_address_with_a_common_name_or_two_buildings_in_one_place_gets_no_numbers(
    tmp_path: Path, wrong: dict[str, Any]
) -> None:
    """Promise: the numbering is for what has no name, and leaves no doubt which building is meant."""
    office = office_of(tmp_path, "gas-utility")
    form = {"place": "河东", "buildings": [building("甲", 1, 1)]} | wrong
    assert refused("non_standard_address", office.by("u-1"), step=office.open, **form).rule == "B-GAS-04"


@pytest.mark.parametrize(
    ("computed", "path"),
    [
        ({"fields": ["named"]}, "fields.rows.computed.place.fields"),
        ({"fields": ["nothing"]}, "fields.rows.computed.place.fields"),
        (None, "computed.place.how"),
    ],
)
def test_an_order_of_what_has_none_is_no_rulebook(
    tmp_path: Path, computed: dict[str, Any] | None, path: str
) -> None:
    """Promise: the service does not start on rows that are to stand in the order of a text."""
    place = {"place": {"name": "序号", "how": "order", "fields": ["size"]} | (computed or {})}
    fields = {"named": {"name": "名称", "type": "text"}, "size": {"name": "大小", "type": "number"}}
    rows = {"name": "行", "type": "list", "fields": fields, "computed": place if computed else {}}
    ranked = {
        "name": "排序",
        "source": "organisation",
        "open": [{"role": "staff"}],
        "fields": {"size": fields["size"], "rows": rows},
        "computed": {} if computed else place,
    }
    organisation(tmp_path, "standard", registers={"ranked": ranked})
    found = [fault.path for fault in read_rulebooks(tmp_path).faults]
    assert any(each.endswith(f"registers.ranked.{path}") for each in found), found


HOUSEHOLDS: list[dict[str, Any]] = [
    {"unit": "1-101", "type": "owner", "occupants": 3},
    {"unit": "1-102", "type": "tenant", "occupants": 2},
    {"unit": "1-201", "type": "owner", "occupants": 4},
]


@pytest.mark.rule("A-PRM-11")
def test_a_steward_knows_each_building_its_pipelines_and_who_lives_in_it() -> None:
    """Promise: structure, pipelines and every household's type and people are there, and counted; none is left out."""
    office = Office()
    form: dict[str, Any] = {
        "building": "1栋",
        "structure": "框架",
        "pipelines": "管井在东侧",
        "households": HOUSEHOLDS,
    }
    for code in form:
        lacking = {key: value for key, value in form.items() if key != code}
        assert refused("building", office.by("st-1"), step=office.open, **lacking).rule == "A-PRM-11"
    for part in ("unit", "type", "occupants"):
        row = {key: value for key, value in HOUSEHOLDS[0].items() if key != part}
        wrong = form | {"households": [row]}
        assert refused("building", office.by("st-1"), step=office.open, **wrong).rule == "A-PRM-11"
    record = office.open("building", office.by("st-1"), **form)
    assert refused("building", office.by("st-2"), step=office.open, **form).rule == "A-PRM-11"
    kept = office.get(record)["values"]
    counted = ("households_all", "households_owner", "households_tenant", "occupants_all")
    assert [kept[code] for code in counted] == ["3", "2", "1", "9"]
    assert (kept["structure"], kept["pipelines"]) == ("框架", "管井在东侧")
    # Somebody moves in: the steward enters it, nobody else does.
    more = [*HOUSEHOLDS, {"unit": "1-202", "type": "tenant", "occupants": 1}]
    assert refused(record, "update", office.by("st-2"), step=office.act, households=more).rule == "A-PRM-11"
    office.act(record, "update", office.by("st-1"), households=more)
    office.open("building", office.by("st-1"), **form | {"building": "2栋"})
    data: dict[str, Any] = dict.fromkeys(("by", "opened_from", "opened_before"))
    data |= {"register": "building", "sums": ["households_all", "occupants_all"]}
    figures = office.app.read_registers.register_statistics(office.by("u-1"), data)
    assert (figures["total"], figures["sums"]) == (2, {"households_all": "7", "occupants_all": "19"})
    assert office.find(register="building", where={"households.unit": "1-202"}) == [record]


@pytest.mark.rule("A-PRM-11")
def test_a_households_file_has_its_type_and_its_people(tmp_path: Path) -> None:
    """Promise: one file a household, with what kind it is and how many live there; missing people are a gap."""
    room = file_room(tmp_path, "property")
    customer = room.register(kind="household", unit="1-101", values={"household_type": "owner"})
    assert "occupants" in room.file(customer)["lacking"]
    room.do("update", id=customer, values={"occupants": "3"}, reason="入住")
    file = room.file(customer)
    assert "occupants" not in file["lacking"]
    assert {code: file["fields"][code]["value"] for code in ("household_type", "occupants")} == {
        "household_type": "owner",
        "occupants": "3",
    }


@pytest.mark.rule("A-LOG-72")
def test_the_weeks_resources_are_planned_by_one_approved_by_another_and_looked_over(tmp_path: Path) -> None:
    """Promise: week 20 has agents for each item; planned centrally, approved, guided, and its shortfall explained."""
    office = office_of(tmp_path, "logistics")
    items = [{"service_item": "回访", "agents": 3}, {"service_item": "理赔协助", "agents": 2}]
    form: dict[str, Any] = {"week": "2026-W20", "planned": items}

    def head(*more: str) -> By:
        return office.by("h-1", *HEAD, *more)

    assert refused("resource_plan", office.by("a-1"), step=office.open, **form).rule == "A-LOG-72"
    faults: list[dict[str, Any]] = [
        {"week": "2026-W54"},
        {"planned": []},
        {"planned": [{"service_item": "回访"}]},
    ]
    for wrong in faults:
        assert refused("resource_plan", head(), step=office.open, **form | wrong).rule == "A-LOG-72"
    plan = office.open("resource_plan", head(), **form)
    assert refused("resource_plan", office.by("h-2", *HEAD), step=office.open, **form).rule == "A-LOG-72"
    office.act(plan, "reallocate", head(), planned=[*items, {"service_item": "走访", "agents": 5}])
    assert office.get(plan)["values"]["agents_planned"] == "10"
    assert refused(plan, "approve", head("manager"), step=office.act).rule == "A-LOG-72"
    worked = [{"service_item": "回访", "agents": 3}, {"service_item": "走访", "agents": 4}]
    assert refused(plan, "review", head(), step=office.act, worked=worked).rule == "A-LOG-72"
    office.act(plan, "approve", office.by("m-1", "manager"))
    changed = {"planned": [{"service_item": "回访", "agents": 7}]}
    assert refused(plan, "reallocate", head(), step=office.act, **changed).rule == "A-LOG-72"
    assert refused(plan, "review", head(), step=office.act, worked=worked).rule == "A-LOG-72"
    office.act(plan, "guide", head(), guidance="先回访重点客户")
    short = refused(plan, "review", head(), step=office.act, worked=worked)
    assert (short.rule, short.details["check"]) == ("A-LOG-72", "as_planned")
    office.act(plan, "review", head(), worked=worked, shortfall="两人请假")
    shown = office.get(plan)
    assert (shown["state"], shown["values"]["agents_worked"], shown["values"]["fulfilled"]) == (
        "reviewed",
        "7",
        "70",
    )


@pytest.mark.rule("A-JD4-02")
def test_a_days_calls_are_planned_by_region_and_what_was_done_is_told_of_them(tmp_path: Path) -> None:
    """Promise: 30 calls planned in the north and 25 made are 83 %; whose plan of the day is missing is listed."""
    due = """overrides:
  - version: "2026.1"
    effective_from: 2020-01-01
    intake:
      registers:
        daily_calling_plan: {obligations: {daily: {of: {value: [a-1, a-2], source: organisation}}}}
"""
    office = office_of(tmp_path, "standard", due)
    form: dict[str, Any] = {"region": "北区", "leads_planned": 20, "calls_planned": 30}
    for code in form:
        lacking = {key: value for key, value in form.items() if key != code}
        assert refused("daily_calling_plan", office.by("a-1"), step=office.open, **lacking).rule == "A-JD4-02"
    plan = office.open("daily_calling_plan", office.by("a-1"), **form)
    assert refused("daily_calling_plan", office.by("a-1"), step=office.open, **form).rule == "A-JD4-02"
    office.open("daily_calling_plan", office.by("a-1"), **form | {"region": "南区"})
    done = {"leads_collected": 22, "calls_made": 25}
    assert refused(plan, "report", office.by("a-2"), step=office.act, **done).rule == "A-JD4-02"
    office.act(plan, "report", office.by("a-1"), **done)
    values = office.get(plan)["values"]
    assert (values["calls_percent"], values["leads_percent"]) == ("83", "110")
    office.clock.set(beijing("2026-03-03 00:00"))
    (missing,) = office.missing("daily_calling_plan")
    assert (missing["for"], missing["first_day"], missing["source"]) == ("a-2", "2026-03-02", "A-JD4-02")


@pytest.mark.rule("A-AFT-12")
def test_a_repair_order_goes_to_a_point_of_its_region_that_works(tmp_path: Path) -> None:
    """Promise: no order for a point that is not active, no longer active, or of another region."""
    office = office_of(tmp_path, "product-after-sales")

    def point(name: str, place: str) -> str:
        made = office.open("repair_point", office.by("u-1"), point=name, place=place)
        office.act(made, "check", office.by("u-1"), findings="设备齐全")
        office.act(made, "sign", office.by("u-1"), contract="C9")
        return made

    near, far = point("SP1", "城北"), point("SP2", "城南")
    office.act(far, "activate", office.by("u-1"))
    order = office.open("repair_order", office.by("u-1"), place="城北", fault="不制冷")
    for wrong in (near, far):
        assert refused(order, "assign", office.by("u-1"), step=office.act, point=wrong).rule == "A-AFT-12"
    with pytest.raises(NotFound):
        office.act(order, "assign", office.by("u-1"), point=order)
    assert refused(order, "finish", office.by("u-1"), step=office.act, result="好").rule == "A-AFT-12"
    office.act(near, "activate", office.by("u-1"))
    assert office.act(order, "assign", office.by("u-1"), point=near)["state"] == "assigned"
    office.act(near, "close", office.by("u-1"))
    second = office.open("repair_order", office.by("u-1"), place="城北", fault="异响")
    assert refused(second, "assign", office.by("u-1"), step=office.act, point=near).rule == "A-AFT-12"
    # What it had before it closed it may still finish.
    assert office.act(order, "finish", office.by("u-1"), result="已换件")["open"] is False


@pytest.mark.rule("A-TRV-10")
def test_every_call_is_logged_and_those_of_unknown_callers_are_counted(tmp_path: Path) -> None:
    """Promise: a hundred calls, 97 with something of their caller: a hundred are kept, three flagged."""
    office = office_of(tmp_path, "call-centre")
    for number in range(97):
        said = ({"caller": f"cu_{number}"}, {"contact": f"ct_{number}"}, {"noted": "女士，询价"})[number % 3]
        office.open("incoming_call", office.by("u-1"), **said)
    silent = [office.open("incoming_call", office.by("u-1")) for _ in range(3)]
    data: dict[str, Any] = dict.fromkeys(("by", "opened_from", "opened_before"))
    figures = office.app.read_registers.register_statistics(
        office.by("u-1"), data | {"register": "incoming_call", "sums": []}
    )
    assert (figures["total"], figures["by_flag"]) == (100, {"caller_known": 3})
    assert set(office.find(register="incoming_call", flag="caller_known")) == set(silent)
    (flagged,) = office.told(silent[0], "record_flagged")
    assert flagged["source"] == "A-TRV-10"
    office.correct(silent[0], office.by("u-1"), "后来知道", noted="李先生")
    assert office.find(register="incoming_call", flag="caller_known") == [silent[2], silent[1]]
