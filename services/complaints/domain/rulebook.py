"""What an organisation's rulebook says about complaint cases, as typed immutable values.

Everything a handbook leaves open is ``None`` or empty, and the mechanism behind it is unarmed.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING

from services.complaints.domain.liability.rules import LiabilityRules
from services.complaints.domain.money.rules import AuthorityRules, OfferRules
from shared.clocks import WarnPoint
from shared.regulations.values import Sourced
from shared.worktime import Duration

if TYPE_CHECKING:
    # The rules of a path are made of grants; at run time they come after this module.
    from services.complaints.domain.dispute.rules import DisputeRules
    from services.complaints.domain.investigation.rules import InvestigationRules
    from services.complaints.domain.path.rules import Path
    from services.complaints.domain.receiving.rules import ReceivingRules
    from services.complaints.domain.supervision.rules import SupervisionRules


class ClockStart(StrEnum):
    """The moment a clock counts from."""

    RECEIVED = "received"
    ACCEPTED = "accepted"
    FOUND_INVALID = "found_invalid"


class ClockEnd(StrEnum):
    """The step that meets a clock."""

    CONTACTED = "contacted"
    REPLIED = "replied"
    HANDLED = "handled"
    CLOSED = "closed"
    #: An entry of progress, or a reply.
    PROGRESSED = "progressed"
    #: The customer is told how things stand, or is given a reply.
    TOLD = "told"


class AppliesTo(StrEnum):
    """Which cases a clock runs on, by the decision on validity."""

    ANY = "any"
    VALID = "valid"
    INVALID = "invalid"


class CloseCondition(StrEnum):
    """What must have happened before a case may close."""

    REPLY = "reply"
    CALLBACK = "callback"


class Step(StrEnum):
    """The steps of a case for which a rulebook names who may take them."""

    DECIDE_VALIDITY = "decide_validity"
    HANDLE = "handle"
    REPLY = "reply"
    CLOSE = "close"
    ASSIGN = "assign"
    SET_LEVEL = "set_level"


@dataclass(frozen=True, slots=True)
class Choice:
    """One permitted value of a field: its code, its Chinese name and the rule that lists it."""

    code: str
    name: str
    source: str


@dataclass(frozen=True, slots=True)
class LevelTests:
    """What lifts a case to a level; a test that is ``None`` or ``False`` is not asked.

    Amounts are yuan. ``households_from`` and ``amount_from`` include the bound, ``amount_above`` does not.
    """

    households_from: int | None = None
    amount_from: Decimal | None = None
    amount_above: Decimal | None = None
    media: bool = False
    lawsuit: bool = False
    escalations_from: int | None = None

    def met_by(self, facts: LevelFacts) -> tuple[str, ...]:
        """Return the names of the tests that ``facts`` meet; empty when none."""
        amount = facts.amount
        outcomes = (
            ("households", self.households_from is not None and facts.households >= self.households_from),
            (
                "amount",
                amount is not None
                and (
                    (self.amount_from is not None and amount >= self.amount_from)
                    or (self.amount_above is not None and amount > self.amount_above)
                ),
            ),
            ("media", self.media and facts.media),
            ("lawsuit", self.lawsuit and facts.lawsuit),
            (
                "escalations",
                self.escalations_from is not None and facts.escalations >= self.escalations_from,
            ),
        )
        return tuple(name for name, met in outcomes if met)


@dataclass(frozen=True, slots=True)
class LevelFacts:
    """What is known of a case that decides its level; ``amount`` is the compensation asked for, in yuan."""

    households: int = 1
    amount: Decimal | None = None
    media: bool = False
    lawsuit: bool = False
    escalations: int = 0


@dataclass(frozen=True, slots=True)
class Level:
    """One level of seriousness: code, Chinese name, what lifts a case to it, and its rule."""

    code: str
    name: str
    tests: LevelTests
    source: str


@dataclass(frozen=True, slots=True)
class LevelDecision:
    """The level a case has, and ``because``: the tests it met (empty for the lowest level)."""

    level: Level
    because: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ClockRule:
    """A named deadline: where it starts, what meets it, on which cases it runs, and how long it is.

    Exactly one of ``duration`` and ``by_level`` is filled; ``by_level`` then names every level except those
    of ``without_limit``, the highest ones, to which the source expressly gives no time. ``warn_at`` takes the
    place of the rulebook's own warning points where it is given.
    """

    name: str
    starts: ClockStart
    ends: ClockEnd
    applies_to: AppliesTo
    duration: Sourced[Duration] | None
    by_level: tuple[tuple[str, Sourced[Duration]], ...]
    without_limit: Sourced[tuple[str, ...]] | None = None
    warn_at: Sourced[tuple[WarnPoint, ...]] | None = None
    #: Begins again whenever it was met, as long as the case is handled.
    repeats: bool = False
    sources: tuple[str, ...] = ()

    def runs_for(self, source: str) -> bool:
        """Tell whether the clock runs on cases of ``source``; one that names none runs on all."""
        return not self.sources or source in self.sources

    def runs_on(self, level: str) -> bool:
        """Tell whether the clock runs on cases of ``level``."""
        return self.without_limit is None or level not in self.without_limit.value

    def duration_for(self, level: str) -> Sourced[Duration]:
        """Return how long the clock runs on a case of ``level``; KeyError for a level it does not run on."""
        if self.duration is not None:
            return self.duration
        return dict(self.by_level)[level]


@dataclass(frozen=True, slots=True)
class Grant:
    """A role that may take a step; with ``channels`` only on cases that came through one of them.

    ``source`` is the grant's own where several rules name the step's roles.
    """

    role: str
    channels: tuple[str, ...] = ()
    source: str | None = None


def role_allowed(grants: Collection[Grant], roles: Collection[str], channel: str) -> str | None:
    """Return which of ``roles`` gives the right on a case from ``channel``; None when none does."""
    for grant in grants:
        if grant.role in roles and (not grant.channels or channel in grant.channels):
            return grant.role
    return None


@dataclass(frozen=True, slots=True)
class StepRule:
    """Who may take a step."""

    step: Step
    grants: tuple[Grant, ...]
    source: str

    def allows(self, roles: Collection[str], channel: str) -> bool:
        """Tell whether somebody holding ``roles`` may take the step on a case from ``channel``."""
        return role_allowed(self.grants, roles, channel) is not None


@dataclass(frozen=True, slots=True)
class PauseRule:
    """That a clock may be paused: by whom, and for which reasons; whoever may pause it may resume it."""

    clock: str
    grants: tuple[Grant, ...]
    reasons: tuple[Choice, ...]
    source: str


@dataclass(frozen=True, slots=True)
class ExtensionRule:
    """That a clock may be given more time: who asks and who approves, for which reasons, how often at most."""

    clock: str
    requests: tuple[Grant, ...]
    approvals: tuple[Grant, ...]
    reasons: tuple[Choice, ...]
    at_most: int
    source: str


@dataclass(frozen=True, slots=True)
class FirstContactMessage:
    """The message sent at once when the first call reaches nobody; followup keeps its text."""

    template: str
    required: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True)
class ComplaintRules:
    """The complaints part of one version of an organisation's rulebook.

    ``levels`` is ordered from the lowest up and never empty. Empty ``grounds``, ``demands`` or
    ``complainant_types`` accept any text; filled ones accept only the codes listed, and a demand or type
    is then required. ``warn_at`` are percents of a clock's span, ascending, and times before its end. A clock
    without a rule in ``pauses`` or ``extensions`` is never paused or given more time.
    """

    complainant_types: tuple[Choice, ...]
    demands: tuple[Choice, ...]
    grounds: tuple[Choice, ...]
    levels: tuple[Level, ...]
    clocks: tuple[ClockRule, ...]
    warn_at: Sourced[tuple[WarnPoint, ...]]
    close_condition: Sourced[CloseCondition]
    steps: tuple[StepRule, ...]
    prevention_required: Sourced[bool] | None = None
    next_reply_time_required: Sourced[bool] | None = None
    repeat_escalates: Sourced[bool] | None = None
    late_entry_escalates: Sourced[bool] | None = None
    first_contact_message: FirstContactMessage | None = None
    pauses: tuple[PauseRule, ...] = ()
    extensions: tuple[ExtensionRule, ...] = ()
    liability: LiabilityRules | None = None
    authority: AuthorityRules | None = None
    offers: OfferRules | None = None
    path: Path | None = None
    supervision: SupervisionRules | None = None
    disputes: DisputeRules | None = None
    receiving: ReceivingRules | None = None
    #: What every case must have a time limit for, so that no rulebook leaves it out.
    limits_required: Sourced[tuple[ClockEnd, ...]] | None = None
    #: Words no reply to a customer holds.
    reply_without: Sourced[tuple[str, ...]] | None = None
    investigation: InvestigationRules | None = None

    def clock(self, name: str) -> ClockRule | None:
        """Return the clock called ``name``, or ``None`` when the rulebook does not arm it."""
        return next((clock for clock in self.clocks if clock.name == name), None)

    def pause_rule(self, clock: str) -> PauseRule | None:
        """Return how ``clock`` may be paused; ``None`` when it may not."""
        return next((rule for rule in self.pauses if rule.clock == clock), None)

    def extension_rule(self, clock: str) -> ExtensionRule | None:
        """Return how ``clock`` may be given more time; ``None`` when it may not."""
        return next((rule for rule in self.extensions if rule.clock == clock), None)

    def step(self, step: Step) -> StepRule:
        """Return who may take ``step``; every rulebook names that for every step."""
        return next(rule for rule in self.steps if rule.step is step)

    def level(self, code: str) -> Level:
        """Return the level called ``code``; KeyError when the rulebook has none of that code."""
        return {level.code: level for level in self.levels}[code]

    def level_of(self, facts: LevelFacts) -> LevelDecision:
        """Return the highest level whose tests ``facts`` meet; the lowest level when they meet none."""
        for level in reversed(self.levels):
            because = level.tests.met_by(facts)
            if because:
                return LevelDecision(level, because)
        return LevelDecision(self.levels[0], ())

    def households_matter(self, before: int, after: int) -> bool:
        """Return whether growing from ``before`` to ``after`` households can lift a case to another level."""
        return any(before < border <= after for border in self.household_borders)

    def next_border(self, households: int) -> int | None:
        """Return the number of households that could lift a case that knows of ``households``, if any can."""
        return min((border for border in self.household_borders if border > households), default=None)

    @property
    def household_borders(self) -> tuple[int, ...]:
        """The numbers of households from which on a case may be of another level."""
        asked = (level.tests.households_from for level in self.levels)
        return tuple(sorted(border for border in asked if border is not None))
