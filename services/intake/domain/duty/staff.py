"""The staff directory (人员): units and posts with superiors and headcounts as data, and the members who hold them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from shared.aggregate import Aggregate
from shared.errors import Conflict, Problem, RuleRefused, ValidationFailed
from shared.history import Cause, timestamp
from shared.regulations.values import Sourced


@dataclass(frozen=True, slots=True)
class Unit:
    """A department or group, the unit above it, and how many people it takes at most (None: not said)."""

    code: str
    name: str
    source: str
    parent: str | None = None
    most: int | None = None


@dataclass(frozen=True, slots=True)
class Post:
    """A post: its superior's post, its level, the lists it sees, and its headcount; blank in the handbook is None.

    With ``handles`` its holders see and touch only requests of these kinds, and contacts of these categories.
    """

    code: str
    name: str
    source: str
    superior: str | None = None
    level: int | None = None
    least: int | None = None
    planned: int | None = None
    sees: tuple[str, ...] = ()
    leads: bool = True
    handles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Team:
    """How many people of the post ``members`` each holder of the post ``lead`` has at least."""

    lead: str
    members: str
    least: int
    source: str


@dataclass(frozen=True, slots=True)
class StaffRules:
    """The staff part of a rulebook.

    ``chained`` names the rule that everybody has a superior; ``account`` that an account comes after the
    induction and goes with its holder; ``apart`` the unit below which each unit sees only what is its own;
    ``deputies`` that what is done for somebody absent says for whom.
    """

    units: tuple[Unit, ...] = ()
    posts: tuple[Post, ...] = ()
    team: Team | None = None
    chained: Sourced[bool] | None = None
    account: Sourced[bool] | None = None
    apart: Sourced[str] | None = None
    deputies: Sourced[bool] | None = None

    @property
    def bounds(self) -> bool:
        """Return whether a post or a unit bounds what anybody sees and does."""
        return self.apart is not None or any(post.handles for post in self.posts)

    def home(self, unit: str) -> str | None:
        """Return the unit that stays apart from its neighbours and that ``unit`` lies in; None when in none."""
        top = self.apart.value if self.apart else None
        return next((each.code for each in self.around(unit) if top and each.parent == top), None)

    def unit(self, code: str) -> Unit | None:
        """Return the unit called ``code``, if there is one."""
        return next((unit for unit in self.units if unit.code == code), None)

    def post(self, code: str) -> Post | None:
        """Return the post called ``code``, if there is one."""
        return next((post for post in self.posts if post.code == code), None)

    def within(self, code: str) -> frozenset[str]:
        """Return the unit ``code`` and every unit below it."""
        below = {code}
        while more := {unit.code for unit in self.units if unit.parent in below} - below:
            below |= more
        return frozenset(below)

    def around(self, code: str) -> Iterator[Unit]:
        """Yield the unit ``code`` and every unit above it."""
        unit = self.unit(code)
        while unit is not None:
            yield unit
            unit = self.unit(unit.parent) if unit.parent else None

    def chain(self, post: str) -> list[str]:
        """Return the posts above ``post``, the nearest first."""
        found: list[str] = []
        above = self.post(post)
        while above is not None and above.superior is not None and above.superior not in found:
            found.append(above.superior)
            above = self.post(above.superior)
        return found


@dataclass(frozen=True, slots=True)
class Absence:
    """Days somebody is away, both included, and who acts for them."""

    first: date
    last: date
    deputy: str | None


@dataclass(kw_only=True)
class Member(Aggregate):
    """One member of staff; ``staff`` is the id they sign in with.

    ``place`` is the one it takes in a unit with a headcount, else empty: no two members have the same one.
    """

    staff: str
    unit: str
    post: str
    superior: str | None = None
    skills: dict[str, int] = field(default_factory=dict)
    absences: list[Absence] = field(default_factory=list)
    state: str = "joining"
    left_on: date | None = None
    account_until: datetime | None = None
    place: str = ""

    def absent(self, day: date) -> Absence | None:
        """Return the absence ``day`` lies in."""
        return next((each for each in self.absences if each.first <= day <= each.last), None)

    def enter(self, *, place: str | None, inducted: bool, at: datetime, cause: Cause) -> None:
        """Enter; beyond the headcount one stays pending, and without an induction one has no account."""
        self.place = place or ""
        self.state = "pending" if place is None else "active" if inducted else "joining"
        self.tell("entered", at, cause)

    def admit(self, *, place: str | None, inducted: bool, at: datetime, cause: Cause) -> None:
        """Let a pending member in; Conflict while there is no place, or when they do not wait for one."""
        if self.state != "pending" or place is None:
            raise Conflict("there is no place for them, or they do not wait for one")
        self.place = place
        self.state = "active" if inducted else "joining"
        self.tell("admitted", at, cause)

    def induct(self, at: datetime, cause: Cause) -> None:
        """Enter that the induction is done: the account may be opened."""
        if self.state != "joining":
            raise Conflict(f"the member is {self.state}")
        self.state = "active"
        self.tell("inducted", at, cause)

    def leave(self, day: date, ends: datetime, source: str | None, at: datetime, cause: Cause) -> None:
        """Leave after ``day``: the account is disabled from ``ends`` on, for whoever keeps accounts."""
        had_account = self.state == "active"
        self.state, self.left_on, self.place = "left", day, ""
        self.account_until = ends if had_account else None
        self.tell("left", at, cause)
        data = {
            "member_id": self.id,
            "staff": self.staff,
            "day": day.isoformat(),
            "disabled_from": timestamp(ends),
            "source": source,
        }
        self.record("account_disabled", data, at=at, cause=cause)

    def tell(self, action: str, at: datetime, cause: Cause) -> None:
        """Record what was changed."""
        data = {
            "member_id": self.id,
            "action": action,
            "staff": self.staff,
            "unit": self.unit,
            "post": self.post,
            "state": self.state,
        }
        self.record("member_changed", data, at=at, cause=cause)

    def view(self) -> dict[str, Any]:
        """Return the JSON shape."""
        return {
            "member_id": self.id,
            "staff": self.staff,
            "unit": self.unit,
            "post": self.post,
            "superior": self.superior,
            "skills": dict(self.skills),
            "absences": [
                {"first": each.first.isoformat(), "last": each.last.isoformat(), "deputy": each.deputy}
                for each in self.absences
            ],
            "state": self.state,
            "account": self.state == "active" or self.account_until is not None,
            "account_until": timestamp(self.account_until) if self.account_until else None,
            "left_on": self.left_on.isoformat() if self.left_on else None,
        }


def checked_place(rules: StaffRules, unit: str, post: str) -> None:
    """ValidationFailed unless the rulebook has the unit and the post: another one takes a new version of it."""
    problems = []
    if rules.unit(unit) is None:
        problems.append(
            Problem("unit", f"is not one of {', '.join(each.code for each in rules.units) or 'none'}")
        )
    if rules.post(post) is None:
        problems.append(
            Problem("post", f"is not one of {', '.join(each.code for each in rules.posts) or 'none'}")
        )
    if problems:
        raise ValidationFailed("the rulebook has no such place", problems=tuple(problems))


def free_place(rules: StaffRules, org: str, unit: str, members: Sequence[Member]) -> str | None:
    """Return a free place in the nearest unit with a headcount: empty where none has one, None where all are taken."""
    taken = {member.place for member in members}
    for each in rules.around(unit):
        if each.most is not None:
            names = (f"{org}/{each.code}/{number}" for number in range(1, each.most + 1))
            return next((name for name in names if name not in taken), None)
    return ""


def superior_of(
    rules: StaffRules, member: Member, members: Sequence[Member], day: date
) -> tuple[Member, Member | None]:
    """Return whom somebody reports to, and, when that one is away on ``day``, who acts for them.

    It is the superior the member names, else the holder of the superior's post nearest above. RuleRefused, by
    the rule of the post, when there is none.
    """
    post = rules.post(member.post)
    above = post.superior if post else None
    units = [unit.code for unit in rules.around(member.unit)]
    holders = [
        each
        for each in members
        if each.state == "active"
        and each.staff != member.staff
        and (
            each.staff == member.superior
            if member.superior
            else each.post == above and (each.unit in units or above is None)
        )
    ]
    holders.sort(key=lambda each: (units.index(each.unit) if each.unit in units else len(units), each.staff))
    if not holders:
        rule = (rules.chained.source if rules.chained else None) or (post.source if post else None)
        raise RuleRefused(f"nobody holds the post above {member.staff}", rule=rule)
    away = holders[0].absent(day)
    deputy = next(
        (each for each in members if away and each.staff == away.deputy and each.state == "active"), None
    )
    return holders[0], deputy


def staffing(rules: StaffRules, members: Sequence[Member]) -> dict[str, Any]:
    """Return the staffing table: each post's numbers and vacancies, and each lead with too few people."""
    active: Mapping[str, list[Member]] = {
        post.code: [
            each for each in members if each.post == post.code and each.state in {"active", "joining"}
        ]
        for post in rules.posts
    }
    posts = [
        {
            "post": post.code,
            "least": post.least,
            "planned": post.planned,
            "held": len(active[post.code]),
            "vacant": None if post.planned is None else max(0, post.planned - len(active[post.code])),
            "under_minimum": post.least is not None and len(active[post.code]) < post.least,
            "source": post.source,
        }
        for post in rules.posts
    ]
    teams = []
    if rules.team is not None:
        for lead in active.get(rules.team.lead, []):
            size = sum(
                each.superior == lead.staff or (each.superior is None and each.unit == lead.unit)
                for each in active.get(rules.team.members, [])
            )
            teams.append(
                {
                    "lead": lead.staff,
                    "members": size,
                    "under_minimum": size < rules.team.least,
                    "source": rules.team.source,
                }
            )
    return {"posts": posts, "teams": teams}
