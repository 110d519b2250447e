"""Where a story is played: a stack of its own at the story's time, and the people of the organisation."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from shared.errors import KefuError, RuleRefused
from shared.history import moment_of, timestamp
from tests.integration.bus import Bus, Desk, eventually
from tests.integration.events import complaint
from tests.integration.movable_time import MovableTime
from tests.integration.stories.facts import Facts

BEIJING = ZoneInfo("Asia/Shanghai")
_MINUTE = "%Y-%m-%d %H:%M"


@dataclass
class Stage:
    """One organisation on its stack; moments are local and to the minute, ``2025-03-05 09:00``."""

    org: str
    time: MovableTime
    bus: Bus
    facts: Facts

    def at(self, moment: str) -> None:
        """Let it be ``moment``."""
        self.time.set(_instant(moment))

    def person(self, name: str, *roles: str) -> Desk:
        """Return the member of staff ``name``, who has ``roles``."""
        return self.bus.desk(self.org, ("staff", *roles), subject=f"stf_{name}")

    @property
    def archive(self) -> Desk:
        """Somebody who may read what reporting archived."""
        return self.person("archive", "supervisor")

    def complains(
        self, publisher: str, received: str, problem: str | None = None, **details: Any
    ) -> dict[str, Any]:
        """Publish a complaint received at ``received`` and return its event."""
        event = complaint(self.org, problem, received_at=timestamp(_instant(received)), **details)
        self.bus.publish(publisher, event)
        return event

    def tell(self, what: str, seen: object) -> None:
        """Compare a fact of the story with what was ``seen``."""
        self.facts.tell(what, seen)

    def tell_refused(self, what: str, desk: Desk, method: str, /, **arguments: Any) -> None:
        """Call what must be refused; the fact is the rule that refuses it."""
        with pytest.raises(KefuError) as refused:
            desk.do(f"complaints.{method}", **arguments)
        assert isinstance(refused.value, RuleRefused), refused.value
        self.tell(what, refused.value.rule)

    def tell_due(self, what: str, case: dict[str, Any], clock: str) -> None:
        """The fact is when the open clock of a case is due."""
        self.tell(what, local(clock_of(case, clock)["due_at"]))

    def called_back(self, desk: Desk, case_id: str) -> dict[str, Any]:
        """Let the customer be satisfied at the callback; return what the case still waits for, once it does."""
        caller = self.person("caller", "followup_agent")
        (callback,) = caller.callbacks_of(case_id, 1)
        caller.do("followup.complete_callback", id=callback["callback_id"], outcome="satisfied")

        def waits() -> dict[str, Any]:
            found: dict[str, Any] = desk.ask("complaints.get_settlement", id=case_id)
            assert found["waits_to_close"] == "callback", found
            return found

        return eventually(waits)


@contextmanager
def telling(
    story: str, org: str, begin: str, folder: Path, *, organisations: Path | None = None
) -> Iterator[Stage]:
    """Play ``story`` from ``begin`` on; afterwards each of its facts must have been looked at.

    ``organisations`` is a directory of the story's own organisations; without, those of the demo serve.
    """
    facts = Facts(story)
    environment = {} if organisations is None else {"KEFU_ORGANISATIONS_DIR": str(organisations)}
    stack = MovableTime(folder / "ahead", begin=_instant(begin), environment=environment)
    with stack as time, Bus(time) as bus:
        yield Stage(org, time, bus, facts)
    facts.finish()


def clock_of(case: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the clock ``name`` of a case that is not superseded."""
    (found,) = (row for row in case["deadlines"] if row["name"] == name and row["state"] != "superseded")
    return dict(found)


def local(moment: str) -> str:
    """Return a moment of an answer in local time, to the minute."""
    return f"{moment_of(moment).astimezone(BEIJING):{_MINUTE}}"


def _instant(moment: str) -> datetime:
    return datetime.strptime(moment, _MINUTE).replace(tzinfo=BEIJING)
