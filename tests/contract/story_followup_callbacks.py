"""The part of the story about callbacks that no case calls for: taken, appointed, given up, and answered."""

from __future__ import annotations

from typing import Any

from tests.contract.stage import Stage

_STAFF: dict[str, Any] = {"org": "it-demo", "roles": ("staff",)}
_AGENT: dict[str, Any] = {"org": "it-demo", "roles": ("followup_agent",), "actor": "u-2001"}


def tell_of_callbacks(stage: Stage) -> None:
    """Let two projects be accepted: one customer is never reached, the other is discontent."""
    for number, customer in enumerate(("cu_0001", "cu_0002")):
        stage.ask(
            "followup.note_occasion",
            **_STAFF,
            customer_id=customer,
            occasion="acceptance",
            at="2026-11-23T09:30:00+08:00",
            key=f"projects/{number}",
            handler="u-3001",
        )
    stage.settle()
    away, cross = stage.ask("followup.list_callbacks", **_AGENT, rule="acceptance", state="open")
    stage.ask("followup.take_callback", **_AGENT, id=away["callback_id"])
    stage.call("followup.take_callback", **_AGENT | {"actor": "u-2002"}, id=away["callback_id"])
    later = "2027-06-01T10:00:00+08:00"
    stage.ask("followup.appoint_callback", **_AGENT, id=away["callback_id"], at=later)
    stage.call("followup.appoint_callback", **_AGENT, id=away["callback_id"], at="2026-01-01T10:00:00+08:00")
    for _ in range(2):
        stage.ask("followup.complete_callback", **_AGENT, id=away["callback_id"], outcome="unreachable")
    stage.ask("followup.complete_callback", **_AGENT, id=cross["callback_id"], outcome="dissatisfied")
    stage.ask("followup.list_callbacks", **_AGENT, list="gaps")
    stage.settle()
