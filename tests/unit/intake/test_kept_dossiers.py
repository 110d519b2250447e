"""Files that are kept: one a household, with a keeper; confidential ones; a franchise's; what two at once do to one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from services.intake.rulebook import read_rulebooks
from shared.errors import Conflict, Forbidden, NotFound, ValidationFailed
from tests.unit.intake.dossier_world import FileRoom

GROUPS = ["lease", "agreement", "entry_exit", "decoration", "marketing", "licences", "corrections", "letters"]


def room_of(folder: Path, profile: str) -> FileRoom:
    return FileRoom(folder, profile, "2024-05-06 10:00")


@pytest.mark.rule("B-JKC-19")
def test_a_household_has_one_file_of_nine_groups_and_lacks_its_lease(tmp_path: Path) -> None:
    """Guards the list: decoration papers belong to who decorates, and the lease to everybody."""
    room = room_of(tmp_path, "commercial-plaza")
    shop: dict[str, Any] = {"kind": "household_file", "about": "unit", "about_id": "A12", "keeper": "stf_f3"}
    dossier = room.do("open", **shop)["dossier_id"]
    with pytest.raises(Conflict):
        room.do("open", **shop)
    assert room.get(dossier)["groups"] == [*GROUPS, "others"]
    assert {row["group"] for row in room.get(dossier)["items"]} == {*GROUPS, "others"}
    room.bring(dossier, "property_agreement", "entry_exit_form", "business_licence")
    room.bring(dossier, "id_copy", make="copy")
    assert [(row["item"], row["source"]) for row in room.get(dossier)["missing"]] == [("lease", "B-JKC-19")]
    room.bring(dossier, "lease")
    assert room.get(dossier)["complete"]
    answer = room.do("amend", id=dossier, facts={"occasion": "decoration"})
    assert answer["missing"] == [
        "decoration_registration",
        "decoration_notice",
        "decoration_pledge",
        "responsibility_letter",
        "drawings",
    ]
    assert [row["dossier_id"] for row in room.do("page", complete=False)] == [dossier]


@pytest.mark.rule("B-JKC-20")
def test_a_household_file_has_a_keeper_and_is_updated_on_entry_and_exit(tmp_path: Path) -> None:
    """Guards that somebody keeps each file: the floor's manager, with the head of the project before him."""
    room = room_of(tmp_path, "commercial-plaza")
    shop: dict[str, Any] = {"kind": "household_file", "about": "unit", "about_id": "A12"}
    assert room.refused("open", **shop) == "B-JKC-20"
    dossier = room.do("open", **shop, keeper="F3")["dossier_id"]
    shown = room.get(dossier)
    assert shown["keeper"] == {"staff": "F3", "role": "floor_manager"}
    assert shown["responsible"]["role"] == "project_head"
    assert [row["about_id"] for row in room.do("page", keeper="F3")] == ["A12"]
    room.at("2024-05-07 10:00")
    room.do("mark", id=dossier, mark="entered")
    assert room.get(dossier)["updated_at"] == "2024-05-07T02:00:00.000Z"
    assert room.events("dossier_marked")[0]["source"] == "B-JKC-20"
    room.do("amend", id=dossier, keeper="F4", responsible="stf_head")
    assert room.do("page", keeper="F3") == []
    assert room.get(dossier)["responsible"] == {"staff": "stf_head", "role": "project_head"}


def client_file(room: FileRoom) -> str:
    opened = {"kind": "client_file", "about": "customer", "about_id": "cu_1"}
    return str(room.do("open", roles=("file_staff",), **opened)["dossier_id"])


@pytest.mark.rule("A-LOG-52")
def test_reading_a_confidential_file_needs_the_right_and_leaves_one_entry(tmp_path: Path) -> None:
    """Guards clients: who has no right learns nothing and leaves no entry, who has is noted, once a command."""
    room = room_of(tmp_path, "logistics")
    reader: dict[str, Any] = {"actor": "A1", "roles": ("post_service_supervisor",)}
    assert room.forbidden("open", kind="client_file", about="customer", about_id="cu_1") == "A-LOG-52"
    file = client_file(room)
    read: dict[str, Any] = {"id": file, "purpose": "核对合同"}
    assert room.forbidden("read", **read) == "A-LOG-52"
    assert room.forbidden("get", id=file, roles=("post_service_supervisor",)) == "A-LOG-52"
    assert room.forbidden("hand_in", id=file, documents=[{"item": "papers", "make": "copy"}]) == "A-LOG-52"
    assert room.do("page") == []
    assert [row["dossier_id"] for row in room.do("page", roles=("file_staff",))] == [file]
    assert room.events("dossier_read") == []
    room.do("read", key="once", **reader, **read)
    shown = room.do("read", key="once", **reader, **read)
    assert shown["accesses"] == [{"by": "A1", "at": "2024-05-06T02:00:00.000Z", "purpose": "核对合同"}]
    (event,) = room.events("dossier_read")
    assert event["source"] == "A-LOG-52"
    assert "核对" not in str(event)


@pytest.mark.rule("A-LOG-68")
def test_file_staff_say_how_long_a_file_is_kept(tmp_path: Path) -> None:
    """Guards the archive's own decision: not even others who may read the file make it."""
    room = room_of(tmp_path, "logistics")
    file = client_file(room)
    keep: dict[str, Any] = {"id": file, "retention_years": 5}
    with pytest.raises(Forbidden):
        room.do("amend", **keep)
    assert room.forbidden("amend", **keep, roles=("post_service_supervisor",)) == "A-LOG-68"
    room.do("amend", **keep, roles=("file_staff",))
    shown = room.do("read", id=file, purpose="x", roles=("file_staff",))
    assert shown["retention_years"] == 5


def test_a_customers_file_is_about_a_customer_there_is(tmp_path: Path) -> None:
    """Guards against files about nobody, and against looking at what is not there."""
    room = room_of(tmp_path, "logistics")
    with pytest.raises(NotFound):
        room.do("open", roles=("file_staff",), kind="client_file", about="customer", about_id="cu_2")
    with pytest.raises(NotFound):
        room.do("get", id="ds_none")


@pytest.mark.rule("B-DUT-28")
def test_an_owners_file_is_read_by_few_and_each_reading_is_noted(tmp_path: Path) -> None:
    """Guards owners: who read their file, and when."""
    room = room_of(tmp_path, "property")
    opened: dict[str, Any] = {"kind": "owner_file", "about": "unit", "about_id": "3-201"}
    file = room.do("open", roles=("property_clerk",), **opened)["dossier_id"]
    assert room.forbidden("read", id=file, purpose="好奇", roles=("service_desk",)) == "B-DUT-28"
    room.do("read", id=file, purpose="核对面积", actor="stf_m", roles=("department_manager",))
    room.at("2024-05-06 11:00")
    shown = room.do("read", id=file, purpose="更新资料", actor="stf_c", roles=("property_clerk",))
    times = [(row["by"], row["at"]) for row in shown["accesses"]]
    assert times == [("stf_m", "2024-05-06T02:00:00.000Z"), ("stf_c", "2024-05-06T03:00:00.000Z")]


def test_events_name_no_unit(tmp_path: Path) -> None:
    """Guards personal data: which flat it is stays in the file."""
    room = room_of(tmp_path, "property")
    room.do("open", roles=("property_clerk",), kind="owner_file", about="unit", about_id="3-201")
    assert room.published
    assert all("3-201" not in str(unsent.entry.data) for unsent in room.published)


def hotel(room: FileRoom, name: str = "H2", **facts: str) -> str:
    return room.open("franchise_file", "hotel", name, facts=facts)


@pytest.mark.rule("A-HTL-18")
def test_hotels_are_found_by_the_version_of_the_manual_they_got(tmp_path: Path) -> None:
    """Twenty hotels, seventeen with the third edition; a manual without its version is not taken."""
    room = room_of(tmp_path, "hotel-franchise")
    for number in range(20):
        manual = {"item": "operating_manual", "make": "original"}
        file = hotel(room, f"H{number}")
        assert room.refused("hand_in", id=file, documents=[manual]) == "A-HTL-18"
        edition = "v3" if number < 17 else "v2"
        room.do("hand_in", id=file, documents=[manual | {"reference": edition}])
    found = room.do("page", item="operating_manual", reference="v3", limit=200)
    assert len(found) == 17
    assert len(room.do("page", item="operating_manual", limit=200)) == 20
    assert {row["about_id"] for row in found} == {f"H{number}" for number in range(17)}


@pytest.mark.rule("A-HTL-19")
def test_a_franchise_has_a_design_plan_and_a_budget(tmp_path: Path) -> None:
    """The sum is kept as it was given, and words are no sum."""
    room = room_of(tmp_path, "hotel-franchise")
    with pytest.raises(ValidationFailed):
        hotel(room, budget="much")
    file = hotel(room, budget="5000000")
    assert "design_plan" in [row["item"] for row in room.get(file)["missing"] if row["source"] == "A-HTL-19"]
    room.bring(file, "design_plan")
    assert "design_plan" not in [row["item"] for row in room.get(file)["missing"]]
    assert room.get(file)["facts"] == {"budget": "5000000"}


@pytest.mark.rule("A-HTL-20")
def test_a_franchise_is_not_approved_before_its_feasibility_plan_is_there(tmp_path: Path) -> None:
    """Guards the approval."""
    room = room_of(tmp_path, "hotel-franchise")
    file = hotel(room)
    assert room.refused("mark", id=file, mark="approved") == "A-HTL-20"
    room.bring(file, "feasibility_report")
    assert room.do("mark", id=file, mark="approved")["stands"] is True


@pytest.mark.rule("A-HTL-21")
def test_one_of_the_recommended_firms_is_chosen(tmp_path: Path) -> None:
    """Three firms on the list, one of them chosen, on its day."""
    room = room_of(tmp_path, "hotel-franchise")
    file = hotel(room)
    firms = [{"item": "supplier", "make": "copy", "reference": f"F{number}"} for number in (1, 2, 3)]
    room.do("hand_in", id=file, documents=firms)
    room.at("2024-05-10 10:00")
    assert room.refused("mark", id=file, mark="supplier_chosen") == "A-HTL-21"
    room.do("mark", id=file, mark="supplier_chosen", piece=3)
    shown = room.get(file)
    chosen = next(row for row in shown["marks"] if row["mark"] == "supplier_chosen")
    assert chosen["given"][0]["at"] == "2024-05-10T02:00:00.000Z"
    assert shown["pieces"][chosen["given"][0]["piece"] - 1]["reference"] == "F3"


@pytest.mark.rule("A-HTL-24")
@pytest.mark.parametrize("last", ["image_design", "feasibility_report", "operating_manual"])
def test_a_hotel_does_not_go_live_before_all_three_are_delivered(tmp_path: Path, last: str) -> None:
    """Image, feasibility report, manual: whichever is missing holds the opening."""
    room = room_of(tmp_path, "hotel-franchise")
    file = hotel(room)
    for item in ("image_design", "feasibility_report", "operating_manual"):
        if item != last:
            room.bring(file, item, reference="v3")
    assert room.refused("mark", id=file, mark="live") == "A-HTL-24"
    room.bring(file, last, reference="v3")
    assert room.do("mark", id=file, mark="live")["stands"] is True


def test_of_two_who_change_a_file_at_once_neither_is_lost(tmp_path: Path) -> None:
    """Guards concurrency: the later writer starts over from what the earlier one wrote."""
    room = room_of(tmp_path, "hotel-franchise")
    file = hotel(room)
    save, others = room.kept.save, [1]

    def save_after_another(*arguments: Any, **named: Any) -> None:
        if others.pop() if others else False:
            room.bring(file, "image_design")
        save(*arguments, **named)

    room.kept.save = save_after_another  # type: ignore[method-assign]
    room.bring(file, "design_plan")
    assert [row["item"] for row in room.get(file)["pieces"]] == ["image_design", "design_plan"]
    assert [row["piece"] for row in room.get(file)["pieces"]] == [1, 2]


BAD = {
    "a fact that is not there": ("when: {mood: [good]}", "mood"),
    "a value the fact does not have": ("when: {buyer: [robot]}", "robot"),
    "a group that is not there": ("group: cellar", "cellar"),
}


@pytest.mark.parametrize(("item", "named"), BAD.values(), ids=BAD.keys())
def test_a_rulebook_whose_names_lead_nowhere_is_refused(tmp_path: Path, item: str, named: str) -> None:
    """Guards the start of the service: a slip in a name would otherwise never ask for its document."""
    own = f"""      dossiers:
        kit:
          name: 资料
          abouts: [unit]
          facts: {{buyer: {{name: 购买人, values: [person]}}}}
          items: {{paper: {{name: 文件, {item}, source: organisation}}}}
          source: organisation
      dossier_settings:
        kit: {{limits: {{filed: {{within: {{amount: 1, unit: days, source: organisation}}}}}}}}
"""
    good = FileRoom(tmp_path, "auto-dealer", "2024-05-06 10:00")
    path = good.folder / "own-demo.yaml"
    text = path.read_text(encoding="utf-8")
    tail = f'overrides:\n  - version: "1"\n    effective_from: 2020-01-01\n    intake:\n{own}'
    path.write_text(text + tail, encoding="utf-8")
    reasons = " ".join(fault.reason for fault in read_rulebooks(tmp_path).faults)
    assert named in reasons
