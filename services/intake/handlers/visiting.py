"""Use cases of visits at the front desk: check in, move on, scan, list with the queues."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from services.intake.domain.duty.visit import Visit, VisitRules
from services.intake.handlers.duty_log import granted, unit_id
from services.intake.handlers.ruling import Rules
from shared.acting import Caller, change, create, found
from shared.clock import Clock
from shared.errors import NotFound, Problem, ValidationFailed
from shared.identity import mask_name
from shared.logging import get_logger

if TYPE_CHECKING:
    from services.intake.visits_kept import Visits

log = get_logger(__name__)

_CODE = 12


class Visiting:
    """Visits, each scoped to the caller's organisation."""

    def __init__(self, kept: Visits, rules: Rules, clock: Clock) -> None:
        """Use the collection, the rulebooks and the clock."""
        self._kept, self._rules, self._clock = kept, rules, clock

    def check_in(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Check a visitor in; RuleRefused when not entitled. The answer has the code and the queue's length."""
        now = self._clock.now()
        ruling = self._rules.in_force(call.org, now)
        purpose = ruling.rules.visits.purpose(data["purpose"])
        if purpose is None:
            codes = ", ".join(each.code for each in ruling.rules.visits.purposes) or "none"
            problem = Problem("purpose", f"is not one of {codes}")
            raise ValidationFailed("the rulebook has no such purpose", problems=(problem,))
        today = now.astimezone(ruling.zone).date()

        def build(new: str, cause: Any) -> Visit:
            visit = Visit(
                id=new,
                org=call.org,
                regulation=ruling.version,
                desk=data["desk"],
                day=today,
                code=new[-_CODE:].upper(),
                purpose=purpose.code,
                counter=purpose.counter,
                name=data["name"],
                arrived_at=now,
                household=data["household"],
                customer_id=data["customer_id"],
                unit_id=unit_id(call.org, data["unit"]),
                fee_due=data["fee_due"],
            )
            visit.begin(ruling.rules.visits, data["contract_ends"], ruling.calendar, cause)
            return visit

        def view(visit: Visit) -> dict[str, Any]:
            waiting = _queues(self._kept.of_day(call.org, visit.desk, visit.day), but=visit.id)
            ahead = waiting.get(visit.counter, 0)
            return visit.view() | {"queue_length": ahead + (visit.state == "queued")}

        return create(self._kept, call, data, "vi", build, view)

    def move(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Register the identity, enter the household's answer, mark paid, call to the counter, or close."""
        now, action = self._clock.now(), data["action"]

        def step(visit: Visit, cause: Any) -> None:
            rules = self._rules.of_version(call.org, visit.regulation).rules.visits
            if action == "identify":
                visit.identify(now, cause)
            elif action in {"approve", "decline"}:
                visit.approve(approved=action == "approve", by=call.actor, at=now, cause=cause)
            elif action == "pay":
                visit.pay(now, cause)
            elif action == "call":
                visit.serve(rules, now, cause)
            else:
                visit.close(rules, data["outcome"], now, cause)

        return change(self._kept, call, data, "visit", step, Visit.view)

    def visit(self, call: Caller, data: Mapping[str, Any], *, full: bool) -> dict[str, Any]:
        """Return the visit of an id or a scanned code; the visitor's name only to those who may see it."""
        code = data["code"]
        visit = (
            self._kept.with_code(call.org, code)
            if code is not None
            else found(self._kept.get(data["id"], call.org), "visit", data["id"])
        )
        if visit is None:
            raise NotFound("no visit has this code")
        if full:
            log.info("personal data read in full", actor=call.actor, visit_id=visit.id)
        return visit.view() | {"name": visit.name if full else mask_name(visit.name)}

    def visits(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return a desk's visits of a day, how many came, how many wait, and each counter's queue."""
        rules: VisitRules = self._rules.in_force(call.org, self._clock.now()).rules.visits
        granted(call, rules.listed, "the list of visitors")
        day: date = data["day"]
        rows = self._kept.of_day(call.org, data["desk"], day)
        end = data["skip"] + data["limit"]
        return {
            "total": len(rows),
            "waiting": sum(row.state in {"waiting", "queued"} for row in rows),
            "queues": dict(sorted(_queues(rows).items())),
            "visits": [row.view() for row in rows[data["skip"] : end]],
        }


def _queues(visits: list[Visit], *, but: str | None = None) -> Counter[str]:
    return Counter(visit.counter for visit in visits if visit.state == "queued" and visit.id != but)
