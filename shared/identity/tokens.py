"""Signed tokens that say who calls: issued with a private key, verified with the public one.

A token is a JWT signed with EdDSA or ES256. Claims: ``sub`` subject, ``org`` organisation, optional ``unit``,
``roles`` list of text, ``jti`` token id, ``iat``, ``exp``, optional ``nbf``, ``aud``.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from jwt.algorithms import ECAlgorithm, OKPAlgorithm

from shared.clock import Clock, SystemClock
from shared.errors import Problem, Unauthenticated, ValidationFailed
from shared.identity.keys import ALGORITHMS, KeySource, VerificationKey
from shared.identity.roles import Caller
from shared.ids import IdSource, TimeOrderedIds

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

AUDIENCE = "kefu"

_LARGEST_TOKEN = 8192
_ACCEPTED = tuple(ALGORITHMS.values())
# Times are checked here against the injected clock; the library knows only the machine's.
_OPTIONS: Any = {
    "require": ["sub", "org", "roles", "jti", "iat", "exp", "aud"],
    "verify_signature": True,
    "verify_aud": True,
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
}


@dataclass(frozen=True, slots=True)
class _Verified:
    caller: Caller
    expires: datetime


class TokenVerifier:
    """Turns a token into its ``Caller``; remembers verified tokens, because every call brings one.

    The memory is bounded, keyed by the token's SHA-256, honours expiry on every use and is emptied when the
    signing keys change, so that withdrawing a key withdraws its tokens.
    """

    def __init__(
        self,
        keys: KeySource,
        clock: Clock,
        audience: str = AUDIENCE,
        leeway: timedelta = timedelta(seconds=30),
        remembered: int = 4096,
    ) -> None:
        """Forgive clocks that differ by ``leeway``; keep the ``remembered`` tokens used last."""
        self._keys = keys
        self._clock = clock
        self._audience = audience
        self._leeway = leeway
        self._remembered = remembered
        self._generation = -1
        self._memory: OrderedDict[bytes, _Verified] = OrderedDict()

    def verify(self, token: str | None) -> Caller:
        """Return who ``token`` says is calling.

        Raises ``Unauthenticated`` with the reason in plain words, never the token itself, and ``Unavailable``
        while the keys cannot be read.
        """
        if not token:
            message = "the call carries no token"
            raise Unauthenticated(message)
        if len(token) > _LARGEST_TOKEN:
            message = f"the token is longer than {_LARGEST_TOKEN} characters"
            raise Unauthenticated(message)
        now = self._clock.now()
        self._forget_if_keys_changed(now)
        digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        verified = self._memory.get(digest)
        if verified is None:
            verified = self._verify_afresh(token, now)
            self._memory[digest] = verified
            while len(self._memory) > self._remembered:
                self._memory.popitem(last=False)
        elif now >= verified.expires + self._leeway:
            del self._memory[digest]
            raise _expired(verified.expires)
        else:
            self._memory.move_to_end(digest)
        return verified.caller

    def _forget_if_keys_changed(self, now: datetime) -> None:
        generation = self._keys.generation(now)
        if generation != self._generation:
            self._memory.clear()
            self._generation = generation

    def _verify_afresh(self, token: str, now: datetime) -> _Verified:
        claims = self._decode(token, self._key_for(token, now))
        expires = _moment(claims, "exp")
        if now >= expires + self._leeway:
            raise _expired(expires)
        for name in ("nbf", "iat"):
            if name in claims and now + self._leeway < _moment(claims, name):
                message = f"the token is not valid before {_moment(claims, name).isoformat()}"
                raise Unauthenticated(message)
        return _Verified(_caller(claims), expires)

    def _key_for(self, token: str, now: datetime) -> VerificationKey:
        """Return the key the token names, once its algorithm is known to be the key's own."""
        try:
            header = jwt.get_unverified_header(token)
        except (jwt.InvalidTokenError, ValueError, RecursionError) as error:
            message = "the token is not a JWT"
            raise Unauthenticated(message) from error
        algorithm, kid = header.get("alg"), header.get("kid")
        if algorithm not in _ACCEPTED:
            message = f"the token is not signed with an accepted algorithm: {' or '.join(_ACCEPTED)}"
            raise Unauthenticated(message)
        if not isinstance(kid, str) or not kid:
            message = "the token does not name its signing key ('kid' is missing)"
            raise Unauthenticated(message)
        key = self._keys.key(kid, now)
        if key is None:
            message = "the token is signed with a key that is not known here"
            raise Unauthenticated(message)
        if key.algorithm != algorithm:
            message = "the token's algorithm is not that of the key it names"
            raise Unauthenticated(message)
        return key

    def _decode(self, token: str, key: VerificationKey) -> dict[str, Any]:
        try:
            return jwt.decode(
                token, key.key, algorithms=[key.algorithm], audience=self._audience, options=_OPTIONS
            )
        except jwt.InvalidSignatureError as error:
            message = "the token's signature does not match: it was forged or changed"
            raise Unauthenticated(message) from error
        except jwt.InvalidAudienceError as error:
            message = f"the token is not meant for {self._audience}"
            raise Unauthenticated(message) from error
        except jwt.MissingRequiredClaimError as error:
            message = f"the token carries no '{error.claim}'"
            raise Unauthenticated(message) from error
        except (jwt.InvalidTokenError, ValueError, RecursionError) as error:
            message = "the token is malformed"
            raise Unauthenticated(message) from error


class TokenIssuer:
    """Issues tokens with a private Ed25519 or P-256 key; for the demonstration, command line and tests."""

    def __init__(
        self,
        private_key: Ed25519PrivateKey | EllipticCurvePrivateKey,
        *,
        clock: Clock | None = None,
        ids: IdSource | None = None,
        audience: str = AUDIENCE,
    ) -> None:
        """Name the key by the RFC 7638 thumbprint of its public part; ``ValidationFailed`` if of no use."""
        members: Mapping[str, Any]
        if isinstance(private_key, Ed25519PrivateKey):
            self._algorithm = "EdDSA"
            members = OKPAlgorithm.to_jwk(private_key.public_key(), as_dict=True)
        elif isinstance(getattr(private_key, "curve", None), SECP256R1):
            self._algorithm = "ES256"
            members = ECAlgorithm.to_jwk(private_key.public_key(), as_dict=True)
        else:
            message = "tokens are signed with an Ed25519 or a P-256 key"
            raise ValidationFailed(message, problems=(Problem("private_key", "neither Ed25519 nor P-256"),))
        self._private_key = private_key
        self._clock = clock or SystemClock()
        self._ids = ids or TimeOrderedIds()
        self._audience = audience
        public: dict[str, str] = {name: members[name] for name in ("crv", "kty", "x", "y") if name in members}
        self._public = public
        self.kid = _thumbprint(self._public)

    @classmethod
    def from_pem(cls, path: Path, *, clock: Clock | None = None, ids: IdSource | None = None) -> TokenIssuer:
        """Return the issuer for the unencrypted PEM key at ``path``; ``ValidationFailed`` if it is none."""
        try:
            key = load_pem_private_key(path.read_bytes(), password=None)
        except (OSError, ValueError, TypeError) as error:
            message = f"no private key can be read from {path}: {type(error).__name__}"
            raise ValidationFailed(message, problems=(Problem("private_key", "unreadable"),)) from error
        return cls(key, clock=clock, ids=ids)  # type: ignore[arg-type] # the constructor refuses other kinds

    def issue(
        self, subject: str, org: str, roles: Iterable[str], lifetime: timedelta, unit: str | None = None
    ) -> str:
        """Return a signed token for ``subject`` that is valid from now for ``lifetime`` (whole seconds)."""
        now = self._clock.now()
        claims: dict[str, Any] = {
            "sub": subject,
            "org": org,
            "roles": sorted({roles} if isinstance(roles, str) else set(roles)),
            "jti": self._ids.new("tok"),
            "iat": int(now.timestamp()),
            "exp": int((now + lifetime).timestamp()),
            "aud": self._audience,
        }
        if unit is not None:
            claims["unit"] = unit
        return jwt.encode(claims, self._private_key, algorithm=self._algorithm, headers={"kid": self.kid})

    def jwks(self) -> dict[str, Any]:
        """Return the JWKS document with the public key that verifies this issuer's tokens."""
        return {"keys": [{**self._public, "alg": self._algorithm, "use": "sig", "kid": self.kid}]}


def _thumbprint(members: dict[str, str]) -> str:
    canonical = json.dumps(members, sort_keys=True, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(hashlib.sha256(canonical).digest()).rstrip(b"=").decode()


def _expired(expires: datetime) -> Unauthenticated:
    return Unauthenticated(f"the token expired at {expires.isoformat()}")


def _moment(claims: dict[str, Any], name: str) -> datetime:
    value = claims[name]
    message = f"the token's '{name}' is not a time"
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Unauthenticated(message)
    try:
        return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise Unauthenticated(message) from error


def _caller(claims: dict[str, Any]) -> Caller:
    for name in ("sub", "org", "jti"):
        if not isinstance(claims[name], str) or not claims[name]:
            message = f"the token's '{name}' is not text"
            raise Unauthenticated(message)
    unit, roles = claims.get("unit"), claims["roles"]
    if unit is not None and (not isinstance(unit, str) or not unit):
        message = "the token's 'unit' is not text"
        raise Unauthenticated(message)
    if not isinstance(roles, list) or not all(isinstance(role, str) for role in roles):
        message = "the token's 'roles' is not a list of text"
        raise Unauthenticated(message)
    return Caller(claims["sub"], claims["org"], unit, frozenset(roles), claims["jti"])
