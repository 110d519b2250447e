"""Gathers over RPC what the tables at a day's end show; every list is complete."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from kefu.demo.colleagues import Colleagues
from kefu.demo.player import NOBODY

_PAGE = 200
Row = dict[str, Any]


@dataclass(slots=True)
class Shown:
    """What is shown of each organisation, by its id, as the services answered it."""

    month: str
    contacts: dict[str, dict[str, int]] = field(default_factory=dict)
    cases: dict[str, list[Row]] = field(default_factory=dict)
    callbacks: dict[str, list[Row]] = field(default_factory=dict)
    rejected: dict[str, list[Row]] = field(default_factory=dict)
    statistics: dict[str, Row] = field(default_factory=dict)
    kpis: dict[str, list[Row]] = field(default_factory=dict)


def gather(colleagues: Colleagues, orgs: Sequence[str], month: str) -> Shown:
    """Return everything the tables need; raises what the services raise."""
    shown = Shown(month)
    for org in orgs:
        shown.contacts[org] = colleagues.ask(org, "intake.count_contacts")
        shown.cases[org] = list(_pages(colleagues, org, "complaints.list_cases"))
        shown.callbacks[org] = list(_pages(colleagues, org, "followup.list_callbacks", state="open"))
        shown.statistics[org] = colleagues.ask(org, "reporting.month_statistics", month=month)
        shown.kpis[org] = colleagues.ask(org, "reporting.kpis", month=month)["kpis"]
    for org in (*orgs, NOBODY):
        shown.rejected[org] = list(_pages(colleagues, org, "intake.list_rejected"))
    return shown


def _pages(colleagues: Colleagues, org: str, method: str, **arguments: Any) -> Iterator[Row]:
    skip = 0
    while True:
        page = colleagues.ask(org, method, limit=_PAGE, skip=skip, **arguments)
        yield from page
        if len(page) < _PAGE:
            return
        skip += _PAGE
