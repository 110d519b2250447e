"""What the ``kefu regulation`` commands do; apart from them because importing all rulebooks takes a while."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import typer
from rich.markup import escape

from kefu.cli.failing import WrongUsage
from kefu.cli.screen import errors, output
from kefu.local.install import REPOSITORY
from kefu.reach import setting
from kefu.regulation.comparing import differences
from kefu.regulation.explaining import explain as explain_case
from kefu.regulation.facts import read_facts
from kefu.regulation.library import Library, own_place, place_of, read_library
from kefu.regulation.printing import (
    differences_table,
    explained_text,
    heading,
    rulebook_table,
    side_as_dict,
)
from shared.errors import NotFound, ValidationFailed
from shared.regulations import Fault, Organisation


def check(directory: Path | None, *, as_json: bool) -> None:
    """Print that all files are sound, or every fault and raise typer.Exit(1)."""
    library = _read(directory)
    if as_json:
        _print_json(
            {
                "ok": not library.faults,
                "faults": [
                    {"file": _near(fault.file), "path": fault.path, "reason": fault.reason}
                    for fault in library.faults
                ],
                "profiles": list(library.profiles),
                "organisations": [organisation.id for organisation in library.organisations],
            }
        )
    elif not library.faults:
        for line in _summary(library):
            output.print(f"[green]OK[/green]  {escape(line)}", soft_wrap=True)
    else:
        for fault in library.faults:
            output.print(escape(_line(fault)), soft_wrap=True)
        count = len(library.faults)
        errors.print(f"[red]kefu:[/red] {count} fault{'s' if count > 1 else ''} found", soft_wrap=True)
    if library.faults:
        raise typer.Exit(1)


def show(org: str, services: Sequence[str], *, at: str | None, as_json: bool, directory: Path | None) -> None:
    """Print the part of an organisation's rulebook that belongs to ``services``."""
    library = _read(directory).sound()
    organisation = _organisation(library, org)
    side = library.of_organisation(org, _moment(at, organisation.time_zone))
    if as_json:
        shape = {"org": org, "profile": organisation.profile, "services": side_as_dict(side, services)}
        _print_json(shape)
        return
    for line in heading(organisation, side):
        output.print(escape(line), soft_wrap=True)
    for name in services:
        output.print(rulebook_table(name, side.parts[name]))


def diff(left: str, right: str, *, at: str | None, as_json: bool, directory: Path | None) -> None:
    """Print what differs between two rulebooks."""
    library = _read(directory).sound()
    moment = _moment(at, "UTC")
    one, other = library.of_name(left, moment), library.of_name(right, moment)
    rows = list(differences(one, other))
    if as_json:
        _print_json({"left": left, "right": right, "differences": [row.as_dict() for row in rows]})
    elif rows:
        output.print(differences_table(left, right, rows))
    else:
        output.print(escape(f"{left} and {right} say the same"), soft_wrap=True)


def explain(org: str, facts: str, *, as_json: bool, directory: Path | None) -> None:
    """Print what an organisation's rulebook makes of a case."""
    try:
        case = read_facts(facts, datetime.now(UTC))
    except ValidationFailed as error:
        raise WrongUsage(error.message, problems=error.problems) from error
    told = explain_case(_read(directory).sound(), org, case)
    if as_json:
        _print_json(told.as_dict())
        return
    for part in explained_text(told):
        if isinstance(part, str):
            output.print(escape(part), soft_wrap=True)
        else:
            output.print(part)


def _print_json(shape: dict[str, Any]) -> None:
    typer.echo(json.dumps(shape, ensure_ascii=False, indent=2))


def _read(directory: Path | None) -> Library:
    organisations = Path(setting("KEFU_ORGANISATIONS_DIR") or REPOSITORY / "organisations")
    if directory is None:
        return read_library(own_place(organisations))
    return read_library(place_of(directory, organisations))


def _organisation(library: Library, org: str) -> Organisation:
    found = {organisation.id: organisation for organisation in library.organisations}
    if org not in found:
        raise NotFound(f"there is no organisation {org!r}; known are {', '.join(found)}")
    return found[org]


def _moment(at: str | None, zone: str) -> datetime:
    """Return the noon of the day ``at`` in ``zone``, so that the day is the same there; else now."""
    if at is None:
        return datetime.now(UTC)
    try:
        return datetime.combine(date.fromisoformat(at), time(12), ZoneInfo(zone))
    except ValueError as error:
        raise WrongUsage(f"--at {at}: write a day such as 2026-01-31") from error


def _summary(library: Library) -> Iterator[str]:
    for service, part in library.parts.items():
        count = sum(len(versions) for versions in part.profiles.values())
        where = _near(str(library.place.profiles[service]))
        yield f"{service:<11} {len(part.profiles)} profiles in {count} versions  {where}"
    for organisation in library.organisations:
        file = _near(str(library.place.organisations / f"{organisation.id}.yaml"))
        yield f"{organisation.id}  {organisation.name}, profile {organisation.profile}  {file}"


def _line(fault: Fault) -> str:
    return str(Fault(_near(fault.file), fault.path, fault.reason))


def _near(file: str) -> str:
    """Return the path as seen from here, where it lies below."""
    path, here = Path(file), Path.cwd()
    return str(path.relative_to(here)) if path.is_absolute() and path.is_relative_to(here) else file
