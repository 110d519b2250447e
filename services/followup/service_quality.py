"""Entry points of the followup service about quality checks; part of ``service``."""

from __future__ import annotations

from typing import Any

from services.followup.application import Application
from services.followup.schemas_quality import (
    FillSample,
    MoveSample,
    OneSample,
    OpenSample,
    SampleQuery,
    ScanTalk,
    ScoreItem,
    ScoreQuery,
)
from shared.messaging.rpc import Call, command, query

#: Any member of staff may call; the kind of sample says who may do what.
_STAFF = ("staff",)
_CHECKERS = ("staff", "system")


class QualityCalls:
    """Samples, scores and what a talk is scanned for."""

    app: Application

    @command(*_CHECKERS, schema=OpenSample)
    def open_sample(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Begin a sample."""
        return self.app.quality.sampling.open(call, data)

    @command(*_CHECKERS, schema=FillSample)
    def fill_sample(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Add to what a sample is drawn from."""
        return self.app.quality.sampling.fill(call, data)

    @command(*_CHECKERS, schema=MoveSample)
    def move_sample(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Draw a sample, finish or approve it."""
        return self.app.quality.sampling.move(call, data)

    @command(*_STAFF, schema=ScoreItem)
    def score_item(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Score an item of a sample."""
        return self.app.quality.scoring.score(call, data)

    @query(*_CHECKERS, schema=OneSample)
    def get_sample(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Return a sample with what was drawn and found."""
        return self.app.quality.sampling.get(call, data)

    @query(*_CHECKERS, schema=SampleQuery)
    def list_samples(self, call: Call, data: dict[str, Any]) -> list[dict[str, Any]]:
        """Return a page of samples, newest first."""
        return self.app.quality.sampling.page(call, data)

    @query(*_CHECKERS, schema=ScoreQuery)
    def list_scores(self, call: Call, data: dict[str, Any]) -> list[dict[str, Any]]:
        """Return a page of scores, newest first."""
        return self.app.quality.scoring.page(call, data)

    @query(*_CHECKERS, schema=ScanTalk)
    def scan_talk(self, call: Call, data: dict[str, Any]) -> list[dict[str, Any]]:
        """Return what the rulebook's phrases find in a talk."""
        return self.app.quality.scoring.scan(call, data)
