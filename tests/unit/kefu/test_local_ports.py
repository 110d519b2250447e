from __future__ import annotations

import socket

from kefu.local.ports import HOST, free_port, is_free


def test_no_port_is_given_twice() -> None:
    """Two servers prepared before either listens must not get the same port."""
    ports = [free_port() for _ in range(200)]
    assert len(set(ports)) == len(ports)


def test_a_port_somebody_listens_on_is_not_free() -> None:
    """A server is never sent to a port that is taken."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        listener.listen()
        port = listener.getsockname()[1]
        assert not is_free(port)
    assert is_free(port)


def test_a_port_given_lies_below_those_of_outgoing_connections() -> None:
    """A client's connection must not take the port of a server that is being restarted."""
    assert all(1024 < free_port() < 32768 for _ in range(50))
