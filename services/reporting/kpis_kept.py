"""Where statements of reported figures and verdicts on key figures are kept."""

from __future__ import annotations

from collections.abc import Sequence

from pymongo import ASCENDING, IndexModel

from services.reporting.domain.kpis.statement import Statement
from services.reporting.domain.kpis.verdict import Verdict
from shared.mongo.documents import Documents
from shared.mongo.kept import Kept
from shared.mongo.runtime import Runtime

#: Windows asked for with one question.
_AT_ONCE = 200


class StatementsKept(Kept[Statement]):
    """What other systems stated."""

    def __init__(self, runtime: Runtime) -> None:
        """Keep them in the collection ``statements``."""
        documents = Documents(Statement)
        super().__init__(runtime, "statements", documents.to, documents.of)

    def ensure_indexes(self) -> None:
        """Create the indexes every collection has."""
        self.store.ensure_indexes([])


class VerdictsKept(Kept[Verdict]):
    """Which key figures were off their targets when their windows had ended."""

    def __init__(self, runtime: Runtime) -> None:
        """Keep them in the collection ``verdicts``."""
        documents = Documents(Verdict)
        super().__init__(runtime, "verdicts", documents.to, documents.of)

    def ensure_indexes(self) -> None:
        """Create the index by window."""
        self.store.ensure_indexes([IndexModel([("org", ASCENDING), ("window", ASCENDING)])])

    def of_windows(self, org: str, windows: Sequence[str]) -> list[Verdict]:
        """Return all of ``org`` on these windows."""
        found: list[Verdict] = []
        for start in range(0, len(windows), _AT_ONCE):
            found += self.find({"org": org, "window": {"$in": list(windows[start : start + _AT_ONCE])}})
        return found
