"""The part of the story about key figures: fees that are stated, corrected, explained, and off their target."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.contract.stage import Stage

_BOSS: dict[str, Any] = {"org": "property-demo", "roles": ("staff", "manager"), "actor": "u-2001"}


def tell_of_key_figures(stage: Stage) -> None:
    """Let a fee system state what was collected, correct it, and the month end below and then above the target."""
    month = stage.clock.now().strftime("%Y-%m")
    said: dict[str, Any] = {
        **_BOSS, "figure": "fee_collection", "window": month, "person": "u-2003", "denominator": "100000.00",
    }  # fmt: skip
    stage.ask("reporting.report_figure", **said, numerator="93000.00", reference="收费月报")
    stage.call("reporting.report_figure", **said)
    stage.call("reporting.report_figure", **(said | {"figure": "mood"}), numerator="1")
    asked: dict[str, Any] = {**_BOSS, "month": month}
    stage.ask("reporting.kpis", **asked, codes=["fee_collection"], by="person", trend=2)
    stage.call("reporting.kpis", **_BOSS)
    stage.ask("reporting.kpi_cases", **asked, code="fee_collection", by="person", key="u-2003")
    stage.ask("reporting.explain_kpi", **asked, code="fee_collection")
    stage.call("reporting.explain_kpi", **asked, code="mood")
    stage.pass_time(timedelta(days=31))
    stage.ask("reporting.report_figure", **said, numerator="95000.00")
    stage.pass_time(timedelta(minutes=5))
