"""What broker and database have in common, shown on a tiny server that does nothing but accept connections."""

from __future__ import annotations

import contextlib
import json
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from kefu.local.broker import PrivateBroker
from kefu.local.children import Child
from kefu.local.database import PrivateDatabase
from kefu.local.errors import LocalStackError
from kefu.local.ports import HOST, free_port, is_free
from kefu.local.server import BackingServer, inherited_environment

LISTEN = f"import socket, signal, sys; s = socket.create_server(({HOST!r}, int(sys.argv[1]))); signal.pause()"
DIE = "import sys; sys.exit('no licence')"
HANG = "import signal; print('thinking', flush=True); signal.pause()"


class TinyServer(BackingServer):
    title: ClassVar[str] = "tiny server"
    port_names: ClassVar[tuple[str, ...]] = ("main",)
    port_patience: ClassVar[float] = 0.0

    def __init__(self, directory: Path, *, port: int | None = None, program: str = LISTEN) -> None:
        super().__init__(directory, ports={"main": port})
        self.program = program

    @property
    def port(self) -> int:
        return self._ports["main"]

    def _spawn(self) -> Child:
        return Child(
            self.title,
            [sys.executable, "-c", self.program, str(self.port)],
            env=inherited_environment(),
            cwd=self.directory,
            log_path=self.log_path,
        )

    def _answers(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection((HOST, self.port), 1):
            return True
        return False


@pytest.fixture
def server(tmp_path: Path) -> Iterator[TinyServer]:
    tiny = TinyServer(tmp_path / "server")
    yield tiny
    tiny.kill()


def test_a_server_started_again_is_on_the_same_port(server: TinyServer) -> None:
    """Clients reconnect to where the server was, whether it was stopped or killed."""
    port = server.port
    for end in (server.stop, server.kill):
        server.start()
        end()
        assert not server.running
        assert server.pid is None
    server.start()
    assert server.port == port
    assert server.running


def test_another_object_finds_the_ports_of_the_last_run(server: TinyServer, tmp_path: Path) -> None:
    """A second `make run` is where the first one was."""
    server.start()
    server.stop()
    assert TinyServer(tmp_path / "server").port == server.port


def test_a_remembered_port_that_was_taken_meanwhile_is_given_up(server: TinyServer, tmp_path: Path) -> None:
    """Somebody else's program on the old port must not keep the server from starting."""
    server.start()
    server.stop()
    with socket.create_server((HOST, server.port)):
        again = TinyServer(tmp_path / "server")
        assert again.port != server.port
        with again:
            assert again.running


def test_a_port_that_was_asked_for_and_is_taken_is_refused(tmp_path: Path) -> None:
    """Who names a port gets that port or an error, never another one."""
    port = free_port()
    with socket.create_server((HOST, port)):
        server = TinyServer(tmp_path / "server", port=port)
        with pytest.raises(LocalStackError, match=f"cannot have port {port}"):
            server.start()
    server.start()
    server.stop()


def test_two_servers_never_share_a_directory(server: TinyServer, tmp_path: Path) -> None:
    """Two servers on the same data would destroy it."""
    server.start()
    with pytest.raises(LocalStackError, match="Another process runs"):
        TinyServer(tmp_path / "server").start()
    server.stop()
    with TinyServer(tmp_path / "server") as second:
        assert second.running


def test_a_server_that_dies_is_told_with_its_last_words(tmp_path: Path) -> None:
    """The reason is in the log, so the log's end is in the message."""
    server = TinyServer(tmp_path / "server", program=DIE)
    with pytest.raises(LocalStackError, match=r"(?s)tiny server .* ended with status 1\..*no licence"):
        server.start()


def test_a_server_that_never_answers_is_stopped(tmp_path: Path) -> None:
    """After the deadline nothing of it is left running."""
    server = TinyServer(tmp_path / "server", program=HANG)
    with pytest.raises(LocalStackError, match=r"did not accept connections within 0\.3 s"):
        server.start(timeout=0.3)
    assert not server.running


def test_starting_a_server_that_runs_changes_nothing(server: TinyServer) -> None:
    """Who is not sure may simply start it."""
    server.start()
    pid = server.pid
    server.start()
    assert server.pid == pid


def test_a_server_that_died_by_itself_can_be_started_again(server: TinyServer) -> None:
    """A crash in the middle of a test day is no reason to begin anew."""
    server.start()
    assert server._main is not None
    server._main.kill()
    assert not server.running
    server.start()
    assert server.running


def test_a_broken_memory_of_ports_is_ignored(tmp_path: Path) -> None:
    """A half-written file must not keep the server from starting."""
    (tmp_path / "server").mkdir()
    (tmp_path / "server" / "ports.json").write_text('{"main": ', encoding="utf-8")
    assert is_free(TinyServer(tmp_path / "server").port)


def test_the_brokers_url_carries_any_password(tmp_path: Path) -> None:
    """Users, passwords and virtual hosts are escaped, so that any generated one works."""
    broker = PrivateBroker(tmp_path, definitions=None, amqp_port=12345)
    assert broker.url("a b", "p@s/s:w", "/") == f"pyamqp://a%20b:p%40s%2Fs%3Aw@{HOST}:12345/%2F"
    assert broker.url("u", "p").endswith("/kefu")
    assert len({broker.amqp_port, broker.management_port, broker.prometheus_port}) == 3


def test_the_databases_url_asks_for_writes_that_last(tmp_path: Path) -> None:
    """Acknowledged means journalled, for every client that takes the URL as it is."""
    assert PrivateDatabase(tmp_path, port=12346).url() == f"mongodb://{HOST}:12346/?w=majority&journal=true"


def test_the_ports_are_remembered_as_json(server: TinyServer) -> None:
    """Other tools may look up where a server is."""
    server.start()
    remembered = json.loads((server.directory / "ports.json").read_text(encoding="utf-8"))
    assert remembered == {"main": server.port}
