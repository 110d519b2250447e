"""Use case: after every closed case ask once whether the customer is content (投诉处理后满意度调查)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Protocol

from services.followup.domain.facts import CaseClosed, CaseOpened, CaseReplied
from services.followup.domain.rulebook import FollowupRules
from services.followup.domain.surveys.definition import SurveyKind
from services.followup.domain.surveys.invitation import Invitation
from services.followup.domain.surveys.wave import Plan, Wave
from services.followup.handlers.reading import Unreadable, read
from services.followup.handlers.surveys.messaging import Messaging
from shared.clock import Clock
from shared.errors import NotFound
from shared.handling import Incoming
from shared.history import Cause
from shared.ids import derived_id
from shared.ruling import Rules, Ruling

_LONGEST_MONTH = 31


class Learning(Protocol):
    """Where what is known of cases is put together."""

    def learn(self, known: Mapping[tuple[str, str], Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Add to what is known, and return all of it."""
        ...


class StandingWaves(Protocol):
    """Where waves are kept."""

    def get(self, aggregate_id: str, org: str) -> Wave | None:
        """Return one of ``org``."""
        ...

    def insert(self, aggregate: Wave) -> bool:
        """Write a new one."""
        ...


class Asking(Protocol):
    """Where invitations are kept."""

    def add(self, invitations: Sequence[Invitation]) -> object:
        """Write invitations; those already there stay as they are."""
        ...


class AskAfterCases:
    """Takes whole batches; the events of a case may come in any order and any number of times.

    The customer is known from its opening or a reply. Every month has a standing wave of its own;
    where the rulebook gives no time for answers they are taken until the end of the month after.
    """

    def __init__(
        self,
        cases: Learning,
        waves: StandingWaves,
        asked: Asking,
        messaging: Messaging,
        rules: Rules[FollowupRules],
        clock: Clock,
    ) -> None:
        """Use what keeps cases, waves and invitations."""
        self._cases, self._waves, self._asked = cases, waves, asked
        self._messaging, self._rules, self._clock = messaging, rules, clock

    def __call__(self, deliveries: Sequence[Incoming]) -> None:
        """Learn from each delivery, and ask after the cases that have closed; what is unreadable is passed over."""
        known: dict[tuple[str, str], dict[str, Any]] = {}
        for delivery in deliveries:
            with suppress(Unreadable):
                reading = read(delivery.body, delivery.content_type)
                told = _told(reading.fact)
                if told and reading.fact and self._kinds(reading.event.org):
                    known.setdefault((reading.event.org, reading.fact.case_id), {}).update(told)
        closed = [row for row in self._cases.learn(known) if "closed" in row and "customer_id" in row]
        self._ask(closed)

    def _ask(self, closed: Sequence[Mapping[str, Any]]) -> None:
        now = self._clock.now()
        asked: dict[str, tuple[Wave, SurveyKind, list[Invitation]]] = {}
        for row in closed:
            for ruling, kind in self._kinds(row["org"]):
                wave = self._wave(row["org"], ruling, kind, now)
                one = _invitation(wave, kind, row, now)
                asked.setdefault(wave.id, (wave, kind, []))[2].append(one)
        for wave, kind, invitations in asked.values():
            self._asked.add(invitations)
            self._messaging.invite(wave, kind, invitations, now)

    def _kinds(self, org: str) -> list[tuple[Ruling[FollowupRules], SurveyKind]]:
        try:
            ruling = self._rules.in_force(org, self._clock.now())
        except NotFound:
            return []
        return [(ruling, kind) for kind in ruling.rules.surveys if kind.after_case and kind.after_case.value]

    def _wave(self, org: str, ruling: Ruling[FollowupRules], kind: SurveyKind, now: datetime) -> Wave:
        month = now.astimezone(ruling.zone).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        wave_id = derived_id("sw", org, kind.code, f"{month:%Y-%m}")
        wave = self._waves.get(wave_id, org)
        if wave is not None:
            return wave
        wave = Wave(
            id=wave_id,
            org=org,
            regulation=ruling.version,
            kind=kind.code,
            plan=Plan(seed=wave_id, method=kind.methods[0]),
            planned_at=now,
            standing=True,
        )
        until = _next(month) if kind.closes else _next(_next(month))
        wave.stand(until, ruling.calendar, kind, now, Cause(wave_id, "system"))
        self._waves.insert(wave)
        return wave


def _next(month: datetime) -> datetime:
    return (month + timedelta(days=_LONGEST_MONTH)).replace(day=1)


def _told(fact: object) -> dict[str, Any]:
    match fact:
        case CaseOpened() | CaseReplied():
            return {"customer_id": fact.customer_id, "contact_id": fact.contact_id}
        case CaseClosed():
            return {"closed": True}
        case _:
            return {}


def _invitation(wave: Wave, kind: SurveyKind, row: Mapping[str, Any], now: datetime) -> Invitation:
    one = Invitation(
        id=derived_id("sv", "case", row["case_id"], kind.code),
        org=wave.org,
        wave_id=wave.id,
        kind=kind.code,
        method=wave.plan.method.value if wave.plan.method else None,
        invited_at=now,
        customer_id=row["customer_id"],
        case_id=row["case_id"],
        contact_id=row["contact_id"],
    )
    one.invite(kind, Cause(f"case/{row['case_id']}", "system"))
    return one
