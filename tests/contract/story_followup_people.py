"""The part of the story about whom followup knows: what intake and a system of customers tell of them."""

from __future__ import annotations

from typing import Any

from tests.contract.stage import Stage

_CRM: dict[str, Any] = {"org": "plaza-demo", "roles": ("system",)}


def tell_of_people(stage: Stage) -> None:
    """Let a system of customers tell of one, and look at it."""
    row = {
        "customer_id": "cu_0009",
        "kind": "company",
        "traits": {"grade": "level_1", "vip": "yes"},
        "dates": {"opened": "2026-03-01"},
        "opted_out": False,
    }
    stage.ask("followup.mark_people", **_CRM, rows=[row])
    stage.call("followup.mark_people", **_CRM | {"roles": ("staff",)}, rows=[row])
    stage.ask("followup.get_person", **_CRM, id="cu_0009")
    stage.call("followup.get_person", **_CRM, id="cu_none")
    stage.ask("followup.list_people", **_CRM, where={"vip": "yes"})
