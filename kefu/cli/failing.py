"""Errors in plain words and exit codes that scripts can use."""

from __future__ import annotations

from typing import Any

import typer
from rich.markup import escape
from typer.core import TyperGroup

from kefu.cli.screen import errors
from kefu.local.errors import LocalStackError
from shared.errors import DeadlineExceeded, KefuError, Unavailable

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_MISSING = 3

_MISSING = (LocalStackError, Unavailable, DeadlineExceeded)


class WrongUsage(KefuError):
    """The command was called in a way it does not know; the message says which way it does."""

    code = "usage"


class PlainErrors(TyperGroup):
    """Turns every error of ours into words on standard error and the right exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except KefuError as error:
            say_error(error)
            raise typer.Exit(exit_code(error)) from error


def exit_code(error: KefuError) -> int:
    """Return the code the command ends with: 2 wrong usage, 3 something it needs is not there, 1 all else."""
    if isinstance(error, WrongUsage):
        return EXIT_USAGE
    return EXIT_MISSING if isinstance(error, _MISSING) else EXIT_FAILED


def say_error(error: KefuError) -> None:
    """Write the message, every field that is wrong, and the rule that refuses."""
    errors.print(f"[red]kefu:[/red] {escape(error.message)}", highlight=False, soft_wrap=True)
    for problem in error.problems:
        errors.print(f"  {escape(problem.field)}: {escape(problem.reason)}", highlight=False, soft_wrap=True)
    if error.rule:
        errors.print(f"  refused by rule {escape(error.rule)}", highlight=False, soft_wrap=True)
