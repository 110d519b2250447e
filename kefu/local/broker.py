"""A private RabbitMQ: a child process with its own directory, ports, node name and port mapper."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote

from kefu.local.children import Child
from kefu.local.errors import LocalStackError
from kefu.local.install import ensure_broker
from kefu.local.ports import HOST
from kefu.local.server import BackingServer, inherited_environment

_PROTOCOL_HEADER = b"AMQP\x00\x00\x09\x01"
_METHOD_FRAME = b"\x01"
_PROBE_TIMEOUT = 2.0

#: How long Erlang's disk_log, and with it Mnesia, may hold back what was written, with a margin.
_DECLARATIONS_ON_DISK = 2.5

# Schedulers that spin while idle would take the two cores of a laptop from the services.
_VM_FLAGS = "+sbwt none +sbwtdcpu none +sbwtdio none -kernel inet_dist_use_interface {127,0,0,1}"


class PrivateBroker(BackingServer):
    """A RabbitMQ node of one's own; everything listens on the loopback address only.

    Several run side by side, each with a port mapper (epmd) of its own. ``definitions`` is a RabbitMQ
    definitions file (virtual hosts, users, permissions, exchanges), loaded at every start before the first
    client is let in; without one there is the user ``guest``, password ``guest``, virtual host ``/``.
    """

    title: ClassVar[str] = "message broker"
    port_names: ClassVar[tuple[str, ...]] = ("amqp", "management", "prometheus", "distribution", "epmd")

    def __init__(self, directory: Path, *, definitions: Path | None, amqp_port: int | None = None) -> None:
        """Prepare a broker in ``directory``, which is made when missing; nothing is started yet."""
        super().__init__(directory, ports={"amqp": amqp_port})
        self._definitions = definitions
        self._epmd: Child | None = None

    @property
    def amqp_port(self) -> int:
        """Where AMQP clients connect."""
        return self._ports["amqp"]

    @property
    def management_port(self) -> int:
        """Where the management pages and their HTTP API are."""
        return self._ports["management"]

    @property
    def prometheus_port(self) -> int:
        """Where the broker's own metrics are, under /metrics."""
        return self._ports["prometheus"]

    def url(self, user: str, password: str, vhost: str = "kefu") -> str:
        """Return the URL with which ``user`` connects to ``vhost``; it holds the password."""
        return (
            f"pyamqp://{quote(user, safe='')}:{quote(password, safe='')}"
            f"@{HOST}:{self.amqp_port}/{quote(vhost, safe='')}"
        )

    def settle(self) -> None:
        """Return when everything declared so far is on disk; takes two and a half seconds.

        RabbitMQ on Mnesia keeps new declarations in memory for up to two seconds. Killed before that it comes
        back without a queue that was just declared, and so without the messages it confirmed for it.
        """
        time.sleep(_DECLARATIONS_ON_DISK)

    def _spawn(self) -> Child:
        binaries = ensure_broker()
        environment = self._environment(binaries.server)
        self._write_configuration()
        epmd: list[Path | str] = [binaries.epmd, "-port", str(self._ports["epmd"]), "-address", HOST]
        self._epmd = self._child("port mapper", epmd, environment)
        # Without input the server's script stays in front of the virtual machine to pass signals on. Told
        # there is input, it becomes the virtual machine itself, which is then our child, and -noinput keeps
        # that from reading any.
        return self._child(self.title, [binaries.server, "-noinput"], environment)

    def _child(self, name: str, command: Sequence[Path | str], environment: Mapping[str, str]) -> Child:
        return Child(name, command, env=environment, cwd=self.directory, log_path=self.log_path)

    def _release(self) -> None:
        if self._epmd is not None:
            self._epmd.kill()
            self._epmd = None
        super()._release()

    def _answers(self) -> bool:
        # The broker opens its AMQP port as the last step of its start, after the definitions are loaded.
        with (
            contextlib.suppress(OSError),
            socket.create_connection((HOST, self.amqp_port), _PROBE_TIMEOUT) as probe,
        ):
            probe.settimeout(_PROBE_TIMEOUT)
            probe.sendall(_PROTOCOL_HEADER)
            return probe.recv(1) == _METHOD_FRAME
        return False

    def _environment(self, server: Path) -> dict[str, str]:
        home = str(self.directory)
        return inherited_environment("RABBITMQ_", "ERL_", "NOTIFY_SOCKET") | {
            "HOME": home,  # where Erlang keeps its cookie
            "PATH": f"{server.parent}:/usr/local/bin:/usr/bin:/bin:{inherited_environment().get('PATH', '')}",
            "ERL_EPMD_ADDRESS": HOST,
            "ERL_EPMD_PORT": str(self._ports["epmd"]),
            "RABBITMQ_ALLOW_INPUT": "true",
            "RABBITMQ_CONF_ENV_FILE": f"{home}/rabbitmq-env.conf",
            "RABBITMQ_CONFIG_FILE": f"{home}/rabbitmq.conf",
            "RABBITMQ_CONFIG_FILES": f"{home}/conf.d",
            "RABBITMQ_ADVANCED_CONFIG_FILE": f"{home}/advanced.config",
            "RABBITMQ_DIST_PORT": str(self._ports["distribution"]),
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{home}/enabled_plugins",
            "RABBITMQ_LOGS": "-",  # to standard output, which is the server's log
            "RABBITMQ_LOG_BASE": f"{home}/log",
            "RABBITMQ_MNESIA_BASE": f"{home}/mnesia",
            # The same for every instance: it names the data, and no two share a port mapper.
            "RABBITMQ_NODENAME": "kefu@localhost",
            "RABBITMQ_PID_FILE": f"{home}/pid",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": _VM_FLAGS,
        }

    def _write_configuration(self) -> None:
        settings = {
            "listeners.tcp.1": f"{HOST}:{self.amqp_port}",
            "management.tcp.ip": HOST,
            "management.tcp.port": self.management_port,
            "prometheus.tcp.ip": HOST,
            "prometheus.tcp.port": self.prometheus_port,
            "log.console.level": "info",
            # The default of 512 MiB is written out before it is needed; a laptop's disk is not a server's.
            "raft.wal_max_size_bytes": 64 * 1024 * 1024,
        }
        if self._definitions is not None:
            copy = self.directory / "definitions.json"
            copy.touch(mode=0o600)
            copy.write_bytes(self._readable_definitions(self._definitions))
            settings["load_definitions"] = str(copy)
        lines = [f"{name} = {value}\n" for name, value in settings.items()]
        (self.directory / "rabbitmq.conf").write_text("".join(lines), encoding="utf-8")
        (self.directory / "enabled_plugins").write_text(
            "[rabbitmq_management,rabbitmq_prometheus].\n", encoding="utf-8"
        )
        # Empty, so that the machine's own RabbitMQ, if it has one, steers nothing here.
        (self.directory / "rabbitmq-env.conf").touch()
        (self.directory / "conf.d").mkdir(exist_ok=True)

    @staticmethod
    def _readable_definitions(path: Path) -> bytes:
        """Return the file's bytes; raises LocalStackError unless it is a JSON object."""
        try:
            content = path.read_bytes()
            readable = isinstance(json.loads(content), dict)
        except (OSError, ValueError) as error:
            raise LocalStackError(f"The broker's definitions {path} cannot be read: {error}") from error
        if not readable:
            raise LocalStackError(f"The broker's definitions {path} are not a JSON object.")
        return content
