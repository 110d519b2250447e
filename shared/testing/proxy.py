"""A TCP proxy that misbehaves on demand: cut, refuse, swallow either direction, slow down."""

from __future__ import annotations

import contextlib
import socket
import threading
from dataclasses import dataclass
from types import TracebackType
from typing import Self

_CHUNK = 65536
_LOOPBACK = "127.0.0.1"


@dataclass(eq=False, slots=True)
class _Link:
    """One connection through the proxy, and which of its directions are swallowed."""

    client: socket.socket
    server: socket.socket
    to_server: bool
    to_client: bool


class FaultProxy:
    """Stands between clients and one server on the loopback address; every fault acts on all connections.

    Faults last until ``heal``. Swallowed bytes are gone: a connection that lost some is broken for good, as
    after a dropped route, and nobody on either side is told.
    """

    def __init__(self, target_port: int, *, port: int) -> None:
        """Listen on ``port`` from now on, and connect to ``target_port``."""
        self._target = (_LOOPBACK, target_port)
        self._listener = socket.create_server((_LOOPBACK, port))
        self.port = int(self._listener.getsockname()[1])
        self._lock = threading.Lock()
        self._links: set[_Link] = set()
        self._refusing = False
        self._swallows = (False, False)
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
            return len(self._links)

    def reset(self) -> None:
        """Cut every connection at once; new ones are served."""
        for link in self._open_links():
            self._cut(link)

    def down(self) -> None:
        """Cut every connection and refuse new ones."""
        self._refusing = True
        self.reset()

    def blackhole(self, *, to_server: bool = True, to_client: bool = True, only_old: bool = False) -> None:
        """Swallow what is sent in these directions; nothing is closed and nobody is told.

        With ``only_old`` connections made from now on are served: the way of the old ones is gone for good.
        """
        if not only_old:
            self._swallows = (to_server, to_client)
        for link in self._open_links():
            link.to_server, link.to_client = to_server, to_client

    def slow(self, seconds: float) -> None:
        """Hold every piece of data back for ``seconds``, in both directions."""
        self._pause = seconds

    def heal(self) -> None:
        """Serve as if nothing had been; connections that lost bytes are cut."""
        self._refusing, self._swallows, self._pause = False, (False, False), 0.0
        for link in self._open_links():
            if link.to_server or link.to_client:
                self._cut(link)

    def _open_links(self) -> list[_Link]:
        with self._lock:
            return list(self._links)

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
            link = _Link(client, server, *self._swallows)
            with self._lock:
                self._links.add(link)
            for pump in (self._pump_to_server, self._pump_to_client):
                threading.Thread(target=pump, args=(link,), name="proxy pump", daemon=True).start()

    def _pump_to_server(self, link: _Link) -> None:
        with contextlib.suppress(OSError):
            while data := link.client.recv(_CHUNK):
                if self._passes(swallowed=link.to_server):
                    link.server.sendall(data)
        self._cut(link)

    def _pump_to_client(self, link: _Link) -> None:
        with contextlib.suppress(OSError):
            while data := link.server.recv(_CHUNK):
                if self._passes(swallowed=link.to_client):
                    link.client.sendall(data)
        self._cut(link)

    def _passes(self, *, swallowed: bool) -> bool:
        if self._pause:
            self._closed.wait(self._pause)
        return not swallowed

    def _cut(self, link: _Link) -> None:
        with self._lock:
            self._links.discard(link)
        for end in (link.client, link.server):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
