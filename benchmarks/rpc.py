"""One RPC query, with token, schema, metrics and a read of the database, against a bare nameko method."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.backing import Backing, percentile, wait_until
from benchmarks.contacts import ORG, contact_event
from kefu.local.children import Child
from kefu.local.server import inherited_environment
from shared.errors import KefuError
from shared.messaging.publisher import PipelinedPublisher
from shared.messaging.rpc_client import RpcClient

CALLS = 1_000
_BARE = Path(__file__).with_name("bare_rpc_service.py")


def measure(backing: Backing, rounds: int = 3) -> dict[str, float]:
    """Return p50 in milliseconds, the median of ``rounds`` taken in turn, and the ratio to the bare method.

    ``reading`` is a bare method that reads the same document: what of the ratio is the database's.
    """
    publisher = PipelinedPublisher(backing.broker_url("pub-hotline"))
    publisher.publish([contact_event("rpc", 1, complaint=False)])
    publisher.close()
    backing.start("intake")
    service = Child(
        "bare-rpc",
        [sys.executable, str(_BARE), backing.broker_url("admin"), backing.database.url()],
        env=inherited_environment("KEFU_"),
        cwd=_BARE.parents[1],
        log_path=backing.directory / "log" / "bare_rpc.log",
    )
    contacts = backing.mongo("kefu_intake")["contacts"]
    wait_until(lambda: contacts.find_one({"org": ORG}) is not None, 30)
    contact_id = contacts.find_one({"org": ORG})["_id"]
    ours, bare, reading = [], [], []
    with backing.client(ORG) as client, RpcClient(backing.broker_url("admin"), name="bench") as plain:
        wait_until(lambda: _answers(plain), 30)
        for _ in range(rounds):
            bare.append(_p50(plain, "bare_rpc.get", key=contact_id))
            reading.append(_p50(plain, "bare_rpc.read", key=contact_id))
            ours.append(_p50(client, "intake.get_contact", id=contact_id))
    service.kill()
    backing.stop("intake")
    plain_p50, read_p50, our_p50 = (sorted(each)[rounds // 2] for each in (bare, reading, ours))
    return {
        "bare": plain_p50 * 1000,
        "reading": read_p50 * 1000,
        "kefu": our_p50 * 1000,
        "ratio": our_p50 / plain_p50,
        "ratio_to_reading": our_p50 / read_p50,
    }


def _answers(client: RpcClient) -> bool:
    try:
        client.call("bare_rpc.get", key="x", timeout=1)
    except KefuError:
        return False
    return True


def _p50(client: RpcClient, method: str, **arguments: Any) -> float:
    for _ in range(50):
        client.call(method, **arguments)
    seconds = []
    for _ in range(CALLS):
        started = time.perf_counter()
        client.call(method, **arguments)
        seconds.append(time.perf_counter() - started)
    return percentile(seconds, 50)
