"""Metrics of the followup service."""

from __future__ import annotations

from shared.metrics import Metric, counter, gauge

CALLBACKS_SCHEDULED = counter(
    Metric(
        "kefu_callbacks_scheduled_total",
        "counter",
        ("rule",),
        "Callbacks scheduled, by the rulebook's code of the callback.",
    )
)
CALLBACKS_MADE = counter(
    Metric(
        "kefu_callbacks_made_total",
        "counter",
        ("outcome", "effect"),
        "Calls recorded on callbacks; effect is close, reopen, or retry when the callback stays open.",
    )
)
CALLBACKS_SUPERSEDED = counter(
    Metric(
        "kefu_callbacks_superseded_total",
        "counter",
        (),
        "Callbacks cancelled because their case closed or moved on without them.",
    )
)
CALLS_AT_QUIET_TIME = counter(
    Metric(
        "kefu_calls_at_quiet_time_total",
        "counter",
        (),
        "Calls recorded on callbacks that were made in the quiet hours of the customer.",
    )
)
MESSAGES_REQUESTED = counter(
    Metric(
        "kefu_messages_requested_total",
        "counter",
        ("template",),
        "Outgoing messages requested, by the rulebook's code of the template.",
    )
)
SURVEY_ANSWERS = counter(
    Metric(
        "kefu_survey_answers_total",
        "counter",
        ("channel",),
        "Answers to surveys taken, by the channel they came through.",
    )
)
SURVEY_REFUSALS = counter(
    Metric(
        "kefu_survey_refusals_total",
        "counter",
        ("reason",),
        "Answers to surveys refused: forged is a link not signed here, closed comes too late, answered comes again.",
    )
)
OPEN_CALLBACKS = gauge(
    Metric(
        "kefu_open_callbacks",
        "gauge",
        ("organisation", "due"),
        "Callbacks still to be made, by when they are due: passed is before now; later is also without a time.",
    )
)
OVERDUE_CALLBACKS = gauge(
    Metric(
        "kefu_overdue_callbacks",
        "gauge",
        ("organisation", "age"),
        "Callbacks whose time has passed, by the time since: up to an hour, a day, a week, or more.",
    )
)
