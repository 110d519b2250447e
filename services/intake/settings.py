"""Settings of the intake service beside those every service has."""

from __future__ import annotations

from dataclasses import dataclass, field

from shared.settings import Kind, ServiceSettings, variable

#: Bodies of external events above this many bytes are refused.
MAX_BODY = 256 * 1024
#: Of a refused body this much is kept; the rest says nothing a sender needs to mend it.
KEPT_BODY = 8 * 1024 * 1024

#: A shorter key could be tried out.
_SHORTEST_KEY = 32


def _phone_keys(raw: str) -> tuple[str, ...]:
    keys = tuple(part.strip() for part in raw.split(","))
    if min(map(len, keys)) < _SHORTEST_KEY:
        raise ValueError
    return keys


_PHONE_KEYS = Kind(
    f"a random secret of at least {_SHORTEST_KEY} characters, or the new one and the old one separated by a comma",
    _phone_keys,
)


@dataclass(frozen=True, kw_only=True)
class IntakeSettings(ServiceSettings):
    """``phone_key`` hides the phone numbers customers are found by; without it the service does not start."""

    phone_key: tuple[str, ...] = field(repr=False, metadata=variable(_PHONE_KEYS, secret=True))


__all__ = ["KEPT_BODY", "MAX_BODY", "IntakeSettings", "ServiceSettings"]
