"""Metrics of liability, offers and paths: counted where something is written, once, and never what was not."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from kefu.contracts import Contract
from services.complaints import counting
from services.complaints.counting import count_written
from services.complaints.domain.auditing.findings import Subject
from services.complaints.domain.money.offer import Offer
from services.complaints.ledgers import Kept
from services.complaints.offer_documents import offer_document, offer_of
from shared.clock import FixedClock
from shared.metrics import METRICS, REGISTRY
from shared.mongo import kept
from shared.mongo.runtime import Runtime
from shared.mongo.store import Inserted
from tests.unit.complaints.audit_world import audit
from tests.unit.complaints.fakes import PROPERTY, Document, beijing
from tests.unit.complaints.liability_world import GM, Office
from tests.unit.complaints.offer_world import SENIOR, Counter

START = "2026-03-02 09:00"
ROOT = Path(__file__).parents[3]


class Shelf:
    """Stands in for the store: what it is told to lose is lost, everything else is written."""

    def __init__(self) -> None:
        self.lost: set[str] = set()

    def insert(self, documents: Sequence[Document]) -> Inserted:
        ids = [document["_id"] for document in documents]
        new = tuple(each for each in ids if each not in self.lost)
        return Inserted(new, tuple(each for each in ids if each in self.lost))

    def replace_many(self, changes: Sequence[tuple[Document, int]]) -> tuple[str, ...]:
        return tuple(document["_id"] for document, _ in changes if document["_id"] in self.lost)


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch) -> Shelf:
    made = Shelf()
    monkeypatch.setattr(kept, "aggregate_store", lambda *_: made)
    return made


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def counted(documents: Any, name: str, **labels: str) -> float:
    """Return by how much a counter rises when the documents are written whole."""
    before = value(name, **labels)
    count_written((document, 1) for document in documents)
    return value(name, **labels) - before


def test_a_write_counts_what_it_added_and_a_lost_one_counts_nothing(shelf: Shelf) -> None:
    """Guards the place of counting: after the write, from its first new entry on."""
    counter = Counter(FixedClock(beijing(START)))
    offer = counter.offer(counter.through(counter.case(), "100.00"))
    kept = Kept[Offer](cast(Runtime, None), "offers", offer_document, offer_of)
    steps = [entry.type for entry in offer.history]
    accepted = steps.index("offer_accepted") + 1

    def rise(step: str, change: Any) -> float:
        before = value("kefu_offer_steps_total", step=step)
        change()
        return value("kefu_offer_steps_total", step=step) - before

    assert rise("accepted", lambda: kept.save_all([(offer, accepted)])) == 1
    assert rise("proposed", lambda: kept.save_all([(offer, accepted)])) == 0
    assert rise("proposed", lambda: kept.insert(offer)) == 1
    shelf.lost = {offer.id}
    assert rise("accepted", lambda: kept.save_all([(offer, accepted)])) == 0
    assert rise("proposed", lambda: kept.insert(offer)) == 0


def test_offers_approvals_filings_and_dangers_are_counted_by_what_became_of_them() -> None:
    """Guards the figures of money: each step of an offer, each approval, each filing."""
    counter = Counter(FixedClock(beijing(START)))
    case = counter.case(amount="60000.00")
    counter.do("declare_danger", id=case.id, danger="media")
    counter.file(case, "first_report", way="phone")
    offer_id = counter.through(case, "60000.00", SENIOR)
    for unit in ("customer_relations", "board"):
        counter.file(case, unit)
    counter.pay(offer_id)
    offers = list(counter.offers.offers.documents.values())
    cases = list(counter.world.cases.documents.values())
    assert counted(offers, "kefu_offer_steps_total", step="paid") == 1
    assert counted(offers, "kefu_offer_approvals_total", by="holder") == 1
    assert counted(offers, "kefu_offer_approvals_total", by="delegate") == 0
    assert counted(cases, "kefu_filings_recorded_total", of="case") == 3
    assert counted(cases, "kefu_dangers_declared_total", danger="media") == 1


def test_penalties_ledgers_sanctions_and_months_are_counted_by_step() -> None:
    """Guards the figures of liability."""
    office = Office(FixedClock(beijing(START)))
    penalty = office.charge("800.00")
    office.do("reverse_penalty", by=GM, id=penalty.id, reason="误判")
    office.charge("100.00")
    office.at("2026-03-31 12:00")
    office.close("2026-03", stf_a="1000.00")
    kept = office.ledgers
    assert counted(kept.penalties.documents.values(), "kefu_penalty_steps_total", step="posted") == 2
    assert counted(kept.penalties.documents.values(), "kefu_penalty_steps_total", step="reversed") == 1
    assert counted(kept.accounts.documents.values(), "kefu_ledger_entries_total", kind="charge") == 2
    assert counted(kept.accounts.documents.values(), "kefu_ledger_entries_total", kind="counter") == 1
    assert counted(kept.accounts.documents.values(), "kefu_ledger_entries_total", kind="settlement") == 1
    assert counted(kept.months.documents.values(), "kefu_ledger_month_steps_total", step="closed") == 1


def test_steps_of_paths_are_counted_but_not_which() -> None:
    """Guards the label: steps are the rulebooks' own words, and too many for one."""
    estate = Counter(FixedClock(beijing(START)), org=PROPERTY)
    estate.world.walk(estate.world.accept(estate.world.open(PROPERTY)))
    cases = list(estate.world.cases.documents.values())
    taken = sum(entry["type"] == "case_step_taken" for case in cases for entry in case["history"])
    assert taken > 2
    assert counted(cases, "kefu_case_path_steps_total", outcome="taken") == taken


def test_what_is_counted_is_what_the_service_really_tells() -> None:
    """Guards against an event renamed under the metrics, which would stand still without a word."""
    assert counting._STEPS.keys() <= Contract("complaints").sent().keys()


def test_an_audit_counts_what_it_looked_at_and_what_it_found() -> None:
    """Guards the alarm: a rise of the findings is what somebody is woken by."""
    counter = Counter(FixedClock(beijing(START)))
    case = counter.case()
    counter.world.cases.documents[case.id]["level"] = "none"
    looked = value("kefu_audited_total", kind="cases")
    found = value("kefu_audit_findings_total", invariant="level")
    audit(counter, Subject.CASES)
    assert value("kefu_audited_total", kind="cases") == looked + 1
    assert value("kefu_audit_findings_total", invariant="level") == found + 2


def test_the_dashboards_ask_for_metrics_that_are_declared_with_the_labels_they_sort_by() -> None:
    """Guards the panels of complaints: a metric renamed would leave a flat line and no error."""
    board = json.loads((ROOT / "deploy/grafana/dashboards/overview.json").read_text(encoding="utf-8"))
    asked = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    declared = {metric.name: metric.labels for metric in METRICS}
    own = [name for name in declared if name.startswith(("kefu_case", "kefu_offer", "kefu_penalty"))]
    seen = set()
    for expression in asked:
        found = re.match(r"sum by \((\w+)\) \(rate\((kefu_\w+)\{", expression)
        if found is not None and found[2] in own:
            assert found[1] in declared[found[2]]
            seen.add(found[2])
    assert seen >= {"kefu_cases_opened_total", "kefu_case_path_steps_total", "kefu_offer_steps_total"}
