"""Which callbacks a reply calls for."""

from __future__ import annotations

from dataclasses import dataclass

from services.followup.domain.rulebook import CallbackRule, FollowupRules, Trigger
from shared.regulations.values import Sourced
from shared.worktime import Duration


@dataclass(frozen=True, slots=True)
class Planned:
    """A callback to be made: the rule that gives its outcomes, and how soon; None means no time limit."""

    rule: CallbackRule
    due: Sourced[Duration] | None


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
