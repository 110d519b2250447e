"""The proxy that reliability tests trust: it passes everything on until it is told to misbehave, and only so."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from shared.testing.proxy import FaultProxy

_PATIENCE = 5.0


class _Echo:
    """A server that sends back what it gets."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.heard = b""
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection:
            try:
                while data := connection.recv(1024):
                    self.heard += data
                    connection.sendall(data)
            except OSError:
                return


@pytest.fixture
def echo() -> Iterator[_Echo]:
    server = _Echo()
    yield server
    server.close()


@pytest.fixture
def proxy(echo: _Echo) -> Iterator[FaultProxy]:
    with FaultProxy(echo.port, port=0) as standing:
        yield standing


def _connect(proxy: FaultProxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=_PATIENCE)


def _says(connection: socket.socket, data: bytes) -> bytes:
    connection.sendall(data)
    return connection.recv(1024)


def test_everything_passes_until_a_fault_is_asked_for(proxy: FaultProxy) -> None:
    """A proxy that does harm by itself would make every test behind it worthless."""
    with _connect(proxy) as first, _connect(proxy) as second:
        assert _says(first, b"one") == b"one"
        assert _says(second, b"two") == b"two"
        assert proxy.connections == 2


def test_a_reset_cuts_what_is_open_and_serves_what_comes_next(proxy: FaultProxy) -> None:
    """As a broker's or a firewall's restart does."""
    with _connect(proxy) as cut:
        assert _says(cut, b"one") == b"one"
        proxy.reset()
        assert _ended(cut)
    with _connect(proxy) as fresh:
        assert _says(fresh, b"two") == b"two"


def _ended(connection: socket.socket) -> bool:
    try:
        return connection.recv(1024) == b""
    except OSError:
        return True


def test_a_server_that_is_down_ends_every_connection_until_it_is_healed(proxy: FaultProxy) -> None:
    """Nobody gets an answer, and everybody knows at once."""
    proxy.down()
    with _connect(proxy) as refused:
        assert _ended(refused)
    proxy.heal()
    with _connect(proxy) as served:
        assert _says(served, b"one") == b"one"


@pytest.mark.parametrize(("to_server", "to_client"), [(True, True), (True, False), (False, True)])
def test_a_black_hole_swallows_its_direction_and_tells_nobody(
    proxy: FaultProxy, echo: _Echo, *, to_server: bool, to_client: bool
) -> None:
    """The connection stays open and silent; what the server heard tells the directions apart."""
    with _connect(proxy) as connection:
        assert _says(connection, b"before") == b"before"
        proxy.blackhole(to_server=to_server, to_client=to_client)
        connection.settimeout(0.3)
        with pytest.raises(TimeoutError):
            _says(connection, b"lost")
        assert (b"lost" in echo.heard) is not to_server
        proxy.heal()
        assert _ended(connection)
    with _connect(proxy) as fresh:
        assert _says(fresh, b"after") == b"after"


def test_the_way_of_old_connections_can_be_lost_while_new_ones_are_served(proxy: FaultProxy) -> None:
    """As when a route is forgotten: only those who try again get through."""
    with _connect(proxy) as old:
        assert _says(old, b"before") == b"before"
        proxy.blackhole(only_old=True)
        with _connect(proxy) as new:
            assert _says(new, b"after") == b"after"
        old.settimeout(0.3)
        with pytest.raises(TimeoutError):
            _says(old, b"lost")


def test_a_slow_way_loses_nothing(proxy: FaultProxy) -> None:
    """Slowness alone changes no byte."""
    proxy.slow(0.05)
    with _connect(proxy) as connection:
        assert _says(connection, b"late") == b"late"
