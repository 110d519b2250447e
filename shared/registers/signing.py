"""Who may take an action on a record, and whose signatures it has and still needs."""

from __future__ import annotations

from collections.abc import Sequence

from shared.errors import RuleRefused
from shared.registers.definition import Action, Level, Register
from shared.registers.demands import Hand, granted
from shared.registers.parts import Act
from shared.registers.reckoning import Values, applies, numeric
from shared.registers.words import OPENED


def levels_of(register: Register, action: Action, values: Values) -> list[Level]:
    """Return who takes the action in turn on a record with ``values``."""
    if not action.levels:
        return [Level(action.grants)] * action.signers
    numbers = numeric(register.fields, register.computed)
    return [level for level in action.levels if applies(level.when, values, numbers)]


def signatures(acts: Sequence[Act], code: str) -> list[Act]:
    """Return the signatures the action has since the record last moved on, or the action was last done."""
    found: list[Act] = []
    for act in acts:
        if act.done and (act.action == code or act.from_state != act.to_state):
            found = []
        elif act.action == code:
            found.append(act)
    return found


def role_for(
    action: Action,
    levels: Sequence[Level],
    hand: Hand,
    values: Values,
    opener: str,
    acts: Sequence[Act],
) -> str:
    """Return the role, or the field, by which ``hand`` may sign next; RuleRefused names the action's rule."""
    if not levels:
        raise RuleRefused(f"{action.name} has no level for this record", rule=action.source)
    signed = signatures(acts, action.code)
    grants = levels[min(len(signed), len(levels) - 1)].grants
    role = granted(grants, hand, values, opener, action.source, action.name)
    if hand.actor in {act.by for act in signed}:
        raise RuleRefused(f"{action.name} needs the hand of another person", rule=action.source)
    _in_order(action, acts)
    who = {OPENED: {opener}}
    for act in acts:
        who.setdefault(act.action, set()).add(act.by)
    if any(hand.actor not in who.get(code, set()) for code in action.same_as):
        message = f"{action.name} is for whoever did {', '.join(action.same_as)}"
        raise RuleRefused(message, rule=action.source)
    if any(hand.actor in who.get(code, set()) for code in action.not_same_as):
        message = f"{action.name} is not for whoever did {', '.join(action.not_same_as)}"
        raise RuleRefused(message, rule=action.source)
    return role


def _in_order(action: Action, acts: Sequence[Act]) -> None:
    finished = {act.action for act in acts if act.done}
    missing = [code for code in action.after if code not in finished]
    if missing:
        raise RuleRefused(f"{action.name} comes after {', '.join(missing)}", rule=action.source)
    if action.once and action.code in finished:
        raise RuleRefused(f"{action.name} was done already", rule=action.source)
