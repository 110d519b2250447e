"""A sanction (行政处分): a form of the ladder on a ground, proposed, approved and published."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from services.complaints.domain.liability.checks import not_concerned, not_own, refused, wrong
from services.complaints.domain.liability.rules import (
    Base,
    Conversion,
    FormRule,
    GroundRule,
    MonthStep,
    SanctionRule,
)
from shared.aggregate import Aggregate
from shared.authority import must_hold
from shared.errors import Conflict, RuleRefused
from shared.history import Cause, timestamp
from shared.ledger import Step, round_half_up

_WHOLE = 100


class SanctionState(StrEnum):
    """Where a sanction stands."""

    PROPOSED = "proposed"
    REFUSED = "refused"
    APPROVED = "approved"
    PUBLISHED = "published"


@dataclass(frozen=True, slots=True)
class Breach:
    """What is proposed: ground, severity and form, and what was written down about it.

    Severity 1 is the mildest form of the ladder. ``deviation`` says why another form than the severity's was
    chosen; ``behaviour`` and ``effects`` are what the breach notice form wants.
    """

    ground: str | None
    ground_text: str | None
    severity: int
    form: str | None
    deviation: str | None
    behaviour: str | None
    effects: str | None


@dataclass(kw_only=True)
class Sanction(Aggregate):
    """One sanction of one person for one case.

    ``month`` is the month whose notice publishes it, ``revision`` the attribution it rests on;
    ``cost`` is what it takes from the bonus, in yuan; while ``converts`` the penalty that charges it is still to
    be made.
    """

    case_id: str
    liability_id: str
    revision: int
    staff: str
    department: str
    breach: Breach
    form: str
    legal: bool
    source: str
    regulation: str
    month: str
    authors: tuple[str, ...]
    proposed_by: str
    proposed_at: datetime
    cost: Decimal | None = None
    cost_trace: tuple[Step, ...] = ()
    paid_from: str = "performance_bonus"
    state: SanctionState = SanctionState.PROPOSED
    converts: bool = False
    decided_by: str | None = None
    decided_at: datetime | None = None
    note: str | None = None
    published_at: datetime | None = None

    def propose(self, *, at: datetime, cause: Cause) -> None:
        """Record the proposal; see ``chosen_form`` for what may be proposed."""
        data = {
            "sanction_id": self.id,
            "case_id": self.case_id,
            "liability_id": self.liability_id,
            "staff": self.staff,
            "department": self.department,
            "form": self.form,
            "ground": self.breach.ground,
            "severity": self.breach.severity,
            "legal": self.legal,
            "cost": None if self.cost is None else str(self.cost),
            "source": self.source,
            "regulation": self.regulation,
            "by": self.proposed_by,
            "proposed_at": timestamp(at),
        }
        self.record("sanction_proposed", data, at=at, cause=cause)

    def decide(
        self,
        rule: SanctionRule,
        *,
        approved: bool,
        note: str | None,
        roles: Collection[str],
        at: datetime,
        cause: Cause,
    ) -> None:
        """Approve or refuse, once, by somebody with the right who neither prepared it nor is meant."""
        approval = rule.approval
        must_hold(approval.approvals, roles, "approving a sanction", approval.source)
        not_concerned(cause.actor, (self.staff,), "approving a sanction", approval.source)
        not_own(cause.actor, self.authors, "approving a sanction", approval.source)
        if self.state is not SanctionState.PROPOSED:
            raise Conflict(f"sanction {self.id} was decided by {self.decided_by} already: it is {self.state}")
        self.decided_by, self.decided_at, self.note = cause.actor, at, note
        self.state = SanctionState.APPROVED if approved else SanctionState.REFUSED
        self.converts = approved and self.cost is not None
        data = {
            "sanction_id": self.id,
            "case_id": self.case_id,
            "staff": self.staff,
            "form": self.form,
            "by": cause.actor,
            "decided_at": timestamp(at),
        }
        event = "sanction_approved" if approved else "sanction_refused"
        self.record(event, data, at=at, cause=cause)

    def publish(self, *, at: datetime, cause: Cause) -> None:
        """Take note that a personnel notice published it; once."""
        if self.state is not SanctionState.APPROVED:
            return
        self.state, self.published_at = SanctionState.PUBLISHED, at
        data = {
            "sanction_id": self.id,
            "case_id": self.case_id,
            "staff": self.staff,
            "form": self.form,
            "published_at": timestamp(at),
        }
        self.record("sanction_published", data, at=at, cause=cause)


def chosen_form(rule: SanctionRule, breach: Breach) -> FormRule:
    """Return the form that is proposed.

    RuleRefused for a ground the rulebook does not list or without the text it wants, a severity beyond the
    ladder, a form that is not on it or too grave, another form than the severity's without a reason, and
    without the description that the breach notice form wants.
    """
    ground = _ground(rule, breach)
    _check_notice_form(rule, breach)
    if breach.severity > len(rule.forms):
        raise wrong("severity", f"must be at most {len(rule.forms)}, the severest form")
    usual = rule.forms[breach.severity - 1]
    if ground is not None and ground.severe and usual is not rule.forms[-1]:
        raise refused(
            f"{ground.code} is punished severely", ground.source, "severity", f"must be {len(rule.forms)}"
        )
    if breach.form in {None, usual.code}:
        if breach.deviation is not None:
            raise wrong("deviation", "belongs only to another form than the severity's")
        return usual
    return _other_form(rule, breach, usual)


def is_legal(rule: SanctionRule, breach: Breach) -> bool:
    """Tell whether the ground may also have legal consequences."""
    ground = rule.ground(breach.ground) if breach.ground else None
    return ground is not None and ground.severe


def cost_of(
    conversion: Conversion, bases: Mapping[Base, Decimal], points: Decimal | None
) -> tuple[Decimal, tuple[Step, ...]]:
    """Return what a sanction costs in yuan, rounded half up to the fen, and the steps that lead there.

    RuleRefused when the sum it is a part of is not given.
    """
    source = conversion.source
    base = bases.get(conversion.base)
    if base is None:
        raise refused(f"it costs a part of the {conversion.base}", source, conversion.base, "is missing")
    whole = Fraction(base)
    steps = [Step(conversion.base.value, str(base), source)]
    if conversion.base is Base.BONUS_PER_POINT:
        if points is None:
            raise refused("it counts for each base point", source, "base_points", "is missing")
        whole *= Fraction(points)
        steps.append(Step("base_points", str(points), source))
    amount = round_half_up(whole * conversion.percent / _WHOLE)
    steps.append(Step("percent", str(conversion.percent), source))
    if conversion.doubt is not None:
        steps.append(Step("doubt", conversion.doubt, source))
    steps.append(Step("amount", str(amount), source))
    return amount, tuple(steps)


def publishable(rule: MonthStep | None) -> MonthStep:
    """Return who publishes; RuleRefused where the rulebook publishes nothing."""
    if rule is None:
        raise RuleRefused("the rulebook has no rule for publishing sanctions", rule="design")
    return rule


def _check_notice_form(rule: SanctionRule, breach: Breach) -> None:
    if rule.notice_form is None or not rule.notice_form.value:
        return
    for name in ("behaviour", "effects"):
        if not getattr(breach, name):
            message = "the breach notice form describes behaviour and effects"
            raise refused(message, rule.notice_form.source, name, "is missing")


def _other_form(rule: SanctionRule, breach: Breach, usual: FormRule) -> FormRule:
    form = rule.form(breach.form or "")
    if form is None:
        listed = ", ".join(known.code for known in rule.forms)
        message = "the rulebook has no such form of sanction"
        raise refused(message, usual.source, "form", f"must be one of {listed}")
    if form.serious_only:
        message = f"{form.code} is for what is as serious as severity {rule.forms.index(form) + 1}"
        raise refused(message, form.source, "severity", "is too low")
    deviation = rule.deviation_needs_reason
    if deviation is not None and deviation.value and not breach.deviation:
        message = f"severity {breach.severity} stands for {usual.code}: another form needs a reason"
        raise refused(message, deviation.source, "deviation", "is missing")
    return form


def _ground(rule: SanctionRule, breach: Breach) -> GroundRule | None:
    if not rule.grounds:
        return None
    source = rule.grounds[0].source
    ground = rule.ground(breach.ground) if breach.ground else None
    if ground is None:
        listed = ", ".join(known.code for known in rule.grounds)
        raise refused(
            "a sanction has one of the rulebook's grounds", source, "ground", f"must be one of {listed}"
        )
    if ground.needs_text and not breach.ground_text:
        raise refused(f"the ground {ground.code} says what it is", ground.source, "ground_text", "is missing")
    return ground
