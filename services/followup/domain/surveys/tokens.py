"""Links to questionnaires: a token that names one invitation of one wave and cannot be made without the key."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence

_DIGEST_BYTES = 20


class Tokens:
    """Signs and reads tokens; of several keys the first signs and all are accepted."""

    def __init__(self, keys: Sequence[str]) -> None:
        """Use ``keys``, of which there is at least one."""
        self._keys = [key.encode() for key in keys]

    def sign(self, org: str, wave_id: str, invitation_id: str) -> str:
        """Return the token of an invitation, the same whenever it is asked for."""
        return f"{wave_id}.{invitation_id}.{_digest(self._keys[0], org, wave_id, invitation_id)}"

    def read(self, org: str, token: str) -> tuple[str, str] | None:
        """Return wave and invitation of a token of ``org``; None when it was not signed here."""
        named, _, given = token.rpartition(".")
        wave_id, _, invitation_id = named.partition(".")
        for key in self._keys:
            if hmac.compare_digest(_digest(key, org, wave_id, invitation_id).encode(), given.encode()):
                return wave_id, invitation_id
        return None


def _digest(key: bytes, *parts: str) -> str:
    material = "\n".join(("survey", *parts)).encode()
    made = hmac.new(key, material, hashlib.sha256).digest()[:_DIGEST_BYTES]
    return base64.urlsafe_b64encode(made).decode().rstrip("=")
