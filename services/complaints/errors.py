"""Refusals of the complaints service, each of the shared family."""

from __future__ import annotations

from shared.errors import NotFound


def no_case(case_id: str) -> NotFound:
    """Return the error for a case that does not exist in the caller's organisation."""
    return NotFound(f"there is no case {case_id!r} in your organisation")
