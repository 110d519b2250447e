"""The secrets of a private deployment, generated once into a directory and never anywhere else.

``prepare`` makes what is missing and keeps what is there, so it may run at every start. A real deployment
brings its own secrets through the environment and does not use this.
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import json
import os
import secrets
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from shared.errors import NotFound, Problem, Unavailable, ValidationFailed
from shared.identity.tokens import TokenIssuer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from shared.clock import Clock
    from shared.ids import IdSource

#: Broker users every deployment has, beside one ``pub-<publisher>`` for each external publisher.
BROKER_USERS = ("admin", "operator", "intake", "complaints", "followup", "reporting")
PUBLISHERS = ("hotline", "shop", "crm", "chat", "property-fees")
VHOST = "kefu"

PRIVATE_KEY_FILE = "private_key.pem"
JWKS_FILE = "jwks.json"
PASSWORDS_FILE = "passwords.json"
PHONE_KEY_FILE = "phone_key"
SURVEY_KEY_FILE = "survey_key"

_SALT_BYTES = 4


@dataclass(frozen=True, slots=True)
class _Login:
    password: str
    salt: bytes


@dataclass(frozen=True)
class Secrets:
    """The secrets kept in ``directory``; the representation shows none of them."""

    directory: Path
    _logins: Mapping[str, _Login] = field(repr=False)

    @property
    def users(self) -> tuple[str, ...]:
        """Every broker user with a password, sorted."""
        return tuple(sorted(self._logins))

    @property
    def jwks_file(self) -> Path:
        """The path of the JWKS with the public key."""
        return self.directory / JWKS_FILE

    @property
    def phone_key_file(self) -> Path:
        """The path of the key by which intake hides phone numbers; lost, no customer is recognised any more."""
        return self.directory / PHONE_KEY_FILE

    @property
    def survey_key_file(self) -> Path:
        """The path of the key by which followup signs the links of surveys; lost, links sent before are refused."""
        return self.directory / SURVEY_KEY_FILE

    def password(self, user: str) -> str:
        """Return the password of the broker user; ``NotFound`` names the users there are."""
        return self._login(user).password

    def password_hash(self, user: str) -> str:
        """Return the password as RabbitMQ stores it: base64 of a 4-byte salt and SHA-256(salt + password).

        The salt is kept, so the hash stays the same and definitions need not be imported again.
        """
        login = self._login(user)
        digest = hashlib.sha256(login.salt + login.password.encode()).digest()
        return base64.b64encode(login.salt + digest).decode()

    def issuer(self, *, clock: Clock | None = None, ids: IdSource | None = None) -> TokenIssuer:
        """Return the issuer that signs with the private key; machine's clock and random ids unless given."""
        return TokenIssuer.from_pem(self.directory / PRIVATE_KEY_FILE, clock=clock, ids=ids)

    def broker_url(self, user: str, host: str, port: int, vhost: str = VHOST) -> str:
        """Return the ``pyamqp://`` URL by which ``user`` reaches the broker, every part quoted."""
        login = f"{quote(user, safe='')}:{quote(self.password(user), safe='')}"
        where = f"[{host}]" if ":" in host and not host.startswith("[") else host
        return f"pyamqp://{login}@{where}:{port}/{quote(vhost, safe='')}"

    def _login(self, user: str) -> _Login:
        if user not in self._logins:
            message = f"there is no broker user {user!r}; there are {', '.join(self.users)}"
            raise NotFound(message)
        return self._logins[user]


def publisher_user(publisher: str) -> str:
    """Return the broker user of the external publisher."""
    return f"pub-{publisher}"


def prepare(directory: Path, *, publishers: Sequence[str] = PUBLISHERS) -> Secrets:
    """Generate what is missing in ``directory`` (mode 0700, files 0600) and return all of it.

    Idempotent, and safe for two processes at once. A new publisher gets a password; nobody else's changes.
    Raises ``ValidationFailed`` for a file that is there and unreadable as what it should be: it is never
    overwritten, because the broker may already know its passwords. ``Unavailable`` if the directory cannot
    be written.
    """
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory.chmod(0o700)
        with _only_one(directory):
            _prepare_keys(directory)
            _prepare_key(directory / PHONE_KEY_FILE)
            _prepare_key(directory / SURVEY_KEY_FILE)
            logins = _prepare_logins(directory, (*BROKER_USERS, *map(publisher_user, publishers)))
    except OSError as error:
        message = f"the secrets cannot be kept in {directory}: {error.strerror or type(error).__name__}"
        raise Unavailable(message) from error
    return Secrets(directory, logins)


def read_secrets(directory: Path) -> Secrets:
    """Return the secrets that ``prepare`` made in ``directory``, which may be read-only; nothing is written.

    Raises ``NotFound`` when it holds none, ``Unavailable`` when they may not be read, ``ValidationFailed`` as
    ``prepare`` does.
    """
    path = directory / PASSWORDS_FILE
    try:
        return Secrets(directory, _read_logins(path))
    except FileNotFoundError as error:
        message = f"{directory} holds no secrets; `kefu prepare {directory}` makes them"
        raise NotFound(message) from error
    except OSError as error:
        message = f"the secrets in {directory} cannot be read: {error.strerror or type(error).__name__}"
        raise Unavailable(message) from error


@contextmanager
def _only_one(directory: Path) -> Iterator[None]:
    descriptor = os.open(directory / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _prepare_keys(directory: Path) -> None:
    path = directory / PRIVATE_KEY_FILE
    if not path.exists():
        key = Ed25519PrivateKey.generate()
        _write(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    path.chmod(0o600)
    # The public document follows from the private key, so it may be written afresh whenever it differs.
    wanted = _as_json(TokenIssuer.from_pem(path).jwks())
    jwks = directory / JWKS_FILE
    if not jwks.exists() or jwks.read_bytes() != wanted:
        _write(jwks, wanted)
    jwks.chmod(0o600)


def _prepare_key(path: Path) -> None:
    if not path.exists():
        _write(path, secrets.token_urlsafe(32).encode())
    path.chmod(0o600)


def _prepare_logins(directory: Path, users: Sequence[str]) -> dict[str, _Login]:
    path = directory / PASSWORDS_FILE
    logins = _read_logins(path) if path.exists() else {}
    missing = [user for user in users if user not in logins]
    for user in missing:
        logins[user] = _Login(secrets.token_urlsafe(24), secrets.token_bytes(_SALT_BYTES))
    if missing:
        document = {
            user: {"password": login.password, "salt": login.salt.hex()} for user, login in logins.items()
        }
        _write(path, _as_json(document))
    path.chmod(0o600)
    return logins


def _read_logins(path: Path) -> dict[str, _Login]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        return {str(user): _login_from(row) for user, row in document.items()}
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        message = (
            f"{path} is not a file of passwords as this program writes it; put back a good copy, or delete "
            f"the whole directory {path.parent} together with the broker's data to start afresh"
        )
        raise ValidationFailed(message, problems=(Problem(PASSWORDS_FILE, "malformed"),)) from error


def _login_from(row: Mapping[str, Any]) -> _Login:
    password, salt = row["password"], bytes.fromhex(row["salt"])
    if not isinstance(password, str) or not password or len(salt) != _SALT_BYTES:
        raise ValueError
    return _Login(password, salt)


def _as_json(document: Any) -> bytes:
    return json.dumps(document, indent=2, sort_keys=True).encode() + b"\n"


def _write(path: Path, content: bytes) -> None:
    """Write the file whole or not at all, never readable by others even for a moment."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    opener: Callable[[str, int], int] = lambda name, flags: os.open(name, flags, 0o600)  # noqa: E731
    with open(draft, "wb", opener=opener) as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(path)
