"""The part of the story about documents: handed in, excused, filed, lent, signed for; an owner's file is read."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.contract.stage import Stage

PLAZA, PROPERTY = "plaza-demo", "property-demo"
DESK: dict[str, Any] = {"org": PLAZA, "roles": ("staff", "service_desk")}


def tell_of_dossiers(stage: Stage) -> None:
    """Let a tenant bring papers and take some away, a floor keep its file, an estate read an owner's."""
    _papers_of_a_tenant(stage)
    _file_of_a_shop(stage)
    _file_of_an_owner(stage)


def _papers_of_a_tenant(stage: Stage) -> None:
    opened: dict[str, Any] = {"kind": "tenancy_kit", "about": "unit", "about_id": "A12"}
    opened["facts"] = {"opening": "plain"}
    stage.call("intake.open_dossier", **DESK, **(opened | {"about": "moon"}))
    kit: dict[str, Any] = {"id": stage.ask("intake.open_dossier", **DESK, **opened)["dossier_id"]}
    stage.ask("intake.amend_dossier", **DESK, **kit, facts={"opening": "with_event"}, keeper="u-1003")
    stage.call("intake.amend_dossier", **DESK, **kit, facts={"opening": "loud"})
    stage.ask("intake.mark_dossier", **DESK, **kit, mark="keys_due", due="2027-01-29")
    excuse = {**kit, "items": ["event_plan"], "reason": "策划公司停电。", "explained_by": "u-1004"}
    stage.call("intake.excuse_documents", **DESK, **excuse)
    stage.ask("intake.excuse_documents", org=PLAZA, roles=("staff", "cs_head"), **excuse)
    papers = [
        {"item": "lease_copy", "make": "copy", "reference": "ZL-2026-12"},
        {"item": "handbook", "make": "original"},
    ]
    stage.ask("intake.hand_in_documents", **DESK, **kit, documents=papers)
    stage.call("intake.hand_in_documents", **DESK, **kit, documents=[{"item": "passport", "make": "copy"}])
    stage.ask("intake.move_documents", **DESK, **kit, stage="filed", pieces=[1])
    day = stage.clock.now().date().isoformat()
    stage.ask("intake.list_unfiled", **DESK, day=day)
    collected = {**kit, "stage": "collected", "pieces": [2]}
    stage.call("intake.move_documents", **DESK, **collected)
    stage.pass_time(timedelta(days=6))
    stage.ask("intake.list_dossiers", **DESK, overdue=True, limit=5)
    stage.ask("intake.list_deductions", **DESK)
    plan = [{"item": "event_plan", "make": "original"}]
    stage.ask("intake.hand_in_documents", **DESK, **kit, documents=plan)
    stage.call("intake.sign_receipt", **DESK, **kit, pieces=[9])
    stage.ask("intake.sign_receipt", **DESK, **kit, pieces=[2])
    stage.ask("intake.move_documents", **DESK, **collected)
    stage.ask("intake.sign_receipt", **DESK, **kit, receipt=1)
    stage.ask("intake.mark_dossier", **DESK, **kit, mark="keys_due")
    stage.call("intake.mark_dossier", **DESK, **kit, mark="keys_due")
    _loan(stage, kit)
    stage.ask("intake.get_dossier", **DESK, **kit)
    stage.call("intake.get_dossier", **DESK, id="ds_none")


def _loan(stage: Stage, kit: dict[str, Any]) -> None:
    back = (stage.clock.now() + timedelta(days=3)).date().isoformat()
    stage.ask("intake.lend_documents", **DESK, **kit, mode="request", pieces=[1], due_back=back)
    stage.call("intake.lend_documents", **DESK, **kit, mode="grant", loan=1)
    stage.ask("intake.lend_documents", org=PLAZA, roles=("staff", "manager"), **kit, mode="grant", loan=1)
    stage.ask("intake.lend_documents", **DESK, **kit, mode="return", loan=1)


def _file_of_a_shop(stage: Stage) -> None:
    opened = {"kind": "household_file", "about": "unit", "about_id": "A12"}
    stage.call("intake.open_dossier", **DESK, **opened)
    stage.ask("intake.open_dossier", **DESK, **opened, keeper="u-1003", responsible="u-1009")


def _file_of_an_owner(stage: Stage) -> None:
    clerk: dict[str, Any] = {"org": PROPERTY, "roles": ("staff", "property_clerk")}
    opened = {"kind": "owner_file", "about": "unit", "about_id": "3-201"}
    file = stage.ask("intake.open_dossier", **clerk, **opened)["dossier_id"]
    stage.call("intake.read_dossier", org=PROPERTY, roles=("staff",), id=file, purpose="好奇。")
    stage.ask("intake.read_dossier", **clerk, id=file, purpose="核对面积。")
