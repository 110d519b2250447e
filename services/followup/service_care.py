"""Entry points of the followup service about campaigns and what becomes of messages; part of ``service``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from services.followup.application import Application
from services.followup.schemas_care import CampaignQuery, ReportMessage, StartCampaign
from shared.arguments import ById
from shared.messaging.consumer import event_batches
from shared.messaging.delivery import Delivery
from shared.messaging.rpc import Call, command, query
from shared.messaging.ticker import every_tick
from shared.messaging.topology import EXTERNAL

#: Who may ask for a campaign at all; each kind of the rulebook may name fewer.
_STAFF = ("staff", "system")


class CareCalls:
    """Campaigns, and what becomes of messages."""

    app: Application

    @event_batches(EXTERNAL, types=("message.delivered",))
    def on_external_events(self, deliveries: Sequence[Delivery]) -> None:
        """Take what gateways report of messages."""
        self.app.care.reports(deliveries)

    @every_tick
    def run_campaigns(self) -> bool:
        """Begin campaigns whose day it is, and deal with a page of those that run."""
        return self.app.care.campaigns.round()

    @command(*_STAFF, schema=StartCampaign)
    def start_campaign(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Start a campaign; the timer reaches everybody."""
        return self.app.care.campaigns.start(call, data)

    @command(*_STAFF, schema=ReportMessage)
    def report_message(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Say how far a message got, such as that its reader acknowledged it."""
        return self.app.care.reports.report(call, data)

    @query(*_STAFF, schema=ById)
    def get_campaign(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Return a campaign with its counts."""
        return self.app.care.campaigns.campaign(call.org, data["id"])

    @query(*_STAFF, schema=CampaignQuery)
    def list_campaigns(self, call: Call, data: dict[str, Any]) -> list[dict[str, Any]]:
        """Return a page of campaigns, newest first."""
        return self.app.care.campaigns.campaigns(call.org, data)
