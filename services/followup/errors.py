"""Refusals of the followup service, each of the shared family."""

from __future__ import annotations

from shared.errors import NotFound


def no_callback(callback_id: str) -> NotFound:
    """Return the error for a callback that does not exist in the caller's organisation."""
    return NotFound(f"there is no callback {callback_id!r} in your organisation")


def no_message(message_id: str) -> NotFound:
    """Return the error for a message that does not exist in the caller's organisation."""
    return NotFound(f"there is no message {message_id!r} in your organisation")


def no_rule(code: str) -> NotFound:
    """Return the error for a callback whose rule its own version of the rulebook no longer holds."""
    return NotFound(f"the rulebook of this callback has no callback rule {code!r}: its file was changed")


def no_template(code: str) -> NotFound:
    """Return the error for a message template the organisation's rulebook does not hold."""
    return NotFound(f"the organisation's rulebook has no message template {code!r}")


def no_callback_rule(org: str) -> NotFound:
    """Return the error for a case that needs a callback where the rulebook has none after a reply."""
    return NotFound(f"the case needs a callback, but the rulebook of {org!r} has none after a reply: add one")


def no_record_form(rule: str) -> NotFound:
    """Return the error for a record of a callback whose rule has no form."""
    return NotFound(f"the rulebook has no record form for callbacks of the rule {rule!r}")


def no_script(code: str) -> NotFound:
    """Return the error for a script the organisation's rulebook does not hold."""
    return NotFound(f"the organisation's rulebook has no script {code!r}")


def no_batch_rule(code: str) -> NotFound:
    """Return the error for a kind of batch the organisation's rulebook does not hold."""
    return NotFound(f"the organisation's rulebook has no batch {code!r}")
