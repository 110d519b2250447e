"""What a rulebook would make of a case: its level and why, its clocks, and who may do what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kefu.regulation.facts import CaseFacts
from kefu.regulation.library import Library
from kefu.regulation.statements import duration_text
from services.complaints.domain.rulebook import (
    AppliesTo,
    ClockRule,
    ClockStart,
    ComplaintRules,
    Grant,
    Level,
    LevelFacts,
    LevelTests,
)
from services.complaints.domain.timing import Timing
from services.followup.domain.rulebook import FollowupRules, Trigger
from shared.clocks import Deadline
from shared.clocks.points import point_document
from shared.regulations import Organisation, Regulation
from shared.worktime import Calendar, Calendars

#: Flags of a rulebook that change what staff must do, and what they mean.
_DUTIES = {
    "prevention_required": "a case closes only with a measure against recurrence",
    "next_reply_time_required": "a reply that is not final names the time of the next one",
    "repeat_escalates": "the same complaint raised again while this one is open is an escalation",
    "late_entry_escalates": "entered late by oversight it counts as an escalation",
}


@dataclass(frozen=True, slots=True)
class Explained:
    """What a rulebook says about one case; everything in it is JSON-safe, moments in the calendar's zone."""

    org: Organisation
    regulation: str
    level: dict[str, Any]
    clocks: tuple[dict[str, Any], ...]
    #: Clocks that do not run on this case, or not yet, and why.
    resting: tuple[dict[str, Any], ...]
    close: dict[str, Any]
    steps: tuple[dict[str, Any], ...]
    duties: tuple[dict[str, Any], ...]
    callbacks: tuple[dict[str, Any], ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON shape."""
        return {
            "org": self.org.id,
            "name": self.org.name,
            "profile": self.org.profile,
            "regulation": self.regulation,
            "level": self.level,
            "clocks": list(self.clocks),
            "resting_clocks": list(self.resting),
            "close_condition": self.close,
            "steps": list(self.steps),
            "duties": list(self.duties),
            "callbacks": list(self.callbacks),
        }


def explain(library: Library, org: str, facts: CaseFacts) -> Explained:
    """Return what the rulebook in force for ``org`` when the case was received makes of it.

    Raises NotFound for an unknown organisation and for a moment before its first version.
    """
    parts = library.of_organisation(org, facts.received_at).parts
    regulation: Regulation[ComplaintRules] = parts["complaints"]
    rules = regulation.sections
    organisation = library.parts["complaints"].rulebooks.organisation(org)
    calendar = Calendars().by_name(organisation.calendar)
    level = rules.level_of(facts.level).level.code
    deadlines = _deadlines(Timing(rules, calendar), facts, level)
    named = {rule.name: rule for rule in rules.clocks}
    running = {deadline.name for deadline in deadlines}
    return Explained(
        org=organisation,
        regulation=regulation.version,
        level=_level(rules, facts.level),
        clocks=tuple(_clock(deadline, named[deadline.name], level, calendar) for deadline in deadlines),
        resting=tuple(_resting(rule, facts, level) for rule in rules.clocks if rule.name not in running),
        close={"value": rules.close_condition.value.value, "source": rules.close_condition.source},
        steps=tuple(_steps(rules, facts.channel)),
        duties=tuple(_duties(rules)),
        callbacks=tuple(_callbacks(parts["followup"].sections, facts)),
    )


def _deadlines(timing: Timing, facts: CaseFacts, level: str) -> list[Deadline]:
    """Return the clocks that still run, begun and dropped in the order in which a case does it."""
    deadlines = timing.begin(ClockStart.RECEIVED, facts.received_at, level, valid=None)
    if facts.valid is True:
        deadlines += timing.begin(ClockStart.ACCEPTED, facts.decided_at, level, valid=True)
    elif facts.valid is False:
        deadlines = timing.drop(deadlines, AppliesTo.VALID, facts.decided_at)
        deadlines += timing.begin(ClockStart.FOUND_INVALID, facts.decided_at, level, valid=False)
    return [deadline for deadline in deadlines if deadline.open]


def _level(rules: ComplaintRules, facts: LevelFacts) -> dict[str, Any]:
    decision = rules.level_of(facts)
    return {
        "code": decision.level.code,
        "name": decision.level.name,
        "source": decision.level.source,
        "because": list(decision.because),
        "tests": [test for level in reversed(rules.levels[1:]) for test in _tests(level, facts)],
    }


def _tests(level: Level, facts: LevelFacts) -> Iterator[dict[str, Any]]:
    """Yield every test of ``level`` with the fact it looks at and whether that meets it."""
    met = level.tests.met_by(facts)
    for name, wanted in _wanted(level.tests):
        fact = getattr(facts, name)
        yield {
            "level": level.code,
            "test": name,
            "wanted": wanted,
            "fact": str(fact) if name == "amount" and fact is not None else fact,
            "met": name in met,
            "source": level.source,
        }


def _wanted(tests: LevelTests) -> Iterator[tuple[str, str]]:
    if tests.households_from is not None:
        yield "households", f"from {tests.households_from}"
    amounts = [
        f"{word} {bound} yuan"
        for word, bound in (("from", tests.amount_from), ("above", tests.amount_above))
        if bound is not None
    ]
    if amounts:
        yield "amount", " or ".join(amounts)
    if tests.media:
        yield "media", "yes"
    if tests.lawsuit:
        yield "lawsuit", "yes"


def _clock(deadline: Deadline, rule: ClockRule, level: str, calendar: Calendar) -> dict[str, Any]:
    return {
        "name": deadline.name,
        "starts": rule.starts.value,
        "ends": rule.ends.value,
        "duration": duration_text(rule.duration_for(level).value),
        "started_at": _local(deadline.started_at, calendar),
        "due": _local(deadline.due_at, calendar),
        "provisional": deadline.provisional,
        "calendar": calendar.name,
        "calendar_version": deadline.calendar_version,
        "source": deadline.source,
        "warnings": [
            {"point": point_document(point), "at": _local(at, calendar)} for point, at in deadline.warnings
        ],
    }


def _resting(rule: ClockRule, facts: CaseFacts, level: str) -> dict[str, Any]:
    if not rule.runs_on(level) and rule.without_limit is not None:
        return {
            "name": rule.name,
            "why": f"level {level} has no limit",
            "duration": None,
            "source": rule.without_limit.source,
        }
    duration = rule.duration_for(level)
    decided = {ClockStart.ACCEPTED: "accepted", ClockStart.FOUND_INVALID: "found invalid"}
    if facts.valid is None and rule.starts in decided:
        why = f"begins when the case is {decided[rule.starts]}"
    else:
        kind = "valid" if facts.valid is False else "invalid"
        why = f"runs only on {kind} cases"
    return {
        "name": rule.name,
        "why": why,
        "duration": duration_text(duration.value),
        "source": duration.source,
    }


def _steps(rules: ComplaintRules, channel: str | None) -> Iterator[dict[str, Any]]:
    """Yield every step with those who may take it, pauses and extensions of clocks among them."""
    for rule in rules.steps:
        yield _step(rule.step.value, rule.grants, rule.source, channel)
    for pause in rules.pauses:
        yield _step(f"pause {pause.clock}", pause.grants, pause.source, channel)
    for more in rules.extensions:
        yield _step(f"ask to extend {more.clock}", more.requests, more.source, channel)
        yield _step(f"extend {more.clock}", more.approvals, more.source, channel)


def _step(name: str, grants: Iterable[Grant], source: str, channel: str | None) -> dict[str, Any]:
    roles = [
        {"role": grant.role, "channels": list(grant.channels) or None, "source": grant.source or source}
        for grant in grants
        if channel is None or not grant.channels or channel in grant.channels
    ]
    return {"step": name, "source": source, "roles": roles}


def _duties(rules: ComplaintRules) -> Iterator[dict[str, Any]]:
    for name, meaning in _DUTIES.items():
        flag = getattr(rules, name)
        if flag is not None and flag.value:
            yield {"duty": name, "meaning": meaning, "source": flag.source}
    message = rules.first_contact_message
    if message is not None:
        meaning = f"nobody reached at the first call: the message {message.template} goes out at once"
        yield {"duty": "first_contact_message", "meaning": meaning, "source": message.source}


def _callbacks(rules: FollowupRules, facts: CaseFacts) -> Iterator[dict[str, Any]]:
    for rule in rules.callbacks_after(Trigger.CASE_REPLIED, valid=facts.valid is not False):
        yield {
            "callback": rule.code,
            "after": rule.trigger.value.value,
            "duration": duration_text(rule.due.value) if rule.due else None,
            "source": rule.due.source if rule.due else rule.trigger.source,
        }


def _local(at: datetime, calendar: Calendar) -> str:
    return at.astimezone(calendar.zone).isoformat()
