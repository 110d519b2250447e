"""Use case: open corrective measures (纠正措施) that follow from something else, each once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from shared.registers.handlers.keeping import KeepRegisters

#: The register that measures are records of, and who opens them when nobody does.
REGISTER, SYSTEM = "corrective_measure", "system"


@dataclass(frozen=True, slots=True)
class _Opening:
    """The service's own call."""

    org: str
    key: str
    actor: str = SYSTEM
    roles: frozenset[str] = frozenset({"staff", SYSTEM})
    traceparent: str | None = None


class Measures:
    """Opens corrective measures."""

    def __init__(self, registers: KeepRegisters) -> None:
        """Use what keeps registers."""
        self._registers = registers

    def open(
        self,
        org: str,
        *,
        key: str,
        finding: str,
        measure: str,
        owner: str | None = None,
        due_on: date | None = None,
        source: str | None = None,
    ) -> str:
        """Open a measure, once for ``key``, and return its id; what ``source`` asked for it stands in it.

        Raises what opening a record raises: NotFound where the organisation keeps no such register.
        """
        values = {
            "finding": finding,
            "measure": measure,
            "owner": owner,
            "due_on": due_on.isoformat() if due_on else None,
            "asked_by": source,
        }
        given = {code: value for code, value in values.items() if value is not None}
        opened = self._registers.open_record(
            _Opening(org, f"measure/{key}"), {"register": REGISTER, "values": given}
        )
        return str(opened["record_id"])
