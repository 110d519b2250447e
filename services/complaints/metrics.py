"""Metrics of the complaints service."""

from __future__ import annotations

from shared.metrics import Metric, counter, gauge

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
PATH_STEPS = counter(
    Metric(
        "kefu_case_path_steps_total",
        "counter",
        ("outcome",),
        "Steps taken on the paths of cases, by whether they sent the case back.",
    )
)
OFFER_STEPS = counter(
    Metric("kefu_offer_steps_total", "counter", ("step",), "What became of offers to customers, by step.")
)
OFFER_APPROVALS = counter(
    Metric(
        "kefu_offer_approvals_total",
        "counter",
        ("by",),
        "Approvals given to offers, by the holder of the role or by a delegate.",
    )
)
PAYMENTS_OVERDUE = counter(
    Metric("kefu_offer_payments_overdue_total", "counter", (), "Offers not paid when they were due.")
)
FILINGS_RECORDED = counter(
    Metric("kefu_filings_recorded_total", "counter", ("of",), "Filings of cases and of signed agreements.")
)
DANGERS_DECLARED = counter(
    Metric(
        "kefu_dangers_declared_total", "counter", ("danger",), "What cases were said to threaten to become."
    )
)
PENALTY_STEPS = counter(
    Metric("kefu_penalty_steps_total", "counter", ("step",), "What became of penalties, by step.")
)
SANCTION_STEPS = counter(
    Metric("kefu_sanction_steps_total", "counter", ("step",), "What became of sanctions, by step.")
)
LEDGER_ENTRIES = counter(
    Metric(
        "kefu_ledger_entries_total", "counter", ("kind",), "Lines written into the ledgers of those liable."
    )
)
MONTH_STEPS = counter(
    Metric("kefu_ledger_month_steps_total", "counter", ("step",), "What was done with months of ledgers.")
)
AUDITED = counter(
    Metric("kefu_audited_total", "counter", ("kind",), "How many of what was kept were audited.")
)
AUDIT_FINDINGS = counter(
    Metric(
        "kefu_audit_findings_total",
        "counter",
        ("invariant",),
        "What audits found not to hold, by invariant; the same fault counts with every audit.",
    )
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
OPEN_CASES = gauge(
    Metric(
        "kefu_open_cases",
        "gauge",
        ("organisation", "level"),
        "Cases that still wait for something, by level; other is a level the rulebook in force does not have.",
    )
)
OVERDUE_CASES = gauge(
    Metric(
        "kefu_overdue_cases",
        "gauge",
        ("organisation", "age"),
        "Open cases with a missed deadline, by the time since the first: up to an hour, a day, a week, or more.",
    )
)
