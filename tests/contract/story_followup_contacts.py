"""The part of the story about who was in contact: a plaza's customers, one of whom nobody has seen this year."""

from __future__ import annotations

from typing import Any

from tests.contract.stage import Stage

_CRM: dict[str, Any] = {"org": "plaza-demo", "roles": ("system",)}
_CLERK: dict[str, Any] = {"org": "plaza-demo", "roles": ("staff",)}


def tell_of_contacts(stage: Stage) -> None:
    """Let a plaza contact one of two customers, and look at who is left."""
    rows = [
        {"customer_id": "cu_0001", "traits": {"grade": "level_2", "type": "tenant"}},
        {"customer_id": "cu_0002", "traits": {"grade": "level_1", "type": "own"}},
    ]
    stage.ask("followup.mark_people", **_CRM, rows=rows)
    topics = {"views": "响应及时。", "business_state": "客流上升。"}
    stage.call(
        "followup.open_record",
        **_CLERK,
        register="customer_contact",
        values={"customer": "cu_0001", **topics},
    )
    values = {"customer": "cu_0001", **topics, "service_needs": "延长空调时间。"}
    stage.ask("followup.open_record", **_CLERK, register="customer_contact", values=values)
    stage.settle()
    stage.ask("followup.get_contact_coverage", **_CLERK, quota="yearly_contact")
    stage.ask("followup.list_contact_gaps", **_CLERK, quota="yearly_contact", limit=2)
    stage.call("followup.list_contact_gaps", **_CLERK, quota="weekly_tea")
