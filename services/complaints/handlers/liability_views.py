"""The JSON shapes in which liability, penalties, sanctions, ledgers and months are shown."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from services.complaints.domain.liability.account import Account
from services.complaints.domain.liability.attribution import Liability
from services.complaints.domain.liability.month import LedgerMonth, MonthState
from services.complaints.domain.liability.penalty import Penalty, PenaltyLine
from services.complaints.domain.liability.sanctions import Sanction
from shared.history import timestamp
from shared.ledger import ZERO as NOTHING
from shared.ledger import Kind, Line, Step


def _moment(value: datetime | None) -> str | None:
    return None if value is None else timestamp(value)


def _sum(value: Decimal | None) -> str | None:
    return None if value is None else str(value)


def trace_view(trace: Iterable[Step]) -> list[dict[str, str]]:
    """Return the steps by which a sum was found."""
    return [{"what": step.what, "value": step.value, "source": step.source} for step in trace]


def attribution_answer(liability: Liability) -> dict[str, Any]:
    """Return what the command answers."""
    return {
        "liability_id": liability.id,
        "case_id": liability.case_id,
        "level": liability.current.finding.level.value,
        "revision": len(liability.attributions),
    }


def liability_view(liability: Liability, offers: Iterable[str]) -> dict[str, Any]:
    """Return who is liable and why, and what the rulebook has for it."""
    return {
        "liability_id": liability.id,
        "case_id": liability.case_id,
        "attributions": [
            {
                "area": made.finding.area,
                "level": made.finding.level.value,
                "department": made.finding.department,
                "group": made.finding.group,
                "persons": list(made.finding.persons),
                "reason": made.finding.reason,
                "unattributable": made.finding.unattributable,
                "by": made.by,
                "at": timestamp(made.at),
                "source": made.source,
            }
            for made in liability.attributions
        ],
        "offers": list(offers),
    }


def penalty_answer(penalty: Penalty) -> dict[str, Any]:
    """Return what a command answers; ledgers are written after it, so what they say is asked for separately."""
    return {"penalty_id": penalty.id, "case_id": penalty.case_id, "state": penalty.state.value}


def penalty_view(penalty: Penalty) -> dict[str, Any]:
    """Return a penalty with its lines."""
    return {
        "penalty_id": penalty.id,
        "case_id": penalty.case_id,
        "liability_id": penalty.liability_id,
        "state": penalty.state.value,
        "basis": penalty.basis.value,
        "code": penalty.code,
        "department": penalty.department,
        "unit": penalty.unit.value,
        "total": _sum(penalty.total),
        "paid_from": penalty.paid_from,
        "payee": penalty.payee,
        "source": penalty.source,
        "regulation": penalty.regulation,
        "reason": penalty.reason,
        "proposed_by": penalty.proposed_by,
        "proposed_at": timestamp(penalty.proposed_at),
        "decided_by": penalty.decided_by,
        "decided_at": _moment(penalty.decided_at),
        "note": penalty.note,
        "lines": [_penalty_line(line) for line in penalty.lines],
    }


def _penalty_line(line: PenaltyLine) -> dict[str, Any]:
    appeal = line.appeal
    return {
        "staff": line.staff,
        "amount": _sum(line.amount),
        "post": line.post,
        "state": line.state.value,
        "month": line.period,
        "appeal": None
        if appeal is None
        else {
            "reason": appeal.reason,
            "at": timestamp(appeal.at),
            "upheld": appeal.upheld,
            "decided_by": appeal.decided_by,
            "decided_at": _moment(appeal.decided_at),
            "note": appeal.note,
        },
    }


def explanation_view(penalty: Penalty, accounts: dict[str, Account]) -> dict[str, Any]:
    """Return how each sum of a penalty was found, and what the ledgers did with it since."""
    rows = []
    for line in penalty.lines:
        account = accounts.get(line.staff)
        charge = penalty.line_id(line)
        about = [] if account is None else account.ledger.about(charge)
        rows.append(
            {
                "staff": line.staff,
                "amount": _sum(line.amount),
                "trace": trace_view(line.trace),
                "entries": [
                    {
                        "entry_id": entry.id,
                        "month": entry.period,
                        "kind": entry.kind.value,
                        "amount": str(entry.amount),
                        "trace": trace_view(entry.trace),
                    }
                    for entry in about
                ],
                "owed": str(sum((entry.amount for entry in about), NOTHING)),
            }
        )
    return {"penalty_id": penalty.id, "case_id": penalty.case_id, "source": penalty.source, "lines": rows}


def sanction_answer(sanction: Sanction) -> dict[str, Any]:
    """Return what a command answers."""
    return {
        "sanction_id": sanction.id,
        "case_id": sanction.case_id,
        "form": sanction.form,
        "state": sanction.state.value,
        "cost": _sum(sanction.cost),
    }


def sanction_view(sanction: Sanction) -> dict[str, Any]:
    """Return a sanction with what was written down about it."""
    breach = sanction.breach
    return {
        **sanction_answer(sanction),
        "liability_id": sanction.liability_id,
        "staff": sanction.staff,
        "department": sanction.department,
        "ground": breach.ground,
        "ground_text": breach.ground_text,
        "severity": breach.severity,
        "deviation": breach.deviation,
        "behaviour": breach.behaviour,
        "effects": breach.effects,
        "legal": sanction.legal,
        "cost_trace": trace_view(sanction.cost_trace),
        "month": sanction.month,
        "source": sanction.source,
        "regulation": sanction.regulation,
        "proposed_by": sanction.proposed_by,
        "proposed_at": timestamp(sanction.proposed_at),
        "decided_by": sanction.decided_by,
        "decided_at": _moment(sanction.decided_at),
        "note": sanction.note,
        "published_at": _moment(sanction.published_at),
    }


def entry_view(account: Account, line: Line, balance: Decimal) -> dict[str, Any]:
    """Return one line of a ledger with the balance after it."""
    return {
        "entry_id": line.id,
        "staff": account.staff,
        "month": line.period,
        "kind": line.kind.value,
        "amount": str(line.amount),
        "balance": str(balance),
        "refers_to": line.refers_to,
        "ordinal": line.ordinal,
        "penalty_id": line.labels["penalty"],
        "case_id": line.labels["case"],
        "department": line.labels["department"],
        "code": line.labels["code"],
        "payee": line.labels["payee"],
        "source": line.labels["source"],
        "at": timestamp(line.at),
        "by": line.by,
        "trace": trace_view(line.trace),
    }


def month_answer(month: LedgerMonth) -> dict[str, Any]:
    """Return what a command on a month answers, and what a statement begins with."""
    review = month.review
    return {
        "month_id": month.id,
        "month": month.month,
        "state": month.state.value,
        "closed_by": month.closing_by if month.state is MonthState.CLOSED else None,
        "closed_at": _moment(month.closed_at),
        "accounts": month.totals.accounts,
        "deducted": str(month.totals.deducted),
        "refunded": str(month.totals.refunded),
        "carried": str(month.totals.carried),
        "review": None
        if review is None
        else {
            "by": review.by,
            "at": timestamp(review.at),
            "due_at": _moment(review.due_at),
            "on_time": review.on_time,
            "closed_cases": review.closed_cases,
            "without_liability": review.without_liability,
        },
        "notices": [
            {
                "by": notice.by,
                "at": timestamp(notice.at),
                "on_time": notice.on_time,
                "sanctions": list(notice.sanctions),
            }
            for notice in month.notices
        ],
    }


def statement_row(account: Account, period: str) -> dict[str, Any]:
    """Return what one ledger did in a month; opening + charged + reversed - deducted + refunded = closing."""
    own = [line for line in account.ledger.lines if line.period == period]
    opening = sum((line.amount for line in account.ledger.lines if line.period < period), NOTHING)

    def of(*kinds: Kind) -> Decimal:
        return sum((line.amount for line in own if line.kind in kinds), NOTHING)

    return {
        "staff": account.staff,
        "unit": account.unit.value,
        "opening": str(opening),
        "charged": str(of(Kind.CHARGE)),
        "reversed": str(of(Kind.COUNTER, Kind.RECOUNT)),
        "deducted": str(-of(Kind.SETTLEMENT)),
        "refunded": str(of(Kind.RETURN)),
        "closing": str(opening + of(*Kind)),
        "locked": account.ledger.locked_through is not None and period <= account.ledger.locked_through,
    }


def dismissals_view(account: Account) -> list[dict[str, Any]]:
    """Return the dismissals that were proposed because of one person's fines."""
    return [
        {
            "offence": dismissal.offence,
            "count": dismissal.count,
            "at": timestamp(dismissal.at),
            "withdrawn_at": _moment(dismissal.withdrawn_at),
        }
        for dismissal in account.dismissals
    ]
