"""``kefu complaints audit``: what it asks, what it prints, how it ends."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import pytest
from typer.testing import CliRunner, Result

from kefu.cli import auditing
from kefu.cli.app import app
from kefu.secrets import Secrets, prepare
from services.complaints.domain.auditing.findings import Subject
from shared.clock import SystemClock
from shared.errors import Forbidden
from shared.identity import TokenVerifier, key_source

ROOT = Path(__file__).parents[3]
FINDING = {"id": "cs_2", "invariant": "level", "found": "is [general], but the history ends with major"}


class Service:
    """Stands in for the complaints service: five cases on pages as asked for, nothing of anything else."""

    def __init__(self, secrets: Secrets) -> None:
        self.asked: list[tuple[str, str, str | None]] = []
        self.findings: list[dict[str, str]] = []
        self._verifier = TokenVerifier(key_source(file=secrets.jwks_file, url=None), SystemClock())

    def __call__(self, *_: object, **__: object) -> Self:
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def call(self, method: str, *, token: str, subject: str, after: str | None, limit: int) -> dict[str, Any]:
        assert method == "complaints.audit_page"
        caller = self._verifier.verify(token)
        if "operator" not in caller.roles:
            raise Forbidden("not for you")
        self.asked.append((caller.org, subject, after))
        ids = [f"cs_{number}" for number in range(1, 6)] if subject == "cases" else []
        rows = [each for each in ids if each > (after or "")][:limit]
        return {
            "checked": len(rows),
            "total": len(ids) if after is None else None,
            "findings": [row for row in self.findings if row["id"] in rows],
            "next_after": rows[-1] if len(rows) == limit else None,
        }


@pytest.fixture
def secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Secrets:
    made = prepare(tmp_path / "secrets")
    monkeypatch.setenv("KEFU_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KEFU_BROKER_URL", "pyamqp://operator:pw@broker.invalid/kefu")
    monkeypatch.setenv("KEFU_SECRETS_DIR", str(made.directory))
    return made


@pytest.fixture
def service(secrets: Secrets, monkeypatch: pytest.MonkeyPatch) -> Service:
    stand_in = Service(secrets)
    monkeypatch.setattr(auditing, "RpcClient", stand_in)
    return stand_in


def audit(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["complaints", "audit", *arguments])


def test_a_clean_audit_asks_for_everything_of_everybody_and_ends_with_zero(service: Service) -> None:
    """Guards that no organisation and no subject is passed over."""
    result = audit()
    assert (result.exit_code, result.stdout) == (0, "0 findings\n")
    orgs = {path.stem for path in (ROOT / "organisations").glob("*.yaml")}
    assert {(org, subject) for org, subject, _ in service.asked} == {
        (org, subject.value) for org in orgs for subject in Subject
    }
    assert "plaza-demo cases: 5 of 5" in result.stderr


def test_a_finding_is_one_line_and_ends_with_one(service: Service) -> None:
    """Guards what a script reads: organisation, id, invariant and words on a line of standard output."""
    service.findings = [FINDING]
    result = audit("--org", "it-demo")
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "it-demo  cs_2  level  is [general], but the history ends with major",
        "1 findings",
    ]


def test_pages_follow_each_other_until_the_last(service: Service) -> None:
    """Guards the cursor: each page is asked for once, and the next one after its last id."""
    service.findings = [FINDING, {**FINDING, "id": "cs_5"}]
    result = audit("--org", "it-demo", "--subject", "cases", "--page", "2")
    assert [after for _, _, after in service.asked] == [None, "cs_2", "cs_4"]
    assert result.stdout.count("history ends with major") == 2
