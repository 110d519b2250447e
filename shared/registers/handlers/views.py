"""What of records and definitions people see: the personal masked, the rest as it was written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from shared.history import timestamp
from shared.registers.definition import Action, Computed, Field, Register
from shared.registers.record import Record
from shared.registers.words import Type

#: What stands in place of personal data.
HIDDEN = "***"


def row_view(record: Record) -> dict[str, Any]:
    """Return the JSON shape of a record in a list, without what was written in it."""
    return {
        "record_id": record.id,
        "register": record.register,
        "number": record.number,
        "state": record.state,
        "open": record.is_open,
        "flags": list(record.flags),
        "opened_at": timestamp(record.opened_at),
        "opened_by": record.opened_by,
        "closed_at": None if record.closed_at is None else timestamp(record.closed_at),
        "due_at": None if record.due_at is None else timestamp(record.due_at),
        "overdue": record.overdue,
    }


def record_view(record: Record, register: Register, *, full: bool) -> dict[str, Any]:
    """Return the JSON shape of one record; personal values only if ``full``."""
    return {
        **row_view(record),
        "values": masked(register.fields, record.values, full=full),
        "masked": not full,
        "acts": [
            {
                "action": act.action,
                "by": act.by,
                "role": act.role,
                "at": timestamp(act.at),
                "from": act.from_state,
                "to": act.to_state,
                "done": act.done,
                "sets": masked(register.fields, act.sets, full=full),
            }
            for act in record.acts
        ],
        "corrections": [
            {
                "field": each.field,
                "before": masked(register.fields, {each.field: each.before}, full=full)[each.field],
                "after": masked(register.fields, {each.field: each.after}, full=full)[each.field],
                "by": each.by,
                "role": each.role,
                "at": timestamp(each.at),
                "reason": each.reason,
            }
            for each in record.corrections
        ],
        "clocks": record.clock_view(),
        "origin": record.origin,
        "regulation": record.regulation,
    }


def masked(fields: Sequence[Field], values: Mapping[str, Any], *, full: bool) -> dict[str, Any]:
    """Return ``values`` with what is personal hidden unless ``full``."""
    known = {field.code: field for field in fields}
    shown: dict[str, Any] = {}
    for code, value in values.items():
        field = known.get(code)
        if field is not None and field.type is Type.LIST and value:
            shown[code] = [masked(field.fields, row, full=full) for row in value]
        elif field is not None and field.personal and value is not None and not full:
            shown[code] = HIDDEN
        else:
            shown[code] = value
    return shown


def register_view(register: Register, roles: frozenset[str]) -> dict[str, Any]:
    """Return what a screen needs of a definition: its fields, and the steps open to ``roles``."""
    opening = {field.code for field in register.of_opening()}
    return {
        "register": register.code,
        "name": register.name,
        "source": register.source,
        "may_open": any(grant.role in roles for grant in register.open),
        "fields": [_field_view(field) | {"on_opening": field.code in opening} for field in register.fields],
        "computed": [_computed_view(each) for each in register.computed],
        "states": [
            {"state": state.code, "name": state.name, "final": state.final} for state in register.states
        ],
        "actions": [_action_view(action, roles) for action in register.actions],
        "clocks": [
            {"clock": clock.code, "name": clock.name, "source": clock.source} for clock in register.clocks
        ],
    }


def _field_view(field: Field) -> dict[str, Any]:
    return {
        "field": field.code,
        "name": field.name,
        "type": field.type.value,
        "required": field.required,
        "personal": field.personal,
        "options": [{"code": code, "name": name} for code, name in field.options],
        "fields": [_field_view(inner) for inner in field.fields],
        "source": field.source,
    }


def _computed_view(each: Computed) -> dict[str, Any]:
    return {"field": each.code, "name": each.name, "how": each.how.value}


def _action_view(action: Action, roles: frozenset[str]) -> dict[str, Any]:
    grants = [*action.grants, *(grant for level in action.levels for grant in level.grants)]
    return {
        "action": action.code,
        "name": action.name,
        "from": list(action.from_),
        "to": action.to,
        "sets": list(action.sets),
        "needs": list(action.needs),
        "signers": len(action.levels) or action.signers,
        # A grant to whom a field names depends on the record, not on the role.
        "mine": any(grant.role is None or grant.role in roles for grant in grants),
        "source": action.source,
    }
