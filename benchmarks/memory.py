"""Memory of each service over many contacts: how much, and whether it grows over the second half."""

from __future__ import annotations

import re
import time
from pathlib import Path

from benchmarks.backing import SERVICES, Backing
from benchmarks.contacts import contact_event
from shared.messaging.publisher import PipelinedPublisher

_CHUNK = 200
#: Contacts that may wait in the system at once; the publisher holds back beyond that.
_IN_FLIGHT = 2_000


def measure(backing: Backing, contacts: int = 20_000) -> dict[str, dict[str, float]]:
    """Return for each service its resident memory in MB: at half, at the end, the peak, and the growth between."""
    backing.start(*SERVICES)
    samples: dict[str, list[tuple[int, float]]] = {name: [] for name in SERVICES}
    archive = backing.mongo("kefu_reporting")["events"]
    publisher = PipelinedPublisher(backing.broker_url("pub-hotline"))
    for start in range(0, contacts, _CHUNK):
        publisher.publish([contact_event("mem", number) for number in range(start, start + _CHUNK)])
        _hold_back(backing, start)
        for name in SERVICES:
            samples[name].append((start, _resident_mb(backing, name)))
    publisher.close()
    _until_quiet(archive)
    result = {}
    for name in SERVICES:
        end = _resident_mb(backing, name)
        half = next(mb for start, mb in samples[name] if start >= contacts // 2)
        peak = max(mb for _, mb in samples[name])
        result[name] = {"half": half, "end": end, "peak": max(peak, end), "growth": end - half}
    backing.stop(*SERVICES)
    backing.purge()
    return result


def _hold_back(backing: Backing, published: int) -> None:
    collection = backing.mongo("kefu_intake")["contacts"]
    while published - collection.estimated_document_count() > _IN_FLIGHT:
        time.sleep(0.1)


def _until_quiet(archive: object) -> None:
    """Return when reporting has archived nothing new for three seconds."""
    before, since = -1, time.monotonic()
    while time.monotonic() - since < 3:
        count = archive.estimated_document_count()  # type: ignore[attr-defined]  # a collection
        if count != before:
            before, since = count, time.monotonic()
        time.sleep(0.2)


def _resident_mb(backing: Backing, name: str) -> float:
    pid = backing.services[name].pid
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert found is not None, "no resident size in /proc"
    return int(found[1]) / 1024
