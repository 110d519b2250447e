"""Reading rulebook files: YAML, the frame around their contents, and the sources they cite."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import yaml

from shared.regulations.errors import Fault
from shared.regulations.values import DESIGN, ORGANISATION

_RULE_ID = re.compile(r"[A-Z]-[A-Z0-9]{2,4}-[0-9]{2,3}")
_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]*")
#: Far deeper than any rulebook; what is deeper holds itself by an alias or was made to break the reader.
_DEEPEST = 30

#: Tells why a profile may not cite a rule; ``None`` when it may.
RefuseSource = Callable[[str, str], str | None]


@dataclass(frozen=True, slots=True)
class Part:
    """More sections of one version of a profile, from a file of their own."""

    file: str
    sections: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Edition:
    """One version of one file: in force from the local midnight that begins ``effective_from``.

    ``parts`` hold what other files say of the same version; nothing stands in two of them.
    """

    version: str
    effective_from: date
    sections: Mapping[str, Any]
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """A profile file or the overrides of an organisation file; ``editions`` are sorted by their dates."""

    name: str
    file: str
    extends: str | None
    editions: tuple[Edition, ...]


#: The parser in C where PyYAML was built with it, some ten times as fast; both are safe and give the same.
_SafeLoader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _UniqueKeyLoader(_SafeLoader):  # type: ignore[valid-type, misc]  # a base chosen at run time
    """Safe YAML that refuses a key written twice, which plain YAML would settle silently."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002 - the signature is yaml's
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(None, None, "a key must be text", key.start_mark)
            if key.value in seen:
                line = key.start_mark.line + 1
                raise yaml.constructor.ConstructorError(
                    None,
                    None,
                    f"the key {key.value!r} is written twice, again in line {line}",
                    key.start_mark,
                )
            seen.add(key.value)
        mapping: dict[Hashable, Any] = super().construct_mapping(node, deep)
        return mapping


def read_yaml(path: Path, faults: list[Fault]) -> dict[str, Any] | None:
    """Return the mapping in ``path``, or ``None`` after adding to ``faults`` why there is none."""
    try:
        # The loader is a SafeLoader; the rule cannot see that.
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_UniqueKeyLoader)  # noqa: S506
    except (OSError, UnicodeDecodeError) as error:
        faults.append(Fault(str(path), "", f"cannot be read: {error}"))
        return None
    except (ValueError, RecursionError) as error:  # a date such as 2026-02-30; brackets without end
        faults.append(Fault(str(path), "", f"is not valid YAML: {error}"))
        return None
    except yaml.YAMLError as error:
        problem = getattr(error, "problem", None) or "not valid YAML"
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        faults.append(Fault(str(path), "", f"is not valid YAML: {problem}{where}"))
        return None
    if not isinstance(content, dict):
        faults.append(Fault(str(path), "", "must hold a mapping of keys to values"))
        return None
    if _deeper_than(content, _DEEPEST):
        faults.append(Fault(str(path), "", f"is nested deeper than {_DEEPEST} levels"))
        return None
    return content


def _deeper_than(node: object, levels: int) -> bool:
    below = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    return any(levels == 0 or _deeper_than(each, levels - 1) for each in below)


def read_profile(
    path: Path, faults: list[Fault], refuse_source: RefuseSource | None = None
) -> Document | None:
    """Return the profile in ``path``, or ``None`` when nothing of it can be used; adds to ``faults``."""
    content = read_yaml(path, faults)
    if content is None:
        return None
    file = str(path)
    refuse_unknown(content, {"profile", "extends", "versions"}, file, faults)
    name = content.get("profile")
    if name != path.stem:
        faults.append(Fault(file, "profile", f"must be {path.stem!r}, the name of the file"))
    extends = content.get("extends")
    if extends is not None and not isinstance(extends, str):
        faults.append(Fault(file, "extends", "must be the name of a profile"))
        extends = None
    editions = read_editions(content.get("versions"), file, "versions", faults)
    if not editions:
        faults.append(Fault(file, "versions", "must list at least one version"))
    for edition in editions:
        check_sources(edition.sections, file, by_organisation=False, faults=faults)
        if refuse_source is not None:
            check_citations(edition.sections, path.stem, file, refuse_source, faults)
    return Document(path.stem, file, extends, editions)


def read_editions(rows: object, file: str, place: str, faults: list[Fault]) -> tuple[Edition, ...]:
    """Return the versions listed in ``rows``, sorted by date; adds to ``faults`` what overlaps or lacks."""
    if not isinstance(rows, list):
        if rows is not None:
            faults.append(Fault(file, place, "must be a list of versions"))
        return ()
    editions = [
        edition
        for number, row in enumerate(rows)
        if (edition := _read_edition(row, file, f"{place}.{number}", faults)) is not None
    ]
    for kind, keys in (
        ("version", [edition.version for edition in editions]),
        ("effective_from", [edition.effective_from.isoformat() for edition in editions]),
    ):
        for key in sorted({key for key in keys if keys.count(key) > 1}):
            overlap = "; two versions may not be in force at once" if kind == "effective_from" else ""
            faults.append(Fault(file, place, f"{kind} {key} is given more than once{overlap}"))
    return tuple(sorted(editions, key=lambda edition: edition.effective_from))


def _read_edition(row: object, file: str, place: str, faults: list[Fault]) -> Edition | None:
    if not isinstance(row, dict):
        faults.append(Fault(file, place, "must be a mapping with version, effective_from and contents"))
        return None
    version, effective_from = row.get("version"), row.get("effective_from")
    usable = True
    if not isinstance(version, str) or not _VERSION.fullmatch(version):
        faults.append(Fault(file, f"{place}.version", 'must be text such as "2026.1", in quotes'))
        usable = False
    if not isinstance(effective_from, date) or isinstance(effective_from, datetime):
        faults.append(Fault(file, f"{place}.effective_from", "must be a date such as 2026-01-01"))
        usable = False
    if not usable or not isinstance(version, str) or not isinstance(effective_from, date):
        return None
    sections = {key: value for key, value in row.items() if key not in ("version", "effective_from")}
    return Edition(version, effective_from, sections)


def refuse_unknown(content: Mapping[str, Any], known: set[str], file: str, faults: list[Fault]) -> None:
    """Add a fault for every key of ``content`` that is not ``known``."""
    faults.extend(
        Fault(file, str(key), f"unknown key; known are {', '.join(sorted(known))}")
        for key in content
        if key not in known
    )


def check_sources(
    sections: Mapping[str, Any], file: str, *, by_organisation: bool, faults: list[Fault], place: str = ""
) -> None:
    """Add a fault for every ``source`` that a file of this kind may not cite.

    A profile cites rule ids or ``design``; an organisation cites itself, since what it decides is not
    in a handbook and what is in the handbook belongs into a profile.
    """
    for path, source in _sources(sections, place):
        if by_organisation and source != ORGANISATION:
            faults.append(Fault(file, path, f"must be {ORGANISATION!r} in an organisation's file"))
        elif not by_organisation and not (
            isinstance(source, str) and (source == DESIGN or _RULE_ID.fullmatch(source))
        ):
            faults.append(Fault(file, path, f"must be a rule id such as B-RET-32, or {DESIGN!r}: {source!r}"))


def check_citations(
    sections: Mapping[str, Any], profile: str, file: str, refuse: RefuseSource, faults: list[Fault]
) -> None:
    """Add a fault for every rule cited that does not exist or is not the profile's to cite."""
    for path, source in _sources(sections, ""):
        if isinstance(source, str) and _RULE_ID.fullmatch(source):
            reason = refuse(profile, source)
            if reason is not None:
                faults.append(Fault(file, path, reason))


def _sources(node: object, place: str) -> Iterator[tuple[str, object]]:
    if isinstance(node, dict):
        for key, value in node.items():
            path = f"{place}.{key}" if place else str(key)
            if key == "source":
                yield path, value
            else:
                yield from _sources(value, path)
    elif isinstance(node, list):
        for number, value in enumerate(node):
            yield from _sources(value, f"{place}.{number}")
