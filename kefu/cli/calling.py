"""``kefu rpc`` and ``kefu token``: ask a service, or get a token to ask with."""

from __future__ import annotations

import json
import sys
import uuid
from datetime import timedelta
from typing import Annotated, Any

import typer

from kefu.cli.failing import WrongUsage
from kefu.reach import OPERATOR, Reach, find_reach, setting
from shared.messaging.rpc_client import RpcClient

DEFAULT_ROLES = ("staff",)

Org = Annotated[str | None, typer.Option("--org", help="The organisation to act for, such as plaza-demo.")]
Roles = Annotated[list[str] | None, typer.Option("--role", help="A role the token carries; repeat for more.")]


def rpc(
    method: Annotated[str, typer.Argument(metavar="SERVICE.METHOD")],
    arguments: Annotated[
        str, typer.Argument(metavar="JSON", help="The arguments by name; - reads them.")
    ] = "{}",
    *,
    org: Org = None,
    role: Roles = None,
    token: Annotated[str | None, typer.Option(help="A token of your own; else KEFU_TOKEN.")] = None,
    key: Annotated[
        str | None,
        typer.Option(help="Idempotency key: the same for every repeat of one command. Else random."),
    ] = None,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds to wait for the answer.")] = 10.0,
) -> None:
    """Call a service and print its answer as JSON.

    Example: kefu rpc intake.count_contacts --org plaza-demo
    """
    if method.count(".") != 1 or not all(method.split(".")):
        raise WrongUsage(f"{method!r} is not of the form SERVICE.METHOD, such as intake.count_contacts")
    named = _arguments(sys.stdin.read() if arguments == "-" else arguments)
    reach = find_reach()
    with RpcClient(reach.url_of(OPERATOR), name=OPERATOR, timeout=timeout) as client:
        answer = client.call(
            method,
            token=token or setting("KEFU_TOKEN") or _token(reach, org, role),
            idempotency_key=key or f"cli-{uuid.uuid4().hex}",
            **named,
        )
    typer.echo(json.dumps(answer, ensure_ascii=False, indent=2))


def token(
    *,
    org: Annotated[str, typer.Option("--org", help="The organisation, such as plaza-demo.")],
    role: Annotated[list[str], typer.Option("--role", help="A role; repeat for more.")],
    subject: Annotated[str, typer.Option(help="The staff id it is for.")] = OPERATOR,
    hours: Annotated[float, typer.Option(min=0.01, max=24 * 31, help="How long it is valid.")] = 1.0,
) -> None:
    """Print a token signed with the stack's own key, for trying things out."""
    typer.echo(find_reach().token(subject, org, role, timedelta(hours=hours)))


def _token(reach: Reach, org: str | None, roles: list[str] | None) -> str:
    if org is None:
        raise WrongUsage("say for which organisation: --org plaza-demo, or bring a token")
    return reach.token(OPERATOR, org, roles or DEFAULT_ROLES, timedelta(minutes=5))


def _arguments(text: str) -> dict[str, Any]:
    try:
        named = json.loads(text)
    except ValueError as error:
        raise WrongUsage(f"the arguments are not JSON: {error}") from error
    if not isinstance(named, dict):
        raise WrongUsage('the arguments must be a JSON object, such as {"limit": 5}')
    reserved = {"timeout", "token", "idempotency_key"} & named.keys()
    if reserved:
        raise WrongUsage(f"{', '.join(sorted(reserved))}: give this as an option, not as an argument")
    return named
