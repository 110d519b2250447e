"""Found by every service process whose PYTHONPATH names this folder: its clock runs ahead by what a file says.

Python imports a module of this name at its start. So a test can let months pass without a word about tests in
the services themselves.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import shared.clock

_AHEAD = Path(os.environ["TESTS_CLOCK_AHEAD"])


def _now(_: shared.clock.SystemClock) -> datetime:
    ahead = timedelta(seconds=float(_AHEAD.read_text(encoding="ascii")))
    return shared.clock.to_milliseconds(datetime.now(UTC) + ahead)


shared.clock.SystemClock.now = _now  # type: ignore[assignment, method-assign]  # that is what this file is for
