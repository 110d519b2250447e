"""Profiles in several files: ``<profile>/*.yaml`` hold more sections of the versions of ``<profile>.yaml``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from shared.regulations.documents import (
    Document,
    Edition,
    Part,
    RefuseSource,
    check_citations,
    check_sources,
    read_yaml,
    refuse_unknown,
)
from shared.regulations.errors import Fault


def read_parts(
    directory: Path,
    documents: Mapping[str, Document],
    faults: list[Fault],
    refuse_source: RefuseSource | None = None,
) -> dict[str, Document]:
    """Return ``documents`` with what the files in the folder of each say; adds to ``faults``.

    A file holds ``profile`` and ``versions``, each with the ``version`` of the profile it belongs to and no
    date. What two files say of the same value is a fault that names both.
    """
    joined = dict(documents)
    for folder in sorted(path for path in directory.iterdir() if path.is_dir()) if directory.is_dir() else ():
        paths = sorted(folder.glob("*.yaml"))
        if paths and not (directory / f"{folder.name}.yaml").is_file():
            faults.append(Fault(str(folder), "", f"belongs to no profile: there is no {folder.name}.yaml"))
        document = documents.get(folder.name)
        if document is None:
            continue
        for path in paths:
            document = _with_file(document, path, faults, refuse_source)
        joined[folder.name] = document
    return joined


def _with_file(
    document: Document, path: Path, faults: list[Fault], refuse_source: RefuseSource | None
) -> Document:
    content, file = read_yaml(path, faults), str(path)
    if content is None:
        return document
    refuse_unknown(content, {"profile", "versions"}, file, faults)
    if content.get("profile") != document.name:
        faults.append(Fault(file, "profile", f"must be {document.name!r}, the name of the folder"))
    rows = content.get("versions")
    if not isinstance(rows, list) or not rows:
        faults.append(Fault(file, "versions", "must list at least one version"))
        return document
    editions = {edition.version: edition for edition in document.editions}
    seen: set[str] = set()
    for number, row in enumerate(rows):
        place = f"versions.{number}"
        version = row.get("version") if isinstance(row, dict) else None
        if not isinstance(row, dict) or not isinstance(version, str) or version not in editions:
            known = ", ".join(sorted(editions))
            reason = f"must name a version of {document.file}: {known}"
            faults.append(Fault(file, f"{place}.version", reason))
            continue
        if version in seen:
            faults.append(Fault(file, f"{place}.version", f"{version} is given more than once"))
            continue
        seen.add(version)
        if "effective_from" in row:
            reason = f"stands in {document.file}, for all files of the version"
            faults.append(Fault(file, f"{place}.effective_from", reason))
        sections = {key: value for key, value in row.items() if key not in ("version", "effective_from")}
        check_sources(sections, file, by_organisation=False, faults=faults)
        if refuse_source is not None:
            check_citations(sections, document.name, file, refuse_source, faults)
        editions[version] = _with_part(editions[version], Part(file, sections), document.file, faults)
    return replace(document, editions=tuple(editions[edition.version] for edition in document.editions))


def _with_part(edition: Edition, part: Part, main: str, faults: list[Fault]) -> Edition:
    for other in (Part(main, edition.sections), *edition.parts):
        faults.extend(
            Fault(part.file, path, f"is given in {other.file} too")
            for path in _twice(other.sections, part.sections, "")
        )
    return replace(edition, parts=(*edition.parts, part))


def _twice(one: Mapping[Any, Any], other: Mapping[Any, Any], place: str) -> Iterator[str]:
    """Yield the paths both give; two mappings without a source of their own lie beside each other."""
    for key in one.keys() & other.keys():
        path, mine, theirs = f"{place}.{key}" if place else str(key), one[key], other[key]
        both = isinstance(mine, Mapping) and isinstance(theirs, Mapping)
        if both and "source" not in mine and "source" not in theirs:
            yield from _twice(mine, theirs, path)
        else:
            yield path
