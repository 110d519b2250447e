"""Ports for private servers: on the loopback address, free now, and not in anybody's way."""

from __future__ import annotations

import random
import socket
import threading

HOST = "127.0.0.1"

# Below the range from which Linux (32768) and macOS (49152) take the local ports of outgoing connections:
# a server that is restarted must not find its port taken by some client's connection.
_RANGE = range(15000, 32000)
_TRIES = 500

_random = random.SystemRandom()
_handed_out: set[int] = set()
_lock = threading.Lock()


def is_free(port: int) -> bool:
    """Return whether a server could listen on ``port`` of the loopback address right now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # Like every server does, so that connections of a predecessor that still linger do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def free_port() -> int:
    """Return a free port of the loopback address that this process has not been given before.

    Random, so that several processes choosing at the same time hardly ever meet. Raises OSError when
    none is found.
    """
    with _lock:
        for _ in range(_TRIES):
            port = _random.choice(_RANGE)
            if port not in _handed_out and is_free(port):
                _handed_out.add(port)
                return port
    raise OSError(f"no free port found on {HOST} between {_RANGE.start} and {_RANGE.stop - 1}")
