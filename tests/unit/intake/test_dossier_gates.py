"""What waits until papers, marks and signatures are there; who holds which copy; what customers sign for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shared.errors import Conflict, ValidationFailed
from tests.unit.intake.dossier_world import FileRoom

REVIEWERS = """      dossier_settings:
        purchase_contract:
          reviews:
            review: {reviewers: {roles: [sales_director, legal_adviser, finance_manager], source: organisation}}
"""


@pytest.fixture
def room(tmp_path: Path) -> FileRoom:
    """A developer's file room."""
    return FileRoom(tmp_path, "real-estate", "2024-05-06 10:00", REVIEWERS)


def holders(room: FileRoom, dossier: str) -> dict[str, str | None]:
    return {row["item"]: row["holder"] for row in room.get(dossier)["pieces"]}


@pytest.mark.rule("B-RES-01")
@pytest.mark.parametrize(("payment", "b_original"), [("mortgage", "bank"), ("lump_sum", "customer")])
def test_each_copy_of_the_contract_goes_to_its_holder(room: FileRoom, payment: str, b_original: str) -> None:
    """Guards who holds what after notarisation: a mortgage takes party B's original to the bank."""
    dossier = room.open("contract_copies", "sale", facts={"payment": payment})
    room.bring(dossier, "a_original", "a_documents", "a_duplicate", "b_original", "b_duplicate")
    assert room.refused("move", id=dossier, stage="distributed") == "B-RES-01"
    room.do("mark", id=dossier, mark="notarised")
    wrong = {"bank": "customer", "customer": "bank"}[b_original]
    refused: dict[str, Any] = {"id": dossier, "stage": "distributed", "pieces": [4], "to": wrong}
    assert room.refused("move", **refused) == "B-RES-01"
    room.do("move", id=dossier, stage="distributed")
    assert holders(room, dossier) == {
        "a_original": "company_archive",
        "a_documents": "company_archive",
        "a_duplicate": "property_company",
        "b_original": b_original,
        "b_duplicate": "customer",
    }


@pytest.mark.rule("B-RES-02")
def test_a_subscription_contract_is_stamped_once_approved_and_has_two_holders(room: FileRoom) -> None:
    """Approved, stamped, one for the customer, one for the archive, in this order."""
    dossier = room.open("subscription_contract", "sale")
    room.bring(dossier, "customer_copy", "archive_copy")
    assert room.refused("mark", id=dossier, mark="stamped") == "B-RES-02"
    room.do("mark", id=dossier, mark="approved")
    assert room.refused("move", id=dossier, stage="distributed") == "B-RES-02"
    room.do("mark", id=dossier, mark="stamped")
    room.do("move", id=dossier, stage="distributed")
    assert holders(room, dossier) == {"customer_copy": "customer", "archive_copy": "company_archive"}
    stamped = next(row for row in room.get(dossier)["marks"] if row["mark"] == "stamped")
    assert stamped["given"][0]["at"] == "2024-05-06T02:00:00.000Z"


@pytest.mark.rule("B-RES-04")
def test_nobody_moves_in_without_the_number_of_the_notice(room: FileRoom) -> None:
    """Guards the move-in: no notice, or one without its number, is none."""
    dossier = room.open("move_in", "unit", "U1")
    assert room.refused("mark", id=dossier, mark="moved_in") == "B-RES-04"
    notice = {"item": "move_in_notice", "make": "original"}
    assert room.refused("hand_in", id=dossier, documents=[notice]) == "B-RES-04"
    room.do("hand_in", id=dossier, documents=[notice | {"reference": "RZ-1"}])
    assert room.do("mark", id=dossier, mark="moved_in")["stands"] is True


def deed_kit(room: FileRoom, **facts: str) -> str:
    """A kit for which everything is there but the copy of the identity card."""
    dossier = room.open("deed_kit", "unit", "U1", facts={"payment": "lump_sum", **facts})
    room.bring(dossier, "invoices", "id_card", "contract")
    room.bring(dossier, "invoices", make="copy")
    room.bring(dossier, "registration_form", "survey_plan", "instructions")
    return dossier


@pytest.mark.rule("B-RES-07")
def test_the_deed_kit_is_not_handed_over_while_a_copy_is_missing(room: FileRoom) -> None:
    """Three lines in, three out; the original of the identity card is not its copy, and a mortgage asks for more."""
    dossier = deed_kit(room)
    ways = [row["way"] for row in room.get(dossier)["items"] if row["asked"]]
    assert (ways.count("in"), ways.count("out")) == (3, 3)
    (lack,) = room.get(dossier)["missing"]
    assert (lack["item"], lack["original"], lack["copy"], lack["source"]) == ("id_card", 0, 1, "B-RES-07")
    room.do("sign", id=dossier, pieces=[5, 6, 7])
    assert room.refused("move", id=dossier, stage="collected") == "B-RES-07"
    room.bring(dossier, "id_card", make="copy")
    room.do("amend", id=dossier, facts={"payment": "mortgage"})
    assert room.refused("move", id=dossier, stage="collected") == "B-RES-07"
    room.bring(dossier, "mortgage_papers")
    assert room.do("move", id=dossier, stage="collected")["pieces"] == [5, 6, 7]


@pytest.mark.rule("B-RES-08")
@pytest.mark.parametrize(
    ("land", "closed"), [("together", ["title_deed", "land_certificate"]), ("apart", ["title_deed"])]
)
def test_one_visit_closes_both_requests_when_the_land_papers_are_collected_too(
    room: FileRoom, land: str, closed: list[str]
) -> None:
    """Guards the second visit nobody needs to make; and nothing is closed while a paper still lies there."""
    dossier = deed_kit(room, land_papers=land)
    room.bring(dossier, "id_card", make="copy")
    papers = [5, 6, 7]
    if land == "together":
        room.do("sign", id=dossier, pieces=papers)
        assert room.refused("move", id=dossier, stage="collected") == "B-RES-07"
        papers += room.bring(dossier, "land_certificate_papers")
    room.do("sign", id=dossier, pieces=papers)
    assert room.do("move", id=dossier, stage="collected", pieces=papers[:2])["closed_requests"] == []
    assert room.do("move", id=dossier, stage="collected")["closed_requests"] == closed
    assert room.events("documents_moved")[-1]["closes"] == closed
    assert all(holders(room, dossier)[item] == "customer" for item in ("survey_plan", "instructions"))


@pytest.mark.rule("B-RES-10")
def test_papers_are_handed_over_for_a_signed_slip_and_the_slip_goes_to_the_archive(room: FileRoom) -> None:
    """Guards the proof of who got what: a slip for two papers covers no third."""
    dossier = deed_kit(room)
    room.bring(dossier, "id_card", make="copy")
    assert room.refused("move", id=dossier, stage="collected") == "B-RES-10"
    room.do("sign", id=dossier, pieces=[5, 6])
    assert room.refused("move", id=dossier, stage="collected") == "B-RES-10"
    assert holders(room, dossier)["survey_plan"] is None
    room.do("sign", id=dossier, pieces=[7])
    room.do("move", id=dossier, stage="collected")
    room.do("sign", id=dossier, receipt=1)
    first, second = room.get(dossier)["receipts"]
    assert (first["passed_to"], first["passed_at"]) == ("company_archive", "2024-05-06T02:00:00.000Z")
    assert second["passed_at"] is None
    with pytest.raises(Conflict):
        room.do("sign", id=dossier, receipt=1)
    assert {data["source"] for data in room.events("receipt_changed")} == {"B-RES-10"}


@pytest.mark.rule("A-RED-09")
@pytest.mark.parametrize("step", ["published", "signed"])
def test_a_contract_with_one_of_its_two_annexes_is_neither_published_nor_signed(
    room: FileRoom, step: str
) -> None:
    """Guards the owners: the service contract and the code lie with what they sign."""
    dossier = room.open("purchase_contract", "unit", "U1")
    for role in ("sales_director", "legal_adviser", "finance_manager"):
        room.do("mark", id=dossier, mark="review", actor=f"stf_{role}", roles=(role,))
    room.bring(dossier, "early_service_contract")
    assert room.refused("mark", id=dossier, mark=step) == "A-RED-09"
    room.bring(dossier, "owners_code")
    assert room.do("mark", id=dossier, mark=step)["stands"] is True


@pytest.mark.rule("A-RES-03")
def test_a_contract_is_signed_after_every_reviewer_gave_their_mark(room: FileRoom) -> None:
    """Two of three are not all; nobody reviews for two roles, and nobody else reviews at all."""
    dossier = room.open("purchase_contract", "unit", "U1")
    room.bring(dossier, "early_service_contract", "owners_code")
    review: dict[str, Any] = {"id": dossier, "mark": "review"}
    assert room.forbidden("mark", **review, roles=("sales_staff",)) == "organisation"
    room.do("mark", **review, actor="stf_d", roles=("sales_director",))
    room.do("mark", **review, actor="stf_l", roles=("legal_adviser",))
    with pytest.raises(Conflict):
        room.do("mark", **review, actor="stf_l", roles=("finance_manager",))
    assert room.refused("mark", id=dossier, mark="signed") == "A-RES-03"
    assert room.do("mark", **review, actor="stf_f", roles=("finance_manager",))["stands"] is True
    assert room.do("mark", id=dossier, mark="signed")["stands"] is True


@pytest.mark.rule("A-RED-07")
@pytest.mark.parametrize("first", ["level", "content"])
def test_sale_does_not_start_before_service_content_and_level_are_fixed(room: FileRoom, first: str) -> None:
    """Guards the buyers: neither the level alone nor the list alone will do."""
    dossier = room.open("project_file", "project", "P1")
    steps: dict[str, Callable[[], object]] = {
        "level": lambda: room.do("amend", id=dossier, facts={"service_level": "2"}),
        "content": lambda: room.bring(dossier, "service_content"),
    }
    assert room.refused("mark", id=dossier, mark="sale_start") == "A-RED-07"
    steps.pop(first)()
    assert room.refused("mark", id=dossier, mark="sale_start") == "A-RED-07"
    (last,) = steps.values()
    last()
    assert room.do("mark", id=dossier, mark="sale_start")["stands"] is True
    assert room.get(dossier)["facts"]["service_level"] == "2"


@pytest.mark.rule("A-RED-08")
def test_the_fee_is_filed_once_it_was_assessed_and_has_its_number(room: FileRoom) -> None:
    """Fee and level, the assessor's calculation, and the number under which the office filed them."""
    dossier = room.open("project_file", "project", "P1", facts={"service_level": "2"})
    filing = {"item": "filing", "make": "original"}
    assert room.refused("hand_in", id=dossier, documents=[filing]) == "A-RED-08"
    room.do("hand_in", id=dossier, documents=[filing | {"reference": "BA-7"}])
    room.do("amend", id=dossier, facts={"fee": "2.80"})
    assert room.refused("mark", id=dossier, mark="fee_filed") == "A-RED-08"
    room.bring(dossier, "assessment")
    assert room.do("mark", id=dossier, mark="fee_filed")["stands"] is True
    shown = room.get(dossier)
    assert shown["facts"]["fee"] == "2.80"
    assert [row["reference"] for row in shown["pieces"] if row["item"] == "filing"] == ["BA-7"]


@pytest.mark.rule("A-RED-11")
def test_the_property_company_is_chosen_among_the_bidders_before_its_contract_is_signed(
    room: FileRoom,
) -> None:
    """Three bids, one chosen, and the contract under its number."""
    dossier = room.open("project_file", "project", "P1")
    bids = [{"item": "bid", "make": "original", "reference": f"T{number}"} for number in (1, 2, 3)]
    room.do("hand_in", id=dossier, documents=bids)
    contract = {"item": "commission_contract", "make": "original", "reference": "C-9"}
    room.do("hand_in", id=dossier, documents=[contract])
    assert room.refused("mark", id=dossier, mark="commission_signed") == "A-RED-11"
    assert room.refused("mark", id=dossier, mark="bidder_chosen") == "A-RED-11"
    assert room.refused("mark", id=dossier, mark="bidder_chosen", piece=4) == "A-RED-11"
    room.do("mark", id=dossier, mark="bidder_chosen", piece=2)
    room.do("mark", id=dossier, mark="commission_signed")
    chosen = next(row for row in room.get(dossier)["marks"] if row["mark"] == "bidder_chosen")
    assert chosen["given"][0]["piece"] == 2


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("amend", {}),
        ("hand_in", {"documents": []}),
        ("mark", {"mark": "signed", "due": "2024-05-09", "piece": 1}),
        ("lend", {"mode": "request", "pieces": [1]}),
        ("lend", {"mode": "return"}),
        ("lend", {"mode": "request", "pieces": [1], "due_back": "2024-05-09", "loan": 1}),
        ("sign", {}),
        ("sign", {"pieces": [1], "receipt": 1}),
    ],
)
def test_arguments_that_say_nothing_or_two_things_are_refused(
    room: FileRoom, method: str, arguments: dict[str, Any]
) -> None:
    """Guards against commands that would do the one or the other, or nothing."""
    dossier = room.open("purchase_contract", "unit", "U1")
    before = len(room.published)
    with pytest.raises(ValidationFailed):
        room.do(method, id=dossier, **arguments)
    assert len(room.published) == before
