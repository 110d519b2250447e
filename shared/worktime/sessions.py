"""Sessions: the stretches of a local day in which work is done."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from shared.worktime.errors import WorktimeError

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_CLOCK = re.compile(r"([0-9]{2}):([0-9]{2})(?::([0-9]{2}))?")
_FULL_DAY = 24 * 3600


@dataclass(frozen=True, slots=True, order=True)
class Session:
    """A half-open stretch of the wall clock, in seconds since local midnight: 0 ≤ start < end ≤ 86,400."""

    start: int
    end: int

    def __str__(self) -> str:
        """Return ``09:00-12:00``."""
        return f"{_clock_text(self.start)}-{_clock_text(self.end)}"


Sessions = tuple[Session, ...]


@dataclass(frozen=True, slots=True)
class Week:
    """The sessions each weekday has when it is worked, and which weekdays are worked at all.

    ``by_weekday`` has seven entries from Monday; weekdays outside ``working`` carry the sessions of a
    make-up or extra working day. ``working`` is None where the country's own week decides.
    """

    by_weekday: tuple[Sessions, ...]
    working: frozenset[int] | None = None

    @classmethod
    def same_every_day(cls, sessions: Sessions, working: frozenset[int] | None = None) -> Week:
        """Return the week whose every worked day has ``sessions``."""
        return cls((sessions,) * 7, working)

    def described(self) -> str:
        """Return a text that differs whenever two weeks differ."""
        days = "|".join(",".join(map(str, sessions)) for sessions in self.by_weekday)
        return f"{days}/{'country' if self.working is None else sorted(self.working)}"


def parse_sessions(pairs: Any, where: str = "sessions") -> Sessions:
    """Return the sessions written as ``[["09:00", "12:00"], …]``, in order of the day.

    ``24:00`` is the midnight that ends the day. Touching sessions are fine. Raises ``bad_session`` for
    anything else than pairs of times that run forwards, ``overlapping_sessions`` when two share an instant.
    """
    if isinstance(pairs, str) or not isinstance(pairs, Sequence) or not pairs:
        raise WorktimeError(
            "bad_session", f'{where}: write a list of pairs like [["09:00", "12:00"]], got {pairs!r}'
        )
    sessions = tuple(sorted(_session(pair, where) for pair in pairs))
    for earlier, later in pairwise(sessions):
        if later.start < earlier.end:
            raise WorktimeError("overlapping_sessions", f"{where}: {earlier} and {later} overlap")
    return sessions


def parse_week(value: Any, make_up: Sessions | None, where: str = "sessions") -> Week:
    """Return the week written as one list of sessions for every day or as a mapping by weekday.

    Keys of a mapping are ``mon`` … ``sun`` or ranges such as ``mon-fri``; weekdays not named are not
    worked. A day that is worked although its weekday is not (a make-up or extra working day) has the
    sessions ``make_up``, or where that is None those of the first weekday worked.
    """
    if not isinstance(value, Mapping):
        return Week.same_every_day(parse_sessions(value, where))
    named: dict[int, Sessions] = {}
    for key, pairs in value.items():
        for weekday in _weekdays(key, where):
            if weekday in named:
                raise WorktimeError("overlapping_sessions", f"{where}: {WEEKDAYS[weekday]} is given twice")
            named[weekday] = parse_sessions(pairs, f"{where}.{key}")
    if not named:
        raise WorktimeError("bad_session", f"{where}: no weekday is worked")
    other = make_up or named[min(named)]
    return Week(tuple(named.get(weekday, other) for weekday in range(7)), frozenset(named))


def _weekdays(key: Any, where: str) -> Iterable[int]:
    first, dash, last = str(key).lower().partition("-")
    try:
        start = WEEKDAYS.index(first)
        end = WEEKDAYS.index(last) if dash else start
    except ValueError:
        raise WorktimeError(
            "bad_session", f"{where}: {key!r} is not a weekday; write mon … sun or mon-fri"
        ) from None
    if end < start:
        raise WorktimeError("bad_session", f"{where}: the range {key!r} runs backwards")
    return range(start, end + 1)


def _session(pair: Any, where: str) -> Session:
    if isinstance(pair, str) or not isinstance(pair, Sequence) or len(pair) != 2:  # noqa: PLR2004 - a pair
        raise WorktimeError(
            "bad_session", f'{where}: a session is a pair like ["09:00", "12:00"], got {pair!r}'
        )
    start, end = (_seconds(text, where) for text in pair)
    if end <= start:
        raise WorktimeError(
            "bad_session",
            f"{where}: the session {pair[0]}-{pair[1]} must end after it starts; split it at midnight",
        )
    return Session(start, end)


def _seconds(text: Any, where: str) -> int:
    match = _CLOCK.fullmatch(text) if isinstance(text, str) else None
    if match:
        hours, minutes, seconds = (int(part or 0) for part in match.groups())
        total = hours * 3600 + minutes * 60 + seconds
        if minutes < 60 and seconds < 60 and total <= _FULL_DAY:  # noqa: PLR2004 - a clock's own limits
            return total
    raise WorktimeError(
        "bad_session", f'{where}: write times in quotes as "09:00", at most "24:00", got {text!r}'
    )


def _clock_text(seconds: int) -> str:
    minutes, rest = divmod(seconds, 60)
    text = f"{minutes // 60:02d}:{minutes % 60:02d}"
    return f"{text}:{rest:02d}" if rest else text
