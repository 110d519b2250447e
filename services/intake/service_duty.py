"""Entry points of the intake service about duty; part of ``service``."""

from __future__ import annotations

from typing import Any

from services.intake.application import Application
from services.intake.schemas_duty import (
    Attend,
    DeskDay,
    DeskPage,
    DrawRoster,
    FillHandover,
    FollowWork,
    LogPageQuery,
    OpenHandover,
    RecordLoss,
    SignHandover,
    SignLog,
    SwapShift,
    UnitMonth,
    WriteLog,
)
from shared.arguments import ById
from shared.messaging.rpc import Call, command, query

#: Any member of staff may call; the organisation's rulebook says who writes, signs and draws rosters.
_STAFF = ("staff",)
_READERS = ("staff", "system")


class DutyCalls:
    """The duty log, shifts and rosters, and the handover between shifts."""

    app: Application

    @command(*_STAFF, schema=WriteLog)
    def write_duty_log(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Write an entry in the duty log."""
        return self.app.duty.log.write(call, data)

    @command(*_STAFF, schema=FollowWork)
    def follow_duty_work(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Say what became of open work."""
        return self.app.duty.log.follow_up(call, data)

    @command(*_STAFF, schema=SignLog)
    def sign_duty_log(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Sign a page of the duty log."""
        return self.app.duty.log.sign(call, data)

    @query(*_READERS, schema=LogPageQuery)
    def get_duty_log(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Return a page of the duty log, or a sample of it."""
        return self.app.duty.log.page(call, data)

    @query(*_READERS, schema=DeskPage)
    def list_duty_work(self, call: Call, data: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the open work of a desk."""
        return self.app.duty.log.open_work(call, data)

    @query(*_READERS, schema=UnitMonth)
    def get_unit_record(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Return the contact record of a unit's month."""
        return self.app.duty.log.unit_record(call, data)

    @command(*_STAFF, schema=Attend)
    def attend_shift(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Come to a shift, leave it, or say what happens on it."""
        return self.app.duty.shifts.attend(call, data)

    @query(*_READERS, schema=DeskDay)
    def list_shifts(self, call: Call, data: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the shifts of a desk on a day."""
        return self.app.duty.shifts.shifts(call, data)

    @command(*_STAFF, schema=DrawRoster)
    def draw_roster(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Draw a roster."""
        return self.app.duty.rosters.draw(call, data)

    @query(*_READERS, schema=DrawRoster)
    def check_roster(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Return what is wrong with a roster before it is drawn."""
        return self.app.duty.rosters.check(call, data)

    @command(*_STAFF, schema=SwapShift)
    def swap_shift(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Propose, accept or decline a swap."""
        return self.app.duty.rosters.swap(call, data)

    @query(*_READERS, schema=DeskDay)
    def get_roster(self, call: Call, data: dict[str, Any]) -> dict[str, Any] | None:
        """Return the roster that holds a day."""
        return self.app.duty.rosters.roster(call, data)

    @command(*_STAFF, schema=OpenHandover)
    def open_handover(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Open the handover of a shift."""
        return self.app.duty.handovers.open(call, data)

    @command(*_STAFF, schema=FillHandover)
    def fill_handover(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Enter what one side counted, checked, wrote, asked or accepts."""
        return self.app.duty.handovers.fill(call, data)

    @command(*_STAFF, schema=SignHandover)
    def sign_handover(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Sign a handover for one side."""
        return self.app.duty.handovers.sign(call, data)

    @command(*_STAFF, schema=RecordLoss)
    def record_handover_loss(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Note a loss, and who bears it."""
        return self.app.duty.handovers.lose(call, data)

    @query(*_READERS, schema=ById)
    def get_handover(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Return one handover."""
        return self.app.duty.handovers.handover(call, data)

    @query(*_READERS, schema=DeskPage)
    def list_handovers(self, call: Call, data: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the handovers of a desk, the newest first."""
        return self.app.duty.handovers.handovers(call, data)
