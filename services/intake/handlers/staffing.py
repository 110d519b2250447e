"""Use cases of the staff directory: enter and change members, look up superiors, lists, staffing and skills."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from services.intake.domain.duty.staff import (
    Absence,
    Member,
    checked_place,
    free_place,
    staffing,
    superior_of,
)
from services.intake.handlers.ruling import Rules, Ruling
from shared.acting import Caller, change, create
from shared.clock import Clock
from shared.errors import Conflict, NotFound, RuleRefused

if TYPE_CHECKING:
    from services.intake.staff_kept import Members


class Directory:
    """The staff directory of each organisation."""

    def __init__(self, kept: Members, rules: Rules, clock: Clock) -> None:
        """Use the collection, the rulebooks and the clock."""
        self._kept, self._rules, self._clock = kept, rules, clock

    def enter(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Enter a member: pending beyond the headcount, without account before the induction. Conflict when there."""
        now = self._clock.now()
        rules = self._ruling(call).rules.staff
        checked_place(rules, data["unit"], data["post"])
        everybody = self._kept.all(call.org)

        def build(new: str, cause: Any) -> Member:
            member = Member(
                id=new,
                org=call.org,
                staff=data["staff"],
                unit=data["unit"],
                post=data["post"],
                superior=data["superior"],
                skills=dict(data["skills"]),
            )
            free = free_place(rules, call.org, member.unit, everybody)
            member.enter(place=free, inducted=rules.account is None, at=now, cause=cause)
            return member

        return create(self._kept, call, data, "sm", build, Member.view)

    def change(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Induct, admit, move, qualify, note as absent, or let go a member."""
        now, action = self._clock.now(), data["action"]
        ruling = self._ruling(call)
        rules = ruling.rules.staff
        today = now.astimezone(ruling.zone).date()

        def step(member: Member, cause: Any) -> None:
            if member.state == "left":
                raise Conflict("the member has left")
            if action == "induct":
                member.induct(now, cause)
            elif action == "admit":
                free = free_place(rules, call.org, member.unit, self._kept.all(call.org))
                member.admit(place=free, inducted=rules.account is None, at=now, cause=cause)
            elif action == "leave":
                day = data["last"] or today
                ends = ruling.end_of_day(now, days=(day - today).days)
                source = rules.account.source if rules.account else None
                member.leave(day, ends, source, now, cause)
            elif action == "absent":
                member.absences.append(Absence(data["first"], data["last"], data["deputy"]))
                member.tell("absent", now, cause)
            elif action == "qualify":
                member.skills.update(data["skills"])
                member.tell("qualified", now, cause)
            else:
                unit, post = data["unit"] or member.unit, data["post"] or member.post
                checked_place(rules, unit, post)
                others = [each for each in self._kept.all(call.org) if each.id != member.id]
                free = free_place(rules, call.org, unit, others)
                if free is None:
                    raise Conflict(f"{unit} takes nobody more")
                member.unit, member.post = unit, post
                if member.state != "pending":
                    member.place = free
                member.superior = data["superior"] or member.superior
                member.tell("moved", now, cause)

        known = self._one(call, data["staff"])
        return change(self._kept, call, {**data, "id": known.id}, "member", step, Member.view)

    def members(self, call: Caller, data: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return members by unit with all below it, by post, or by a skill of at least a level and not absent.

        Whoever is of a unit that stays apart sees the people of that unit only.
        """
        ruling = self._ruling(call)
        rules = ruling.rules.staff
        today = self._clock.now().astimezone(ruling.zone).date()
        units = rules.within(data["unit"]) if data["unit"] else None
        mine = self._kept.find({"org": call.org, "staff": call.actor}, limit=1) if rules.apart else []
        home = rules.home(mine[0].unit) if mine else None
        if home:
            units = rules.within(home) & (units or rules.within(home))
        rows = [
            member
            for member in self._kept.all(call.org)
            if (units is None or member.unit in units)
            and (data["post"] is None or member.post == data["post"])
            and (
                data["skill"] is None
                or (
                    member.skills.get(data["skill"], 0) >= data["level"]
                    and member.state == "active"
                    and member.absent(today) is None
                )
            )
        ]
        return [row.view() for row in rows[data["skip"] : data["skip"] + data["limit"]]]

    def superior(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return whom a member reports to and the lists they see; RuleRefused when ``to`` is somebody else."""
        ruling = self._ruling(call)
        rules = ruling.rules.staff
        member = self._one(call, data["staff"])
        today = self._clock.now().astimezone(ruling.zone).date()
        direct, acting = superior_of(rules, member, self._kept.all(call.org), today)
        reached = acting or direct
        if data["to"] is not None and data["to"] != reached.staff:
            post = rules.post(member.post)
            raise RuleRefused(
                f"{member.staff} reports to {reached.staff}", rule=post.source if post else None
            )
        post = rules.post(member.post)
        return {
            "staff": member.staff,
            "superior": reached.staff,
            "acting_for": direct.staff if acting else None,
            "chain": rules.chain(member.post),
            "sees": list(post.sees) if post else [],
        }

    def staffing(self, call: Caller) -> dict[str, Any]:
        """Return the staffing table with vacancies, and the teams that are too small."""
        return staffing(self._ruling(call).rules.staff, self._kept.all(call.org))

    def _ruling(self, call: Caller) -> Ruling:
        return self._rules.in_force(call.org, self._clock.now())

    def _one(self, call: Caller, staff: str) -> Member:
        rows = self._kept.find({"org": call.org, "staff": staff}, limit=1)
        if not rows:
            raise NotFound(f"there is no member {staff!r} in your organisation")
        return rows[0]
