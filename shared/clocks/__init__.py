"""Named deadlines on aggregates."""

from shared.clocks.clock import Deadline, Firing, Kind, State, next_due

__all__ = ["Deadline", "Firing", "Kind", "State", "next_due"]
