"""Use cases of the handover between shifts (交接班): open, fill, sign, note a loss, read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from services.intake.domain.duty.handover import Carried, Filling, Handover
from services.intake.domain.duty.rules import Form, Part
from services.intake.domain.duty.shift import span
from services.intake.handlers.duty_shifts import template
from services.intake.handlers.ruling import Rules, Ruling
from shared.acting import Caller, change, create, found
from shared.clock import Clock
from shared.errors import Conflict, NotFound, RuleRefused

if TYPE_CHECKING:
    from services.intake.duty_kept import DutyKept


class Handovers:
    """Handovers of the shifts of each desk."""

    def __init__(self, kept: DutyKept, rules: Rules, clock: Clock) -> None:
        """Use the collections, the rulebooks and the clock."""
        self._kept, self._rules, self._clock = kept, rules, clock

    def open(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Open the handover of a shift one is on; without ``to_shift`` the desk closes for the day."""
        now = self._clock.now()
        shift = found(self._kept.shifts.get(data["shift_id"], call.org), "shift", data["shift_id"])
        ruling = self._rules.of_version(call.org, shift.regulation)
        if shift.present(call.actor) is None:
            raise Conflict("only somebody on the shift opens its handover")
        if data["to_shift"] is not None:
            template(ruling, data["to_shift"])
        form = _form(ruling, data["to_shift"])

        def build(new: str, cause: Any) -> Handover:
            handover = Handover(
                id=new,
                org=call.org,
                regulation=ruling.version,
                desk=shift.desk,
                day=shift.day,
                shift_id=shift.id,
                from_shift=shift.template,
                to_shift=data["to_shift"],
                change_at=shift.ends_at,
                opened_by=call.actor,
                takings=list(shift.takings) if form.takings and form.takings.value else [],
                outgoing=[call.actor],
            )
            handover.open(now, cause)
            if form.prepared is not None:
                due = shift.ends_at - span(form.prepared.value)
                handover.begin_clock_until(
                    "prepared", due, ruling.calendar, now, cause, source=form.prepared.source
                )
            return handover

        return create(self._kept.handovers, call, data, "ho", build, Handover.view)

    def fill(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Enter what one side counted, checked, wrote, asked, answered or accepts."""
        now = self._clock.now()
        given = {name: data[name] for name in Filling.__dataclass_fields__}

        def step(handover: Handover, cause: Any) -> None:
            _, form = self._ruled(call, handover)
            handover.fill(Part(data["part"]), Filling(**given), form, by=call.actor, at=now, cause=cause)

        return change(self._kept.handovers, call, data, "handover", step, Handover.view)

    def sign(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Sign for one side; RuleRefused, naming everything that is missing, while anything is."""
        now = self._clock.now()

        def step(handover: Handover, cause: Any) -> None:
            ruling, form = self._ruled(call, handover)
            if Part(data["part"]) is Part.OUTGOING:
                self._stand_on_shift(call, handover, form)
            today = now.astimezone(ruling.zone).date()
            # Read anew at each attempt: work written meanwhile is open work all the same, and on the next list.
            work = [
                Carried(entry.id, bool(entry.work and entry.work.important), entry.neglected(today))
                for entry in self._kept.entries.open_work(call.org, handover.desk)
            ]
            handover.sign(
                Part(data["part"]),
                work,
                form,
                ruling.rules.duty.carried,
                by=call.actor,
                roles=call.roles,
                at=now,
                cause=cause,
            )

        return change(self._kept.handovers, call, data, "handover", step, Handover.view)

    def lose(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Note a loss; whoever answered the point of the checklist bears it."""
        now = self._clock.now()

        def step(handover: Handover, cause: Any) -> None:
            _, form = self._ruled(call, handover)
            handover.lose(data["check"], data["text"], form, now, cause)

        return change(self._kept.handovers, call, data, "handover", step, Handover.view)

    def handover(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return one handover: what was entered, and who signed."""
        return found(self._kept.handovers.get(data["id"], call.org), "handover", data["id"]).view()

    def handovers(self, call: Caller, data: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return a page of the handovers of a desk, the newest first."""
        query = {"org": call.org, "desk": data["desk"]}
        rows = self._kept.handovers.find(
            query, sort=[("change_at", -1)], limit=data["limit"], skip=data["skip"]
        )
        return [row.view() for row in rows]

    def _stand_on_shift(self, call: Caller, handover: Handover, form: Form) -> None:
        shift = found(self._kept.shifts.get(handover.shift_id, call.org), "shift", handover.shift_id)
        if shift.present(call.actor) is None:
            raise RuleRefused("only somebody on the shift hands it over", rule=form.signed.source)

    def _ruled(self, call: Caller, handover: Handover) -> tuple[Ruling, Form]:
        ruling = self._rules.of_version(call.org, handover.regulation)
        return ruling, _form(ruling, handover.to_shift)


def _form(ruling: Ruling, to_shift: str | None) -> Form:
    form = ruling.rules.duty.closing if to_shift is None else ruling.rules.duty.handover
    if form is None:
        raise NotFound("the rulebook has no form for this handover")
    return form
