"""Use case at the door: keep what one publisher sends wrong up to a limit an hour, and only count what is beyond."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from services.intake.domain.door import Door, Throttle
from services.intake.domain.rejection import Rejection
from services.intake.handlers.ruling import Rules
from services.intake.metrics import EVENTS_THROTTLED
from shared.acting import Shelf
from shared.clock import Clock
from shared.errors import Conflict, NotFound
from shared.handling import Calling
from shared.history import Cause, timestamp
from shared.ids import derived_id
from shared.regulations.values import DESIGN, Sourced

_ATTEMPTS = 5
#: The limit for what names no organisation of ours, and where a rulebook sets none.
_OTHERWISE = Door(Sourced(500, DESIGN))


class Rejections(Protocol):
    """What counting needs of the repository."""

    def known_rejections(self, ids: Sequence[str]) -> set[str]:
        """Return which rejected events are kept."""
        ...

    def count_rejections(self, org: str, publisher: str, since: datetime) -> int:
        """Return how many of a publisher were kept since an instant."""
        ...


class Counted(Shelf[Throttle], Protocol):
    """Where the records that only count are kept."""

    def page(self, org: str, *, limit: int, skip: int) -> Sequence[Throttle]:
        """Return a page, the newest hour first."""
        ...


class DoorKeeper:
    """Keeps one publisher's rubbish from filling the list of rejected events."""

    def __init__(self, rejections: Rejections, counted: Counted, rules: Rules, clock: Clock) -> None:
        """Count in ``counted`` what ``rejections`` has no room for."""
        self._rejections, self._counted, self._rules, self._clock = rejections, counted, rules, clock

    def beyond(self, rejections: Sequence[Rejection], now: datetime) -> set[str]:
        """Count those beyond their publisher's limit of the hour and return their ids; the others are to be kept.

        It is safe to repeat with any of them: each counts once, and what was counted is never kept as well.
        """
        known = self._rejections.known_rejections([rejection.id for rejection in rejections])
        groups: dict[tuple[str, str], list[Rejection]] = defaultdict(list)
        for rejection in rejections:
            if rejection.id not in known:
                groups[rejection.org, rejection.publisher].append(rejection)
        hour = now.replace(minute=0, second=0, microsecond=0)
        over: set[str] = set()
        for (org, publisher), fresh in groups.items():
            over |= self._count(org, publisher, hour, fresh, now)
        return over

    def _count(
        self, org: str, publisher: str, hour: datetime, fresh: Sequence[Rejection], now: datetime
    ) -> set[str]:
        throttle_id = derived_id("th", org, publisher, timestamp(hour))
        limit = self._limit(org, now)
        for _ in range(_ATTEMPTS):
            throttle = self._counted.get(throttle_id, org)
            seen = set(throttle.seen) if throttle else set()
            room = limit.value - self._rejections.count_rejections(org, publisher, hour)
            unseen = [rejection for rejection in fresh if rejection.id not in seen]
            over = {
                rejection.id: [problem.field for problem in rejection.reasons]
                for rejection in unseen[max(room, 0) :]
            }
            before = {rejection.id for rejection in fresh if rejection.id in seen}
            if not over:
                return before
            counting = throttle or Throttle(
                id=throttle_id,
                org=org,
                publisher=publisher,
                hour=hour,
                limit=limit.value,
                source=limit.source,
            )
            since = counting.history.next_seq
            new = counting.count(over, now, Cause(next(iter(over)), publisher))
            if self._write(counting, since, is_new=throttle is None):
                EVENTS_THROTTLED.labels(publisher=publisher or "unknown").inc(new)
                return before | set(over)
        raise Conflict("too many others count events of the same publisher at the same time")

    def _write(self, counting: Throttle, since: int, *, is_new: bool) -> bool:
        if is_new:
            return self._counted.insert(counting)
        try:
            self._counted.save(counting, since_seq=since)
        except Conflict:
            return False
        return True

    def _limit(self, org: str, now: datetime) -> Sourced[int]:
        try:
            door = self._rules.in_force(org, now).rules.door
        except NotFound:
            door = None
        return (door or _OTHERWISE).rejected_an_hour

    def throttled(self, call: Calling, data: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return a page of the records of throttled publishers, the newest hour first."""
        found = self._counted.page(call.org, limit=data["limit"], skip=data["skip"])
        return [
            {
                "publisher": row.publisher,
                "hour": timestamp(row.hour),
                "limit": row.limit,
                "over": row.over,
                "fields": [{"field": name, "count": count} for name, count in sorted(row.fields.items())],
                "source": row.source,
            }
            for row in found
        ]
