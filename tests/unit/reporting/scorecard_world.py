"""An office that keeps scorecards, for the tests of them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from services.reporting.domain.month import Month
from tests.unit.reporting.register_world import Office, beijing

#: The agent the tests are about.
AGENT = "a-1"


class Scored(Office):
    """An office whose cards are looked at; what is needed of each register is filled in."""

    def came(self, minutes: int, day: str, person: str = AGENT) -> str:
        """Sign in so many minutes after the shift began at nine."""
        came = f"{day}T{9 + minutes // 60:02}:{minutes % 60:02}:00+08:00"
        return self.open(
            "attendance_day", person=person, day=day, came_at=came, shift_begins=f"{day}T09:00:00+08:00"
        )

    def leave(self, day: str, kind: str = "leave", person: str = AGENT) -> str:
        """Ask for a day off and get it."""
        begins, ends = f"{day}T09:00:00+08:00", f"{day}T18:00:00+08:00"
        asked = self.open("leave", self.by(person), kind=kind, reason="家事", begins_at=begins, ends_at=ends)
        self.act(asked, "approve", self.by("u-2", "supervisor"))
        return asked

    def note(self, kind: str, day: str, person: str = AGENT, **values: Any) -> str:
        """Write down somebody's conduct."""
        return self.open(
            "conduct_note", self.by("u-2", "supervisor"), person=person, day=day, kind=kind, **values
        )

    def card(self, month: str, person: str = AGENT, scorecard: str = "conduct") -> dict[str, Any]:
        """Return somebody's card as he sees it himself."""
        asked = {"scorecard": scorecard, "month": Month.of(month), "person": None}
        return self.app.scorecards.get(self.by(person), asked)

    def total(self, month: str, person: str = AGENT, scorecard: str = "conduct") -> Decimal:
        """Return what the card comes to."""
        return Decimal(self.card(month, person, scorecard)["total"])

    def line(self, code: str, month: str, person: str = AGENT, scorecard: str = "conduct") -> dict[str, Any]:
        """Return one line of a card."""
        (found,) = [each for each in self.card(month, person, scorecard)["lines"] if each["line"] == code]
        return dict(found)

    def follows(self, month: str, person: str = AGENT) -> list[str]:
        """Return what follows from a card."""
        return [each["consequence"] for each in self.card(month, person)["consequences"]]

    def close(self, month: str, scorecard: str = "conduct", key: str | None = None) -> dict[str, Any]:
        """Close a month as the manager."""
        asked = {"scorecard": scorecard, "month": Month.of(month)}
        return self.app.scorecards.close(self.by("u-3", "manager", key=key), asked)

    def at(self, text: str) -> None:
        """Let it become ``text``."""
        self.clock.advance(beijing(text) - self.clock.now())
