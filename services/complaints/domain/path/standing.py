"""Where a case stands on its path: what was taken, what may be taken now, what waits for what."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from services.complaints.domain.path.rules import (
    CLOSE,
    VALIDITY,
    Answer,
    EachOf,
    FieldKind,
    Path,
    PathStep,
    Taken,
    When,
)
from services.complaints.domain.rulebook import AppliesTo


@dataclass(frozen=True, slots=True)
class PathFacts:
    """What of a case decides which steps it needs; ``valid`` is None until it is decided."""

    valid: bool | None
    level: str
    ground: str | None
    channel: str


def said(value: object) -> str:
    """Return ``value`` as rulebooks write it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


@dataclass(frozen=True, slots=True)
class Walk:
    """A case on its path; pure, made anew for every question."""

    path: Path
    facts: PathFacts
    taken: Sequence[Taken]

    def entries(self, code: str) -> list[Taken]:
        """Return how the step ``code`` was taken, without what has to be taken again."""
        return [entry for entry in self.taken if entry.step == code and not entry.void]

    def answers(self) -> dict[tuple[str, str], Any]:
        """Return what was filled last into each field, by step and field."""
        standing = (entry for entry in self.taken if not entry.void)
        return {(entry.step, code): value for entry in standing for code, value in entry.fields.items()}

    def done(self, step: PathStep) -> bool:
        """Return whether nothing of the step is left."""
        return bool(self.entries(step.code)) and not self.remaining(step)

    def remaining(self, step: PathStep) -> tuple[str, ...]:
        """Return for whom a step of each of several is still to be taken."""
        if step.each_of is None:
            return ()
        by = step.each_of.by
        signed = {entry.fields.get(by) for entry in self.entries(step.code)}
        return tuple(name for name in self.wanted(step, step.each_of) if name not in signed)

    def wanted(self, step: PathStep, each: EachOf) -> tuple[str, ...]:
        """Return for whom a step is to be taken, once for each."""
        if each.step is None:
            rule = step.field(each.by)
            return tuple(option.code for option in rule.options) if rule is not None else ()
        names: dict[str, None] = {}
        for entry in self.entries(each.step):
            names |= dict.fromkeys(entry.fields.get(each.field or "") or ())
        return tuple(names)

    def asked(self, step: PathStep) -> bool | None:
        """Return whether the case needs the step; None while that cannot be known yet."""
        return self.holds(step.when)

    def holds(self, when: When) -> bool | None:
        """Return whether the condition holds; None while that cannot be known yet."""
        facts = self.facts
        plain = (
            not when.channels or facts.channel in when.channels,
            not when.levels or facts.level in when.levels,
            self._validity(when),
            self._ground(when),
            *(self._answered(answer) for answer in when.answers),
            *(self._not_answered(answer) for answer in when.unless),
            *(self._was_taken(code) for code in when.taken),
        )
        if any(outcome is False for outcome in plain):
            return False
        return None if any(outcome is None for outcome in plain) else True

    def waits_for(self, step: PathStep) -> tuple[str, ...]:
        """Return what must happen first, as codes of steps; empty when the step's turn has come."""
        waiting: dict[str, None] = {}
        if self.asked(step) is None:
            waiting |= dict.fromkeys(self._unknown(step.when))
        for code in step.after:
            waiting |= dict.fromkeys(self._before(code))
        return tuple(waiting)

    def open_mandatory(self) -> list[PathStep]:
        """Return the steps without which the case may not close."""
        return [
            step
            for step in self.path
            if step.mandatory and step.code != CLOSE and self.asked(step) is not False and not self.done(step)
        ]

    def _before(self, code: str) -> Iterable[str]:
        """Return what is missing of the step ``code``, or of what comes before it where it is not asked for."""
        step = self.path.step(code)
        if step is None or self.done(step):
            return ()
        asked = self.asked(step)
        if asked:
            return (code,)
        if asked is None:
            return self._unknown(step.when)
        return (missing for earlier in step.after for missing in self._before(earlier))

    def _unknown(self, when: When) -> list[str]:
        """Return the steps that will tell whether the condition holds."""
        undecided = self._validity(when) is None or self._ground(when) is None
        both = (*when.answers, *when.unless)
        answers = [answer.step for answer in both if self._answered(answer) is None]
        return [*([VALIDITY] if undecided else []), *dict.fromkeys(answers)]

    def _validity(self, when: When) -> bool | None:
        if when.validity is AppliesTo.ANY:
            return True
        if self.facts.valid is None:
            return None
        return self.facts.valid is (when.validity is AppliesTo.VALID)

    def _ground(self, when: When) -> bool | None:
        if not when.grounds:
            return True
        return None if self.facts.valid is None else self.facts.ground in when.grounds

    def _answered(self, answer: Answer) -> bool | None:
        step = self.path.step(answer.step)
        if step is None or self.asked(step) is False:
            return False
        entries = self.entries(answer.step)
        return said(entries[-1].fields.get(answer.field)) == answer.value if entries else None

    def _not_answered(self, answer: Answer) -> bool | None:
        outcome = self._answered(answer)
        return None if outcome is None else not outcome

    def _was_taken(self, code: str) -> bool:
        return bool(self.entries(code))


def choices_of(step: PathStep, fields: dict[str, Any]) -> list[dict[str, str]]:
    """Return what was chosen, field by field: the part of what was filled that holds nobody's words."""
    plain = {FieldKind.CHOICE, FieldKind.YES_NO}
    return [
        {"field": rule.code, "value": said(fields[rule.code])}
        for rule in step.form
        if rule.kind in plain and rule.code in fields
    ]
