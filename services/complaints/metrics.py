"""Metrics of the complaints service."""

from __future__ import annotations

from shared.metrics import Metric, counter

CASES_OPENED = counter(
    Metric(
        "kefu_cases_opened_total", "counter", ("level",), "Cases opened, by the level they were opened at."
    )
)
CASES_CLOSED = counter(
    Metric("kefu_cases_closed_total", "counter", ("because",), "Cases closed, by what closed them.")
)
CASES_REOPENED = counter(
    Metric("kefu_cases_reopened_total", "counter", (), "Cases opened again after a callback.")
)
CLOCKS_RECOMPUTED = counter(
    Metric("kefu_clocks_recomputed_total", "counter", (), "Open clocks computed again with a newer calendar.")
)
