"""What a rulebook says about one register: its fields, checks, states, actions, clocks and notices; immutable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from shared.clocks import WarnPoint
from shared.numbering import Numbering
from shared.registers.words import FILED, Every, Is, Move, Otherwise, Sum, Type
from shared.regulations.values import Sourced
from shared.worktime import Duration


@dataclass(frozen=True, slots=True)
class Condition:
    """A comparison of a field with another field, times ``factor``, or with a value."""

    field: str
    compare: Is = Is.EQUAL
    value: object = None
    other: str | None = None
    factor: Decimal = Decimal(1)


@dataclass(frozen=True, slots=True)
class Grant:
    """Who may: holders of ``role``, or the member of staff named in ``field`` (``opener``: who opened it)."""

    role: str | None = None
    field: str | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Computed:
    """A number made of others: of ``fields`` of the record, or of ``field`` in every row of the list ``rows``.

    In the rows of a list the number may be the row's place among them, in the ``order`` of its ``fields``.
    """

    code: str
    name: str
    how: Sum
    fields: tuple[str, ...] = ()
    rows: str | None = None
    field: str | None = None
    when: Condition | None = None
    places: int = 2
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a form; a ``list`` has ``fields`` of its own in every row.

    A ``record`` is one of ``register``, in one of ``states`` and with the ``same`` values in these fields, if named.
    A ``fixed`` one holds its default, whatever anybody would write.
    What nobody fills in, because it is ``known`` by this code of whomever the field ``of`` names, is looked up.
    """

    code: str
    name: str
    type: Type
    required: bool = False
    required_if: Condition | None = None
    opening: bool | None = None
    personal: bool = False
    options: tuple[tuple[str, str], ...] = ()
    least: Decimal | None = None
    most: Decimal | None = None
    above: Decimal | None = None
    pattern: str | None = None
    must_be: object = None
    default: object = None
    fixed: bool = False
    register: str | None = None
    states: tuple[str, ...] = ()
    same: tuple[str, ...] = ()
    of: str | None = None
    known: str | None = None
    fields: tuple[Field, ...] = ()
    computed: tuple[Computed, ...] = ()
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Unique:
    """What no two records may share; with ``open_only`` no two that are open."""

    fields: tuple[str, ...]
    source: str
    open_only: bool = True
    when: Condition | None = None


@dataclass(frozen=True, slots=True)
class NoOverlap:
    """What no two open records may have at overlapping times.

    From the field ``begins`` to the field ``ends``, days with both ends, moments, or times of the ``day`` a third
    field names. Moments and times are held in whole steps of so many minutes.
    """

    begins: str
    source: str
    ends: str | None = None
    day: str | None = None
    per: tuple[str, ...] = ()
    step: int = 5
    when: Condition | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """What must hold after opening, every action and every correction, or only ``at`` some of them."""

    code: str
    holds: Condition
    message: str
    source: str
    otherwise: Otherwise = Otherwise.REFUSE
    note: str | None = None
    when: Condition | None = None
    at: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class State:
    """Where a record stands; in a final one it is closed."""

    code: str
    name: str
    final: bool = False


@dataclass(frozen=True, slots=True)
class Level:
    """One of several who must take an action in turn, each another person; only ``when`` the record is such."""

    grants: tuple[Grant, ...]
    when: Condition | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Extends:
    """More time that an action grants a clock: the amount stands in the number field ``by``."""

    clock: str
    by: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Action:
    """One step: from which states to which, by whom, with what, after what.

    ``signers`` different persons take it before the state changes, or one for each of ``levels`` in turn.
    """

    code: str
    name: str
    grants: tuple[Grant, ...]
    source: str
    from_: tuple[str, ...] = ()
    to: str | None = None
    sets: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    same_as: tuple[str, ...] = ()
    not_same_as: tuple[str, ...] = ()
    signers: int = 1
    levels: tuple[Level, ...] = ()
    when: Condition | None = None
    once: bool = False
    extends: Extends | None = None


@dataclass(frozen=True, slots=True)
class ClockRule:
    """A time limit: begun at ``starts``, met at ``ends``; ``within`` some time, or ``until`` a field says."""

    code: str
    name: str
    starts: tuple[str, ...]
    ends: tuple[str, ...]
    source: str
    within: Sourced[Duration] | None = None
    since: str | None = None
    until: str | None = None
    by: str | None = None
    end_of: Every | None = None
    warn_at: tuple[WarnPoint, ...] = ()
    when: Condition | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """Who is told, why, and at what.

    That is ``opened``, ``closed``, ``corrected``, an action, or ``breach``, ``warn`` or ``flag`` with a colon and
    the code of the clock or the check.
    """

    code: str
    at: tuple[str, ...]
    why: str
    source: str
    to: tuple[str, ...] = ()
    to_field: str | None = None
    when: Condition | None = None


@dataclass(frozen=True, slots=True)
class Movement:
    """What one step does to the stock: the field with the quantity, and for a transfer that with the new place."""

    at: str
    kind: Move
    quantity: str
    to_place: str | None = None


@dataclass(frozen=True, slots=True)
class BalanceRule:
    """The stock a register moves; registers may share one. With ``rows`` item and quantity stand in a list."""

    stock: str
    item: str
    moves: tuple[Movement, ...]
    source: str
    place: str | None = None
    rows: str | None = None


@dataclass(frozen=True, slots=True)
class Gap:
    """How far apart the records of one day may be: so many minutes, between these ``hours`` of the day.

    Without ``hours`` nobody knows when the day begins and ends: only what lies between two records counts.
    """

    minutes: Sourced[int]
    hours: Sourced[tuple[str, str]] | None = None


@dataclass(frozen=True, slots=True)
class Obligation:
    """A record that is due, for each of ``of`` that the field ``each`` may name.

    Due are so many ``times`` in ``every`` period, or one within ``every_days`` after the last, or so many in a day
    that no ``gap`` is longer. Where none of them is said, it is the organisation's to say how often.
    With ``to_workday`` a period's record is due on the last worked day up to the one said.
    """

    code: str
    name: str
    source: str
    every: Every | None = None
    times: int = 1
    every_days: Sourced[int] | None = None
    gap: Gap | None = None
    by: str | None = None
    on_day: int | None = None
    on_date: str | None = None
    each: str | None = None
    of: Sourced[tuple[str, ...]] | None = None
    day_field: str | None = None
    state: tuple[str, ...] = ()
    workdays_only: bool = False
    to_workday: bool = False
    when: Condition | None = None


@dataclass(frozen=True, slots=True)
class Retention:
    """How long records are kept, in years after they were closed, and who may destroy them then."""

    years: int
    grants: tuple[Grant, ...]
    source: str


@dataclass(frozen=True, slots=True)
class Sampling:
    """Which share of a period's records is checked, in percent, and how many at least."""

    percent: Decimal
    least: int
    source: str


@dataclass(frozen=True, slots=True)
class Confidential:
    """Who may read a record at all; each reading is written down."""

    roles: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True)
class Opens:
    """A record of another register that is opened ``at`` a step, for each row of the list ``rows`` if that is named.

    Its fields hold what ``fills`` says, or the first of ``copies`` that is filled: fields of the row or the record.
    """

    code: str
    register: str
    at: tuple[str, ...]
    source: str
    when: Condition | None = None
    rows: str | None = None
    row_when: Condition | None = None
    fills: tuple[tuple[str, object], ...] = ()
    copies: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class Succession:
    """Records with equal fields ``of`` are versions of one thing, of which one holds at a time.

    A version holds from the date in the field ``begins``, once the action ``at`` is done; the action ``then`` is
    taken on those before it.
    """

    of: tuple[str, ...]
    begins: str
    at: str
    then: str
    source: str


@dataclass(frozen=True, slots=True)
class Register:
    """The definition of one register."""

    code: str
    name: str
    source: str
    fields: tuple[Field, ...]
    open: tuple[Grant, ...]
    numbering: Numbering | None = None
    computed: tuple[Computed, ...] = ()
    unique: tuple[Unique, ...] = ()
    no_overlap: tuple[NoOverlap, ...] = ()
    checks: tuple[Check, ...] = ()
    states: tuple[State, ...] = (State(FILED, "已登记", final=True),)
    actions: tuple[Action, ...] = ()
    corrections: tuple[Grant, ...] = ()
    clocks: tuple[ClockRule, ...] = ()
    notices: tuple[Notice, ...] = ()
    balance: BalanceRule | None = None
    obligations: tuple[Obligation, ...] = ()
    retention: Retention | None = None
    sampling: Sampling | None = None
    confidential: Confidential | None = None
    opens: tuple[Opens, ...] = ()
    succession: Succession | None = None

    def field(self, code: str) -> Field | None:
        """Return the field called ``code``."""
        return next((field for field in self.fields if field.code == code), None)

    def action(self, code: str) -> Action | None:
        """Return the action called ``code``."""
        return next((action for action in self.actions if action.code == code), None)

    def is_final(self, state: str) -> bool:
        """Return whether a record in ``state`` is closed."""
        return any(each.code == state and each.final for each in self.states)

    def of_opening(self) -> tuple[Field, ...]:
        """Return the fields that may be filled on opening: those no action fills, and those that say so."""
        later = {code for action in self.actions for code in (*action.sets, *action.needs)}
        return tuple(
            field
            for field in self.fields
            if (field.opening if field.opening is not None else field.required or field.code not in later)
        )

    def shown(self, values: Mapping[str, object]) -> list[dict[str, object]]:
        """Return what of ``values`` may stand in an event: no text, nothing personal, no list."""
        codes = [field.code for field in self.fields if field.type in _SHOWN and not field.personal]
        codes += [computed.code for computed in self.computed]
        return [{"field": code, "value": values[code]} for code in codes if values.get(code) is not None]


_SHOWN = frozenset(
    {
        Type.NUMBER,
        Type.AMOUNT,
        Type.DATE,
        Type.MOMENT,
        Type.TIME,
        Type.FLAG,
        Type.CHOICE,
        Type.STAFF,
        Type.CASE,
        Type.CONTACT,
        Type.RECORD,
    }
)
