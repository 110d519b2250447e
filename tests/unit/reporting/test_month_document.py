"""The month's statistics as a document: the figures that calls answer, marked while the month goes on."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from kefu.contracts import all_contracts
from services.reporting.domain.documents.content import Chart, Document, KeyFigures, Table
from services.reporting.domain.documents.monthly import month_document
from services.reporting.domain.month import Month


def _example(method: str) -> dict[str, Any]:
    reply = all_contracts()["reporting"].calls()[method].reply
    assert reply is not None
    result: dict[str, Any] = reply.examples[0]["payload"]["result"]
    return result


def _document(as_of: datetime, month: str = "2026-11") -> Document:
    statistics, kpis = _example("month_statistics"), _example("kpis")["kpis"]
    return month_document(
        "演示单位", Month.of(month), statistics, kpis, as_of=as_of, time_zone="Asia/Shanghai"
    )


@pytest.mark.parametrize(
    ("as_of", "provisional"),
    [(datetime(2026, 11, 30, 15, 59, tzinfo=UTC), True), (datetime(2026, 11, 30, 16, 0, tzinfo=UTC), False)],
)
def test_a_month_that_has_not_ended_is_marked_provisional(as_of: datetime, *, provisional: bool) -> None:
    """Promise: nobody takes half a month for a whole one; the month ends in the organisation's own zone."""
    assert _document(as_of).provisional is provisional


def test_the_tables_hold_what_the_calls_answered() -> None:
    """Promise: the file shows the same figures as the call, and the shares of a table are of its total."""
    statistics = _example("month_statistics")
    document = _document(datetime(2026, 12, 1, tzinfo=UTC))
    tables = {block.name.zh: block for block in document.blocks if isinstance(block, Table)}
    cases = {str(row[0]): row[2] for row in tables["投诉"].rows}
    assert cases["受理投诉"] == statistics["cases"]["received"]
    channels = tables["按渠道的来访"]
    assert [row[2] for row in channels.rows] == [row["count"] for row in statistics["contacts"]["by_channel"]]
    assert sum(Decimal(str(row[3])) for row in channels.rows) == pytest.approx(Decimal(100))
    assert any(isinstance(block, Chart) for block in document.blocks)


def test_a_key_figure_of_nothing_stays_empty() -> None:
    """Promise: no cases is never nought or a hundred per cent."""
    document = _document(datetime(2026, 12, 1, tzinfo=UTC))
    (figures,) = (block.figures for block in document.blocks if isinstance(block, KeyFigures))
    asked = [kpi for kpi in _example("kpis")["kpis"] if kpi["value"] is not None or kpi["target"] is not None]
    assert [figure.value for figure in figures] == [
        None if kpi["value"] is None else Decimal(kpi["value"]) for kpi in asked
    ]
