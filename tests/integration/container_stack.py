"""The whole stack in containers, for the tests that also run against plain processes.

Everything about a container (image, command, memory, capabilities, mounts, environment) is read from
docker-compose.yml as compose resolves it, so what the tests prove holds for `docker compose up` too; only
ports, networks and volumes are each stack's own, so that several stand side by side.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import socket
import tarfile
import tempfile
import uuid
from collections.abc import Callable, Collection, Mapping
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.error import URLError
from urllib.request import urlopen

import docker
from docker.models.containers import Container
from pymongo import MongoClient
from pymongo.errors import PyMongoError
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer
from testcontainers.core.network import Network

from kefu.local.ports import HOST, free_port
from kefu.local.waiting import wait_until
from kefu.secrets import Secrets, read_secrets
from kefu.topology import topology
from services.names import SERVICES
from tests.integration.compose import StackFailed, compose
from tests.integration.process_stack import OUTBOX_GRACE, RETRY_DELAYS_MS

_BROKER = "rabbitmq"
_DATABASE = "mongo"
_PREPARE = "prepare"
_SECRETS = "secrets"
_PORTS = {_BROKER: 5672, _DATABASE: 27017, **dict.fromkeys(SERVICES, 8080)}
#: What of a compose service is handed to its container as it stands; the engine's API has the same names.
_AS_IT_STANDS = (
    "cap_add",
    "cap_drop",
    "entrypoint",
    "hostname",
    "mem_limit",
    "network_mode",
    "pids_limit",
    "read_only",
    "security_opt",
    "user",
)
#: What differs from compose's own settings: nobody waits ten minutes for the last attempt.
_IMPATIENT = {
    "KEFU_RETRY_DELAYS_MS": ",".join(map(str, RETRY_DELAYS_MS)),
    "KEFU_OUTBOX_GRACE": str(OUTBOX_GRACE),
}
_PATIENCE = 120.0


class ContainerStack:
    """Broker, database and the four services as containers on a network of their own.

    Host ports are chosen once and stay the same over every kill and restart. Containers are killed and
    started again in place, so the broker and the database keep their data until ``stop``.
    """

    def __init__(self, *, environment: Mapping[str, str] | None = None, build: bool = True) -> None:
        """``environment`` is added to every service's settings; ``build`` brings the images up to date."""
        self._environment = _IMPATIENT | dict(environment or {})
        self._build = build
        self._ports = {name: free_port() for name in _PORTS}
        self._containers: dict[str, DockerContainer] = {}
        self._volumes: list[str] = []
        self._network: Network | None = None
        self._secrets: Secrets | None = None
        self._workspace: Path | None = None
        self._definition: dict[str, Any] = {}

    def __enter__(self) -> Self:
        """Start the stack."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the stack."""
        self.stop()

    def start(self) -> Self:
        """Build what is out of date, start everything and return once every service is ready.

        Raises ``StackFailed`` with the log of whatever did not come up; nothing is left behind then.
        """
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Remove containers, network, volumes and secrets; harmless when nothing was started."""
        for container in reversed(self._containers.values()):
            _remove(container)
        self._containers.clear()
        if self._network is not None:
            self._network.remove()
            _client_of(self._network).close()
            self._network = None
        if self._volumes:
            client = docker.from_env()
            with contextlib.closing(client):
                for volume in self._volumes:
                    client.volumes.get(volume).remove(force=True)
            self._volumes.clear()
        if self._workspace is not None:
            shutil.rmtree(self._workspace, ignore_errors=True)
            self._workspace = None

    def broker_url(self, user: str) -> str:
        """Return the URL by which ``user`` reaches the broker from this machine; it holds the password."""
        return self._known_secrets().broker_url(user, HOST, self._ports[_BROKER])

    def database_url(self) -> str:
        """Return the URL of the database from this machine."""
        return f"mongodb://{HOST}:{self._ports[_DATABASE]}/?w=majority&journal=true"

    def http_port(self, service: str) -> int:
        """Return the port of this machine where the service's /healthz, /readyz and /metrics are."""
        return self._ports[service]

    @property
    def retry_delays_ms(self) -> tuple[int, ...]:
        """The delays before a message that failed for now is tried again."""
        return RETRY_DELAYS_MS

    def token(
        self,
        org: str,
        roles: Collection[str],
        *,
        subject: str = "stf_test",
        lifetime: timedelta = timedelta(hours=1),
    ) -> str:
        """Return a signed token for ``subject`` of ``org`` with ``roles``."""
        return self._known_secrets().issuer().issue(subject, org, roles, lifetime)

    def kill(self, service: str) -> None:
        """Send SIGKILL to the service and return once it is gone; one that is not running is left so."""
        container = self._container(service)
        container.reload()
        if container.status == "running":
            container.kill()
            container.wait()

    def start_service(self, service: str, *, wait: bool = True) -> None:
        """Start the service again after ``kill``; unless ``wait`` is False, return once it is ready."""
        self._container(service).start()
        if wait:
            self.wait_ready(service)

    def wait_ready(self, service: str, timeout: float = _PATIENCE) -> None:
        """Return once the service's /readyz answers 200; ``StackFailed`` after ``timeout`` seconds."""
        self._wait(service, lambda: _is_ready(self._ports[service]), timeout)

    def restart_broker(self) -> None:
        """Kill the broker, start it again on its data and return once it takes connections."""
        self._restart(_BROKER)

    def restart_database(self) -> None:
        """Kill the database, start it again on its data and return once it answers."""
        self._restart(_DATABASE)

    def logs(self, service: str, lines: int = 200) -> str:
        """Return the last ``lines`` lines of what the container printed."""
        content: bytes = self._container(service).logs(tail=lines)
        return content.decode(errors="replace")

    def _start(self) -> None:
        self._definition = _resolved_definition()
        _decide_about_helper(self._definition)
        if self._build:
            compose("build", "--quiet", _PREPARE, *SERVICES)
        self._workspace = Path(tempfile.mkdtemp(prefix="kefu-stack-"))
        self._network = Network().create()
        self._secrets = self._make_secrets(self._workspace)
        # All at once: the services take seconds to come to life themselves and then wait for both servers.
        for name in (_BROKER, _DATABASE, *SERVICES):
            self._run(name)
        self._wait_answering(_BROKER)
        self._wait_answering(_DATABASE)
        for service in SERVICES:
            self.wait_ready(service)

    def _make_secrets(self, workspace: Path) -> Secrets:
        """Run compose's own preparation into a volume and bring a copy of the result to this machine.

        The broker's definitions are then replaced by the same ones with the short delays.
        """
        volume = f"kefu-stack-{uuid.uuid4().hex}"
        self._volumes.append(volume)
        self._run(_PREPARE)
        preparation = self._container(_PREPARE)
        code = preparation.wait(timeout=_PATIENCE)["StatusCode"]
        if code != 0:
            raise StackFailed(f"{_PREPARE} ended with {code}:\n{self.logs(_PREPARE)}")
        # The files belong to the services' users; through the engine they can be read by whoever runs tests.
        chunks, _ = preparation.get_archive("/secrets")
        with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as archive:
            archive.extractall(workspace, filter="data")
        secrets = read_secrets(workspace / "secrets")
        definitions = topology(retry_delays_ms=RETRY_DELAYS_MS).definitions(secrets.password_hash)
        preparation.put_archive("/secrets", _archive("definitions.json", definitions.encode()))
        return secrets

    def _run(self, name: str) -> None:
        definition = self._definition["services"][name]
        container = DockerContainer(definition["image"], command=definition.get("command"))
        self._containers[name] = container
        container.with_kwargs(**_options(definition)).with_envs(**definition.get("environment", {}))
        if name in SERVICES:
            container.with_envs(**self._environment)
        for folder in definition.get("tmpfs", []):
            container.with_tmpfs_mount(folder)
        for mount in definition.get("volumes", []):
            # Named volumes with data are left out: each container gets one of its own, from its image.
            if mount["type"] == "bind" or mount["source"] == _SECRETS:
                source = mount["source"] if mount["type"] == "bind" else self._volumes[0]
                container.with_volume_mapping(
                    source, mount["target"], "ro" if mount.get("read_only") else "rw"
                )
        if "network_mode" not in definition:
            container.with_network(self._existing_network()).with_network_aliases(name)
        if name in _PORTS:
            # Loopback only. The engine takes a pair here, for which the library's annotation has no room.
            container.ports[str(_PORTS[name])] = (HOST, self._ports[name])  # type: ignore[assignment]
        container.start()

    def _restart(self, name: str) -> None:
        self.kill(name)
        self._container(name).start()
        self._wait_answering(name)

    def _wait_answering(self, name: str) -> None:
        if name == _BROKER:
            self._wait(name, lambda: _broker_answers(self._ports[_BROKER]), _PATIENCE)
        else:
            self._wait(name, lambda: _database_answers(self.database_url()), _PATIENCE)

    def _wait(self, name: str, condition: Callable[[], bool], timeout: float) -> None:
        def settled() -> bool:
            return condition() or self._has_ended(name)

        if not wait_until(settled, timeout) or not condition():
            state = "ended" if self._has_ended(name) else f"is not ready after {timeout:g} s"
            raise StackFailed(f"{name} {state}; its log ends with:\n{self.logs(name, 60)}")

    def _has_ended(self, name: str) -> bool:
        container = self._container(name)
        container.reload()
        return bool(container.status in ("exited", "dead"))

    def _container(self, name: str) -> Container:
        if name not in self._containers:
            raise StackFailed(f"{name} was not started; there are {', '.join(self._containers) or 'none'}")
        return self._containers[name].get_wrapped_container()

    def _existing_network(self) -> Network:
        if self._network is None:
            raise StackFailed("the stack was not started")
        return self._network

    def _known_secrets(self) -> Secrets:
        if self._secrets is None:
            raise StackFailed("the stack was not started")
        return self._secrets


def _resolved_definition() -> dict[str, Any]:
    definition: dict[str, Any] = json.loads(compose("config", "--format", "json"))
    return definition


def _options(definition: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a compose service the engine's API takes as it stands."""
    options = {key: definition[key] for key in _AS_IT_STANDS if definition.get(key) is not None}
    if "ulimits" in definition:
        options["ulimits"] = [
            docker.types.Ulimit(name=limit, soft=value, hard=value)
            for limit, value in definition["ulimits"].items()
        ]
    return options


def _archive(name: str, content: bytes) -> bytes:
    """Return a tar archive of one file that everybody may read."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        file = tarfile.TarInfo(name)
        file.size, file.mode = len(content), 0o444
        archive.addfile(file, io.BytesIO(content))
    return packed.getvalue()


def _decide_about_helper(definition: Mapping[str, Any]) -> None:
    """Do without the library's clean-up container where no registry serves its image; ``stop`` suffices."""
    stand_in = definition["services"][_BROKER]["image"].startswith("kefu-standin/")
    if stand_in and "TESTCONTAINERS_RYUK_DISABLED" not in os.environ:
        testcontainers_config.ryuk_disabled = True


def _client_of(network: Network) -> Any:
    return network._docker.client  # the library itself leaves this connection open


def _remove(container: DockerContainer) -> None:
    with contextlib.suppress(docker.errors.NotFound):
        container.stop(force=True, delete_volume=True)


def _is_ready(port: int) -> bool:
    try:
        with urlopen(f"http://{HOST}:{port}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


def _broker_answers(port: int) -> bool:
    """Return whether AMQP is spoken: the engine's forwarder takes connections long before the broker does."""
    try:
        with socket.create_connection((HOST, port), timeout=2) as connection:
            connection.settimeout(2)
            connection.sendall(b"AMQP\x00\x00\x09\x01")
            return connection.recv(1) == b"\x01"
    except OSError:
        return False


def _database_answers(url: str) -> bool:
    client: MongoClient[dict[str, Any]] = MongoClient(url, serverSelectionTimeoutMS=1_000)
    try:
        client.admin.command("ping")
    except PyMongoError:
        return False
    finally:
        client.close()
    return True
