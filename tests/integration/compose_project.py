"""The stack as `docker compose up` brings it up, under a name and on ports of its own."""

from __future__ import annotations

import json
import subprocess
import time
import uuid
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode
from urllib.request import urlopen

from kefu.local.ports import HOST, free_port
from tests.integration.compose import StackFailed, compose, run_compose

#: Seconds ``up --wait`` may take with everything built; a small machine needs some forty.
_UP_PATIENCE = 300
_DAY_PATIENCE = 600.0


class ComposeProject:
    """One compose project of docker-compose.yml as it stands, gone with its volumes after ``down``."""

    def __init__(self) -> None:
        """Choose a name and free ports; nothing is started yet."""
        self.name = f"kefu-test-{uuid.uuid4().hex[:12]}"
        self.prometheus_port = free_port()
        self._environment = {
            "KEFU_BROKER_PORT": str(free_port()),
            "KEFU_BROKER_PAGES_PORT": str(free_port()),
            "KEFU_PROMETHEUS_PORT": str(self.prometheus_port),
            "KEFU_GRAFANA_PORT": str(free_port()),
        }

    def __enter__(self) -> Self:
        """Build what is out of date and bring everything up; ``StackFailed`` holds the logs if it does not."""
        try:
            self.compose("build", "--quiet")
            self.up()
        except StackFailed as failed:
            logs = self.run("logs", "--tail", "20").stdout
            self.down()
            raise StackFailed(f"{failed}\n{logs}") from failed
        except BaseException:
            self.down()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove everything."""
        self.down()

    def up(self) -> None:
        """Start what does not run and return once everything is healthy; raises ``StackFailed``."""
        self.compose("up", "--detach", "--wait", "--wait-timeout", str(_UP_PATIENCE))

    def down(self) -> None:
        """Remove containers, networks and volumes."""
        self.compose("down", "--volumes", "--remove-orphans", "--timeout", "5")

    def play_the_day(self) -> subprocess.CompletedProcess[str]:
        """Play a day through the stack with the kefu command inside its network; return how that ended."""
        return self.run("run", "--rm", "-T", "kefu", "demo", "--attach", timeout=_DAY_PATIENCE)

    def containers(self) -> dict[str, dict[str, Any]]:
        """Return what compose says of each container, stopped ones too, by the service's name."""
        lines = self.compose("ps", "--all", "--format", "json").splitlines()
        rows: list[dict[str, Any]] = [json.loads(line) for line in lines]
        return {row["Service"]: row for row in rows}

    def inside(self, service: str, command: str) -> str:
        """Run a shell command in the service's container and return what it printed."""
        return self.compose("exec", "-T", service, "sh", "-c", command)

    def prometheus(self, page: str, **parameters: str) -> Any:
        """Return ``data`` of the answer to a question of Prometheus's own API."""
        url = f"http://{HOST}:{self.prometheus_port}/api/v1/{page}?{urlencode(parameters)}"
        with urlopen(url, timeout=10) as answer:
            return json.load(answer)["data"]

    def graph(self, query: str, *, minutes: int = 10) -> list[float]:
        """Return every number Grafana would draw for the last ``minutes``, of all series together."""
        now = time.time()
        found = self.prometheus(
            "query_range", query=query, start=str(now - 60 * minutes), end=str(now), step="5"
        )
        values = [float(value) for series in found["result"] for _, value in series["values"]]
        return [value for value in values if value == value]  # noqa: PLR0124 - not a number equals nothing

    def compose(self, *arguments: str, timeout: float = 600) -> str:
        """Run a compose command on this project; raises ``StackFailed``."""
        return compose(
            "--project-name", self.name, *arguments, environment=self._environment, timeout=timeout
        )

    def run(self, *arguments: str, timeout: float = 600) -> subprocess.CompletedProcess[str]:
        """Run a compose command on this project and return how it ended."""
        return run_compose(
            "--project-name", self.name, *arguments, environment=self._environment, timeout=timeout
        )
