"""Use cases of those who make surveys: plan, rehearse, launch, close and evaluate a wave; look at its figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, time
from decimal import Decimal
from typing import Any, Protocol

from services.followup.domain.rulebook import FollowupRules
from services.followup.domain.surveys.definition import Method, SurveyKind
from services.followup.domain.surveys.figures import Figures, percent
from services.followup.domain.surveys.rhythm import last_stretch
from services.followup.domain.surveys.wave import Plan, Wave
from services.followup.handlers.surveys.finding import kind_called, kind_of
from shared.acting import Caller, Shelf, change, create, found
from shared.clock import Clock
from shared.history import Cause, timestamp
from shared.ruling import Rules, Ruling

_PREFIX = "sw"


class WaveShelf(Shelf[Wave], Protocol):
    """Where waves are kept."""

    def page(self, org: str, kind: str | None, state: str | None, limit: int, skip: int) -> list[Wave]:
        """Return a page of waves, the newest first."""
        ...

    def before(self, wave: Wave) -> Wave | None:
        """Return the wave of the same kind before it."""
        ...

    def launched_within(self, org: str, kind: str, first: datetime, end: datetime) -> bool:
        """Return whether a wave of ``kind`` was launched in a stretch of time."""
        ...


class Counting(Protocol):
    """Who counts answers."""

    def counts(self, wave_id: str) -> dict[str, int]:
        """Return the counts of a wave's facts."""
        ...


class MeasuresOfWaves(Protocol):
    """Who knows what was opened after a wave, and what of it is done."""

    def done(self, wave: Wave, kind: SurveyKind) -> tuple[int, int]:
        """Return how many measures there are and how many of them are closed."""
        ...


class Surveys:
    """The waves of an organisation."""

    def __init__(
        self,
        waves: WaveShelf,
        asked: Counting,
        measures: MeasuresOfWaves,
        rules: Rules[FollowupRules],
        clock: Clock,
    ) -> None:
        """Use what keeps waves and counts answers."""
        self._waves, self._asked, self._measures = waves, asked, measures
        self._rules, self._clock = rules, clock

    def plan(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Plan a wave (调查计划); RuleRefused naming what the rulebook misses in the plan."""
        now = self._clock.now()
        ruling = self._rules.in_force(call.org, now)
        kind = kind_called(ruling.rules, data["kind"])

        def build(new: str, cause: Cause) -> Wave:
            wave = Wave(
                id=new,
                org=call.org,
                regulation=ruling.version,
                kind=kind.code,
                plan=_plan(data, new),
                planned_at=now,
            )
            wave.planned(kind, cause)
            return wave

        return create(self._waves, call, data, _PREFIX, build, wave_view)

    def move(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Rehearse, launch, close or evaluate a wave; RuleRefused or Forbidden by the rule concerned."""

        def step(wave: Wave, cause: Cause) -> None:
            now, kind = self._clock.now(), kind_of(self._rules, wave)
            match data["action"]:
                case "rehearse":
                    wave.rehearse(now, cause)
                case "launch":
                    wave.launch(kind, call.roles, self._rules.calendar(call.org), now, cause)
                case "close":
                    wave.close(now, cause)
                case _:
                    wave.evaluate(kind, data["credibility"], data["conclusion"], now, cause)

        return change(self._waves, call, data, "survey", step, wave_view)

    def get(self, org: str, wave_id: str) -> dict[str, Any]:
        """Return a wave with its summary table and the table of the wave before it."""
        wave = found(self._waves.get(wave_id, org), "survey", wave_id)
        kind = kind_of(self._rules, wave)
        figures = self._figures(wave)
        before = self._waves.before(wave)
        previous = None if before is None else self._figures(before).view() | {"wave_id": before.id}
        opened, closed = self._measures.done(wave, kind)
        return wave_view(wave) | {
            "purpose": wave.plan.purpose,
            "population": wave.population,
            "coverage": percent(figures.sent, wave.population),
            "strata": [
                {"stratum": each.code, "size": each.size, "share": each.share, "asked": each.chosen}
                for each in wave.strata
            ],
            "figures": figures.view(),
            "previous": previous,
            "below": wave.below,
            "measures": {"opened": opened, "closed": closed, "done": percent(closed, opened)},
            "credibility": wave.credibility,
            "conclusion": wave.conclusion,
            "clocks": wave.clock_view(),
        }

    def list(self, org: str, data: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return a page of waves, the newest first."""
        rows = self._waves.page(org, data["kind"], data["state"], data["limit"], data["skip"])
        return [wave_view(wave) for wave in rows]

    def missed(self, org: str) -> Sequence[dict[str, Any]]:
        """Return the kinds whose last stretch ended without a wave launched in it, each with its rule."""
        ruling = self._rules.in_force(org, self._clock.now())
        rows = (self._missed(org, ruling, kind) for kind in ruling.rules.surveys)
        return [row for row in rows if row is not None]

    def _missed(self, org: str, ruling: Ruling[FollowupRules], kind: SurveyKind) -> dict[str, Any] | None:
        if kind.rhythm is None:
            return None
        stretch = last_stretch(kind.rhythm, self._clock.now().astimezone(ruling.zone).date())
        first, end = (datetime.combine(day, time.min, ruling.zone) for day in (stretch.first, stretch.end))
        if self._waves.launched_within(org, kind.code, first, end):
            return None
        return {
            "kind": kind.code,
            "period": stretch.name,
            "due_at": timestamp(end),
            "source": kind.rhythm.source,
        }

    def _figures(self, wave: Wave) -> Figures:
        return Figures(kind_of(self._rules, wave), self._asked.counts(wave.id))


def _plan(data: Mapping[str, Any], wave_id: str) -> Plan:
    return Plan(
        seed=data["seed"] or wave_id,
        purpose=data["purpose"],
        method=Method(data["method"]) if data["method"] else None,
        where=data["where"],
        customers=tuple(data["customers"]),
        size=data["size"],
        percent=None if data["percent"] is None else Decimal(data["percent"]),
        stratify=data["stratify"],
    )


def wave_view(wave: Wave) -> dict[str, Any]:
    """Return the JSON shape of a wave in a list."""
    return {
        "wave_id": wave.id,
        "kind": wave.kind,
        "state": wave.state,
        "method": wave.plan.method.value if wave.plan.method else None,
        "rehearsed": wave.rehearsed,
        "planned_at": timestamp(wave.planned_at),
        "launched_at": _moment(wave.launched_at),
        "closes_at": _moment(wave.due_at),
        "closed_at": _moment(wave.closed_at),
        "sent": wave.sent,
        "reminders": wave.reminders,
    }


def _moment(at: datetime | None) -> str | None:
    return None if at is None else timestamp(at)
