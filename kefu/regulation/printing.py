"""Rulebooks as tables and lines for people; what programs read is JSON and made elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from kefu.regulation.comparing import Difference
from kefu.regulation.explaining import Explained
from kefu.regulation.library import Side
from kefu.regulation.statements import Statement, statements, unarmed
from services.names import SERVICES
from shared.clocks.points import point_of, point_text
from shared.regulations import Organisation, Regulation

_INDENT = "  "
_SAYS_NOTHING = "-"


def heading(organisation: Organisation, side: Side) -> Iterator[str]:
    """Yield what an organisation is and which versions make up its rulebook."""
    yield f"{organisation.name}  ({organisation.id}, profile {organisation.profile})"
    yield f"calendar {organisation.calendar}, {organisation.time_zone}; numbers {organisation.number_prefix}-…"
    for service, regulation in side.parts.items():
        yield f"{service}: {regulation.version}, since {regulation.effective_from.isoformat()}"


def rulebook_table(service: str, regulation: Regulation[Any]) -> Table:
    """Return one part of a rulebook as a tree with value, unit, source and the layer that says it."""
    table = _table(service, "rule", "value", "unit", "source", "from")
    above: tuple[str, ...] = ()
    for statement in statements(regulation):
        for name, depth in _new_branches(above, statement.path):
            table.add_row(_INDENT * depth + escape(name))
        table.add_row(*_leaf(statement))
        above = statement.path
    resting = unarmed(regulation.sections)
    if resting:
        table.caption = f"says nothing on: {', '.join(resting)}"
        table.caption_justify = "left"
    return table


def _new_branches(above: Sequence[str], path: Sequence[str]) -> Iterator[tuple[str, int]]:
    """Yield the names of the branches that ``path`` opens after ``above``, with their depths."""
    shared = 0
    while shared < min(len(above), len(path) - 1) and above[shared] == path[shared]:
        shared += 1
    yield from ((path[depth], depth) for depth in range(shared, len(path) - 1))


def _leaf(statement: Statement) -> tuple[str, ...]:
    name = _INDENT * (len(statement.path) - 1) + statement.path[-1]
    cells = (name, statement.value, statement.unit, statement.source or "", statement.layer)
    return tuple(map(escape, cells))


def differences_table(left: str, right: str, rows: Iterable[Difference]) -> Table:
    """Return what differs, one row a path, the two rulebooks side by side."""
    table = _table(None, "service", "rule", left, right)
    last = ""
    for row in rows:
        cells = (".".join(row.path), _cell(row.left), _cell(row.right))
        table.add_row(row.service if row.service != last else "", *map(escape, cells))
        last = row.service
    return table


def _cell(statement: Statement | None) -> str:
    if statement is None:
        return _SAYS_NOTHING
    words = " ".join(filter(None, (statement.value, statement.unit)))
    return f"{words} ({statement.source})" if statement.source else words


def explained_text(told: Explained) -> Iterator[str | Table]:
    """Yield the lines and tables of an explanation."""
    yield f"{told.org.name}  ({told.org.id}, {told.regulation})"
    yield from _level_lines(told.level)
    for clock in told.clocks:
        yield from _clock_lines(clock)
    for row in told.resting:
        length = f"; {row['duration']}" if row["duration"] else ""
        yield f"clock {row['name']} does not run: {row['why']}{length} ({row['source']})"
    yield f"closes after: {told.close['value']} ({told.close['source']})"
    yield _steps_table(told.steps)
    for row in told.duties:
        yield f"{row['meaning']} ({row['source']})"
    for row in told.callbacks:
        when = f"within {row['duration']}" if row["duration"] else "no time given"
        yield f"callback {row['callback']} after {row['after']}: {when} ({row['source']})"


def _level_lines(level: Mapping[str, Any]) -> Iterator[str]:
    because = " and ".join(level["because"]) or "no test of a higher level is met"
    yield f"level {level['code']} {level['name']}: {because} ({level['source']})"
    for test in level["tests"]:
        fact = _words(test["fact"])
        outcome = "met" if test["met"] else "not met"
        yield f"  {test['level']}: {test['test']} {test['wanted']}; here {fact}: {outcome} ({test['source']})"


def _words(fact: object) -> str:
    if fact is None:
        return "none"
    if isinstance(fact, bool):
        return "yes" if fact else "no"
    return str(fact)


def _clock_lines(clock: Mapping[str, Any]) -> Iterator[str]:
    name, source = clock["name"], clock["source"]
    yield f"clock {name}: {clock['starts']} to {clock['ends']}, {clock['duration']} ({source})"
    state = "provisional, official days of a year in it are not out" if clock["provisional"] else "final"
    yield f"  started {clock['started_at']}"
    yield f"  due {clock['due']}, the first instant that is too late; {state}"
    yield f"  calendar {clock['calendar']}, version {clock['calendar_version']}"
    for warning in clock["warnings"]:
        yield f"  warns {warning['at']} ({_point(warning['point'])})"


def _point(document: Any) -> str:
    text = point_text(point_of(document))
    return f"{text.replace('_', ' ')} before" if isinstance(document, dict) else f"{text} %"


def _steps_table(steps: Sequence[Mapping[str, Any]]) -> Table:
    table = _table("steps", "step", "who may take it", "source")
    for step in steps:
        for number, grant in enumerate(step["roles"]):
            channels = f" (only what came by {', '.join(grant['channels'])})" if grant["channels"] else ""
            cells = ("" if number else step["step"], f"{grant['role']}{channels}", grant["source"])
            table.add_row(*map(escape, cells))
        if not step["roles"]:
            table.add_row(step["step"], "nobody, on a case from there", step["source"])
    return table


def _table(title: str | None, *columns: str) -> Table:
    table = Table(box=SIMPLE_HEAD, title=title, title_justify="left", title_style="bold", pad_edge=False)
    for name in columns:
        table.add_column(escape(name), overflow="fold")
    return table


def side_as_dict(side: Side, services: Sequence[str] = SERVICES) -> dict[str, Any]:
    """Return the JSON shape of a rulebook: for each service its version and statements."""
    return {
        service: {
            "version": regulation.version,
            "effective_from": regulation.effective_from.isoformat(),
            "statements": [statement.as_dict() for statement in statements(regulation)],
            "says_nothing_on": list(unarmed(regulation.sections)),
        }
        for service, regulation in side.parts.items()
        if service in services
    }
