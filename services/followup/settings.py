"""Settings of the followup service beside those every service has."""

from __future__ import annotations

from dataclasses import dataclass, field

from shared.settings import Kind, ServiceSettings, variable

#: A shorter key could be tried out.
_SHORTEST_KEY = 32


def _keys(raw: str) -> tuple[str, ...]:
    keys = tuple(part.strip() for part in raw.split(","))
    if min(map(len, keys)) < _SHORTEST_KEY:
        raise ValueError
    return keys


_SURVEY_KEYS = Kind(
    f"a random secret of at least {_SHORTEST_KEY} characters, or the new one and the old one separated by a comma",
    _keys,
)


@dataclass(frozen=True, kw_only=True)
class FollowupSettings(ServiceSettings):
    """``survey_key`` signs the links of surveys; without it the service does not start."""

    survey_key: tuple[str, ...] = field(repr=False, metadata=variable(_SURVEY_KEYS, secret=True))


__all__ = ["FollowupSettings", "ServiceSettings"]
