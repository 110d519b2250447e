"""An office that owes things again and again, for the tests of obligations."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.unit.reporting.register_world import ORG, Office, beijing

_NOTHING: dict[str, Any] = dict.fromkeys(
    ("code", "state", "role", "owner", "on_time", "due_from", "due_before")
)


class Owing(Office):
    """An office whose obligations are opened as time passes; its timer came round this morning."""

    def __init__(self, folder: Path, profile: str, own: str = "") -> None:
        super().__init__(folder, profile, own)
        self.pass_time(timedelta())

    def joins(self, staff: str, post: str = "aftersale", unit: str = "shop") -> None:
        """Let intake's directory tell of a new member."""
        taken = self.hear(
            "intake", "member_changed", f"mb_{staff}", staff=staff, unit=unit, post=post, state="active"
        )
        assert taken.outcome == "done", taken.reason
        self.pass_time(timedelta())

    def at(self, text: str) -> None:
        """Let it become ``text``, and the timer come round."""
        self.pass_time(beijing(text))

    def owed(self, code: str, **asked: Any) -> list[dict[str, Any]]:
        """Return what is owed of one obligation, the earliest due first."""
        data = _NOTHING | {"code": code, "mine": False, "limit": 200, "skip": 0} | asked
        return self.app.obligations.desk.page(ORG, "u-reader", data)

    def overdue(self, code: str) -> list[tuple[str | None, str]]:
        """Return whose it is and for which first day, of what is overdue."""
        return [(row["owner"], row["first_day"]) for row in self.owed(code, state="overdue")]

    def confirm(self, row: dict[str, Any], actor: str, *roles: str, key: str | None = None) -> dict[str, Any]:
        """Give one's word."""
        data = {"id": row["obligation_id"], "reference": "文-2026-1"}
        return self.app.obligations.desk.confirm(self.by(actor, *roles, key=key), data)

    def heard(self, kind: str, code: str) -> list[dict[str, Any]]:
        """Return the data of the events of ``kind`` about one obligation."""
        return [
            dict(each.entry.data)
            for each in self.sent
            if each.entry.type == kind and each.entry.data.get("obligation") == code
        ]


MINUTE = timedelta(minutes=1)
