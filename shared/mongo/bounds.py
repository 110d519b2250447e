"""Conditions on ranges that mean the same on every server, whatever index answers them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from shared.clock import to_milliseconds


def at_most(value: datetime | str) -> dict[str, Any]:
    """Return the condition that a field is ``value`` at most: an instant, kept to the millisecond, or a text.

    Some servers leave out documents at the bound of ``$lte`` where the index that answers has fields behind the one
    that is bounded. So the bound is what comes next after ``value``, and itself excluded.
    """
    if isinstance(value, datetime):
        return {"$lt": to_milliseconds(value) + timedelta(milliseconds=1)}
    return {"$lt": value + "\0"}
