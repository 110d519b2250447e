"""Runs the benchmarks: ``make bench``; prints a table and writes ``.kefu/bench.json``.

Every figure is a ratio to a bare loop measured in the same run, so it holds on any machine.
``ARGS="relay rpc"`` runs some of them, ``ARGS="--quick"`` all of them smaller.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks import clocks, complaints, customers, followup, intake, latency, memory, relay, rpc
from benchmarks.backing import Backing, backing

RESULT = Path(".kefu/bench.json")
_MEMORY_LIMIT_MB = 120.0
#: Growth over the second half that counts as flat: an allocator's noise.
_FLAT_MB = 5.0

Measure = Callable[[Backing, bool], dict[str, Any]]

MEASURES: dict[str, Measure] = {
    "relay": lambda b, quick: relay.measure(b, rounds=1 if quick else 3),
    "intake": lambda b, quick: intake.measure(b, 1_000 if quick else 4_000, 500 if quick else 2_000),
    "rpc": lambda b, quick: rpc.measure(b, rounds=1 if quick else 3),
    "latency": lambda b, quick: latency.measure(b, 8 if quick else 30),
    "clocks": lambda b, quick: clocks.measure(b, **(clocks.QUICK if quick else {})),
    "complaints": lambda b, quick: complaints.measure(b, **(complaints.QUICK if quick else {})),
    "customers": lambda b, quick: customers.measure(b, **(customers.QUICK if quick else {})),
    "followup": lambda b, quick: followup.measure(b, **(followup.QUICK if quick else {})),
    "memory": lambda b, quick: memory.measure(b, 2_000 if quick else 20_000),
}
#: name: (what it is, unit, limit, whether the ratio must be at least the limit or at most)
GOALS = {
    "relay": ("outbox relay : pipelined publish", "messages/s", 0.7, "at least"),
    "intake": ("contact intake : consume-insert-ack", "contacts/s", 1.0, "at least"),
    "rpc": ("RPC query p50 : bare nameko RPC p50", "ms", 1.5, "at most"),
    "latency": ("publish to case visible p99 : bare p50", "ms", 10.0, "at most"),
    "clocks.deadline": ("15 working days : one look at the official list", "ms", 5.0, "at most"),
    "clocks.idle": ("round with nothing due, many open : few open", "ms", 1.2, "at most"),
    "clocks.firing": ("all due in one second fired : bare bulk_write", "ms", 2.0, "at most"),
    "clocks.recompute": ("clocks computed again : bare bulk_write", "ms", 2.0, "at most"),
    "complaints.commands": ("commands on cases : bare nameko find and update", "calls/s", 0.6, "at least"),
    "complaints.lists": ("the list that grows worst, p95, many cases : few", "ms", 1.5, "at most"),
    "complaints.relevel": ("a matter rising : bare bulk_write", "ms", 2.0, "at most"),
    "customers.import": ("customers taken in, 500 a call : bare insert_many", "customers/s", 0.4, "at least"),
    "customers.growth": ("the search that grows worst, p95, many files : few", "ms", 1.5, "at most"),
    "customers.find": ("the slowest search, p95 : bare find of one file", "ms", 5.0, "at most"),
    "followup.campaign": ("a campaign : bare insert of its messages", "customers/s", 0.4, "at least"),
    "followup.lists": ("the worklist that grows worst, p95, many open : few", "ms", 1.5, "at most"),
    "followup.find": ("the slowest worklist, p95 : bare indexed find", "ms", 5.0, "at most"),
    "followup.quotas": ("a month's quota check, many households : few", "ms", 1.5, "at most"),
}


def main() -> int:
    """Run what was asked for; the exit status says only whether everything could be measured."""
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("which", nargs="*", choices=[*MEASURES, []], help="default: all")
    parser.add_argument("--quick", action="store_true", help="smaller runs, rougher figures")
    options = parser.parse_args()
    console = Console()
    results: dict[str, Any] = {}
    for name in options.which or list(MEASURES):
        console.print(f"measuring {name} …")
        # Servers of its own for each, so that one measurement's data does not slow the next.
        with backing() as servers:
            results[name] = MEASURES[name](servers, options.quick)
    machine = {
        "date": datetime.now(UTC).date().isoformat(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "system": platform.platform(),
        "quick": options.quick,
    }
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps({"machine": machine, "results": results}, indent=1), encoding="utf-8")
    _print_ratios(console, results)
    if "complaints" in results:
        lists = results["complaints"]["lists"]
        console.print(f"lists over {lists['cases']:,} cases, filled in {lists['seconds_to_fill']:,.0f} s")
    if "customers" in results:
        _print_searches(console, results["customers"]["growth"])
    if "followup" in results:
        _print_worklists(console, results["followup"])
    if "memory" in results:
        _print_memory(console, results["memory"])
    console.print(f"written to {RESULT}")
    return 0


def _print_ratios(console: Console, results: dict[str, Any]) -> None:
    table = Table("figure", "bare", "kefu", "ratio", "goal", "met")
    for name, (title, unit, limit, side) in GOALS.items():
        measure, _, part = name.partition(".")
        if measure not in results:
            continue
        row = results[measure][part] if part else results[measure]
        met = row["ratio"] >= limit if side == "at least" else row["ratio"] <= limit
        figures = [f"{row[who]:,.{_places(row[who])}f} {unit}" for who in ("bare", "kefu")]
        figures.append(f"{row['ratio']:.2f}")
        table.add_row(title, *figures, f"{side} {limit:g}", "yes" if met else "NO")
    console.print(table)


def _print_searches(console: Console, growth: dict[str, Any]) -> None:
    table = Table("search, p95", "few files", "many files", "bare find", "rows of few", "rows of many")
    for name, row in growth["searches"].items():
        times = [f"{row[key]:.1f} ms" for key in ("few", "many", "bare")]
        table.add_row(name, *times, f"{row['rows_few']:.1f}", f"{row['rows_many']:.1f}")
    console.print(table)
    filled = f"filled in {growth['seconds_to_fill']:,.0f} s"
    console.print(f"searches over {growth['customers']:,} customers, {filled}")


def _print_worklists(console: Console, found: dict[str, Any]) -> None:
    table = Table("worklist, p95", "few open", "many open", "bare find")
    for name, row in found["lists"]["lists"].items():
        table.add_row(name, *(f"{row[key]:.1f} ms" for key in ("few", "many", "bare")))
    console.print(table)
    filled = found["filled"]
    console.print(f"worklists over {filled['open']:,} open, filled in {filled['seconds']:,.0f} s")


def _places(value: float) -> int:
    """Return how many decimals show a figure that may be far below one."""
    return 1 if value >= 1 else 3


def _print_memory(console: Console, rows: dict[str, dict[str, float]]) -> None:
    table = Table("service", "half way", "end", "peak", "growth in the second half", "met")
    for name, row in rows.items():
        met = row["peak"] < _MEMORY_LIMIT_MB and row["growth"] <= _FLAT_MB
        megabytes = [f"{row[key]:.1f} MB" for key in ("half", "end", "peak", "growth")]
        table.add_row(name, *megabytes, "yes" if met else "NO")
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
