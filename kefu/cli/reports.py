"""``kefu report``: the month's statistics as files."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from kefu.cli.failing import WrongUsage
from kefu.cli.screen import output
from kefu.reach import OPERATOR, find_reach, organisation_names
from shared.messaging.rpc_client import RpcClient

app = typer.Typer(help="Reports: the month's statistics as files.", no_args_is_help=True)

_ROLES = ("system",)
_SECONDS = 60.0
_FORMATS = ("xlsx", "csv", "html", "pdf")


@app.callback()
def report() -> None:
    """Keep the commands below a name of their own, also while there is one only."""


@app.command("month")
def month_report(
    month: Annotated[str, typer.Argument(help="The month, such as 2026-11.")],
    *,
    org: Annotated[str, typer.Option("--org", help="The organisation, such as plaza-demo.")],
    formats: Annotated[
        list[str] | None, typer.Option("--format", help="xlsx, csv, html or pdf; repeat for more, else all.")
    ] = None,
    folder: Annotated[Path, typer.Option("--out", help="The folder to write to.")] = Path(),
    language: Annotated[str, typer.Option(help="zh or en.")] = "zh",
    published: Annotated[
        bool, typer.Option("--published", help="As published, not as the figures stand now.")
    ] = False,
    version: Annotated[int | None, typer.Option(min=1, help="This version of the published report.")] = None,
) -> None:
    """Write a month's statistics and key figures with charts; a month that has not ended is marked provisional."""
    from kefu import monthly  # noqa: PLC0415 - drawing takes a second to import
    from services.reporting.rendering import Format  # noqa: PLC0415 - the same

    wrong = sorted({*(formats or ())} - {*_FORMATS})
    if wrong:
        raise WrongUsage(f"{', '.join(wrong)} is no format: known are {', '.join(_FORMATS)}")
    if language not in ("zh", "en"):
        raise WrongUsage(f"{language} is no language: known are zh and en")
    reach = find_reach()
    name = organisation_names(reach.organisations).get(org, org)
    with RpcClient(reach.url_of(OPERATOR), name=OPERATOR, timeout=_SECONDS) as client:

        def ask(method: str, **arguments: Any) -> dict[str, Any]:
            token = reach.token(OPERATOR, org, _ROLES, timedelta(minutes=5))
            answer: dict[str, Any] = client.call(f"reporting.{method}", token=token, **arguments)
            return answer

        if published or version is not None:
            zone = ask("month_statistics", month=month)["time_zone"]
            document = monthly.published(ask, name, month, version, zone, language)
        else:
            document = monthly.current(ask, name, month, language)
    wanted = [Format(each) for each in formats or _FORMATS]
    for path in monthly.write(document, wanted, language, folder, f"{org}-{month}"):
        output.print(str(path), soft_wrap=True, markup=False)
