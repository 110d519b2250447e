"""The ``kefu`` command put together from its parts."""

from __future__ import annotations

import typer

from kefu import clock
from kefu.cli import (
    auditing,
    calling,
    deadletters,
    importing,
    measuring,
    preparing,
    publishing,
    regulating,
    rejecting,
    reporting,
    reports,
    running,
)
from kefu.cli.failing import PlainErrors

app = typer.Typer(
    name="kefu",
    help="Run a customer-service department's written rules on a message bus.",
    cls=PlainErrors,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

app.command("up")(running.up)
app.command("demo")(running.demo)
app.command("publish")(publishing.publish)
app.command("rpc")(calling.rpc)
app.command("token")(calling.token)
app.add_typer(deadletters.app, name="dlq")
app.add_typer(rejecting.app, name="rejected")
app.command("prepare")(preparing.prepare_directory)
app.add_typer(preparing.topology_app, name="topology")
app.add_typer(clock.app, name="clock")
app.add_typer(auditing.app, name="complaints")
app.add_typer(importing.app, name="customers")
app.add_typer(reports.app, name="report")
app.add_typer(reporting.app, name="reporting")
app.add_typer(measuring.app, name="kpi")
app.add_typer(regulating.app, name="regulation")
app.command("version")(preparing.version)
