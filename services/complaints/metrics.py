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
INVESTIGATIONS_APPROVED = counter(
    Metric("kefu_investigations_approved_total", "counter", (), "Investigations whose report was approved.")
)
ACTIONS_CHECKED = counter(
    Metric(
        "kefu_actions_checked_total",
        "counter",
        ("effective",),
        "Corrective actions checked, by whether they helped.",
    )
)
