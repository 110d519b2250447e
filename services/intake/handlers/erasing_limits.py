"""What an erasure may not touch, or not yet, and by which rule: open work, kept years, sums, codes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any

from services.intake.domain.dossiers.dossier import Dossier
from services.intake.domain.duty.visit import Visit
from services.intake.domain.requests.request import Request
from services.intake.domain.requests.rules import Shape
from services.intake.domain.rulebook import IntakeRules
from services.intake.domain.same.conflict import ConflictCase, Stage
from services.intake.handlers.ruling import Rules
from shared.aggregate import Aggregate
from shared.errors import NotFound
from shared.registers.definition import Register
from shared.registers.record import Record
from shared.registers.words import Type
from shared.regulations.values import DESIGN

#: Sums and balances are the accounts of what was paid and stocked: they stay when the words about somebody go.
_FIGURES = frozenset({Type.AMOUNT, Type.NUMBER})


class Limits:
    """What the rulebook that each thing was begun under says of its words."""

    def __init__(self, rules: Rules) -> None:
        """Read ``rules``."""
        self._rules = rules
        self._keeping: Mapping[type[Aggregate], Callable[[Any, datetime], str | None]] = {
            Request: lambda request, _: request.opening.source if request.open_ else None,
            ConflictCase: lambda case, _: DESIGN if case.stage is not Stage.FINAL else None,
            Visit: lambda visit, _: DESIGN if visit.state != "closed" else None,
            Record: self._record_kept_by,
            Dossier: self._dossier_kept_by,
        }

    def kept_by(self, thing: Aggregate, now: datetime) -> str | None:
        """Return which rule keeps the words for now: what is open needs them, and some are kept for years."""
        keeping = self._keeping.get(type(thing))
        return None if keeping is None else keeping(thing, now)

    def figures_of(self, thing: Aggregate) -> list[str]:
        """Return the rule by which a record with sums, or one that moved a stock, stays."""
        register = self.register(thing) if isinstance(thing, Record) else None
        if register is None or not isinstance(thing, Record):
            return []
        numbers = any(each.type in _FIGURES and each.code in thing.values for each in register.fields)
        return [register.source] if numbers or register.balance is not None else []

    def coded(self, thing: Aggregate) -> Collection[str]:
        """Return which facts of a request or dossier are codes, figures and days, and no words."""
        rules = self._rules_of(thing) if isinstance(thing, (Request, Dossier)) else None
        if rules is None:
            return ()
        if isinstance(thing, Request):
            return {each.code for each in rules.requests.facts if each.shape is not Shape.TEXT}
        rule = rules.dossier(thing.kind) if isinstance(thing, Dossier) else None
        return {each.code for each in rule.facts if each.values or each.amount} if rule else ()

    def register(self, record: Record) -> Register | None:
        """Return the definition of a record, as far as there still is one."""
        rules = self._rules_of(record)
        return None if rules is None else rules.register(record.register)

    def _record_kept_by(self, record: Record, now: datetime) -> str | None:
        register = self.register(record)
        if record.is_open:
            return DESIGN if register is None else register.source
        retention = None if register is None else register.retention
        if retention is None or record.closed_at is None:
            return None
        return retention.source if _years_after(record.closed_at, retention.years) > now else None

    def _dossier_kept_by(self, dossier: Dossier, now: datetime) -> str | None:
        years = dossier.retention_years
        if years is None or _years_after(dossier.updated_at, years) <= now:
            return None
        rules = self._rules_of(dossier)
        rule = None if rules is None else rules.dossier(dossier.kind)
        return DESIGN if rule is None or rule.retention is None else rule.retention.source

    def _rules_of(self, thing: Request | Dossier | Record) -> IntakeRules | None:
        try:
            return self._rules.of_version(thing.org, thing.regulation).rules
        except NotFound:
            return None


def _years_after(moment: datetime, years: int) -> datetime:
    leap = (moment.month, moment.day) == (2, 29)
    return (moment.replace(day=28) if leap else moment).replace(year=moment.year + years)
