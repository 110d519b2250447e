"""What the broker must hold, got quickly: the services' entry points take seconds to import."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import warnings
from pathlib import Path
from typing import Any

from kefu.local.install import REPOSITORY
from kefu.reach import state_directory
from shared.messaging.topology import Subscription, Topology

#: Everything that decides what the entry points ask for.
_CODE = ("kefu/topology.py", "services/**/*.py", "shared/**/*.py")


def wanted_topology(*, code: Path = REPOSITORY, kept_in: Path | None = None) -> Topology:
    """Return the topology that the four services' entry points ask for.

    The first call takes seconds; then the answer is kept in the file ``kept_in`` (in .kefu unless given) and
    good until the code below ``code`` changes. Where nothing can be kept, every call takes its time.
    """
    file = kept_in or state_directory() / "topology.json"
    digest = _digest(code)
    topology = _kept(file, digest)
    if topology is None:
        topology = _from_entry_points()
        with contextlib.suppress(OSError):
            file.parent.mkdir(parents=True, exist_ok=True)
            draft = file.with_suffix(".draft")
            draft.write_text(json.dumps({"code": digest, "topology": _as_data(topology)}), encoding="utf-8")
            draft.replace(file)
    return topology


def _from_entry_points() -> Topology:
    with warnings.catch_warnings():
        # Said on every import of eventlet; the services run on it until nameko does without.
        warnings.filterwarnings("ignore", message=r"\s*Eventlet is deprecated")
        from kefu.topology import topology  # noqa: PLC0415 - this is what takes seconds
    return topology()


def _digest(code: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(path for pattern in _CODE for path in code.glob(pattern)):
        digest.update(f"{path.relative_to(code)}\n".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _kept(file: Path, digest: str) -> Topology | None:
    """Return what the file keeps; None unless it is whole and of this very code."""
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
        return _from_data(kept["topology"]) if kept["code"] == digest else None
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _as_data(topology: Topology) -> dict[str, Any]:
    return {
        field.name: dataclasses.asdict(topology)[field.name]
        for field in dataclasses.fields(topology)
        if field.init
    }


def _from_data(data: dict[str, Any]) -> Topology:
    subscriptions = (Subscription(**row | {"types": tuple(row["types"])}) for row in data["subscriptions"])
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in data.items()
    }
    limited = tuple((publisher, tuple(keys)) for publisher, keys in data["limited"])
    return Topology(**values | {"subscriptions": tuple(subscriptions), "limited": limited})
