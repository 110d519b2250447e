"""Settings of the complaints service: those every service has, and none beside."""

from __future__ import annotations

from shared.settings import ServiceSettings

__all__ = ["ServiceSettings"]
