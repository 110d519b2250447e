"""Entry points of the complaints service for auditing what it keeps; part of ``service``."""

from __future__ import annotations

from typing import Any

from services.complaints.application import Application
from services.complaints.schemas_audit import AuditPage
from shared.messaging.rpc import Call, query

#: Findings speak of every case, sum and person of the organisation.
_AUDITORS = ("auditor", "operator", "system")


class AuditCalls:
    """Whether everything that must hold does."""

    app: Application

    @query(*_AUDITORS, schema=AuditPage)
    def audit_page(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Check a page of cases, offers or ledgers and return what does not hold."""
        return self.app.audit(call, data)
