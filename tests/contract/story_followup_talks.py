"""The part of the story about a batch of members: compiled, called, recorded, summed up, and what one of them opens."""

from __future__ import annotations

from typing import Any

from tests.contract.stage import Stage

_CRM: dict[str, Any] = {"org": "plaza-demo", "roles": ("system",)}
_BOSS: dict[str, Any] = {"org": "plaza-demo", "roles": ("supervisor",), "actor": "u-2005"}
_CALLER: dict[str, Any] = {"org": "plaza-demo", "roles": ("followup_agent",), "actor": "u-2001"}


def tell_of_talks(stage: Stage) -> None:
    """Call two members at the anniversary; one is not satisfied."""
    row: dict[str, Any] = {"kind": "person", "traits": {"member": "yes"}, "dates": {}, "opted_out": False}
    rows = [{**row, "customer_id": customer} for customer in ("cu_0011", "cu_0012")]
    stage.ask("followup.mark_people", **_CRM, rows=rows)
    chosen = {"kind": "anniversary", "occasion": "anniversary-2026", "where": {"member": "yes"}}
    batch = stage.ask("followup.compile_batch", **_BOSS, **chosen)["batch_id"]
    stage.call("followup.compile_batch", **_BOSS, kind="anniversary")
    stage.ask("followup.act_on_batch", **_BOSS, id=batch, action="allocate", specialists=["u-2001", "u-2002"])
    stage.services["followup"].fire_clocks()
    stage.settle()
    first, second = [
        each["callback_id"]
        for each in stage.ask("followup.list_callbacks", **_CALLER, state="open", limit=200)
        if each["rule"] == "member"
    ]
    names = {"customer": "王女士", "agent": "小李"}
    stage.ask("followup.callback_script", **_CALLER, id=first, values=names)
    stage.call("followup.callback_script", **_CALLER, id=first)
    stage.ask(
        "followup.complete_callback",
        **_CALLER,
        id=first,
        outcome="dissatisfied",
        record={"suggestion": "多些车位"},
    )
    stage.ask("followup.get_batch", **_BOSS, id=batch)
    stage.call("followup.act_on_batch", **_BOSS, id=batch, action="summarise", report="待补。")
    stage.call("followup.fill_callback_record", **_CALLER, id=first, record={"rating": 9})
    stage.ask("followup.fill_callback_record", **_CALLER, id=first, record={"rating": 2})
    stage.ask("followup.complete_callback", **_CALLER, id=second, outcome="satisfied", record={"rating": 5})
    stage.settle()
    stage.ask("followup.list_callback_records", **_BOSS, field="suggestion")
    report = {"report": "两位会员，一位不满意，已立整改。"}
    stage.ask("followup.act_on_batch", **_BOSS, id=batch, action="summarise", **report)
    stage.ask("followup.act_on_batch", **_BOSS, id=batch, action="archive")
    stage.ask("followup.list_batches", **_CALLER, state="archived")
