"""Named deadlines on aggregates."""

from shared.clocks.clock import Deadline, Firing, Kind, State, next_due
from shared.clocks.ledger import Authority, Decision, Extension, Pause
from shared.clocks.points import Before, WarnPoint

__all__ = [
    "Authority",
    "Before",
    "Deadline",
    "Decision",
    "Extension",
    "Firing",
    "Kind",
    "Pause",
    "State",
    "WarnPoint",
    "next_due",
]
