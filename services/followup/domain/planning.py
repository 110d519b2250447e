"""Which callbacks something calls for, and what they are about."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from services.followup.domain.callback import About
from services.followup.domain.rulebook import CallbackRule, FollowupRules, Trigger
from shared.regulations.values import Sourced
from shared.worktime import Duration


@dataclass(frozen=True, slots=True)
class Planned:
    """A callback to be made: the rule that gives its outcomes, and how soon; None means no time limit."""

    rule: CallbackRule
    due: Sourced[Duration] | None


@dataclass(frozen=True, slots=True)
class Matter:
    """What callbacks are about: a case, a request, an occasion, another callback, or that the time has come.

    ``reference`` names it; ``happened_at`` is the instant the time for the callback counts from. ``occasion`` and
    ``subtype`` are its codes.
    """

    about: About
    reference: str
    customer_id: str
    happened_at: datetime
    occasion: str | None = None
    subtype: str | None = None
    case_id: str | None = None
    case_number: str | None = None
    contact_id: str | None = None
    handler: str | None = None
    unit: str | None = None
    round: int = 1
    #: By when callbacks are due whose rule gives no time of its own.
    until: datetime | None = None


def callbacks_for(
    rules: FollowupRules, trigger: Trigger, matter: Matter, *, before: Collection[str] = ()
) -> tuple[Planned, ...]:
    """Return the callbacks that ``trigger`` calls for on ``matter``; ``before`` are the occasions that came first."""
    return tuple(
        Planned(rule, rule.due)
        for rule in rules.callbacks_after(trigger, valid=True)
        if rule.fits(matter.occasion, matter.subtype)
        and (rule.once is None or rule.once in before)
        and (rule.until is None or rule.until not in before)
    )


def callbacks_for_reply(rules: FollowupRules, *, valid: bool, needs_callback: bool) -> tuple[Planned, ...]:
    """Return the callbacks to be made after a reply on a case found ``valid`` or not.

    Those the rulebook demands of such a case. Where it demands none but the case cannot close without one
    (``needs_callback``), the rulebook's first callback after a reply lends its outcomes, not its time: that
    was given for other cases. Empty when there is nothing to be made, or nothing to lend.
    """
    demanded = rules.callbacks_after(Trigger.CASE_REPLIED, valid=valid)
    if demanded or not needs_callback:
        return tuple(Planned(rule, rule.due) for rule in demanded)
    return tuple(Planned(rule, None) for rule in rules.callbacks_after(Trigger.CASE_REPLIED, valid=True)[:1])
