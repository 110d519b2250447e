"""The public keys that tokens are verified with, read from a JWKS file or URL and re-read when they change.

Only asymmetric keys whose use is fixed by their type are taken: Ed25519 for ``EdDSA``, P-256 for ``ES256``.
Everything else in a JWKS is left out, so a shared secret can never verify a token.
"""

from __future__ import annotations

import json
import logging
import threading
import urllib.request
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from shared.errors import Problem, Unavailable, ValidationFailed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

#: Signature algorithms accepted, by the JWK key type and curve that each needs.
ALGORITHMS: Mapping[tuple[str, str], str] = MappingProxyType(
    {("OKP", "Ed25519"): "EdDSA", ("EC", "P-256"): "ES256"}
)

_log = logging.getLogger(__name__)
_LARGEST_JWKS = 1_000_000


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """One public key and the only algorithm it may verify."""

    kid: str
    algorithm: str
    key: Ed25519PublicKey | EllipticCurvePublicKey


class KeySource(Protocol):
    """Where verification keys come from."""

    def generation(self, now: datetime) -> int:
        """Look for changed keys if it is time to and return a number that grows with every change."""
        ...

    def key(self, kid: str, now: datetime) -> VerificationKey | None:
        """Return the key named ``kid``, looking again for an unknown one; None if there is none.

        Raises ``Unavailable`` while no keys could be read at all.
        """
        ...


def parse_jwks(raw: bytes) -> dict[str, VerificationKey]:
    """Return the usable keys of a JWKS by key id.

    Raises ``ValidationFailed`` if ``raw`` is no JWKS or holds no usable key; unusable ones are left out.
    """
    try:
        document = json.loads(raw)
        entries = document["keys"]
        found = [_parse_key(entry) for entry in entries]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        message = 'this is not a JWKS document: it should look like {"keys": [{"kty": …, "kid": …}]}'
        raise ValidationFailed(message, problems=(Problem("keys", "missing or malformed"),)) from error
    keys = {key.kid: key for key in found if key is not None}
    if not keys:
        message = "this JWKS holds no usable key: Ed25519 or P-256 with a 'kid' is needed"
        raise ValidationFailed(message, problems=(Problem("keys", "no usable key"),))
    return keys


def _parse_key(entry: Any) -> VerificationKey | None:
    if not isinstance(entry, dict):
        return None
    kid = entry.get("kid")
    algorithm = ALGORITHMS.get((str(entry.get("kty")), str(entry.get("crv"))))
    meant_for_it = entry.get("alg", algorithm) == algorithm and entry.get("use", "sig") == "sig"
    if algorithm is None or not meant_for_it or not isinstance(kid, str) or not kid:
        return None
    # The private part, should someone have left it in, is neither needed nor kept.
    public = {name: value for name, value in entry.items() if name != "d"}
    try:
        key = jwt.PyJWK(public, algorithm).key
    except jwt.PyJWTError:
        return None
    if not isinstance(key, Ed25519PublicKey | EllipticCurvePublicKey):
        return None
    return VerificationKey(kid, algorithm, key)


class _RereadKeys:
    """What file and URL share: keys in memory, looked at again at most once per ``interval``.

    A failed look keeps the keys known before, so a moment's outage or a half-written file refuses nobody.
    """

    def __init__(self, place: str, interval: timedelta, routine: timedelta) -> None:
        """Read at most once per ``interval``, and every ``routine`` even with no occasion."""
        self._place = place
        self._interval = interval
        self._routine = routine
        self._keys: dict[str, VerificationKey] = {}
        self._generation = 0
        self._looked_at: datetime | None = None
        self._lock = threading.Lock()

    def generation(self, now: datetime) -> int:
        """See ``KeySource``."""
        if self._due(now, self._routine):
            self._look(now, self._routine)
        return self._generation

    def key(self, kid: str, now: datetime) -> VerificationKey | None:
        """See ``KeySource``."""
        known = self._keys.get(kid)
        if known is None and self._due(now, self._interval):
            self._look(now, self._interval)
            known = self._keys.get(kid)
        if known is None and not self._keys:
            message = f"no token can be verified: the signing keys cannot be read from {self._place}"
            raise Unavailable(message)
        return known

    def _due(self, now: datetime, after: timedelta) -> bool:
        # A clock set back must not stop the looking.
        return self._looked_at is None or not timedelta() <= now - self._looked_at < after

    def _look(self, now: datetime, after: timedelta) -> None:
        # While one reader looks, those who have keys go on with them; those who have none wait for it.
        if not self._lock.acquire(blocking=not self._keys):
            return
        try:
            if not self._due(now, after):
                return
            self._looked_at = now
            raw = self._read_if_changed()
            if raw is not None:
                keys = parse_jwks(raw)
                self._accepted()
                if keys != self._keys:
                    self._keys = keys
                    self._generation += 1
        except (OSError, ValueError, ValidationFailed) as error:
            _log.warning("signing keys not read from %s, the known ones stay: %s", self._place, error)
        finally:
            self._lock.release()

    def _read_if_changed(self) -> bytes | None:
        """Return the JWKS, or None if it is surely the one in use; OSError or ValueError if it is away."""
        raise NotImplementedError

    def _accepted(self) -> None:
        """Remember that what was read last is what is now in use."""


class JwksFile(_RereadKeys):
    """Keys from a JWKS file, read again once its modification time or size changes."""

    def __init__(self, path: Path, *, interval: timedelta = timedelta(seconds=2)) -> None:
        """Look at the file at most once per ``interval``; nothing is read before the first token."""
        super().__init__(str(path), interval, interval)
        self._path = path
        self._read: tuple[int, int, int] | None = None
        self._in_use: tuple[int, int, int] | None = None

    def _read_if_changed(self) -> bytes | None:
        state = self._path.stat()
        self._read = (state.st_mtime_ns, state.st_size, state.st_ino)
        return None if self._read == self._in_use else self._path.read_bytes()

    def _accepted(self) -> None:
        self._in_use = self._read


class JwksUrl(_RereadKeys):
    """Keys from a JWKS URL, fetched every ``routine`` and, at most every ``interval``, for an unknown key."""

    def __init__(
        self,
        url: str,
        *,
        interval: timedelta = timedelta(seconds=10),
        routine: timedelta = timedelta(minutes=5),
        timeout: float = 5.0,
    ) -> None:
        """``timeout`` is in seconds, for each step of one fetch; ``url`` must be http or https."""
        if not url.startswith(("http://", "https://")):
            message = "the URL of the signing keys must begin with https:// or http://"
            raise ValidationFailed(message, problems=(Problem("url", "not http or https"),))
        super().__init__("the JWKS URL", interval, routine)
        self._url = url
        self._timeout = timeout

    def _read_if_changed(self) -> bytes | None:
        with urllib.request.urlopen(self._url, timeout=self._timeout) as response:  # noqa: S310 - http(s) only, checked above
            content: bytes = response.read(_LARGEST_JWKS + 1)
        if len(content) > _LARGEST_JWKS:
            message = f"the document is larger than {_LARGEST_JWKS} bytes"
            raise ValueError(message)
        return content


def key_source(*, file: Path | None = None, url: str | None = None) -> KeySource:
    """Return the source for ``file`` or ``url``; ``ValidationFailed`` unless exactly one is given."""
    if file is not None and url is None:
        return JwksFile(file)
    if url is not None and file is None:
        return JwksUrl(url)
    message = "the signing keys come from a file or from a URL: name exactly one"
    raise ValidationFailed(message, problems=(Problem("jwks", "name exactly one of file and url"),))
