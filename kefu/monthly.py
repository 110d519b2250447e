"""The month's statistics as files: asked over RPC, drawn here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from services.reporting.domain.documents.content import Document
from services.reporting.domain.documents.monthly import month_document
from services.reporting.domain.month import Month
from services.reporting.rendering import Format, render
from shared.history import moment_of

Ask = Callable[..., Mapping[str, Any]]


def current(ask: Ask, name: str, month: str, language: str) -> Document:
    """Return the figures of ``month`` as they stand now; ``ask`` calls reporting's methods by name."""
    statistics = ask("month_statistics", month=month)
    kpis = ask("kpis", month=month)["kpis"]
    return _document(
        name, month, statistics, kpis, moment_of(statistics["as_of"]), statistics["time_zone"], language
    )


def published(
    ask: Ask, name: str, month: str, version: int | None, time_zone: str, language: str
) -> Document:
    """Return a version of the month's report that was published, the latest unless ``version`` names one."""
    report = ask("get_report", month=month, version=version)
    at, kpis = moment_of(report["published_at"]), report["kpis"]
    return _document(
        name,
        month,
        report["statistics"],
        kpis,
        at,
        time_zone,
        language,
        version=report["version"],
        state="published",
    )


def write(
    document: Document, formats: Sequence[Format], language: str, folder: Path, stem: str
) -> list[Path]:
    """Write the document in each of ``formats`` and return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for wanted in formats:
        path = folder / f"{stem}.{wanted.value}"
        path.write_bytes(render(document, wanted, language))
        written.append(path)
    return written


def _document(
    name: str,
    month: str,
    statistics: Mapping[str, Any],
    kpis: Sequence[Mapping[str, Any]],
    as_of: datetime,
    time_zone: str,
    language: str,
    **more: Any,
) -> Document:
    return month_document(
        name, Month.of(month), statistics, kpis, as_of=as_of, time_zone=time_zone, language=language, **more
    )
