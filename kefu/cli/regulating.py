"""``kefu regulation``: rulebooks checked, shown, compared and explained, without a running stack."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from kefu.regulation import commands
from services.names import SERVICES

app = typer.Typer(help="Rulebooks: check, show, compare, explain. Nothing need run.", no_args_is_help=True)

Service = StrEnum("Service", {name: name for name in SERVICES})  # type: ignore[misc]  # made from data

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Directory = Annotated[
    Path | None,
    typer.Option("--dir", metavar="DIR", help="Where the files are, as for check; else the services' own."),
]
At = Annotated[str | None, typer.Option(metavar="DATE", help="The rules in force on this day; else today.")]


@app.command()
def check(
    directory: Annotated[
        Path | None,
        typer.Argument(
            metavar="[DIR]",
            help="Holds organisations/ and services/*/regulations/, either may be missing, or organisation "
            "files only. Else the services' own profiles with KEFU_ORGANISATIONS_DIR or organisations/ here.",
        ),
    ] = None,
    *,
    as_json: Json = False,
) -> None:
    """Read every rulebook as the services do at their start; print OK, or every fault and end with 1.

    A fault is one line: file, path inside the file, reason.
    """
    commands.check(directory, as_json=as_json)


@app.command()
def show(
    org: Annotated[str, typer.Argument(metavar="ORG", help="The organisation, such as plaza-demo.")],
    *,
    service: Annotated[Service | None, typer.Option(help="Only this service's part.")] = None,
    at: At = None,
    as_json: Json = False,
    directory: Directory = None,
) -> None:
    """Print an organisation's rulebook: every value with unit, source and the file it comes from."""
    chosen = (service.value,) if service else SERVICES
    commands.show(org, chosen, at=at, as_json=as_json, directory=directory)


@app.command()
def diff(
    left: Annotated[str, typer.Argument(metavar="A", help="A profile, PROFILE@VERSION or an organisation.")],
    right: Annotated[str, typer.Argument(metavar="B", help="The same.")],
    *,
    at: At = None,
    as_json: Json = False,
    directory: Directory = None,
) -> None:
    """Print what differs between two profiles, two versions of one, or two organisations.

    Example: kefu regulation diff standard retail-chain
    """
    commands.diff(left, right, at=at, as_json=as_json, directory=directory)


@app.command()
def explain(
    org: Annotated[str, typer.Argument(metavar="ORG", help="The organisation, such as plaza-demo.")],
    facts: Annotated[
        str,
        typer.Argument(
            metavar="CASE_FACTS",
            help="A JSON object, or @FILE: households, amount (yuan), media, lawsuit, received_at, valid, "
            "decided_at, channel; all may be missing.",
        ),
    ],
    *,
    as_json: Json = False,
    directory: Directory = None,
) -> None:
    """Print what the rules make of a case: level and why, clocks and when they are due, who may do what.

    Example: kefu regulation explain plaza-demo '{"households": 7, "received_at":
    "2025-03-05T10:00:00+08:00", "valid": true}'
    """
    commands.explain(org, facts, as_json=as_json, directory=directory)
