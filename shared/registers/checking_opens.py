"""What must hold where one register opens records of another; every fault with its path."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from shared.errors import RuleRefused, ValidationFailed
from shared.registers.checking import events_of
from shared.registers.definition import Condition, Field, Opens, Register
from shared.registers.demands import demand
from shared.registers.opening import NUMBER, OPENER, RECORD_ID
from shared.registers.values import read_values
from shared.registers.words import ORIGIN, SUCCESSION, Type

_Fault = tuple[str, str]


def opening_faults(register: Register, registers: Mapping[str, Register]) -> Iterator[_Fault]:
    """Yield path, within the definition, and reason of everything wrong with what ``register`` opens."""
    if register.field(ORIGIN) is not None:
        yield f"fields.{ORIGIN}", "is a word of the mechanism: call it otherwise"
    events = events_of(register)
    for rule in register.opens:
        place = f"opens.{rule.code}"
        if rule.code == SUCCESSION:
            yield place, "is a word of the mechanism: call it otherwise"
        for step in rule.at:
            if step not in events:
                yield f"{place}.at", f"nothing is called {step!r}; known are {', '.join(sorted(events))}"
        own = {field.code: field for field in register.fields}
        yield from _unknown(rule.when, {*own, *(each.code for each in register.computed)}, f"{place}.when")
        rows = own.get(rule.rows or "")
        if rule.rows is not None and (rows is None or rows.type is not Type.LIST):
            yield f"{place}.rows", f"there is no list {rule.rows!r}"
            continue
        inside = {} if rows is None else {field.code: field for field in rows.fields}
        counted = set() if rows is None else {each.code for each in rows.computed}
        yield from _unknown(rule.row_when, {*inside, *counted}, f"{place}.row_when")
        target = registers.get(rule.register)
        if target is None:
            yield f"{place}.register", f"there is no register {rule.register!r}"
            continue
        known = _known(register, {**own, **inside}, counted)
        yield from _value_faults(rule, target, known, place)


def succession_faults(register: Register) -> Iterator[_Fault]:
    """Yield path, within the definition, and reason of everything wrong with how versions follow each other."""
    rule = register.succession
    if rule is None:
        return
    for code in rule.of:
        field = register.field(code)
        if field is None or not field.required:
            yield "succession.of", f"there is no field {code!r} that is always filled"
    begins, at, then = register.field(rule.begins), register.action(rule.at), register.action(rule.then)
    if begins is None or begins.type is not Type.DATE:
        yield "succession.begins", f"there is no date {rule.begins!r}"
    elif not begins.required and (at is None or rule.begins not in at.needs):
        yield "succession.begins", f"{rule.begins} must be filled when {rule.at} is done"
    if at is None:
        yield "succession.at", f"there is no action {rule.at!r}"
    if then is None or then == at:
        yield "succession.then", f"there is no other action {rule.then!r}"
    elif not then.from_ or then.needs:
        yield "succession.then", f"{rule.then} names the states it is taken from, and needs nothing"
    if register.balance is not None and any(move.at == rule.then for move in register.balance.moves):
        yield "succession.then", f"{rule.then} moves a stock, which nobody would have decided"


def circle_faults(registers: Sequence[Register]) -> Iterator[tuple[str, str, str]]:
    """Yield register, path and reason where records would open each other without end.

    What only a person's action opens is no such circle: a person ends it.
    """
    leads = {
        register.code: {rule.register for rule in register.opens if _by_itself(rule, register)}
        for register in registers
    }
    for register in registers:
        for rule in register.opens:
            if _by_itself(rule, register) and _reaches(leads, rule.register, register.code):
                yield register.code, f"opens.{rule.code}.register", "leads back here: they open each other"


def _by_itself(rule: Opens, register: Register) -> bool:
    return any(register.action(step) is None for step in rule.at)


def _reaches(leads: Mapping[str, set[str]], begin: str, end: str) -> bool:
    seen, todo = set[str](), [begin]
    while todo:
        code = todo.pop()
        if code == end:
            return True
        if code not in seen:
            seen.add(code)
            todo += leads.get(code, set())
    return False


def _unknown(condition: Condition | None, codes: set[str], place: str) -> Iterator[_Fault]:
    if condition is None:
        return
    for key, code in (("field", condition.field), ("other", condition.other)):
        if code is not None and code not in codes:
            yield f"{place}.{key}", f"there is no field {code!r}"


def _known(register: Register, fields: Mapping[str, Field], counted: set[str]) -> dict[str, Field]:
    """Return all that can be copied, as fields."""
    numbers = {each.code for each in register.computed} | counted
    return {
        RECORD_ID: Field(RECORD_ID, "", Type.RECORD, required=True, register=register.code),
        NUMBER: Field(NUMBER, "", Type.TEXT, required=register.numbering is not None),
        OPENER: Field(OPENER, "", Type.STAFF, required=True),
        **{code: Field(code, "", Type.NUMBER) for code in numbers},
        **fields,
    }


def _value_faults(rule: Opens, target: Register, known: Mapping[str, Field], place: str) -> Iterator[_Fault]:
    fields = {field.code: field for field in target.of_opening() if not field.fixed}
    sure = {code for code, _ in rule.fills}
    named = [("fills", code) for code in sorted(sure)] + [("copies", code) for code, _ in rule.copies]
    for key, code in named:
        if code not in fields:
            yield f"{place}.{key}.{code}", f"is nothing that is filled when {target.code} is opened"
    for code, sources in rule.copies:
        if code in fields:
            for reason in _copy_faults(sources, known, fields[code]):
                yield f"{place}.copies.{code}", reason
        if any(source in known and known[source].required for source in sources):
            sure.add(code)
    for field in fields.values():
        if field.required and field.default is None and field.code not in sure:
            yield f"{place}.fills.{field.code}", "is asked for, and nothing is sure to stand there"
    yield from _fill_faults(rule, target, fields, place)


def _copy_faults(sources: Sequence[str], known: Mapping[str, Field], target: Field) -> Iterator[str]:
    for source in sources:
        found = known.get(source)
        if found is None:
            yield f"there is no field {source!r}"
        elif not _fits(found, target):
            yield f"{source} holds a {found.type}, not a {target.type}"
        elif found.personal and not target.personal:
            yield f"{source} is personal, and {target.code} is not"


def _fits(source: Field, target: Field) -> bool:
    if source.type is Type.LIST:
        return False
    if target.type is Type.TEXT:
        return True
    if target.type is Type.CHOICE:
        return {code for code, _ in source.options} <= {code for code, _ in target.options}
    return source.type is target.type and source.register == target.register


def _fill_faults(rule: Opens, target: Register, fields: Mapping[str, Field], place: str) -> Iterator[_Fault]:
    given = {code: value for code, value in rule.fills if code in fields}
    try:
        demand(target, read_values(list(fields.values()), given), (), given)
    except (ValidationFailed, RuleRefused) as error:
        for problem in error.problems:
            yield f"{place}.fills.{problem.field.removeprefix('values.')}", problem.reason
