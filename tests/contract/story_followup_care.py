"""The part of the story about unasked messages: a campaign, what a gateway reports of it, and a client who answers."""

from __future__ import annotations

import json
from typing import Any

from tests.contract.stage import Published, Stage

_CRM: dict[str, Any] = {"org": "plaza-demo", "roles": ("system",), "actor": "crm"}
_DESK: dict[str, Any] = {"org": "plaza-demo", "roles": ("staff",)}


def message_delivered(message_id: str, status: str = "delivered") -> Published:
    """Return a report as a gateway publishes it."""
    event = {
        "specversion": "1.0",
        "id": f"{message_id}-{status}",
        "source": "/hotline/plaza-demo",
        "type": "message.delivered",
        "org": "plaza-demo",
        "data": {"message_id": message_id, "status": status, "at": "2026-11-23T09:00:00+08:00"},
    }
    return Published("external", "message.delivered", json.dumps(event).encode(), user="pub-hotline")


def tell_of_care(stage: Stage) -> None:
    """Send news to whom they concern, one of whom wants none."""
    rows = [
        {"customer_id": f"cu_01{number}", "traits": {"circle": "tea"}, "opted_out": number == 2}
        for number in range(3)
    ]
    stage.ask("followup.mark_people", **_CRM, rows=rows)
    news = {"kind": "news", "occasion": "2026-tea", "where": {"circle": "tea"}, "variables": {"topic": "tea"}}
    campaign = stage.ask("followup.start_campaign", **_DESK, **news)["campaign_id"]
    stage.call("followup.start_campaign", **_DESK, kind="unheard-of", occasion="2026-tea")
    _run(stage)
    first, second = stage.ask(
        "followup.list_messages", **_DESK | {"roles": ("system",)}, campaign_id=campaign
    )
    stage.publish(message_delivered(first["message_id"]))
    stage.settle()
    stage.ask("followup.report_message", **_DESK, id=second["message_id"], status="read")
    stage.call("followup.report_message", **_DESK, id="ms_none", status="read")
    stage.ask("followup.get_campaign", **_DESK, id=campaign)
    stage.call("followup.get_campaign", **_DESK, id="cp_none")
    stage.ask("followup.list_campaigns", **_DESK, kind="news")


def _run(stage: Stage) -> None:
    while stage.services["followup"].run_campaigns():
        pass
    stage.settle()
