"""Which day a festival (节日) falls on: by the solar calendar, or by the lunar one as the library knows it."""

from __future__ import annotations

from datetime import date
from functools import cache

import holidays

from services.followup.domain.care.rules import Festival
from shared.errors import ValidationFailed

#: The festivals of the lunar calendar by our names, with the words the library has for their first day.
LUNAR = {
    "spring_festival": "Chinese New Year (Spring Festival)",
    "dragon_boat": "Dragon Boat Festival",
    "mid_autumn": "Mid-Autumn Festival",
}


def day_of(festival: Festival, year: int) -> date:
    """Return the day of a festival in ``year``; ValidationFailed for a year nobody knows it of."""
    if festival.day is not None:
        return date.fromisoformat(f"{year:04}-{festival.day}")
    day = _lunar(year).get(festival.lunar or "")
    if day is None:
        raise ValidationFailed(f"nobody knows on which day {festival.name} falls in {year}")
    return day


@cache
def _lunar(year: int) -> dict[str, date]:
    # Days off in lieu are called otherwise, and the first day of several is the festival itself.
    known = sorted(holidays.country_holidays("CN", years=year, language="en_US").items())
    found: dict[str, date] = {}
    for code, words in LUNAR.items():
        day = next((day for day, name in known if words in name.split("; ")), None)
        if day is not None:
            found[code] = day
    return found
