"""Finding the rulebook and the calendar that govern what a service keeps."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Generic, TypeVar
from zoneinfo import ZoneInfo

from shared.regulations import Regulation, Rulebooks
from shared.worktime import Calendar
from shared.worktime.calendars import Calendars

#: The service's part of a rulebook.
R_co = TypeVar("R_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Ruling(Generic[R_co]):
    """What governs one thing of one organisation: the rules, the version it keeps, calendar and time zone."""

    rules: R_co
    version: str
    calendar: Calendar
    zone: ZoneInfo

    def end_of_day(self, at: datetime, *, days: int = 0) -> datetime:
        """Return the first instant after the local day that ``at`` lies in, or ``days`` days later."""
        day = at.astimezone(self.zone).date() + timedelta(days=days + 1)
        return datetime.combine(day, time.min, self.zone)


class Rules(Generic[R_co]):
    """Finds the rulebook and the calendar of an organisation."""

    def __init__(self, rulebooks: Rulebooks[R_co], calendars: Calendars) -> None:
        """Use the loaded rulebooks and calendars."""
        self._rulebooks = rulebooks
        self._calendars = calendars

    @property
    def current_calendars(self) -> list[str]:
        """Return the calendars in use, each as ``<organisation>/<version>``."""
        return [f"{each.id}/{self.calendar(each.id).version}" for each in self._rulebooks.organisations]

    def in_force(self, org: str, at: datetime) -> Ruling[R_co]:
        """Return what governs something of ``org`` that begins at ``at``; NotFound where nothing is in force."""
        return self._ruling(org, self._rulebooks.for_org(org, at))

    def of_version(self, org: str, version: str) -> Ruling[R_co]:
        """Return what governs something of ``org`` that was begun under ``version``."""
        return self._ruling(org, self._rulebooks.of_version(org, version))

    def timing(self, org: str, version: str) -> Calendar:
        """Return the calendar of ``org``; NotFound where the organisation or the version is gone."""
        self._rulebooks.of_version(org, version)
        return self.calendar(org)

    def calendar(self, org: str) -> Calendar:
        """Return the calendar of ``org``."""
        return self._calendars.by_name(self._rulebooks.organisation(org).calendar)

    def number_prefix(self, org: str) -> str:
        """Return what the numbers of ``org`` begin with."""
        return self._rulebooks.organisation(org).number_prefix

    def _ruling(self, org: str, regulation: Regulation[R_co]) -> Ruling[R_co]:
        zone = ZoneInfo(self._rulebooks.organisation(org).time_zone)
        return Ruling(regulation.sections, regulation.version, self.calendar(org), zone)
