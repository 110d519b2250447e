"""Use case: what follows from answers and from a wave's end: corrective measures, improvements, the summing up."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Protocol

from services.followup.domain.rulebook import FollowupRules
from services.followup.domain.surveys.definition import Limit, SurveyKind
from services.followup.domain.surveys.figures import SCORE, Figures, fact
from services.followup.domain.surveys.invitation import Invitation
from services.followup.domain.surveys.wave import CLOSED, Wave
from services.followup.handlers.measures import Measures
from services.followup.handlers.surveys.finding import kind_of
from shared.acting import Shelf
from shared.clock import Clock
from shared.history import Cause
from shared.messaging.envelope import CloudEvent
from shared.ruling import Rules

#: Of a wave's measures so many are looked at.
MOST = 1000


class Figured(Protocol):
    """Where invitations are kept and counted."""

    def counts(self, wave_id: str) -> dict[str, int]:
        """Return the counts of a wave's facts."""
        ...

    def with_facts(self, wave_id: str, facts: Collection[str], limit: int) -> list[Invitation]:
        """Return the invitations of a wave of which one of ``facts`` holds."""
        ...


class Records(Protocol):
    """Where the records of registers are kept."""

    def find(self, query: Mapping[str, Any], **how: Any) -> Iterable[Any]:
        """Return those that match."""
        ...


class Outcome:
    """Reactions to followup's own events about surveys, each safe to repeat; and how far the measures are."""

    def __init__(
        self,
        waves: Shelf[Wave],
        asked: Figured,
        measures: Measures,
        records: Records,
        rules: Rules[FollowupRules],
        clock: Clock,
    ) -> None:
        """Use what keeps waves, invitations and measures."""
        self._waves, self._asked, self._measures = waves, asked, measures
        self._records, self._rules, self._clock = records, rules, clock

    def low(self, event: CloudEvent) -> None:
        """Open the corrective measure a low score calls for, once for the answer and the dimension."""
        wave = self._waves.get(event.data["wave_id"], event.org)
        if wave is None:
            return
        kind = kind_of(self._rules, wave)
        if kind.low is not None:
            key = _low_key(event.data["invitation_id"], event.data["dimension"])
            self._open(wave, kind, kind.low, key, event.data["dimension"], event.data["score"])

    def changed(self, event: CloudEvent) -> None:
        """Sum a wave up that closed, and open an improvement for every dimension below the limit."""
        if event.data["action"] != CLOSED:
            return
        wave = self._waves.get(event.data["wave_id"], event.org)
        if wave is None or wave.summed:
            return
        kind = kind_of(self._rules, wave)
        figures = Figures(kind, self._asked.counts(wave.id))
        below = figures.below_average()
        for code in below:
            if kind.average is not None:
                average = figures.dimensions[code].average
                self._open(wave, kind, kind.average, _average_key(wave, code), code, average)
        since = wave.history.next_seq
        result = {
            "sent": figures.sent,
            "answered": figures.answered,
            "returned": figures.returned,
            "averages": figures.averages(),
        }
        wave.sum_up(result, below, self._clock.now(), Cause(event.key, "system", event.traceparent))
        self._waves.save(wave, since_seq=since)

    def done(self, wave: Wave, kind: SurveyKind) -> tuple[int, int]:
        """Return how many measures were opened after a wave and how many of them are closed (整改率)."""
        keys = [_average_key(wave, code) for code in wave.below]
        if kind.low is not None:
            low = {
                fact(SCORE, each.code, score)
                for each in kind.dimensions
                for score in range(each.least, each.most + 1)
                if score <= kind.low.value
            }
            for one in self._asked.with_facts(wave.id, low, MOST):
                scores = one.reply.scores if one.reply else {}
                keys += [_low_key(one.id, code) for code, n in scores.items() if n <= kind.low.value]
        ids = [self._measures.id_of(key) for key in keys]
        found = list(self._records.find({"_id": {"$in": ids}, "org": wave.org})) if ids else []
        return len(found), sum(not record.is_open for record in found)

    def _open(
        self, wave: Wave, kind: SurveyKind, limit: Limit, key: str, dimension: str, value: object
    ) -> None:
        rated = kind.dimension(dimension)
        name = rated.name if rated else dimension
        finding = f"{kind.name}: {name} {value} ({limit.value})"
        self._measures.open(wave.org, key=key, finding=finding, measure=limit.measure, source=limit.source)


def _low_key(invitation_id: str, dimension: str) -> str:
    return f"survey/{invitation_id}/{dimension}"


def _average_key(wave: Wave, dimension: str) -> str:
    return f"survey/{wave.id}/{dimension}"
