"""The blind index (盲索引): files are found by a keyed hash of a phone number, which says nothing without the key."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Sequence

_PHONE = "phone"
#: Begins what is hidden already; no phone number begins so.
_HIDDEN = "~"
_DIGITS = 32


class BlindIndex:
    """Hides the phone numbers in what recognises customers: ``<org>|phone|<number>``.

    A plain hash of a number could be looked up: there are not many numbers. The first of ``secrets`` hides; what
    any other of them hid is still found, so that a secret can be replaced by a new one before it.
    """

    def __init__(self, secrets: Sequence[str]) -> None:
        """Use ``secrets``, at least one."""
        self._secrets = [secret.encode() for secret in secrets]

    def hidden(self, key: str) -> str:
        """Return ``key`` as it is kept; one that holds no number stays as it is."""
        return self._hide(key, self._secrets[0])

    def lookup(self, keys: Iterable[str]) -> dict[str, str]:
        """Return everything as which one of ``keys`` may be kept, each with that key."""
        return {self._hide(key, secret): key for key in keys for secret in self._secrets}

    def _hide(self, key: str, secret: bytes) -> str:
        org, _, rest = key.partition("|")
        what, _, number = rest.partition("|")
        if what != _PHONE or number.startswith(_HIDDEN):
            return key
        digest = hmac.digest(secret, key.encode(), "sha256").hex()[:_DIGITS]
        return f"{org}|{what}|{_HIDDEN}{digest}"
