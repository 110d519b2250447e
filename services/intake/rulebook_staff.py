"""Reading the staff section of the rulebooks: units and posts that name each other must be there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import marshmallow

from services.intake.domain.duty.staff import Post, StaffRules, Team, Unit
from shared.regulations.fields import (
    REQUIRED,
    Flag,
    Many,
    Row,
    Table,
    Text,
    Whole,
    nested,
    source,
    sourced,
)


class _UnitRow(Row):
    builds = Unit
    code = Text(**REQUIRED)
    name = Text(**REQUIRED)
    parent = Text()
    most = Whole(least=1)
    source = source()


class _PostRow(Row):
    builds = Post
    code = Text(**REQUIRED)
    name = Text(**REQUIRED)
    superior = Text()
    level = Whole(least=1)
    least = Whole(least=1)
    planned = Whole(least=1)
    sees = Many(Text())
    leads = Flag()
    handles = Many(Text())
    source = source()


class _TeamRow(Row):
    builds = Team
    lead = Text(**REQUIRED)
    members = Text(**REQUIRED)
    least = Whole(least=1, **REQUIRED)
    source = source()


class StaffRow(Row):
    """The section ``staff``; every key may be left out."""

    builds = StaffRules
    units = Table(_UnitRow())
    posts = Table(_PostRow())
    team = nested(_TeamRow())
    chained = sourced(Flag())
    account = sourced(Flag())
    apart = sourced(Text())
    deputies = sourced(Flag())

    @marshmallow.validates_schema
    def _those_named_are_there(self, data: dict[str, Any], **_: object) -> None:
        units: Sequence[Unit] = data.get("units", ())
        posts: Sequence[Post] = data.get("posts", ())
        _named(units, "parent", "units")
        _named(posts, "superior", "posts")
        rules = StaffRules(units=tuple(units), apart=data.get("apart"))
        if rules.apart and rules.unit(rules.apart.value) is None:
            raise marshmallow.ValidationError(f"there is no unit {rules.apart.value!r}", "apart")
        for unit in units:
            if unit.most is not None and sum(each.most is not None for each in rules.around(unit.code)) > 1:
                raise marshmallow.ValidationError(f"{unit.code} lies in a unit with a headcount", "units")
        leaders = {post.code for post in posts if post.leads}
        led = [post.code for post in posts if post.superior is not None and post.superior not in leaders]
        if led:
            raise marshmallow.ValidationError(f"{', '.join(led)}: under a post that leads nobody", "posts")
        for post in posts:
            if post.code in StaffRules(posts=tuple(posts)).chain(post.code):
                raise marshmallow.ValidationError(f"{post.code} is above itself", "posts")


def _named(rows: Sequence[Any], name: str, where: str) -> None:
    known = {row.code for row in rows}
    unknown = {getattr(row, name) for row in rows} - known - {None}
    if unknown:
        raise marshmallow.ValidationError(f"names what is not there: {', '.join(sorted(unknown))}", where)
