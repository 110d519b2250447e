"""The history checker: what was attempted and acknowledged, held against the effects found afterwards.

An operation is *acknowledged* once its caller was told it is done, *refused* once its caller was told it is
not; everything else may or may not have happened. Three things must never be: an acknowledged operation
without effect (lost), one with several (doubled), and an effect nobody asked for or that was refused
(unexpected).
"""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from shared.history import History


class Fate(Enum):
    """What the caller of an operation knows of it."""

    UNKNOWN = "unknown"
    ACKNOWLEDGED = "acknowledged"
    REFUSED = "refused"


class Ledger:
    """What callers attempted and what they were told, by kind and key; may be shared between threads."""

    def __init__(self) -> None:
        """Start with nothing attempted."""
        self._fates: dict[str, dict[str, Fate]] = defaultdict(dict)
        self._lock = threading.Lock()

    def attempt(self, kind: str, key: str) -> None:
        """Note that the operation was begun, before anything of it can have an effect; repeats are one."""
        with self._lock:
            self._fates[kind].setdefault(key, Fate.UNKNOWN)

    def acknowledge(self, kind: str, key: str) -> None:
        """Note that the caller was told the operation is done."""
        self._tell(kind, key, Fate.ACKNOWLEDGED)

    def refuse(self, kind: str, key: str) -> None:
        """Note that the caller was told the operation is not done and never will be."""
        self._tell(kind, key, Fate.REFUSED)

    def kinds(self) -> list[str]:
        """Return the kinds of operations attempted, sorted."""
        with self._lock:
            return sorted(self._fates)

    def keys(self, kind: str, *fates: Fate) -> set[str]:
        """Return the operations of a kind, of these fates only if any are given."""
        with self._lock:
            return {key for key, fate in self._fates[kind].items() if not fates or fate in fates}

    def _tell(self, kind: str, key: str, fate: Fate) -> None:
        with self._lock:
            if key not in self._fates[kind]:
                message = f"{kind} {key} was answered before it was attempted"
                raise ValueError(message)
            self._fates[kind][key] = fate


@dataclass(frozen=True, slots=True)
class Score:
    """How one kind of operation fared; ``lost``, ``doubled`` and ``unexpected`` name the keys at fault."""

    kind: str
    attempted: int
    acknowledged: int
    effects: int
    lost: tuple[str, ...]
    doubled: tuple[str, ...]
    unexpected: tuple[str, ...]

    @property
    def clean(self) -> bool:
        """Return whether nothing was lost, doubled or unexpected."""
        return not (self.lost or self.doubled or self.unexpected)


def score(
    kind: str, attempted: Collection[str], acknowledged: Collection[str], effects: Mapping[str, int]
) -> Score:
    """Hold what was asked for against ``effects``: how often each key took effect.

    ``attempted`` are the operations that may have an effect, ``acknowledged`` those that must have one.
    """
    present = {key for key, times in effects.items() if times > 0}
    return Score(
        kind=kind,
        attempted=len(set(attempted) | set(acknowledged)),
        acknowledged=len(set(acknowledged)),
        effects=sum(effects.values()),
        lost=tuple(sorted(set(acknowledged) - present)),
        doubled=tuple(sorted(key for key, times in effects.items() if times > 1)),
        unexpected=tuple(sorted(present - set(attempted) - set(acknowledged))),
    )


def score_ledger(kind: str, ledger: Ledger, effects: Mapping[str, int]) -> Score:
    """Hold the operations of a kind in ``ledger`` against their effects; refused ones must have none."""
    possible = ledger.keys(kind, Fate.UNKNOWN, Fate.ACKNOWLEDGED)
    return score(kind, possible, ledger.keys(kind, Fate.ACKNOWLEDGED), effects)


def same(kind: str, recorded: Iterable[str], delivered: Iterable[str]) -> Score:
    """Hold two lists against each other that must be equal as sets and hold nothing twice."""
    wanted, found = set(recorded), Counter(delivered)
    return score(kind, wanted, wanted, found)


def chain_faults(documents: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return what is wrong with the histories in ``documents`` (``_id`` and ``history``), one line a fault."""
    return [
        f"{document['_id']}: {fault}"
        for document in documents
        for fault in History.from_documents(document["_id"], document["history"]).verify()
    ]


#: Keys at fault that are shown of each kind.
_SHOWN = 5
_COLUMNS = ("attempted", "acknowledged", "effects", "lost", "doubled", "unexpected")


def table(scores: Sequence[Score]) -> str:
    """Return the scores as text: one line a kind, then the keys at fault."""
    width = max((len(row.kind) for row in scores), default=0)
    lines = [" " * width + "".join(f"{column:>14}" for column in _COLUMNS)]
    faults = []
    for row in scores:
        counts = (
            row.attempted,
            row.acknowledged,
            row.effects,
            len(row.lost),
            len(row.doubled),
            len(row.unexpected),
        )
        lines.append(f"{row.kind:<{width}}" + "".join(f"{count:>14}" for count in counts))
        for name in ("lost", "doubled", "unexpected"):
            keys = getattr(row, name)
            if keys:
                more = " …" if len(keys) > _SHOWN else ""
                faults.append(f"{row.kind} {name}: {', '.join(keys[:_SHOWN])}{more}")
    return "\n".join([*lines, *faults])
