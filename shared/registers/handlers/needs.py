"""What the use cases of registers need of the service that keeps them."""

from __future__ import annotations

from typing import Protocol

from shared.registers.definition import Register


class HoldsRegisters(Protocol):
    """The part of a rulebook in which registers are defined."""

    @property
    def registers(self) -> tuple[Register, ...]:
        """Every register."""
        ...

    def register(self, code: str) -> Register | None:
        """Return the register called ``code``, or ``None`` when the rulebook has none."""
        ...


class Counting(Protocol):
    """What counts serial numbers."""

    def reserve(self, series: str, count: int) -> int:
        """Take ``count`` consecutive serials of ``series`` and return the first; never given out twice."""
        ...
