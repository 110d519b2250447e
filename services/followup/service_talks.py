"""Entry points of the followup service about records, scripts and batches; part of ``service``."""

from __future__ import annotations

from typing import Any

from services.followup.application import Application
from services.followup.schemas_talks import (
    ActOnBatch,
    BatchQuery,
    CompileBatch,
    FillRecord,
    RecordQuery,
    ScriptQuery,
)
from shared.arguments import ById
from shared.messaging.rpc import Call, command, query

_CALLERS = ("followup_agent", "complaint_handler", "supervisor", "manager", "system")
_LEADERS = ("supervisor", "manager")


class TalkCalls:
    """What is said and written on callbacks, and batches of them."""

    app: Application

    @query(*_CALLERS, schema=ScriptQuery)
    def callback_script(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Return what to say."""
        return self.app.talks.scripts.words(call.org, data)

    @command(*_CALLERS, schema=FillRecord)
    def fill_callback_record(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Fill in what the record of a made call lacks."""
        return self.app.talks.records.fill(call, data)

    @query(*_LEADERS, schema=RecordQuery)
    def list_callback_records(self, call: Call, data: dict[str, Any]) -> list[dict[str, Any]]:
        """Return a page of what customers said, the newest first."""
        return self.app.talks.records.page(call.org, data)

    @command(*_LEADERS, schema=CompileBatch)
    def compile_batch(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Select customers to be called."""
        return self.app.talks.batches.compile(call, data)

    @command(*_LEADERS, schema=ActOnBatch)
    def act_on_batch(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Share a batch out, sum it up or archive it."""
        return self.app.talks.batches.act(call, data)

    @query(*_CALLERS, schema=ById)
    def get_batch(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Return one batch with its coverage, its gaps and what was said."""
        return self.app.talks.batches.batch(call.org, data["id"])

    @query(*_CALLERS, schema=BatchQuery)
    def list_batches(self, call: Call, data: dict[str, Any]) -> list[dict[str, Any]]:
        """Return a page of batches, the newest first."""
        return self.app.talks.batches.page(call.org, data)
