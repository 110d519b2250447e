"""Use case: take what other services publish, decode it, and hand each event to what it means here."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

from services.complaints.handlers.opening import OpenCases, Routed, Rules, check_routed, routed_of
from services.complaints.metrics import CASES_CLOSED, CASES_REOPENED
from shared.clock import Clock
from shared.errors import Conflict, ValidationFailed
from shared.handling import Incoming
from shared.history import Cause
from shared.messaging.envelope import CloudEvent, Undecodable, decode, parse

if TYPE_CHECKING:
    from services.complaints.domain.case import Case
    from services.complaints.repository import CaseRepository

_ATTEMPTS = 5

#: What the result of a callback must say.
_RESULT = {"case_id": str, "callback_id": str, "round": int}


def read(delivery: Incoming) -> CloudEvent | None:
    """Return the event, or None after saying why the delivery is dead."""
    try:
        return parse(decode(delivery.body, delivery.content_type))
    except (Undecodable, ValidationFailed) as error:
        delivery.dead(f"{type(error).__name__}: {error}")
        return None


class TakeContacts:
    """Opens cases for routed contacts."""

    def __init__(self, open_cases: OpenCases) -> None:
        """Hand what is a complaint to ``open_cases``."""
        self._open_cases = open_cases

    def __call__(self, deliveries: Sequence[Incoming]) -> None:
        """Take a batch of ``contact_routed`` events."""
        routed: dict[str, tuple[Incoming, Routed]] = {}
        for delivery in deliveries:
            event = read(delivery)
            if event is None or event.type != "contact_routed":
                continue
            wrong = check_routed(event.data)
            if wrong:
                delivery.dead(wrong)
                continue
            try:
                wish = routed_of(event)
            except (KeyError, ValueError, TypeError, AttributeError, ArithmeticError) as error:
                delivery.dead(f"contact_routed cannot be read: {type(error).__name__}")
                continue
            if wish is None:
                continue
            if wish.contact_id in routed:
                delivery.duplicate()
            else:
                routed[wish.contact_id] = (delivery, wish)
        if routed:
            known = self._open_cases([wish for _, wish in routed.values()])
            for contact_id in known:
                routed[contact_id][0].duplicate()


class TakeCallbacks:
    """Closes or reopens cases by what their callbacks found out."""

    def __init__(self, repository: CaseRepository, rules: Rules, clock: Clock) -> None:
        """Use the repository for cases."""
        self._repository = repository
        self._rules = rules
        self._clock = clock

    def __call__(self, deliveries: Sequence[Incoming]) -> None:
        """Take a batch of ``callback_completed`` and ``callback_unsatisfied`` events."""
        events: list[tuple[Incoming, CloudEvent]] = []
        for delivery in deliveries:
            event = read(delivery)
            if event is None or event.type not in {"callback_completed", "callback_unsatisfied"}:
                continue
            if event.data.get("about", "case") != "case":
                # Followup calls back on other things too; they have no case.
                continue
            wrong = [name for name, kind in _RESULT.items() if type(event.data.get(name)) is not kind]
            if wrong:
                delivery.dead(f"{event.type} lacks {', '.join(wrong)}, or not of the right type")
                continue
            events.append((delivery, event))
        for _ in range(_ATTEMPTS):
            lost = self._apply(events)
            if not lost:
                return
            events = [(delivery, event) for delivery, event in events if event.data["case_id"] in lost]
        message = "the cases of these callbacks keep being changed by others: try again"
        raise Conflict(message)

    def _apply(self, events: Sequence[tuple[Incoming, CloudEvent]]) -> Collection[str]:
        """Take the events and return the ids of the cases that somebody else changed meanwhile."""
        cases = self._repository.get_many({event.data["case_id"] for _, event in events})
        before = {case_id: case.history.next_seq for case_id, case in cases.items()}
        touched: dict[str, Case] = {}
        busy = self._with_open_case(case for case in cases.values() if not case.is_open)
        for delivery, event in events:
            case = cases.get(event.data["case_id"])
            if case is None or case.org != event.org:
                delivery.retry("case not known yet")
            elif case.has_processed(event.key):
                delivery.duplicate()
            else:
                self._take(case, event, raised_again=_person(case) in busy)
                touched[case.id] = case
                busy |= {_person(case)} if case.is_open else set()
        lost = self._repository.save_all([(case, before[case_id]) for case_id, case in touched.items()])
        for case_id, case in touched.items():
            if case_id in lost:
                continue
            for entry in case.history.since(before[case_id]):
                if entry.type == "case_closed":
                    CASES_CLOSED.labels(because=entry.data["because"]).inc()
                elif entry.type == "case_reopened":
                    CASES_REOPENED.inc()
        return lost

    def _with_open_case(self, closed: Iterable[Case]) -> set[_Person]:
        """Return whose closed case must not be opened again, because a newer one handles the same complaint."""
        return {_person(case) for case in self._repository.open_cases_of({_person(case) for case in closed})}

    def _take(self, case: Case, event: CloudEvent, *, raised_again: bool) -> None:
        cause = Cause(event.key, str(event.data.get("by") or "system"), event.traceparent)
        now = self._clock.now()
        round_number, callback_id = event.data["round"], event.data["callback_id"]
        timing = self._rules.timing(case.org, case.regulation)
        if event.type == "callback_completed":
            case.callback_satisfied(round_number, timing, at=now, cause=cause)
        else:
            case.callback_unsatisfied(
                callback_id, round_number, timing, raised_again=raised_again, at=now, cause=cause
            )


_Person = tuple[str, str, str]


def _person(case: Case) -> _Person:
    return case.org, case.customer_id, case.claim.problem
