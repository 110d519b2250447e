"""Entry points of the followup service about callbacks before they are made; part of ``service``."""

from __future__ import annotations

from typing import Any

from services.followup.application import Application
from services.followup.schemas import AppointCallback, NoteOccasion
from shared.arguments import ById
from shared.messaging.rpc import Call, command
from shared.messaging.ticker import every_tick

#: Who calls back, as in ``service``.
_CALLERS = ("followup_agent", "complaint_handler", "supervisor", "manager", "system")


class CallbackCalls:
    """Occasions, periods, and whose a callback is."""

    app: Application

    @every_tick
    def make_periodic_callbacks(self) -> bool:
        """Make the periodic callbacks of the day."""
        return self.app.callbacks.make_periodic()

    @command(*_CALLERS, schema=ById)
    def take_callback(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Take a callback, so that nobody else makes it."""
        return self.app.callbacks.agree.take(call, data)

    @command(*_CALLERS, schema=AppointCallback)
    def appoint_callback(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Move a callback to the time the customer asked for."""
        return self.app.callbacks.agree.appoint(call, data)

    @command("staff", *_CALLERS, schema=NoteOccasion)
    def note_occasion(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Note that something happened with a customer that may call for a callback."""
        return self.app.callbacks.note_occasion(call, data)
