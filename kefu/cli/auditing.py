"""``kefu complaints``: whether everything that must hold of complaints does."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Any

import typer
from rich.markup import escape

from kefu.cli.failing import EXIT_FAILED
from kefu.cli.screen import console_for, output
from kefu.demo.progress import Teller, teller_for
from kefu.reach import OPERATOR, Reach, find_reach, organisation_names
from services.complaints.domain.auditing.findings import Subject
from shared.messaging.rpc_client import RpcClient

app = typer.Typer(help="Complaint cases: audit what is kept of them.", no_args_is_help=True)

_ROLES = ("operator",)
#: A page is checked whole before it is answered.
_SECONDS = 60.0

Row = dict[str, Any]


@app.callback()
def complaints() -> None:
    """Keep the commands below a name of their own, also while there is one only."""


@app.command()
def audit(
    *,
    org: Annotated[str | None, typer.Option("--org", help="Only this organisation.")] = None,
    subject: Annotated[list[Subject] | None, typer.Option(help="Only these; repeat for more.")] = None,
    page: Annotated[int, typer.Option(min=1, max=200, help="How many to check at a time.")] = 100,
) -> None:
    """Check every case, offer, penalty, ledger and month; print what does not hold, and end with 1.

    A finding is one line: organisation, id, invariant, what was found. It only reads, and may run at any time.
    """
    reach, found = find_reach(), 0
    # The bar goes where errors go, so that findings can be piped.
    with (
        RpcClient(reach.url_of(OPERATOR), name=OPERATOR, timeout=_SECONDS) as client,
        teller_for(console_for(stderr=True)) as teller,
    ):
        for each in (org,) if org else tuple(organisation_names(reach.organisations)):
            for chosen in subject or Subject:
                for row in _pages(client, reach, each, chosen, page, teller):
                    found += 1
                    output.print(
                        escape(f"{each}  {row['id']}  {row['invariant']}  {row['found']}"), soft_wrap=True
                    )
    output.print(f"{found} findings")
    if found:
        raise typer.Exit(EXIT_FAILED)


def _pages(
    client: RpcClient, reach: Reach, org: str, subject: Subject, limit: int, teller: Teller
) -> Iterator[Row]:
    """Yield the findings of one subject of one organisation, page by page."""
    after: str | None = None
    done = 0
    while True:
        # A token a page: an audit may take longer than one is valid.
        token = reach.token(OPERATOR, org, _ROLES, timedelta(minutes=5))
        answer = client.call(
            "complaints.audit_page", token=token, subject=subject.value, after=after, limit=limit
        )
        if after is None:
            teller.begin(f"{org} {subject.value}", answer["total"])
        done += answer["checked"]
        teller.advance(done)
        yield from answer["findings"]
        after = answer["next_after"]
        if after is None:
            teller.end()
            return
