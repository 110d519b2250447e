"""``kefu report month``: which files it writes, and what it refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import pytest
from typer.testing import CliRunner, Result

from kefu.cli import reports
from kefu.cli.app import app
from kefu.contracts import all_contracts
from kefu.secrets import prepare


class Service:
    """Stands in for reporting: answers with the examples of its contract."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, *_: object, **__: object) -> Self:
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def call(self, method: str, *, token: str, **arguments: Any) -> Any:
        self.asked.append(method.partition(".")[2])
        reply = all_contracts()["reporting"].calls()[self.asked[-1]].reply
        assert reply is not None
        return reply.examples[0]["payload"]["result"]


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Service:
    secrets = prepare(tmp_path / "secrets")
    monkeypatch.setenv("KEFU_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KEFU_BROKER_URL", "pyamqp://operator:pw@broker.invalid/kefu")
    monkeypatch.setenv("KEFU_SECRETS_DIR", str(secrets.directory))
    stand_in = Service()
    monkeypatch.setattr(reports, "RpcClient", stand_in)
    return stand_in


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["report", "month", "2026-11", "--org", "plaza-demo", *arguments])


def test_a_month_is_written_in_every_format_asked_for(service: Service, tmp_path: Path) -> None:
    """Promise: the files are named by organisation and month, and the command prints where they are."""
    result = _run("--format", "csv", "--format", "html", "--out", str(tmp_path))
    assert result.exit_code == 0, result.output
    written = [tmp_path / f"plaza-demo-2026-11.{ending}" for ending in ("csv", "html")]
    assert result.output.split() == [str(path) for path in written]
    assert all(path.stat().st_size for path in written)
    assert service.asked == ["month_statistics", "kpis"]


def test_what_was_published_is_written_as_it_was(service: Service, tmp_path: Path) -> None:
    """Promise: a published report is not computed anew."""
    result = _run("--published", "--format", "csv", "--out", str(tmp_path))
    assert result.exit_code == 0, result.output
    assert "get_report" in service.asked
    assert "kpis" not in service.asked
    assert "已发布" in (tmp_path / "plaza-demo-2026-11.csv").read_text("utf-8-sig")


@pytest.mark.parametrize("wrong", [("--format", "docx"), ("--language", "fr")])
def test_a_format_or_language_nobody_knows_is_refused_with_those_that_are(
    service: Service, wrong: tuple[str, str]
) -> None:
    """Promise: the refusal says what there is, and nothing is asked or written."""
    result = _run(*wrong)
    assert result.exit_code != 0
    assert "known are" in result.output
    assert service.asked == []
