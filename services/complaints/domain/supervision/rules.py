"""What a rulebook says about supervision: who starts it, urges (催办), reports to superiors, referrals, feedback."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from services.complaints.domain.rulebook import Grant
from shared.regulations.values import Sourced
from shared.worktime import Duration

#: What the clocks of urges, reports and referrals are called by, each before a dot and its own number or code.
URGE, REPORT, REFERRAL = "urge", "report", "referral"


class FeedbackOf(StrEnum):
    """The cases that do not close before the result was fed back."""

    EVERY = "every"
    URGED = "urged"


@dataclass(frozen=True, slots=True)
class StartRule:
    """Who may put a case under supervision, and release it."""

    grants: tuple[Grant, ...]
    source: str


@dataclass(frozen=True, slots=True)
class AutomaticRule:
    """That cases come under supervision by themselves: on one of ``levels``, or with a breach of one of ``breaches``.

    A breach is named by its clock, or by what stands before the dot of its name. ``lead`` is who leads the handling.
    """

    code: str
    supervisor: str
    source: str
    levels: tuple[str, ...] = ()
    breaches: tuple[str, ...] = ()
    lead: str | None = None

    def caused_by(self, clock: str) -> bool:
        """Tell whether a breach of ``clock`` is one of those named."""
        return clock in self.breaches or clock.partition(".")[0] in self.breaches


@dataclass(frozen=True, slots=True)
class Escalation:
    """That the urge of the number ``after``, and any later one, brings the case before ``to``, once."""

    after: int
    to: str
    source: str


@dataclass(frozen=True, slots=True)
class UrgeRule:
    """Who may urge, how often at most on one case, how long apart, and by when each is answered."""

    grants: tuple[Grant, ...]
    source: str
    at_most: Sourced[int] | None = None
    apart: Sourced[Duration] | None = None
    answer_within: Sourced[Duration] | None = None
    escalation: Escalation | None = None


@dataclass(frozen=True, slots=True)
class ReportRule:
    """A duty to report a case to ``to``: on ``levels``, or where it threatens to grow or to reach the press.

    Without either it is a right: whoever may report does so where they think it fit.
    """

    code: str
    name: str
    to: str
    grants: tuple[Grant, ...]
    source: str
    levels: tuple[str, ...] = ()
    endangered: bool = False
    within: Sourced[Duration] | None = None

    def due(self, level: str, *, endangered: bool) -> bool:
        """Tell whether a case of ``level`` has to be reported."""
        return level in self.levels or (self.endangered and endangered)


@dataclass(frozen=True, slots=True)
class ReferralRule:
    """That a case may be handed to a department (转办): by whom, how long it has, who confirms that it is done."""

    code: str
    name: str
    grants: tuple[Grant, ...]
    returns: tuple[Grant, ...]
    source: str
    within: Sourced[Duration] | None = None
    holds_closing: bool = False


@dataclass(frozen=True, slots=True)
class FeedbackRule:
    """That a case does not close before the customer was told the result, after the last reply."""

    of: FeedbackOf
    source: str


@dataclass(frozen=True, slots=True)
class ApologyRule:
    """That an apology comes first (先道歉): without one the decision is refused, or only marked."""

    required: bool
    source: str


@dataclass(frozen=True, slots=True)
class SupervisionRules:
    """Everything a rulebook says about supervision; what is empty is not armed."""

    starts: StartRule | None = None
    automatic: tuple[AutomaticRule, ...] = ()
    urges: UrgeRule | None = None
    reports_up: tuple[ReportRule, ...] = ()
    referrals: tuple[ReferralRule, ...] = ()
    tell_customer: Sourced[bool] | None = None
    feedback: FeedbackRule | None = None
    apology_first: ApologyRule | None = None

    def report(self, code: str) -> ReportRule | None:
        """Return the duty to report called ``code``."""
        return next((rule for rule in self.reports_up if rule.code == code), None)

    def referral(self, code: str) -> ReferralRule | None:
        """Return how a case is referred to the department ``code``."""
        return next((rule for rule in self.referrals if rule.code == code), None)
