"""The stack that ``kefu up`` and ``kefu demo`` run: broker, database and the four services of this checkout."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from kefu.demo.given_broker import use_given_broker
from kefu.demo.progress import Teller
from kefu.local.broker import PrivateBroker
from kefu.local.children import tail
from kefu.local.database import PrivateDatabase
from kefu.local.errors import LocalStackError
from kefu.local.install import REPOSITORY
from kefu.local.ports import HOST, free_port
from kefu.local.processes import ServiceProcess
from kefu.reach import Reach, setting, state_directory, without_login
from kefu.secrets import VHOST, Secrets, prepare
from kefu.wanted import wanted_topology
from services.names import SERVICES

_START_PATIENCE = 120.0
#: What of the caller's environment is meant for the services; their other settings are the stack's own.
_PASSED_ON = ("KEFU_LOG_LEVEL", "KEFU_WORKER_POOL", "KEFU_BATCH_SIZE", "KEFU_OUTBOX_GRACE")
_ORGANISATIONS = REPOSITORY / "organisations"


@dataclass(frozen=True, slots=True)
class Place:
    """Where one part of the stack can be looked at; what it does not have is empty."""

    name: str
    address: str
    log: str


class Stack:
    """Broker, database and services as child processes, but for what the environment names by URL.

    KEFU_BROKER_ADMIN_URL and KEFU_MONGO_URL name servers of one's own. Everything else lives in ``.kefu``:
    ``run`` holds the data, ``secrets`` what lasts from run to run.
    """

    def __init__(self, *, fresh: bool, environ: Mapping[str, str] = os.environ) -> None:
        """``fresh`` begins without the data of earlier runs."""
        self._environ = environ
        self._fresh = fresh
        self._state = state_directory(environ)
        self._run = self._state / "run"
        self._admin_url = setting("KEFU_BROKER_ADMIN_URL", environ)
        self._mongo_url = setting("KEFU_MONGO_URL", environ)
        self._broker: PrivateBroker | None = None
        self._database: PrivateDatabase | None = None
        self._services: dict[str, ServiceProcess] = {}
        self._http_ports: dict[str, int] = {}
        self._turn: IO[bytes] | None = None
        self._reach: Reach | None = None

    @property
    def reach(self) -> Reach:
        """How clients reach the running stack."""
        if self._reach is None:
            raise LocalStackError("the stack is not running")
        return self._reach

    def start(self, teller: Teller) -> None:
        """Start everything and return once every service is ready.

        Raises LocalStackError, in plain words and with the log of whatever did not come up; ``stop`` must be
        called then, too.
        """
        self._take_turn()
        secrets = prepare(self._state / "secrets")
        if self._fresh:
            self._forget()
        teller.begin("broker, database, services up", self._parts)
        self._reach = Reach(self._launch_servers(secrets), _ORGANISATIONS, secrets)
        # They take seconds to come to life themselves and then wait for both servers.
        self._launch_services(self._reach, secrets)
        self._wait(teller)
        teller.end()
        self._note(secrets)

    def stop(self, teller: Teller) -> None:
        """Stop the services, then broker and database; harmless when nothing was started."""
        if self._turn is None:
            return
        (self._run / "stack.json").unlink(missing_ok=True)
        teller.begin("services, broker, database stopped", self._parts)
        stopped = 0
        with ThreadPoolExecutor(len(SERVICES)) as together:
            for wave in (self._services.values(), self._servers):
                ending = [
                    together.submit(part.terminate if isinstance(part, ServiceProcess) else part.stop)
                    for part in wave
                ]
                for done in as_completed(ending):
                    done.result()
                    stopped += 1
                    teller.advance(stopped)
        teller.end()
        self._services.clear()
        self._turn.close()
        self._turn = None

    def casualties(self) -> list[str]:
        """Return, for each part that has ended though it should run, what it is and the end of its log."""
        found = [
            f"The service {name} has ended. The end of {service.log_path}:\n{tail(service.log_path)}"
            for name, service in self._services.items()
            if not service.running
        ]
        return found + [
            f"The private {server.title} has ended. The end of {server.log_path}:\n{server.last_words()}"
            for server in self._servers
            if not server.running
        ]

    def places(self) -> list[Place]:
        """Return where everything is; no password is in it."""
        found = [
            Place(name, f"http://{HOST}:{self._http_ports[name]}/metrics", _short(service.log_path))
            for name, service in self._services.items()
        ]
        if self._broker is not None:
            found += [
                Place(
                    "broker", f"amqp://{HOST}:{self._broker.amqp_port}/{VHOST}", _short(self._broker.log_path)
                ),
                Place("broker pages", f"http://{HOST}:{self._broker.management_port}/", ""),
                Place("broker metrics", f"http://{HOST}:{self._broker.prometheus_port}/metrics", ""),
            ]
        else:
            found.append(Place("broker", self.reach.broker, "yours"))
        if self._database is not None:
            address = f"mongodb://{HOST}:{self._database.port}/"
            found.append(Place("database", address, _short(self._database.log_path)))
        elif self._mongo_url is not None:
            found.append(Place("database", without_login(self._mongo_url), "yours"))
        found.append(Place("secrets", "", _short(self._state / "secrets")))
        return found

    @property
    def _servers(self) -> list[PrivateBroker | PrivateDatabase]:
        return [server for server in (self._database, self._broker) if server is not None]

    @property
    def _parts(self) -> int:
        """Return how many processes the stack has when it is up."""
        return len(SERVICES) + (self._admin_url is None) + (self._mongo_url is None)

    def _take_turn(self) -> None:
        self._run.mkdir(parents=True, exist_ok=True, mode=0o700)
        turn = (self._state / "run.lock").open("wb")
        try:
            fcntl.flock(turn, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            turn.close()
            raise LocalStackError(
                f"A stack of this checkout is running already (it holds {self._state / 'run.lock'}). End it with "
                "Ctrl-C where it runs, play into it with `kefu demo --attach`, or set KEFU_HOME to another "
                "directory."
            ) from error
        self._turn = turn

    def _forget(self) -> None:
        for part in ("broker", "database", "services"):
            shutil.rmtree(self._run / part, ignore_errors=True)

    def _launch_servers(self, secrets: Secrets) -> str:
        """Set broker and database going; return the broker's URL without a login."""
        if self._mongo_url is None:
            self._database = PrivateDatabase(self._run / "database")
            self._database.launch()
        wanted = wanted_topology()  # takes its time, while the database starts
        if self._admin_url is not None:
            management = setting("KEFU_BROKER_MANAGEMENT_URL", self._environ)
            return use_given_broker(self._admin_url, management, wanted, secrets)
        definitions = self._run / "definitions.json"
        definitions.touch(mode=0o600)
        definitions.write_text(wanted.definitions(secrets.password_hash), encoding="utf-8")
        self._broker = PrivateBroker(self._run / "broker", definitions=definitions)
        self._broker.launch()
        return f"pyamqp://{HOST}:{self._broker.amqp_port}/{VHOST}"

    def _launch_services(self, reach: Reach, secrets: Secrets) -> None:
        mongo_url = self._database.url() if self._database is not None else self._mongo_url
        for name in SERVICES:
            port = self._http_ports[name] = free_port()
            settings = {
                "KEFU_BROKER_URL": reach.url_of(name),
                "KEFU_MONGO_URL": mongo_url or "",
                "KEFU_HTTP_HOST": HOST,
                "KEFU_HTTP_PORT": str(port),
                "KEFU_JWKS_FILE": str(secrets.jwks_file.resolve()),
                "KEFU_ORGANISATIONS_DIR": str(_ORGANISATIONS),
            }
            if name == "intake":
                settings["KEFU_PHONE_KEY_FILE"] = str(secrets.phone_key_file.resolve())
            if name == "followup":
                settings["KEFU_SURVEY_KEY_FILE"] = str(secrets.survey_key_file.resolve())
            passed_on = {key: self._environ[key] for key in _PASSED_ON if self._environ.get(key)}
            self._services[name] = ServiceProcess(name, settings | passed_on, self._run / "services")
            self._services[name].start()

    def _wait(self, teller: Teller) -> None:
        for up, server in enumerate(self._servers, 1):
            server.wait_ready()
            teller.advance(up)
        for up, service in enumerate(self._services.values(), len(self._servers) + 1):
            service.wait_ready(_START_PATIENCE)
            teller.advance(up)

    def _note(self, secrets: Secrets) -> None:
        """Write down where everything is, for the commands in a second terminal; no password is in it."""
        noted = {
            "pid": os.getpid(),
            "broker": self.reach.broker,
            "secrets": str(secrets.directory.resolve()),
            "organisations": str(_ORGANISATIONS),
            "services": {name: f"http://{HOST}:{port}" for name, port in self._http_ports.items()},
        }
        path = self._run / "stack.json"
        draft = path.with_suffix(".draft")
        draft.write_text(json.dumps(noted, indent=2) + "\n", encoding="utf-8")
        draft.replace(path)


def _short(path: Path) -> str:
    """Return the path as seen from where the user is, if it lies below."""
    absolute = path.resolve()
    here = Path.cwd()
    return str(absolute.relative_to(here)) if absolute.is_relative_to(here) else str(absolute)
