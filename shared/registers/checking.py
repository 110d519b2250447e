"""What must hold inside one definition of a register; every fault with its path."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from shared.registers.definition import Action, Computed, Condition, Field, Grant, Obligation, Register
from shared.registers.words import (
    CLOSED,
    CORRECTED,
    DESTROY,
    OPENED,
    Every,
    Is,
    Move,
    Otherwise,
    Sum,
    Type,
)

_Fault = tuple[str, str]
_NUMBERS = frozenset({Type.NUMBER, Type.AMOUNT})
_ORDERED = frozenset({*_NUMBERS, Type.DATE, Type.MOMENT, Type.TIME})
#: Fields of a record that no definition names.
OPENER = "opener"


def register_faults(register: Register, registers: Collection[str]) -> Iterator[_Fault]:
    """Yield path, within the definition, and reason of everything wrong; ``registers`` are the codes there are."""
    yield from _field_faults(register, registers)
    yield from _use_faults(register)
    yield from _action_faults(register)
    yield from _order_faults(register)
    yield from _clock_faults(register)
    yield from _other_faults(register)


def _codes(register: Register) -> set[str]:
    return {field.code for field in register.fields} | {computed.code for computed in register.computed}


def _field_faults(register: Register, registers: Collection[str]) -> Iterator[_Fault]:
    codes = [field.code for field in register.fields] + [each.code for each in register.computed]
    yield from _lookup_faults(register.fields, "fields")
    for field in register.fields:
        place = f"fields.{field.code}"
        yield from _shape_faults(field, registers, place)
        yield from _lookup_faults(field.fields, f"{place}.fields")
        for inner in field.fields:
            yield from _shape_faults(inner, registers, f"{place}.fields.{inner.code}")
            if inner.fixed:
                yield f"{place}.fields.{inner.code}.fixed", "is for the fields of a record, not of its rows"
            if inner.type is Type.LIST:
                yield f"{place}.fields.{inner.code}.type", "a list holds no list"
            yield from _known(inner.required_if, {each.code for each in field.fields}, place)
        yield from _known(field.required_if, codes, f"{place}.required_if")
        rows = {inner.code: inner for inner in field.fields}
        yield from _computed_faults(field.computed, rows, f"{place}.computed")
    for code in sorted({code for code in codes if codes.count(code) > 1}):
        yield f"computed.{code}", "is the code of a field already"
    yield from _computed_faults(
        register.computed, {field.code: field for field in register.fields}, "computed"
    )
    for each in register.computed:
        if each.how is Sum.ORDER:
            yield f"computed.{each.code}.how", "is for the rows of a list"


def _lookup_faults(fields: Iterable[Field], place: str) -> Iterator[_Fault]:
    named = {field.code for field in fields if field.type in (Type.PARTY, Type.STAFF)}
    for field in fields:
        here = f"{place}.{field.code}"
        if (field.of is None) != (field.known is None):
            yield f"{here}.known", "goes with of, and of with it"
        if field.known is not None and field.type not in (Type.CHOICE, Type.TEXT):
            yield f"{here}.known", "is a code: a choice, or text"
        if field.of is not None and field.of not in named:
            yield f"{here}.of", f"there is no party and no staff {field.of!r} beside it"


def _shape_faults(field: Field, registers: Collection[str], place: str) -> Iterator[_Fault]:
    if (field.type is Type.CHOICE) != bool(field.options):
        yield f"{place}.options", "goes with the type choice, and the type choice with it"
    if (field.type is Type.LIST) != bool(field.fields):
        yield f"{place}.fields", "goes with the type list, and the type list with it"
    if field.register is not None and field.register not in registers:
        yield f"{place}.register", f"there is no register {field.register!r}"
    if (field.type is Type.RECORD) != (field.register is not None):
        yield f"{place}.register", "goes with the type record, and the type record with it"
    if (field.states or field.same) and field.type is not Type.RECORD:
        yield f"{place}.states", "and same go with the type record"
    if field.above is not None and field.type not in _NUMBERS:
        yield f"{place}.above", "goes with numbers and amounts"
    if field.pattern is not None and field.type not in (Type.TEXT, Type.UNIT):
        yield f"{place}.pattern", "goes with text"
    if field.fixed and field.default is None:
        yield f"{place}.fixed", "goes with default: nobody else fills it"
    if field.personal and field.type in (Type.FLAG, Type.LIST):
        yield f"{place}.personal", "is said of what stands in a row, not of a flag or a list"


def _computed_faults(computed: Iterable[Computed], fields: dict[str, Field], place: str) -> Iterator[_Fault]:
    known = set(fields)
    for each in computed:
        here = f"{place}.{each.code}"
        inside = known
        if each.rows is not None:
            rows = fields.get(each.rows)
            if rows is None or rows.type is not Type.LIST:
                yield f"{here}.rows", f"there is no list {each.rows!r}"
                continue
            inside = {field.code for field in rows.fields} | {part.code for part in rows.computed}
            if each.field is not None and each.field not in inside:
                yield f"{here}.field", f"a row of {each.rows} has no {each.field!r}"
        elif not each.fields:
            yield f"{here}.fields", "names what is computed with, or rows and field do"
        for code in each.fields:
            if code not in known:
                yield f"{here}.fields", f"there is no number {code!r} above it"
        yield from _known(each.when, inside, f"{here}.when")
        if each.how is Sum.ORDER and any(
            fields[code].type not in _NUMBERS for code in each.fields if code in fields
        ):
            yield f"{here}.fields", "are numbers: the rows stand in their order"
        known = known | {each.code}


def _known(condition: Condition | None, codes: Collection[str], place: str) -> Iterator[_Fault]:
    if condition is None:
        return
    if condition.field not in codes:
        yield f"{place}.field", f"there is no field {condition.field!r}"
    if condition.other is not None and condition.other not in codes:
        yield f"{place}.other", f"there is no field {condition.other!r}"


def _compared(register: Register, condition: Condition, place: str) -> Iterator[_Fault]:
    field = register.field(condition.field)
    ordered = condition.compare in (Is.LESS, Is.MORE, Is.AT_LEAST, Is.AT_MOST)
    if ordered and field is not None and field.type not in _ORDERED:
        yield f"{place}.is", f"{condition.field} has no order"
    if field is not None and field.type is Type.CHOICE and condition.value is not None:
        options = {code for code, _ in field.options}
        values = condition.value if isinstance(condition.value, tuple) else (condition.value,)
        for value in values:
            if value not in options:
                yield f"{place}.value", f"{value!r} is no option of {field.code}"


def _use_faults(register: Register) -> Iterator[_Fault]:
    codes = _codes(register)
    steps = {OPENED, CLOSED, CORRECTED, *(action.code for action in register.actions)}
    conditions = [(f"checks.{c.code}.holds", c.holds) for c in register.checks]
    conditions += [(f"checks.{c.code}.when", c.when) for c in register.checks if c.when]
    conditions += [(f"actions.{a.code}.when", a.when) for a in register.actions if a.when]
    conditions += [(f"clocks.{c.code}.when", c.when) for c in register.clocks if c.when]
    conditions += [(f"notices.{n.code}.when", n.when) for n in register.notices if n.when]
    conditions += [(f"obligations.{o.code}.when", o.when) for o in register.obligations if o.when]
    for place, condition in conditions:
        yield from _known(condition, codes, place)
        yield from _compared(register, condition, place)
    for number, unique in enumerate(register.unique):
        for code in unique.fields:
            if register.field(code) is None:
                yield f"unique.{number}.fields", f"there is no field {code!r}"
        yield from _known(unique.when, codes, f"unique.{number}.when")
    yield from _overlap_faults(register)
    for check in register.checks:
        if (check.otherwise is Otherwise.NOTE) != (check.note is not None):
            yield f"checks.{check.code}.note", "goes with otherwise: note, and that with it"
        if check.note is not None and register.field(check.note) is None:
            yield f"checks.{check.code}.note", f"there is no field {check.note!r}"
        for step in check.at:
            if step not in steps:
                yield f"checks.{check.code}.at", f"there is no action {step!r}"


def _overlap_faults(register: Register) -> Iterator[_Fault]:
    """Find stretches of time whose ends are not of one kind, or that lack the day they are on."""
    for number, rule in enumerate(register.no_overlap):
        place = f"no_overlap.{number}"
        begins = register.field(rule.begins)
        if begins is None or begins.type not in (Type.DATE, Type.MOMENT, Type.TIME):
            yield f"{place}.begins", f"there is no date, moment or time {rule.begins!r}"
            continue
        ends = register.field(rule.ends) if rule.ends is not None else begins
        if ends is None or ends.type is not begins.type:
            yield f"{place}.ends", f"there is no {begins.type} {rule.ends!r}"
        day = register.field(rule.day) if rule.day is not None else None
        if (begins.type is Type.TIME) != (day is not None and day.type is Type.DATE):
            yield f"{place}.day", "goes with times, is the field with their date, and times go with it"
        elif rule.day is not None and rule.day not in rule.per:
            yield f"{place}.per", f"holds {rule.day!r} too: times are of a day"
        for code in rule.per:
            if register.field(code) is None:
                yield f"{place}.per", f"there is no field {code!r}"
        yield from _known(rule.when, _codes(register), f"{place}.when")


def _grant_faults(register: Register, grants: Iterable[Grant], place: str) -> Iterator[_Fault]:
    for number, grant in enumerate(grants):
        if grant.field is None or grant.field == OPENER:
            continue
        field = register.field(grant.field)
        if field is None or field.type is not Type.STAFF:
            yield f"{place}.{number}.field", f"there is no field {grant.field!r} with a member of staff"


def _action_faults(register: Register) -> Iterator[_Fault]:
    for action in register.actions:
        place = f"actions.{action.code}"
        if action.code in (OPENED, CLOSED, CORRECTED, DESTROY):
            yield place, "is a word of the mechanism: call it otherwise"
        follows = register.succession is not None and register.succession.then == action.code
        if bool(action.grants) == bool(action.levels) and (action.grants or not follows):
            yield f"{place}.grants", "names who may, or levels do"
        if action.levels and action.signers > 1:
            yield f"{place}.signers", "every one of levels signs already"
        if set(action.same_as) & set(action.not_same_as):
            yield f"{place}.not_same_as", "cannot be the same person and another"
        yield from _reference_faults(register, action, place)
        yield from _grant_faults(register, action.grants, f"{place}.grants")
        for number, level in enumerate(action.levels):
            yield from _grant_faults(register, level.grants, f"{place}.levels.{number}.grants")
            yield from _known(level.when, _codes(register), f"{place}.levels.{number}.when")
        yield from _extension_faults(register, action)
    yield from _grant_faults(register, register.open, "open")
    yield from _grant_faults(register, register.corrections, "corrections")


def _reference_faults(register: Register, action: Action, place: str) -> Iterator[_Fault]:
    """Find the states, fields and other actions it names that are not there."""
    states = {state.code for state in register.states}
    fields = {field.code for field in register.fields}
    actions = {each.code for each in register.actions}
    to = () if action.to is None else (action.to,)
    named = (
        ("from", action.from_, states, "state"),
        ("to", to, states, "state"),
        ("sets", action.sets, fields, "field"),
        ("needs", action.needs, fields, "field"),
        ("after", action.after, actions, "action"),
        ("same_as", action.same_as, actions | {OPENED}, "action"),
        ("not_same_as", action.not_same_as, actions | {OPENED}, "action"),
    )
    for key, codes, known, what in named:
        for code in codes:
            if code not in known:
                yield f"{place}.{key}", f"there is no {what} {code!r}"


def _extension_faults(register: Register, action: Action) -> Iterator[_Fault]:
    extends, place = action.extends, f"actions.{action.code}.extends"
    if extends is None:
        return
    if all(clock.code != extends.clock or clock.within is None for clock in register.clocks):
        yield f"{place}.clock", f"there is no clock {extends.clock!r} of a length of its own"
    by = register.field(extends.by)
    if by is None or by.type is not Type.NUMBER:
        yield f"{place}.by", f"there is no number {extends.by!r}"
    if extends.reason is not None and register.field(extends.reason) is None:
        yield f"{place}.reason", f"there is no field {extends.reason!r}"


def _order_faults(register: Register) -> Iterator[_Fault]:
    """Find what can never happen: steps that wait for each other, states nothing leads to or out of."""
    before = {action.code: set(action.after) for action in register.actions}
    done: set[str] = set()
    while ready := {code for code, needed in before.items() if code not in done and needed <= done}:
        done |= ready
    for code in sorted(set(before) - done):
        yield f"actions.{code}.after", "comes after itself: the actions wait for each other in a circle"
    if not register.states:
        yield "states", "names at least one state"
        return
    reached = {register.states[0].code}
    while True:
        more = {
            action.to
            for action in register.actions
            if action.to is not None
            and action.to not in reached
            and (not action.from_ or reached.intersection(action.from_))
        }
        if not more:
            break
        reached |= more
    for state in register.states:
        if state.code not in reached:
            yield f"states.{state.code}", "no action leads to it"
        elif not state.final and not any(
            action.to not in (None, state.code) and (not action.from_ or state.code in action.from_)
            for action in register.actions
        ):
            yield f"states.{state.code}", "nothing leads out of it and it is not final"


def _clock_faults(register: Register) -> Iterator[_Fault]:
    codes = {OPENED, *(action.code for action in register.actions)}
    for clock in register.clocks:
        place = f"clocks.{clock.code}"
        for key, steps in (("starts", clock.starts), ("ends", clock.ends)):
            for step in steps:
                if step not in codes | {CLOSED}:
                    yield f"{place}.{key}", f"there is no action {step!r}"
        given = sum(each is not None for each in (clock.within, clock.until, clock.by))
        if given != 1 and not (clock.until and clock.by and clock.within is None):
            yield f"{place}.within", "give one of within, until and by; until a day may have by"
        if clock.end_of is not None and (clock.until is None or clock.by is not None):
            yield f"{place}.end_of", "goes with until, and without by"
        for key, code in (("since", clock.since), ("until", clock.until)):
            field = register.field(code) if code is not None else None
            if code is not None and (field is None or field.type not in (Type.DATE, Type.MOMENT)):
                yield f"{place}.{key}", f"there is no date or moment {code!r}"


def events_of(register: Register) -> set[str]:
    """Return all that can happen to a record: its steps, its clocks' warnings and breaches, its flags."""
    on = {OPENED, CLOSED, CORRECTED, *(action.code for action in register.actions)}
    on |= {f"{kind}:{clock.code}" for clock in register.clocks for kind in ("breach", "warn")}
    return on | {f"flag:{check.code}" for check in register.checks if check.otherwise is Otherwise.FLAG}


def _other_faults(register: Register) -> Iterator[_Fault]:
    on = events_of(register)
    for notice in register.notices:
        place = f"notices.{notice.code}"
        for step in notice.at:
            if step not in on:
                yield f"{place}.at", f"nothing is called {step!r}; known are {', '.join(sorted(on))}"
        if not notice.to and notice.to_field is None:
            yield f"{place}.to", "names a role, or to_field a member of staff"
        if notice.to_field is not None:
            yield from _grant_faults(register, [Grant(field=notice.to_field)], place)
    for obligation in register.obligations:
        place = f"obligations.{obligation.code}"
        for key, code in (("each", obligation.each), ("day_field", obligation.day_field)):
            if code is not None and register.field(code) is None and code != OPENER:
                yield f"{place}.{key}", f"there is no field {code!r}"
        if obligation.of is not None and obligation.each is None:
            yield f"{place}.each", "names the field that holds one of them"
        yield from _how_often_faults(register, obligation, place)
    yield from _balance_faults(register)


def _how_often_faults(register: Register, obligation: Obligation, place: str) -> Iterator[_Fault]:
    often = (obligation.every, obligation.every_days, obligation.gap)
    if sum(each is not None for each in often) > 1:
        yield f"{place}.every", "give one of every, every_days and gap"
    if obligation.times > 1 and obligation.every is None:
        yield f"{place}.times", "goes with every"
    if obligation.on_date is not None and (
        obligation.every is not Every.YEAR or obligation.on_day is not None
    ):
        yield f"{place}.on_date", "goes with every: year, and without on_day"
    day = register.field(obligation.day_field or "")
    if day is not None and day.type not in (Type.DATE, Type.MOMENT):
        yield f"{place}.day_field", f"{day.code} holds no date and no moment"
    if obligation.gap is not None and day is not None and day.type is not Type.MOMENT:
        yield f"{place}.day_field", "is a moment where gaps within a day are looked for"


def _balance_faults(register: Register) -> Iterator[_Fault]:
    balance = register.balance
    if balance is None:
        return
    rows = register.field(balance.rows) if balance.rows is not None else None
    if balance.rows is not None and (rows is None or rows.type is not Type.LIST):
        yield "balance.rows", f"there is no list {balance.rows!r}"
        return
    inside = {field.code: field for field in (rows.fields if rows else register.fields)}
    inside_sums = {each.code for each in (rows.computed if rows else register.computed)}
    outside = {field.code for field in register.fields}
    if balance.item not in inside:
        yield "balance.item", f"there is no field {balance.item!r}"
    if balance.place is not None and balance.place not in {*inside, *outside}:
        yield "balance.place", f"there is no field {balance.place!r}"
    steps = {OPENED, *(action.code for action in register.actions)}
    for number, move in enumerate(balance.moves):
        place = f"balance.moves.{number}"
        if move.at not in steps:
            yield f"{place}.at", f"there is no action {move.at!r}"
        quantity = inside.get(move.quantity)
        if (quantity is None or quantity.type not in _NUMBERS) and move.quantity not in inside_sums:
            yield f"{place}.quantity", f"there is no number {move.quantity!r}"
        if (move.kind is Move.TRANSFER) != (move.to_place is not None):
            yield f"{place}.to_place", "goes with a transfer, and a transfer with it"
        if move.to_place is not None and move.to_place not in {*inside, *outside}:
            yield f"{place}.to_place", f"there is no field {move.to_place!r}"
