"""Reading the phrases of the demo day: one file for each organisation, and the words all of them share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import yaml

#: The organisations of the day; each has a file of phrases of its name.
ORGANISATIONS = ("plaza-demo", "property-demo", "retail-demo", "shop-demo", "it-demo")
#: The external systems that publish the day's contacts, each under a broker user of its own.
SYSTEMS = ("hotline", "shop", "crm", "chat", "property-fees")


@dataclass(frozen=True, slots=True)
class UnitLayout:
    """How the units of a building are named: ``layout`` takes ``building``, ``floor`` and ``door``."""

    buildings: Sequence[str]
    floors: tuple[int, int]
    doors: int
    layout: str


@dataclass(frozen=True, slots=True)
class Repeated:
    """The same customer raises the complaint again through ``channel``, hours later or any time today."""

    channel: str
    text: str
    hours: int | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """One matter that customers complain of; ``times`` customers do, each with one of the texts.

    ``old_days`` is how many days before now it was received, ``None`` for the day itself. A problem that
    is not ``valid`` has a ``refusal`` instead of a reply. Amounts are yuan as decimal text.
    """

    key: str
    kind: str
    complainant: str
    texts: Sequence[str]
    reply: str = ""
    prevention: str | None = None
    refusal: str = ""
    valid: bool = True
    times: int = 1
    ground: str | None = None
    demand: str | None = None
    amounts: Sequence[str] = ()
    media: bool = False
    lawsuit: bool = False
    old_days: int | None = None
    repeated: Repeated | None = None

    def amount(self, index: int) -> str | None:
        """Return what customer number ``index`` asks for, or ``None`` when money is not the matter."""
        return self.amounts[index % len(self.amounts)] if self.amounts else None


@dataclass(frozen=True, slots=True)
class Group:
    """One problem raised by ``households`` distinct households within ``hours``; one may call twice."""

    problem: Problem
    households: int
    hours: int
    second_call: str | None


@dataclass(frozen=True, slots=True)
class Text:
    """What a customer of ``kind`` says."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Trade:
    """Everything the day needs to know of one organisation.

    ``channels`` and ``stages`` are weights, ``contacts`` counts of contacts other than complaints.
    """

    org: str
    profile: str
    systems: Mapping[str, Sequence[str]]
    channels: Mapping[str, int]
    staff: Sequence[str]
    units: Mapping[str, UnitLayout]
    firm_kinds: Sequence[str]
    stages: Mapping[str, int]
    slots: Mapping[str, Sequence[str]]
    contacts: Mapping[str, int]
    texts: Mapping[str, Sequence[Text]]
    groups: Sequence[Group]
    complaints: Sequence[Problem]
    opinions: Mapping[str, Sequence[str]]
    rework_replies: Sequence[str]
    next_reply_hours: int | None = None

    def system_of(self, channel: str) -> str:
        """Return the external system that publishes the contacts of ``channel``."""
        return next(system for system, channels in self.systems.items() if channel in channels)


@dataclass(frozen=True, slots=True)
class CommonWords:
    """Words of every trade: made-up names, and how a text reads by the channel it came in through."""

    surnames: Sequence[str]
    given_names: Sequence[str]
    firm_marks: Sequence[str]
    firm_words: Sequence[str]
    wrappers: Mapping[str, Sequence[str]]
    pressing: Mapping[str, Sequence[str]]


@cache
def common_words() -> CommonWords:
    """Return the words that all trades share."""
    return CommonWords(**_read("common"))


@cache
def trade(org: str) -> Trade:
    """Return the phrases of ``org``; KeyError or TypeError when its file lacks a part or has one too many."""
    document = _read(org)
    units = {
        kind: UnitLayout(**{**layout, "floors": (layout["floors"][0], layout["floors"][1])})
        for kind, layout in document.pop("units").items()
    }
    texts = {
        category: [Text(kind, text) for row in rows for kind, text in row.items()]
        for category, rows in document.pop("texts").items()
    }
    groups = [_group(row) for row in document.pop("groups")]
    complaints = [_problem(row) for row in document.pop("complaints")]
    return Trade(**document, units=units, texts=texts, groups=groups, complaints=complaints)


def _group(row: dict[str, Any]) -> Group:
    extent = {"households": row.pop("households"), "hours": row.pop("hours")}
    return Group(**extent, second_call=row.pop("second_call", None), problem=_problem(row))


def _problem(row: dict[str, Any]) -> Problem:
    repeated = row.pop("repeated", None)
    return Problem(**row, repeated=Repeated(**repeated) if repeated else None)


def _read(name: str) -> dict[str, Any]:
    text = (resources.files("kefu.demo.data") / f"{name}.yaml").read_text(encoding="utf-8")
    document: dict[str, Any] = yaml.safe_load(text)
    return document
