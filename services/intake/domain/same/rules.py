"""What a rulebook says about clients: entering, conflicts, ownership, grading and allocation."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time
from decimal import Decimal
from enum import StrEnum

from shared.regulations.values import Sourced
from shared.worktime import Duration

Roles = Sourced[tuple[str, ...]]


class SearchKind(StrEnum):
    """By what a conflict is searched: the key field of the name, or area code and number."""

    NAME = "name"
    PHONE = "phone"


class Contract(StrEnum):
    """Where a client stands with its contract."""

    NEVER_SIGNED = "never_signed"
    IN_SERVICE = "in_service"
    LAPSED = "lapsed"
    VOIDED = "voided"


class ClaimKind(StrEnum):
    """What decides who is told of a conflict (冲突)."""

    UNSIGNED = "unsigned"
    SIGNED = "signed"
    CROSS_REGION = "cross_region"
    ARBITRATION = "arbitration"


@dataclass(frozen=True, slots=True)
class Entry:
    """What must be there before a client is entered.

    Both ``searches`` by the same person, at most ``fresh_hours`` old; every one of ``complete`` filled in.
    """

    searches: Sourced[tuple[SearchKind, ...]]
    fresh_hours: Sourced[int]
    hit: Sourced[bool]
    complete: Sourced[tuple[str, ...]]
    standard: Sourced[bool]
    single: Sourced[bool]
    licence: Sourced[bool]


@dataclass(frozen=True, slots=True)
class Weight:
    """How much one likeness of two clients counts."""

    code: str
    points: int
    source: str


@dataclass(frozen=True, slots=True)
class Audience:
    """Whom a conflict of one kind is sent to and who gets a copy, as roles; ``confirms`` is how many must rule."""

    code: ClaimKind
    to: tuple[str, ...]
    copies: tuple[str, ...]
    confirms: int
    source: str


@dataclass(frozen=True, slots=True)
class Conflicts:
    """How conflicts are ruled on: by whom, by when, whom an objection goes to, and who is told."""

    ruled_by: Roles
    arbitrated_by: Roles
    within: Sourced[Duration]
    audiences: tuple[Audience, ...]

    def audience(self, kind: ClaimKind) -> Audience | None:
        """Return who is told of a conflict of ``kind``."""
        return next((row for row in self.audiences if row.code is kind), None)


@dataclass(frozen=True, slots=True)
class Quota:
    """How many clients one person may hold; ``in_new_regions`` where that is other."""

    most: int
    source: str
    in_new_regions: int | None = None


@dataclass(frozen=True, slots=True)
class Pool:
    """Clients one role keeps: those of the states ``holds``; of lapsed ones either the ``recent`` or the others.

    Only those of the states ``counts`` count towards the quota.
    """

    code: str
    role: str
    holds: tuple[Contract, ...]
    recent: bool
    counts: Sourced[tuple[Contract, ...]]
    source: str
    quota: Quota | None = None


@dataclass(frozen=True, slots=True)
class Reassigning:
    """From which rating on, of ``best``, another agent is proposed to a key client."""

    up_to: int
    best: int
    source: str


@dataclass(frozen=True, slots=True)
class Ownership:
    """Who keeps which clients, who moves them, who sees those of others, and what is kept about them."""

    transfer: Roles
    seen_by: Roles
    at_risk: Sourced[bool]
    applies_to: Roles | None = None
    pools: tuple[Pool, ...] = ()
    lapse_months: Sourced[int] | None = None
    new_regions: Sourced[tuple[str, ...]] | None = None
    reassign: Reassigning | None = None
    credit: Sourced[tuple[str, ...]] | None = None
    reception: Sourced[tuple[str, ...]] | None = None

    def pool(self, code: str | None) -> Pool | None:
        """Return the pool called ``code``."""
        return next((pool for pool in self.pools if pool.code == code), None)

    def pool_of(self, contract: Contract, *, recent: bool) -> Pool | None:
        """Return the pool a client in this state belongs to; ``recent`` is whether it lapsed a short time ago."""
        return next(
            (
                pool
                for pool in self.pools
                if contract in pool.holds and (contract is not Contract.LAPSED or pool.recent is recent)
            ),
            None,
        )


@dataclass(frozen=True, slots=True)
class Merging:
    """Who asks for two clients to be merged (客户合并), and who decides."""

    decided_by: Roles


@dataclass(frozen=True, slots=True)
class Dimension:
    """One line of the rating table (客户评级标准表); the best mark is ``best``."""

    code: str
    name: str
    weight: Decimal
    best: int
    source: str


@dataclass(frozen=True, slots=True)
class Level:
    """One level and its percentage of all who are graded."""

    code: str
    name: str
    percent: int
    source: str


@dataclass(frozen=True, slots=True)
class Grading:
    """How clients are graded: the table, the split, the months, who approves, a contact for each level.

    ``after_opening`` is how many months a new place has for its first round.
    """

    dimensions: tuple[Dimension, ...]
    levels: tuple[Level, ...]
    approved_by: Roles
    contacts: Sourced[bool]
    months: Sourced[tuple[int, ...]]
    after_opening: Sourced[int] | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """A kind of thing that is allocated: who does it, and for leads the channels and that they were screened."""

    code: str
    allocated_by: tuple[str, ...]
    source: str
    channels: Sourced[tuple[str, ...]] | None = None
    screened: bool = False


@dataclass(frozen=True, slots=True)
class Staffing:
    """What a team needs: agents to a supervisor, and heads in all."""

    span: Sourced[int] | None = None
    heads: Sourced[int] | None = None


@dataclass(frozen=True, slots=True)
class Allocation:
    """How lists are distributed over staff, until when, and what is due after it."""

    kinds: tuple[Listed, ...]
    first_contact: Sourced[Duration] | None = None
    detail: Sourced[int] | None = None
    each_morning: Sourced[time] | None = None
    quota: Sourced[int] | None = None
    regions: Sourced[bool] | None = None

    def kind(self, code: str) -> Listed | None:
        """Return the kind called ``code``."""
        return next((kind for kind in self.kinds if kind.code == code), None)


@dataclass(frozen=True, slots=True)
class AccountRules:
    """The part of a rulebook about clients; what is not there is not asked for."""

    entry: Entry | None = None
    likeness: tuple[Weight, ...] = ()
    conflicts: Conflicts | None = None
    merging: Merging | None = None
    ownership: Ownership | None = None
    grading: Grading | None = None
    allocation: Allocation | None = None
    levelling: Sourced[bool] | None = None
    staffing: Staffing | None = None
