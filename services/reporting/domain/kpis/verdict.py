"""Verdicts: that a key figure was off its target when its window had ended, and whether that still holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.reporting.domain.kpis.window import Window
from shared.aggregate import Aggregate
from shared.history import Cause
from shared.ids import derived_id

#: How the ids of verdicts begin.
PREFIX = "kv"


def verdict_id(org: str, code: str, window: Window, by: str | None, key: str | None) -> str:
    """Return the id a verdict always has: whoever judges the same window, judges the same."""
    return derived_id(PREFIX, org, code, str(window), by or "", key or "")


@dataclass(kw_only=True)
class Verdict(Aggregate):
    """One key figure of one window, of the organisation or of its part ``by`` = ``key``, that was off target.

    ``off`` is what was said last: what arrives late may bring the figure back to its target, or off again.
    """

    code: str
    window: str
    by: str | None
    key: str | None
    off: bool = False
    value: str | None = None

    def judge(
        self, row: Mapping[str, Any], trend: Sequence[Mapping[str, Any]], at: datetime, cause: Cause
    ) -> bool:
        """Take the figure as it is now, ``row`` its JSON shape; return whether that changes what was said."""
        off = row["met"] is False
        if off == self.off:
            return False
        self.off, self.value = off, row["value"]
        # What a figure is called stands in the rulebook.
        said = {name: value for name, value in row.items() if name not in {"name", "english"}}
        data = {"verdict_id": self.id, "by": self.by, "key": self.key, **said, "trend": list(trend)}
        self.record("kpi_off_target" if off else "kpi_back_on_target", data, at=at, cause=cause)
        return True
