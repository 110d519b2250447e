"""Use cases of those who look up liability, penalties, sanctions and ledgers: their own, or by office anybody's."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from services.complaints.domain.liability.account import Account, account_id
from services.complaints.domain.liability.fines import fine_for
from services.complaints.domain.liability.month import LedgerMonth, month_id
from services.complaints.domain.liability.penalty import Penalty, Unit
from services.complaints.domain.liability.rules import LiabilityRules
from services.complaints.handlers.charging import Files, liability_id, missing
from services.complaints.handlers.handling import Caller
from services.complaints.handlers.liability_views import (
    dismissals_view,
    entry_view,
    explanation_view,
    liability_view,
    month_answer,
    penalty_view,
    sanction_view,
    statement_row,
)
from services.complaints.handlers.months import review_due
from shared.errors import Forbidden, RuleRefused
from shared.history import timestamp
from shared.ledger import ZERO

#: Sees every ledger, as every archive.
_SYSTEM = "system"


class LookUpLedgers:
    """Queries, each scoped to one organisation.

    Whoever holds a role that the rulebook names in its liability part sees everything, everybody else what is
    about themselves; Forbidden otherwise.
    """

    def __init__(self, files: Files) -> None:
        """Use the files for everything."""
        self._files = files

    def liability(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return who is liable for a case, and what the rulebook offers for it."""
        found = self._files.ledgers.liabilities.get(liability_id(data["case_id"]), call.org)
        if found is None:
            raise missing("liability for", data["case_id"])
        self._check_reader(call, found.current.finding.persons)
        return liability_view(found, _offers(self._files.rules_of(call.org, found.regulation)))

    def penalty(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return one penalty with its lines."""
        return penalty_view(self._penalty(call, data["id"]))

    def penalties(self, call: Caller, data: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return a page of penalties, the newest first."""
        self._check_reader(call, (data["staff"],))
        return [penalty_view(penalty) for penalty in self._files.ledgers.listed_penalties(call.org, **data)]

    def explain_penalty(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return how each sum was found, and what the ledgers did with it since."""
        penalty = self._penalty(call, data["id"])
        wanted = {account_id(call.org, staff, penalty.unit): staff for staff in penalty.staff}
        found = self._files.ledgers.accounts_by_id(list(wanted))
        return explanation_view(penalty, {wanted[account.id]: account for account in found})

    def sanction(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return one sanction."""
        found = self._files.ledgers.sanctions.get(data["id"], call.org)
        if found is None:
            raise missing("sanction", data["id"])
        self._check_reader(call, (found.staff,))
        return sanction_view(found)

    def sanctions(self, call: Caller, data: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return a page of sanctions, the newest first."""
        self._check_reader(call, (data["staff"],))
        return [
            sanction_view(sanction) for sanction in self._files.ledgers.listed_sanctions(call.org, **data)
        ]

    def ledger(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return a page of the lines of a person's ledger, or of a department's people's, the oldest first."""
        self._check_reader(call, (data["staff"],))
        unit, department = Unit(data["unit"]), data["department"]
        accounts: list[Account] = []
        if department is None:
            found = self._files.ledgers.accounts.get(account_id(call.org, data["staff"], unit), call.org)
            accounts = [] if found is None else [found]
        else:
            every = self._files.ledgers.accounts_of_department(call.org, department)
            accounts = [account for account in every if account.unit is unit]
        rows = [
            (line.at, position, account, line)
            for account in accounts
            for position, line in enumerate(account.ledger.lines)
            if department in {None, line.labels["department"]}
        ]
        rows.sort(key=lambda row: (row[0], row[2].staff, row[1]))
        balance, lines = ZERO, []
        for _, _, account, line in rows:
            balance += line.amount
            lines.append(entry_view(account, line, balance))
        own = accounts[0] if department is None and accounts else None
        return {
            "staff": data["staff"],
            "department": department,
            "unit": unit.value,
            "balance": str(balance),
            "locked_through": None if own is None else own.ledger.locked_through,
            "dismissals": [row for account in accounts for row in dismissals_view(account)],
            "count": len(lines),
            "lines": lines[data["skip"] : data["skip"] + data["limit"]],
        }

    def month_statement(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return what became of a month, with a page of its ledgers by staff id."""
        self._check_reader(call, ())
        month, ledgers = data["month"], self._files.ledgers
        kept = ledgers.months.get(month_id(call.org, month), call.org)
        kept = kept or LedgerMonth(id=month_id(call.org, month), org=call.org, month=month)
        accounts = ledgers.accounts_of_month(call.org, month, limit=data["limit"], skip=data["skip"])
        due = review_due(self._files, call.org, month)
        return {
            **month_answer(kept),
            "review_due_at": None if due is None else timestamp(due),
            "review_overdue": due is not None and kept.review is None and self._files.clock.now() >= due,
            "rows": [statement_row(account, month) for account in accounts],
        }

    def _penalty(self, call: Caller, penalty_id: str) -> Penalty:
        found = self._files.ledgers.penalties.get(penalty_id, call.org)
        if found is None:
            raise missing("penalty", penalty_id)
        self._check_reader(call, found.staff)
        return found

    def _check_reader(self, call: Caller, persons: Collection[str | None]) -> None:
        """Refuse to show what is about others to somebody without an office in the matter."""
        officers = {role for _, role in self._files.rules_now(call.org).roles()} | {_SYSTEM}
        if call.actor not in persons and officers.isdisjoint(call.roles):
            message = "others' penalties are seen by those whom the rulebook gives a part in them"
            raise Forbidden(message, details={"roles_needed": sorted(officers)})


def _offers(rules: LiabilityRules) -> list[str]:
    """Return what the rulebook has for somebody liable: formula, fines, points by offence, sanctions."""
    offers = ["formula"] if rules.formula is not None else []
    for offence in dict.fromkeys(fine.offence for fine in rules.fines):
        try:
            offers.append(f"fine:{fine_for(rules, offence).offence}")
        except RuleRefused:
            continue
    offers += [f"points:{points.offence}" for points in rules.points]
    return offers + (["sanction"] if rules.sanctions is not None else [])
