"""The sales office's files: bound the same day, passed on in time, uploaded on fixed days, lent on signature."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from shared.errors import Conflict, RuleRefused, ValidationFailed
from tests.unit.intake.dossier_world import FileRoom
from tests.unit.intake.fakes import beijing

LIMIT = """      dossier_settings:
        sale_file:
          limits:
            registered: {within: {amount: 1, unit: days, source: organisation}}
"""
DIRECTOR: dict[str, Any] = {"actor": "stf_dir", "roles": ("sales_director",)}


@pytest.fixture
def room(tmp_path: Path) -> FileRoom:
    """Monday, 6 May 2024, in a sales office."""
    return FileRoom(tmp_path, "real-estate", "2024-05-06 10:00")


def sale(room: FileRoom, about_id: str = "B1", payment: str = "mortgage") -> str:
    return room.open("sale_file", "sale", about_id, facts={"payment": payment})


@pytest.mark.rule("A-SOF-01")
@pytest.mark.parametrize(("moment", "state"), [("2024-05-06 23:59", "met"), ("2024-05-07 00:00", "met_late")])
def test_papers_are_checked_on_the_day_they_come(room: FileRoom, moment: str, state: str) -> None:
    """What came at ten is in time until midnight, whatever day off follows."""
    dossier = sale(room)
    room.bring(dossier, "registration_papers")
    clock = room.clocks(dossier, "checked.1")
    assert (clock["due_at"], clock["source"]) == (beijing("2024-05-07 00:00"), "A-SOF-01")
    room.at(moment)
    room.do("move", id=dossier, stage="checked")
    assert room.clocks(dossier, "checked.1")["state"] == state


@pytest.mark.rule("A-SOF-02")
def test_the_list_of_the_day_names_what_was_not_bound(room: FileRoom) -> None:
    """Twenty papers came, seventeen were bound by midnight; binding the rest next morning changes no list."""
    dossiers = [sale(room, f"B{number}") for number in range(4)]
    for dossier in dossiers:
        room.bring(dossier, *["company_papers"] * 5)
    for dossier in dossiers[:3]:
        room.do("move", id=dossier, stage="bound")
    room.do("move", id=dossiers[3], stage="bound", pieces=[1, 2])
    clock = room.clocks(dossiers[3], "bound.3")
    assert (clock["due_at"], clock["source"]) == (beijing("2024-05-07 00:00"), "A-SOF-02")
    room.at("2024-05-07 09:00")
    room.do("move", id=dossiers[3], stage="bound")
    room.bring(dossiers[0], "loan_papers")
    day = room.do("unfiled", day="2024-05-06")
    assert (day["received"], len(day["unfiled"])) == (20, 3)
    assert {row["dossier_id"] for row in day["unfiled"]} == {dossiers[3]}
    assert [row["piece"] for row in day["unfiled"]] == [3, 4, 5]
    assert room.do("unfiled", day="2024-05-05") == {"dossiers": 0, "received": 0, "unfiled": []}
    late = [(clock, excused) for clock, _, excused in room.late(dossiers[3]) if clock.startswith("bound")]
    assert late == [("bound.3", False), ("bound.4", False), ("bound.5", False)]


@pytest.mark.rule("A-SOF-03")
@pytest.mark.parametrize(
    ("moment", "batch"),
    [
        ("2024-05-06 10:00", "2024-05-06"),
        ("2024-05-07 10:00", "2024-05-09"),
        ("2024-05-10 10:00", "2024-05-13"),
        # Monday, 10 June 2024 is a day off: the next day of the two.
        ("2024-06-07 10:00", "2024-06-13"),
    ],
)
def test_company_papers_go_up_on_the_next_monday_or_thursday(room: FileRoom, moment: str, batch: str) -> None:
    """Guards the batch day; nothing goes up before a copy is kept."""
    room.at(moment)
    dossier = sale(room)
    room.bring(dossier, "company_papers")
    assert [row["dossier_id"] for row in room.do("page", batch_day=batch)] == [dossier]
    clock = room.clocks(dossier, "uploaded.1")
    assert (clock["due_at"].date().isoformat(), clock["source"]) == (batch, "A-SOF-03")
    assert room.refused("move", id=dossier, stage="uploaded") == "A-SOF-03"
    room.do("move", id=dossier, stage="uploaded", copy_kept=True)
    (piece,) = room.get(dossier)["pieces"]
    assert (piece["holder"], piece["stages"][0]["copy_kept"]) == ("company_archive", True)
    assert room.do("page", batch_day=batch) == []


@pytest.mark.rule("A-SOF-04")
def test_filed_papers_are_lent_on_the_directors_signature_only(room: FileRoom) -> None:
    """Guards the archive: asked for is not lent, nobody else signs, and what is out is not lent again."""
    dossier = sale(room)
    room.bring(dossier, "presale_contract", "loan_papers")
    ask: dict[str, Any] = {"id": dossier, "mode": "request", "pieces": [1], "due_back": "2024-05-08"}
    with pytest.raises(Conflict):
        room.do("lend", **ask)
    room.do("move", id=dossier, stage="bound")
    assert room.do("lend", actor="stf_clerk", **ask) == {"dossier_id": dossier, "loan": 1, "state": "pending"}
    with pytest.raises(Conflict):
        room.do("lend", actor="stf_other", **ask)
    assert room.forbidden("lend", id=dossier, mode="grant", loan=1) == "A-SOF-04"
    assert room.get(dossier)["pieces"][0]["holder"] is None
    assert room.do("lend", **DIRECTOR, id=dossier, mode="grant", loan=1)["state"] == "lent"
    (loan,) = room.get(dossier)["loans"]
    assert (loan["decided_role"], loan["borrower"]) == ("sales_director", "stf_clerk")
    assert room.get(dossier)["pieces"][0]["holder"] == "stf_clerk"
    clock = room.clocks(dossier, "loan.1")
    assert (clock["due_at"], clock["source"]) == (beijing("2024-05-09 00:00"), "A-SOF-04")
    room.at("2024-05-09 08:00")
    assert ("loan.1", None, False) in room.late(dossier)
    assert room.do("lend", id=dossier, mode="return", loan=1)["state"] == "returned"
    assert room.get(dossier)["pieces"][0]["holder"] is None
    assert room.do("lend", **ask | {"due_back": "2024-05-10"})["loan"] == 2
    assert room.do("lend", **DIRECTOR, id=dossier, mode="refuse", loan=2)["state"] == "refused"
    with pytest.raises(Conflict):
        room.do("lend", id=dossier, mode="return", loan=2)
    assert room.do("lend", **ask | {"due_back": "2024-05-10"})["loan"] == 3
    states = [data["state"] for data in room.events("loan_changed")]
    assert states == ["pending", "lent", "returned", "pending", "refused", "pending"]


@pytest.mark.rule("A-SOF-05")
@pytest.mark.parametrize(("moment", "state"), [("2024-05-07 09:59", "met"), ("2024-05-07 10:01", "met_late")])
def test_loan_papers_go_to_the_mortgage_lawyer_within_a_day(room: FileRoom, moment: str, state: str) -> None:
    """Twenty-four hours from the clerk's handing in, by the clock on the wall."""
    dossier = sale(room)
    room.bring(dossier, "loan_papers")
    clock = room.clocks(dossier, "to_mortgage_lawyer.1")
    assert (clock["due_at"], clock["source"]) == (beijing("2024-05-07 10:00"), "A-SOF-05")
    room.at(moment)
    assert room.refused("move", id=dossier, stage="to_mortgage_lawyer", to="bank") == "A-SOF-05"
    room.do("move", id=dossier, stage="to_mortgage_lawyer", to="mortgage_lawyer")
    assert room.clocks(dossier, "to_mortgage_lawyer.1")["state"] == state
    assert room.get(dossier)["pieces"][0]["holder"] == "mortgage_lawyer"


def test_a_buyer_who_turns_to_a_mortgage_starts_its_clock_and_one_who_pays_ends_it(room: FileRoom) -> None:
    """Guards clocks against the facts: they run as long as the facts ask for them, from when the paper came."""
    dossier = sale(room, payment="lump_sum")
    room.bring(dossier, "loan_papers")
    with pytest.raises(Conflict):
        room.do("move", id=dossier, stage="to_mortgage_lawyer")
    room.at("2024-05-06 18:00")
    room.do("amend", id=dossier, facts={"payment": "mortgage"})
    assert room.clocks(dossier, "to_mortgage_lawyer.1")["due_at"] == beijing("2024-05-07 10:00")
    room.do("amend", id=dossier, facts={"payment": "lump_sum"})
    states = [r["state"] for r in room.get(dossier)["clocks"] if r["clock"] == "to_mortgage_lawyer.1"]
    assert states == ["superseded"]
    with pytest.raises(ValidationFailed):
        room.do("amend", id=dossier, facts={"payment": "shells"})


@pytest.mark.rule("A-SOF-06")
def test_registering_on_line_is_noted_and_late_by_the_offices_own_limit(tmp_path: Path) -> None:
    """The handbook has no number: without one nothing is late, with one the clock runs by it."""
    plain, timed = tmp_path / "plain", tmp_path / "timed"
    for folder, settings, clocks in ((plain, "", []), (timed, LIMIT, ["met_late"])):
        folder.mkdir()
        room = FileRoom(folder, "real-estate", "2024-05-06 10:00", settings)
        dossier = sale(room)
        room.bring(dossier, "presale_contract")
        room.at("2024-05-07 10:00")
        room.do("move", id=dossier, stage="registered")
        shown = room.get(dossier)
        assert [row["at"] for row in shown["pieces"][0]["stages"]] == ["2024-05-07T02:00:00.000Z"]
        assert [row["state"] for row in shown["clocks"] if row["clock"] == "registered.1"] == clocks
        assert {data["source"] for data in room.events("documents_moved")} == {"A-SOF-06"}


@pytest.mark.rule("A-SOF-07")
@pytest.mark.parametrize(("moment", "state"), [("2024-05-06 16:00", "met"), ("2024-05-07 09:00", "met_late")])
def test_the_contract_and_its_papers_go_to_the_signing_lawyer_the_same_day(
    room: FileRoom, moment: str, state: str
) -> None:
    """Both the contract and what is registered with it, on the day they came."""
    dossier = sale(room)
    room.at("2024-05-06 11:00")
    room.bring(dossier, "presale_contract", "registration_papers", "loan_papers")
    room.at(moment)
    assert room.do("move", id=dossier, stage="to_signing_lawyer")["pieces"] == [1, 2]
    for number in (1, 2):
        clock = room.clocks(dossier, f"to_signing_lawyer.{number}")
        assert (clock["state"], clock["source"]) == (state, "A-SOF-07")


@pytest.mark.rule("A-SOF-08")
@pytest.mark.parametrize(
    ("payment", "holder"), [("mortgage", "mortgage_lawyer"), ("lump_sum", "mortgage_department")]
)
def test_originals_are_passed_on_two_working_days_after_they_came_back(
    room: FileRoom, payment: str, holder: str
) -> None:
    """Back on Friday, due to the end of Tuesday; copies stay in the file."""
    room.at("2024-06-14 09:00")
    dossier = sale(room, payment=payment)
    room.bring(dossier, "presale_contract")
    room.bring(dossier, "presale_contract", make="copy")
    with pytest.raises(Conflict):
        room.do("move", id=dossier, stage="returned")
    room.do("move", id=dossier, stage="to_signing_lawyer")
    room.do("move", id=dossier, stage="returned")
    clock = room.clocks(dossier, "originals_passed.1")
    assert (clock["due_at"], clock["source"]) == (beijing("2024-06-19 00:00"), "A-SOF-08")
    assert [row["holder"] for row in room.get(dossier)["pieces"]] == [None, None]
    with pytest.raises(Conflict):
        room.do("move", id=dossier, stage="originals_passed", pieces=[2])
    room.at("2024-06-19 09:00")
    room.do("move", id=dossier, stage="originals_passed")
    assert [row["holder"] for row in room.get(dossier)["pieces"]] == [holder, None]
    assert ("originals_passed.1", None, False) in room.late(dossier)


@pytest.mark.rule("A-SOF-09")
def test_the_progress_sheet_has_four_lines_and_flags_those_without_a_day(room: FileRoom) -> None:
    """Guards the sheet: what has neither a day nor is done stands out, what is past its day is late."""
    dossier = sale(room)
    room.do("mark", id=dossier, mark="mortgage", due="2024-05-20")
    room.do("mark", id=dossier, mark="registration", at="2024-05-03T10:00:00+08:00")
    room.do("mark", id=dossier, mark="deed_transfer", due="2024-05-09")
    sheet = {row["mark"]: row for row in room.get(dossier)["marks"] if row["tracked"]}
    assert list(sheet) == ["mortgage", "registration", "notarisation", "deed_transfer"]
    assert [code for code, row in sheet.items() if row["undated"]] == ["notarisation"]
    assert [row["source"] for row in sheet.values()] == ["A-SOF-09"] * 4
    assert (sheet["mortgage"]["due"], sheet["registration"]["stands"]) == ("2024-05-20", True)
    room.do("mark", id=dossier, mark="deed_transfer", due="2024-05-10")
    room.at("2024-05-11 00:00")
    assert room.late(dossier) == [("deed_transfer", None, False)]
    room.do("mark", id=dossier, mark="deed_transfer")
    with pytest.raises(Conflict):
        room.do("mark", id=dossier, mark="deed_transfer")


@pytest.mark.rule("A-SOF-11")
def test_blank_contracts_are_not_handed_over_before_they_are_stamped(room: FileRoom) -> None:
    """Five blanks from the trade centre stay with customer service until the project's stamp is on them."""
    dossier = room.open("blank_contracts", "batch", "2024-05")
    room.bring(dossier, "blank_contract", count=5)
    assert room.refused("move", id=dossier, stage="to_clerk") == "A-SOF-11"
    assert room.get(dossier)["pieces"][0]["holder"] is None
    room.do("mark", id=dossier, mark="stamped")
    room.do("move", id=dossier, stage="to_clerk")
    (piece,) = room.get(dossier)["pieces"]
    assert (piece["holder"], piece["count"]) == ("sales_clerk", 5)


@pytest.mark.rule("A-SOF-12")
@pytest.mark.parametrize(("moment", "state"), [("2024-05-09 12:00", "met"), ("2024-05-11 00:00", "breached")])
def test_stamp_duty_is_paid_by_its_day(room: FileRoom, moment: str, state: str) -> None:
    """Due on the tenth: paid on the ninth is in time, unpaid on the eleventh is overdue."""
    dossier = sale(room)
    room.do("mark", id=dossier, mark="stamp_duty", due="2024-05-10")
    room.at(moment)
    if state == "met":
        room.do("mark", id=dossier, mark="stamp_duty")
    clock = room.clocks(dossier, "stamp_duty")
    assert (clock["state"], clock["source"]) == (state, "A-SOF-12")
    assert bool(room.do("page", overdue=True)) is (state == "breached")


def test_documents_of_a_kind_without_a_lending_rule_are_not_lent(room: FileRoom) -> None:
    """What no rule lends stays where it is; what did not happen yet is not marked."""
    dossier = room.open("contract_copies", "sale", facts={"payment": "mortgage"})
    room.bring(dossier, "a_original")
    with pytest.raises(RuleRefused):
        room.do("lend", id=dossier, mode="request", pieces=[1], due_back="2024-05-08")
    with pytest.raises(ValidationFailed):
        room.do("mark", id=dossier, mark="notarised", at="2024-05-07T10:00:00+08:00")
    with pytest.raises(ValidationFailed):
        room.do("mark", id=dossier, mark="delivered")
    with pytest.raises(ValidationFailed):
        room.do("move", id=dossier, stage="shredded")
