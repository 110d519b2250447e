"""Rulebooks in use: the regulation of an organisation at a moment, or the one a matter was begun under."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Generic, TypeVar
from zoneinfo import ZoneInfo

from shared.errors import NotFound
from shared.regulations.merging import Layers

Sections = TypeVar("Sections")


@dataclass(frozen=True, slots=True)
class Organisation:
    """One organisation served by the deployment.

    ``publishers`` are the external systems that may send for it, ``roles`` those its staff hold,
    ``calendar`` names its working calendar, ``time_zone`` (IANA) decides when its versions come into force
    and which local day a moment is on. ``limits`` says what each of some publishers may send: for ``types``,
    ``categories`` or ``channels`` the codes; what is not limited is open.
    """

    id: str
    name: str
    profile: str
    number_prefix: str
    calendar: str
    time_zone: str
    publishers: frozenset[str]
    roles: frozenset[str]
    limits: Mapping[str, Mapping[str, frozenset[str]]] = field(default_factory=dict, hash=False)

    def may_send(self, publisher: str, what: str, code: str) -> bool:
        """Return whether ``publisher`` may send something whose ``what`` (such as types) is ``code``."""
        allowed = self.limits.get(publisher, {}).get(what)
        return allowed is None or code in allowed


@dataclass(frozen=True, slots=True)
class Regulation(Generic[Sections]):
    """One version of an organisation's rulebook for one part of the system.

    ``version`` names every layer, the base first: ``standard:2026.1,shop:2026.1,shop-demo:2026.1``. It is
    what a matter stores to stay under the rules it was begun under. ``sections`` is the typed content.
    """

    org: str
    profile: str
    version: str
    effective_from: date
    sections: Sections
    _layers: Layers = field(repr=False, compare=False)

    @property
    def content(self) -> Mapping[str, Any]:
        """What the files say, merged, before it was given types; not to be changed."""
        return self._layers.sections

    def file_of(self, path: str) -> str:
        """Return the file that says what stands at the dotted ``path``, rows of a list by their number."""
        return self._layers.file_of(path)

    def source_of(self, path: str) -> str:
        """Return the source of the value at the dotted ``path``, its own or that of what encloses it.

        A row of a list is named by its number or its ``code``. Raises KeyError when there is no such value
        or nothing around it names a source.
        """
        node: Any = self.content
        source: str | None = None
        for step in path.split("."):
            node = _step_into(node, step, path)
            if isinstance(node, Mapping):
                source = node.get("source", source)
        if source is None:
            raise KeyError(f"nothing at {path!r} names a source")
        return source


def _step_into(node: object, step: str, path: str) -> object:
    if isinstance(node, Mapping) and step in node:
        return node[step]
    if isinstance(node, list):
        for number, row in enumerate(node):
            if step == str(number) or (isinstance(row, Mapping) and row.get("code") == step):
                return row
    raise KeyError(f"the rulebook has no value at {path!r}")


@dataclass(frozen=True, slots=True)
class Timeline(Generic[Sections]):
    """An organisation and its regulations, sorted by the date each comes into force."""

    organisation: Organisation
    regulations: tuple[Regulation[Sections], ...]


class Rulebooks(Generic[Sections]):
    """The regulations of all organisations for one part of the system; never changes once loaded."""

    def __init__(
        self,
        timelines: Mapping[str, Timeline[Sections]],
        compose: Callable[[str, str], Regulation[Sections]],
    ) -> None:
        """``compose(org, version)`` rebuilds a version no longer on the time line, or raises NotFound."""
        self._timelines = dict(timelines)
        self._compose = compose
        self._by_version = {
            (org, regulation.version): regulation
            for org, timeline in self._timelines.items()
            for regulation in timeline.regulations
        }

    @property
    def organisations(self) -> tuple[Organisation, ...]:
        """All organisations, sorted by id."""
        return tuple(self._timelines[org].organisation for org in sorted(self._timelines))

    def organisation(self, org: str) -> Organisation:
        """Return the organisation called ``org``; NotFound when there is none."""
        return self._timeline(org).organisation

    def for_org(self, org: str, at: datetime) -> Regulation[Sections]:
        """Return what is in force for ``org`` at the aware moment ``at``.

        Raises NotFound for an unknown organisation and for a moment before its first version.
        """
        timeline = self._timeline(org)
        if at.tzinfo is None:
            raise ValueError("the moment has no time zone")
        day = at.astimezone(ZoneInfo(timeline.organisation.time_zone)).date()
        position = bisect_right(timeline.regulations, day, key=lambda regulation: regulation.effective_from)
        if position == 0:
            raise NotFound(f"organisation {org!r} has no rulebook in force on {day.isoformat()}")
        return timeline.regulations[position - 1]

    def of_version(self, org: str, version: str) -> Regulation[Sections]:
        """Return the regulation of ``org`` called ``version``, however old.

        Raises NotFound for an unknown organisation and when a file no longer holds that version.
        """
        self._timeline(org)
        known = self._by_version.get((org, version))
        if known is None:
            known = self._by_version[org, version] = self._compose(org, version)
        return known

    def _timeline(self, org: str) -> Timeline[Sections]:
        try:
            return self._timelines[org]
        except KeyError:
            raise NotFound(f"organisation {org!r} does not exist") from None
