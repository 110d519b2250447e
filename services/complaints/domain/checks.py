"""What a rulebook refuses: a role without the right, a ground it does not list, a reply without its next time."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from services.complaints.domain.rulebook import Choice, ComplaintRules, Grant, Step, role_allowed
from shared.clocks import Deadline
from shared.errors import Problem, RuleRefused, ValidationFailed

#: Nobody agrees a reply with a customer for later than this; beyond the calendar's end no instant can be written.
_LONGEST_WAIT = timedelta(days=366)


def check_step(step: Step, rules: ComplaintRules, roles: Collection[str], channel: str) -> None:
    """Refuse ``step`` on a case from ``channel`` to somebody none of whose ``roles`` may take it."""
    rule = rules.step(step)
    check_role(rule.grants, roles, channel, step.value, rule.source)


def check_role(grants: Collection[Grant], roles: Collection[str], channel: str, what: str, rule: str) -> str:
    """Return which of ``roles`` gives the right to ``what``; RuleRefused when none does."""
    role = role_allowed(grants, roles, channel)
    if role is None:
        wanted = ", ".join(sorted({grant.role for grant in grants}))
        raise RuleRefused(f"{what} is for {wanted} on a case from {channel}", rule=rule)
    return role


def check_pause(clock: str, rules: ComplaintRules, roles: Collection[str], channel: str, reason: str) -> str:
    """Return the role that gives the right to pause ``clock`` for ``reason``; RuleRefused where none does."""
    rule = rules.pause_rule(clock)
    if rule is None:
        raise RuleRefused(f"the rulebook permits no pause of the clock {clock}", rule="design")
    role = check_role(rule.grants, roles, channel, f"pausing {clock}", rule.source)
    _check_reason(reason, rule.reasons)
    return role


def check_extension(
    deadline: Deadline, rules: ComplaintRules, roles: Collection[str], channel: str, reason: str
) -> str:
    """Return the role that gives the right to ask for more time for ``deadline``; RuleRefused where none does."""
    rule = rules.extension_rule(deadline.name)
    if rule is None:
        raise RuleRefused(f"the rulebook permits no extension of the clock {deadline.name}", rule="design")
    role = check_role(rule.requests, roles, channel, f"asking for more time for {deadline.name}", rule.source)
    _check_reason(reason, rule.reasons)
    if deadline.granted >= rule.at_most:
        message = f"the clock {deadline.name} was extended {deadline.granted} times: no more are permitted"
        raise RuleRefused(message, rule=rule.source)
    return role


def _check_reason(reason: str, reasons: Collection[Choice]) -> None:
    codes = {choice.code: choice for choice in reasons}
    if reason not in codes:
        problem = Problem("reason", f"must be one of {', '.join(codes)}")
        raise RuleRefused(
            "the rulebook does not list this reason",
            rule=next(iter(codes.values())).source,
            problems=(problem,),
        )


def check_ground(ground: str | None, rules: ComplaintRules) -> None:
    """Refuse a ground that the rulebook does not list, where it lists any."""
    codes = {choice.code: choice for choice in rules.grounds}
    if codes and ground not in codes:
        problem = Problem("ground", f"must be one of {', '.join(codes)}")
        message = "a complaint is valid only on one of the rulebook's grounds"
        raise RuleRefused(message, rule=next(iter(codes.values())).source, problems=(problem,))


def check_words(text: str, rules: ComplaintRules) -> None:
    """Refuse a reply that holds a word the rulebook keeps out of replies."""
    kept_out = rules.reply_without
    found = [word for word in kept_out.value if word in text] if kept_out is not None else []
    if kept_out is not None and found:
        problem = Problem("text", f"holds {', '.join(found)}")
        message = "a reply respects the customer, whoever was at fault"
        raise RuleRefused(message, rule=kept_out.source, problems=(problem,))


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
