"""What is known of a case: computed afresh from its archived events, whatever their order of arrival."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from services.reporting.domain.event import ArchivedEvent, in_order
from shared.history import moment_of

Data = Mapping[str, Any]
#: What came of an attempt to reach the customer, where that succeeded.
REACHED = "reached"


class Status(StrEnum):
    """Where a case stands: being worked on, answered and waiting to be closed, or closed."""

    OPEN = "open"
    REPLIED = "replied"
    CLOSED = "closed"


@dataclass(slots=True)
class ClockFact:
    """One deadline that is still asked for; ``breached`` and ``met`` speak of the due moment now in force."""

    due_at: datetime
    breached: bool = False
    met: bool = False


@dataclass(slots=True)
class CallbackFact:
    """One callback of a case; ``made`` when the customer was reached and gave an outcome."""

    scheduled: bool = False
    due_passed: bool = False
    superseded: bool = False
    made: bool = False
    outcome: str | None = None

    @property
    def overdue(self) -> bool:
        """Tell whether its time has passed and it is still to be made."""
        return self.due_passed and not self.made and not self.superseded


@dataclass(slots=True)
class CaseFact:
    """One case as the statistics see it.

    ``events`` counts the events it was computed from: of two facts of a case the one with more events is
    the newer. ``received_at`` is None while the opening event has not arrived; such a case is in no month.
    ``valid`` is None until it is decided. ``late`` tells that some clock was breached at some time.
    ``responded_at`` is when the customer was first reached, or else answered.
    """

    id: str
    org: str
    events: int
    number: str | None = None
    contact_id: str | None = None
    level: str | None = None
    received_at: datetime | None = None
    status: Status = Status.OPEN
    valid: bool | None = None
    responded_at: datetime | None = None
    replied_at: datetime | None = None
    closed_at: datetime | None = None
    closed_on_time: bool | None = None
    reopened: int = 0
    escalated: int = 0
    late: bool = False
    clocks: dict[str, ClockFact] = field(default_factory=dict)
    callbacks: dict[str, CallbackFact] = field(default_factory=dict)

    @property
    def overdue(self) -> bool:
        """Tell whether a deadline that is still asked for was breached and not met since."""
        return any(clock.breached and not clock.met for clock in self.clocks.values())

    @property
    def settled(self) -> bool:
        """Tell whether the case is answered or closed now; a reopened one is not until answered again."""
        return self.status is not Status.OPEN

    @property
    def handled(self) -> bool:
        """Tell whether the case was ever answered or is closed, reopened since or not."""
        return self.replied_at is not None or self.settled

    @property
    def called_back(self) -> bool:
        """Tell whether at least one callback reached the customer."""
        return any(callback.made for callback in self.callbacks.values())


def fold(case_id: str, org: str, events: Iterable[ArchivedEvent]) -> CaseFact:
    """Return what ``events`` of one case say of it; the same for any order and repetition of them.

    Types that say nothing of interest are passed over and not counted.
    """
    known = [event for event in in_order(events) if event.type in _STEPS]
    case = CaseFact(case_id, org, events=len(known))
    for event in known:
        _STEPS[event.type](case, event.data)
    return case


def _opened(case: CaseFact, data: Data) -> None:
    case.number = data["number"]
    case.contact_id = data["contact_id"]
    case.level = data["level"]
    case.received_at = moment_of(data["received_at"])
    _set_clocks(case, data)


def _accepted(case: CaseFact, data: Data) -> None:
    case.valid = True
    _set_clocks(case, data)


def _refused(case: CaseFact, data: Data) -> None:
    case.valid = False
    _set_clocks(case, data)


def _attempted(case: CaseFact, data: Data) -> None:
    if data["outcome"] == REACHED:
        case.responded_at = case.responded_at or moment_of(data["attempted_at"])


def _replied(case: CaseFact, data: Data) -> None:
    case.status = Status.REPLIED
    case.valid = data["valid"]
    case.replied_at = case.replied_at or moment_of(data["replied_at"])
    case.responded_at = case.responded_at or case.replied_at


def _level_changed(case: CaseFact, data: Data) -> None:
    case.level = data["to"]
    _set_clocks(case, data)


def _escalated(case: CaseFact, _: Data) -> None:
    case.escalated += 1


def _breached(case: CaseFact, data: Data) -> None:
    case.late = True
    case.clocks[data["clock"]] = ClockFact(moment_of(data["due_at"]), breached=True)


def _met(case: CaseFact, data: Data) -> None:
    # Met late before anybody noticed: no breach is announced then.
    case.late = case.late or not data["on_time"]
    case.clocks[data["clock"]] = ClockFact(moment_of(data["due_at"]), breached=not data["on_time"], met=True)


def _moved(case: CaseFact, data: Data) -> None:
    """Take over the new due moment of a deadline; what was said of it stays."""
    clock = case.clocks.get(data["clock"])
    if clock is not None:
        clock.due_at = moment_of(data["due_to"])


def _closed(case: CaseFact, data: Data) -> None:
    case.status = Status.CLOSED
    case.closed_at = moment_of(data["closed_at"])
    case.closed_on_time = data["on_time"]
    # Nothing is asked of a closed case any more.
    case.clocks.clear()
    case.valid = data["valid"]


def _reopened(case: CaseFact, _: Data) -> None:
    case.status = Status.OPEN
    case.closed_at = case.closed_on_time = None
    case.reopened += 1


def _set_clocks(case: CaseFact, data: Data) -> None:
    """Take over the deadlines listed: they are all that are still asked for.

    A new due moment supersedes the old one and what was said of it; so does being left out.
    """
    before = case.clocks
    case.clocks = {}
    for row in data["clocks"]:
        due_at = moment_of(row["due_at"])
        running = before.get(row["name"])
        case.clocks[row["name"]] = (
            running if running is not None and running.due_at == due_at else ClockFact(due_at)
        )


def _callback(case: CaseFact, data: Data) -> CallbackFact:
    return case.callbacks.setdefault(data["callback_id"], CallbackFact())


def _callback_scheduled(case: CaseFact, data: Data) -> None:
    _callback(case, data).scheduled = True


def _callback_due(case: CaseFact, data: Data) -> None:
    _callback(case, data).due_passed = True


def _callback_superseded(case: CaseFact, data: Data) -> None:
    _callback(case, data).superseded = True


def _callback_made(case: CaseFact, data: Data) -> None:
    callback = _callback(case, data)
    callback.made = True
    callback.outcome = data["outcome"]


_STEPS: dict[str, Callable[[CaseFact, Data], None]] = {
    "case_opened": _opened,
    "case_accepted": _accepted,
    "case_refused": _refused,
    "contact_attempted": _attempted,
    "case_replied": _replied,
    "case_level_changed": _level_changed,
    "case_escalated": _escalated,
    "clock_breached": _breached,
    "clock_met": _met,
    "clock_resumed": _moved,
    "clock_extended": _moved,
    "clock_recomputed": _moved,
    "case_closed": _closed,
    "case_reopened": _reopened,
    "callback_scheduled": _callback_scheduled,
    "callback_due": _callback_due,
    "callback_superseded": _callback_superseded,
    "callback_completed": _callback_made,
    "callback_unsatisfied": _callback_made,
}

#: The types of events that change what is known of a case.
FOLDED = frozenset(_STEPS)


def tells_of_cases(source: str, kind: str) -> bool:
    """Return whether ``kind`` of the service ``source`` changes what is known of a case.

    What intake and followup keep has clocks too, and says so in events of the same names.
    """
    return kind in FOLDED and source == ("followup" if kind.startswith("callback_") else "complaints")


def beside_cases(kind: str, data: Data) -> bool:
    """Return whether an event ``kind`` is that of a callback on something else than a case."""
    return kind.startswith("callback_") and data.get("about", "case") != "case"


def is_folded(event: ArchivedEvent) -> bool:
    """Return whether ``event`` changes what is known of a case."""
    return tells_of_cases(event.source, event.type) and not beside_cases(event.type, event.data)
