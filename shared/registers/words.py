"""The words a register is defined in: types of fields, comparisons, computations, moves, periods."""

from __future__ import annotations

from enum import StrEnum

#: What happens to a record beside its actions; no action may be called so.
OPENED, CLOSED, CORRECTED = "opened", "closed", "corrected"
#: The action that ends the life of a record whose time is over; no action of a definition may be called so.
DESTROY = "destroy"
#: Why a record that was followed by another is acted on; no rule that opens records may be called so.
SUCCESSION = "succession"
#: What a record is found by that another one opened; no field may be called so.
ORIGIN = "origin"
#: The state of records whose register names no states: written once, and done with.
FILED = "filed"


class Type(StrEnum):
    """What may stand in a field."""

    TEXT = "text"
    NUMBER = "number"
    AMOUNT = "amount"
    DATE = "date"
    MOMENT = "moment"
    TIME = "time"
    FLAG = "flag"
    CHOICE = "choice"
    STAFF = "staff"
    #: A person or an organisation that the record is about or that takes part.
    PARTY = "party"
    UNIT = "unit"
    CASE = "case"
    CONTACT = "contact"
    RECORD = "record"
    LIST = "list"


class Default(StrEnum):
    """What stands in a field nobody filled."""

    ACTOR = "actor"
    NOW = "now"
    TODAY = "today"


class Is(StrEnum):
    """How two values compare."""

    EQUAL = "equal"
    NOT_EQUAL = "not_equal"
    LESS = "less"
    AT_MOST = "at_most"
    MORE = "more"
    AT_LEAST = "at_least"
    ONE_OF = "one_of"
    FILLED = "filled"
    EMPTY = "empty"


class Otherwise(StrEnum):
    """What a failing check does: refuse the step, ask for a note, or flag the record."""

    REFUSE = "refuse"
    NOTE = "note"
    FLAG = "flag"


class Sum(StrEnum):
    """How a field is computed."""

    SUM = "sum"
    DIFFERENCE = "difference"
    PRODUCT = "product"
    QUOTIENT = "quotient"
    PERCENTAGE = "percentage"
    COUNT = "count"
    DAYS = "days"
    MINUTES = "minutes"
    MONTHS = "months"
    LEAST = "least"
    MOST = "most"
    ORDER = "order"


class Move(StrEnum):
    """What a step does to a stock."""

    IN = "in"
    OUT = "out"
    TRANSFER = "transfer"


class Every(StrEnum):
    """How often a record is due."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"
