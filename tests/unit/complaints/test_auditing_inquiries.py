"""Auditing investigations, corrective actions and disputes: nobody judged their own, no clock was forgotten."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from services.complaints.domain.auditing.findings import Subject
from tests.unit.complaints.audit_world import Found, auditor_of, found_by, meddle
from tests.unit.complaints.fakes import Document
from tests.unit.complaints.investigation_world import HEAD, INSPECTOR, MANAGER, OWNER, Bureau
from tests.unit.complaints.supervision_world import Tower

RULING: dict[str, Any] = {"text": "由工程部维修", "responsible": "engineering"}
SUBJECTS = (Subject.INVESTIGATIONS, Subject.CORRECTIVE_ACTIONS, Subject.DISPUTES)


@pytest.fixture
def freight(tmp_path: Path) -> Bureau:
    """Return the logistics company on a Monday morning."""
    return Bureau.freight(tmp_path)


@pytest.fixture
def plaza() -> Tower:
    """Return the shopping centre on a Monday morning."""
    return Tower()


def audited(world: Bureau | Tower) -> list[Found]:
    """Return everything the audit finds of what belongs to cases besides money."""
    if isinstance(world, Bureau):
        return found_by(auditor_of(world.counter, found=world.found), world.org, *SUBJECTS)
    return found_by(auditor_of(world.counter, disputes=world.kept), world.org, *SUBJECTS)


def test_what_went_its_way_has_no_findings(freight: Bureau, plaza: Tower) -> None:
    """Guards against false alarms: an approved report, an action checked, a ruling appealed against."""
    case = freight.case()
    freight.approved(case, prevention="加垫")
    checked(freight, freight.done(case), effective=False)
    assert audited(freight) == []
    raised = plaza.raised(plaza.accepted())
    plaza.do("rule_dispute", id=raised, roles={"supervisor"}, by="stf_s", **RULING)
    plaza.do("appeal_ruling", id=raised, department="engineering", reason="不属实", by="stf_e")
    plaza.do("rule_dispute", id=raised, roles={"cs_vice_president"}, by="stf_m", **RULING)
    assert audited(plaza) == []


def test_who_ruled_may_step_aside_from_the_appeal_in_the_same_moment(plaza: Tower) -> None:
    """Guards against a false alarm: what comes first is told by the history, not by two equal times."""
    raised = plaza.raised(plaza.accepted())
    plaza.do("rule_dispute", id=raised, roles={"supervisor"}, by="stf_s", **RULING)
    plaza.do("appeal_ruling", id=raised, department="engineering", reason="不属实", by="stf_e")
    plaza.do("recuse", id=raised, roles={"cs_vice_president"}, by="stf_s", reason="曾裁定")
    assert audited(plaza) == []
    meddle(plaza.kept.disputes.documents, raised, _stepped_aside_first)
    assert (raised, "authority", "stf_s ruled and was not impartial") in audited(plaza)


def _stepped_aside_first(document: Document) -> None:
    entries = document["history"]
    aside = next(entry for entry in entries if entry["type"] == "ruler_recused")
    entries.remove(aside)
    entries.insert(1, aside)


def checked(freight: Bureau, action: str, *, effective: bool) -> None:
    """Check an action once the period is over in which it can be seen whether it helped."""
    freight.at("2026-03-09 10:00")
    freight.check(action, effective=effective)


def _signed_by_the_inspector(document: Document) -> None:
    document["signatures"][0]["by"] = INSPECTOR


def _nobody_signed(document: Document) -> None:
    document["signatures"] = []


def _findings_replaced(document: Document) -> None:
    document["statements"][0]["fields"]["course"] = "另一种经过"


@pytest.mark.parametrize(
    ("how", "invariant", "found"),
    [
        (_signed_by_the_inspector, "authority", f"{INSPECTOR} approved what is their own or about them"),
        (_nobody_signed, "authority", "is approved and nobody signed"),
        (_findings_replaced, "history", "what was written is not what the history took the digest of"),
    ],
)
def test_what_is_wrong_with_an_investigation_is_found(
    freight: Bureau, how: Callable[[Document], None], invariant: str, found: str
) -> None:
    """Guards that whoever investigates does not approve, and that nothing written is changed afterwards."""
    report = freight.approved(freight.case())
    meddle(freight.found.investigations.documents, report, how)
    assert (report, invariant, found) in audited(freight)


def test_a_report_approved_by_somebody_complained_about_is_found(freight: Bureau) -> None:
    """Guards that the person complained about does not approve, though they were named before the approval."""
    case = freight.case()
    report = freight.open(case)
    freight.met(report)
    freight.submit(report)
    freight.counter.do("name_accused", id=case.id, staff=["stf_x"])
    freight.clock.advance(timedelta(minutes=1))
    freight.approve(report)
    meddle(
        freight.found.investigations.documents,
        report,
        lambda document: document["signatures"][0].update(by="stf_x"),
    )
    assert (report, "authority", "stf_x approved what is their own or about them") in audited(freight)


def _approved_by_the_author(document: Document) -> None:
    document["decided_by"] = document["opened_by"]


def _checked_by_the_owner(document: Document) -> None:
    document["checks"][0]["by"] = OWNER


def _clock_left_open(document: Document) -> None:
    document["deadlines"][0] |= {"state": "running", "ended_at": None}


def _late_and_on_time(document: Document) -> None:
    document["deadlines"][0]["due_at"] = document["deadlines"][0]["ended_at"]


@pytest.mark.parametrize(
    ("how", "invariant", "found"),
    [
        (_approved_by_the_author, "authority", f"{INSPECTOR} approved what they drew up"),
        (_checked_by_the_owner, "authority", f"{OWNER} checked what they did"),
        (_clock_left_open, "clock", "action_due is running though it is effective"),
        (_late_and_on_time, "clock", "action_due was met late and counts as on time"),
    ],
)
def test_what_is_wrong_with_a_corrective_action_is_found(
    freight: Bureau, how: Callable[[Document], None], invariant: str, found: str
) -> None:
    """Guards that nobody approves or checks their own work, and that an end ends the clocks."""
    action = freight.done(freight.case())
    checked(freight, action, effective=True)
    meddle(freight.found.actions.documents, action, how)
    assert (action, invariant, found) in audited(freight)


def test_a_dispute_ruled_on_by_a_party_or_twice_by_the_same_is_found(plaza: Tower) -> None:
    """Guards that a ruling is impartial and an appeal is heard by somebody else."""
    raised = plaza.raised(plaza.accepted())
    plaza.do("rule_dispute", id=raised, roles={"supervisor"}, by="stf_s", **RULING)
    plaza.do("appeal_ruling", id=raised, department="engineering", reason="不属实", by="stf_e")
    plaza.do("rule_dispute", id=raised, roles={"cs_vice_president"}, by="stf_m", **RULING)
    meddle(plaza.kept.disputes.documents, raised, lambda document: document["rulings"][1].update(by="stf_s"))
    assert (raised, "authority", "stf_s ruled and was not impartial") in audited(plaza)
    meddle(
        plaza.kept.disputes.documents,
        raised,
        lambda document: document["parties"][0].update(staff=[document["rulings"][0]["by"]]),
    )
    assert [found for _, _, found in audited(plaza)].count("stf_s ruled and was not impartial") == 2


def test_what_its_case_was_never_told_of_is_found_after_a_while(freight: Bureau, plaza: Tower) -> None:
    """Guards against a process that died between a step and its case, and a timer that does not run."""
    report = freight.approved(freight.case())
    raised = plaza.raised(plaza.accepted())
    meddle(freight.found.investigations.documents, report, lambda document: document.update(told=0))
    meddle(plaza.kept.disputes.documents, raised, lambda document: document.update(told=0))
    assert audited(freight) == audited(plaza) == []
    for world in (freight, plaza):
        world.clock.advance(timedelta(minutes=11))
        assert [(invariant, found.split(" ", 2)[0]) for _, invariant, found in audited(world)] == [
            ("finished", "the")
        ]


def test_those_who_signed_are_named_by_their_ids_only(freight: Bureau) -> None:
    """Guards the operators' screen: ids, codes and sums, nobody's words."""
    report = freight.approved(freight.case())
    meddle(freight.found.investigations.documents, report, _findings_replaced)
    told = " ".join(found for _, _, found in audited(freight))
    assert "经过" not in told
    assert {HEAD, MANAGER}.isdisjoint(told.split())
