"""What a list says of a customer's file; no more of the file is read for it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Listed:
    """One row: ``origins`` are codes, days are texts such as 2026-03-02."""

    id: str
    kind: str
    name: str
    phone: str | None
    unit: str | None
    phase: str | None
    lifecycle: str | None
    group: str | None
    filing: str | None
    origins: tuple[str, ...]
    lacking: tuple[str, ...]
    updated_on: str | None
    next_follow_on: str | None
