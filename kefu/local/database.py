"""A private MongoDB-compatible server (SecantusDB): a child process with its own directory and port."""

from __future__ import annotations

import contextlib
import socket
import struct
from pathlib import Path
from typing import ClassVar

from kefu.local.children import Child
from kefu.local.install import REPOSITORY, ensure_embedded_database
from kefu.local.ports import HOST
from kefu.local.server import BackingServer, inherited_environment

_PROBE_TIMEOUT = 2.0
_OP_MSG = 2013
_HEADER = struct.Struct("<iiii")  # length, request id, answered id, operation


class PrivateDatabase(BackingServer):
    """A database server of one's own, on the loopback address only, without users.

    It writes every commit through to the disk, so a kill loses nothing that was acknowledged. Beta software,
    and for trying things out only; real deployments use MongoDB.
    """

    title: ClassVar[str] = "database"
    port_names: ClassVar[tuple[str, ...]] = ("mongodb",)

    def __init__(self, directory: Path, *, port: int | None = None, durable: bool = True) -> None:
        """Prepare a database in ``directory``, which is made when missing; nothing is started yet.

        One that is not ``durable`` loses in a kill what it wrote last, and is filled several times as fast.
        """
        super().__init__(directory, ports={"mongodb": port})
        self._durable = durable

    @property
    def port(self) -> int:
        """Where clients connect."""
        return self._ports["mongodb"]

    def url(self) -> str:
        """Return the URL that clients connect to, asking for acknowledged and journalled writes."""
        return f"mongodb://{HOST}:{self.port}/?w=majority&journal=true"

    def _spawn(self) -> Child:
        # A file of its own, or it would look for one in the user's home and in /etc.
        configuration = self.directory / "secantusd.toml"
        configuration.touch()
        command: list[str | Path] = [
            ensure_embedded_database(REPOSITORY),
            "--config",
            configuration,
            "--host",
            HOST,
            "--port",
            str(self.port),
            "--storage-path",
            self.directory / "data",
            "--cache-size",
            "512M",
            *(["--sync-on-commit"] if self._durable else []),
        ]
        return Child(
            self.title,
            command,
            env=inherited_environment("SECANTUS", "PYTHON") | {"HOME": str(self.directory)},
            cwd=self.directory,
            log_path=self.log_path,
        )

    def _answers(self) -> bool:
        # Spoken by hand: only repositories import the driver, and one greeting is all that is needed.
        with (
            contextlib.suppress(OSError),
            socket.create_connection((HOST, self.port), _PROBE_TIMEOUT) as probe,
        ):
            probe.settimeout(_PROBE_TIMEOUT)
            probe.sendall(_greeting())
            answer = probe.makefile("rb")
            length, *_, operation = _HEADER.unpack(answer.read(_HEADER.size).ljust(_HEADER.size, b"\0"))
            return operation == _OP_MSG and b"\x08isWritablePrimary\0\x01" in answer.read(
                length - _HEADER.size
            )
        return False


def _greeting() -> bytes:
    """Return the wire message ``{hello: 1, $db: "admin"}``."""
    fields = b"\x10hello\0" + struct.pack("<i", 1) + b"\x02$db\0" + struct.pack("<i", 6) + b"admin\0"
    document = struct.pack("<i", len(fields) + 5) + fields + b"\0"
    body = struct.pack("<I", 0) + b"\0" + document
    return _HEADER.pack(_HEADER.size + len(body), 1, 0, _OP_MSG) + body
