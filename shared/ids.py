"""Where ids come from: injected, prefixed strings, sortable by the time they were made."""

from __future__ import annotations

import hashlib
import itertools
import os
import time
from typing import Protocol


class IdSource(Protocol):
    """Makes new ids."""

    def new(self, prefix: str) -> str:
        """Return a new unique id ``<prefix>_<26 characters>``."""
        ...


_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def _base32(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, rest = divmod(number, 32)
        digits.append(_ALPHABET[rest])
    return "".join(reversed(digits))


class TimeOrderedIds:
    """Ids of 48 bits of milliseconds and 80 random bits (the ULID layout), in lower-case Crockford base 32."""

    def new(self, prefix: str) -> str:
        """Return a new unique id; ids of one prefix sort by the millisecond they were made in."""
        stamp = _base32(time.time_ns() // 1_000_000, 10)
        return f"{prefix}_{stamp}{_base32(int.from_bytes(os.urandom(10)), 16)}"


class CountingIds:
    """Ids that count up from one; for tests, so that expectations can be written down."""

    def __init__(self) -> None:
        """Start counting at 1."""
        self._numbers = itertools.count(1)

    def new(self, prefix: str) -> str:
        """Return ``<prefix>_<number>``."""
        return f"{prefix}_{next(self._numbers)}"


def derived_id(prefix: str, *parts: str) -> str:
    """Return the id that always belongs to ``parts``: the same message or key never makes two things.

    160 bits of SHA-256 over the length-prefixed parts, so no two different tuples collide in practice.
    """
    material = b"".join(f"{len(part.encode())}:".encode() + part.encode() for part in parts)
    digest = int.from_bytes(hashlib.sha256(material).digest()[:20])
    return f"{prefix}_{_base32(digest, 32)}"
