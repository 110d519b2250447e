"""Questions about dossiers: one of them, lists, what is unfiled at the end of a day, what was late."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Protocol

from services.intake.domain.dossiers.checking import asked, stands
from services.intake.domain.dossiers.dossier import Dossier
from services.intake.domain.dossiers.papers import Papers
from services.intake.domain.dossiers.parts import Loan, Piece, Receipt
from services.intake.domain.dossiers.rules import DossierRule, Item, Mark
from services.intake.domain.dossiers.shortfalls import Shortfall, shortfalls
from services.intake.handlers.ruling import Rules
from shared.acting import Caller, found
from shared.clock import Clock
from shared.errors import Forbidden, NotFound
from shared.history import timestamp


class Dossiers(Protocol):
    """What the questions need of the repository."""

    def get(self, aggregate_id: str, org: str) -> Dossier | None:
        """Return one of ``org``."""
        ...

    def page(
        self, org: str, roles: Collection[str], wanted: dict[str, Any], *, limit: int, skip: int
    ) -> Sequence[Dossier]:
        """Return a page of those that somebody with ``roles`` may see, newest first."""
        ...

    def received(
        self, org: str, roles: Collection[str], day: date, *, limit: int, skip: int
    ) -> Sequence[Dossier]:
        """Return a page of those into which a document came on the local ``day``."""
        ...

    def late(
        self, org: str, roles: Collection[str], now: datetime, *, limit: int, skip: int
    ) -> Sequence[Dossier]:
        """Return a page of those with something late."""
        ...


class LookUpDossiers:
    """The questions, each scoped to the caller's organisation and to what its roles may see."""

    def __init__(self, kept: Dossiers, rules: Rules, clock: Clock) -> None:
        """Look into ``kept``."""
        self._kept, self._rules, self._clock = kept, rules, clock

    def get(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return a dossier with what is missing and late; a confidential one is read with a command instead."""
        dossier = found(self._kept.get(data["id"], call.org), "dossier", data["id"])
        rule = rule_of(self._rules, dossier)
        if rule.confidential is not None:
            raise Forbidden(
                "this dossier is confidential: read_dossier shows it and notes who read it",
                rule=rule.confidential.source,
            )
        return dossier_view(dossier, rule, self._clock.now())

    def page(self, call: Caller, data: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return a page of dossiers, newest first."""
        wanted = {name: data[name] for name in data if data[name] is not None}
        limit, skip = wanted.pop("limit"), wanted.pop("skip")
        rows = self._kept.page(call.org, call.roles, wanted, limit=limit, skip=skip)
        return [self._row(dossier) for dossier in rows]

    def unfiled(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return how many documents came in on a local day and which of them were not filed by its end."""
        day: date = data["day"]
        ruling = self._rules.in_force(call.org, self._clock.now())
        ends = datetime(day.year, day.month, day.day, tzinfo=ruling.zone)
        ends = ruling.end_of_day(ends)
        received, rows = 0, []
        page = self._kept.received(call.org, call.roles, day, limit=data["limit"], skip=data["skip"])
        for dossier in page:
            own = [
                piece
                for piece in dossier.pieces
                if piece.received_day == day and _files(self._rule(dossier), dossier, piece)
            ]
            received += len(own)
            rows += [
                {"dossier_id": dossier.id, "kind": dossier.kind, "piece": piece.number, "item": piece.item}
                for piece in own
                if piece.filed_at is None or piece.filed_at >= ends
            ]
        return {"dossiers": len(page), "received": received, "unfiled": rows}

    def late(self, call: Caller, data: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return, for a page of dossiers, everything that was late and whether it was excused beforehand."""
        now = self._clock.now()
        page = self._kept.late(call.org, call.roles, now, limit=data["limit"], skip=data["skip"])
        return [
            {
                "dossier_id": dossier.id,
                "kind": dossier.kind,
                "about_id": dossier.about_id,
                "deductions": [each for each in late if not each["excused"]],
                "excused": [each for each in late if each["excused"]],
            }
            for dossier in page
            if (late := [_late_view(each) for each in shortfalls(dossier, self._rule(dossier), now)])
        ]

    def _rule(self, dossier: Dossier) -> DossierRule:
        return rule_of(self._rules, dossier)

    def _row(self, dossier: Dossier) -> dict[str, Any]:
        rule = self._rule(dossier)
        return _head(dossier, rule) | {"missing": [lack.item for lack in dossier.lacks(rule)]}


def rule_of(rules: Rules, dossier: Papers) -> DossierRule:
    """Return the rule the dossier was opened under; NotFound when that version no longer has its kind."""
    rule = rules.of_version(dossier.org, dossier.regulation).rules.dossier(dossier.kind)
    if rule is None:
        raise NotFound(f"{dossier.regulation} has no dossiers of the kind {dossier.kind!r}")
    return rule


def allow(rule: DossierRule, call: Caller) -> None:
    """Raise Forbidden, naming the rule, unless the caller may see and work on such a dossier."""
    if rule.confidential is not None and not call.roles & set(rule.confidential.value):
        names = ", ".join(rule.confidential.value)
        raise Forbidden(f"such a dossier is confidential: only for {names}", rule=rule.confidential.source)


def _files(rule: DossierRule, dossier: Dossier, piece: Piece) -> bool:
    return any(stage.files and stage.concerns(piece.item, piece.make, dossier.facts) for stage in rule.stages)


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else timestamp(moment)


def _head(dossier: Dossier, rule: DossierRule) -> dict[str, Any]:
    return {
        "dossier_id": dossier.id,
        "kind": dossier.kind,
        "name": rule.name,
        "about": dossier.about,
        "about_id": dossier.about_id,
        "opened_at": timestamp(dossier.opened_at),
        "updated_at": timestamp(dossier.updated_at),
        "complete": dossier.complete,
        "overdue": dossier.overdue,
        "due_at": _time(dossier.due_at),
        "keeper": {"staff": dossier.keeper, "role": rule.keeper.role if rule.keeper else None},
        "responsible": {
            "staff": dossier.responsible,
            "role": rule.responsible.role if rule.responsible else None,
        },
    }


def dossier_view(dossier: Dossier, rule: DossierRule, now: datetime) -> dict[str, Any]:
    """Return the JSON shape of a dossier: its list, its documents, what was done with it, what was late."""
    return _head(dossier, rule) | {
        "groups": list(rule.groups),
        "facts": dict(dossier.facts),
        "retention_years": dossier.retention_years,
        "items": [_item_view(item, dossier) for item in rule.items],
        "pieces": [_piece_view(piece) for piece in dossier.pieces],
        "missing": [
            {
                "item": lack.item,
                "missing": lack.missing,
                "original": lack.original,
                "copy": lack.copy,
                "source": lack.source,
            }
            for lack in dossier.lacks(rule)
        ],
        "marks": [_mark_view(mark, dossier) for mark in rule.marks],
        "late": [_late_view(each) for each in shortfalls(dossier, rule, now)],
        "excuses": [
            {
                "items": list(excuse.items),
                "reason": excuse.reason,
                "of": excuse.of,
                "by": excuse.by,
                "at": timestamp(excuse.at),
                "valid": excuse.valid,
            }
            for excuse in dossier.excuses
        ],
        "loans": [_loan_view(loan) for loan in dossier.loans],
        "receipts": [_receipt_view(receipt, rule) for receipt in dossier.receipts],
        "accesses": [
            {"by": access.by, "at": timestamp(access.at), "purpose": access.purpose}
            for access in dossier.accesses
        ],
        "closed_requests": list(dossier.closed_requests),
        "clocks": dossier.clock_view(),
    }


def _item_view(item: Item, dossier: Dossier) -> dict[str, Any]:
    wanted = asked(item, dossier.facts)
    return {
        "item": item.code,
        "name": item.name,
        "group": item.group,
        "way": item.way.value,
        "asked": wanted,
        "there": sum(piece.count for piece in dossier.pieces if piece.item == item.code),
        "source": item.source,
    }


def _piece_view(piece: Piece) -> dict[str, Any]:
    return {
        "piece": piece.number,
        "item": piece.item,
        "form": piece.form,
        "make": piece.make.value,
        "count": piece.count,
        "reference": piece.reference,
        "received_at": timestamp(piece.received_at),
        "received_by": piece.received_by,
        "holder": piece.holder,
        "filed_at": _time(piece.filed_at),
        "batch_day": None if piece.batch_day is None else piece.batch_day.isoformat(),
        "stages": [
            {
                "stage": each.stage,
                "at": timestamp(each.at),
                "by": each.by,
                "to": each.to,
                "copy_kept": each.copy_kept,
            }
            for each in piece.passed
        ],
    }


def _mark_view(mark: Mark, dossier: Dossier) -> dict[str, Any]:
    given = [each for each in dossier.given if each.mark == mark.code]
    plan = next((plan for plan in dossier.plans if plan.mark == mark.code), None)
    done = stands(mark, dossier.given)
    return {
        "mark": mark.code,
        "name": mark.name,
        "tracked": mark.tracked,
        "stands": done,
        "due": None if plan is None else plan.day.isoformat(),
        "undated": mark.tracked and plan is None and not done,
        "given": [
            {"at": timestamp(each.at), "by": each.by, "role": each.role, "piece": each.piece}
            for each in given
        ],
        "source": mark.source,
    }


def _loan_view(loan: Loan) -> dict[str, Any]:
    return {
        "loan": loan.number,
        "state": loan.state.value,
        "pieces": list(loan.pieces),
        "borrower": loan.borrower,
        "asked_at": timestamp(loan.asked_at),
        "due_back": loan.due_back.isoformat(),
        "decided_by": loan.decided_by,
        "decided_role": loan.decided_role,
        "decided_at": _time(loan.decided_at),
        "returned_at": _time(loan.returned_at),
    }


def _receipt_view(receipt: Receipt, rule: DossierRule) -> dict[str, Any]:
    return {
        "receipt": receipt.number,
        "pieces": list(receipt.pieces),
        "taken_by": receipt.taken_by,
        "signed_at": timestamp(receipt.signed_at),
        "passed_to": rule.receipts.passed_to if rule.receipts else None,
        "passed_at": _time(receipt.passed_at),
    }


def _late_view(late: Shortfall) -> dict[str, Any]:
    return {
        "clock": late.clock,
        "item": late.item,
        "due_at": timestamp(late.due_at),
        "done_at": _time(late.done_at),
        "bound": list(late.bound),
        "excused": late.excused,
        "source": late.source,
    }
