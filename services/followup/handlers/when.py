"""When customers may be called: quiet hours and waiting between attempts, by rulebook, calendar and zone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from services.followup.domain.callback import Callback
from services.followup.domain.quiet import is_quiet, permitted_from
from services.followup.domain.rulebook import CallbackRule, FollowupRules, QuietHours
from shared.regulations import Rulebooks
from shared.worktime import Calendars
from shared.worktime.deadlines import due


class CallTimes:
    """Reckons by the quiet hours in force at the instant asked about: they protect whoever is called then."""

    def __init__(self, rulebooks: Rulebooks[FollowupRules], calendars: Calendars) -> None:
        """Use the loaded rulebooks and calendars."""
        self._rulebooks, self._calendars = rulebooks, calendars

    def permitted(self, callback: Callback, at: datetime) -> datetime:
        """Return the first instant from ``at`` on that is no quiet time for the customer of ``callback``."""
        return permitted_from(self._hours(callback.org, at), at, self._zone(callback.org, callback.zone))

    def quiet(self, callback: Callback, at: datetime) -> bool:
        """Return whether ``at`` is quiet time for the customer of ``callback``."""
        return is_quiet(self._hours(callback.org, at), at, self._zone(callback.org, callback.zone))

    def open_zones(self, org: str, at: datetime, zones: Iterable[str | None]) -> list[str | None]:
        """Return those of ``zones`` where it is no quiet time at ``at``; None is the organisation's own."""
        hours = self._hours(org, at)
        return [zone for zone in zones if not is_quiet(hours, at, self._zone(org, zone))]

    def next_attempt(self, callback: Callback, rule: CallbackRule, at: datetime) -> datetime | None:
        """Return from when the next attempt is permitted after one at ``at``; None where the rule does not say."""
        if rule.attempts is None or rule.attempts.spacing is None:
            return None
        calendar = self._calendars.by_name(self._rulebooks.organisation(callback.org).calendar)
        return self.permitted(callback, due(calendar, at, rule.attempts.spacing.value).at)

    def day(self, org: str, day: date) -> tuple[datetime, datetime]:
        """Return where a day of ``org`` begins and ends."""
        zone = self._zone(org, None)
        begins, ends = (datetime.combine(each, time.min, zone) for each in (day, day + timedelta(days=1)))
        return begins.astimezone(UTC), ends.astimezone(UTC)

    def today(self, org: str, now: datetime) -> date:
        """Return the local day of ``org``."""
        return now.astimezone(self._zone(org, None)).date()

    def _hours(self, org: str, at: datetime) -> tuple[QuietHours, ...]:
        return self._rulebooks.for_org(org, at).sections.quiet_hours

    def _zone(self, org: str, zone: str | None) -> ZoneInfo:
        return ZoneInfo(zone or self._rulebooks.organisation(org).time_zone)
