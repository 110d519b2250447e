"""``kefu customers``: take in lists of customers."""

from __future__ import annotations

import csv
import uuid
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import Progress

from kefu.cli.failing import WrongUsage
from kefu.cli.screen import console_for, output
from kefu.customer_lists import Line, read_list
from kefu.reach import OPERATOR, find_reach
from shared.messaging.rpc_client import RpcClient

app = typer.Typer(help="Customer files: take in a list.", no_args_is_help=True)

_ROLES = ("operator",)
_BATCH = 500
_TIMEOUT = 120.0


@app.callback()
def customers() -> None:
    """Customer files."""


@app.command("import")
def import_list(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="A list: .csv (UTF-8 or GB18030) or .xlsx.")],
    *,
    org: Annotated[str, typer.Option("--org", help="The organisation, such as plaza-demo.")],
    origin: Annotated[
        str, typer.Option(help="Where the list comes from: an origin of the rulebook.")
    ] = "system",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check every row and write nothing.")] = False,
    errors: Annotated[Path | None, typer.Option(help="Write refused rows here: row, field, reason.")] = None,
) -> None:
    """Take in the customers of a list; those that are known are updated, wrong rows are named and left out.

    The first row names the columns: kind, name, phone, unit, reference, and fields of the rulebook by code.
    Several entries of one cell stand apart with ;.
    """
    if not path.is_file():
        raise WrongUsage(f"there is no file {path}")
    reach = find_reach()
    total = {"created": 0, "updated": 0, "merged": 0}
    refused: list[dict[str, Any]] = []
    run = uuid.uuid4().hex
    with (
        RpcClient(reach.url_of(OPERATOR), name=OPERATOR, timeout=_TIMEOUT) as client,
        Progress(console=console_for(stderr=True), transient=True) as progress,
    ):
        task = progress.add_task("rows", total=None)
        for number, batch in enumerate(_batches(read_list(path)), 1):
            answer = client.call(
                "intake.import_customers",
                token=reach.token(OPERATOR, org, _ROLES, timedelta(minutes=5)),
                idempotency_key=f"import-{run}-{number}",
                rows=batch,
                origin=origin,
                dry_run=dry_run,
            )
            for what in total:
                total[what] += answer[what]
            refused += answer["refused"]
            progress.advance(task, len(batch))
    _report(total, refused, errors, dry_run=dry_run)
    if refused:
        raise typer.Exit(1)


def _batches(lines: Iterator[Line]) -> Iterator[list[dict[str, Any]]]:
    while batch := [{"row": line.row, **line.customer} for line in islice(lines, _BATCH)]:
        yield batch


def _report(
    total: dict[str, int], refused: list[dict[str, Any]], errors: Path | None, *, dry_run: bool
) -> None:
    verb = "would be " if dry_run else ""
    output.print(
        f"{verb}created {total['created']}, {verb}updated {total['updated']}, "
        f"merged {total['merged']}, refused {len({row['row'] for row in refused})} rows"
    )
    if errors is not None:
        with errors.open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("row", "field", "reason", "rule"))
            writer.writerows((row["row"], row["field"], row["reason"], row["rule"] or "") for row in refused)
        return
    for row in refused[:20]:
        output.print(f"   row {row['row']}: {row['field']} {row['reason']}", markup=False, soft_wrap=True)
