"""What a rulebook says about liability (责任归属), penalties (罚扣) and sanctions (处分), as immutable values.

Everything a handbook leaves open is ``None`` or empty, and what rests on it is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from shared.regulations.values import Sourced


class Liable(StrEnum):
    """To whom a complaint is attributed, the narrowest first."""

    PERSON = "person"
    GROUP = "group"
    DEPARTMENT = "department"


class Phase(StrEnum):
    """What must have become of a case before liability for it is attributed."""

    VALID = "valid"
    CLOSED = "closed"


class Fund(StrEnum):
    """What a sum is taken from."""

    PERFORMANCE_BONUS = "performance_bonus"
    WAGE = "wage"


class Base(StrEnum):
    """The sum of which a sanction takes a part."""

    PERFORMANCE_BONUS = "performance_bonus"
    #: The part of the performance bonus that one base point stands for; counts once for each of the person's points.
    BONUS_PER_POINT = "bonus_per_point"
    EFFICIENCY_BONUS = "efficiency_bonus"


@dataclass(frozen=True, slots=True)
class Area:
    """A part of the organisation: to which levels its complaints may be attributed, the narrowest first.

    For the ``justified`` levels it must be said why nobody narrower can be found.
    """

    code: str
    name: str
    levels: tuple[Liable, ...]
    source: str
    justified: tuple[Liable, ...] = ()


@dataclass(frozen=True, slots=True)
class AttributionRule:
    """The roles that attribute, after which phase of the case, in which areas."""

    roles: tuple[str, ...]
    areas: tuple[Area, ...]
    after: Sourced[Phase]
    source: str

    def area(self, code: str) -> Area | None:
        """Return the area called ``code``."""
        return next((area for area in self.areas if area.code == code), None)


@dataclass(frozen=True, slots=True)
class ApprovalRule:
    """The roles that propose and those that approve; never the same person."""

    proposals: tuple[str, ...]
    approvals: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True)
class FormulaRule:
    """Loss / total base points of the department x the person's base points (罚扣金额).

    ``by_department``: groups and whole departments are charged too, everybody by their points.
    """

    paid_from: Sourced[Fund]
    payee: Sourced[str]
    source: str
    by_department: Sourced[bool] | None = None


@dataclass(frozen=True, slots=True)
class CapRule:
    """At most so many percent of the month's performance bonus a month; the rest follows in later months."""

    percent: int
    source: str


@dataclass(frozen=True, slots=True)
class JointRule:
    """Somebody who is liable with the person fined (连带责任): a post and its sum for each case, in yuan."""

    post: str
    name: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class FineRule:
    """A fixed fine (罚款) for an offence, in yuan for each case.

    With ``doubles`` each further case of the same person in the same calendar month costs twice the one before.
    From the ``dismissal_from``-th on there is no fine: dismissal is proposed. ``late_only``: only for cases that
    missed a deadline.
    """

    code: str
    offence: str
    amount: Decimal
    paid_from: Fund
    source: str
    doubles: bool = False
    dismissal_from: int | None = None
    late_only: bool = False
    joint: tuple[JointRule, ...] = ()


@dataclass(frozen=True, slots=True)
class PointStep:
    """From ``count`` cases in a month on they cost ``points`` in all."""

    count: int
    points: Decimal


@dataclass(frozen=True, slots=True)
class PointRule:
    """Points deducted for an offence (扣分): ``single`` each, until a step replaces them by its total."""

    code: str
    offence: str
    single: Decimal
    steps: tuple[PointStep, ...]
    source: str


@dataclass(frozen=True, slots=True)
class Conversion:
    """What a sanction costs: ``percent`` of ``base``. ``doubt`` says why the printed value is doubtful."""

    base: Base
    percent: int
    source: str
    doubt: str | None = None


@dataclass(frozen=True, slots=True)
class FormRule:
    """One form of sanction; ``serious_only``: not below the severity that stands for it."""

    code: str
    name: str
    source: str
    serious_only: bool = False
    conversion: Conversion | None = None


@dataclass(frozen=True, slots=True)
class GroundRule:
    """One ground for a sanction; ``severe``: only the severest form answers it, and the law may follow."""

    code: str
    name: str
    source: str
    needs_text: bool = False
    severe: bool = False


@dataclass(frozen=True, slots=True)
class SanctionRule:
    """Sanctions: the ladder of forms from the mildest up, the grounds, and what a proposal must hold.

    Severity n stands for the n-th form; with ``deviation_needs_reason`` another one needs a reason. With
    ``notice_form`` behaviour and effects are described on the breach notice form (违纪通报表).
    """

    forms: tuple[FormRule, ...]
    approval: ApprovalRule
    grounds: tuple[GroundRule, ...] = ()
    deviation_needs_reason: Sourced[bool] | None = None
    notice_form: Sourced[bool] | None = None

    def form(self, code: str) -> FormRule | None:
        """Return the form called ``code``."""
        return next((form for form in self.forms if form.code == code), None)

    def ground(self, code: str) -> GroundRule | None:
        """Return the ground called ``code``."""
        return next((ground for ground in self.grounds if ground.code == code), None)


@dataclass(frozen=True, slots=True)
class MonthStep:
    """One step of the month: who takes it, and for the review by which day of the next month."""

    roles: tuple[str, ...]
    source: str
    by_day: int | None = None


@dataclass(frozen=True, slots=True)
class LiabilityRules:
    """The liability part of a rulebook. ``fine_in_use`` names, by offence, which of several fines is the own one."""

    attribution: AttributionRule | None = None
    penalties: ApprovalRule | None = None
    formula: FormulaRule | None = None
    cap: CapRule | None = None
    fines: tuple[FineRule, ...] = ()
    fine_in_use: tuple[tuple[str, Sourced[str]], ...] = ()
    points: tuple[PointRule, ...] = ()
    sanctions: SanctionRule | None = None
    appeals: MonthStep | None = None
    review: MonthStep | None = None
    notice: MonthStep | None = None
    closing: MonthStep | None = None

    def roles(self) -> Iterator[tuple[str, str]]:
        """Yield every role named, with its dotted path below the liability part."""
        named: dict[str, tuple[str, ...]] = {}
        if self.attribution is not None:
            named["attribution.roles"] = self.attribution.roles
        approvals = {"penalties": self.penalties}
        if self.sanctions is not None:
            approvals["sanctions.approval"] = self.sanctions.approval
        for path, approval in approvals.items():
            if approval is not None:
                named[f"{path}.proposals"] = approval.proposals
                named[f"{path}.approvals"] = approval.approvals
        steps = {"appeals": self.appeals, "review": self.review, "notice": self.notice}
        for path, step in {**steps, "closing": self.closing}.items():
            if step is not None:
                named[f"{path}.roles"] = step.roles
        for path, roles in named.items():
            for number, role in enumerate(roles):
                yield f"{path}.{number}", role
