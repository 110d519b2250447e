"""Batches of callbacks (回访批次): customers selected, shared out among specialists, summed up and archived."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_DOWN, Decimal
from enum import StrEnum
from typing import Any

from services.followup.domain.batches_rules import BatchRule
from services.followup.domain.callback import Callback, State
from shared.aggregate import Aggregate
from shared.errors import RuleRefused
from shared.history import Cause


class Stage(StrEnum):
    """How far a batch has come."""

    COMPILED = "compiled"
    ALLOCATED = "allocated"
    SUMMARISED = "summarised"
    ARCHIVED = "archived"


@dataclass(frozen=True, slots=True)
class Selected:
    """One customer of a batch and who is to call; nobody yet while it is only compiled."""

    customer_id: str
    caller: str | None = None


@dataclass(kw_only=True)
class Batch(Aggregate):
    """One batch of the kind ``kind``; the callbacks of the first ``made`` of its customers are written."""

    kind: str
    regulation: str
    where: Mapping[str, str]
    occasion: str | None
    compiled_at: datetime
    state: Stage = Stage.COMPILED
    customers: tuple[Selected, ...] = ()
    specialists: tuple[str, ...] = ()
    made: int = 0
    report: str | None = None

    @property
    def making(self) -> bool:
        """Return whether callbacks are still to be written."""
        return self.state is Stage.ALLOCATED and self.made < len(self.customers)

    def compile(self, customers: Sequence[str], rule: BatchRule, at: datetime, cause: Cause) -> int:
        """Take in customers, each once; return how many are new. RuleRefused once it is summed up."""
        if self.state in (Stage.SUMMARISED, Stage.ARCHIVED):
            raise RuleRefused("the batch is summed up: compile another one", rule=rule.source)
        known = {selected.customer_id for selected in self.customers}
        new = [customer for customer in dict.fromkeys(customers) if customer not in known]
        if not new and self.version:
            return 0
        self.customers += tuple(Selected(customer) for customer in new)
        self._share_out()
        data = {**self._head(), "customers": len(self.customers), "added": len(new)}
        self.record("batch_compiled", data, at=at, cause=cause)
        return len(new)

    def allocate(self, specialists: Sequence[str], rule: BatchRule, at: datetime, cause: Cause) -> None:
        """Share the customers out evenly; RuleRefused unless it was just compiled and there is somebody."""
        self._demand(Stage.COMPILED, rule)
        if not specialists or not self.customers:
            raise RuleRefused("a batch is shared out among specialists, and has customers", rule=rule.source)
        self.specialists = tuple(dict.fromkeys(specialists))
        self._move(Stage.ALLOCATED, at, cause)
        self._share_out()

    def summarise(
        self, found: Sequence[Callback], report: str | None, rule: BatchRule, at: datetime, cause: Cause
    ) -> None:
        """Take the summary report (回访总结报告); RuleRefused until every customer's record is there."""
        self._demand(Stage.ALLOCATED, rule)
        open_ = len(self.gaps(found))
        if open_:
            message = f"{open_} of {len(self.customers)} customers have no complete record"
            raise RuleRefused(message, rule=rule.source, details={"missing": open_})
        if report is None:
            raise RuleRefused("a batch is summed up in a report", rule=rule.source)
        self.report = report
        self._move(Stage.SUMMARISED, at, cause)

    def archive(self, rule: BatchRule, at: datetime, cause: Cause) -> None:
        """File it; RuleRefused unless it is summed up."""
        self._demand(Stage.SUMMARISED, rule)
        self._move(Stage.ARCHIVED, at, cause)

    def written(self, part: Sequence[Selected], called: Collection[str]) -> None:
        """Note that the callbacks of ``part`` are written; who is not among ``called`` is in the batch no longer."""
        gone = {each.customer_id for each in part} - set(called)
        self.customers = tuple(each for each in self.customers if each.customer_id not in gone)
        self.made += len(part) - len(gone)

    def gaps(self, found: Sequence[Callback]) -> list[str]:
        """Return the customers, in order, without a call that was made and completely recorded."""
        done = {callback.customer_id for callback in found if is_recorded(callback)}
        return [each.customer_id for each in self.customers if each.customer_id not in done]

    def standing(self, found: Sequence[Callback], rule: BatchRule) -> dict[str, Any]:
        """Return how far it has come: customers, called, recorded, incomplete, coverage in percent, and its target."""
        recorded = len(self.customers) - len(self.gaps(found))
        made = [callback for callback in found if callback.state is State.DONE]
        return {
            "customers": len(self.customers),
            "called": len(made),
            "recorded": recorded,
            "incomplete": sum(1 for callback in made if not is_recorded(callback)),
            "coverage": percentage(recorded, len(self.customers)),
            "share": str(rule.share.value) if rule.share else None,
            "reached": percentage_of(recorded, len(self.customers)) >= rule.share.value
            if rule.share
            else None,
        }

    def _share_out(self) -> None:
        if not self.specialists:
            return
        load = Counter(dict.fromkeys(self.specialists, 0))
        load.update(each.caller for each in self.customers if each.caller is not None)
        shared = []
        for each in self.customers:
            if each.caller is None:
                caller = min(self.specialists, key=lambda name: load[name])
                load[caller] += 1
                shared.append(replace(each, caller=caller))
            else:
                shared.append(each)
        self.customers = tuple(shared)

    def _demand(self, stage: Stage, rule: BatchRule) -> None:
        if self.state is not stage:
            message = f"the batch is {self.state.value}; this follows on {stage.value}"
            raise RuleRefused(message, rule=rule.source, details={"state": self.state.value})

    def _move(self, to: Stage, at: datetime, cause: Cause) -> None:
        data = {**self._head(), "from": self.state.value, "to": to.value}
        self.state = to
        self.record("batch_moved", data, at=at, cause=cause)

    def _head(self) -> dict[str, Any]:
        return {"batch_id": self.id, "batch": self.kind, "occasion": self.occasion}


def is_recorded(callback: Callback) -> bool:
    """Return whether the call was made and what was said is completely written down."""
    return callback.state is State.DONE and callback.written is not None and callback.written.complete


def percentage_of(part: int, whole: int) -> Decimal:
    """Return ``part`` of ``whole`` in percent; 100 where there is nothing to do."""
    return Decimal(100) * part / whole if whole else Decimal(100)


def percentage(part: int, whole: int) -> str:
    """Return the same with two places, as text; 100.00 only when all is done."""
    return str(percentage_of(part, whole).quantize(Decimal("0.01"), ROUND_DOWN))


def analysis(found: Sequence[Callback]) -> dict[str, dict[str, int]]:
    """Return how often each outcome and each code, number or truth in the records occurs; never text."""
    counted: dict[str, Counter[str]] = {}
    for callback in found:
        if callback.outcome is not None:
            counted.setdefault("outcome", Counter())[callback.outcome] += 1
        for code, value in callback.written.counted_values if callback.written else ():
            counted.setdefault(code, Counter())[value] += 1
    return {field: dict(sorted(counts.items())) for field, counts in sorted(counted.items())}
