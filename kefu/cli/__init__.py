"""The ``kefu`` command."""

from __future__ import annotations

from kefu.cli.app import app


def main() -> None:
    """Run the command; ends with SystemExit (0 done, 1 failed or refused, 2 wrong usage, 3 something missing)."""
    app(prog_name="kefu")
