"""Organisations: which profile each follows, and what it decides where its handbook is silent."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from shared.regulations.documents import (
    Document,
    Edition,
    check_sources,
    read_editions,
    read_yaml,
    refuse_unknown,
)
from shared.regulations.errors import Fault
from shared.regulations.rulebooks import Organisation
from shared.worktime import Calendars, WorktimeError

_KEYS = {
    "org",
    "name",
    "profile",
    "number_prefix",
    "calendar",
    "time_zone",
    "publishers",
    "publisher_limits",
    "roles",
    "overrides",
}
#: What a publisher may be limited to codes of.
_LIMITS = frozenset({"types", "categories", "channels"})
_LIMITED = re.compile(r"[a-z][a-z0-9_.-]{0,63}")
_CODE = re.compile(r"[a-z][a-z0-9-]{1,39}")
_PREFIX = re.compile(r"[A-Z][A-Z0-9]{1,7}")
_ROLE = re.compile(r"[a-z][a-z0-9_]{1,39}")


@dataclass(frozen=True, slots=True)
class OrganisationFile:
    """An organisation and its own decisions, the latter split by part of the system."""

    organisation: Organisation
    file: str
    overrides: Document

    def overrides_for(self, service: str) -> Document:
        """Return the organisation's decisions on one part; versions stay even when they are empty there."""
        return replace(
            self.overrides,
            editions=tuple(
                replace(edition, sections=edition.sections.get(service) or {})
                for edition in self.overrides.editions
            ),
        )


def read_organisations(
    directory: Path, services: Collection[str], faults: list[Fault]
) -> tuple[OrganisationFile, ...]:
    """Return the organisations in ``directory``, by id; adds to ``faults`` what is wrong with them."""
    paths = sorted(directory.glob("*.yaml"))
    if not paths:
        faults.append(Fault(str(directory), "", "holds no organisation file (*.yaml)"))
    files = [file for path in paths if (file := _read_organisation(path, services, faults)) is not None]
    prefixes: dict[str, str] = {}
    for entry in files:
        prefix = entry.organisation.number_prefix
        if prefix in prefixes:
            faults.append(
                Fault(entry.file, "number_prefix", f"{prefix} is already used by {prefixes[prefix]}")
            )
        prefixes.setdefault(prefix, entry.organisation.id)
    return tuple(files)


def _read_organisation(path: Path, services: Collection[str], faults: list[Fault]) -> OrganisationFile | None:
    content = read_yaml(path, faults)
    if content is None:
        return None
    file, before = str(path), len(faults)
    refuse_unknown(content, _KEYS, file, faults)
    texts = {key: _text(content, key, file, faults) for key in ("name", "profile", "calendar", "time_zone")}
    org = _text(content, "org", file, faults, _CODE)
    if org and org != path.stem:
        faults.append(Fault(file, "org", f"must be {path.stem!r}, the name of the file"))
    prefix = _text(content, "number_prefix", file, faults, _PREFIX)
    publishers = _names(content, "publishers", _CODE, file, faults)
    roles = _names(content, "roles", _ROLE, file, faults)
    limits = _read_limits(content.get("publisher_limits"), publishers, file, faults)
    _check_zone(texts["time_zone"], file, faults)
    _check_calendar(texts["calendar"], file, faults)
    editions = read_editions(content.get("overrides"), file, "overrides", faults)
    for number, edition in enumerate(editions):
        _check_overrides(edition, number, services, file, faults)
    if len(faults) > before:
        return None
    organisation = Organisation(
        id=org,
        name=texts["name"],
        profile=texts["profile"],
        number_prefix=prefix,
        calendar=texts["calendar"],
        time_zone=texts["time_zone"],
        publishers=publishers,
        roles=roles,
        limits=limits,
    )
    return OrganisationFile(organisation, file, Document(org, file, None, editions))


def _text(
    content: dict[str, Any], key: str, file: str, faults: list[Fault], shape: re.Pattern[str] | None = None
) -> str:
    value = content.get(key)
    if not isinstance(value, str) or not value.strip():
        faults.append(Fault(file, key, "is missing or not text"))
        return ""
    if shape is not None and not shape.fullmatch(value):
        faults.append(Fault(file, key, f"{value!r} does not have the form {shape.pattern}"))
    return value


def _names(
    content: dict[str, Any], key: str, shape: re.Pattern[str], file: str, faults: list[Fault]
) -> frozenset[str]:
    value = content.get(key)
    if not isinstance(value, list) or not all(
        isinstance(name, str) and shape.fullmatch(name) for name in value
    ):
        faults.append(Fault(file, key, "must be a list of names such as [first, second]"))
        return frozenset()
    return frozenset(value)


def _read_limits(
    content: object, publishers: frozenset[str], file: str, faults: list[Fault]
) -> dict[str, dict[str, frozenset[str]]]:
    """Return what each limited publisher may send; adds to ``faults`` what cannot be meant."""
    if content is None:
        return {}
    if not isinstance(content, dict):
        faults.append(Fault(file, "publisher_limits", "must be a mapping of publishers to their limits"))
        return {}
    limits: dict[str, dict[str, frozenset[str]]] = {}
    for publisher, rows in content.items():
        place = f"publisher_limits.{publisher}"
        if publisher not in publishers:
            faults.append(Fault(file, place, "is none of the publishers"))
        if not isinstance(rows, dict) or not set(rows) <= _LIMITS:
            faults.append(Fault(file, place, f"must be a mapping with {', '.join(sorted(_LIMITS))}"))
            continue
        read: list[Fault] = []
        limits[publisher] = {what: _names(rows, what, _LIMITED, file, read) for what in rows}
        faults.extend(Fault(file, f"{place}.{fault.path}", fault.reason) for fault in read)
    return limits


def _check_zone(zone: str, file: str, faults: list[Fault]) -> None:
    if not zone:
        return
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):
        faults.append(Fault(file, "time_zone", f"{zone!r} is no time zone such as Asia/Shanghai"))


def _check_calendar(name: str, file: str, faults: list[Fault]) -> None:
    if not name:
        return
    try:
        Calendars().by_name(name)
    except WorktimeError as error:
        faults.append(Fault(file, "calendar", error.message))


def _check_overrides(
    edition: Edition, number: int, services: Collection[str], file: str, faults: list[Fault]
) -> None:
    for service, sections in edition.sections.items():
        place = f"overrides.{number}.{service}"
        if service not in services:
            faults.append(Fault(file, place, f"unknown part; known are {', '.join(sorted(services))}"))
        elif not isinstance(sections, dict):
            faults.append(Fault(file, place, "must be a mapping"))
        else:
            check_sources(sections, file, by_organisation=True, faults=faults, place=place)
