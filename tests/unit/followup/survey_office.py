"""An office that makes surveys, over the real stores and the real rulebooks, for the tests of surveys."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from services.followup.application import Application, build
from services.followup.rulebook import load_rulebooks
from services.followup.schemas_surveys import AnswerSurvey, EnterSurveyAnswers, MoveSurvey, PlanSurvey
from shared.clock import FixedClock
from shared.ids import CountingIds
from shared.messaging.envelope import CONTENT_TYPE, render
from shared.outbox import Unsent
from tests.every_role import EVERY_ROLE
from tests.memory import memory_runtime

ORG = "works-demo"
_rulebooks = cache(load_rulebooks)


@dataclass(frozen=True)
class By:
    """One call of somebody."""

    actor: str
    roles: frozenset[str]
    key: str
    org: str = ORG
    traceparent: str | None = None


@dataclass
class Sent:
    """One event as it comes off the bus."""

    body: bytes
    content_type: str | None = CONTENT_TYPE
    faults: list[str] = field(default_factory=list)

    def duplicate(self) -> None:
        """Nothing to note."""

    def retry(self, reason: str) -> None:
        self.faults.append(reason)

    def dead(self, reason: str) -> None:
        self.faults.append(reason)


class SurveyOffice:
    """One organisation of a profile, on a Monday morning; what it says to itself it hears at once."""

    def __init__(
        self, folder: Path, profile: str, overrides: str = "", *, now: str = "2025-05-19T09:00:00+08:00"
    ) -> None:
        (folder / f"{ORG}.yaml").write_text(
            f"org: {ORG}\nname: 演示单位\nprofile: {profile}\nnumber_prefix: WRK\ncalendar: cn\n"
            "time_zone: Asia/Shanghai\npublishers: []\n"
            f"roles: [{EVERY_ROLE}]\n{overrides}",
            encoding="utf-8",
        )
        self.clock = FixedClock(datetime.fromisoformat(now))
        self.sent: list[Unsent] = []
        self._heard = 0
        self._keys = itertools.count(1)
        settings = SimpleNamespace(organisations_dir=folder)
        self.runtime = memory_runtime(self.clock, CountingIds(), sink=self.sent.extend, settings=settings)
        with patch("services.followup.application.load_rulebooks", _rulebooks):
            self.app: Application = build(self.runtime)

    def by(self, *roles: str, key: str | None = None, actor: str = "u-1") -> By:
        return By(actor, frozenset({"staff", *roles}), key or f"k-{next(self._keys)}")

    def people(self, count: int, **traits: str) -> list[str]:
        """Let there be ``count`` more customers, each with a home of its own, and return their ids."""
        first = self.app.people.count(ORG)
        ids = [f"cu_{number:05}" for number in range(first, first + count)]
        rows: list[Mapping[str, Any]] = [
            {"customer_id": each, "traits": traits, "units": (f"home-{each}",)} for each in ids
        ]
        self.app.people.mark(self.by(), rows)
        return ids

    def plan(self, *roles: str, **data: Any) -> str:
        planned = self.app.surveys.waves.plan(self.by(*roles), PlanSurvey().load(data))
        return str(planned["wave_id"])

    def move(self, wave: str, action: str, *roles: str, **data: Any) -> dict[str, Any]:
        loaded = MoveSurvey().load({"id": wave, "action": action, **data})
        moved = self.app.surveys.waves.move(self.by(*roles), loaded)
        self.settle()
        return moved

    def launched(self, **data: Any) -> str:
        """Plan and launch a wave, and ask everybody drawn."""
        wave = self.plan(**data)
        self.move(wave, "launch")
        return wave

    def settle(self) -> None:
        """Let the timer come round, and the service hear what it said, until nothing is left to do."""
        more = True
        while more:
            more = self.app.fire_clocks()
            more = self._hear() or more

    def _hear(self) -> bool:
        said = self.sent[self._heard :]
        self._heard = len(self.sent)
        heard = [
            Sent(render(each.entry, service="followup", org=each.org, subject=each.subject)) for each in said
        ]
        self.app.consequences("followup", heard)
        assert not [fault for each in heard for fault in each.faults]
        return bool(said)

    def pass_time(self, until: timedelta | str) -> None:
        step = until if isinstance(until, timedelta) else datetime.fromisoformat(until) - self.clock.now()
        self.clock.advance(step)
        self.settle()

    def invitations(self, wave: str, **wanted: Any) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        while True:
            data = {"id": wave, "state": None, "limit": 200, "skip": len(rows), **wanted}
            page = self.app.surveys.answers.list(ORG, data)
            rows += page
            if len(page) < 200:
                return rows

    def enter(self, wave: str, rows: Sequence[Mapping[str, Any]], key: str | None = None) -> dict[str, Any]:
        data = EnterSurveyAnswers().load({"id": wave, "rows": list(rows)})
        entered = self.app.surveys.answers.enter(self.by(key=key), data)
        self.settle()
        return entered

    def fill(self, wave: str, answers: Sequence[Mapping[str, Any]]) -> None:
        """Let the first people asked answer, each with one of ``answers``."""
        asked = self.invitations(wave)
        for start in range(0, len(answers), 200):
            part = zip(asked[start : start + 200], answers[start : start + 200], strict=False)
            rows = [{"invitation_id": one["invitation_id"], **answer} for one, answer in part]
            assert self.enter(wave, rows)["refused"] == 0

    def token(self, invitation: str) -> str:
        return str(self.app.surveys.answers.link(ORG, invitation)["token"])

    def answer(self, token: str, key: str | None = None, **answer: Any) -> dict[str, Any]:
        data = AnswerSurvey().load({"token": token, **answer})
        answered = self.app.surveys.answers.answer(self.by(key=key), data)
        self.settle()
        return answered

    def get(self, wave: str) -> dict[str, Any]:
        return self.app.surveys.waves.get(ORG, wave)

    def told(self, kind: str) -> list[Mapping[str, Any]]:
        return [each.entry.data for each in self.sent if each.entry.type == kind]


def overall(*scores: int) -> list[dict[str, Any]]:
    """Return answers that rate nothing but ``overall``."""
    return [{"scores": {"overall": score}} for score in scores]
