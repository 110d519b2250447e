"""What differs between two rulebooks, statement by statement."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kefu.regulation.library import Side
from kefu.regulation.statements import Statement, statements
from services.names import SERVICES


@dataclass(frozen=True, slots=True)
class Difference:
    """One path at which two rulebooks do not say the same; ``None`` where one of them says nothing."""

    service: str
    path: tuple[str, ...]
    left: Statement | None
    right: Statement | None

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON shape."""
        return {
            "service": self.service,
            "path": ".".join(self.path),
            "left": self.left.as_dict() if self.left else None,
            "right": self.right.as_dict() if self.right else None,
        }


def differences(left: Side, right: Side) -> Iterator[Difference]:
    """Yield what differs in value, unit or source, by service, in the order of the left rulebook."""
    for service in SERVICES:
        ours, theirs = _by_path(left, service), _by_path(right, service)
        for path in {**ours, **theirs}:
            one, other = ours.get(path), theirs.get(path)
            if _said(one) != _said(other):
                yield Difference(service, path, one, other)


def _by_path(side: Side, service: str) -> dict[tuple[str, ...], Statement]:
    regulation = side.parts.get(service)
    return {statement.path: statement for statement in statements(regulation)} if regulation else {}


def _said(statement: Statement | None) -> tuple[str, str, str | None] | None:
    return (statement.value, statement.unit, statement.source) if statement else None
