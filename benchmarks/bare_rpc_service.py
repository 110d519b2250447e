"""The barest nameko service: no checks, no metrics; run by the RPC benchmark.

One method answers what it was asked, one reads a document by its id and answers it as text, one also changes it.
"""

import eventlet

eventlet.monkey_patch()

import sys  # noqa: E402 - nothing may be imported before the patch
from typing import Any  # noqa: E402

from nameko.containers import ServiceContainer  # noqa: E402
from nameko.rpc import rpc  # noqa: E402
from pymongo import MongoClient  # noqa: E402
from pymongo.collection import Collection  # noqa: E402

_CLIENT: MongoClient[dict[str, Any]] = MongoClient(sys.argv[2])
_CONTACTS: Collection[dict[str, Any]] = _CLIENT["kefu_intake"]["contacts"]
_CASES: Collection[dict[str, Any]] = _CLIENT["kefu_complaints"]["cases"]


class BareService:
    """Answers what it was asked."""

    name = "bare_rpc"

    @rpc  # type: ignore[untyped-decorator]  # nameko has no types
    def get(self, key: str) -> dict[str, str]:
        """Return the argument."""
        return {"key": key}

    @rpc  # type: ignore[untyped-decorator]  # nameko has no types
    def read(self, key: str) -> dict[str, str]:
        """Return the fields of one contact as they are."""
        found = _CONTACTS.find_one({"_id": key}, {"history": 0, "processed": 0}) or {}
        return {name: str(value) for name, value in found.items()}

    @rpc  # type: ignore[untyped-decorator]  # nameko has no types
    def update(self, key: str, text: str) -> dict[str, Any]:
        """Read one case and add a note to it."""
        found = _CASES.find_one({"_id": key}) or {}
        note = {"kind": "progress", "text": text}
        _CASES.update_one({"_id": key}, {"$push": {"bare_notes": note}})
        return {"case_id": key, "state": found["state"]}


if __name__ == "__main__":
    container = ServiceContainer(BareService, config={"AMQP_URI": sys.argv[1]})
    container.start()
    container.wait()
