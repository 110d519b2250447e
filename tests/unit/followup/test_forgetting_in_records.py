"""When intake has erased somebody, the words about that person go from followup's records too; figures stay."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.unit.followup.fakes import FakeDelivery
from tests.unit.followup.register_world import ORG, Office

CUSTOMER = "cu_0001"


def _erase(office: Office, customer: str) -> None:
    data = {"subject": "customer", "subject_id": customer, "customer_id": customer, "request_id": "dr_1"}
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": f"{customer}:9",
        "source": "intake",
        "type": "personal_data_erased",
        "subject": customer,
        "org": ORG,
        "time": "2026-05-06T02:00:00.000Z",
        "sequence": "9",
        "data": data,
    }
    delivery = FakeDelivery(json.dumps(event).encode())
    office.app.consequences("intake", [delivery])
    assert delivery.outcome == "done", delivery.reason


def test_the_words_of_an_erased_customer_go_and_others_stay(tmp_path: Path) -> None:
    """Promise: name and number are gone from every record that names the customer, also when told twice."""
    office = Office(tmp_path, "call-centre")
    gone = office.open("referral", referrer=CUSTOMER, name="李四", phone="13800000000")
    kept = office.open("referral", referrer="cu_0002", name="王五", phone="13900000000")
    for _ in range(2):
        _erase(office, CUSTOMER)
    everything = [
        office.get(record, "personal_data")["values"]
        for record in (gone, *office.find("sales_lead", where={"origin": gone}))
    ]
    assert len(everything) == 2
    assert all(values["referrer"] == CUSTOMER for values in everything)
    assert "李四" not in str(everything)
    assert "13800000000" not in str(everything)
    assert office.get(kept, "personal_data")["values"]["name"] == "王五"
    assert office.find("referral", where={"name": "李四"}) == []


def test_a_debt_keeps_its_figures_when_its_words_go(tmp_path: Path) -> None:
    """Promise: sums and days stay; what somebody answered does not."""
    office = Office(tmp_path, "standard")
    record = office.open("fee_arrears", debtor=CUSTOMER, owing="2000.00")
    office.act(record, "urge", answer="下周三付")
    _erase(office, CUSTOMER)
    shown = office.get(record, "personal_data")
    assert shown["values"]["owing"] == "2000.00"
    assert "下周三付" not in str(shown)
