"""Taking a case along its path over the bus: every step by somebody of the role it is for."""

from __future__ import annotations

from kefu.demo.walking import filled
from tests.integration.bus import Bus


def walk(bus: Bus, org: str, case_id: str, *, until: str | None = None) -> list[str]:
    """Take the mandatory steps that have no command of their own, up to ``until``; return their codes in order."""
    taken: list[str] = []
    asking = bus.desk(org)
    while True:
        rows = [
            row
            for row in asking.ask("complaints.next_steps", id=case_id)["steps"]
            if row["mandatory"] and not row["waits_for"] and row["command"] == "take_step"
        ]
        if not rows or rows[0]["step"] == until:
            return taken
        row = rows[0]
        who = bus.desk(org, ("staff", row["roles"][0]), subject=f"stf_{row['roles'][0]}")
        who.do("complaints.take_step", id=case_id, step=row["step"], filled=filled(row))
        taken.append(row["step"])
