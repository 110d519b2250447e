"""Finding how far somebody's competence goes: by their post, their unit, and whom they act for today."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.intake.domain.duty.scope import Scope, Standing, scope_of
from services.intake.domain.duty.staff import Member
from services.intake.handlers.ruling import Rules, Ruling
from shared.clock import Clock
from shared.handling import Calling

if TYPE_CHECKING:
    from services.intake.staff_kept import Members

#: Whom nothing binds but their roles.
_FREE = Standing()


class Competence:
    """How far everybody's competence goes; asks the directory only where the rulebook bounds anybody."""

    def __init__(self, members: Members, rules: Rules, clock: Clock) -> None:
        """Use the staff directory, the rulebooks and the clock."""
        self._members, self._rules, self._clock = members, rules, clock

    def of(self, call: Calling) -> Standing:
        """Return the caller's standing today: their own scope, and those of whom they act for."""
        now = self._clock.now()
        ruling = self._rules.in_force(call.org, now)
        staff = ruling.rules.staff
        if not (staff.bounds or staff.deputies):
            return _FREE
        today = now.astimezone(ruling.zone).date()
        concerned = self._members.concerning(call.org, call.actor)
        own = next((each for each in concerned if each.staff == call.actor and each.state == "active"), None)
        absent = []
        for each in concerned if staff.deputies and staff.deputies.value else ():
            absence = each.absent(today)
            if absence is not None and absence.deputy == call.actor and each.state == "active":
                absent.append(each)
        return Standing(
            self._scope(own, ruling) if own else _FREE.own,
            {each.staff: self._scope(each, ruling) for each in absent},
        )

    def _scope(self, member: Member, ruling: Ruling) -> Scope:
        rules = ruling.rules.staff
        everybody = self._members.all(member.org) if rules.home(member.unit) else ()
        return scope_of(rules, member, ruling.rules.requests.kinds, everybody)
