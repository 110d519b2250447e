"""Settings of the followup service beside those every service has."""

from __future__ import annotations

from shared.settings import ServiceSettings

#: How many callbacks one round of the timer fires at most; the next round follows at once.
DUE_AT_ONCE = 200

__all__ = ["DUE_AT_ONCE", "ServiceSettings"]
