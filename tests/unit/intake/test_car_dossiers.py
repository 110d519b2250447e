"""The files a car dealer keeps of sales and workshop visits: which papers, in which form, by when, excused how."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Conflict, Forbidden, RuleRefused, ValidationFailed
from tests.unit.intake.dossier_world import FileRoom
from tests.unit.intake.fakes import beijing

PLAIN = (
    "purchase_contract",
    "accessory_contract",
    "residence_permit",
    "vehicle_certificate",
    "tax_certificate",
    "tax_receipt",
    "licence_receipt",
    "insurance_policy",
    "policy_invoice",
    "delivery_confirmation",
    "stock_release",
    "membership_sheet",
)
IDENTITY = {"item": "identity", "form": "id_card", "make": "copy"}
INVOICE = {"item": "invoice", "form": "retail_invoice", "make": "original", "reference": "I1"}
ADMINISTRATOR: dict[str, Any] = {"actor": "stf_adm", "roles": ("car_file_administrator",)}


@pytest.fixture
def room(tmp_path: Path) -> FileRoom:
    """Friday, 14 June 2024, in a dealer's file room."""
    return FileRoom(tmp_path, "auto-dealer", "2024-06-14 10:00")


def sold(room: FileRoom, buyer: str = "person") -> str:
    dossier = room.open("car_file", "sale", facts={"buyer": buyer})
    room.do("mark", id=dossier, mark="delivered")
    return dossier


def missing(room: FileRoom, dossier: str) -> list[str]:
    return [row["item"] for row in room.get(dossier)["missing"]]


@pytest.mark.rule("A-AUT-14")
def test_a_car_file_of_thirteen_papers_names_the_one_that_is_missing(room: FileRoom) -> None:
    """Guards the list of fourteen: originals and copies both serve, and the last one makes it complete."""
    dossier = sold(room)
    assert len(missing(room, dossier)) == 14
    room.bring(dossier, *PLAIN[:6])
    room.bring(dossier, *PLAIN[6:], make="copy")
    room.do("hand_in", id=dossier, documents=[IDENTITY])
    (lack,) = room.get(dossier)["missing"]
    assert (lack["item"], lack["source"]) == ("invoice", "A-AUT-16")
    assert not room.get(dossier)["complete"]
    answer = room.do("hand_in", id=dossier, documents=[INVOICE])
    assert (answer["complete"], answer["missing"]) == (True, [])
    items = [row for row in room.get(dossier)["items"] if row["asked"]]
    assert len(items) == 14
    assert {row["source"] for row in items if row["item"] in PLAIN} == {"A-AUT-14"}


@pytest.mark.rule("A-AUT-15")
def test_a_company_may_bring_its_licence_instead_of_an_identity_card(room: FileRoom) -> None:
    """Guards the alternatives: each of them makes the line, but those of companies serve no person."""
    licence = {"item": "identity", "form": "business_licence", "make": "copy"}
    for number, form in enumerate(("business_licence", "institution_code", "id_card")):
        company = room.open("car_file", "sale", f"C{number}", facts={"buyer": "company"})
        assert "identity" in missing(room, company)
        room.do("hand_in", id=company, documents=[licence | {"form": form}])
        assert "identity" not in missing(room, company)
    person = sold(room)
    assert room.refused("hand_in", id=person, documents=[licence]) == "A-AUT-15"
    with pytest.raises(ValidationFailed):
        room.do("hand_in", id=person, documents=[licence | {"form": "passport"}])
    assert "identity" in missing(room, person)


@pytest.mark.rule("A-AUT-16")
@pytest.mark.parametrize("form", ["retail_invoice", "vat_invoice"])
def test_either_invoice_makes_the_line(room: FileRoom, form: str) -> None:
    """Guards the alternatives of the invoice; its number is kept and in no event."""
    dossier = sold(room)
    assert "invoice" in missing(room, dossier)
    room.do("hand_in", id=dossier, documents=[INVOICE | {"form": form}])
    assert "invoice" not in missing(room, dossier)
    assert room.get(dossier)["pieces"][0]["reference"] == "I1"
    assert all("I1" not in str(unsent.entry.data) for unsent in room.published)


@pytest.mark.rule("A-AUT-17")
def test_a_car_file_is_due_two_working_days_after_delivery(room: FileRoom) -> None:
    """Friday's car is due to the end of Tuesday; what comes on Wednesday is late, what came before is not."""
    dossier = sold(room)
    clock = room.clocks(dossier, "complete")
    assert (clock["due_at"], clock["source"]) == (beijing("2024-06-19 00:00"), "A-AUT-17")
    room.at("2024-06-18 23:59")
    room.bring(dossier, *PLAIN)
    room.do("hand_in", id=dossier, documents=[IDENTITY])
    assert room.late(dossier) == []
    room.at("2024-06-19 09:00")
    assert room.late(dossier) == [("complete", "invoice", False)]
    assert [row["overdue"] for row in room.do("page", overdue=True)] == [True]
    room.do("hand_in", id=dossier, documents=[INVOICE])
    (late,) = room.get(dossier)["late"]
    assert (late["item"], late["bound"], late["source"]) == ("invoice", ["sales_staff"], "A-AUT-17")
    assert late["done_at"] == "2024-06-19T01:00:00.000Z"
    assert room.do("page", overdue=True) == []
    assert [data["source"] for data in room.events("clock_breached")] == ["A-AUT-17"]


@pytest.mark.rule("A-AUT-17")
def test_days_off_are_not_counted(room: FileRoom) -> None:
    """The dragon boat holiday, Monday 10 June 2024, moves the due day of a car delivered on Friday before."""
    dossier = room.open("car_file", "sale", facts={"buyer": "person"})
    room.do("mark", id=dossier, mark="delivered", at="2024-06-07T15:00:00+08:00")
    assert room.clocks(dossier, "complete")["due_at"] == beijing("2024-06-13 00:00")


@pytest.mark.rule("A-AUT-19")
@pytest.mark.parametrize(("moment", "valid"), [("2024-06-17 10:00", True), ("2024-06-19 00:00", False)])
def test_an_excuse_counts_only_before_the_papers_are_due(room: FileRoom, moment: str, *, valid: bool) -> None:
    """Guards the deduction: a reason explained afterwards is kept, but changes nothing."""
    dossier = sold(room)
    room.bring(dossier, *PLAIN)
    room.do("hand_in", id=dossier, documents=[IDENTITY])
    room.at(moment)
    excuse: dict[str, Any] = {"id": dossier, "reason": "税局系统停机", "explained_by": "stf_s1"}
    assert room.forbidden("excuse", **excuse) == "A-AUT-19"
    assert room.do("excuse", **ADMINISTRATOR, **excuse)["valid"] is valid
    room.at("2024-06-20 10:00")
    room.do("hand_in", id=dossier, documents=[INVOICE])
    (row,) = room.do("late")
    listed, other = ("excused", "deductions") if valid else ("deductions", "excused")
    assert [each["item"] for each in row[listed]] == ["invoice"]
    assert row[other] == []
    (event,) = room.events("dossier_excused")
    assert (event["valid"], event["source"]) == (valid, "A-AUT-19")
    assert "税局" not in str(event)


def test_an_excuse_for_one_paper_excuses_no_other(room: FileRoom) -> None:
    """Guards against a reason for the tax office's paper covering everything."""
    dossier = sold(room)
    room.bring(dossier, *(item for item in PLAIN if item != "tax_receipt"))
    room.do("hand_in", id=dossier, documents=[IDENTITY])
    excuse: dict[str, Any] = {"id": dossier, "reason": "税局", "explained_by": "stf_s1"}
    room.do("excuse", **ADMINISTRATOR, **excuse, items=["tax_receipt"])
    with pytest.raises(ValidationFailed):
        room.do("excuse", **ADMINISTRATOR, **excuse, items=["passport"])
    with pytest.raises(RuleRefused):
        room.do("excuse", **ADMINISTRATOR, **(excuse | {"explained_by": "stf_adm"}))
    room.at("2024-06-19 10:00")
    assert room.late(dossier) == [("complete", "invoice", False), ("complete", "tax_receipt", True)]


@pytest.mark.rule("A-AUT-20")
@pytest.mark.parametrize(("moment", "late"), [("2024-06-17 17:00", False), ("2024-06-18 09:00", True)])
def test_workshop_papers_are_due_one_working_day_after_the_car_left(
    room: FileRoom, moment: str, *, late: bool
) -> None:
    """Friday's visit is due on Monday; on Tuesday it is late."""
    dossier = room.open("workshop_file", "work_order", "W1")
    room.do("mark", id=dossier, mark="left")
    clock = room.clocks(dossier, "complete")
    assert (clock["due_at"], clock["source"]) == (beijing("2024-06-18 00:00"), "A-AUT-20")
    room.at(moment)
    room.bring(dossier, "related_documents")
    assert bool(room.late(dossier)) is late
    assert room.clocks(dossier, "complete")["state"] == ("met_late" if late else "met")


def test_papers_handed_in_before_the_delivery_meet_the_clock_at_once(room: FileRoom) -> None:
    """Guards against a file that was complete too early for its clock."""
    dossier = room.open("workshop_file", "work_order", "W1")
    room.bring(dossier, "related_documents")
    room.do("mark", id=dossier, mark="left", at="2024-06-13T10:00:00+08:00")
    assert room.clocks(dossier, "complete")["state"] == "met"


def test_of_one_sale_there_is_one_file_and_a_repeat_is_no_second(room: FileRoom) -> None:
    """Guards one file a subject (一户一档), and the command's key."""
    arguments: dict[str, Any] = {"kind": "car_file", "about": "sale", "about_id": "S9"}
    arguments["facts"] = {"buyer": "person"}
    first = room.do("open", key="k", **arguments)
    assert room.do("open", key="k", **arguments) == first
    with pytest.raises(Conflict):
        room.do("open", **arguments)
    assert len(room.do("page")) == len(room.events("dossier_opened")) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "household_file"},
        {"about": "unit"},
        {"facts": {}},
        {"facts": {"buyer": "robot"}},
        {"facts": {"buyer": "person", "colour": "red"}},
    ],
)
def test_what_the_rulebook_does_not_know_is_refused(room: FileRoom, changes: dict[str, Any]) -> None:
    """Guards against a file nobody has rules for."""
    arguments: dict[str, Any] = {"kind": "car_file", "about": "sale", "facts": {"buyer": "person"}}
    with pytest.raises(ValidationFailed):
        room.do("open", about_id="S1", **(arguments | changes))
    assert room.do("page") == []


@given(order=st.permutations([*PLAIN, "identity", "invoice"]), split=st.integers(0, 14))
def test_in_whatever_order_papers_come_the_file_is_complete_with_the_last(
    tmp_path_factory: pytest.TempPathFactory, order: list[str], split: int
) -> None:
    """Completeness is what is there, not how it came; a paper brought twice makes up for no other."""
    room = FileRoom(tmp_path_factory.mktemp("room"), "auto-dealer", "2024-06-14 10:00")
    dossier = sold(room)
    forms = {"identity": IDENTITY, "invoice": INVOICE}
    documents = [forms.get(item, {"item": item, "make": "copy"}) for item in order]
    for part in (documents[:split], documents[split:]):
        if part:
            room.do("hand_in", id=dossier, documents=part)
        assert missing(room, dossier) == [
            row["item"] for row in room.get(dossier)["items"] if not row["there"]
        ]
        assert room.get(dossier)["complete"] is (missing(room, dossier) == [])
    assert room.get(dossier)["complete"]


def test_nobody_excuses_where_no_rule_does(room: FileRoom) -> None:
    """The workshop's handbook speaks of no excuse, so there is none."""
    dossier = room.open("workshop_file", "work_order", "W1")
    with pytest.raises((Conflict, Forbidden)):
        room.do("excuse", **ADMINISTRATOR, id=dossier, reason="忙", explained_by="stf_s1")
