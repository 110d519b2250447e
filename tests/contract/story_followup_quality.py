"""The part of the story about quality checks: chats sampled, scored twice and found wanting; a quarter's files."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.contract.stage import Stage

SHOP: dict[str, Any] = {"org": "shop-demo", "roles": ("staff", "supervisor")}
PLAZA: dict[str, Any] = {"org": "plaza-demo", "roles": ("staff", "cs_head")}
_TALK = [
    {"by": "customer", "text": "明天能到吗？"},
    {"by": "agent", "text": "保证明天到，谢谢！"},
]
_MARKS = {"exact": 5, "brief": 4, "efficient": 4, "kind": 5}


def tell_of_quality(stage: Stage) -> None:
    """Let a shop look at its chats and a plaza draw mystery customers and check its files."""
    _chats(stage)
    _mystery_customers(stage)
    _files(stage)


def _chats(stage: Stage) -> None:
    stage.ask("followup.scan_talk", **SHOP, talk=_TALK)
    sample = _drawn(stage, SHOP, "chat_check")
    scoring: dict[str, Any] = {"id": sample, "talk": _TALK, "marks": _MARKS}
    stage.call("followup.move_sample", **SHOP, id=sample, action="finish")
    due = "2027-06-30"
    fault = {
        "text": "承诺过头。",
        "item": "no_promise",
        "measure": "重学话术。",
        "owner": "u-1",
        "due_on": due,
    }
    stage.ask("followup.score_item", **SHOP, actor="qc-1", item="it-0", faults=[fault], **scoring)
    stage.ask("followup.score_item", **SHOP, actor="qc-2", item="it-0", **scoring)
    stage.ask("followup.score_item", **SHOP, actor="qc-1", item="it-1", **scoring)
    stage.ask("followup.list_scores", **SHOP, sample_id=sample)
    stage.ask("followup.move_sample", **SHOP, id=sample, action="finish", summary="少做绝对承诺。")
    stage.ask("followup.get_sample", **SHOP, id=sample)
    stage.ask("followup.list_samples", **SHOP, kind="chat_check")


def _mystery_customers(stage: Stage) -> None:
    rows = [{"customer_id": f"cu_m{number}", "traits": {"project": "p1"}} for number in range(8)]
    teller: dict[str, Any] = {"org": "plaza-demo", "roles": ("system",)}
    stage.ask("followup.mark_people", **teller, rows=rows)
    opened = {"kind": "mystery_customers", "about": "p1", "period": "2026-Q4", "seed": "seed-1"}
    stage.call("followup.open_sample", org="plaza-demo", roles=("staff",), **opened)
    sample = stage.ask("followup.open_sample", **PLAZA, **opened)["sample_id"]
    stage.ask("followup.fill_sample", **PLAZA, id=sample, where={"project": "p1"})
    stage.ask("followup.move_sample", **PLAZA, id=sample, action="draw", number=5)
    stage.ask("followup.get_sample", **PLAZA, id=sample)
    stage.call("followup.get_sample", org="plaza-demo", roles=("staff",), id=sample)
    values = {"customer": "cu_m1", "sample": sample, "quarter": "2026-Q4", "consent": True, "fee": "0"}
    stage.ask("followup.open_record", **PLAZA, register="mystery_customer", values=values)


def _files(stage: Stage) -> None:
    sample = _drawn(stage, PLAZA, "file_check", period="2027-Q4")
    marks = {"file": True, "ledger": False}
    for item in ("it-0", "it-1"):
        stage.ask("followup.score_item", **PLAZA, id=sample, item=item, marks=marks)
    stage.ask("followup.move_sample", **PLAZA, id=sample, action="finish")
    stage.pass_time(timedelta(days=1))
    stage.ask("followup.move_sample", **PLAZA, id=sample, action="approve")


def _drawn(stage: Stage, who: dict[str, Any], kind: str, **more: Any) -> str:
    sample = str(stage.ask("followup.open_sample", **who, kind=kind, **more)["sample_id"])
    items = [{"ref": f"it-{count}", "attributes": {"agent": f"s-{count}"}} for count in range(2)]
    stage.ask("followup.fill_sample", **who, id=sample, items=items)
    stage.ask("followup.move_sample", **who, id=sample, action="draw", number=2)
    return sample
