"""Official days off and make-up working days of a country, a year at a time."""

from __future__ import annotations

import hashlib
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache, partial
from typing import Protocol

from chinese_calendar import constants as chinese_tables

from shared.worktime.errors import WorktimeError

_SATURDAY = 5
_ISO_CODE = re.compile("[A-Za-z]{2}")


@dataclass(frozen=True, slots=True)
class OfficialYear:
    """One year of a country: names of days off, names of weekend days that are worked, and its weekend days.

    ``known`` is False when the official list of that year is not (or not finally) out; the year then rests on
    weekdays and on what is already certain.
    """

    known: bool
    days_off: Mapping[date, str] = field(default_factory=dict)
    make_up: Mapping[date, str] = field(default_factory=dict)
    weekend: frozenset[date] = frozenset()


class Official(Protocol):
    """Where a calendar learns official days; ``version`` differs whenever any answer may differ."""

    @property
    def version(self) -> str:
        """A short text naming the data."""
        ...

    def year(self, year: int) -> OfficialYear:
        """Return what is known about ``year``; never raises for a year that can be written as a date."""
        ...


class NoHolidays:
    """Nothing official: Saturdays and Sundays are the weekend, no year is provisional."""

    version = "weekdays"

    def year(self, year: int) -> OfficialYear:
        """Return the plain year."""
        return OfficialYear(known=True, weekend=_saturdays_and_sundays(year))


class China:
    """China's days off and make-up working days as the State Council announced them (chinesecalendar).

    Years outside the list are weekdays only and not known.
    """

    def __init__(self) -> None:
        """Read the library's tables once; they are static data of the installed version."""
        self._days_off: dict[date, str] = dict(chinese_tables.holidays)
        self._make_up: dict[date, str] = dict(chinese_tables.workdays)
        self._years = range(min(self._days_off).year, max(self._days_off).year + 1)
        rows = [f"-{day}" for day in sorted(self._days_off)] + [f"+{day}" for day in sorted(self._make_up)]
        self.version = f"{self._years[-1]}.{hashlib.sha256(' '.join(rows).encode()).hexdigest()[:8]}"

    @property
    def years(self) -> range:
        """The years with official data."""
        return self._years

    def year(self, year: int) -> OfficialYear:
        """Return the year's official days, or a plain unknown year."""
        return OfficialYear(
            known=year in self._years,
            days_off={day: name for day, name in self._days_off.items() if day.year == year},
            make_up={day: name for day, name in self._make_up.items() if day.year == year},
            weekend=_saturdays_and_sundays(year),
        )


class Country:
    """Public holidays of a country or one of its regions by ISO code (the ``holidays`` library).

    A year outside the library's range, or one with holidays that are still estimated (moon sightings), is
    not known.
    """

    def __init__(self, code: str, region: str | None = None) -> None:
        """Raises ``unknown_country`` or ``unknown_region``."""
        # Here because it takes half a second, which whoever needs no other country should not wait for.
        import holidays  # noqa: PLC0415
        from holidays.version import __version__ as data_version  # noqa: PLC0415

        self._make = partial(holidays.country_holidays, code.upper(), subdiv=region, expand=False)
        try:
            if not _ISO_CODE.fullmatch(code):
                raise NotImplementedError
            self._plain = holidays.country_holidays(code.upper(), expand=False)
        except NotImplementedError:
            message = f"no public holidays are known for the country {code!r}; write a code of two letters"
            raise WorktimeError("unknown_country", message) from None
        try:
            self._plain = self._make()
        except NotImplementedError:
            known = ", ".join(self._plain.subdivisions) or "none"
            message = f"{code} has no region {region!r}; known: {known}"
            raise WorktimeError("unknown_region", message) from None
        # English names where there are any, whatever the process's locale; they also tell estimates apart.
        self._language = "en_US" if "en_US" in self._plain.supported_languages else None
        self.version = f"{code.upper()}{'-' + region if region else ''}.{data_version}"

    def year(self, year: int) -> OfficialYear:
        """Return the year's public holidays, substituted working days and weekend days."""
        if not self._plain.start_year <= year <= self._plain.end_year:
            weekend = frozenset(day for day in _days_of(year) if self._plain.is_weekend(day))
            return OfficialYear(known=False, weekend=weekend)
        with warnings.catch_warnings(record=True) as doubts:
            warnings.simplefilter("always")  # the library warns where its tables of moon dates end
            table = self._make(years=year, language=self._language)
        days_off = {day: name for day, name in table.items() if day.year == year}
        return OfficialYear(
            known=not doubts and not any("estimated" in name for name in days_off.values()),
            days_off=days_off,
            make_up={day: "make-up working day" for day in table.weekend_workdays if day.year == year},
            weekend=frozenset(day for day in _days_of(year) if table.is_weekend(day)),
        )


@lru_cache(maxsize=1)
def china_official() -> China:
    """Return the one table of China's official days."""
    return China()


def _days_of(year: int) -> list[date]:
    first = date(year, 1, 1)
    return [first + timedelta(days=n) for n in range((date(year + 1, 1, 1) - first).days)]


@lru_cache(maxsize=64)
def _saturdays_and_sundays(year: int) -> frozenset[date]:
    return frozenset(day for day in _days_of(year) if day.weekday() >= _SATURDAY)
