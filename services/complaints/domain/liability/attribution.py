"""Attribution (责任归属): to which person, group or department a complaint is put down, and why."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from services.complaints.domain.case import Case
from services.complaints.domain.liability.checks import not_concerned, refused, wrong
from services.complaints.domain.liability.rules import Area, AttributionRule, Liable, Phase
from services.complaints.domain.states import CaseState
from shared.aggregate import Aggregate
from shared.authority import must_hold
from shared.errors import RuleRefused
from shared.history import Cause, timestamp


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found: area, level, the department, the group if one, the persons known, and the reasons.

    ``unattributable`` says why nobody narrower can be named.
    """

    area: str
    level: Liable
    department: str
    group: str | None
    persons: tuple[str, ...]
    reason: str
    unattributable: str | None


@dataclass(frozen=True, slots=True)
class Attribution:
    """A finding as it was made: by whom and when, under which rule."""

    finding: Finding
    by: str
    at: datetime
    source: str


@dataclass(kw_only=True)
class Liability(Aggregate):
    """The liability for one case: every attribution made, the last one in force."""

    case_id: str
    regulation: str
    attributions: list[Attribution] = field(default_factory=list)

    @property
    def current(self) -> Attribution:
        """Return the attribution in force."""
        return self.attributions[-1]

    @property
    def revision(self) -> int:
        """Return the number of the attribution in force."""
        return len(self.attributions)

    def check_unchanged(self, revision: int) -> None:
        """Refuse what was proposed on an attribution that is no longer in force."""
        if revision != self.revision:
            message = f"case {self.case_id} was attributed anew since this was proposed: propose it again"
            raise RuleRefused(message, rule="design")

    def attribute(
        self,
        rule: AttributionRule,
        finding: Finding,
        case: Case,
        *,
        roles: Collection[str],
        at: datetime,
        cause: Cause,
    ) -> None:
        """Attribute the case anew.

        RuleRefused to somebody without the right or among the persons named, before the case has come so far,
        in an area or at a level the rulebook does not have, and without the reason it wants.
        """
        must_hold(rule.roles, roles, "attributing liability", rule.source)
        not_concerned(cause.actor, finding.persons, "attributing liability", rule.source)
        _check_phase(rule, case)
        area = rule.area(finding.area)
        if area is None:
            listed = ", ".join(known.code for known in rule.areas)
            raise refused("the rulebook has no such area", rule.source, "area", f"must be one of {listed}")
        _check_level(area, finding)
        self.attributions.append(Attribution(finding, cause.actor, at, area.source))
        data = {
            "liability_id": self.id,
            "case_id": self.case_id,
            "area": finding.area,
            "level": finding.level.value,
            "department": finding.department,
            "group": finding.group,
            "staff": list(finding.persons),
            "revision": len(self.attributions),
            "source": area.source,
            "by": cause.actor,
            "attributed_at": timestamp(at),
        }
        self.record("liability_attributed", data, at=at, cause=cause)


def check_persons(persons: Sequence[str]) -> tuple[str, ...]:
    """Return ``persons``; ValidationFailed when one is named twice."""
    if len(set(persons)) != len(persons):
        raise wrong("persons", "names somebody twice")
    return tuple(persons)


def _check_phase(rule: AttributionRule, case: Case) -> None:
    if case.valid is not True:
        raise RuleRefused(f"case {case.id} was not found valid: nobody is liable for it", rule=rule.source)
    if rule.after.value is Phase.CLOSED and case.state is not CaseState.CLOSED:
        message = f"case {case.id} is {case.state}: liability is attributed once it is closed"
        raise RuleRefused(message, rule=rule.after.source)


def _check_level(area: Area, finding: Finding) -> None:
    level = finding.level
    if level not in area.levels:
        listed = ", ".join(area.levels)
        raise refused(
            f"{area.code} is attributed to {listed}", area.source, "level", f"must be one of {listed}"
        )
    if level is Liable.PERSON and not finding.persons:
        raise refused("a person is to be named", area.source, "persons", "is missing")
    if (level is Liable.GROUP) != (finding.group is not None):
        reason = "is missing" if finding.group is None else f"belongs only to the level {Liable.GROUP}"
        raise refused("a group is named where one is liable", area.source, "group", reason)
    if level in area.justified and not finding.unattributable:
        narrower = ", ".join(area.levels[: area.levels.index(level)])
        message = f"a {level} is liable only where nobody narrower can be found ({narrower}): say why"
        raise refused(message, area.source, "unattributable", "is missing")
    if level not in area.justified and finding.unattributable:
        raise wrong("unattributable", f"does not belong to the level {level}")
