"""``kefu prepare``, ``kefu topology`` and ``kefu version``: what a deployment needs before its first start."""

from __future__ import annotations

import os
import platform
import sys
import tomllib
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Annotated

import typer

from kefu.cli.screen import output
from kefu.demo.given_broker import declare_topology
from kefu.local.errors import LocalStackError
from kefu.local.install import REPOSITORY
from kefu.reach import OPERATOR, setting, state_directory
from kefu.secrets import prepare, read_secrets
from kefu.wanted import wanted_topology
from services.names import SERVICES

topology_app = typer.Typer(help="What the broker must hold: print it, or make it so.", no_args_is_help=True)

_RABBITMQ_CONF = """\
# For the official image: mount this directory at /run/kefu and this file at /etc/rabbitmq/rabbitmq.conf.
# With definitions given, the broker makes no default user.
load_definitions = /run/kefu/definitions.json
"""


def prepare_directory(
    directory: Annotated[Path, typer.Argument(help="Is made if missing; readable by its owner only.")],
    *,
    broker_host: Annotated[str, typer.Option(help="Where the services find the broker.")] = "rabbitmq",
    broker_port: Annotated[int, typer.Option(min=1, max=65535)] = 5672,
    mongo_host: Annotated[str, typer.Option(help="Where the services find the database.")] = "mongo",
    mongo_port: Annotated[int, typer.Option(min=1, max=65535)] = 27017,
) -> None:
    """Write what a deployment's first start needs: secrets, the broker's definitions, each service's URLs.

    Repeating it changes no secret. Files: definitions.json and rabbitmq.conf for the broker; broker_url_NAME
    for each service and the operator and mongo_url, to be named by KEFU_BROKER_URL_FILE and
    KEFU_MONGO_URL_FILE; jwks.json with the public keys (KEFU_JWKS_FILE); phone_key, by which intake finds
    customers (KEFU_PHONE_KEY_FILE); survey_key, by which followup signs the links of surveys
    (KEFU_SURVEY_KEY_FILE); private_key.pem and passwords.json.
    """
    secrets = prepare(directory)
    files = {
        f"broker_url_{name}": _line(secrets.broker_url(name, broker_host, broker_port))
        for name in (*SERVICES, OPERATOR)
    }
    files["mongo_url"] = _line(f"mongodb://{mongo_host}:{mongo_port}/?w=majority&journal=true")
    files["definitions.json"] = wanted_topology().definitions(secrets.password_hash) + "\n"
    files["rabbitmq.conf"] = _RABBITMQ_CONF
    try:
        for name, content in files.items():
            _write(directory / name, content)
    except OSError as error:
        raise LocalStackError(f"{directory} cannot be written: {error}") from error
    output.print(f"{directory} is ready: {', '.join(sorted(files))}", soft_wrap=True)


@topology_app.command("definitions")
def definitions() -> None:
    """Print the broker's definitions file, with the password hashes of the stack's secrets."""
    place = setting("KEFU_SECRETS_DIR")
    secrets = read_secrets(Path(place)) if place else prepare(state_directory() / "secrets")
    typer.echo(wanted_topology().definitions(secrets.password_hash))


@topology_app.command("declare")
def declare() -> None:
    """Declare exchanges, queues and bindings on the broker that KEFU_BROKER_ADMIN_URL names."""
    url = setting("KEFU_BROKER_ADMIN_URL")
    if url is None:
        raise LocalStackError(
            "KEFU_BROKER_ADMIN_URL is not set. It names a broker and a user with full rights there, such as "
            "pyamqp://admin:password@localhost:5672/kefu"
        )
    declared = declare_topology(url, wanted_topology())
    output.print(
        f"{len(declared.exchanges)} exchanges and {len(list(declared.queues()))} queues are declared"
    )


def version() -> None:
    """Print the version of Kefu and of the Python it runs on."""
    typer.echo(f"kefu {_own_version()} (Python {platform.python_version()}, {sys.platform})")


def _own_version() -> str:
    try:
        return installed_version("kefu")
    except PackageNotFoundError:  # run from a checkout that is not installed
        document = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
        return str(document["project"]["version"])


def _line(text: str) -> str:
    return text + "\n"


def _write(path: Path, content: str) -> None:
    """Write the file whole or not at all, never readable by others even for a moment."""
    draft = path.with_name(f".{path.name}.draft")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(content)
    draft.replace(path)
