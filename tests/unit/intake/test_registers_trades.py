"""What an after-sales department and a logistics company write down: materials, consignments, plans, preferences."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.unit.intake.register_office import Office, organisation, refused

REQUEST: dict[str, Any] = {
    "site": "site-7",
    "material_code": "M-100",
    "material_name": "滤芯",
    "urgency": "urgent",
    "quantity": 4,
}


@pytest.fixture
def works(tmp_path: Path) -> Office:
    return Office(organisation(tmp_path, "product-after-sales"), tmp_path)


@pytest.fixture
def carrier(tmp_path: Path) -> Office:
    return Office(organisation(tmp_path, "logistics"), tmp_path)


def requested(works: Office) -> str:
    return works.open("material_request", works.by("u-1", "site_staff"), **REQUEST)


def sent(works: Office) -> str:
    record = requested(works)
    works.act(record, "review", works.by("u-2", "site_chief"))
    works.act(record, "plan", works.by("u-3", "planner"))
    works.act(record, "send", works.by("u-3", "planner"), sent_by="scan", copy_to="business_management")
    return record


@pytest.mark.rule("B-MAT-01")
def test_a_count_goes_through_three_levels_and_shows_where_book_and_stock_differ(works: Office) -> None:
    """Promise: the site reports, its department checks, the material office files; a difference is flagged."""
    count = {"site": "site-7", "material_code": "M-100", "book": 10, "stock": 9}
    wrong = refused("material_count", works.by("u-9", "business_department"), step=works.open, **count)
    assert wrong.rule == "B-MAT-01"
    record = works.open("material_count", works.by("u-1", "site_staff"), **count)
    assert refused(record, "file", works.by("u-4", "business_management"), step=works.act).rule == "B-MAT-01"
    works.act(record, "check", works.by("u-3", "business_department"))
    works.act(record, "file", works.by("u-4", "business_management"))
    shown = works.get(record)
    assert [act["role"] for act in shown["acts"]] == ["business_department", "business_management"]
    assert (shown["flags"], shown["values"]["difference"]) == (["book_is_stock"], "1.000")
    assert works.told(record, "record_flagged")[0]["source"] == "B-MAT-01"


@pytest.mark.rule("B-MAT-01")
def test_each_level_does_its_own_part_and_no_level_is_left_out(works: Office) -> None:
    """Promise: only the site reports, only its department checks, only the material office files, and all of it."""
    count = {"site": "site-7", "material_code": "M-100", "book": 10, "stock": 10}
    for left_out in count:
        short = {key: value for key, value in count.items() if key != left_out}
        wrong = refused("material_count", works.by("u-1", "site_staff"), step=works.open, **short)
        assert wrong.rule == "B-MAT-01"
    record = works.open("material_count", works.by("u-1", "site_staff"), **count)
    for level in ("site_staff", "business_management"):
        assert refused(record, "check", works.by("u-5", level), step=works.act).rule == "B-MAT-01"
    works.act(record, "check", works.by("u-3", "business_department"))
    for level in ("site_staff", "business_department"):
        assert refused(record, "file", works.by("u-5", level), step=works.act).rule == "B-MAT-01"
    assert works.act(record, "file", works.by("u-4", "business_management"))["state"] == "filed"
    assert (works.get(record)["flags"], works.told(record, "record_flagged")) == ([], [])


@pytest.mark.rule("B-MAT-03")
def test_the_planner_sees_a_request_after_the_site_chief_approved_it(works: Office) -> None:
    """Promise: the planner can neither act nor hears of it before the review, and hears at once after it."""
    record = requested(works)
    assert refused(record, "plan", works.by("u-3", "planner"), step=works.act).rule == "B-MAT-03"
    assert works.told(record, "record_noticed") == []
    assert works.act(record, "review", works.by("u-2", "site_chief"))["state"] == "chief_approved"
    assert [each["to"] for each in works.told(record, "record_noticed")] == ["planner"]
    assert works.act(record, "plan", works.by("u-3", "planner"))["state"] == "planned"


@pytest.mark.rule("B-MAT-04")
@pytest.mark.parametrize("field", ["material_code", "material_name", "urgency"])
def test_a_request_says_what_is_needed_and_how_urgently(works: Office, field: str) -> None:
    """Promise: a form without material code, name or urgency is refused."""
    form = {key: value for key, value in REQUEST.items() if key != field}
    wrong = refused("material_request", works.by("u-1", "site_staff"), step=works.open, **form)
    assert wrong.rule == "B-MAT-04"


@pytest.mark.rule("B-MAT-05")
def test_a_signed_request_goes_out_with_a_copy_for_the_file(works: Office) -> None:
    """Promise: how it was sent and who has the copy is recorded; without a copy it does not go."""
    record = requested(works)
    works.act(record, "review", works.by("u-2", "site_chief"))
    works.act(record, "plan", works.by("u-3", "planner"))
    assert (
        refused(record, "send", works.by("u-3", "planner"), step=works.act, sent_by="fax").rule == "B-MAT-05"
    )
    works.act(record, "send", works.by("u-3", "planner"), sent_by="fax", copy_to="business_management")
    assert works.get(record)["values"]["copy_to"] == "business_management"
    assert works.told(record, "record_noticed")[-1]["to"] == "business_management"


@pytest.mark.rule("B-MAT-07")
def test_what_the_store_lacks_is_planned_ordered_and_shipped_in_that_order(works: Office) -> None:
    """Promise: store check, plan order, order, shipment; what is in store is not bought."""
    record, buyer = sent(works), ("purchasing",)
    assert (
        refused(record, "place_plan", works.by("u-5", *buyer), step=works.act, plan_order="P-1").rule
        == "B-MAT-07"
    )
    works.act(record, "check_store", works.by("u-4", "production_management"), in_store=False)
    wrong = refused(record, "ship_from_store", works.by("u-4", "production_management"), step=works.act)
    assert wrong.rule == "B-MAT-07"
    works.act(record, "place_plan", works.by("u-5", *buyer), plan_order="P-1")
    works.act(record, "place_order", works.by("u-5", *buyer), order="O-1")
    assert works.act(record, "ship", works.by("u-5", *buyer))["state"] == "shipped"
    other = sent(works)
    works.act(other, "check_store", works.by("u-4", "production_management"), in_store=True)
    wrong = refused(other, "place_plan", works.by("u-5", *buyer), step=works.act, plan_order="P-2")
    assert wrong.rule == "B-MAT-07"
    assert works.act(other, "ship_from_store", works.by("u-4", "production_management"))["state"] == "shipped"


@pytest.mark.rule("A-LOG-14")
def test_a_clients_document_is_received_and_processed_by_somebody_at_a_time(carrier: Office) -> None:
    """Promise: who processed it, and when, is written down."""
    record = carrier.open("client_document", carrier.by("u-1"), client="cu-1", kind="document")
    carrier.pass_time(timedelta(hours=2))
    assert carrier.act(record, "process", carrier.by("u-2"))["state"] == "processed"
    values = carrier.get(record)["values"]
    assert (values["handler"], values["processed_at"]) == ("u-2", "2026-03-02T03:00:00.000Z")
    assert (
        refused("client_document", carrier.by("u-1"), step=carrier.open, kind="document").rule == "A-LOG-14"
    )


CONSIGNMENT = {"client": "cu-1", "content": "两箱配件", "requirement": "周五前送达"}


@pytest.mark.rule("A-LOG-16")
@pytest.mark.parametrize("field", ["content", "requirement"])
def test_a_consignment_says_what_it_is_and_what_is_required(carrier: Office, field: str) -> None:
    """Promise: without either it is refused; with both every step of it stays visible."""
    form = {key: value for key, value in CONSIGNMENT.items() if key != field}
    assert refused("consignment", carrier.by("u-1"), step=carrier.open, **form).rule == "A-LOG-16"
    record = carrier.open("consignment", carrier.by("u-1"), **CONSIGNMENT)
    carrier.act(record, "dispatch", carrier.by("u-2"))
    carrier.act(record, "deliver", carrier.by("u-3"))
    steps = [(act["from"], act["to"], act["by"]) for act in carrier.get(record)["acts"]]
    assert steps == [("accepted", "dispatched", "u-2"), ("dispatched", "delivered", "u-3")]


@pytest.mark.rule("A-LOG-24")
def test_a_shipment_is_tracked_in_order_and_the_latest_place_answers(carrier: Office) -> None:
    """Promise: nothing is tracked before dispatch; every sighting stays, the last one is what the form shows."""
    record = carrier.open("consignment", carrier.by("u-1"), **CONSIGNMENT)
    assert refused(record, "track", carrier.by("u-1"), step=carrier.act, place="苏州").rule == "A-LOG-24"
    carrier.act(record, "dispatch", carrier.by("u-1"))
    for place, at in (("苏州", "2026-03-02T12:00:00+08:00"), ("南京", "2026-03-02T18:00:00+08:00")):
        carrier.act(record, "track", carrier.by("u-1"), place=place, seen_at=at)
    shown = carrier.get(record)
    assert (shown["values"]["place"], shown["values"]["seen_at"]) == ("南京", "2026-03-02T10:00:00.000Z")
    assert [act["sets"]["place"] for act in shown["acts"] if act["action"] == "track"] == ["苏州", "南京"]


@pytest.mark.rule("A-LOG-25")
def test_insurance_is_kept_with_the_shipment_and_found(carrier: Office) -> None:
    """Promise: policy number and insured value together, listed by the policy."""
    record = carrier.open("consignment", carrier.by("u-1"), **CONSIGNMENT)
    half = refused(record, "insure", carrier.by("u-1"), step=carrier.act, insurance_number="P-77")
    assert half.rule == "A-LOG-25"
    carrier.act(record, "insure", carrier.by("u-1"), insurance_number="P-77", insured_value="20000.00")
    assert carrier.find(register="consignment", where={"insurance_number": "P-77"}) == [record]
    assert carrier.get(record)["values"]["insured_value"] == "20000.00"


@pytest.mark.rule("A-LOG-78")
def test_a_service_plan_is_active_with_the_clients_own_sign(carrier: Office) -> None:
    """Promise: the plan is written together; without the client's mark it stays a draft."""
    agent = ("key_account_agent",)
    record = carrier.open("service_plan", carrier.by("u-1", *agent), client="cu-1", plan="专人跟单")
    for values in ({}, {"client_signed": False}):
        wrong = refused(record, "activate", carrier.by("u-1", *agent), step=carrier.act, **values)
        assert wrong.rule == "A-LOG-78"
    assert carrier.act(record, "activate", carrier.by("u-1", *agent), client_signed=True)["state"] == "active"


@pytest.mark.rule("A-LOG-79")
def test_a_discount_waits_until_a_manager_approves_it(carrier: Office) -> None:
    """Promise: the key-account agent proposes, another person with the manager's role decides."""
    agent = ("key_account_agent",)
    proposal = {"client": "cu-1", "kind": "discount", "percent": 5}
    assert refused("preference", carrier.by("u-1"), step=carrier.open, **proposal).rule == "A-LOG-79"
    record = carrier.open("preference", carrier.by("u-1", *agent), **proposal)
    assert carrier.get(record)["state"] == "pending"
    assert refused(record, "approve", carrier.by("u-1", *agent), step=carrier.act).rule == "A-LOG-79"
    own = refused(record, "approve", carrier.by("u-1", "manager"), step=carrier.act)
    assert own.rule == "A-LOG-79"
    assert carrier.act(record, "approve", carrier.by("u-2", "manager"))["state"] == "approved"
