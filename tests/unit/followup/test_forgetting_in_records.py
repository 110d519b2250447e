"""When intake has erased somebody, the words about that person go from followup's records too; figures stay."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from services.followup.schemas import CompleteCallback
from tests.unit.followup.fakes import FakeDelivery
from tests.unit.followup.register_world import ORG, Office
from tests.unit.followup.survey_office import ORG as SURVEYING
from tests.unit.followup.survey_office import SurveyOffice
from tests.unit.followup.talk_world import ORG as CALLING
from tests.unit.followup.talk_world import Caller

CUSTOMER = "cu_0001"


def _erase(office: Office | Caller | SurveyOffice, customer: str, org: str = ORG) -> None:
    data = {"subject": "customer", "subject_id": customer, "customer_id": customer, "request_id": "dr_1"}
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": f"{customer}:9",
        "source": "intake",
        "type": "personal_data_erased",
        "subject": customer,
        "org": org,
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


def test_what_an_erased_customer_said_on_the_phone_goes_and_how_it_ended_stays(tmp_path: Path) -> None:
    """Promise: no note and no word of a record is left, nor in the kept answer of a command; others keep theirs."""
    caller = Caller(tmp_path, "membership")
    caller.shared_out("irregular", 2)
    for callback in caller.open():
        record = {"rating": 4, "called_at": "2026-11-16T10:00:00+08:00", "product_opinion": "包装很好"}
        data = {"id": callback, "outcome": "satisfied", "note": "下周搬家到别处", "record": record}
        caller.app.desk.complete(caller.by(), CompleteCallback().load(data))
    gone, kept = caller.callbacks()
    for _ in range(2):
        _erase(caller, gone["customer_id"], CALLING)
    shown = {row["_id"]: row for row in caller.callbacks()}
    assert "搬家" not in str(shown[gone["_id"]])
    assert "包装" not in str(shown[gone["_id"]])
    assert shown[gone["_id"]]["outcome"] == "satisfied"
    assert shown[gone["_id"]]["written"]["values"]["rating"] == "4"
    assert shown[kept["_id"]] == kept


def test_the_comment_of_an_erased_customer_goes_and_the_scores_stay(tmp_path: Path) -> None:
    """Promise: a wave's figures are the same after an erasure; what was written in it is not."""
    office = SurveyOffice(tmp_path, "standard")
    office.people(2)
    wave = office.launched(kind="satisfaction", where={})
    first, second = office.invitations(wave)
    for invitation, words in ((first, "我住三号楼"), (second, "很满意")):
        token = office.token(invitation["invitation_id"])
        office.answer(token, scores={"overall": 4}, tags=["price"], comment=words)
    before = office.get(wave)
    _erase(office, first["customer_id"], SURVEYING)
    kept = {row["_id"]: row for row in office.runtime.database["survey_invitations"].find()}
    assert "三号楼" not in str(kept[first["invitation_id"]])
    assert kept[second["invitation_id"]]["reply"]["comment"] == "很满意"
    assert office.get(wave) == before
