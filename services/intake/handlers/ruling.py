"""Finding the rulebook and the calendar that govern what intake keeps."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from services.intake.domain.rulebook import IntakeRules
from shared.regulations import Regulation, Rulebooks
from shared.worktime import Calendar
from shared.worktime.calendars import Calendars


@dataclass(frozen=True, slots=True)
class Ruling:
    """What governs one thing of one organisation: the rules, the version it keeps, calendar and time zone."""

    rules: IntakeRules
    version: str
    calendar: Calendar
    zone: ZoneInfo

    def end_of_day(self, at: datetime, *, days: int = 0) -> datetime:
        """Return the first instant after the local day that ``at`` lies in, or ``days`` days later."""
        day = at.astimezone(self.zone).date() + timedelta(days=days + 1)
        return datetime.combine(day, time.min, self.zone)


class Rules:
    """Finds the rulebook and the calendar of an organisation."""

    def __init__(self, rulebooks: Rulebooks[IntakeRules], calendars: Calendars) -> None:
        """Use the loaded rulebooks and calendars."""
        self._rulebooks = rulebooks
        self._calendars = calendars

    @property
    def current_calendars(self) -> list[str]:
        """Return the calendars in use, each as ``<organisation>/<version>``."""
        return [f"{each.id}/{self.calendar(each.id).version}" for each in self._rulebooks.organisations]

    def in_force(self, org: str, at: datetime) -> Ruling:
        """Return what governs something of ``org`` that begins at ``at``; NotFound where nothing is in force."""
        return self._ruling(org, self._rulebooks.for_org(org, at))

    def of_version(self, org: str, version: str) -> Ruling:
        """Return what governs something of ``org`` that was begun under ``version``."""
        return self._ruling(org, self._rulebooks.of_version(org, version))

    def timing(self, org: str, version: str) -> Calendar:
        """Return the calendar of ``org``; NotFound where the organisation or the version is gone."""
        self._rulebooks.of_version(org, version)
        return self.calendar(org)

    def calendar(self, org: str) -> Calendar:
        """Return the calendar of ``org``."""
        return self._calendars.by_name(self._rulebooks.organisation(org).calendar)

    def _ruling(self, org: str, regulation: Regulation[IntakeRules]) -> Ruling:
        zone = ZoneInfo(self._rulebooks.organisation(org).time_zone)
        return Ruling(regulation.sections, regulation.version, self.calendar(org), zone)
