"""The whole stack as child processes of the tests: a private broker, a private database, the four services."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from kefu.local.broker import PrivateBroker
from kefu.local.children import tail
from kefu.local.database import PrivateDatabase
from kefu.local.install import ensure_broker
from kefu.local.ports import HOST, free_port
from kefu.local.processes import ServiceProcess
from kefu.secrets import prepare
from kefu.topology import topology
from services.names import SERVICES

ROOT = Path(__file__).resolve().parents[2]
#: Short, so that a test sees every attempt of a retried message within seconds.
RETRY_DELAYS_MS = (200, 400, 800, 1600)
#: How old a ticket is before its entries are published by somebody else.
OUTBOX_GRACE = 2.0
_PATIENCE = 120.0


class ProcessStack:
    """Broker, database and the four services, each a process with ports, logs and data of its own.

    Everything lives in one temporary directory and listens on the loopback address only. Ports stay the same
    over every kill and restart, and so does the data until ``stop``.
    """

    def __init__(
        self,
        *,
        environment: Mapping[str, str] | None = None,
        retry_delays_ms: Sequence[int] = RETRY_DELAYS_MS,
        broker_ports: Mapping[str, int] | None = None,
        database_ports: Mapping[str, int] | None = None,
    ) -> None:
        """``environment`` is laid over every service's settings.

        ``broker_ports`` and ``database_ports`` name, by service, the port at which that service reaches the
        broker or the database; ``""`` stands for the server itself. So a proxy can stand in between.
        """
        self._directory = Path(tempfile.mkdtemp(prefix="kefu-tests-"))
        self._retry_delays_ms = tuple(retry_delays_ms)
        self._environment = dict(environment or {})
        self._broker_ports = dict(broker_ports or {})
        self._database_ports = dict(database_ports or {})
        self._secrets = prepare(self._directory / "secrets")
        definitions = self._directory / "definitions.json"
        declared = topology(retry_delays_ms=self._retry_delays_ms)
        definitions.write_text(declared.definitions(self._secrets.password_hash), encoding="utf-8")
        self._broker = PrivateBroker(
            self._directory / "broker", definitions=definitions, amqp_port=self._broker_ports.get("")
        )
        self._database = PrivateDatabase(self._directory / "database", port=self._database_ports.get(""))
        self._http_ports = {service: free_port() for service in SERVICES}
        self._services = {
            service: ServiceProcess(service, self._settings(service), self._directory / "services")
            for service in SERVICES
        }

    def __enter__(self) -> Self:
        """Start the stack."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the stack."""
        self.stop()

    @property
    def retry_delays_ms(self) -> tuple[int, ...]:
        """The delays before a message that failed for now is tried again."""
        return self._retry_delays_ms

    def start(self) -> Self:
        """Start everything side by side; return once every service is ready.

        Raises LocalStackError with the log of whatever did not come up; nothing is left behind then.
        """
        try:
            self._broker.launch()
            self._database.launch()
            self._broker.wait_ready()
            self._database.wait_ready()
            for service in SERVICES:
                self._services[service].start()
            for service in SERVICES:
                self.wait_ready(service)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Kill what runs and remove the directory; harmless when nothing was started."""
        for process in self._services.values():
            process.kill()
        self._broker.kill()
        self._database.kill()
        shutil.rmtree(self._directory, ignore_errors=True)

    def broker_url(self, user: str) -> str:
        """Return the URL by which ``user`` connects to the broker; it holds the password."""
        return self._secrets.broker_url(user, HOST, self._broker.amqp_port)

    def database_url(self) -> str:
        """Return the URL of the database."""
        return self._database.url()

    def http_port(self, service: str) -> int:
        """Return the port of the service's /healthz, /readyz and /metrics."""
        return self._http_ports[service]

    def token(
        self,
        org: str,
        roles: Collection[str],
        *,
        subject: str = "stf_test",
        lifetime: timedelta = timedelta(hours=1),
    ) -> str:
        """Return a signed token for ``subject`` of ``org`` with ``roles``."""
        return self._secrets.issuer().issue(subject, org, roles, lifetime)

    def pid(self, service: str) -> int | None:
        """Return the service's process id, None when it does not run."""
        return self._services[service].pid

    def running(self, service: str) -> bool:
        """Return whether the service's process is there."""
        return self._services[service].running

    def kill(self, service: str) -> None:
        """Send SIGKILL to the service and return once it is gone; one that is not running is left so."""
        self._services[service].kill()

    def terminate(self, service: str) -> int | None:
        """Send SIGTERM, wait for the end and return the exit code."""
        return self._services[service].terminate()

    def start_service(self, service: str, *, wait: bool = True) -> None:
        """Start the service again; unless ``wait`` is False, return once it is ready."""
        self._services[service].start()
        if wait:
            self.wait_ready(service)

    def wait_ready(self, service: str, timeout: float = _PATIENCE) -> None:
        """Return once the service's /readyz answers 200; LocalStackError after ``timeout`` seconds."""
        self._services[service].wait_ready(timeout)

    def restart_broker(self) -> None:
        """Kill the broker, start it again on its data and return once it takes connections."""
        self._broker.kill()
        self._broker.start()

    def restart_database(self) -> None:
        """Kill the database, start it again on its data and return once it answers."""
        self._database.kill()
        self._database.start()

    def control_broker(self, *arguments: str) -> None:
        """Run ``rabbitmqctl`` on the broker; raises RuntimeError with its words when it refuses."""
        server = ensure_broker().server
        command = [str(server.parent / "rabbitmqctl"), "-n", "kefu@localhost", *arguments]
        environment = self._broker._environment(server)
        done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
        if done.returncode:
            said = f"{done.stdout}{done.stderr}".strip()
            raise RuntimeError(f"rabbitmqctl {' '.join(arguments)} ended with {done.returncode}: {said}")

    def logs(self, service: str, lines: int = 200) -> str:
        """Return the end of what the service printed."""
        return tail(self._services[service].log_path, lines)

    def _settings(self, service: str) -> dict[str, str]:
        broker_port = self._broker_ports.get(service, self._broker.amqp_port)
        database_port = self._database_ports.get(service, self._database.port)
        return {
            "KEFU_BROKER_URL": self._secrets.broker_url(service, HOST, broker_port),
            # Direct, or the driver would find the server's own address and go around a proxy.
            "KEFU_MONGO_URL": f"mongodb://{HOST}:{database_port}/?directConnection=true",
            "KEFU_HTTP_HOST": HOST,
            "KEFU_HTTP_PORT": str(self._http_ports[service]),
            "KEFU_JWKS_FILE": str(self._secrets.jwks_file),
            "KEFU_PHONE_KEY_FILE": str(self._secrets.phone_key_file),
            "KEFU_SURVEY_KEY_FILE": str(self._secrets.survey_key_file),
            "KEFU_ORGANISATIONS_DIR": str(ROOT / "organisations"),
            "KEFU_RETRY_DELAYS_MS": ",".join(map(str, self._retry_delays_ms)),
            "KEFU_OUTBOX_GRACE": str(OUTBOX_GRACE),
            "KEFU_CLOCK_INTERVAL": "0.2",
            "KEFU_REPLICA": f"{service}-test",
        } | self._environment
