"""Where intake keeps visits."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from pymongo import ASCENDING, IndexModel

from services.intake.domain.duty.visit import Visit
from shared.mongo.documents import Documents
from shared.mongo.kept import TIMED_INDEXES, Kept
from shared.mongo.runtime import Runtime


class Visits(Kept[Visit]):
    """The visits of every desk."""

    def __init__(self, runtime: Runtime) -> None:
        """Use the runtime's database."""
        documents = Documents(Visit)
        super().__init__(runtime, "visits", documents.to, documents.of)

    def ensure_indexes(self) -> None:
        """Create the indexes: a code is one visit's, and a desk has its day's list."""
        day = [("org", ASCENDING), ("desk", ASCENDING), ("day", ASCENDING), ("arrived_at", ASCENDING)]
        code = [("org", ASCENDING), ("code", ASCENDING)]
        self.store.ensure_indexes([IndexModel(day), IndexModel(code, unique=True), *TIMED_INDEXES])

    def with_code(self, org: str, code: str) -> Visit | None:
        """Return the visit a bar code opens."""
        rows = self.find({"org": org, "code": code}, limit=1)
        return rows[0] if rows else None

    def of_day(self, org: str, desk: str, day: date) -> list[Visit]:
        """Return the visits of a desk on a day, as they arrived."""
        query: Mapping[str, Any] = {"org": org, "desk": desk, "day": day.isoformat()}
        return self.find(query, sort=[("arrived_at", ASCENDING)])
