"""The facts of an imagined case, read from JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from services.complaints.domain.rulebook import LevelFacts
from shared.errors import Problem, ValidationFailed

_EXAMPLE = '{"households": 7, "amount": "6000", "received_at": "2025-03-05T10:00:00+08:00", "valid": true}'


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """What is assumed of a case.

    ``valid`` is ``None`` until validity is decided; ``decided_at`` is when it was, the moment of receipt
    unless told. Both moments are aware. ``channel`` limits the steps shown to those of a case from there.
    """

    level: LevelFacts
    received_at: datetime
    decided_at: datetime
    valid: bool | None
    channel: str | None


def read_facts(text: str, now: datetime) -> CaseFacts:
    """Return the facts in ``text``, a JSON object or ``@`` and the name of a file that holds one.

    A case not told when it was received was received ``now``. Raises ValidationFailed naming every fact at fault.
    """
    shape = _object(_file(text[1:]) if text.startswith("@") else text)
    problems: list[Problem] = []
    values: dict[str, Any] = {}
    for key, value in shape.items():
        read = _READERS.get(key)
        if read is None:
            problems.append(Problem(key, f"is no fact; known are {', '.join(_READERS)}"))
        elif value is not None:
            try:
                values[key] = read(value)
            except _Wrong as error:
                problems.append(Problem(key, str(error)))
    received_at = values.get("received_at", now)
    decided_at = values.get("decided_at", received_at)
    if decided_at < received_at:
        problems.append(Problem("decided_at", "lies before received_at"))
    if problems:
        raise ValidationFailed("the facts of the case are wrong:", problems=tuple(problems))
    facts = LevelFacts(
        households=values.get("households", 1),
        amount=values.get("amount"),
        media=values.get("media", False),
        lawsuit=values.get("lawsuit", False),
    )
    return CaseFacts(facts, received_at, decided_at, values.get("valid"), values.get("channel"))


def _file(name: str) -> str:
    try:
        return Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ValidationFailed(f"{name} cannot be read: {error}") from error


def _object(text: str) -> Mapping[str, Any]:
    try:
        # Money stays exact, whether or not it is in quotes.
        shape = json.loads(text, parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        raise ValidationFailed(f"the facts are not JSON ({error}); write for example {_EXAMPLE}") from error
    if not isinstance(shape, dict):
        raise ValidationFailed(f"the facts must be a JSON object; write for example {_EXAMPLE}")
    return shape


class _Wrong(ValueError):
    """A fact of the wrong kind or out of its bounds, in words for whoever wrote it."""


def _whole(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise _Wrong(f"must be a whole number of at least 1: {value!r}")
    return value


def _money(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        raise _Wrong(f'must be a sum of yuan such as "6000.00": {value!r}')
    try:
        amount = Decimal(value)
    except InvalidOperation:
        raise _Wrong(f'must be a sum of yuan such as "6000.00": {value!r}') from None
    if not amount.is_finite() or amount < 0:
        raise _Wrong(f"must be a sum of at least 0: {value}")
    return amount


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise _Wrong(f"must be true or false: {value!r}")
    return value


def _moment(value: object) -> datetime:
    try:
        moment = datetime.fromisoformat(_word(value))
    except ValueError:
        raise _Wrong(f"must be a time such as 2025-03-05T10:00:00+08:00: {value!r}") from None
    if moment.tzinfo is None:
        raise _Wrong(f"lacks its offset from UTC, such as +08:00: {value!r}")
    return moment


def _word(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _Wrong(f"must be text: {value!r}")
    return value


_READERS: Mapping[str, Callable[[object], Any]] = {
    "households": _whole,
    "amount": _money,
    "media": _flag,
    "lawsuit": _flag,
    "received_at": _moment,
    "valid": _flag,
    "decided_at": _moment,
    "channel": _word,
}
