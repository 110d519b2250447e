"""Reading what rulebooks say about clients: the shape of the section ``accounts``."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import time
from typing import Any

import marshmallow
from marshmallow import validates_schema

from services.intake.domain.same.rules import (
    AccountRules,
    Allocation,
    Audience,
    ClaimKind,
    Conflicts,
    Contract,
    Dimension,
    Entry,
    Grading,
    Level,
    Listed,
    Merging,
    Ownership,
    Pool,
    Quota,
    Reassigning,
    SearchKind,
    Staffing,
    Weight,
)
from shared.regulations.fields import (
    REQUIRED,
    Exact,
    Flag,
    Many,
    OneOf,
    Row,
    Table,
    Text,
    Value,
    Whole,
    nested,
    source,
    sourced,
    sourced_duration,
)

_ALL = 100


class _TimeOfDay(Value[time]):
    """A time of day such as ``"09:00"``."""

    def read(self, value: object) -> time:
        """Read one value."""
        try:
            return time.fromisoformat(str(value))
        except ValueError:
            raise marshmallow.ValidationError(f'must be a time of day such as "09:00": {value!r}') from None


class _Kind(OneOf):
    """The key of an audience's row."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(ClaimKind, **kwargs)


def _texts(**kwargs: Any) -> Any:
    return sourced(Many(Text(), least=1), **kwargs)


class _EntryRow(Row):
    builds = Entry
    searches = sourced(Many(OneOf(SearchKind), least=1), **REQUIRED)
    fresh_hours = sourced(Whole(least=1), **REQUIRED)
    hit = sourced(Flag(), **REQUIRED)
    complete = _texts(**REQUIRED)
    standard = sourced(Flag(), **REQUIRED)
    single = sourced(Flag(), **REQUIRED)
    licence = sourced(Flag(), **REQUIRED)


class _WeightRow(Row):
    builds = Weight
    code = Text(**REQUIRED)
    points = Whole(least=1, **REQUIRED)
    source = source()


class _AudienceRow(Row):
    builds = Audience
    code = _Kind(**REQUIRED)
    to = Many(Text(), least=1, **REQUIRED)
    copies = Many(Text(), **REQUIRED)
    confirms = Whole(least=1, most=2, load_default=1)
    source = source()


class _ConflictsRow(Row):
    builds = Conflicts
    ruled_by = _texts(**REQUIRED)
    arbitrated_by = _texts(**REQUIRED)
    within = sourced_duration(**REQUIRED)
    audiences = Table(_AudienceRow(), **REQUIRED)


class _QuotaRow(Row):
    builds = Quota
    most = Whole(least=1, **REQUIRED)
    in_new_regions = Whole(least=1, load_default=None)
    source = source()


class _PoolRow(Row):
    builds = Pool
    code = Text(**REQUIRED)
    role = Text(**REQUIRED)
    holds = Many(OneOf(Contract), least=1, **REQUIRED)
    recent = Flag(load_default=False)
    quota = nested(_QuotaRow(), load_default=None)
    counts = sourced(Many(OneOf(Contract), least=1), **REQUIRED)
    source = source()


class _ReassigningRow(Row):
    builds = Reassigning
    up_to = Whole(least=1, **REQUIRED)
    best = Whole(least=2, **REQUIRED)
    source = source()


class _OwnershipRow(Row):
    builds = Ownership
    transfer = _texts(**REQUIRED)
    seen_by = _texts(**REQUIRED)
    at_risk = sourced(Flag(), **REQUIRED)
    applies_to = _texts(load_default=None)
    pools = Table(_PoolRow(), load_default=())
    lapse_months = sourced(Whole(least=1), load_default=None)
    new_regions = sourced(Many(Text()), load_default=None)
    reassign = nested(_ReassigningRow(), load_default=None)
    credit = _texts(load_default=None)
    reception = _texts(load_default=None)

    @validates_schema
    def _lapses_are_timed(self, data: dict[str, Any], **_: object) -> None:
        if data["pools"] and data["lapse_months"] is None:
            raise marshmallow.ValidationError("is missing: the pools need it", "lapse_months")


class _MergingRow(Row):
    builds = Merging
    decided_by = _texts(**REQUIRED)


class _DimensionRow(Row):
    builds = Dimension
    code = Text(**REQUIRED)
    name = Text(**REQUIRED)
    weight = Exact(**REQUIRED)
    best = Whole(least=1, **REQUIRED)
    source = source()


class _LevelRow(Row):
    builds = Level
    code = Text(**REQUIRED)
    name = Text(**REQUIRED)
    percent = Whole(least=1, most=_ALL, **REQUIRED)
    source = source()


class _GradingRow(Row):
    builds = Grading
    dimensions = Table(_DimensionRow(), **REQUIRED)
    levels = Table(_LevelRow(), **REQUIRED)
    approved_by = _texts(**REQUIRED)
    contacts = sourced(Flag(), **REQUIRED)
    months = sourced(Many(Whole(least=1, most=12), least=1), **REQUIRED)
    after_opening = sourced(Whole(least=1), load_default=None)

    @validates_schema
    def _shares_are_whole(self, data: dict[str, Any], **_: object) -> None:
        if sum(level.percent for level in data["levels"]) != _ALL:
            raise marshmallow.ValidationError("must add up to 100 percent", "levels")


class _ListedRow(Row):
    builds = Listed
    code = Text(**REQUIRED)
    allocated_by = Many(Text(), least=1, **REQUIRED)
    channels = _texts(load_default=None)
    screened = Flag(load_default=False)
    source = source()


class _AllocationRow(Row):
    builds = Allocation
    kinds = Table(_ListedRow(), **REQUIRED)
    first_contact = sourced_duration(load_default=None)
    detail = sourced(Whole(least=1), load_default=None)
    each_morning = sourced(_TimeOfDay(), load_default=None)
    quota = sourced(Whole(least=1), load_default=None)
    regions = sourced(Flag(), load_default=None)


class _StaffingRow(Row):
    builds = Staffing
    span = sourced(Whole(least=1), load_default=None)
    heads = sourced(Whole(least=1), load_default=None)


class AccountRulesRow(Row):
    """The section ``accounts``."""

    builds = AccountRules
    entry = nested(_EntryRow(), load_default=None)
    likeness = Table(_WeightRow(), load_default=())
    conflicts = nested(_ConflictsRow(), load_default=None)
    merging = nested(_MergingRow(), load_default=None)
    ownership = nested(_OwnershipRow(), load_default=None)
    grading = nested(_GradingRow(), load_default=None)
    allocation = nested(_AllocationRow(), load_default=None)
    levelling = sourced(Flag(), load_default=None)
    staffing = nested(_StaffingRow(), load_default=None)


def roles_of_accounts(rules: AccountRules) -> Iterator[tuple[str, str]]:
    """Yield every role the section gives something to, with its path."""
    conflicts, ownership, allocation = rules.conflicts, rules.ownership, rules.allocation
    if conflicts is not None:
        for name in ("ruled_by", "arbitrated_by"):
            yield from ((f"accounts.conflicts.{name}", role) for role in getattr(conflicts, name).value)
    if ownership is not None:
        yield from (("accounts.ownership.transfer", role) for role in ownership.transfer.value)
        yield from ((f"accounts.ownership.pools.{pool.code}", pool.role) for pool in ownership.pools)
    if rules.merging is not None:
        yield from (("accounts.merging.decided_by", role) for role in rules.merging.decided_by.value)
    if rules.grading is not None:
        yield from (("accounts.grading.approved_by", role) for role in rules.grading.approved_by.value)
    if allocation is not None:
        for kind in allocation.kinds:
            yield from ((f"accounts.allocation.kinds.{kind.code}", role) for role in kind.allocated_by)
