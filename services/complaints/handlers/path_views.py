"""The JSON shapes in which a case's path is shown."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from services.complaints.domain.case import Case
from services.complaints.domain.path.rules import FieldRule, PathStep, Taken
from services.complaints.domain.path.standing import Walk
from services.complaints.domain.rulebook import ComplaintRules, Step, role_allowed
from shared.clocks import Deadline
from shared.history import timestamp

#: Which grants of the rulebook's ``steps`` are asked for the commands that count as steps.
_GRANTED = {
    "decide_validity": Step.DECIDE_VALIDITY,
    "attempt_contact": Step.HANDLE,
    "record_progress": Step.HANDLE,
    "reply": Step.REPLY,
    "close": Step.CLOSE,
}


def taken_view(taken: Taken) -> dict[str, Any]:
    """Return how a step was taken."""
    return {
        "by": taken.by,
        "role": taken.role,
        "at": timestamp(taken.at),
        "fields": dict(taken.fields),
        "void": taken.void,
    }


def path_view(case: Case, rules: ComplaintRules) -> list[dict[str, Any]]:
    """Return the steps of the case's path as they stand; empty where its rulebook has no path."""
    walk = case.walk(rules)
    return [] if walk is None else [_standing(case, walk, step) for step in walk.path]


def steps_view(case: Case, rules: ComplaintRules, roles: Collection[str], actor: str) -> list[dict[str, Any]]:
    """Return the steps that are not done, as they stand for somebody with ``roles``."""
    walk = case.walk(rules)
    if walk is None or not case.is_open:
        return []
    rows = []
    for step in walk.path:
        if walk.done(step) or walk.asked(step) is False:
            continue
        grants = list(rules.step(_GRANTED[step.code]).grants) if step.command is not None else step.grants
        also = [grant.role for grant in step.also if walk.holds(grant.when)]
        who = sorted({grant.role for grant in grants} | set(also))
        granted = role_allowed(grants, roles, case.channel) is not None or bool(set(also) & set(roles))
        why = _why_not(walk, step, granted=granted, who=who, actor=actor)
        row = {
            "may_take": why is None,
            "why_not": why,
            "command": step.command or "take_step",
            "roles": who,
            "waits_for": list(walk.waits_for(step)),
            "fields": [_field(rule) for rule in step.form],
            "each_of": step.each_of.by if step.each_of is not None else None,
        }
        rows.append({**_standing(case, walk, step), **row})
    return rows


def _why_not(walk: Walk, step: PathStep, *, granted: bool, who: list[str], actor: str) -> str | None:
    waiting = walk.waits_for(step)
    if waiting:
        return f"after {', '.join(waiting)}"
    if not granted:
        return f"for {', '.join(who)}"
    others = [code for code in step.not_by if any(entry.by == actor for entry in walk.entries(code))]
    return f"for somebody else than who did {others[0]}" if others else None


def _standing(case: Case, walk: Walk, step: PathStep) -> dict[str, Any]:
    asked = walk.asked(step)
    if walk.done(step):
        standing = "done"
    elif asked is None:
        standing = "unknown"
    else:
        standing = "open" if asked else "not_asked"
    clock: Deadline | None = next(
        (each for each in reversed(case.deadlines) if each.name == step.clock), None
    )
    return {
        "step": step.code,
        "name": step.name,
        "standing": standing,
        "mandatory": step.mandatory,
        "source": step.source,
        "due_at": timestamp(clock.due_at) if clock is not None and clock.open else None,
        "remaining": list(walk.remaining(step)) if asked else [],
        "taken": [taken_view(entry) for entry in case.taken if entry.step == step.code],
    }


def _field(rule: FieldRule) -> dict[str, Any]:
    return {
        "field": rule.code,
        "name": rule.name,
        "kind": rule.kind.value,
        "required": rule.required,
        "options": [option.code for option in rule.options],
        "default": rule.default,
    }
