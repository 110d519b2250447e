"""``kefu clock``: deadlines from the command line and from scripts, their explanation, a year as a grid."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from kefu.year_grid import year_grid
from shared.worktime import (
    Calendar,
    Calendars,
    Duration,
    Explanation,
    Interval,
    Line,
    WorktimeError,
    due,
    explain,
)
from shared.worktime.durations import DAY_UNITS
from shared.worktime.sessions import parse_sessions

app = typer.Typer(
    help="Working time: when something is due, and why.", no_args_is_help=True, pretty_exceptions_enable=False
)

_NEEDED = ("calendar", "start", "amount", "unit")
_KNOWN = frozenset({"id", *_NEEDED, "from_next_day", "end_of_day", "sessions", "pauses"})

CalendarsFile = Annotated[
    Path | None,
    typer.Option(
        "--calendars", metavar="FILE", help="YAML file: a mapping of names to calendar definitions."
    ),
]


@dataclass(frozen=True, slots=True)
class Request:
    """One question: a calendar, a start, a duration and the pauses."""

    calendar: Calendar
    start: datetime
    duration: Duration
    pauses: tuple[Interval, ...]


@app.command("due")
def due_command(calendars: CalendarsFile = None) -> None:
    """Answer JSON lines with JSON lines: when is it too late? Exit status 1 if any line is in error.

    In: id, calendar, start, amount, unit and, if wanted, from_next_day, end_of_day, sessions, pauses.
    Out, in the same order: id with due, provisional and calendar_version, or with error (code and message).
    """
    reader = _Reader(_load(calendars))
    failed = False
    for name, request in reader.requests():
        answer: dict[str, Any] = {"id": name}
        try:
            if isinstance(request, WorktimeError):
                raise request
            found = due(request.calendar, request.start, request.duration, request.pauses)
            answer |= {
                "due": found.at.isoformat(),
                "provisional": found.provisional,
                "calendar_version": found.calendar_version,
            }
        except WorktimeError as error:
            failed = True
            answer["error"] = error.as_dict()
        typer.echo(json.dumps(answer, ensure_ascii=False))
    if failed:
        raise typer.Exit(1)


@app.command("explain")
def explain_command(calendars: CalendarsFile = None) -> None:
    """Tell every day and session counted, for the JSON lines that due takes. Exit status 1 on any error."""
    reader = _Reader(_load(calendars))
    failed = False
    for name, request in reader.requests():
        try:
            if isinstance(request, WorktimeError):
                raise request
            told = explain(request.calendar, request.start, request.duration, request.pauses)
        except WorktimeError as error:
            failed = True
            typer.echo(f"{_title(name)}error {error.code}: {error.message}\n")
            continue
        typer.echo(f"{_title(name)}{_headline(request)}")
        for line in told.lines:
            typer.echo(_line_text(line, request.duration))
        typer.echo(f"{_closing(told)}\n")
    if failed:
        raise typer.Exit(1)


@app.command("calendar")
def calendar_command(
    name: Annotated[str, typer.Argument(help="cn, a country's code, or a name from --calendars.")],
    year: Annotated[int, typer.Argument(min=1900, max=2999)],
    calendars: CalendarsFile = None,
) -> None:
    """Show a year of a calendar as a grid: working days, days off, make-up days and half days."""
    try:
        calendar = _load(calendars).by_name(name)
    except WorktimeError as error:
        typer.echo(f"{error.code}: {error.message}", err=True)
        raise typer.Exit(1) from None
    typer.echo("\n".join(year_grid(calendar, year)))


def _load(path: Path | None) -> Calendars:
    """Return the built-in calendars and those of the file at ``path``; a bad file ends with 2."""
    if path is None:
        return Calendars()
    try:
        definitions = yaml.safe_load(path.read_text(encoding="utf-8"))
        if not isinstance(definitions, Mapping):
            raise WorktimeError("bad_definition", "write a mapping of names to calendar definitions")
        return Calendars({str(name): made for name, made in definitions.items()})
    except (OSError, UnicodeDecodeError, yaml.YAMLError, WorktimeError) as error:
        typer.echo(f"{path}: {error}", err=True)
        raise typer.Exit(2) from None


class _Reader:
    """Reads requests from standard input, one JSON object a line; blank lines are skipped."""

    def __init__(self, calendars: Calendars) -> None:
        self._calendars = calendars
        self._with_sessions = lru_cache(maxsize=256)(self._build)

    def requests(self) -> Iterator[tuple[Any, Request | WorktimeError]]:
        """Yield each line's id and its request, or what is wrong with it."""
        for line in sys.stdin.buffer:
            if not line.strip():
                continue
            name = None
            try:
                shape = _json_object(line)
                name = shape.get("id")
                yield name, self._request(shape)
            except WorktimeError as error:
                yield name, error

    def _request(self, shape: Mapping[str, Any]) -> Request:
        unknown = sorted(shape.keys() - _KNOWN)
        if unknown:
            raise WorktimeError(
                "unknown_key", f"unknown key {unknown[0]!r}; known: {', '.join(sorted(_KNOWN))}"
            )
        missing = [key for key in _NEEDED if shape.get(key) is None]
        if missing:
            raise WorktimeError("missing_key", f"{missing[0]} is missing")
        duration = Duration(
            shape["amount"],
            shape["unit"],
            from_next_day=_optional(shape, "from_next_day", default=False),
            end_of_day=_optional(shape, "end_of_day", default=False),
        )
        sessions = shape.get("sessions")
        calendar = self._calendars.by_name(shape["calendar"])
        if sessions is not None:
            calendar = self._with_sessions(shape["calendar"], json.dumps(sessions))
        return Request(calendar, _moment(shape["start"], "start"), duration, _pauses(shape.get("pauses")))

    def _build(self, name: str, sessions: str) -> Calendar:
        return self._calendars.by_name(name).with_sessions(parse_sessions(json.loads(sessions)))


def _json_object(line: bytes) -> dict[str, Any]:
    try:
        shape = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise WorktimeError("bad_json", f"the line is not JSON: {error}") from None
    if not isinstance(shape, dict):
        raise WorktimeError("bad_json", "the line is not a JSON object")
    return shape


def _optional(shape: Mapping[str, Any], key: str, *, default: Any) -> Any:
    value = shape.get(key)
    return default if value is None else value


def _moment(text: Any, where: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except (TypeError, ValueError):
        raise WorktimeError(
            "bad_time", f"{where}: write a time like 2025-03-05T10:00:00+08:00, got {text!r}"
        ) from None


def _pauses(rows: Any) -> tuple[Interval, ...]:
    if rows is None:
        return ()
    if not isinstance(rows, list):
        raise WorktimeError("bad_pause", f'pauses: write a list of {{"from", "to"}}, got {rows!r}')
    return tuple(_pause(row, f"pauses[{number}]") for number, row in enumerate(rows))


def _pause(row: Any, where: str) -> Interval:
    if not isinstance(row, dict) or set(row) != {"from", "to"}:
        raise WorktimeError("bad_pause", f'{where}: a pause is {{"from": …, "to": …}}, got {row!r}')
    return Interval(_moment(row["from"], f"{where}.from"), _moment(row["to"], f"{where}.to"))


def _title(name: Any) -> str:
    return "" if name is None else f"{name}: "


def _headline(request: Request) -> str:
    duration = request.duration
    flags = [
        text
        for wanted, text in (
            (duration.from_next_day, "from the next day"),
            (duration.end_of_day, "to the end of the day"),
        )
        if wanted
    ]
    start = request.start.astimezone(request.calendar.zone).isoformat()
    unit = duration.unit.replace("_", " ")
    return ", ".join([f"{duration.amount} {unit} from {start} in {request.calendar.name}", *flags])


def _line_text(line: Line, duration: Duration) -> str:
    what = f"{line.kind} ({line.name})" if line.name else line.kind
    if duration.unit in DAY_UNITS:
        counted = f"{_number(line.total):>5}" if line.counted else "    -"
    else:
        stretches = " ".join(f"{_wall(a, line.day)}-{_wall(b, line.day)}" for a, b in line.stretches)
        counted = f"{stretches or '-':<24} {_number(line.counted):>8} {_number(line.total):>9}"
    return f"  {line.day} {line.day:%a}  {what:<44} {counted}  {line.note}".rstrip()


def _wall(at: datetime, day: date) -> str:
    if at.date() > day:
        return "24:00"
    return at.strftime("%H:%M:%S" if at.second or at.microsecond else "%H:%M")


def _number(value: Fraction) -> str:
    return f"{float(value):.4f}".rstrip("0").rstrip(".")


def _closing(told: Explanation) -> str:
    provisional = (
        ", provisional: official days off of a year in it are not out" if told.due.provisional else ""
    )
    return f"  due {told.due.at.isoformat()} (calendar {told.due.calendar_version}{provisional})"
