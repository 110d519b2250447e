from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest
import yaml

from shared.worktime import Calendars, DayKind, Duration, WorktimeError, calendars, due
from shared.worktime.calendars import calendar_from
from shared.worktime.country_zones import COUNTRY_ZONES
from shared.worktime.sessions import parse_sessions
from shared.worktime.zones import zone_named

SHOP = """
country: cn
sessions:
  mon-fri: [["09:00", "12:00"], ["13:30", "18:00"]]
  sat: [["10:00", "16:00"]]
make_up_sessions: [["08:00", "12:00"]]
closures:
  - 2025-03-11
  - {from: 2025-07-01, to: 2025-07-03, reason: stocktaking}
extra_working_days:
  - 2025-03-09
  - {date: "2025-03-16", sessions: [["20:00", "24:00"]]}
half_days:
  - 2025-03-14
  - {date: 2025-03-13, sessions: [["13:30", "15:00"]]}
"""


def _shop() -> dict[str, Any]:
    made = yaml.safe_load(SHOP)
    assert isinstance(made, dict)
    return made


def _kind(day: str, definition: dict[str, Any] | None = None) -> tuple[DayKind, str, list[str]]:
    info = calendar_from("shop", definition or _shop()).day(date.fromisoformat(day))
    return info.kind, info.name, [str(session) for session in info.sessions]


@pytest.mark.parametrize(
    ("day", "kind", "name", "sessions"),
    [
        ("2025-03-10", DayKind.WORKING, "", ["09:00-12:00", "13:30-18:00"]),
        ("2025-03-08", DayKind.WORKING, "", ["10:00-16:00"]),  # an ordinary Saturday
        ("2025-03-11", DayKind.CLOSED, "", []),
        ("2025-07-02", DayKind.CLOSED, "stocktaking", []),
        ("2025-07-04", DayKind.WORKING, "", ["09:00-12:00", "13:30-18:00"]),
        ("2025-03-09", DayKind.EXTRA, "", ["08:00-12:00"]),
        ("2025-03-16", DayKind.EXTRA, "", ["20:00-24:00"]),
        ("2025-03-14", DayKind.HALF, "", ["09:00-12:00"]),
        ("2025-03-13", DayKind.HALF, "", ["13:30-15:00"]),
        ("2025-03-23", DayKind.WEEKEND, "", []),
        ("2025-10-04", DayKind.HOLIDAY, "National Day", []),  # a Saturday in a holiday
        ("2025-09-28", DayKind.MAKE_UP, "National Day", ["08:00-12:00"]),  # a worked Sunday
        ("2025-10-11", DayKind.MAKE_UP, "National Day", ["10:00-16:00"]),  # a Saturday has its own sessions
    ],
)
def test_an_organisations_own_days_are_told_by_its_definition(
    day: str, kind: DayKind, name: str, sessions: list[str]
) -> None:
    """Weekday sessions, closures, extra working days and half days mean what the file says."""
    assert _kind(day) == (kind, name, sessions)


def test_a_closure_beats_a_make_up_day_and_a_half_day_leaves_a_day_off_alone() -> None:
    """Who is closed does not work, and who has the day off does not work half of it."""
    definition = {**_shop(), "closures": ["2025-09-28"], "half_days": ["2025-10-03", "2025-03-14"]}
    assert _kind("2025-09-28", definition)[0] is DayKind.CLOSED
    assert _kind("2025-10-03", definition)[0] is DayKind.HOLIDAY
    assert _kind("2025-03-14", definition)[0] is DayKind.HALF


def test_make_up_days_without_sessions_of_their_own_have_those_of_the_first_weekday() -> None:
    """A worked Sunday follows a working day's hours unless told otherwise."""
    definition = {key: value for key, value in _shop().items() if key != "make_up_sessions"}
    assert _kind("2025-09-28", definition)[2] == ["09:00-12:00", "13:30-18:00"]


def test_a_shop_open_every_day_counts_every_day() -> None:
    """Without a country there are no holidays."""
    always = calendar_from(
        "always", {"country": "none", "zone": "Asia/Shanghai", "sessions": {"mon-sun": [["10:00", "22:00"]]}}
    )
    start = datetime.fromisoformat("2025-09-30T12:00+08:00")
    assert due(always, start, Duration(3, "working_days")).at.isoformat() == "2025-10-03T12:00:00+08:00"
    assert not always.provisional(2050)


def test_the_china_calendar_is_there_by_name_in_any_case() -> None:
    """``cn`` has the two sessions of an office day in Shanghai."""
    china = Calendars().by_name("cn")
    assert china is calendars.china()
    assert Calendars().by_name("CN") == china
    assert china.zone.key == "Asia/Shanghai"
    assert [str(session) for session in china.day(date(2025, 3, 5)).sessions] == [
        "09:00-12:00",
        "13:30-18:00",
    ]


def test_a_definition_wins_over_the_built_in_calendar_of_its_name() -> None:
    """An organisation may have its own ``cn``."""
    own = Calendars({"cn": {"country": "cn", "closures": ["2025-03-06"]}}).by_name("cn")
    assert not own.is_working_day(date(2025, 3, 6))
    assert own != calendars.china()


def test_a_country_with_several_zones_needs_one() -> None:
    """A guess between New York and Honolulu would move deadlines."""
    assert Calendars().by_name("us@America/New_York").zone.key == "America/New_York"
    with pytest.raises(WorktimeError) as refused:
        Calendars().by_name("us")
    assert refused.value.code == "zone_needed"


def test_every_default_zone_exists() -> None:
    """The table of countries names only zones that the zone database knows."""
    assert len(COUNTRY_ZONES) > 200
    for name in COUNTRY_ZONES.values():
        assert zone_named(name).key == name


@pytest.mark.parametrize("name", ["", "xx", "none", "nowhere", "nyse", "cnn", 7, None, ["cn"]])
def test_an_unknown_calendar_is_refused(name: Any) -> None:
    """Only what is defined or a country is a calendar."""
    with pytest.raises(WorktimeError) as refused:
        Calendars().by_name(name)
    assert refused.value.code == "unknown_calendar"


@pytest.mark.parametrize(
    ("change", "code", "part"),
    [
        ({"holidays": []}, "bad_definition", "holidays"),
        ({"country": None}, "bad_definition", "country"),
        ({"country": "xx"}, "zone_needed", "xx"),
        ({"country": "xx", "zone": "UTC"}, "unknown_country", "xx"),
        ({"country": "nyse", "zone": "UTC"}, "unknown_country", "nyse"),
        ({"country": "de", "region": "QQ"}, "unknown_region", "QQ"),
        ({"region": "ZJ"}, "unknown_region", "closures"),
        ({"country": "de", "region": 5}, "unknown_region", "quotes"),
        ({"zone": "Asia/Atlantis"}, "unknown_zone", "Atlantis"),
        ({"zone": "../../etc/passwd"}, "unknown_zone", "passwd"),
        ({"sessions": []}, "bad_session", "sessions"),
        ({"sessions": {}}, "bad_session", "no weekday"),
        ({"sessions": {"mon": []}}, "bad_session", "sessions.mon"),
        ({"sessions": {"monday": [["09:00", "12:00"]]}}, "bad_session", "monday"),
        ({"sessions": {"fri-mon": [["09:00", "12:00"]]}}, "bad_session", "backwards"),
        (
            {"sessions": {"mon-fri": [["09:00", "12:00"]], "wed": [["09:00", "12:00"]]}},
            "overlapping_sessions",
            "wed",
        ),
        ({"sessions": [["09:00", "12:00"]]}, "bad_definition", "make_up_sessions"),
        ({"closures": "2025-03-11"}, "bad_definition", "closures"),
        ({"closures": ["2025-13-01"]}, "bad_definition", "closures[0].date"),
        ({"closures": ["2025-03-11", "2025-03-11"]}, "bad_definition", "closures[1]"),
        ({"closures": [{"from": "2025-03-11"}]}, "bad_definition", "closures[0]"),
        ({"closures": [{"from": "2025-03-11", "to": "2025-03-10"}]}, "bad_definition", "backwards"),
        ({"closures": [{"from": "2025-03-11", "to": "2205-03-10"}]}, "bad_definition", "over a year"),
        (
            {"closures": [{"date": "2025-03-11", "sessions": [["09:00", "12:00"]]}]},
            "bad_definition",
            "closures[0]",
        ),
        ({"closures": [{"date": "2025-03-11", "why": "x"}]}, "bad_definition", "why"),
        ({"closures": [datetime(2025, 3, 11)]}, "bad_definition", "closures[0].date"),  # noqa: DTZ001
        ({"extra_working_days": ["2025-03-11"]}, "bad_definition", "2025-03-11"),
        ({"half_days": ["2025-03-15"]}, "bad_definition", "one session"),
        (
            {"half_days": [{"date": "2025-03-14", "sessions": [["9", "12"]]}]},
            "bad_session",
            "half_days[0].sessions",
        ),
    ],
)
def test_a_bad_definition_is_refused_with_the_calendar_and_the_key(
    change: dict[str, Any], code: str, part: str
) -> None:
    """Whoever wrote the file can see where to look."""
    with pytest.raises(WorktimeError) as refused:
        Calendars({"shop": {**_shop(), **change}})
    assert refused.value.code == code
    assert refused.value.message.startswith("calendar shop: ")
    assert part in refused.value.message


def test_a_definition_that_is_no_mapping_is_refused() -> None:
    """A list or a text where a calendar should be."""
    with pytest.raises(WorktimeError) as refused:
        calendar_from("shop", ["cn"])  # type: ignore[arg-type]
    assert refused.value.code == "bad_definition"


@pytest.mark.parametrize(
    ("sessions", "code"),
    [
        ([["09:00", "12:00"], ["11:59", "13:00"]], "overlapping_sessions"),
        ([["13:00", "18:00"], ["09:00", "13:01"]], "overlapping_sessions"),
        ([["09:00", "12:00"], ["09:00", "12:00"]], "overlapping_sessions"),
        ([["12:00", "09:00"]], "bad_session"),
        ([["09:00", "09:00"]], "bad_session"),
        ([["22:00", "06:00"]], "bad_session"),
        ([["09:00", "24:01"]], "bad_session"),
        ([["09:60", "12:00"]], "bad_session"),
        ([["9:00", "12:00"]], "bad_session"),
        ([[540, 720]], "bad_session"),
        ([["09:00"]], "bad_session"),
        (["09:00-12:00"], "bad_session"),
        ("09:00-12:00", "bad_session"),
        ([], "bad_session"),
        ({"from": "09:00"}, "bad_session"),
        (None, "bad_session"),
    ],
)
def test_sessions_that_overlap_or_cannot_be_read_are_refused(sessions: Any, code: str) -> None:
    """A day's hours run forwards and share no instant."""
    with pytest.raises(WorktimeError) as refused:
        parse_sessions(sessions)
    assert refused.value.code == code


def test_sessions_may_touch_and_come_in_any_order() -> None:
    """Two shifts that meet at noon do not overlap."""
    found = parse_sessions([["12:00", "18:00:30"], ["00:00", "12:00"], ["20:00", "24:00"]])
    assert [str(session) for session in found] == ["00:00-12:00", "12:00-18:00:30", "20:00-24:00"]


def test_the_version_changes_with_everything_that_can_move_a_deadline() -> None:
    """And with nothing else: the order in the file and the reasons of closures do not matter."""
    base = calendar_from("shop", _shop())
    assert base == calendar_from("shop", _shop())
    assert hash(base) == hash(calendar_from("shop", _shop()))
    told = {**_shop(), "closures": [{"from": "2025-07-01", "to": "2025-07-03"}, "2025-03-11"]}
    assert calendar_from("shop", told).version == base.version
    changes: list[dict[str, Any]] = [
        {"zone": "Asia/Urumqi"},
        {"country": "none", "zone": "Asia/Shanghai"},
        {"sessions": {**_shop()["sessions"], "sat": [["10:00", "16:01"]]}},
        {"make_up_sessions": [["08:00", "12:01"]]},
        {"closures": []},
        {"extra_working_days": ["2025-03-09"]},
        {"half_days": []},
    ]
    versions = {calendar_from("shop", {**_shop(), **change}).version for change in changes}
    assert len(versions | {base.version}) == len(changes) + 1


def test_other_sessions_give_another_calendar_and_leave_the_first_alone() -> None:
    """Sessions given with a question hold for that question only."""
    china = calendars.china()
    changed = china.with_sessions(parse_sessions([["08:00", "20:00"]]))
    start = datetime.fromisoformat("2025-03-05T08:00+08:00")
    assert due(changed, start, Duration(12, "working_hours")).at.isoformat() == "2025-03-05T20:00:00+08:00"
    assert due(china, start, Duration(3, "working_hours")).at.isoformat() == "2025-03-05T12:00:00+08:00"
    assert changed != china
    assert changed.working_days(2025) == china.working_days(2025)
