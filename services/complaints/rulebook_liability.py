"""Reading the liability part of the complaints rulebooks: the shape of the key ``liability``."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import marshmallow
from marshmallow import fields, validates_schema

from services.complaints.domain.liability.rules import (
    ApprovalRule,
    Area,
    AttributionRule,
    Base,
    CapRule,
    Conversion,
    FineRule,
    FormRule,
    FormulaRule,
    Fund,
    GroundRule,
    JointRule,
    LiabilityRules,
    Liable,
    MonthStep,
    Phase,
    PointRule,
    PointStep,
    SanctionRule,
)
from shared.ledger import exact
from shared.regulations import Sourced
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
    read_each,
    source,
    sourced,
)

_LAST_SAFE_DAY = 28


class _Sum(Exact):
    """A sum in yuan, or points: not negative, at most two decimals."""

    def read(self, value: object) -> Any:
        """Read one value."""
        number = super().read(value)
        try:
            return exact(number)
        except ValueError as error:
            raise marshmallow.ValidationError(str(error)) from None


def _some_roles() -> fields.Field[Any]:
    return Many(Text(), least=1, **REQUIRED)


class _AreaRow(Row):
    builds = Area
    code = Text()
    name = Text(**REQUIRED)
    levels = Many(OneOf(Liable), least=1, **REQUIRED)
    justified = Many(OneOf(Liable), load_default=())
    source = source()

    @validates_schema
    def _narrowest_first(self, data: dict[str, Any], **_: object) -> None:
        order = [level for level in Liable if level in data["levels"]]
        if list(data["levels"]) != order:
            raise marshmallow.ValidationError(f"must stand narrowest first: {', '.join(order)}", "levels")
        wrong = [level for level in data["justified"] if level not in data["levels"][1:]]
        if wrong:
            reason = f"{wrong[0]} is not a level above the narrowest one"
            raise marshmallow.ValidationError(reason, "justified")


class _AttributionRow(Row):
    builds = AttributionRule
    roles = _some_roles()
    areas = Table(_AreaRow(), **REQUIRED)
    after = sourced(OneOf(Phase), required=True)
    source = source()


class _ApprovalRow(Row):
    builds = ApprovalRule
    proposals = _some_roles()
    approvals = _some_roles()
    source = source()


class _FormulaRow(Row):
    builds = FormulaRule
    paid_from = sourced(OneOf(Fund), required=True)
    payee = sourced(Text(), required=True)
    by_department = sourced(Flag())
    source = source()


class _CapRow(Row):
    builds = CapRule
    percent = Whole(least=1, most=100, **REQUIRED)
    source = source()


class _JointRow(Row):
    builds = JointRule
    post = Text(**REQUIRED)
    name = Text(**REQUIRED)
    amount = _Sum(**REQUIRED)


class _FineRow(Row):
    builds = FineRule
    code = Text()
    offence = Text(**REQUIRED)
    amount = _Sum(**REQUIRED)
    paid_from = OneOf(Fund, **REQUIRED)
    doubles = Flag(load_default=False)
    dismissal_from = Whole(least=2)
    late_only = Flag(load_default=False)
    joint = Many(nested(_JointRow()), load_default=())
    source = source()

    @validates_schema
    def _posts_once(self, data: dict[str, Any], **_: object) -> None:
        posts = [rule.post for rule in data["joint"]]
        if len(set(posts)) != len(posts):
            raise marshmallow.ValidationError("names a post twice", "joint")


class _PointStepRow(Row):
    builds = PointStep
    count = Whole(least=1, **REQUIRED)
    points = _Sum(**REQUIRED)


class _PointsRow(Row):
    builds = PointRule
    code = Text()
    offence = Text(**REQUIRED)
    single = _Sum(**REQUIRED)
    steps = Many(nested(_PointStepRow()), load_default=())
    source = source()

    @validates_schema
    def _steps_rise(self, data: dict[str, Any], **_: object) -> None:
        steps = data["steps"]
        before = [(steps[0].count - 1, data["single"] * (steps[0].count - 1))] if steps else []
        ladder = [*before, *((step.count, step.points) for step in steps)]
        for (count, points), (next_count, next_points) in pairwise(ladder):
            if next_count <= count or next_points < points:
                raise marshmallow.ValidationError(
                    "must rise, and cost no less than what they replace", "steps"
                )


class _ConversionRow(Row):
    builds = Conversion
    base = OneOf(Base, **REQUIRED)
    percent = Whole(least=1, most=100, **REQUIRED)
    doubt = Text()
    source = source()


class _FormRow(Row):
    builds = FormRule
    code = Text(**REQUIRED)
    name = Text(**REQUIRED)
    serious_only = Flag(load_default=False)
    conversion = nested(_ConversionRow())
    source = source()


class _GroundRow(Row):
    builds = GroundRule
    code = Text(**REQUIRED)
    name = Text(**REQUIRED)
    needs_text = Flag(load_default=False)
    severe = Flag(load_default=False)
    source = source()


class _SanctionsRow(Row):
    builds = SanctionRule
    forms = Many(nested(_FormRow()), least=1, **REQUIRED)
    grounds = Many(nested(_GroundRow()), load_default=())
    approval = nested(_ApprovalRow(), required=True)
    deviation_needs_reason = sourced(Flag())
    notice_form = sourced(Flag())


class _MonthStepRow(Row):
    builds = MonthStep
    roles = _some_roles()
    by_day = Whole(least=1, most=_LAST_SAFE_DAY)
    source = source()


class _Chosen(Value[tuple[tuple[str, Sourced[str]], ...]]):
    """A mapping of offences to the fine in use for each, with who decided that."""

    def read(self, value: object) -> tuple[tuple[str, Sourced[str]], ...]:
        """Return the pairs in the order of the file."""
        if not isinstance(value, dict):
            raise marshmallow.ValidationError("must be a mapping of offences to fines")
        chosen = sourced(Text())
        return read_each(value, lambda offence, fine: (offence, chosen.deserialize(fine)))


class LiabilitySchema(Row):
    """The key ``liability`` of a complaints rulebook."""

    builds = LiabilityRules
    attribution = nested(_AttributionRow())
    penalties = nested(_ApprovalRow())
    formula = nested(_FormulaRow())
    cap = nested(_CapRow())
    fines = Table(_FineRow(), load_default=())
    fine_in_use = _Chosen(load_default=())
    points = Table(_PointsRow(), load_default=())
    sanctions = nested(_SanctionsRow())
    appeals = nested(_MonthStepRow())
    review = nested(_MonthStepRow())
    notice = nested(_MonthStepRow())
    closing = nested(_MonthStepRow())

    @validates_schema
    def _codes_are_told_apart(self, data: dict[str, Any], **_: object) -> None:
        fines = {fine.code for fine in data["fines"]}
        both = sorted(fines & {points.code for points in data["points"]})
        if both:
            raise marshmallow.ValidationError({"points": {both[0]: ["is the code of a fine already"]}})

    @validates_schema
    def _chosen_fines_exist(self, data: dict[str, Any], **_: object) -> None:
        offences = {fine.code: fine.offence for fine in data["fines"]}
        wrong = {
            offence: ["there is no such fine for this offence"]
            for offence, chosen in data["fine_in_use"]
            if offences.get(chosen.value) != offence
        }
        if wrong:
            raise marshmallow.ValidationError({"fine_in_use": wrong})

    @validates_schema
    def _somebody_approves(self, data: dict[str, Any], **_: object) -> None:
        charges = data.get("formula") or data["fines"] or data["points"]
        if charges and data.get("penalties") is None:
            raise marshmallow.ValidationError("is missing: nobody could propose or approve", "penalties")


def liability_field() -> fields.Field[Any]:
    """Return the field for the key ``liability``."""
    return nested(LiabilitySchema())


def liability_roles(rules: LiabilityRules | None) -> Iterator[tuple[str, str]]:
    """Yield every role the liability part names, with its path in the rulebook."""
    for path, role in rules.roles() if rules is not None else ():
        yield f"liability.{path}", role
