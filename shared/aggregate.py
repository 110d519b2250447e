"""What every aggregate carries beside its own state: identity, version, history, and what it has already applied."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shared.errors import Conflict
from shared.history import Cause, Entry, History


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command was answered, kept so that a repeat of it gets the same answer and changes nothing."""

    key: str
    digest: str
    result: Mapping[str, Any]


@dataclass(kw_only=True)
class Aggregate:
    """Base of the aggregates; ``version`` is the one last written, 0 before the first write."""

    id: str
    org: str
    version: int = 0
    history: History = field(default_factory=lambda: History(""))
    processed: list[str] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Tie the history to this aggregate."""
        self.history.aggregate_id = self.id

    def record(self, kind: str, data: Mapping[str, Any], *, at: datetime, cause: Cause) -> Entry:
        """Append to the history what will be published as event ``kind``."""
        return self.history.append(kind, data, at=at, cause=cause)

    def has_processed(self, message_id: str) -> bool:
        """Return whether the message's effect is already part of this aggregate."""
        return message_id in self.processed

    def mark_processed(self, message_id: str) -> None:
        """Remember, in the write that carries the effect, that the message was applied."""
        if message_id not in self.processed:
            self.processed.append(message_id)

    def answer_to(self, key: str, digest: str) -> Mapping[str, Any] | None:
        """Return the answer given before to the command ``key``, if any.

        Raises Conflict if the key was used for a command with other arguments.
        """
        for answer in self.answers:
            if answer.key == key:
                if answer.digest != digest:
                    message = "this idempotency key was used before with other arguments: use a new key"
                    raise Conflict(message)
                return answer.result
        return None

    def remember_answer(self, key: str, digest: str, result: Mapping[str, Any]) -> None:
        """Keep the answer to a command in the write that carries its effect."""
        self.answers.append(Answer(key, digest, dict(result)))


def base_document(aggregate: Aggregate) -> dict[str, Any]:
    """Return the database fields of the base, at the version after this write."""
    return {
        "_id": aggregate.id,
        "org": aggregate.org,
        "version": aggregate.version + 1,
        "history": aggregate.history.as_documents(),
        "processed": list(aggregate.processed),
        "answers": [{"key": a.key, "digest": a.digest, "result": dict(a.result)} for a in aggregate.answers],
    }


def base_fields(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the constructor arguments of the base, from the database's document."""
    return {
        "id": document["_id"],
        "org": document["org"],
        "version": document["version"],
        "history": History.from_documents(document["_id"], document["history"]),
        "processed": list(document["processed"]),
        "answers": [Answer(row["key"], row["digest"], row["result"]) for row in document["answers"]],
    }


def digest_of(arguments: Mapping[str, Any]) -> str:
    """Return a digest by which two sets of command arguments are told apart."""
    canonical = json.dumps(arguments, sort_keys=True, default=str, ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()[:32]
