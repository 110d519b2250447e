from __future__ import annotations

import json

from services.reporting.domain.case import is_folded
from services.reporting.handlers.reading import read_events


def test_a_callback_on_something_else_than_a_case_is_archived_and_changes_no_figure_of_cases() -> None:
    """It has no case to be counted under, and is no broken event."""
    document = {
        "specversion": "1.0",
        "id": "cb_1.2",
        "source": "/kefu/followup",
        "type": "callback_completed",
        "subject": "cb_1",
        "time": "2026-05-01T02:00:00.000Z",
        "org": "plaza-demo",
        "sequence": "2",
        "data": {"callback_id": "cb_1", "case_id": None, "about": "request", "reference": "rq_1"},
    }
    (event,) = read_events("followup", json.dumps(document).encode(), "application/cloudevents+json")
    assert not is_folded(event)
