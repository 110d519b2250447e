"""``kefu rejected``: the events that intake refused, and why."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Annotated, Any

import typer
from rich.markup import escape

from kefu.cli.screen import output
from kefu.demo.player import NOBODY
from kefu.demo.tables import local_time
from kefu.reach import OPERATOR, Reach, find_reach, organisation_names
from shared.errors import NotFound
from shared.messaging.rpc_client import RpcClient

app = typer.Typer(help="Rejected events: list them, show one.", no_args_is_help=True)

_READER = ("operator",)
_FULL_READER = ("operator", "personal_data")
Org = Annotated[str | None, typer.Option("--org", help="Only this organisation; - for those of none.")]


@app.command("list")
def list_rejected(
    *,
    org: Org = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many of each organisation.")] = 50,
) -> None:
    """Print rejected events with their reasons, the newest first."""
    reach = find_reach()
    count = 0
    with RpcClient(reach.url_of(OPERATOR), name=OPERATOR) as client:
        for each in _orgs(reach, org):
            for row in client.call("intake.list_rejected", token=_token(reach, each, _READER), limit=limit):
                count += 1
                event, sender = escape(row["event_id"] or "?"), escape(row["publisher"] or "nobody named")
                output.print(
                    f"[bold]{row['rejected_id']}[/bold]  {escape(each)}  {local_time(row['rejected_at'])}\n"
                    f"   event {event} from {sender}\n   {escape(_reasons(row))}",
                    soft_wrap=True,
                )
    output.print(f"{count} rejected events")


@app.command()
def show(
    rejected_id: Annotated[str, typer.Argument(metavar="ID")],
    *,
    org: Org = None,
    body: Annotated[bool, typer.Option("--body", help="Also what it held: may be personal data.")] = False,
) -> None:
    """Print one rejected event with every field that was wrong."""
    reach = find_reach()
    with RpcClient(reach.url_of(OPERATOR), name=OPERATOR) as client:
        row = _find(client, reach, _orgs(reach, org), rejected_id, _FULL_READER if body else _READER)
    for name in ("rejected_id", "org", "event_id", "event_type", "publisher", "rejected_at", "size"):
        output.print(f"{name:<12} {escape(str(row[name]))}", soft_wrap=True)
    for reason in row["reasons"]:
        output.print(f"{'wrong':<12} {escape(reason['field'])}: {escape(reason['reason'])}", soft_wrap=True)
    output.print(f"{'contract':<12} {escape(row['contract'])}", soft_wrap=True)
    if body:
        output.print(escape(row["body"]), soft_wrap=True)


def _find(
    client: RpcClient, reach: Reach, orgs: Iterable[str], rejected_id: str, roles: tuple[str, ...]
) -> dict[str, Any]:
    for org in orgs:
        try:
            row = client.call("intake.get_rejected", token=_token(reach, org, roles), id=rejected_id)
        except NotFound:
            continue
        return {**row, "org": org}
    raise NotFound(f"no organisation keeps a rejected event {rejected_id}")


def _orgs(reach: Reach, org: str | None) -> tuple[str, ...]:
    return (org,) if org else (*organisation_names(reach.organisations), NOBODY)


def _token(reach: Reach, org: str, roles: tuple[str, ...]) -> str:
    return reach.token(OPERATOR, org, roles, timedelta(minutes=5))


def _reasons(row: dict[str, Any]) -> str:
    return "; ".join(f"{reason['field']}: {reason['reason']}" for reason in row["reasons"])
