"""Rendering in a process of its own: drawing would stop everything else a service does meanwhile."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile

from services.reporting.domain.documents.content import Document
from services.reporting.rendering.formats import Format
from shared.errors import Unavailable, ValidationFailed

#: Seconds one file may take.
PATIENCE = 60.0
#: Values in all tables together: more is for an export, not for a page somebody reads.
MOST_VALUES = 500_000


def render_aside(document: Document, wanted: Format, language: str = "zh") -> bytes:
    """Return ``document`` as a file, drawn by another process.

    ValidationFailed when it holds more than a page can, Unavailable when drawing fails or takes longer than a minute.
    """
    values = sum(len(row) for block in document.blocks for row in getattr(block, "rows", ()))
    if values > MOST_VALUES:
        raise ValidationFailed(f"the document has {values} values, a file takes {MOST_VALUES}: ask for less")
    with tempfile.TemporaryDirectory(prefix="kefu-render-") as scratch:
        try:
            done = subprocess.run(  # noqa: S603 - nothing of it comes from outside
                [sys.executable, "-m", "services.reporting.rendering", wanted.value, language],
                input=json.dumps(document.as_data()).encode(),
                capture_output=True,
                timeout=PATIENCE,
                env={**os.environ, "MPLCONFIGDIR": scratch},
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise Unavailable(f"drawing the document took longer than {PATIENCE:.0f} seconds") from None
    if done.returncode != 0:
        reason = done.stderr.decode(errors="replace").strip().splitlines()
        raise Unavailable(f"the document could not be drawn: {reason[-1] if reason else done.returncode}")
    return done.stdout
