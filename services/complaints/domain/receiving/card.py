"""A case's record card: what stands on it, and what is still missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from services.complaints.domain.receiving.rules import CardRule, CardValue


@dataclass(frozen=True, slots=True)
class CardEntry:
    """What somebody entered into a field."""

    text: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class CardRow:
    """One field of a card as it stands: ``value`` is None while nothing is there."""

    code: str
    name: str
    required: bool
    value: str | None
    source: str

    @property
    def missing(self) -> bool:
        """Return whether the field is required and empty."""
        return self.required and not self.value


def rows_of(
    card: CardRule, own: Mapping[CardValue, str | None], entered: Mapping[str, CardEntry]
) -> tuple[CardRow, ...]:
    """Return the card field by field: ``own`` is what the case says, ``entered`` what was written on it."""
    return tuple(
        CardRow(
            code=rule.code,
            name=rule.name,
            required=rule.required,
            value=own[rule.value] if rule.value is not None else _text(entered.get(rule.code)),
            source=rule.source or card.source,
        )
        for rule in card.form
    )


def _text(entry: CardEntry | None) -> str | None:
    return None if entry is None else entry.text
