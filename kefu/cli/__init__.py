"""The ``kefu`` command."""

from __future__ import annotations

import io
import sys

from kefu.cli.app import app


def main() -> None:
    """Run the command; ends with SystemExit (0 done, 1 failed or refused, 2 wrong usage, 3 something missing)."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # Customers write Chinese; a terminal that cannot show it gets question marks, not a traceback.
            stream.reconfigure(errors="replace")
    app(prog_name="kefu")
