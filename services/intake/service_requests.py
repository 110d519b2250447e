"""Entry points of the intake service about requests; part of ``service``."""

from __future__ import annotations

from typing import Any

from services.intake.application import Application
from services.intake.schemas_requests import (
    ActOnRequest,
    AnswerDepartment,
    AskHelp,
    DelayRequest,
    InvolveDepartments,
    ListRequests,
    OpenRequest,
    RequestStatistics,
    TransferRequest,
)
from shared.arguments import ById
from shared.messaging.rpc import Call, command, query
from shared.messaging.ticker import every_tick

#: Any member of staff may call; the organisation's rulebook says who may take which step.
_STAFF = ("staff",)
_READERS = ("staff", "system")


class RequestCalls:
    """What becomes of contacts that are no complaints, and of tasks."""

    app: Application

    @every_tick
    def open_missing_requests(self) -> bool:
        """Open the requests that a batch cut short left out."""
        return self.app.openings.catch_up()

    @command(*_STAFF, schema=OpenRequest)
    def open_request(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Open a request by hand."""
        return self.app.requests.open_request(call, data)

    @command(*_STAFF, schema=ActOnRequest)
    def act_on_request(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Take one of the actions the rulebook has for a request."""
        return self.app.requests.act_on_request(call, data)

    @command(*_STAFF, schema=TransferRequest)
    def transfer_request(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Offer a request to somebody else."""
        return self.app.requests.transfer_request(call, data)

    @command(*_STAFF, schema=ById)
    def accept_request(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Take over what was offered."""
        return self.app.requests.accept_request(call, data)

    @command(*_STAFF, schema=AskHelp)
    def ask_help(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Ask for help and stay the owner."""
        return self.app.requests.ask_help(call, data)

    @command(*_STAFF, schema=DelayRequest)
    def delay_request(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Consent to a later time."""
        return self.app.requests.delay_request(call, data)

    @command(*_STAFF, schema=InvolveDepartments)
    def involve_departments(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Ask several departments at once."""
        return self.app.requests.involve_departments(call, data)

    @command(*_STAFF, schema=AnswerDepartment)
    def answer_department(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Enter a department's answer, or the office's ruling."""
        return self.app.requests.answer_department(call, data)

    @query(*_READERS, schema=ById)
    def get_request(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Return one request with everything entered on it."""
        return self.app.look_up_requests.request(call, data)

    @query(*_READERS, schema=ListRequests)
    def list_requests(self, call: Call, data: dict[str, Any]) -> list[dict[str, Any]]:
        """Return a page of requests."""
        return self.app.look_up_requests.requests(call, data)

    @query(*_READERS, schema=RequestStatistics)
    def request_statistics(self, call: Call, data: dict[str, Any]) -> dict[str, int]:
        """Return how many requests there are."""
        return self.app.look_up_requests.statistics(call, data)
