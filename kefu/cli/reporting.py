"""``kefu reporting``: the figures as a whole."""

from __future__ import annotations

import time
import uuid
from datetime import timedelta
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from kefu.cli.failing import EXIT_FAILED
from kefu.cli.screen import console_for, output
from kefu.reach import OPERATOR, find_reach, organisation_names
from shared.messaging.rpc_client import RpcClient

app = typer.Typer(help="Figures: count them again from the archive.", no_args_is_help=True)

_ROLES = ("operator",)
_TIMEOUT = 60.0
#: Seconds between two questions how it stands.
_PAUSE = 1.0
_STAGES = {
    "counting": "counting the archive",
    "catching_up": "what came meanwhile",
    "settling": "the new figures are in force; once more what came",
    "done": "done",
}


@app.callback()
def reporting() -> None:
    """Keep the commands below a name of their own, also while there is one only."""


@app.command()
def rebuild(
    *,
    wait: Annotated[bool, typer.Option(help="Wait for the end and show how far it is.")] = True,
    patience: Annotated[float, typer.Option(min=1, help="Seconds to wait at most.")] = 3600.0,
) -> None:
    """Count the whole archive again, beside the figures in force, and then put the new ones in their place.

    Nothing stops meanwhile, and it goes on without this command; one that is under way is shown. Ends with 1 when
    it is not done in time.
    """
    reach = find_reach()
    org = next(iter(organisation_names(reach.organisations)))
    with RpcClient(reach.url_of(OPERATOR), name=OPERATOR, timeout=_TIMEOUT) as client:

        def call(method: str, **arguments: Any) -> dict[str, Any]:
            token = reach.token(OPERATOR, org, _ROLES, timedelta(minutes=5))
            answer: dict[str, Any] = client.call(f"reporting.{method}", token=token, **arguments)
            return answer

        standing = call("rebuild_figures", idempotency_key=f"rebuild-{uuid.uuid4().hex}")
        if wait:
            standing = _watched(call, standing, patience)
    output.print(f"{_STAGES[standing['state']]}: {standing['done']} of {standing['events']} events")
    if wait and standing["state"] != "done":
        raise typer.Exit(EXIT_FAILED)


def _watched(call: Any, standing: dict[str, Any], patience: float) -> dict[str, Any]:
    """Show how far it is until it is done or patience ends; return how it stands then."""
    until = time.monotonic() + patience
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console_for(stderr=True), transient=True) as progress:
        task = progress.add_task(_STAGES[standing["state"]], total=standing["events"])
        while standing["state"] != "done" and time.monotonic() < until:
            progress.update(task, description=_STAGES[standing["state"]], completed=standing["done"])
            time.sleep(_PAUSE)
            standing = call("get_rebuild")
    return standing
