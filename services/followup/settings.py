"""Settings of the followup service: those every service has, and none beside."""

from __future__ import annotations

from shared.settings import ServiceSettings

__all__ = ["ServiceSettings"]
