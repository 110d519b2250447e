"""Use cases of sanctions: propose one, decide on it; its publication belongs to the month."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from services.complaints.domain.case import Case
from services.complaints.domain.liability.checks import armed, not_concerned, refused
from services.complaints.domain.liability.rules import Base, FormRule
from services.complaints.domain.liability.sanctions import Breach, Sanction, chosen_form, cost_of, is_legal
from services.complaints.handlers.charging import Files, cause_of, made_before, take_step
from services.complaints.handlers.handling import Caller
from services.complaints.handlers.liability_views import sanction_answer
from services.complaints.handlers.posting import PostCharges
from shared.aggregate import digest_of
from shared.authority import must_hold
from shared.errors import Conflict
from shared.ids import derived_id
from shared.ledger import Step, period_of


class SanctionStaff:
    """Proposes sanctions and decides on them."""

    def __init__(self, files: Files, post: PostCharges) -> None:
        """Use ``post`` for what a sanction costs."""
        self._files = files
        self._post = post

    def propose_sanction(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Propose a sanction of somebody who was found liable for a case."""
        files, at = self._files, self._files.clock.now()
        sanction_id = derived_id("sn", call.key)
        before = made_before(files.ledgers.sanctions, sanction_id, call, data)
        if before is not None:
            return before[1]
        case = files.case(data["case_id"], call.org)
        rule = armed(files.rules_of(call.org, case.regulation).sanctions, "sanctions")
        source = rule.approval.source
        must_hold(rule.approval.proposals, call.roles, "proposing a sanction", source)
        not_concerned(call.actor, (data["staff"],), "proposing a sanction", source)
        liability = files.liability(case)
        made = liability.current
        if data["staff"] not in made.finding.persons:
            listed = ", ".join(made.finding.persons) or "nobody"
            raise refused(
                "whoever is sanctioned was found liable", source, "staff", f"must be one of {listed}"
            )
        names = ("ground", "ground_text", "severity", "form", "deviation", "behaviour", "effects")
        breach = Breach(**{name: data[name] for name in names})
        form = chosen_form(rule, breach)
        cost, trace = _cost(form, data)
        sanction = Sanction(
            id=sanction_id,
            org=call.org,
            case_id=case.id,
            liability_id=liability.id,
            revision=liability.revision,
            staff=data["staff"],
            department=made.finding.department,
            breach=breach,
            form=form.code,
            legal=is_legal(rule, breach),
            source=form.source,
            regulation=case.regulation,
            month=self._month(case),
            authors=tuple(dict.fromkeys((made.by, call.actor))),
            proposed_by=call.actor,
            proposed_at=at,
            cost=cost,
            cost_trace=trace,
            paid_from=_fund(form),
        )
        sanction.propose(at=at, cause=cause_of(call))
        answer = sanction_answer(sanction)
        sanction.remember_answer(call.key, digest_of(data), answer)
        if not files.ledgers.sanctions.insert(sanction):
            again = made_before(files.ledgers.sanctions, sanction_id, call, data)
            if again is None:
                raise Conflict(f"{sanction_id} was proposed by somebody else")
            return again[1]
        return answer

    def decide_sanction(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Approve a sanction, which charges what it costs, or refuse it."""

        def step(sanction: Sanction) -> None:
            rules = self._files.rules_of(sanction.org, sanction.regulation)
            if data["approved"]:
                self._files.unchanged(sanction.case_id, sanction.org, sanction.revision)
            sanction.decide(
                armed(rules.sanctions, "sanctions"),
                approved=data["approved"],
                note=data["note"],
                roles=call.roles,
                at=self._files.clock.now(),
                cause=cause_of(call),
            )

        kept = self._files.ledgers.sanctions
        sanction, answer = take_step(kept, data["id"], call, data, step, sanction_answer, kind="sanction")
        if sanction.converts:
            self._post.sanction(sanction, cause_of(call))
        return answer

    def _month(self, case: Case) -> str:
        """Return the month whose notice publishes it: that in which the case closed, or the present one."""
        at = case.closed_at or self._files.clock.now()
        return period_of(at, self._files.zone(case.org))


def _cost(form: FormRule, data: Mapping[str, Any]) -> tuple[Decimal | None, tuple[Step, ...]]:
    if form.conversion is None:
        return None, ()
    bases = {base: data[base.value] for base in Base if data[base.value] is not None}
    return cost_of(form.conversion, bases, data["base_points"])


def _fund(form: FormRule) -> str:
    if form.conversion is not None and form.conversion.base is Base.EFFICIENCY_BONUS:
        return Base.EFFICIENCY_BONUS.value
    return Base.PERFORMANCE_BONUS.value
