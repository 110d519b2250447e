"""Append-only ledgers of exact sums: caps with carry-over, counter-entries, locked periods, a trace per line.

Pure. Who writes into a ledger, and why, is the service's own affair; see ``Ledger``.
"""

from shared.ledger.book import Ledger, PeriodLocked, Settled
from shared.ledger.lines import Kind, Line, Posting, Step
from shared.ledger.money import ZERO, apportion, exact, round_down, round_half_up
from shared.ledger.periods import period_after, period_before, period_bounds, period_of, period_problem
from shared.ledger.series import Tariff

__all__ = [
    "ZERO",
    "Kind",
    "Ledger",
    "Line",
    "PeriodLocked",
    "Posting",
    "Settled",
    "Step",
    "Tariff",
    "apportion",
    "exact",
    "period_after",
    "period_before",
    "period_bounds",
    "period_of",
    "period_problem",
    "round_down",
    "round_half_up",
]
