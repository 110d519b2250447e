"""Use cases of shifts and rosters: come and go, draw and check a roster, swap a shift, note an empty post."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from services.intake.domain.duty.roster import (
    Assignment,
    DrawnRoster,
    Finding,
    Swap,
    findings,
    refuse_overlaps,
    swap_view,
)
from services.intake.domain.duty.rules import ShiftTemplate
from services.intake.domain.duty.shift import Present, Shift, Taking, Warned
from services.intake.handlers.duty_log import granted
from services.intake.handlers.ruling import Rules, Ruling
from shared.acting import Caller, change, create
from shared.clock import Clock
from shared.errors import Conflict, Problem, RuleRefused, ValidationFailed
from shared.history import timestamp
from shared.ids import derived_id

if TYPE_CHECKING:
    from services.intake.duty_kept import DutyKept


def shift_id(org: str, desk: str, day: date, template: str) -> str:
    """Return the id of one shift: whoever comes first opens it."""
    return derived_id("sh", org, desk, day.isoformat(), template)


class Shifts:
    """Shifts as they are worked."""

    def __init__(self, kept: DutyKept, rules: Rules, clock: Clock) -> None:
        """Use the collections, the rulebooks and the clock."""
        self._kept, self._rules, self._clock = kept, rules, clock

    def attend(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Come, leave, open or close a conversation, take money, or note that somebody is absent."""
        now = self._clock.now()
        opened = self._opened(call, data)
        warned: list[Warned] = []

        def step(shift: Shift, cause: Any) -> None:
            ruling = self._rules.of_version(call.org, shift.regulation)
            rules = ruling.rules.duty.attendance
            action = data["action"]
            warned.clear()
            if action == "arrive":
                person = Present(call.actor, now, None, data["stands_in_for"], list(data["ready"]))
                warned.extend(shift.arrive(person, rules, ruling.calendar, cause))
            elif action == "leave":
                handover = self._kept.handover_of(call.org, shift.id)
                done = handover is not None and handover.state == "handed_over"
                warned.extend(shift.leave(call.actor, now, rules, cause, handed_over=done))
            elif action in {"open_conversation", "close_conversation"}:
                shift.hold(
                    data["conversation"],
                    opened=action == "open_conversation",
                    by=call.actor,
                    at=now,
                    rules=rules,
                    cause=cause,
                )
            elif action == "take_money":
                shift.take(Taking(call.actor, data["amount"], now), cause)
            else:
                if rules.absence is None:
                    raise Conflict("the rulebook knows no absence without leave")
                granted(call, ruling.rules.duty.roster.drawn_by, "noting an absence")
                roster = self._kept.roster_of(call.org, shift.desk, shift.day)
                rostered = roster.on(shift.day, shift.template) if roster else []
                shift.miss(data["staff"], now, rules.absence, cause, rostered=rostered)

        def view(shift: Shift) -> dict[str, Any]:
            return shift_view(shift) | {"warnings": [each.as_data() for each in warned]}

        return change(self._kept.shifts, call, {**data, "id": opened}, "shift", step, view)

    def shifts(self, call: Caller, data: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the shifts of a desk that began on a day."""
        return [shift_view(shift) for shift in self._kept.shifts_of(call.org, data["desk"], data["day"])]

    def _opened(self, call: Caller, data: Mapping[str, Any]) -> str:
        """Return the id of the shift, opening it for whoever comes first, or who finds it empty."""
        new = shift_id(call.org, data["desk"], data["day"], data["shift"])
        if data["action"] not in {"arrive", "note_absence"} or self._kept.shifts.get(new, call.org):
            return new
        ruling = self._rules.in_force(call.org, self._clock.now())
        spans = template(ruling, data["shift"]).spans(data["day"], ruling.zone)
        shift = Shift(
            id=new,
            org=call.org,
            regulation=ruling.version,
            desk=data["desk"],
            day=data["day"],
            template=data["shift"],
            starts_at=spans[0][0],
            ends_at=spans[-1][1],
        )
        self._kept.shifts.insert(shift)
        return new


def template(ruling: Ruling, code: str) -> ShiftTemplate:
    """Return the kind of shift called ``code``; ValidationFailed when the rulebook has none."""
    known = ruling.rules.duty.shift(code)
    if known is None:
        codes = ", ".join(shift.code for shift in ruling.rules.duty.shifts) or "none"
        problem = Problem("shift", f"{code!r} is not one of {codes}")
        raise ValidationFailed("the rulebook has no such shift", problems=(problem,))
    return known


def shift_view(shift: Shift) -> dict[str, Any]:
    """Return the JSON shape of a shift; while a conversation holds it past its end, nobody knows when it ends."""
    return {
        "shift_id": shift.id,
        "desk": shift.desk,
        "day": shift.day.isoformat(),
        "shift": shift.template,
        "state": shift.state,
        "starts_at": timestamp(shift.starts_at),
        "ends_at": timestamp(shift.ends_at),
        "people": [
            {
                "staff": each.staff,
                "arrived_at": timestamp(each.arrived_at),
                "left_at": timestamp(each.left_at) if each.left_at else None,
                "stands_in_for": each.stands_in_for,
                "ready": list(each.ready),
            }
            for each in shift.people
        ],
        "conversations": list(shift.holds),
        "takings": [{"staff": each.staff, "amount": str(each.amount)} for each in shift.takings],
        "absent": list(shift.absent),
        "clocks": shift.clock_view(),
    }


class Rosters:
    """Rosters and the swaps made in them."""

    def __init__(self, kept: DutyKept, rules: Rules, clock: Clock) -> None:
        """Use the collections, the rulebooks and the clock."""
        self._kept, self._rules, self._clock = kept, rules, clock

    def draw(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Draw a roster; RuleRefused while it has an error. Conflict when the desk has one from that day."""
        now = self._clock.now()
        ruling = self._rules.in_force(call.org, now)
        granted(call, ruling.rules.duty.roster.drawn_by, "drawing the roster")
        assignments, found = self._found(ruling, data)
        errors = [each for each in found if each.severity == "error"]
        if errors:
            refuse_overlaps(assignments, ruling.rules.duty, ruling.zone)
            raise RuleRefused(
                f"the roster leaves {errors[0].minutes} minutes uncovered from {errors[0].start}",
                rule=errors[0].source,
                details={"findings": [each.as_data() for each in errors]},
            )

        def build(new: str, cause: Any) -> DrawnRoster:
            roster = DrawnRoster(
                id=new,
                org=call.org,
                desk=data["desk"],
                first=data["first"],
                last=data["last"],
                regulation=ruling.version,
                assignments=assignments,
            )
            roster.draw(found, now, cause)
            return roster

        def view(roster: DrawnRoster) -> dict[str, Any]:
            return {"roster_id": roster.id, "findings": [each.as_data() for each in found]}

        return create(self._kept.rosters, call, data, "ro", build, view)

    def check(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return what is wrong with a roster that was not drawn yet."""
        _, found = self._found(self._rules.in_force(call.org, self._clock.now()), data)
        return {"findings": [each.as_data() for each in found]}

    def swap(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Offer one's own shift to another, or accept or decline one that was offered."""
        now = self._clock.now()

        def step(roster: DrawnRoster, cause: Any) -> None:
            ruling = self._rules.of_version(call.org, roster.regulation)
            if data["action"] == "propose":
                swap = Swap(len(roster.swaps) + 1, call.actor, data["to"], data["shift"], data["day"])
                roster.propose(swap, now, cause)
            else:
                roster.answer(
                    data["no"],
                    accepted=data["action"] == "accept",
                    by=call.actor,
                    at=now,
                    rules=ruling.rules.duty,
                    zone=ruling.zone,
                    cause=cause,
                )

        return change(self._kept.rosters, call, data, "roster", step, roster_view)

    def roster(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the roster of a desk that holds a day; None when there is none."""
        roster = self._kept.roster_of(call.org, data["desk"], data["day"])
        return None if roster is None else roster_view(roster)

    def _found(self, ruling: Ruling, data: Mapping[str, Any]) -> tuple[list[Assignment], list[Finding]]:
        assignments = [Assignment(**row) for row in data["assignments"]]
        for each in assignments:
            template(ruling, each.shift)
            if not data["first"] <= each.day <= data["last"]:
                problem = Problem("assignments", f"{each.day} lies outside the roster")
                raise ValidationFailed("an assignment lies outside the roster", problems=(problem,))
        needed = {row["day"]: row["people"] for row in data["needed"]}
        found = findings(assignments, data["first"], data["last"], ruling.rules.duty, ruling.zone, needed)
        return assignments, found


def roster_view(roster: DrawnRoster) -> dict[str, Any]:
    """Return the JSON shape of a roster."""
    return {
        "roster_id": roster.id,
        "desk": roster.desk,
        "first": roster.first.isoformat(),
        "last": roster.last.isoformat(),
        "assignments": [
            {"staff": each.staff, "shift": each.shift, "day": each.day.isoformat()}
            for each in roster.assignments
        ],
        "swaps": [swap_view(swap) for swap in roster.swaps],
    }
