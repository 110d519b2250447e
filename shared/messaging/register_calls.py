"""Entry points of registers (登记簿), for the service that keeps some."""

from __future__ import annotations

from typing import Any, Protocol

from shared.arguments import ById
from shared.messaging.rpc import Call, command, query
from shared.messaging.ticker import every_tick
from shared.registers.handlers.keeping import KeepRegisters
from shared.registers.handlers.looking import LookOverRegisters
from shared.registers.handlers.reading import ReadRegisters
from shared.registers.schemas import (
    ActOnRecord,
    BalanceQuery,
    CorrectRecord,
    DescribeRegister,
    ExportRegister,
    MissingQuery,
    OpenRecord,
    RecordQuery,
    RegisterFigures,
    SampleRecords,
)


class Registering(Protocol):
    """What the entry points need of their service's use cases."""

    @property
    def keep_registers(self) -> KeepRegisters:
        """Those that write."""
        ...

    @property
    def read_registers(self) -> ReadRegisters:
        """Those that look something up."""
        ...

    @property
    def look_over_registers(self) -> LookOverRegisters:
        """Those that look over a register as a whole."""
        ...


#: Any member of staff may call; the definition of the register says who opens, acts and corrects.
_STAFF = ("staff",)
_READERS = ("staff", "system")


class RegisterCalls:
    """Forms as data: what is written in them, and what has to be true of it."""

    app: Registering

    @every_tick
    def finish_records(self) -> bool:
        """Finish steps that moved a balance or open other records and died."""
        return self.app.keep_registers.catch_up()

    @command(*_STAFF, schema=OpenRecord)
    def open_record(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Open a record of a register."""
        return self.app.keep_registers.open_record(call, data)

    @command(*_STAFF, schema=ActOnRecord)
    def act_on_record(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Take one of the actions of its register on a record."""
        return self.app.keep_registers.act_on_record(call, data)

    @command(*_STAFF, schema=CorrectRecord)
    def correct_record(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Put values of a record right; what stood there is kept."""
        return self.app.keep_registers.correct_record(call, data)

    @query(*_READERS, schema=ById)
    def get_record(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Return one record; personal values only to those who may see them."""
        return self.app.read_registers.get_record(call, data)

    @query(*_READERS, schema=RecordQuery)
    def list_records(self, call: Call, data: dict[str, Any]) -> list[dict[str, Any]]:
        """Return a page of records, newest first."""
        return self.app.read_registers.list_records(call, data)

    @query(*_READERS, schema=RegisterFigures)
    def register_statistics(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Return a register's records counted by state and by a field, and sums."""
        return self.app.read_registers.register_statistics(call, data)

    @query(*_READERS, schema=BalanceQuery)
    def list_balances(self, call: Call, data: dict[str, Any]) -> list[dict[str, Any]]:
        """Return a page of balances."""
        return self.app.read_registers.list_balances(call, data)

    @query(*_READERS, schema=DescribeRegister)
    def describe_register(self, call: Call, data: dict[str, Any]) -> list[dict[str, Any]]:
        """Return definitions of registers as a screen needs them."""
        return self.app.read_registers.describe_register(call, data)

    @query(*_READERS, schema=MissingQuery)
    def list_missing(self, call: Call, data: dict[str, Any]) -> list[dict[str, Any]]:
        """Return what was due in its last period and is not there."""
        return self.app.look_over_registers.list_missing(call, data)

    @query(*_READERS, schema=SampleRecords)
    def sample_records(self, call: Call, data: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the records of a stretch of time that are to be checked."""
        return self.app.look_over_registers.sample_records(call, data)

    @query(*_READERS, schema=ExportRegister)
    def export_register(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Return a register as a table without formulas."""
        return self.app.look_over_registers.export_register(call, data)
