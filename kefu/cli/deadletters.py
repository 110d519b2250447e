"""``kefu dlq``: the messages that no service could handle."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from kefu.cli.screen import output
from kefu.reach import OPERATOR, find_reach
from kefu.wanted import wanted_topology
from shared.errors import NotFound
from shared.messaging.dead_letters import DeadLetters
from shared.messaging.topology import dead_letter_queue

app = typer.Typer(help="Dead letters: list the queues, show messages, send them back.", no_args_is_help=True)

Queue = Annotated[str, typer.Argument(help="As `kefu dlq list` shows it, with or without dlq. before it.")]
_EVERYTHING = 1_000_000


@app.command("list")
def list_queues() -> None:
    """Print every dead-letter queue and how many messages it keeps."""
    reach = find_reach()
    table = Table("queue", "messages", box=SIMPLE_HEAD, pad_edge=False)
    table.columns[1].justify = "right"
    with DeadLetters(reach.url_of(OPERATOR)) as letters:
        for queue in sorted(dead_letter_queue(wanted.queue) for wanted in wanted_topology().subscriptions):
            table.add_row(queue, _depth(letters, queue))
    output.print(table)


@app.command()
def show(
    queue: Queue,
    *,
    limit: Annotated[int, typer.Option(min=1, help="How many at most, the oldest first.")] = 20,
    body: Annotated[bool, typer.Option("--body", help="Also what they hold: may be personal data.")] = False,
) -> None:
    """Print why messages died, and leave them where they are."""
    name = _full(queue)
    with DeadLetters(find_reach().url_of(OPERATOR)) as letters:
        found = letters.peek(name, limit)
        depth = letters.depth(name)
    for number, letter in enumerate(found, 1):
        output.print(
            f"[bold]{number}[/bold]  {escape(letter.reason)}\n"
            f"   from {escape(letter.sender or 'nobody named')}, routing key {escape(letter.routing_key)}, "
            f"{letter.attempts} attempts, {escape(letter.content_type) or 'no content type'}, "
            f"{len(letter.body)} bytes",
            soft_wrap=True,
        )
        if body:
            output.print(escape(_printable(letter.body)), soft_wrap=True)
    output.print(f"{len(found)} of {max(depth, len(found))} messages of {name}")


@app.command()
def replay(
    queue: Queue,
    *,
    limit: Annotated[int, typer.Option(min=1, help="How many at most, the oldest first.")] = _EVERYTHING,
) -> None:
    """Send messages back to the queue they died in, to be handled once more."""
    name = _full(queue)
    with DeadLetters(find_reach().url_of(OPERATOR)) as letters:
        result = letters.replay(name, limit)
    output.print(f"{result.done} messages sent back from {name}")
    if result.kept:
        output.print(f"{result.kept} stayed: their queue {name.removeprefix('dlq.')} does not take them")
        raise typer.Exit(1)


def _full(queue: str) -> str:
    return queue if queue.startswith("dlq.") else dead_letter_queue(queue)


def _depth(letters: DeadLetters, queue: str) -> str:
    try:
        return str(letters.depth(queue))
    except NotFound:
        return "not declared"


def _printable(body: bytes) -> str:
    text = body.decode("utf-8", errors="replace")
    return "".join(character if character.isprintable() or character in "\n\t" else "?" for character in text)
