"""A car's file over the real bus: thirteen of fourteen papers, the last one late, and a reason that came too late."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from shared.errors import Conflict, Forbidden
from tests.integration.bus import Bus, eventually
from tests.integration.movable_time import MovableTime

ORG = "cars-demo"
#: Friday, 14 June 2024, ten in the morning in China.
FRIDAY = datetime(2024, 6, 14, 2, 0, tzinfo=UTC)
_OWN = """org: cars-demo
name: 示例汽车销售
profile: auto-dealer
number_prefix: CAR
calendar: cn
time_zone: Asia/Shanghai
publishers: [hotline]
roles: [staff, service_desk, complaint_handler, cs_head, followup_agent, supervisor, manager,
        sales_staff, after_sales_desk, car_file_administrator]
"""
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


@pytest.mark.rule("A-AUT-14", "A-AUT-17", "A-AUT-19")
@pytest.mark.timeout(900)
def test_the_fourteenth_paper_comes_late_and_the_reason_later(tmp_path: Path) -> None:
    """The file is due on Tuesday night; the timer says so by itself, and Wednesday's excuse changes nothing."""
    organisations = tmp_path / "organisations"
    organisations.mkdir()
    (organisations / f"{ORG}.yaml").write_text(_OWN, encoding="utf-8")
    environment = {"KEFU_ORGANISATIONS_DIR": str(organisations)}
    stack = MovableTime(tmp_path / "ahead", begin=FRIDAY, environment=environment)
    with stack as time, Bus(time) as bus:
        clerk = bus.desk(ORG, ("staff", "sales_staff"), subject="stf_clerk")
        keeper = bus.desk(ORG, ("staff", "car_file_administrator"), subject="stf_keeper")
        opened: dict[str, Any] = {"kind": "car_file", "about": "sale", "about_id": "S1"}
        opened["facts"] = {"buyer": "person"}
        first = clerk.do("intake.open_dossier", key="open-1", **opened)
        assert clerk.do("intake.open_dossier", key="open-1", **opened) == first
        with pytest.raises(Conflict):
            clerk.do("intake.open_dossier", **opened)
        file = first["dossier_id"]
        clerk.do("intake.mark_dossier", id=file, mark="delivered")
        papers: list[dict[str, Any]] = [{"item": item, "make": "copy"} for item in PLAIN]
        papers.append({"item": "identity", "form": "id_card", "make": "copy"})
        answer = clerk.do("intake.hand_in_documents", key="in-1", id=file, documents=papers)
        assert clerk.do("intake.hand_in_documents", key="in-1", id=file, documents=papers) == answer
        assert (answer["complete"], answer["missing"]) == (False, ["invoice"])

        time.set(datetime(2024, 6, 19, 1, 0, tzinfo=UTC))

        def overdue() -> None:
            assert [row["dossier_id"] for row in clerk.ask("intake.list_dossiers", overdue=True)] == [file]

        eventually(overdue)
        excuse: dict[str, Any] = {"id": file, "reason": "税局系统停机", "explained_by": "stf_clerk"}
        with pytest.raises(Forbidden) as forbidden:
            clerk.do("intake.excuse_documents", **excuse)
        assert forbidden.value.rule == "A-AUT-19"
        assert keeper.do("intake.excuse_documents", **excuse)["valid"] is False
        invoice = {"item": "invoice", "form": "retail_invoice", "make": "original", "reference": "I1"}
        answer = clerk.do("intake.hand_in_documents", id=file, documents=[invoice])
        assert answer["complete"] is True

        shown = clerk.ask("intake.get_dossier", id=file)
        assert len(shown["pieces"]) == 14
        (clock,) = shown["clocks"]
        assert (clock["due_at"], clock["state"]) == ("2024-06-18T16:00:00.000Z", "met_late")
        (row,) = keeper.ask("intake.list_deductions")
        assert [(late["item"], late["source"]) for late in row["deductions"]] == [("invoice", "A-AUT-17")]
        assert row["excused"] == []
        way = ("dossier_opened", "dossier_marked", "documents_received", "dossier_excused")
        bus.desk(ORG).archived(file, *way, "clock_started", "clock_breached", "clock_met")
