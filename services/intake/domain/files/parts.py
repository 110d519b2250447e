"""What a customer file is made of beside its fields: changes, origins, relations, extracts, moves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from services.intake.domain.files.rules import FileRules


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a file as its own history tells it, with the value before (B-GAS-09)."""

    at: datetime
    by: str
    field: str
    before: Any
    after: Any
    reason: str
    origin: str


@dataclass(frozen=True, slots=True)
class Origin:
    """Where data of a file came from (来源), first and last."""

    code: str
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Relation:
    """What another file, or a member of staff, is to this customer: its tenant, its key manager, its keeper."""

    kind: str
    to: str
    notes: Mapping[str, str]
    since: datetime


@dataclass(frozen=True, slots=True)
class Extract:
    """A specialist extracted the file on a day (提取客户信息档案)."""

    by: str
    on: date


@dataclass(frozen=True, slots=True)
class Moved:
    """When a phase or state of life began."""

    what: str
    to: str
    on: date
    reason: str


@dataclass(frozen=True, slots=True)
class Opening:
    """The rules a file is opened under, in which state of life, on which day."""

    rules: FileRules
    lifecycle: str | None
    today: date


@dataclass(frozen=True, slots=True)
class Handover:
    """What is known when a unit or meter is handed to another owner (过户)."""

    arrears: Decimal
    copies: tuple[str, ...]
    special_case: str | None
    roles: frozenset[str]
