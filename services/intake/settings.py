"""Settings of the intake service beside those every service has."""

from __future__ import annotations

from shared.settings import ServiceSettings

#: Bodies of external events above this many bytes are refused.
MAX_BODY = 256 * 1024
#: Of a refused body this much is kept; the rest says nothing a sender needs to mend it.
KEPT_BODY = 8 * 1024 * 1024

__all__ = ["KEPT_BODY", "MAX_BODY", "ServiceSettings"]
