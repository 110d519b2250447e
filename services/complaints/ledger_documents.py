"""The shapes in which liability, penalties, sanctions and ledgers are kept; sums are Decimal128, exact to the fen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from services.complaints.domain.liability.account import Account, Dismissal
from services.complaints.domain.liability.attribution import Attribution, Finding, Liability
from services.complaints.domain.liability.month import LedgerMonth, MonthState, Notice, Review, Totals
from services.complaints.domain.liability.penalty import (
    STANDING,
    Appeal,
    Basis,
    Bucket,
    LineState,
    Penalty,
    PenaltyLine,
    PenaltyState,
    Unit,
)
from services.complaints.domain.liability.rules import Liable
from services.complaints.domain.liability.sanctions import Breach, Sanction, SanctionState
from shared.aggregate import base_document, base_fields
from shared.ids import derived_id
from shared.ledger import Kind, Ledger, Line, Step
from shared.mongo.decimals import kept, read

Document = dict[str, Any]


def liability_document(liability: Liability) -> Document:
    """Return the shape of a liability."""
    return {
        **base_document(liability),
        "case_id": liability.case_id,
        "regulation": liability.regulation,
        "attributions": [
            {
                **asdict(made.finding),
                "level": made.finding.level.value,
                "persons": list(made.finding.persons),
                "by": made.by,
                "at": made.at,
                "source": made.source,
            }
            for made in liability.attributions
        ],
    }


def liability_of(document: Mapping[str, Any]) -> Liability:
    """Rebuild a liability."""

    def made(row: Mapping[str, Any]) -> Attribution:
        names = ("area", "department", "group", "reason", "unattributable")
        finding = Finding(
            level=Liable(row["level"]),
            persons=tuple(row["persons"]),
            **{name: row[name] for name in names},
        )
        return Attribution(finding, row["by"], row["at"], row["source"])

    return Liability(
        **base_fields(document),
        case_id=document["case_id"],
        regulation=document["regulation"],
        attributions=[made(row) for row in document["attributions"]],
    )


_PENALTY = (
    "case_id",
    "liability_id",
    "revision",
    "code",
    "department",
    "payee",
    "paid_from",
    "source",
    "regulation",
    "reason",
    "proposed_by",
    "proposed_at",
    "decided_by",
    "decided_at",
    "note",
)


def standing_key(penalty: Penalty) -> str:
    """Return what two standing penalties never share: the case and the rule, and for fixed sums the person."""
    persons = () if penalty.basis is Basis.FORMULA else (penalty.lines[0].staff,)
    return derived_id("sk", penalty.org, penalty.case_id, penalty.basis.value, penalty.code, *persons)


def penalty_document(penalty: Penalty) -> Document:
    """Return the shape of a penalty; what only some have is there only while it applies."""
    document = {
        **base_document(penalty),
        **{name: getattr(penalty, name) for name in _PENALTY},
        "basis": penalty.basis.value,
        "unit": penalty.unit.value,
        "bucket": penalty.bucket.value,
        "authors": list(penalty.authors),
        "staff": list(penalty.staff),
        "state": penalty.state.value,
        "lines": [_penalty_line_document(line) for line in penalty.lines],
    }
    if penalty.state in STANDING:
        document["standing_key"] = standing_key(penalty)
    if penalty.pending:
        document["pending"] = True
    return document


def penalty_of(document: Mapping[str, Any]) -> Penalty:
    """Rebuild a penalty."""
    return Penalty(
        **base_fields(document),
        **{name: document[name] for name in _PENALTY},
        basis=Basis(document["basis"]),
        unit=Unit(document["unit"]),
        bucket=Bucket(document["bucket"]),
        authors=tuple(document["authors"]),
        state=PenaltyState(document["state"]),
        lines=[_penalty_line_of(row) for row in document["lines"]],
    )


def _penalty_line_document(line: PenaltyLine) -> Document:
    return {
        "number": line.number,
        "staff": line.staff,
        "amount": kept(line.amount),
        "trace": _trace_document(line.trace),
        "series": line.series,
        "post": line.post,
        "state": line.state.value,
        "period": line.period,
        "appeal": None if line.appeal is None else asdict(line.appeal),
    }


def _penalty_line_of(row: Mapping[str, Any]) -> PenaltyLine:
    appeal = row["appeal"]
    return PenaltyLine(
        row["number"],
        row["staff"],
        read(row["amount"]),
        _trace_of(row["trace"]),
        row["series"],
        row["post"],
        LineState(row["state"]),
        row["period"],
        None if appeal is None else Appeal(**appeal),
    )


_SANCTION = (
    "case_id",
    "liability_id",
    "revision",
    "staff",
    "department",
    "form",
    "legal",
    "source",
    "regulation",
    "month",
    "proposed_by",
    "proposed_at",
    "decided_by",
    "decided_at",
    "note",
    "paid_from",
    "published_at",
)


def sanction_document(sanction: Sanction) -> Document:
    """Return the shape of a sanction."""
    document = {
        **base_document(sanction),
        **{name: getattr(sanction, name) for name in _SANCTION},
        "authors": list(sanction.authors),
        "breach": asdict(sanction.breach),
        "cost": kept(sanction.cost),
        "cost_trace": _trace_document(sanction.cost_trace),
        "state": sanction.state.value,
    }
    if sanction.converts:
        document["pending"] = True
    return document


def sanction_of(document: Mapping[str, Any]) -> Sanction:
    """Rebuild a sanction."""
    return Sanction(
        **base_fields(document),
        **{name: document[name] for name in _SANCTION},
        authors=tuple(document["authors"]),
        breach=Breach(**document["breach"]),
        cost=read(document["cost"]),
        cost_trace=_trace_of(document["cost_trace"]),
        state=SanctionState(document["state"]),
        converts=bool(document.get("pending")),
    )


def account_document(account: Account) -> Document:
    """Return the shape of a ledger; ``months`` and ``departments`` are what its lists look it up by."""
    lines = account.ledger.lines
    return {
        **base_document(account),
        "staff": account.staff,
        "unit": account.unit.value,
        "lines": [_line_document(line) for line in lines],
        "locked_through": account.ledger.locked_through,
        "dismissals": [asdict(dismissal) for dismissal in account.dismissals],
        "months": sorted({line.period for line in lines}),
        "departments": sorted({line.labels["department"] for line in lines}),
    }


def account_of(document: Mapping[str, Any]) -> Account:
    """Rebuild a ledger."""
    lines = [_line_of(row) for row in document["lines"]]
    return Account(
        **base_fields(document),
        staff=document["staff"],
        unit=Unit(document["unit"]),
        ledger=Ledger(lines, document["locked_through"]),
        dismissals=[Dismissal(**row) for row in document["dismissals"]],
    )


def _line_document(line: Line) -> Document:
    return {
        "id": line.id,
        "period": line.period,
        "kind": line.kind.value,
        "bucket": line.bucket,
        "amount": kept(line.amount),
        "refers_to": line.refers_to,
        "at": line.at,
        "by": line.by,
        "trace": _trace_document(line.trace),
        "labels": dict(line.labels),
        "series": line.series,
        "ordinal": line.ordinal,
    }


def _line_of(row: Mapping[str, Any]) -> Line:
    return Line(
        row["id"],
        row["period"],
        Kind(row["kind"]),
        row["bucket"],
        read(row["amount"]),
        row["refers_to"],
        row["at"],
        row["by"],
        _trace_of(row["trace"]),
        row["labels"],
        row["series"],
        row["ordinal"],
    )


def month_document(month: LedgerMonth) -> Document:
    """Return the shape of a month; staff ids may hold what keys may not, so bonuses are kept as pairs."""
    document = {
        **base_document(month),
        "month": month.month,
        "state": month.state.value,
        "accounts": list(month.accounts),
        "bonuses": [[staff, kept(bonus)] for staff, bonus in sorted(month.bonuses.items())],
        "closing_by": month.closing_by,
        "closing_key": month.closing_key,
        "closed_at": month.closed_at,
        "totals": {
            name: kept(value) if isinstance(value, Decimal) else value
            for name, value in asdict(month.totals).items()
        },
        "review": None if month.review is None else asdict(month.review),
        "notices": [{**asdict(notice), "sanctions": list(notice.sanctions)} for notice in month.notices],
        "unmarked": list(month.unmarked),
    }
    if month.pending:
        document["pending"] = True
    return document


def month_of(document: Mapping[str, Any]) -> LedgerMonth:
    """Rebuild a month."""
    kept_totals = document["totals"]
    totals = Totals(
        kept_totals["accounts"],
        *(read(kept_totals[name]) for name in ("deducted", "refunded", "carried")),
    )
    review = document["review"]
    return LedgerMonth(
        **base_fields(document),
        month=document["month"],
        state=MonthState(document["state"]),
        accounts=list(document["accounts"]),
        bonuses={staff: read(bonus) for staff, bonus in document["bonuses"]},
        closing_by=document["closing_by"],
        closing_key=document["closing_key"],
        closed_at=document["closed_at"],
        totals=totals,
        review=None if review is None else Review(**review),
        notices=[
            Notice(**{**notice, "sanctions": tuple(notice["sanctions"])}) for notice in document["notices"]
        ],
        unmarked=list(document["unmarked"]),
    )


def _trace_document(trace: Iterable[Step]) -> list[list[str]]:
    return [[step.what, step.value, step.source] for step in trace]


def _trace_of(rows: Iterable[Iterable[str]]) -> tuple[Step, ...]:
    return tuple(Step(*row) for row in rows)
