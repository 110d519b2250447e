"""``kefu up`` and ``kefu demo``: the whole stack on this machine, and a day played through it."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from kefu.cli.screen import console_for, errors, output
from kefu.demo.colleagues import Colleagues
from kefu.demo.dataset import generate_day
from kefu.demo.expectations import Expectations, Figure
from kefu.demo.figures import Shown, gather
from kefu.demo.player import Outcome, Player
from kefu.demo.progress import teller_for
from kefu.demo.stack import Place, Stack
from kefu.demo.stories import tell_stories
from kefu.demo.tables import all_tables, figures_table, places_table, story_table
from kefu.local.children import exit_on_signals
from kefu.reach import Reach, find_reach, organisation_names, state_directory
from shared.errors import KefuError

_GLANCE = 0.5

Keep = Annotated[bool, typer.Option("--keep", help="Keep what earlier runs left in the private stack.")]


def up() -> None:
    """Start broker, database and the four services, say where everything is, stay until Ctrl-C.

    What earlier runs left in .kefu/run is kept. Servers of your own: KEFU_BROKER_ADMIN_URL, KEFU_MONGO_URL.
    """
    with _stack(fresh=False) as stack:
        output.print(places_table(stack.places()))
        _stay(stack)


def demo(
    *,
    once: Annotated[bool, typer.Option("--once", help="Stop after the tables.")] = False,
    seed: Annotated[int, typer.Option("--seed", help="Another number, another day.")] = 1,
    keep: Keep = False,
    attach: Annotated[
        bool, typer.Option("--attach", help="Play into the stack that is running already, then stop.")
    ] = False,
) -> None:
    """Play a day of contacts of five organisations through the four services and print what became of it.

    Starts everything like `up`, afresh unless --keep; stays until Ctrl-C unless --once. Exit code 1 when
    anything did not become as the day says.
    """
    if attach:
        _end(_day(find_reach(), seed, ()))
        return
    with _stack(fresh=not keep) as stack:
        outcome = _day(stack.reach, seed, stack.places())
        if not once:
            _stay(stack)
    _end(outcome)


@contextmanager
def _stack(*, fresh: bool) -> Iterator[Stack]:
    exit_on_signals()
    stack = Stack(fresh=fresh)
    output.print("Starting Kefu: broker, database and four services …", style="dim")
    try:
        with teller_for(console_for()) as teller:
            stack.start(teller)
        try:
            yield stack
        except KefuError:
            # What the player met is the consequence; what ended by itself may be the cause.
            _tell_casualties(stack.casualties())
            raise
    finally:
        with teller_for(console_for()) as teller:
            stack.stop(teller)


def _tell_casualties(casualties: Sequence[str]) -> None:
    for text in casualties:
        errors.print(f"[red]kefu:[/red] {escape(text)}", soft_wrap=True)


def _day(reach: Reach, seed: int, places: Sequence[Place]) -> Outcome:
    """Play the day, print the tables, return what became of it."""
    begun, now = time.monotonic(), datetime.now(UTC)
    run = f"d{now:%m%d%H%M%S}"
    wanted = Expectations(generate_day(seed, now, run), now)
    output.print(f"[bold]A day of {len(wanted.orgs)} organisations[/bold] (seed {seed}, events {run}-…)")
    with teller_for(console_for()) as teller:
        outcome = Player(reach, wanted, run, teller, closed_by_hand=_closed_by_hand(reach, now)).play()
    with Colleagues(reach) as colleagues:
        shown = gather(colleagues, wanted.orgs, wanted.month)
    for table in all_tables(shown, organisation_names(reach.organisations)):
        output.print(table)
    _tell_stories(reach, run, outcome)
    if places:
        # Only a stack of our own has a folder to write to.
        _write_reports(reach, shown)
    for org, report in outcome.reports.items():
        output.print(f"report of {report['month']} published for {org}: {report['report_id']}")
    if places:
        output.print(places_table(places))
    output.print(figures_table(outcome.figures))
    _sum_up(outcome, time.monotonic() - begun)
    return outcome


def _write_reports(reach: Reach, shown: Shown) -> None:
    """Write the month's statistics of the first organisation as files, for whoever wants to see how they look."""
    from kefu import monthly  # noqa: PLC0415 - drawing takes a second to import
    from services.reporting.rendering import Format  # noqa: PLC0415 - the same

    org = next(iter(shown.statistics), None)
    if org is None:
        return
    name = organisation_names(reach.organisations).get(org, org)
    answers = {"month_statistics": shown.statistics[org], "kpis": {"kpis": shown.kpis[org]}}
    document = monthly.current(lambda method, **_: answers[method], name, shown.month, "zh")
    wanted = (Format.XLSX, Format.PDF, Format.HTML)
    folder = state_directory() / "reports"
    for path in monthly.write(document, wanted, "zh", folder, f"{org}-{shown.month}"):
        output.print(f"statistics of {shown.month} for {org}: {path}", soft_wrap=True, markup=False)


def _tell_stories(reach: Reach, run: str, outcome: Outcome) -> None:
    """Play the whole cases after the day, print each, and add to ``outcome`` what became of them."""
    with teller_for(console_for()) as teller:
        stories = tell_stories(reach, run, teller)
    for story in stories:
        output.print(story_table(story))
        outcome.figures.append(Figure(f"facts of the whole case at {story.org}", story.rows, story.right))
        outcome.failures += [story.failure] if story.failure else []


def _closed_by_hand(reach: Reach, now: datetime) -> frozenset[str]:
    """Return the organisations whose rulebook wants a reply and no callback before a case closes."""
    from services.complaints.domain.rulebook import CloseCondition  # noqa: PLC0415 - takes a second to import
    from services.complaints.rulebook import load_rulebooks  # noqa: PLC0415 - the same

    books = load_rulebooks(reach.organisations)
    return frozenset(
        organisation.id
        for organisation in books.organisations
        if books.for_org(organisation.id, now).sections.close_condition.value is CloseCondition.REPLY
    )


def _sum_up(outcome: Outcome, seconds: float) -> None:
    for failure in outcome.failures:
        errors.print(f"[red]not as planned:[/red] {escape(failure)}", soft_wrap=True)
    if outcome.well:
        output.print(
            f"[green]The day came out as expected[/green] in {seconds:.0f} s: expected = found throughout."
        )
    else:
        errors.print("[red]The day did not come out as expected[/red]; what differs is marked above.")


def _stay(stack: Stack) -> None:
    """Return at Ctrl-C; end with exit code 1 when a part of the stack ends by itself."""
    try:
        output.print(
            f"Running; Ctrl-C stops. In a second terminal: {_program()} dlq list (or rejected list, rpc …)"
        )
        while not (ended := stack.casualties()):
            time.sleep(_GLANCE)
    except KeyboardInterrupt:
        return
    _tell_casualties(ended)
    raise typer.Exit(1)


def _program() -> str:
    """Return how this program is called from where the user is."""
    python = Path(sys.executable)
    script = python.with_name("kefu")
    shown = script if script.exists() else python
    here = shown.relative_to(Path.cwd()) if shown.is_relative_to(Path.cwd()) else shown
    return str(here) if shown is script else f"{here} -m kefu"


def _end(outcome: Outcome) -> None:
    if not outcome.well:
        raise typer.Exit(1)
