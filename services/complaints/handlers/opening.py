"""Use case: open cases for routed complaints; repeats join their case, the same problem in many households lifts it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from services.complaints.domain.case import Case
from services.complaints.domain.claim import Claim
from services.complaints.domain.receiving.rules import origin_of
from services.complaints.domain.rulebook import ComplaintRules
from services.complaints.domain.timing import Timing
from services.complaints.metrics import CASES_OPENED
from shared.clock import Clock
from shared.errors import Conflict
from shared.history import Cause, moment_of
from shared.ids import derived_id
from shared.messaging.envelope import CloudEvent
from shared.regulations import Regulation, Rulebooks
from shared.worktime.calendars import Calendars

if TYPE_CHECKING:
    from services.complaints.matters import Waiting
    from services.complaints.repository import CaseRepository

#: How often a batch starts over because another replica changed one of its cases.
_ATTEMPTS = 5
#: How many cases of a matter are lifted in one go.
_LIFTED_AT_ONCE = 250


@dataclass(frozen=True, slots=True)
class Routed:
    """What a ``contact_routed`` event says of a complaint."""

    org: str
    contact_id: str
    number: str
    customer_id: str
    unit_id: str | None
    channel: str
    received_at: datetime
    claim: Claim
    cause: Cause
    taken_by: str | None = None

    @property
    def case_id(self) -> str:
        """Return the id of the case this contact would open."""
        return derived_id("cs", self.contact_id)

    @property
    def matter_id(self) -> str:
        """Return the id all cases of the same problem share."""
        return matter_of(self.org, self.claim.problem)


def matter_of(org: str, problem: str) -> str:
    """Return the id all cases of ``org`` about ``problem`` share."""
    return derived_id("mt", org, problem)


def routed_of(event: CloudEvent) -> Routed | None:
    """Read the event; None when the contact goes elsewhere.

    Raises KeyError, ValueError, TypeError, AttributeError or ArithmeticError when fields are missing or wrong.
    """
    data = event.data
    if data["routed_to"] != "complaints":
        return None
    for name in ("contact_id", "number", "customer_id", "channel"):
        if not isinstance(data[name], str):
            message = f"{name} is no text"
            raise TypeError(message)
    claim = data["complaint"] or {}
    amount = claim.get("amount")
    return Routed(
        org=event.org,
        contact_id=data["contact_id"],
        number=data["number"],
        customer_id=data["customer_id"],
        unit_id=data["unit_id"],
        channel=data["channel"],
        received_at=moment_of(data["received_at"]),
        claim=Claim(
            problem=claim.get("problem") or data["contact_id"],
            complainant_type=claim.get("complainant_type"),
            ground=claim.get("ground"),
            demand=claim.get("demand"),
            amount=None if amount is None else Decimal(amount),
            media=bool(claim.get("media")),
            lawsuit=bool(claim.get("lawsuit")),
        ),
        cause=Cause(event.key, "system", event.traceparent),
        taken_by=_taker(data.get("first_responsible")),
    )


def _taker(responsible: object) -> str | None:
    """Return who took the contact, where somebody did: an older event does not say it."""
    staff = responsible.get("staff") if isinstance(responsible, Mapping) else None
    return staff if isinstance(staff, str) else None


class Rules:
    """Finds the rulebook and the calendar that govern a case."""

    def __init__(self, rulebooks: Rulebooks[ComplaintRules], calendars: Calendars) -> None:
        """Use the loaded rulebooks and calendars."""
        self._rulebooks = rulebooks
        self._calendars = calendars

    def in_force(self, org: str, at: datetime) -> Regulation[ComplaintRules]:
        """Return what is in force for ``org`` at ``at``."""
        return self._rulebooks.for_org(org, at)

    def end_of_day(self, org: str, at: datetime) -> datetime:
        """Return when the day of ``org`` that ``at`` lies in ends."""
        zone = self._calendars.by_name(self._rulebooks.organisation(org).calendar).zone
        day = at.astimezone(zone).date() + timedelta(days=1)
        return datetime.combine(day, time.min, zone)

    def timing(self, org: str, version: str) -> Timing:
        """Return the clocks of the rulebook's ``version`` in the organisation's calendar."""
        regulation = self._rulebooks.of_version(org, version)
        calendar = self._calendars.by_name(self._rulebooks.organisation(org).calendar)
        return Timing(regulation.sections, calendar)


class OpenCases:
    """Takes whole batches; doing one again changes nothing."""

    def __init__(self, repository: CaseRepository, rules: Rules, clock: Clock) -> None:
        """Use the repository for cases."""
        self._repository = repository
        self._rules = rules
        self._clock = clock

    def __call__(self, batch: Sequence[Routed]) -> set[str]:
        """Open or join cases for ``batch``; return the ids of the contacts that had a case before.

        Whether a contact has a case is not asked beforehand: no contact can get a second one, and whoever is
        refused for that is looked up then.
        """
        waiting, known = list(batch), set[str]()
        for attempt in range(_ATTEMPTS):
            if attempt:
                known |= self._repository.contacts_known([routed.contact_id for routed in waiting]).keys()
                waiting = [routed for routed in waiting if routed.contact_id not in known]
            seen, waiting = self._open_or_join(waiting)
            known |= seen
            if not waiting:
                break
        else:
            message = "other replicas keep opening and changing the same cases: try again"
            raise Conflict(message)
        # Also for the known ones: whoever opened them may have died before this step.
        self.relevel({routed.matter_id: routed.cause for routed in batch})
        return known

    def _open_or_join(self, batch: Sequence[Routed]) -> tuple[set[str], list[Routed]]:
        """Open or join a case for each; return whose contacts had one, and those somebody else came before."""
        now = self._clock.now()
        known: set[str] = set()
        cases = self._open_by_person(batch)
        since: dict[str, int] = {}
        asked: dict[str, list[Routed]] = defaultdict(list)
        for routed in batch:
            case = cases.get(_person(routed))
            if case is None:
                case = cases[_person(routed)] = self._new_case(routed, now)
            elif routed.contact_id in case.contacts:
                known.add(routed.contact_id)
                continue
            else:
                since.setdefault(case.id, case.history.next_seq)
                timing = self._rules.timing(case.org, case.regulation)
                case.join_repeat(
                    routed.contact_id, routed.channel, routed.claim, timing, at=now, cause=routed.cause
                )
            asked[case.id].append(routed)
        changed = [case for case in cases.values() if case.id in asked]
        opened = [case for case in changed if not case.version]
        self._count_in(opened, {case.id: asked[case.id][0].cause for case in opened}, now)
        inserted = self._repository.insert(opened)
        lost = self._repository.save_all([(case, since[case.id]) for case in changed if case.version])
        for case in opened:
            if case.id in inserted.new:
                CASES_OPENED.labels(level=case.level).inc()
        return known, [routed for case_id in (*inserted.known, *lost) for routed in asked[case_id]]

    def _open_by_person(self, fresh: Sequence[Routed]) -> dict[tuple[str, str, str], Case]:
        cases = self._repository.open_cases_of([_person(routed) for routed in fresh])
        return {(case.org, case.customer_id, case.claim.problem): case for case in cases}

    def _new_case(self, routed: Routed, now: datetime) -> Case:
        regulation = self._rules.in_force(routed.org, routed.received_at)
        case = Case(
            id=routed.case_id,
            org=routed.org,
            number=routed.number,
            contacts=[routed.contact_id],
            customer_id=routed.customer_id,
            unit_id=routed.unit_id,
            channel=routed.channel,
            claim=routed.claim,
            matter_id=routed.matter_id,
            regulation=regulation.version,
            profile=regulation.profile,
            level="",
            received_at=routed.received_at,
            opened_at=now,
            source=origin_of(regulation.sections, routed.channel),
            taken_by=routed.taken_by,
        )
        case.open(self._rules.timing(routed.org, regulation.version), routed.cause)
        return case

    def _count_in(self, cases: Sequence[Case], causes: Mapping[str, Cause], now: datetime) -> None:
        """Let new cases know of the households that are there already, so that few have to be written again."""
        enough = {
            case.matter_id: self._highest_border(case) for case in cases if case.next_border is not None
        }
        homes = self._repository.homes(enough)
        for case in cases:
            there = homes.get(case.matter_id, set()) | {case.unit_id or case.customer_id}
            if self._may_lift(case, len(there)):
                self._raise(case, len(there), now, causes[case.id])

    def relevel(self, causes: Mapping[str, Cause]) -> None:
        """Lift every open case of the matters, given with their causes, to what the number of households asks for.

        Households are counted up to the highest border that any case still waits for, and only cases that wait for
        one are looked at: so what a batch costs does not grow with a matter that is beyond all borders.
        """
        waiting: dict[str, list[Waiting]] = defaultdict(list)
        for each in self._repository.waiting(causes.keys()):
            waiting[each.matter_id].append(each)
        enough = {
            matter_id: max(self._highest_border(each) for each in cases)
            for matter_id, cases in waiting.items()
        }
        homes = self._repository.homes(enough)
        for matter_id, cases in waiting.items():
            households = len(homes[matter_id])
            behind = [each.case_id for each in cases if self._may_lift(each, households)]
            for start in range(0, len(behind), _LIFTED_AT_ONCE):
                self._lift_all(behind[start : start + _LIFTED_AT_ONCE], households, causes[matter_id])

    def _rules_of(self, case: Case | Waiting) -> ComplaintRules:
        return self._rules.timing(case.org, case.regulation).rules

    def _highest_border(self, case: Case | Waiting) -> int:
        return max(self._rules_of(case).household_borders, default=1)

    def _may_lift(self, case: Case | Waiting, households: int) -> bool:
        """Return whether so many households can lift a case: between two borders nothing of it changes.

        So a matter of thousands is written anew at the rulebook's few borders, not with every one that joins.
        """
        return self._rules_of(case).households_matter(case.households, households)

    def _lift_all(self, case_ids: Sequence[str], households: int, cause: Cause) -> None:
        waiting = case_ids
        for _ in range(_ATTEMPTS):
            waiting = self._lift(waiting, households, cause)
            if not waiting:
                return
        message = "cases of the matter keep being changed by somebody else at the same moment"
        raise Conflict(message)

    def _lift(self, case_ids: Sequence[str], households: int, cause: Cause) -> tuple[str, ...]:
        """Lift cases; return those that somebody else changed at the same moment."""
        now = self._clock.now()
        changes = []
        for case in self._repository.get_many(case_ids).values():
            since = case.history.next_seq
            if self._raise(case, households, now, cause):
                changes.append((case, since))
        return self._repository.save_all(changes)

    def _raise(self, case: Case, households: int, now: datetime, cause: Cause) -> bool:
        # Counted no further than its rules ask, so that a case does not depend on what came in one batch.
        known = min(households, self._highest_border(case))
        return case.relevel(known, self._rules.timing(case.org, case.regulation), at=now, cause=cause)


def _person(routed: Routed) -> tuple[str, str, str]:
    """Return whose complaint about what it is: nobody has two open cases of the same."""
    return routed.org, routed.customer_id, routed.claim.problem


def check_routed(data: Mapping[str, Any]) -> str | None:
    """Return what is wrong with the data of a ``contact_routed`` event, or None."""
    missing = [
        name
        for name in (
            "contact_id",
            "number",
            "customer_id",
            "unit_id",
            "channel",
            "received_at",
            "routed_to",
            "complaint",
        )
        if name not in data
    ]
    return f"contact_routed lacks {', '.join(missing)}" if missing else None
