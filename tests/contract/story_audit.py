"""The part of the story in which everything that was told is audited."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from services.complaints.domain.auditing.findings import Subject
from tests.contract.stage import Stage

ORGS = ("plaza-demo", "retail-demo", "property-demo", "shop-demo", "it-demo")
AUDITOR = ("operator",)


def audit_everything(stage: Stage) -> None:
    """Let the operator audit every organisation, in pages so small that there are several."""
    # What came due while others acted is told of first: a clock nobody fired is a finding.
    stage.pass_time(timedelta())
    for org in ORGS:
        for subject in Subject:
            audit(stage, org, subject)
    stage.call("complaints.audit_page", org=ORGS[0], roles=("staff",), subject="offers")


def audit(stage: Stage, org: str, subject: Subject) -> list[dict[str, Any]]:
    """Return everything found on the pages of a subject."""
    found: list[dict[str, Any]] = []
    after = None
    while True:
        page = stage.ask(
            "complaints.audit_page", org=org, roles=AUDITOR, subject=subject.value, after=after, limit=5
        )
        found += page["findings"]
        after = page["next_after"]
        if after is None:
            return found
