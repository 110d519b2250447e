"""How the commands reach a running stack: what the environment says, else what ``kefu up`` wrote down."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from kefu.local.errors import LocalStackError
from kefu.local.install import REPOSITORY
from kefu.secrets import Secrets, publisher_user, read_secrets
from shared.errors import NotFound, Problem, ValidationFailed

OPERATOR = "operator"
#: Where everything that a checkout's own stack makes is kept.
HOME = REPOSITORY / ".kefu"

_FILE_SUFFIX = "_FILE"


def state_directory(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the directory of the private stack's data, secrets and notes (KEFU_HOME, else .kefu)."""
    return Path(environ.get("KEFU_HOME") or HOME)


def stack_file(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the file in which a running stack notes where it is."""
    return state_directory(environ) / "run" / "stack.json"


@dataclass(frozen=True)
class Reach:
    """One stack as a client sees it.

    ``broker`` is the broker's URL without a login. Without ``secrets`` only the operator's user is known,
    by ``operator``, and tokens have to be brought along.
    """

    broker: str
    organisations: Path
    secrets: Secrets | None = None
    operator: str | None = None

    def url_of(self, user: str) -> str:
        """Return the URL by which ``user`` reaches the broker; it holds the password.

        Raises NotFound for an unknown user, LocalStackError when no secrets are at hand.
        """
        if user == OPERATOR and self.operator is not None:
            return self.operator
        return with_login(self.broker, user, self._secrets().password(user))

    def publisher_url(self, publisher: str) -> str:
        """Return the URL of the external system ``publisher``; raises as ``url_of``."""
        return self.url_of(publisher_user(publisher))

    def token(self, subject: str, org: str, roles: Iterable[str], lifetime: timedelta) -> str:
        """Return a signed token; raises LocalStackError when the signing key is not at hand."""
        return self._secrets().issuer().issue(subject, org, roles, lifetime)

    def _secrets(self) -> Secrets:
        if self.secrets is None:
            raise LocalStackError(
                "The stack's secrets are needed for this and were not found. Name their directory in "
                "KEFU_SECRETS_DIR; `kefu up` keeps them in .kefu/secrets."
            )
        return self.secrets


def find_reach(environ: Mapping[str, str] = os.environ) -> Reach:
    """Return how to reach the stack named by the environment, else the one `kefu up` runs here.

    KEFU_BROKER_URL is the operator's own URL, KEFU_SECRETS_DIR the directory that `kefu prepare` made; each
    may come from a file named by <variable>_FILE. Raises LocalStackError with what to do when there is none.
    """
    noted = _noted(stack_file(environ))
    operator = setting("KEFU_BROKER_URL", environ)
    place = setting("KEFU_SECRETS_DIR", environ) or noted.get("secrets")
    organisations = setting("KEFU_ORGANISATIONS_DIR", environ) or noted.get("organisations")
    broker = without_login(operator) if operator else noted.get("broker")
    if not broker:
        raise LocalStackError(
            "No running stack was found. Start one with `kefu up` (or `make run`) and leave it running, or "
            "name one: KEFU_BROKER_URL for the broker, KEFU_SECRETS_DIR for its secrets."
        )
    return Reach(
        broker=broker,
        organisations=Path(organisations or REPOSITORY / "organisations"),
        secrets=read_secrets(Path(place)) if place else None,
        operator=operator,
    )


def setting(name: str, environ: Mapping[str, str] = os.environ) -> str | None:
    """Return the variable ``name``, or the content of the file named by ``name``_FILE; None if not set.

    Raises ValidationFailed when that file cannot be read.
    """
    direct, path = environ.get(name, "").strip(), environ.get(name + _FILE_SUFFIX, "").strip()
    if direct or not path:
        return direct or None
    try:
        return Path(path).read_text(encoding="utf-8").strip() or None
    except (OSError, UnicodeDecodeError) as error:
        problem = Problem(name + _FILE_SUFFIX, "names a file that cannot be read")
        raise ValidationFailed(
            f"{problem.field} names {path}, which cannot be read ({type(error).__name__})",
            problems=(problem,),
        ) from error


def with_login(url: str, user: str, password: str) -> str:
    """Return ``url`` with the user and the password in it, both quoted, in place of any it had."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=f"{quote(user, safe='')}:{quote(password, safe='')}@{host}").geturl()


def without_login(url: str) -> str:
    """Return ``url`` without user and password."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def organisation_names(directory: Path) -> dict[str, str]:
    """Return the names of the organisations served, by id; NotFound when the directory holds none."""
    # Ids are the files' names; what else is in them is checked by the services.
    import yaml  # noqa: PLC0415 - most commands need none of it

    names = {}
    for path in sorted(directory.glob("*.yaml")):
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        names[path.stem] = str(content.get("name", path.stem)) if isinstance(content, dict) else path.stem
    if not names:
        raise NotFound(f"{directory} holds no organisation (*.yaml); name another by KEFU_ORGANISATIONS_DIR")
    return names


def _noted(path: Path) -> dict[str, Any]:
    try:
        noted = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return noted if isinstance(noted, dict) else {}
