"""One shift (班) at a desk: who came, who stood in, which conversations hold it, what was taken, who may leave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

from services.intake.domain.duty.rules import Attendance
from shared.errors import Conflict, RuleRefused
from shared.history import Cause, timestamp
from shared.regulations.values import Sourced
from shared.timed import Timed
from shared.worktime import Calendar, Duration

_UNITS = {"minutes": timedelta(minutes=1), "hours": timedelta(hours=1)}


def span(duration: Duration) -> timedelta:
    """Return the length of a duration counted by the clock on the wall."""
    return duration.amount * _UNITS[duration.unit]


@dataclass(frozen=True, slots=True)
class Warned:
    """Something not as the rule has it, that stops nobody."""

    code: str
    source: str

    def as_data(self) -> dict[str, str]:
        """Return the JSON shape."""
        return {"code": self.code, "source": self.source}


@dataclass(slots=True)
class Present:
    """One person of the shift: when they came and left, for whom they stand in, what they prepared."""

    staff: str
    arrived_at: datetime
    left_at: datetime | None = None
    stands_in_for: str | None = None
    ready: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Taking:
    """Money somebody took during the shift and keeps for the handover."""

    staff: str
    amount: Decimal
    at: datetime


@dataclass(kw_only=True)
class Shift(Timed):
    """A shift that somebody came to; ``ends_at`` moves while a conversation holds it."""

    subject: ClassVar[str] = "shift"
    desk: str
    day: date
    template: str
    starts_at: datetime
    ends_at: datetime
    people: list[Present] = field(default_factory=list)
    holds: list[str] = field(default_factory=list)
    takings: list[Taking] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)

    def present(self, staff: str) -> Present | None:
        """Return the one called ``staff`` who is there."""
        return next((each for each in self.people if each.staff == staff and each.left_at is None), None)

    @property
    def state(self) -> str:
        """Return ``open`` while anybody is there, or nobody came yet; then ``closed``."""
        return "closed" if self.people and all(each.left_at for each in self.people) else "open"

    def arrive(
        self,
        person: Present,
        rules: Attendance,
        calendar: Calendar,
        cause: Cause,
    ) -> list[Warned]:
        """Let somebody come; return what is not as it should be. Conflict when they are there already."""
        if self.present(person.staff) is not None:
            raise Conflict("you are on this shift already")
        at, warned = person.arrived_at, list[Warned]()
        self.people.append(person)
        if person.stands_in_for is not None and rules.stand_in is not None:
            self.begin_clock(_stand_in(person), rules.stand_in, calendar, at, cause)
        elif (
            person.stands_in_for is None
            and rules.early is not None
            and at > self.starts_at - span(rules.early.value)
        ):
            warned.append(Warned("late_arrival", rules.early.source))
        warned += [
            Warned(f"not_ready.{point.code}", point.source)
            for point in rules.ready
            if point.code not in person.ready
        ]
        self._tell("arrived", person.staff, at, cause, warned)
        return warned

    def hold(
        self, conversation: str, *, opened: bool, by: str, at: datetime, rules: Attendance, cause: Cause
    ) -> None:
        """Open or close a conversation (会话); the last one closed after the end moves the end to then."""
        if opened == (conversation in self.holds):
            raise Conflict(f"{conversation} is {'open already' if opened else 'not open'}")
        if opened:
            self.holds.append(conversation)
        else:
            self.holds.remove(conversation)
            extends = rules.extends
            if not self.holds and extends and self.template in extends.value:
                self.ends_at = max(self.ends_at, at)
        self._tell("conversation_opened" if opened else "conversation_closed", by, at, cause, [])

    def take(self, taking: Taking, cause: Cause) -> None:
        """Note money taken; it stands in the next handover."""
        self.takings.append(taking)
        self._tell("money_taken", taking.staff, taking.at, cause, [])

    def leave(
        self, staff: str, at: datetime, rules: Attendance, cause: Cause, *, handed_over: bool
    ) -> list[Warned]:
        """Let somebody go; RuleRefused before the end, with an open conversation, or before the handover."""
        person = self.present(staff)
        if person is None:
            raise Conflict("you are not on this shift")
        warned = list[Warned]()
        if person.stands_in_for is None:
            self._may_leave(at, rules, handed_over=handed_over)
        elif self.meet_clock(_stand_in(person), at, cause) is False and rules.stand_in is not None:
            warned.append(Warned("stand_in_too_long", rules.stand_in.source))
        person.left_at = at
        self._tell("left", staff, at, cause, warned)
        return warned

    def _may_leave(self, at: datetime, rules: Attendance, *, handed_over: bool) -> None:
        if self.holds and rules.extends and self.template in rules.extends.value:
            raise RuleRefused(
                "a customer is still asking: the shift goes on until the conversation is closed",
                rule=rules.extends.source,
            )
        if rules.stays is not None and rules.stays.value and at < self.ends_at:
            raise RuleRefused(
                f"the shift ends at {timestamp(self.ends_at)}; nobody leaves before", rule=rules.stays.source
            )
        handing = rules.hands_over
        if handing and not handed_over and (not handing.value or self.template in handing.value):
            raise RuleRefused("nobody leaves before both sides have signed the handover", rule=handing.source)

    def miss(
        self, staff: str, at: datetime, absence: Sourced[bool], cause: Cause, *, rostered: Sequence[str]
    ) -> None:
        """Note that somebody rostered left their post empty (旷工); Conflict when there is nothing to note."""
        if staff not in rostered:
            raise Conflict(f"{staff} is not on the roster of this shift: perhaps it was swapped")
        if self.present(staff) is not None or staff in self.absent:
            raise Conflict(f"{staff} is here, or was noted already")
        if not self.starts_at <= at < self.ends_at:
            raise Conflict("the shift is not on")
        self.absent.append(staff)
        data = self._head() | {"staff": staff, "source": absence.source}
        self.record("absent_without_leave", data, at=at, cause=cause)

    def _head(self) -> dict[str, Any]:
        return {
            "shift_id": self.id,
            "desk": self.desk,
            "day": self.day.isoformat(),
            "shift": self.template,
        }

    def _tell(self, action: str, staff: str, at: datetime, cause: Cause, warned: list[Warned]) -> None:
        data = self._head() | {
            "action": action,
            "staff": staff,
            "ends_at": timestamp(self.ends_at),
            "state": self.state,
            "warnings": [each.as_data() for each in warned],
        }
        self.record("shift_attended", data, at=at, cause=cause)


def _stand_in(person: Present) -> str:
    return f"stand_in.{person.arrived_at:%H%M%S}"
