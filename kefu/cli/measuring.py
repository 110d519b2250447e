"""``kefu kpi``: what the key figures of an organisation are, and how one of them comes about."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table

from kefu.cli.screen import output
from kefu.reach import OPERATOR, find_reach
from shared.messaging.rpc_client import RpcClient

app = typer.Typer(help="Key figures: what they are, and how they come about.", no_args_is_help=True)

_ROLES = ("system",)
_SECONDS = 30.0
_SIGNS = {"at_least": "≥", "at_most": "≤", "below": "<", "above": ">"}
_UNITS = {"percent": " %", "per_thousand": " ‰", "minutes": " min"}

Row = Mapping[str, Any]
Org = Annotated[str, typer.Option("--org", help="The organisation, such as plaza-demo.")]
Asked = Annotated[
    str | None,
    typer.Option(
        "--window", help="2026, 2026-Q4, 2026-11, 2026-W47 or 2026-11-24; else this month in China."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]


@app.command("list")
def list_kpis(*, org: Org, window: Asked = None, as_json: AsJson = False) -> None:
    """Print the key figures of a window that anything was counted for, beside their targets."""
    answer = _ask("kpis", org, window)
    if as_json:
        typer.echo(json.dumps(answer, ensure_ascii=False, indent=2))
        return
    output.print(listed(answer))


@app.command()
def explain(
    code: Annotated[str, typer.Argument(help="The key figure's code, such as callback_rate.")],
    *,
    org: Org,
    window: Asked = None,
    matters: Annotated[int, typer.Option(min=1, max=1000, help="How many matters to name.")] = 10,
    as_json: AsJson = False,
) -> None:
    """Print formula, source, sums, trend and the matters behind one key figure.

    Example: kefu kpi explain callback_rate --org property-demo
    """
    answer = _ask("explain_kpi", org, window, code=code, limit=matters)
    if as_json:
        typer.echo(json.dumps(answer, ensure_ascii=False, indent=2))
        return
    output.print(explained(answer))


def _ask(method: str, org: str, window: str | None, **arguments: Any) -> Row:
    reach = find_reach()
    with RpcClient(reach.url_of(OPERATOR), name=OPERATOR, timeout=_SECONDS) as client:
        answer: Row = client.call(
            f"reporting.{method}",
            token=reach.token(OPERATOR, org, _ROLES, timedelta(minutes=5)),
            window=window or f"{datetime.now(UTC) + timedelta(hours=8):%Y-%m}",
            **arguments,
        )
    return answer


def listed(answer: Row) -> Table:
    """Return the table of key figures; those for which nothing was counted are left out."""
    table = Table(title=_title("Key figures 指标", answer))
    table.add_column("key figure", overflow="fold")
    for name in ("counted", "value", "target", ""):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("source", no_wrap=True)
    for row in answer["kpis"]:
        if row["value"] is not None:
            table.add_row(
                f"{escape(row['name'])}\n{row['code']}",
                _counted(row),
                value_of(row),
                _target(row),
                _judged(row),
                row["source"],
            )
    return table


def explained(answer: Row) -> RenderableType:
    """Return how a key figure comes about: what it is, its sums, how it changed, and what is behind it."""
    return Group(_about(answer), _sums(answer), _trend(answer), _matters(answer))


def _title(what: str, answer: Row) -> str:
    mark = ", provisional" if answer["provisional"] else ""
    return f"{what} {answer['org']} {answer['window']}{mark}"


def _about(answer: Row) -> Table:
    table = Table(title=_title(f"{escape(answer['name'])} {answer['code']}", answer), show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    against = answer["against"]
    rows = {
        "what it is": answer["english"],
        "days": f"{answer['first_day']} to {answer['last_day']}, {answer['time_zone']}",
        "value": f"{value_of(answer)} ({_counted(answer)})",
        "target": f"{_target(answer)} by the {answer['judged_by']} {_judged(answer)}",
        "asked for by": answer["source"],
        "measured by": answer["regulation"],
    }
    if against is not None:
        rows["measured against"] = f"{against['english']}: {against['value'] or 'no cases'}"
    for name, text in rows.items():
        table.add_row(name, escape(text) if name != "target" else text)
    return table


def _sums(answer: Row) -> Table:
    formula = answer["formula"]
    table = Table(title=f"Formula {formula['code']} ({formula['source']})")
    table.add_column("", no_wrap=True)
    table.add_column("sum of", overflow="fold")
    table.add_column("sum", justify="right", no_wrap=True)
    for side in ("numerator", "denominator"):
        for number, row in enumerate(formula[side]):
            table.add_row("" if number else side, escape(row["term"]), row["sum"])
        table.add_section()
    return table


def _trend(answer: Row) -> Table:
    table = Table(title="This window and those before")
    rows: Sequence[Row] = [
        *reversed(answer["previous"]),
        {"window": answer["window"], "value": answer["value"]},
    ]
    for row in rows:
        table.add_column(row["window"], justify="right")
    table.add_row(*(value_of({**answer, "value": row["value"]}) for row in rows))
    return table


def _matters(answer: Row) -> Table:
    more = ", and more" if answer["next"] else ""
    table = Table(title=f"What is behind it: {len(answer['matters'])}{more}")
    table.add_column("kind", no_wrap=True)
    table.add_column("number or id", overflow="fold")
    for name in ("numerator", "denominator"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in answer["matters"]:
        table.add_row(row["kind"], row["number"] or row["id"], row["numerator"], row["denominator"] or "")
    return table


def value_of(row: Row) -> str:
    """Return a figure with its unit, in words where there are no cases."""
    return "no cases" if row["value"] is None else f"{row['value']}{_UNITS.get(row['unit'], '')}"


def _counted(row: Row) -> str:
    return str(row["numerator"]) if row["denominator"] is None else f"{row['numerator']}/{row['denominator']}"


def _target(row: Row) -> str:
    if row["target"] is None:
        return "none given"
    return f"{_SIGNS[row['comparison']]} {row['target']}{_UNITS.get(row['unit'], '')}"


def _judged(row: Row) -> str:
    return {True: "[green]met[/green]", False: "[red]missed[/red]", None: ""}[row["met"]]
