"""The rulebook's parts about money: what a file may say, and which slips of the pen stop the service."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.regulations.errors import RegulationError
from tests.unit.complaints.offer_world import books

HEAD = """
overrides:
  - version: "1"
    effective_from: 2020-01-01
    complaints:
"""


@pytest.mark.parametrize(
    ("part", "path", "reason"),
    [
        (
            (
                "authority: {matrix: {a: {sequence: [{roles: [manager]}], source: organisation},"
                " b: {up_to: 5, sequence: [{roles: [manager]}], source: organisation}}}"
            ),
            "authority.matrix.b",
            "is never reached",
        ),
        (
            "authority: {matrix: {a: {levels: [huge], sequence: [{roles: [manager]}], source: organisation}}}",
            "authority.matrix.a",
            "there is no level huge",
        ),
        (
            "authority: {matrix: {a: {kinds: [gold], sequence: [{roles: [manager]}], source: organisation}}}",
            "authority.matrix.a",
            "there is no kind gold",
        ),
        (
            "authority: {filings: {board: {name: 董事局, levels: [huge], source: organisation}}}",
            "authority.filings.board",
            "there is no level huge",
        ),
        (
            "authority: {first_report: {ways: [phone], filed_with: moon, source: organisation}}",
            "authority.first_report.filed_with",
            "there is no such unit",
        ),
        (
            "authority: {matrix: {a: {sequence: [{roles: [nobody_here]}], source: organisation}}}",
            "authority.matrix.a.sequence.0.roles.0",
            "nobody of council holds the role",
        ),
        (
            "authority: {delegation: {roles: [nobody_here], at_most_days: 5, source: organisation}}",
            "authority.delegation.roles.0",
            "nobody of council holds the role",
        ),
        (
            'authority: {matrix: {a: {up_to: "1.234", sequence: [{roles: [manager]}], source: organisation}}}',
            "authority.matrix.a.up_to",
            "more than two decimals",
        ),
        (
            (
                "offers: {kinds: {x: {name: x, source: organisation,"
                " pay_within: {amount: 2, unit: working_days, source: organisation}}}}"
            ),
            "offers.kinds.x.pay_within",
            "must be in",
        ),
        (
            "offers: {plans: {lost: {name: x, calming: x, compensation: x, tracing: x, source: organisation}}}",
            "offers.plans.lost.courier_claim",
            "is missing",
        ),
    ],
)
def test_a_slip_of_the_pen_is_named_by_its_place(tmp_path: Path, part: str, path: str, reason: str) -> None:
    """No service starts with a matrix that gives a right to the wrong people or to nobody."""
    with pytest.raises(RegulationError) as refused:
        books(tmp_path, "council", "membership", f"{HEAD}      {part}\n")
    assert path in str(refused.value)
    assert reason in str(refused.value)
