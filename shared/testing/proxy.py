"""A TCP proxy that misbehaves on demand: cut, refuse, swallow either direction, slow down."""

from __future__ import annotations

import contextlib
import socket
import threading
from types import TracebackType
from typing import Self

_CHUNK = 65536
_LOOPBACK = "127.0.0.1"


class FaultProxy:
    """Stands between clients and one server on the loopback address; every fault acts on all connections.

    Faults last until ``heal``. Swallowed bytes are gone: a connection that lost some is broken for good, as
    after a dropped route, and nobody on either side is told.
    """

    def __init__(self, target_port: int, *, port: int) -> None:
        """Listen on ``port`` from ``start`` on, and connect to ``target_port``."""
        self._target = (_LOOPBACK, target_port)
        self._listener = socket.create_server((_LOOPBACK, port))
        self.port = int(self._listener.getsockname()[1])
        self._lock = threading.Lock()
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        self._refusing = False
        self._swallow_to_server = threading.Event()
        self._swallow_to_client = threading.Event()
        self._pause = 0.0
        self._closed = threading.Event()

    def __enter__(self) -> Self:
        """Start to serve."""
        threading.Thread(target=self._accept, name="proxy accept", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop serving and cut every connection."""
        self._closed.set()
        with contextlib.suppress(OSError):
            # Closing alone would leave the thread in its accept.
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.reset()

    @property
    def connections(self) -> int:
        """Return how many connections are open."""
        with self._lock:
            return len(self._pairs)

    def reset(self) -> None:
        """Cut every connection at once; new ones are served."""
        with self._lock:
            pairs = list(self._pairs)
        for pair in pairs:
            self._cut(pair)

    def down(self) -> None:
        """Cut every connection and refuse new ones."""
        self._refusing = True
        self.reset()

    def blackhole(self, *, to_server: bool = True, to_client: bool = True) -> None:
        """Swallow what is sent in these directions, on old and new connections; nothing is closed."""
        if to_server:
            self._swallow_to_server.set()
        if to_client:
            self._swallow_to_client.set()

    def slow(self, seconds: float) -> None:
        """Hold every piece of data back for ``seconds``, in both directions."""
        self._pause = seconds

    def heal(self) -> None:
        """Serve as if nothing had been; connections that lost bytes are cut."""
        swallowed = self._swallow_to_server.is_set() or self._swallow_to_client.is_set()
        self._refusing = False
        self._pause = 0.0
        self._swallow_to_server.clear()
        self._swallow_to_client.clear()
        if swallowed:
            self.reset()

    def _accept(self) -> None:
        while not self._closed.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self._refusing:
                client.close()
                continue
            try:
                server = socket.create_connection(self._target, timeout=5)
            except OSError:
                client.close()
                continue
            server.settimeout(None)
            pair = (client, server)
            with self._lock:
                self._pairs.add(pair)
            for source, sink, swallow in (
                (client, server, self._swallow_to_server),
                (server, client, self._swallow_to_client),
            ):
                arguments = (pair, source, sink, swallow)
                threading.Thread(target=self._pump, args=arguments, name="proxy pump", daemon=True).start()

    def _pump(
        self,
        pair: tuple[socket.socket, socket.socket],
        source: socket.socket,
        sink: socket.socket,
        swallow: threading.Event,
    ) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(_CHUNK):
                if swallow.is_set():
                    continue
                if self._pause and self._closed.wait(self._pause):
                    break
                sink.sendall(data)
        self._cut(pair)

    def _cut(self, pair: tuple[socket.socket, socket.socket]) -> None:
        with self._lock:
            self._pairs.discard(pair)
        for end in pair:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
