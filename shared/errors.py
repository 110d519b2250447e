"""The one family of errors that crosses every boundary of the system.

    KefuError
    ├── ValidationFailed      the input is wrong; names field and reason
    ├── NotFound              no such thing in this organisation
    ├── Conflict              the thing changed meanwhile, or a key was used for something else
    ├── Unauthenticated       no token, a forged token or an expired one
    ├── Forbidden             the caller's roles do not carry the right
    ├── RuleRefused           a rule of the organisation's rulebook refuses; names the rule
    ├── DeadlineExceeded      the caller's deadline has passed; nothing was done
    └── Unavailable           database or broker away; try again later

Permanent errors give the same answer however often they are tried: every one but
``Unavailable`` and ``Conflict``. Messages hold no personal data.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with an input: the dotted ``field`` and the ``reason`` in plain words."""

    field: str
    reason: str

    def as_dict(self) -> dict[str, str]:
        """Return the JSON shape ``{"field": …, "reason": …}``."""
        return {"field": self.field, "reason": self.reason}


class KefuError(Exception):
    """Base of all refusals and failures; ``code`` is stable and meant for programs."""

    code: ClassVar[str] = "error"
    #: Whether trying the same thing again can succeed.
    transient: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        problems: tuple[Problem, ...] = (),
        rule: str | None = None,
        details: dict[str, Any] | None = None,
    ) -> None:
        """``message`` says what was wrong, where, and what to do; ``rule`` is the id of the refusing rule."""
        super().__init__(message)
        self.message = message
        self.problems = problems
        self.rule = rule
        self.details = details or {}

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON shape sent over RPC and shown by the command line."""
        shape: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.problems:
            shape["problems"] = [problem.as_dict() for problem in self.problems]
        if self.rule:
            shape["rule"] = self.rule
        if self.details:
            shape["details"] = self.details
        return shape


class ValidationFailed(KefuError):
    """The input is wrong; ``problems`` names every field and reason."""

    code = "validation_failed"


class NotFound(KefuError):
    """No such thing exists in the caller's organisation."""

    code = "not_found"


class Conflict(KefuError):
    """The thing changed meanwhile, or an idempotency key was used for something else; read again and retry."""

    code = "conflict"
    transient = True


class Unauthenticated(KefuError):
    """The call carries no valid token."""

    code = "unauthenticated"


class Forbidden(KefuError):
    """The caller is known but none of its roles carries the right."""

    code = "forbidden"


class RuleRefused(KefuError):
    """A rule of the organisation's rulebook refuses the step; ``rule`` is its id."""

    code = "rule_refused"


class DeadlineExceeded(KefuError):
    """The caller's deadline has passed, so nothing was done."""

    code = "deadline_exceeded"


class Unavailable(KefuError):
    """The database or the broker is away; nothing was done and the same call may succeed later."""

    code = "unavailable"
    transient = True


ERRORS: dict[str, type[KefuError]] = {
    error.code: error
    for error in (
        ValidationFailed,
        NotFound,
        Conflict,
        Unauthenticated,
        Forbidden,
        RuleRefused,
        DeadlineExceeded,
        Unavailable,
    )
}


def error_from_dict(shape: dict[str, Any]) -> KefuError:
    """Rebuild an error from ``as_dict``.

    An unknown code gives the base class, and what is misshapen is left out: never an exception of its own.
    """
    kind = ERRORS.get(str(shape.get("code")), KefuError)
    rows, rule, details = shape.get("problems"), shape.get("rule"), shape.get("details")
    return kind(
        str(shape.get("message", "")),
        problems=tuple(
            Problem(str(row["field"]), str(row["reason"]))
            for row in (rows if isinstance(rows, list | tuple) else ())
            if isinstance(row, dict) and {"field", "reason"} <= row.keys()
        ),
        rule=str(rule) if rule else None,
        details=details if isinstance(details, dict) else None,
    )
