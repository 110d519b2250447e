"""Reading the requests of an intake rulebook: the shape of its part, and what must hold between its values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import marshmallow
from marshmallow import fields

from services.intake.domain.requests.areas import Area, other_side
from services.intake.domain.requests.rules import (
    Action,
    ClockRule,
    Delay,
    Demand,
    Departments,
    Effect,
    Field,
    Handoff,
    Kind,
    Level,
    Price,
    PriceList,
    Process,
    RequestRules,
    Route,
    Shape,
    Stage,
    Subtype,
    Unit,
)
from shared.regulations.fields import (
    REQUIRED,
    Exact,
    Flag,
    Many,
    OneOf,
    Row,
    Table,
    Text,
    Value,
    Whole,
    nested,
    read_each,
    source,
    sourced,
    sourced_duration,
)


class _Plain(Value[Any]):
    """Text or a truth value."""

    def read(self, value: object) -> Any:
        """Read one value."""
        if not isinstance(value, str | bool):
            raise marshmallow.ValidationError(f"must be text, true or false: {value!r}")
        return value


class _When(Value[dict[str, tuple[Any, ...]]]):
    """A mapping of field names to the values they may have."""

    def read(self, value: object) -> dict[str, tuple[Any, ...]]:
        """Read one value."""
        if not isinstance(value, Mapping):
            raise marshmallow.ValidationError("must be a mapping of fields to lists of values")
        many = Many(_Plain(), least=1)
        return dict(zip(value, read_each(value, lambda _, entry: many.read(entry)), strict=True))


class _Durations(Value[dict[str, Any]]):
    """A mapping of values to durations."""

    def read(self, value: object) -> dict[str, Any]:
        """Read one value."""
        if not isinstance(value, Mapping):
            raise marshmallow.ValidationError("must be a mapping of values to durations")
        duration = sourced_duration()
        return dict(zip(value, read_each(value, lambda _, entry: duration.deserialize(entry)), strict=True))


def _codes(**kwargs: Any) -> fields.Field[Any]:
    return Many(Text(), **(kwargs or {"load_default": ()}))


def _rows(row: Row) -> fields.Field[Any]:
    return Many(nested(row), load_default=())


def _name() -> fields.Field[Any]:
    return Text(load_default=None)


def _when() -> fields.Field[Any]:
    return _When(load_default=dict)


class _Coded(Row):
    code = Text(**REQUIRED)
    name = Text(**REQUIRED)
    source = source()


class _FieldRow(_Coded):
    builds = Field
    shape = OneOf(Shape, data_key="type", **REQUIRED)
    least = Whole(load_default=1)
    choices = _codes()


class _LevelRow(_Coded):
    builds = Level
    rank = Whole(**REQUIRED)


class _UnitRow(_Coded):
    builds = Unit
    leader = Text(**REQUIRED)
    deputy = _name()
    seen_by = _codes()


class _AreaRow(_Coded):
    builds = Area
    streets = _codes()
    borders = _codes()

    @marshmallow.validates_schema
    def _lies_somewhere(self, data: dict[str, Any], **_: object) -> None:
        if not (data["streets"] or data["borders"]):
            raise marshmallow.ValidationError("must name streets, or borders of the area", "streets")
        for border in data["borders"]:
            other = other_side(border)
            if other is None or other in data["borders"]:
                raise marshmallow.ValidationError(
                    f"must name the one side that is inside: {border}", "borders"
                )


class _DelayRow(Row):
    builds = Delay
    roles = _codes(least=1, **REQUIRED)
    source = source()


class _ClockRow(_Coded):
    builds = ClockRule
    within = sourced_duration(load_default=None)
    by = _name()
    cases = _Durations(load_default=dict)
    until = _name()
    same_day = Flag(load_default=False)
    task = _name()
    task_to = _name()
    delay = nested(_DelayRow(), load_default=None)

    @marshmallow.validates_schema
    def _has_a_time(self, data: dict[str, Any], **_: object) -> None:
        if not (data["within"] or data["by"] or data["until"] or data["same_day"]):
            raise marshmallow.ValidationError("has no time: within, by with cases, until or same_day")
        if data["cases"] and not data["by"]:
            raise marshmallow.ValidationError("is needed for cases", "by")
        if bool(data["task"]) != bool(data["task_to"]):
            raise marshmallow.ValidationError("goes with task_to", "task")


class _DemandRow(Row):
    builds = Demand
    field = _name()
    action = _name()
    values = Many(_Plain(), load_default=())
    holds = _name()
    when = _when()
    source = source()

    @marshmallow.validates_schema
    def _asks_one_thing(self, data: dict[str, Any], **_: object) -> None:
        if bool(data["field"]) == bool(data["action"]):
            raise marshmallow.ValidationError("must name a field or an action", "field")


class _EffectRow(Row):
    builds = Effect
    when = _when()
    notify = _name()
    task = _name()
    to = _name()
    message = _name()
    sets = fields.Dict(keys=Text(), values=_Plain(), data_key="set", load_default=dict)
    source = source()

    @marshmallow.validates_schema
    def _names_whose_task(self, data: dict[str, Any], **_: object) -> None:
        if bool(data["task"]) != bool(data["to"]):
            raise marshmallow.ValidationError("goes with task", "to")


class _StageRow(_Coded):
    builds = Stage
    owner = Text(**REQUIRED)


class _ActionRow(_Coded):
    builds = Action
    by = _codes(least=1, **REQUIRED)
    stages = _codes()
    to = _name()
    fills = _codes()
    demands = _rows(_DemandRow())
    effects = _rows(_EffectRow())
    starts = _codes()
    meets = _codes()
    does = _codes()
    replies = Flag(load_default=False)
    closes = Flag(load_default=False)
    routes = Flag(load_default=False)


class _ProcessRow(Row):
    builds = Process
    code = Text(**REQUIRED)
    stages = Table(_StageRow(), **REQUIRED)
    actions = Table(_ActionRow(), **REQUIRED)
    effects = _rows(_EffectRow())


class _RouteRow(Row):
    builds = Route
    when = _when()
    unit = _name()
    role = _name()
    source = source()

    @marshmallow.validates_schema
    def _leads_somewhere(self, data: dict[str, Any], **_: object) -> None:
        if not (data["unit"] or data["role"]):
            raise marshmallow.ValidationError("must name a unit or a role", "unit")


class _SubtypeRow(_Coded):
    builds = Subtype
    classes = _codes()


class _KindRow(_Coded):
    builds = Kind
    process = Text(**REQUIRED)
    categories = _codes()
    channels = _codes()
    by = _codes(least=1, **REQUIRED)
    level = Text(**REQUIRED)
    fills = _codes()
    demands = _rows(_DemandRow())
    effects = _rows(_EffectRow())
    starts = _codes()
    subtypes = Table(_SubtypeRow(), load_default=())
    unit = _name()
    routes = _rows(_RouteRow())
    again = _name()
    once = _name()
    seen_within = _name()


class _HandoffRow(Row):
    builds = Handoff
    demands = _rows(_DemandRow())
    source = source()


class _DepartmentsRow(Row):
    builds = Departments
    office = sourced(Text(), load_default=None)
    lead = _name()
    before_closing = _name()


class _PriceRow(Row):
    builds = Price
    code = Text(**REQUIRED)
    name = Text(**REQUIRED)
    price = Exact(**REQUIRED)


class _PriceListRow(Row):
    builds = PriceList
    items = Table(_PriceRow(), **REQUIRED)
    source = source()


class _RequestsRow(Row):
    builds = RequestRules
    levels = Table(_LevelRow(), load_default=())
    facts = Table(_FieldRow(), data_key="fields", load_default=())
    units = Table(_UnitRow(), load_default=())
    areas = Table(_AreaRow(), load_default=())
    clocks = Table(_ClockRow(), load_default=())
    processes = Table(_ProcessRow(), load_default=())
    kinds = Table(_KindRow(), load_default=())
    handoff = nested(_HandoffRow(), load_default=None)
    departments = nested(_DepartmentsRow(), load_default=None)
    price_list = nested(_PriceListRow(), load_default=None)

    @marshmallow.post_load
    def _build(self, data: dict[str, Any], **_: object) -> object:
        rules = RequestRules(**data)
        problems: dict[str, list[str]] = {}
        for place, what, code in _references(rules):
            if code not in _codes_of(rules, what):
                problems.setdefault(place, []).append(f"there is no {what} {code!r}")
        if problems:
            raise marshmallow.ValidationError(problems)
        return rules


def requests_field() -> fields.Field[Any]:
    """Return the field for the section ``requests``."""
    return nested(_RequestsRow(), load_default=RequestRules())


def _codes_of(rules: RequestRules, what: str) -> set[str]:
    rows: Mapping[str, tuple[Any, ...]] = {
        "field": rules.facts,
        "clock": rules.clocks,
        "unit": rules.units,
        "level": rules.levels,
        "process": rules.processes,
    }
    return {row.code for row in rows[what]}


def _references(rules: RequestRules) -> Iterator[tuple[str, str, str]]:
    """Yield where the rulebook names what it must have: place, sort of thing, code."""
    for clock in rules.clocks:
        if clock.until:
            yield f"clocks.{clock.code}.until", "field", clock.until
    for process in rules.processes:
        stages = {stage.code for stage in process.stages}
        for action in process.actions:
            place = f"processes.{process.code}.actions.{action.code}"
            yield from ((f"{place}.fills", "field", code) for code in action.fills)
            yield from ((f"{place}.starts", "clock", code) for code in action.starts)
            yield from ((f"{place}.meets", "clock", code) for code in action.meets)
            named = (*action.stages, *((action.to,) if action.to else ()))
            if not stages.issuperset(named):
                raise marshmallow.ValidationError({place: ["names a stage the process does not have"]})
    for kind in rules.kinds:
        place = f"kinds.{kind.code}"
        yield f"{place}.process", "process", kind.process
        yield f"{place}.level", "level", kind.level
        yield from ((f"{place}.fills", "field", code) for code in kind.fills)
        yield from ((f"{place}.starts", "clock", code) for code in kind.starts)
        units = [kind.unit, *(route.unit for route in kind.routes)]
        yield from ((f"{place}.unit", "unit", unit) for unit in units if unit)


def request_roles(rules: RequestRules) -> Iterator[tuple[str, str]]:
    """Yield every role the requests name, with its path: a step nobody may take is a fault."""
    for place, roles in _named(rules):
        yield from ((f"requests.{place}", role) for role in roles if role)


def _named(rules: RequestRules) -> Iterator[tuple[str, tuple[str | None, ...]]]:
    for unit in rules.units:
        yield f"units.{unit.code}", (unit.leader, unit.deputy, *unit.seen_by)
    for clock in rules.clocks:
        yield f"clocks.{clock.code}", (clock.task_to, *(clock.delay.roles if clock.delay else ()))
    for process in rules.processes:
        yield from _named_in(process)
    for kind in rules.kinds:
        yield f"kinds.{kind.code}.by", kind.by
        yield f"kinds.{kind.code}.routes", tuple(route.role for route in kind.routes)
        yield f"kinds.{kind.code}.effects", _told(kind.effects)
    if rules.departments and rules.departments.office:
        yield "departments.office", (rules.departments.office.value,)


def _named_in(process: Process) -> Iterator[tuple[str, tuple[str | None, ...]]]:
    place = f"processes.{process.code}"
    for stage in process.stages:
        yield f"{place}.stages.{stage.code}.owner", (stage.owner,)
    for action in process.actions:
        yield f"{place}.actions.{action.code}.by", action.by
        yield f"{place}.actions.{action.code}.effects", _told(action.effects)
    yield f"{place}.effects", _told(process.effects)


def _told(effects: tuple[Effect, ...]) -> tuple[str | None, ...]:
    return tuple(role for effect in effects for role in (effect.notify, effect.to))
