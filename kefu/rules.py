"""Which rules of the domain a test proves: ``python -m kefu.rules``, or ``make rules``.

A rule of docs/domain/rules.tsv is *proved* when a test carries its id in ``@pytest.mark.rule("B-JKC-54")``,
and *stated* when only a regulation file cites it (``source: B-JKC-54``). Rules of tier 0 describe the source
itself and are not counted. Exit status 1 when an id is cited that no rule has, or the proved share is below
``--min``; 2 when the repository cannot be read.
"""

from __future__ import annotations

import argparse
import ast
import csv
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

SERVICES = ("intake", "complaints", "followup", "reporting")
_RULE_ID = re.compile(r"\b[AB]-[A-Z0-9]+-\d+\b")
_REPOSITORY = Path(__file__).resolve().parents[1]


class UnreadableRepositoryError(Exception):
    """A file that the count depends on is missing or broken; the message names it."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the catalogue."""

    id: str
    section: str
    tier: int
    service: str
    text: str


@dataclass(frozen=True, slots=True)
class Coverage:
    """The catalogue and where its rules are cited."""

    rules: tuple[Rule, ...]
    #: Rule id to the tests that prove it, each as ``path:line``.
    proofs: dict[str, list[str]]
    #: Rule id to the regulation files that cite it.
    statements: dict[str, list[str]]

    def unknown(self) -> dict[str, list[str]]:
        """Return the cited ids that no rule has, with where they are cited."""
        known = {rule.id for rule in self.rules}
        cited = sorted({*self.proofs, *self.statements} - known)
        return {id_: [*self.proofs.get(id_, []), *self.statements.get(id_, [])] for id_ in cited}

    def select(
        self, *, service: str | None = None, tier: int | None = None, section: str | None = None
    ) -> list[Rule]:
        """Return the rules that count, narrowed to what is given."""
        return [
            rule
            for rule in self.rules
            if rule.tier
            and service in (None, rule.service)
            and tier in (None, rule.tier)
            and section in (None, rule.section)
        ]

    def status(self, rule: Rule) -> str:
        """Return ``proved``, ``stated`` or ``open``."""
        if rule.id in self.proofs:
            return "proved"
        return "stated" if rule.id in self.statements else "open"


def read_coverage(root: Path) -> Coverage:
    """Read catalogue, tests and regulations below ``root``; raises UnreadableRepositoryError."""
    proofs: dict[str, list[str]] = defaultdict(list)
    for path in sorted(root.glob("tests/**/*.py")):
        for rule_id, line in _marks(path):
            proofs[rule_id].append(f"{path.relative_to(root)}:{line}")
    statements: dict[str, list[str]] = defaultdict(list)
    for path in sorted(root.glob("services/*/regulations/**/*.y*ml")):
        for rule_id in sorted(set(_RULE_ID.findall(path.read_text(encoding="utf-8")))):
            statements[rule_id].append(str(path.relative_to(root)))
    return Coverage(_catalogue(root / "docs" / "domain" / "rules.tsv"), dict(proofs), dict(statements))


def _catalogue(path: Path) -> tuple[Rule, ...]:
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            return tuple(
                Rule(row["id"], row["section"], int(row["tier"]), row["service"], row["rule"])
                for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
            )
    except (OSError, KeyError, ValueError) as error:
        raise UnreadableRepositoryError(f"{path}: {error!r}") from error


def _marks(path: Path) -> Iterator[tuple[str, int]]:
    """Yield each rule id that a test of the file is marked with, and the line.

    A mark inside ``pytest.param`` or ``pytestmark`` counts as well. Read from the syntax tree, so that no
    test module needs to be importable.
    """
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (OSError, SyntaxError) as error:
        raise UnreadableRepositoryError(f"{path}: {error}") from error
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Attribute(attr="mark"), attr="rule"), args=args):
                for arg in args:
                    if isinstance(arg, ast.Constant) and isinstance(arg.value, str):
                        yield arg.value, node.lineno


def report(coverage: Coverage, rules: Sequence[Rule], *, list_open: bool) -> Iterator[str]:
    """Yield the report's lines: a table by service and tier, unknown ids, the sum."""
    counts: dict[tuple[str, int], Counter[str]] = defaultdict(Counter)
    for rule in rules:
        counts[rule.service, rule.tier][coverage.status(rule)] += 1
    yield f"{'service':<12}{'tier':>4}{'rules':>7}{'proved':>8}{'stated':>8}{'open':>7}"
    for (service, tier), by_status in sorted(counts.items()):
        yield (
            f"{service:<12}{tier:>4}{by_status.total():>7}"
            f"{by_status['proved']:>8}{by_status['stated']:>8}{by_status['open']:>7}"
        )
    if list_open:
        for rule in rules:
            if coverage.status(rule) != "proved":
                yield f"{rule.id}  [{rule.service}, tier {rule.tier}, {coverage.status(rule)}]  {rule.text}"
    for rule_id, places in coverage.unknown().items():
        yield f"unknown id {rule_id}: {', '.join(places)}"
    proved = sum(by_status["proved"] for by_status in counts.values())
    yield f"proved: {proved} of {len(rules)} ({_share(proved, len(rules)):.1f} %)"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the report that ``arguments`` (default: the command line's) ask for; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="kefu.rules", description="Which rules of the domain a test proves."
    )
    parser.add_argument("--service", choices=SERVICES)
    parser.add_argument("--tier", type=int, choices=(1, 2, 3))
    parser.add_argument("--section", help="for example B-RET")
    parser.add_argument("--open", action="store_true", help="list the rules that no test proves")
    parser.add_argument("--min", type=float, metavar="PERCENT", help="fail below this share of proved rules")
    parser.add_argument("--root", type=Path, default=_REPOSITORY, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    try:
        coverage = read_coverage(options.root)
    except UnreadableRepositoryError as error:
        print(f"rules: {error}", file=sys.stderr)
        return 2
    rules = coverage.select(service=options.service, tier=options.tier, section=options.section)
    for line in report(coverage, rules, list_open=options.open):
        print(line)
    proved = sum(coverage.status(rule) == "proved" for rule in rules)
    too_few = options.min is not None and _share(proved, len(rules)) < options.min
    return 1 if too_few or coverage.unknown() else 0


def _share(part: int, whole: int) -> float:
    return 100 * part / whole if whole else 0.0


if __name__ == "__main__":
    sys.exit(main())
