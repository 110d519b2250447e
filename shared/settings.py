"""A service's settings: read once at start from the environment and files, checked whole, printed redacted.

Every field of ``ServiceSettings`` is one variable, ``KEFU_<FIELD>``; ``KEFU_<FIELD>_FILE`` names a file that
holds the value instead, for secrets mounted by an orchestrator. A service with settings of its own subclasses
``ServiceSettings``, gives each field ``metadata=variable(...)`` and loads it with ``kind=``.
"""

from __future__ import annotations

import dataclasses
import math
import os
import re
import socket
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, overload
from urllib.parse import urlsplit

from shared.errors import Problem, ValidationFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PREFIX = "KEFU_"
FILE_SUFFIX = "_FILE"
MASK = "***"

_METADATA = "kefu.variable"
_LONGEST_ECHO = 60


class SettingsInvalid(ValidationFailed):
    """The environment does not describe a runnable service; ``problems`` names every variable at fault."""


@dataclass(frozen=True, slots=True)
class Kind:
    """How one variable is read: ``expected`` is what it should be; ``parse`` raises ValueError otherwise."""

    expected: str
    parse: Callable[[str], object]


@dataclass(frozen=True, slots=True)
class _Variable:
    kind: Kind
    secret: bool
    default_for: Callable[[str], str] | None


def variable(
    kind: Kind, *, secret: bool = False, default_for: Callable[[str], str] | None = None
) -> dict[str, _Variable]:
    """Return the dataclass ``metadata`` that makes a field a setting.

    ``secret`` values are never shown, not even when wrong. ``default_for`` computes the default from the
    service's name; a plain default belongs to the dataclass field itself.
    """
    return {_METADATA: _Variable(kind, secret, default_for)}


def text(expected: str = "text", pattern: str = r".+") -> Kind:
    """Return the kind of one line of text matching ``pattern`` whole."""
    compiled = re.compile(pattern)

    def parse(raw: str) -> str:
        if not compiled.fullmatch(raw):
            raise ValueError
        return raw

    return Kind(expected, parse)


def integer(minimum: int, maximum: int) -> Kind:
    """Return the kind of a whole number from ``minimum`` to ``maximum``, both included."""

    def parse(raw: str) -> int:
        number = int(raw)
        if not minimum <= number <= maximum:
            raise ValueError
        return number

    return Kind(f"a whole number from {minimum} to {maximum}", parse)


def seconds(minimum: float, maximum: float) -> Kind:
    """Return the kind of a duration in seconds from ``minimum`` to ``maximum``, both included; a float."""

    def parse(raw: str) -> float:
        number = float(raw)
        if not (math.isfinite(number) and minimum <= number <= maximum):
            raise ValueError
        return number

    return Kind(f"seconds from {minimum:g} to {maximum:g}", parse)


def milliseconds_list() -> Kind:
    """Return the kind of comma-separated positive whole milliseconds; a tuple of int."""

    def parse(raw: str) -> tuple[int, ...]:
        delays = tuple(int(part) for part in raw.split(","))
        if min(delays) <= 0:
            raise ValueError
        return delays

    return Kind("positive whole milliseconds separated by commas, such as 1000,5000,30000", parse)


def choice(*allowed: str) -> Kind:
    """Return the kind of one of ``allowed``, in any case; the value as it is spelt in ``allowed``."""
    spelling = {value.lower(): value for value in allowed}

    def parse(raw: str) -> str:
        if raw.lower() not in spelling:
            raise ValueError
        return spelling[raw.lower()]

    return Kind(f"one of {', '.join(allowed)}", parse)


def url(*schemes: str, example: str) -> Kind:
    """Return the kind of a URL with one of ``schemes`` and a host."""

    def parse(raw: str) -> str:
        parts = urlsplit(raw)
        if parts.scheme not in schemes or not parts.netloc.rpartition("@")[2] or re.search(r"\s", raw):
            raise ValueError
        return raw

    return Kind(f"a URL like {example}", parse)


def existing_file() -> Kind:
    """Return the kind of a path to a file that exists; a Path."""

    def parse(raw: str) -> Path:
        path = Path(raw)
        if not path.is_file():
            raise ValueError
        return path

    return Kind("the path of a file that exists", parse)


def existing_directory() -> Kind:
    """Return the kind of a path to a directory that exists; a Path."""

    def parse(raw: str) -> Path:
        path = Path(raw)
        if not path.is_dir():
            raise ValueError
        return path

    return Kind("the path of a directory that exists", parse)


def default_replica() -> str:
    """Return ``<host name>-<process id>``, the name by which this process is told from its siblings."""
    return f"{socket.gethostname()}-{os.getpid()}"


_BROKER = url("amqp", "amqps", "pyamqp", example="pyamqp://user:password@host:5672/kefu")
_MONGO = url("mongodb", "mongodb+srv", example="mongodb://user:password@host:27017")
_LEVELS = choice("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_DATABASE = text("a database name of letters, digits, '_' and '-'", r"[A-Za-z0-9_-]{1,38}")
_REPLICA = text("letters, digits, '.', '_' and '-'", r"[A-Za-z0-9._-]{1,128}")


@dataclass(frozen=True, kw_only=True)
class ServiceSettings:
    """What every service needs to know; durations are seconds unless the name ends in ``_ms``.

    Exactly one of ``jwks_file`` and ``jwks_url`` is set by ``load_settings``. The representation leaves out
    the URLs that hold passwords; print ``describe(settings)`` instead.
    """

    service: str
    broker_url: str = field(repr=False, metadata=variable(_BROKER, secret=True))
    mongo_url: str = field(repr=False, metadata=variable(_MONGO, secret=True))
    mongo_database: str = field(metadata=variable(_DATABASE, default_for=lambda service: f"kefu_{service}"))
    organisations_dir: Path = field(metadata=variable(existing_directory()))
    jwks_file: Path | None = field(default=None, metadata=variable(existing_file()))
    jwks_url: str | None = field(
        default=None,
        repr=False,
        metadata=variable(url("http", "https", example="https://login.example/jwks.json"), secret=True),
    )
    http_host: str = field(default="0.0.0.0", metadata=variable(text("a host name or address", r"\S+")))  # noqa: S104 - inside a container every interface is the container's own
    http_port: int = field(default=8080, metadata=variable(integer(0, 65535)))
    log_level: str = field(default="INFO", metadata=variable(_LEVELS))
    worker_pool: int = field(default=10, metadata=variable(integer(1, 1000)))
    batch_size: int = field(default=200, metadata=variable(integer(1, 2000)))
    batch_wait: float = field(default=0.02, metadata=variable(seconds(0, 10)))
    retry_delays_ms: tuple[int, ...] = field(
        default=(1_000, 5_000, 30_000, 120_000, 600_000), metadata=variable(milliseconds_list())
    )
    outbox_grace: float = field(default=10.0, metadata=variable(seconds(0.1, 3600)))
    stop_timeout: float = field(default=20.0, metadata=variable(seconds(0.1, 3600)))
    clock_interval: float = field(default=1.0, metadata=variable(seconds(0.01, 3600)))
    clock_digest_above: int = field(default=100, metadata=variable(integer(1, 1_000_000)))
    replica: str = field(default_factory=default_replica, metadata=variable(_REPLICA))


S = TypeVar("S", bound=ServiceSettings)


@overload
def load_settings(service: str, environ: Mapping[str, str] = ...) -> ServiceSettings: ...
@overload
def load_settings(service: str, environ: Mapping[str, str] = ..., *, kind: type[S]) -> S: ...
def load_settings(
    service: str, environ: Mapping[str, str] = os.environ, *, kind: type[Any] = ServiceSettings
) -> Any:
    """Read and check every setting of ``service`` from ``environ`` and the files it names.

    An empty variable counts as not set. Raises one ``SettingsInvalid`` that names every missing or wrong
    variable, what it should be and where it was read, and never repeats a secret.
    """
    problems: list[Problem] = []
    values: dict[str, object] = {"service": service}
    for spec in dataclasses.fields(kind):
        if spec.name != "service":
            _read_field(spec, service, environ, values, problems)
    problems.extend(_problems_with_keys(values, problems))
    if problems:
        lines = "\n".join(f"  {problem.field}: {problem.reason}" for problem in problems)
        raise SettingsInvalid(
            f"service {service} cannot start: {len(problems)} setting(s) missing or wrong\n{lines}\n"
            "Set them in the environment, or put a value into a file and name the file in "
            f"<variable>{FILE_SUFFIX}.",
            problems=tuple(problems),
        )
    return kind(**values)


def describe(settings: ServiceSettings) -> dict[str, Any]:
    """Return every setting by field name in JSON types, passwords masked; safe to print and to log."""
    shown: dict[str, Any] = {}
    for spec in dataclasses.fields(settings):
        value = getattr(settings, spec.name)
        declared = _variable_of(spec)
        if isinstance(value, str) and "://" in value:
            shown[spec.name] = redact_url(value)
        elif declared is not None and declared.secret and value is not None:
            shown[spec.name] = MASK
        elif isinstance(value, Path):
            shown[spec.name] = str(value)
        else:
            shown[spec.name] = list(value) if isinstance(value, tuple) else value
    return shown


# Greedy up to the last '@', so that a password with an unquoted '/', ':' or '@' in it is masked whole.
_CREDENTIALS = re.compile(r"(?P<scheme>://)(?P<user>[^:@/]*):(?P<password>.*)@", re.DOTALL)
_SECRET_PARAMETER = re.compile(
    r"(?P<name>[?&][^=&]*(?:password|passwd|secret|token|key|sig)[^=&]*=)[^&]*", re.IGNORECASE
)


def redact_url(value: str) -> str:
    """Return ``value`` with the password and every query parameter that sounds like a secret masked."""
    masked = _CREDENTIALS.sub(rf"\g<scheme>\g<user>:{MASK}@", value)
    return _SECRET_PARAMETER.sub(rf"\g<name>{MASK}", masked)


def _variable_of(spec: dataclasses.Field[Any]) -> _Variable | None:
    declared = spec.metadata.get(_METADATA)
    return declared if isinstance(declared, _Variable) else None


def _read_field(
    spec: dataclasses.Field[Any],
    service: str,
    environ: Mapping[str, str],
    values: dict[str, object],
    problems: list[Problem],
) -> None:
    """Put the value of ``spec`` into ``values`` (nothing if the field has a default), or add a problem."""
    declared = _variable_of(spec)
    if declared is None:
        message = f"the setting {spec.name} has no metadata=variable(...)"
        raise TypeError(message)
    name = PREFIX + spec.name.upper()
    try:
        source, raw = _read_raw(name, environ)
    except ValueError as wrong:
        problems.append(Problem(name, f"{wrong}; {name} should be {declared.kind.expected}"))
        return
    if raw is None:
        _use_default(spec, declared, service, values, problems)
        return
    try:
        values[spec.name] = declared.kind.parse(raw)
    except ValueError:
        is_long = len(raw) > _LONGEST_ECHO
        shown = "the value" if declared.secret or is_long else repr(raw)
        reason = f"{shown} from {source} is wrong; it should be {declared.kind.expected}"
        problems.append(Problem(name, reason))


def _use_default(
    spec: dataclasses.Field[Any],
    declared: _Variable,
    service: str,
    values: dict[str, object],
    problems: list[Problem],
) -> None:
    if declared.default_for is not None:
        values[spec.name] = declared.default_for(service)
    elif spec.default is dataclasses.MISSING and spec.default_factory is dataclasses.MISSING:
        reason = f"missing; it should be {declared.kind.expected}"
        problems.append(Problem(PREFIX + spec.name.upper(), reason))


def _read_raw(name: str, environ: Mapping[str, str]) -> tuple[str, str | None]:
    """Return where ``name`` was read and its value, None if not set; ValueError says what is wrong."""
    direct = environ.get(name, "").strip()
    path = environ.get(name + FILE_SUFFIX, "").strip()
    if direct and path:
        message = f"set both directly and by {name}{FILE_SUFFIX}; set only one"
        raise ValueError(message)
    if not path:
        return "the environment", direct or None
    try:
        content = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        message = f"{name}{FILE_SUFFIX} names {path}, which cannot be read ({why})"
        raise ValueError(message) from error
    return f"the file {path}", content.rstrip("\r\n") or None


def _problems_with_keys(values: Mapping[str, object], so_far: list[Problem]) -> list[Problem]:
    """Return the problem if not exactly one place to find the signing keys is named."""
    names = ("jwks_file", "jwks_url")
    variables = [PREFIX + name.upper() for name in names]
    if any(problem.field in variables for problem in so_far):
        return []
    given = [name for name in names if values.get(name) is not None]
    if len(given) == 1:
        return []
    reason = "both set; set only one" if given else "missing; set one"
    return [
        Problem(
            " or ".join(variables),
            f"{reason} of them: the path or the URL of the JWKS with the public keys that sign tokens",
        )
    ]
