"""What `docker compose up` promises: healthy, the day plays, nothing is open that need not be, all is measured."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from services.names import SERVICES
from tests.integration.bus import eventually
from tests.integration.compose import ROOT
from tests.integration.compose_project import ComposeProject

pytestmark = [pytest.mark.container, pytest.mark.slow, pytest.mark.timeout(1500)]

_DASHBOARDS = ROOT / "deploy" / "grafana" / "dashboards"
#: What Grafana puts in place of its own variables: four scrape intervals, and everything there is.
_BY_GRAFANA = {"$__rate_interval": "1m", "$job": ".+", "$instance": ".+"}
_LABEL_VALUES = re.compile(r"label_values\((?P<series>.+), (?P<label>\w+)\)")


@pytest.fixture(scope="module")
def project(engine: None) -> Iterator[ComposeProject]:
    """The stack of docker-compose.yml, up and healthy."""
    with ComposeProject() as project:
        yield project


@pytest.fixture(scope="module")
def day(project: ComposeProject) -> subprocess.CompletedProcess[str]:
    """How the day ended that was played through the stack."""
    return project.play_the_day()


def test_everything_is_healthy_and_the_secrets_are_prepared_before_it(project: ComposeProject) -> None:
    """What compose waits for is true of every part, and the preparation ran to its end."""
    containers = project.containers()
    prepared = containers.pop("prepare")
    assert (prepared["State"], prepared["ExitCode"]) == ("exited", 0)
    assert {*SERVICES, "rabbitmq", "mongo", "prometheus"} <= set(containers)
    assert {name: row["Health"] for name, row in containers.items()} == dict.fromkeys(containers, "healthy")


def test_the_day_of_make_run_plays_through_it(day: subprocess.CompletedProcess[str]) -> None:
    """The same day, published as the same systems, comes out as expected to the last figure."""
    assert day.returncode == 0, day.stdout[-6000:] + day.stderr[-2000:]
    assert "The day came out as expected" in day.stdout


def test_each_service_reads_no_secret_but_its_own(project: ComposeProject) -> None:
    """They share a volume: broker users of the others, passwords and the signing key stay closed to them."""
    look = 'for file in /run/kefu/*; do [ ! -r "$file" ] || basename "$file"; done'
    for service in SERVICES:
        readable = set(project.inside(service, look).split())
        own = {"intake": {"phone_key"}, "followup": {"survey_key"}}.get(service, set())
        assert readable == {f"broker_url_{service}", "definitions.json", "jwks.json", *own}


def test_a_second_up_leaves_secrets_and_running_containers_as_they_are(project: ComposeProject) -> None:
    """Whoever types it again, or another command that starts the preparation, restarts nothing."""
    fingerprint = "sha256sum /run/kefu/jwks.json /run/kefu/definitions.json"

    def seen() -> tuple[dict[str, str], str]:
        ids = {name: row["ID"] for name, row in project.containers().items()}
        return ids, project.inside("intake", fingerprint)

    before = seen()
    project.up()
    assert seen() == before


def test_only_broker_prometheus_and_grafana_have_ports_and_on_this_machine_alone(
    project: ComposeProject,
) -> None:
    """Services and database, which ask for no password, are reachable from the stack's own network only."""
    definition = json.loads(project.compose("config", "--format", "json"))
    published = {name: part["ports"] for name, part in definition["services"].items() if part.get("ports")}
    assert set(published) == {"rabbitmq", "prometheus", "grafana"}
    assert {port["host_ip"] for ports in published.values() for port in ports} == {"127.0.0.1"}
    assert definition["networks"]["back"]["internal"] is True


def test_prometheus_reaches_every_part(project: ComposeProject) -> None:
    """All four services are found by name and answer, and so do the broker's two pages."""

    def look() -> None:
        targets = project.prometheus("targets")["activeTargets"]
        states = {
            (target["labels"]["job"], target["labels"].get("service")): target["health"] for target in targets
        }
        wanted: list[tuple[str, str | None]] = [("kefu", service) for service in SERVICES]
        wanted += [("rabbitmq", None), ("rabbitmq-queues", None), ("prometheus", None)]
        assert states == dict.fromkeys(wanted, "up"), targets

    eventually(look, timeout=90)


def _panels() -> list[Any]:
    """Return every query of every dashboard, named by its panel."""
    boards = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(_DASHBOARDS.glob("*.json"))]
    return [
        pytest.param(target["expr"], id=f"{board['title']}: {panel['title']}")
        for board in boards
        for panel in board["panels"]
        for target in panel["targets"]
    ]


@pytest.mark.parametrize("query", _panels())
def test_every_panel_of_the_dashboards_shows_something_after_a_day(
    project: ComposeProject, day: subprocess.CompletedProcess[str], query: str
) -> None:
    """No panel asks for a metric or a label that the running stack does not have."""
    for name, value in _BY_GRAFANA.items():
        query = query.replace(name, value)
    eventually(partial(_shows_something, project, query), timeout=90)


def test_the_dashboards_lists_to_choose_from_are_not_empty(
    project: ComposeProject, day: subprocess.CompletedProcess[str]
) -> None:
    """An empty list of jobs or instances would empty every panel, though each panel's query is right."""
    board = json.loads((_DASHBOARDS / "overview.json").read_text(encoding="utf-8"))
    lists = [_LABEL_VALUES.fullmatch(one["definition"]) for one in board["templating"]["list"][1:]]
    assert lists
    for found in lists:
        assert found is not None
        series = found["series"].replace("$job", ".+")
        query = f"count by ({found['label']}) ({series})"
        eventually(partial(_shows_something, project, query), timeout=90)


def _shows_something(project: ComposeProject, query: str) -> None:
    assert project.graph(query), f"nothing to show for {query}"
