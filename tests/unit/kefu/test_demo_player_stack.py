"""The stack behind `kefu up`: what is kept, what is wiped, who may run it, where it says it is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from kefu.demo import given_broker, stack
from kefu.demo.stack import Stack
from kefu.local.errors import LocalStackError
from kefu.reach import find_reach, stack_file
from kefu.secrets import prepare
from services.names import SERVICES
from shared.errors import Forbidden
from shared.messaging.topology import Topology

Started = list[str]


class Part:
    """Stands in for a broker or a database."""

    started: Started
    fails = False

    def __init__(self, directory: Path, **_: object) -> None:
        self.title = directory.name
        self.directory = directory
        self.directory.mkdir(parents=True, exist_ok=True)
        self.log_path = directory / "server.log"
        self.amqp_port = self.management_port = self.prometheus_port = self.port = 20001
        self.running = False

    def launch(self) -> None:
        self.running = True
        self.started.append(f"start {self.title}")

    def wait_ready(self) -> None:
        if self.fails and self.title == "broker":
            raise LocalStackError("the broker did not come up")

    def stop(self) -> None:
        self.running = False
        self.started.append(f"stop {self.title}")

    def url(self) -> str:
        return "mongodb://127.0.0.1:20001/"

    def last_words(self) -> str:
        return "the last line"


class Service:
    """Stands in for a service's process."""

    started: Started
    environment: dict[str, dict[str, str]]

    def __init__(self, name: str, env: dict[str, str], directory: Path) -> None:
        self.name = name
        self.log_path = directory / f"{name}.log"
        self.environment[name] = env
        self.running = False

    def start(self) -> None:
        self.running = True
        self.started.append(f"start {self.name}")

    def wait_ready(self, _timeout: float) -> None:
        return

    def terminate(self) -> int:
        self.running = False
        self.started.append(f"stop {self.name}")
        return 0


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Started:
    order: Started = []
    monkeypatch.setattr(Part, "started", order, raising=False)
    monkeypatch.setattr(Service, "started", order, raising=False)
    monkeypatch.setattr(Service, "environment", {}, raising=False)
    monkeypatch.setattr(stack, "PrivateBroker", Part)
    monkeypatch.setattr(stack, "PrivateDatabase", Part)
    monkeypatch.setattr(stack, "ServiceProcess", Service)
    monkeypatch.setattr(stack, "wanted_topology", lambda: Topology((), (), (), ()))
    return order


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"KEFU_HOME": str(tmp_path / "home")}


class Told:
    """Remembers how far the last phase has come."""

    done = total = 0

    def begin(self, title: str, total: int) -> None:
        self.done, self.total = 0, total

    def advance(self, done: int) -> None:
        self.done = done

    def end(self) -> None:
        return


@contextmanager
def stack_of(environ: dict[str, str], *, fresh: bool = False, told: Told | None = None) -> Iterator[Stack]:
    stack, teller = Stack(fresh=fresh, environ=environ), told or Told()
    try:
        stack.start(teller)
        yield stack
    finally:
        stack.stop(teller)


def test_how_far_start_and_stop_have_come_is_told(started: Started, environ: dict[str, str]) -> None:
    """Both take seconds; each process counts, and a server of somebody else's does not."""
    told = Told()
    with stack_of(environ, told=told):
        assert (told.done, told.total) == (6, 6)
    assert (told.done, told.total) == (6, 6)
    with stack_of(environ | {"KEFU_MONGO_URL": "mongodb://db.example/"}, told=told):
        assert (told.done, told.total) == (5, 5)


def test_everything_is_stopped_in_the_order_that_loses_nothing(
    started: Started, environ: dict[str, str]
) -> None:
    """The services hand back their work while broker and database are still there."""
    with stack_of(environ):
        begun = list(started)
    ended = started[len(begun) :]
    assert set(begun) == {f"start {name}" for name in (*SERVICES, "broker", "database")}
    assert set(ended[:4]) == {f"stop {name}" for name in SERVICES}
    assert set(ended[4:]) == {"stop broker", "stop database"}


def test_a_second_stack_of_a_checkout_is_refused(started: Started, environ: dict[str, str]) -> None:
    """Two of them would write into each other's data; after the first has ended the second may start."""
    with stack_of(environ):
        before = len(started)
        with pytest.raises(LocalStackError, match="running already"), stack_of(environ, fresh=True):
            pass
        assert len(started) == before
        assert stack_file(environ).exists()
    with stack_of(environ):
        pass


def test_a_fresh_stack_forgets_the_data_and_keeps_the_secrets(
    started: Started, environ: dict[str, str]
) -> None:
    """The demo begins with nothing; tokens and passwords given out before still hold."""
    home = Path(environ["KEFU_HOME"])
    with stack_of(environ):
        (home / "run" / "database" / "data").write_text("yesterday", encoding="utf-8")
        secrets = (home / "secrets" / "passwords.json").read_bytes()
    with stack_of(environ):
        assert (home / "run" / "database" / "data").exists()
    with stack_of(environ, fresh=True):
        assert not (home / "run" / "database" / "data").exists()
    assert (home / "secrets" / "passwords.json").read_bytes() == secrets


def test_where_the_stack_is_can_be_read_while_it_runs_and_holds_no_password(
    started: Started, environ: dict[str, str]
) -> None:
    """The other commands find it in a second terminal; afterwards they find none."""
    with stack_of(environ) as running:
        text = stack_file(environ).read_text("utf-8")
        password = prepare(Path(environ["KEFU_HOME"]) / "secrets").password("operator")
        assert password not in text + repr(running.places())
        assert set(json.loads(text)["services"]) == set(SERVICES)
        assert find_reach(environ).url_of("operator") == running.reach.url_of("operator")
    with pytest.raises(LocalStackError):
        find_reach(environ)


def test_each_service_gets_its_own_user_and_listens_here_only(
    started: Started, environ: dict[str, str]
) -> None:
    """A neighbour on the network sees nothing of a private stack."""
    with stack_of(environ | {"KEFU_LOG_LEVEL": "DEBUG"}):
        for name, settings in Service.environment.items():
            assert settings["KEFU_BROKER_URL"].startswith(f"pyamqp://{name}:")
            assert settings["KEFU_HTTP_HOST"] == "127.0.0.1"
            assert settings["KEFU_LOG_LEVEL"] == "DEBUG"
    assert len({settings["KEFU_HTTP_PORT"] for settings in Service.environment.values()}) == len(SERVICES)


def test_what_has_started_is_stopped_when_the_rest_fails(
    started: Started, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failed start leaves no process and no note behind, and may be tried again."""
    monkeypatch.setattr(Part, "fails", True)
    with pytest.raises(LocalStackError, match="did not come up"), stack_of(environ):
        pass
    assert sorted(line.split()[1] for line in started if line.startswith("start")) == sorted(
        line.split()[1] for line in started if line.startswith("stop")
    )
    assert not stack_file(environ).exists()
    monkeypatch.setattr(Part, "fails", False)
    with stack_of(environ):
        pass


def test_a_part_that_ends_by_itself_is_noticed(started: Started, environ: dict[str, str]) -> None:
    """Whoever watches the demo reads which part it was and the end of its log."""
    with stack_of(environ) as running:
        assert running.casualties() == []
        broker: Any = running._broker
        service: Any = running._services["followup"]
        broker.running = service.running = False
        told = running.casualties()
    assert any("followup" in text for text in told)
    assert any("the last line" in text for text in told)


def test_a_database_given_by_url_is_used_and_not_started(started: Started, environ: dict[str, str]) -> None:
    """Somebody's own server is never started, stopped or wiped; its password is not shown."""
    environ["KEFU_MONGO_URL"] = "mongodb://me:secret@db.example:27017/"
    with stack_of(environ) as running:
        places = {place.name: place.address for place in running.places()}
    assert not any("database" in line for line in started)
    assert places["database"] == "mongodb://db.example:27017/"
    assert {settings["KEFU_MONGO_URL"] for settings in Service.environment.values()} == {
        environ["KEFU_MONGO_URL"]
    }


def test_a_broker_given_by_url_is_told_what_it_lacks(
    started: Started, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Users cannot be made over AMQP, so the message names both ways that can."""
    asked: list[str] = []

    def check_login(url: str) -> None:
        asked.append(url)
        if "operator" in url:
            raise Forbidden("the broker refuses the user 'operator'")

    monkeypatch.setattr(given_broker, "check_login", check_login)
    monkeypatch.setattr(Topology, "declare", lambda *_: None)
    environ["KEFU_BROKER_ADMIN_URL"] = "pyamqp://root:pw@broker.example:5672/shared"
    with pytest.raises(LocalStackError) as caught, stack_of(environ):
        pass
    assert "KEFU_BROKER_MANAGEMENT_URL" in caught.value.message
    assert "kefu prepare" in caught.value.message
    assert "pw" not in caught.value.message
    assert not any("start broker" in line for line in started)
    assert asked[1].startswith("pyamqp://operator:")


def test_definitions_for_somebodys_broker_leave_its_admin_alone(tmp_path: Path) -> None:
    """Its password must not become ours."""
    definitions = json.loads(
        given_broker._without_admin(Topology((), (), ("hotline",), ()), prepare(tmp_path / "secrets"))
    )
    assert {row["name"] for row in definitions["users"]} == {"operator", "pub-hotline"}
    assert {row["user"] for row in definitions["permissions"]} == {"operator", "pub-hotline"}
