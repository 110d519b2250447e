"""``kefu publish``: events onto the bus as an external system sends them."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from kefu.cli.failing import WrongUsage
from kefu.cli.screen import output
from kefu.reach import find_reach
from kefu.secrets import publisher_user
from shared.messaging.publisher import Fate, Outgoing, PipelinedPublisher
from shared.messaging.topology import EXTERNAL_EXCHANGE

_MEANING = {
    Fate.CONFIRMED: "confirmed: the broker keeps it until intake has taken it",
    Fate.RETURNED: "returned: no queue is bound for this type; is the topology declared?",
    Fate.REFUSED: "refused: the broker could not take it, for example because its queue is full",
}


def publish(
    file: Annotated[
        str | None, typer.Argument(metavar="FILE", help="One CloudEvent, or one a line; - reads them.")
    ] = None,
    *,
    publisher: Annotated[
        str, typer.Option(help="The external system that sends, such as hotline.")
    ] = "hotline",
    kind: Annotated[
        str | None, typer.Option("--type", help="The routing key, if it is not the event's own type.")
    ] = None,
    example: Annotated[
        bool, typer.Option("--example", help="Print an event to start from, and stop.")
    ] = False,
) -> None:
    """Publish events as an external system and print what became of each. Exit code 1 if any was not taken.

    Example: kefu publish --example | kefu publish - --publisher hotline
    """
    if example:
        typer.echo(json.dumps(example_event(datetime.now(UTC)), ensure_ascii=False, indent=2))
        return
    if file is None:
        raise WrongUsage("name a file, or - for standard input; --example prints an event to start from")
    events = _events(_read(file))
    user = publisher_user(publisher)
    batch = [
        Outgoing(
            exchange=EXTERNAL_EXCHANGE,
            routing_key=kind or str(event.get("type", "")),
            body=json.dumps(event, ensure_ascii=False).encode(),
            message_id=f"cli-{number}",
            user_id=user,
        )
        for number, event in enumerate(events, 1)
    ]
    sender = PipelinedPublisher(find_reach().publisher_url(publisher))
    try:
        fates = sender.publish(batch)
    finally:
        sender.close()
    for event, fate in zip(events, fates, strict=True):
        output.print(f"{escape(str(event.get('id', '?')))}  {_MEANING[fate]}", soft_wrap=True)
    if any(fate is not Fate.CONFIRMED for fate in fates):
        raise typer.Exit(1)


def example_event(now: datetime) -> dict[str, Any]:
    """Return a valid ``contact.received``, a complaint of a made-up customer at ``now``."""
    moment = now.isoformat(timespec="seconds")
    return {
        "specversion": "1.0",
        "id": f"example-{now:%Y%m%d%H%M%S}",
        "source": "/hotline/plaza-demo",
        "type": "contact.received",
        "time": moment,
        "datacontenttype": "application/json",
        "dataschema": "urn:kefu:contact.received:1",
        "org": "plaza-demo",
        "data": {
            "channel": "phone",
            "category": "complaint",
            "received_at": moment,
            "customer": {"kind": "person", "name": "测试甲", "phone": "13800000001", "unit": None},
            "text": "地下车库入口的道闸抬杆太慢,每天早上排队二十分钟。",
            "complaint": {
                "problem": "garage-barrier-slow",
                "complainant_type": "owner",
                "demand": "criticism",
            },
        },
    }


def _read(file: str) -> str:
    try:
        return sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise WrongUsage(f"{file} cannot be read: {error}") from error


def _events(text: str) -> list[dict[str, Any]]:
    """Return the one event that ``text`` holds, or one of each line."""
    try:
        rows = [("the file", json.loads(text))]
    except ValueError:
        rows = [(f"line {n}", _line(n, line)) for n, line in enumerate(text.splitlines(), 1) if line.strip()]
    for place, row in rows:
        if not isinstance(row, dict):
            raise WrongUsage(f"{place} holds no JSON object but a {type(row).__name__}")
    if not rows:
        raise WrongUsage("there is nothing to publish")
    return [row for _, row in rows]


def _line(number: int, line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError as error:
        raise WrongUsage(f"line {number} is not JSON: {error}") from error
