"""Where calendars come from: China's, any country's by its code, and an organisation's own definitions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

from shared.worktime.calendar import Calendar, Exceptions
from shared.worktime.country_zones import default_zone
from shared.worktime.errors import WorktimeError
from shared.worktime.official import Country, NoHolidays, Official, china_official
from shared.worktime.sessions import Session, Sessions, Week, parse_sessions, parse_week
from shared.worktime.zones import zone_named

_KEYS = frozenset(
    {
        "country",
        "region",
        "zone",
        "sessions",
        "make_up_sessions",
        "closures",
        "extra_working_days",
        "half_days",
    }
)
_ENTRY_KEYS = frozenset({"date", "from", "to", "reason", "sessions"})
#: No organisation closes for longer in one go; a longer one is a slip in a year.
_LONGEST_RANGE = timedelta(days=366)

_MORNING_AND_AFTERNOON = parse_sessions([["09:00", "12:00"], ["13:30", "18:00"]])
_NINE_TO_FIVE = parse_sessions([["09:00", "17:00"]])


@lru_cache(maxsize=1)
def china() -> Calendar:
    """Return the calendar ``cn``: official days, 09:00-12:00 and 13:30-18:00 in Asia/Shanghai."""
    return calendar_from("cn", {"country": "cn"})


class Calendars:
    """Finds calendars by name: its own definitions, ``cn``, and any country's by its code.

    A country is written ``de``, or ``us@America/New_York`` where it has several zones; a definition of the
    same name wins over it. Built-in calendars are built when first asked for and kept.
    """

    def __init__(self, definitions: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        """Check every definition at once; raises ``bad_definition`` naming the calendar and the key."""
        self._built = {name: calendar_from(name, made) for name, made in (definitions or {}).items()}

    def by_name(self, name: str) -> Calendar:
        """Return the calendar called ``name``; raises ``unknown_calendar``."""
        if not isinstance(name, str):
            raise WorktimeError("unknown_calendar", f"a calendar's name is text, got {name!r}")
        known = self._built.get(name)
        if known is None:
            known = self._built[name] = _built_in(name)
        return known


def calendar_from(name: str, definition: Mapping[str, Any]) -> Calendar:
    """Build a calendar from plain data, as YAML or JSON give it.

    Keys: ``country`` (ISO code, ``cn``, or ``none`` for no public holidays; required), ``region`` (of the
    country, as the holidays library names it), ``zone`` (required where the country has several),
    ``sessions`` (a list for every worked day, or a mapping by weekday ``mon`` … ``sun``, ``mon-fri``, which
    then also says which weekdays are worked), ``make_up_sessions`` (for days worked outside those
    weekdays), ``closures`` (dates or ``{from, to, reason}``), ``extra_working_days`` (dates or ``{date,
    sessions}``), ``half_days`` (dates, which keep the day's first session, or ``{date, sessions}``). Raises
    ``bad_definition``, or the finer code of the part at fault, with the calendar's name and the key in the
    message.
    """
    try:
        return _build(name, definition)
    except WorktimeError as error:
        raise WorktimeError(error.code, f"calendar {name}: {error.message}") from None


def _build(name: str, definition: Mapping[str, Any]) -> Calendar:
    if not isinstance(definition, Mapping):
        raise WorktimeError("bad_definition", f"write a mapping with the keys {', '.join(sorted(_KEYS))}")
    unknown = set(definition) - _KEYS
    if unknown:
        raise WorktimeError(
            "bad_definition", f"unknown key {min(map(str, unknown))!r}; known: {sorted(_KEYS)}"
        )
    code = definition.get("country")
    if not isinstance(code, str):
        raise WorktimeError("bad_definition", f"country: write an ISO code or none, got {code!r}")
    code = code.lower()
    zone = zone_named(definition["zone"]) if "zone" in definition else default_zone(code)
    week = _week(code, definition)
    return Calendar(
        name, zone, week, _official(code, definition.get("region")), _exceptions(definition, week)
    )


def _built_in(name: str) -> Calendar:
    text, at, zone = name.partition("@")
    code = text.lower()
    if code == "cn" and not at:
        return china()
    try:
        if code == "none":
            raise WorktimeError("unknown_country", "none is not a country")
        _official(code, None)
    except WorktimeError:
        raise WorktimeError("unknown_calendar", f"there is no calendar called {name!r}") from None
    return calendar_from(code + at + zone, {"country": code, "zone": zone} if at else {"country": code})


def _official(code: str, region: Any) -> Official:
    if region is not None and not isinstance(region, str):
        raise WorktimeError("unknown_region", f"region: write its code in quotes, got {region!r}")
    if code in {"cn", "none"}:
        if region is not None:
            raise WorktimeError("unknown_region", f"region: {code} has none; list its days as closures")
        return china_official() if code == "cn" else NoHolidays()
    return _country(code, region)


@lru_cache(maxsize=64)
def _country(code: str, region: str | None) -> Official:
    return Country(code, region)


def _week(code: str, definition: Mapping[str, Any]) -> Week:
    make_up = definition.get("make_up_sessions")
    parsed = None if make_up is None else parse_sessions(make_up, "make_up_sessions")
    if "sessions" in definition:
        week = parse_week(definition["sessions"], parsed)
        if parsed is not None and week.working is None:
            raise WorktimeError("bad_definition", "make_up_sessions: needs sessions by weekday")
        return week
    if parsed is not None:
        raise WorktimeError("bad_definition", "make_up_sessions: needs sessions by weekday")
    return Week.same_every_day(_MORNING_AND_AFTERNOON if code == "cn" else _NINE_TO_FIVE)


def _exceptions(definition: Mapping[str, Any], week: Week) -> Exceptions:
    closures = {day: reason for day, reason, _ in _entries(definition, "closures", may_have_sessions=False)}
    extra = {day: sessions for day, _, sessions in _entries(definition, "extra_working_days")}
    half: dict[date, Sessions] = {}
    for day, _, sessions in _entries(definition, "half_days"):
        half[day] = sessions or _first_session(day, week)
    for day in sorted(extra.keys() & (closures.keys() | half.keys())):
        raise WorktimeError("bad_definition", f"extra_working_days: {day} is also a closure or a half day")
    return Exceptions(closures, extra, half)


def _first_session(day: date, week: Week) -> tuple[Session, ...]:
    sessions = week.by_weekday[day.weekday()]
    if len(sessions) == 1:
        raise WorktimeError(
            "bad_definition", f"half_days: {day} has one session only; give the sessions it keeps"
        )
    return sessions[:1]


def _entries(
    definition: Mapping[str, Any], key: str, *, may_have_sessions: bool = True
) -> list[tuple[date, str, Sessions | None]]:
    entries = definition.get(key, [])
    if not isinstance(entries, list | tuple):
        raise WorktimeError("bad_definition", f"{key}: write a list, got {entries!r}")
    found: list[tuple[date, str, Sessions | None]] = []
    seen: set[date] = set()
    for number, entry in enumerate(entries):
        where = f"{key}[{number}]"
        row = entry if isinstance(entry, Mapping) else {"date": entry}
        if set(row) - _ENTRY_KEYS or (not may_have_sessions and "sessions" in row):
            raise WorktimeError("bad_definition", f"{where}: unknown key in {dict(row)}")
        sessions = parse_sessions(row["sessions"], f"{where}.sessions") if "sessions" in row else None
        for day in _dates(row, where):
            if day in seen:
                raise WorktimeError("bad_definition", f"{where}: {day} is given twice")
            seen.add(day)
            found.append((day, str(row.get("reason", "")), sessions))
    return found


def _dates(row: Mapping[str, Any], where: str) -> list[date]:
    if ("date" in row) == ("from" in row) or ("from" in row) != ("to" in row):
        raise WorktimeError("bad_definition", f"{where}: give either date, or from and to")
    if "date" in row:
        return [_date(row["date"], f"{where}.date")]
    first, last = _date(row["from"], f"{where}.from"), _date(row["to"], f"{where}.to")
    if not first <= last <= first + _LONGEST_RANGE:
        raise WorktimeError("bad_definition", f"{where}: {first} to {last} runs backwards or is over a year")
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def _date(value: Any, where: str) -> date:
    if type(value) is date:
        return value
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise WorktimeError(
            "bad_definition", f"{where}: write a date like 2026-02-14, got {value!r}"
        ) from None
