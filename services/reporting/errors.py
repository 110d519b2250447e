"""Refusals of the reporting service, each of the shared family."""

from __future__ import annotations

from shared.errors import NotFound, Problem, ValidationFailed


def no_report(month: str, version: int | None) -> NotFound:
    """Return the error for a report that was never published in the caller's organisation."""
    which = "no report" if version is None else f"no version {version} of the report"
    return NotFound(f"your organisation has published {which} of {month}")


def no_kpi(code: str, known: tuple[str, ...]) -> NotFound:
    """Return the error for a key figure that the organisation's rulebook does not ask for."""
    return NotFound(
        f"your organisation's rulebook asks for no key figure {code!r}; it has {', '.join(known)}"
    )


def no_reported_figure(code: str, known: tuple[str, ...]) -> NotFound:
    """Return the error for a figure that the organisation's rulebook takes from nobody."""
    return NotFound(f"your organisation's rulebook takes no figure {code!r}; it takes {', '.join(known)}")


def cannot_split(code: str, by: str) -> ValidationFailed:
    """Return the error for a key figure whose sums are not all counted apart by something."""
    problem = Problem("by", f"{code} is not counted apart by it")
    return ValidationFailed(f"{code} cannot be split by {by}", problems=(problem,))


def month_not_begun(month: str) -> ValidationFailed:
    """Return the error for a report of a month that lies ahead."""
    problem = Problem("month", "has not begun yet")
    return ValidationFailed(f"{month} has not begun yet: there is nothing to report", problems=(problem,))
