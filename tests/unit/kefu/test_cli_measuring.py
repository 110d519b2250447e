"""``kefu kpi``: what it asks, and that what it prints fits a terminal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Self

import pytest
from typer.testing import CliRunner

from kefu.cli import measuring
from kefu.cli.app import app
from kefu.contracts import all_contracts
from kefu.secrets import prepare
from shared.clock import SystemClock
from shared.identity import TokenVerifier, key_source

WIDTH = 100


class Service:
    """Stands in for reporting: answers with the examples of its contract."""

    def __init__(self, verifier: TokenVerifier) -> None:
        self.verifier = verifier
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.tokens: list[str] = []

    def __call__(self, *_: object, **__: object) -> Self:
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def call(self, method: str, *, token: str, **arguments: Any) -> Any:
        self.asked.append((method, arguments))
        self.tokens.append(token)
        reply = all_contracts()["reporting"].calls()[method.partition(".")[2]].reply
        assert reply is not None
        return reply.examples[0]["payload"]["result"]


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Service:
    secrets = prepare(tmp_path / "secrets")
    monkeypatch.setenv("KEFU_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KEFU_BROKER_URL", "pyamqp://operator:pw@broker.invalid/kefu")
    monkeypatch.setenv("KEFU_SECRETS_DIR", str(secrets.directory))
    stand_in = Service(TokenVerifier(key_source(file=secrets.jwks_file, url=None), SystemClock()))
    monkeypatch.setattr(measuring, "RpcClient", stand_in)
    return stand_in


def kpi(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["kpi", *arguments])
    assert result.exit_code == 0, result.output
    return str(result.output)


def test_a_key_figure_is_explained_by_formula_sums_trend_and_what_is_behind_it(service: Service) -> None:
    """Promise: whoever doubts a number sees where every part of it comes from, on one screen."""
    shown = kpi(
        "explain", "fee_collection", "--org", "property-demo", "--window", "2027-07", "--matters", "3"
    )
    method, arguments = service.asked[0]
    assert method == "reporting.explain_kpi"
    assert arguments == {"window": "2027-07", "code": "fee_collection", "limit": 3}
    assert "system" in service.verifier.verify(service.tokens[0]).roles
    for part in (
        "管理费收缴率 fee_collection property-demo 2027-07, provisional",
        "93.0 % (93000/100000)",
        "≥ 95 % by the month missed",
        "A-PRM-03",
        "figures.numerator category=fee_collection",
        "2027-06",
        "no cases",
        "fg_",
    ):
        assert part in shown, part
    assert max(map(measured, shown.splitlines())) <= WIDTH


def test_the_key_figures_of_a_window_are_listed_as_far_as_anything_was_counted(service: Service) -> None:
    """Promise: the list holds value, target and the rule that asks, and names what it is for."""
    shown = kpi("list", "--org", "property-demo", "--window", "2027-07")
    assert service.asked == [("reporting.kpis", {"window": "2027-07"})]
    assert "管理费收缴率" in shown
    assert "missed" in shown
    assert max(map(measured, shown.splitlines())) <= WIDTH


def test_the_answer_can_be_had_as_json(service: Service) -> None:
    """Promise: a program reads what a person reads."""
    answer = json.loads(kpi("explain", "fee_collection", "--org", "property-demo", "--json"))
    assert answer["formula"]["code"] == "fee_collection"


def measured(line: str) -> int:
    """Return how many columns a line takes; a Chinese character takes two."""
    return sum(2 if ord(character) > 0x2E80 else 1 for character in line)
