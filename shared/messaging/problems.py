"""Turning a schema's complaints into the system's own problems."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields

from shared.errors import Problem

_LONGEST_NAME = 80


def flatten_errors(messages: Mapping[Any, Any], prefix: str = "") -> tuple[Problem, ...]:
    """Return marshmallow's nested messages as problems with dotted field names."""
    problems: list[Problem] = []
    for name, value in messages.items():
        if name == "_schema":
            path = prefix or "(whole)"
        else:
            # A field name is the sender's own text: keep it short and printable.
            shown = "".join(c if c.isprintable() else "?" for c in str(name))[:_LONGEST_NAME]
            path = f"{prefix}.{shown}" if prefix else shown
        if isinstance(value, Mapping):
            problems.extend(flatten_errors(value, path))
        else:
            reasons = value if isinstance(value, list) else [value]
            problems.extend(Problem(path, str(reason)) for reason in reasons)
    return tuple(problems)


#: What a field is called that no schema declares.
UNDECLARED = "(undeclared)"


def declared_field(schema: Schema, path: str) -> str:
    """Return the dotted ``path`` of a field as far as ``schema`` declares it; its places in lists are left out."""
    known: list[str] = []
    place: Any = schema
    for part in path.split("."):
        while isinstance(place, fields.List):
            place = place.inner
        if part.isdigit():
            continue
        if isinstance(place, fields.Nested):
            place = place.schema
        declared = place.fields if isinstance(place, Schema) else {}
        names = {each.data_key or name: each for name, each in declared.items()}
        if part not in names:
            break
        known.append(part)
        place = names[part]
    return ".".join(known) or UNDECLARED
