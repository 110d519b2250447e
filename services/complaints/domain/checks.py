"""What a rulebook refuses: a role without the right, a ground it does not list, a reply without its next time."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from services.complaints.domain.rulebook import ComplaintRules, Step
from shared.errors import Problem, RuleRefused, ValidationFailed

#: Nobody agrees a reply with a customer for later than this; beyond the calendar's end no instant can be written.
_LONGEST_WAIT = timedelta(days=366)


def check_step(step: Step, rules: ComplaintRules, roles: Collection[str], channel: str) -> None:
    """Refuse ``step`` on a case from ``channel`` to somebody none of whose ``roles`` may take it."""
    rule = rules.step(step)
    if not rule.allows(roles, channel):
        wanted = ", ".join(sorted({grant.role for grant in rule.grants}))
        message = f"{step.value} is for {wanted} on a case from {channel}"
        raise RuleRefused(message, rule=rule.source)


def check_ground(ground: str | None, rules: ComplaintRules) -> None:
    """Refuse a ground that the rulebook does not list, where it lists any."""
    codes = {choice.code: choice for choice in rules.grounds}
    if codes and ground not in codes:
        problem = Problem("ground", f"must be one of {', '.join(codes)}")
        message = "a complaint is valid only on one of the rulebook's grounds"
        raise RuleRefused(message, rule=next(iter(codes.values())).source, problems=(problem,))


def check_next_reply(next_reply_at: datetime | None, at: datetime, rules: ComplaintRules) -> None:
    """Refuse a reply for now that leaves the next one's time open where the rulebook wants it, or names a past one."""
    required = rules.next_reply_time_required
    if next_reply_at is None and required is not None and required.value:
        message = "a reply that does not solve the complaint must agree the time of the next one"
        raise RuleRefused(message, rule=required.source, problems=(Problem("next_reply_at", "is missing"),))
    if next_reply_at is not None and next_reply_at <= at:
        message = "the time of the next reply has already passed"
        raise ValidationFailed(message, problems=(Problem("next_reply_at", "lies in the past"),))
    if next_reply_at is not None and next_reply_at > at + _LONGEST_WAIT:
        message = f"the time of the next reply is more than {_LONGEST_WAIT.days} days away"
        raise ValidationFailed(message, problems=(Problem("next_reply_at", "lies too far ahead"),))
