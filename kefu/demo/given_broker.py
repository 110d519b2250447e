"""Making a broker of somebody's own ready: its objects over AMQP, its users over the management HTTP API."""

from __future__ import annotations

import base64
import json
import urllib.error
import urllib.request
from dataclasses import replace
from urllib.parse import unquote, urlsplit

from kefu.local.errors import LocalStackError
from kefu.reach import OPERATOR, with_login, without_login
from kefu.secrets import Secrets
from shared.errors import KefuError
from shared.messaging.dead_letters import check_login
from shared.messaging.publisher import CONNECTION_ERRORS
from shared.messaging.topology import Topology

_TIMEOUT = 30
_FAILED: tuple[type[Exception], ...] = (KefuError, *CONNECTION_ERRORS)
_ADMIN = "admin"

_USERS_MISSING = """\
The broker at {where} does not know Kefu's own users yet ({why}).
They cannot be made over AMQP. Either
  - set KEFU_BROKER_MANAGEMENT_URL to its management pages (such as http://localhost:15672), or
  - run `kefu prepare {secrets}` and import the definitions.json it writes there:
    rabbitmqctl import_definitions {secrets}/definitions.json
    It is for the virtual host kefu and sets the password of a user admin, too."""


def use_given_broker(admin_url: str, management_url: str | None, wanted: Topology, secrets: Secrets) -> str:
    """Make the broker hold ``wanted`` and Kefu's users; return its URL without a login.

    Repeating it changes nothing. Raises LocalStackError with what to do when it cannot be reached or does
    not know the users.
    """
    base = without_login(admin_url)
    if management_url is not None:
        _import_definitions(management_url, admin_url, _without_admin(_at(admin_url, wanted), secrets))
    declare_topology(admin_url, wanted)
    try:
        check_login(with_login(base, OPERATOR, secrets.password(OPERATOR)))
    except KefuError as error:
        raise LocalStackError(
            _USERS_MISSING.format(where=base, why=error.message, secrets=secrets.directory)
        ) from error
    return base


def declare_topology(admin_url: str, wanted: Topology) -> Topology:
    """Declare ``wanted`` in the URL's virtual host and return it as declared; raises LocalStackError."""
    topology = _at(admin_url, wanted)
    try:
        check_login(admin_url)
        topology.declare(admin_url)
    except _FAILED as error:
        raise LocalStackError(
            f"The broker {without_login(admin_url)} of KEFU_BROKER_ADMIN_URL cannot be prepared: {error}. The "
            "user there needs full rights on the virtual host, which must exist."
        ) from error
    return topology


def _at(admin_url: str, wanted: Topology) -> Topology:
    vhost = unquote(urlsplit(admin_url).path.removeprefix("/"))
    return replace(wanted, vhost=vhost or "/")


def _without_admin(topology: Topology, secrets: Secrets) -> str:
    """Return the definitions but for the user ``admin``: somebody else's broker has one of its own."""
    definitions = json.loads(topology.definitions(secrets.password_hash))
    definitions["users"] = [row for row in definitions["users"] if row["name"] != _ADMIN]
    definitions["permissions"] = [row for row in definitions["permissions"] if row["user"] != _ADMIN]
    return json.dumps(definitions)


def _import_definitions(management_url: str, admin_url: str, definitions: str) -> None:
    admin = urlsplit(admin_url)
    login = f"{unquote(admin.username or '')}:{unquote(admin.password or '')}"
    request = urllib.request.Request(  # noqa: S310 - the user's own address
        f"{management_url.rstrip('/')}/api/definitions",
        data=definitions.encode(),
        headers={
            "Content-Type": "application/json",
            "Authorization": "Basic " + base64.b64encode(login.encode()).decode(),
        },
        method="POST",
    )
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT):  # noqa: S310 - see above
            return
    except (urllib.error.URLError, ValueError, OSError) as error:
        raise LocalStackError(
            f"The broker's management pages {without_login(management_url)} of KEFU_BROKER_MANAGEMENT_URL did "
            f"not take the definitions: {error}"
        ) from error
