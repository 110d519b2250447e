"""A rulebook taken apart into statements: each value with its path, unit, source and file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from shared.regulations import Regulation
from shared.worktime import Duration

_DURATION = ("amount", "unit", "from_next_day", "end_of_day")


@dataclass(frozen=True, slots=True)
class Statement:
    """One value of a rulebook.

    ``path`` names the rows of a list by their code; ``value`` and ``unit`` are readable text; ``source`` is
    ``None`` for what only frames other values, such as the start and the end of a clock; ``file`` is the
    file that says it, so the layer it was inherited from.
    """

    path: tuple[str, ...]
    value: str
    unit: str
    source: str | None
    file: str

    @property
    def layer(self) -> str:
        """The name of the profile or organisation that says it."""
        return Path(self.file).stem

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON shape."""
        return {
            "path": ".".join(self.path),
            "value": self.value,
            "unit": self.unit or None,
            "source": self.source,
            "layer": self.layer,
            "file": self.file,
        }


def statements(regulation: Regulation[Any]) -> Iterator[Statement]:
    """Yield every statement of a regulation, in the order of its files, the base's first."""
    yield from _Walk(regulation).through(regulation.content, (), "", None)


def unarmed(sections: Any) -> tuple[str, ...]:
    """Return the names of the sections a rulebook leaves empty, so that their mechanism rests."""
    return tuple(part.name for part in fields(sections) if getattr(sections, part.name) in (None, ()))


def duration_text(duration: Duration) -> str:
    """Return a duration in words, such as ``3 working days, from the next day, to the end of the day``."""
    shape = {name: getattr(duration, name) for name in _DURATION}
    return f"{duration.amount} {_unit(shape)}"


class _Walk:
    def __init__(self, regulation: Regulation[Any]) -> None:
        self._file_of = regulation.file_of

    def through(
        self, node: Mapping[str, Any], path: tuple[str, ...], place: str, around: str | None
    ) -> Iterator[Statement]:
        """Yield the statement that ``node`` makes itself, then those inside it."""
        source = node.get("source", around)
        own = {key: value for key, value in node.items() if key != "source" and not _sourced(value)}
        if own:
            value, unit = _render(own)
            yield Statement(path, value, unit, source, self._file_of(place))
        for key, value in node.items():
            if not _sourced(value):
                continue
            inner = f"{place}.{key}" if place else key
            if isinstance(value, Mapping):
                yield from self.through(value, (*path, key), inner, source)
            else:
                for number, row in enumerate(value):
                    name = str(row.get("code") or row.get("role") or number + 1)
                    yield from self.through(row, (*path, key, name), f"{inner}.{number}", source)


def _sourced(node: object) -> bool:
    """Tell whether anything at or below ``node`` names a source of its own."""
    if isinstance(node, Mapping):
        return "source" in node or any(_sourced(value) for value in node.values())
    return isinstance(node, list) and any(_sourced(row) for row in node)


def _render(own: Mapping[str, Any]) -> tuple[str, str]:
    """Return value and unit of a statement's own keys, the code left out since the path ends with it."""
    if "amount" in own and "unit" in own:
        rest = {key: value for key, value in own.items() if key not in _DURATION}
        return " ".join(filter(None, (str(own["amount"]), _pairs(rest)))), _unit(own)
    if set(own) == {"value"}:
        return _text(own["value"]), ""
    first = [_text(own["name"])] if "name" in own else []
    rest = {key: value for key, value in own.items() if key not in ("name", "code")}
    return ", ".join([*first, *filter(None, [_pairs(rest)])]), ""


def _unit(own: Mapping[str, Any]) -> str:
    words = [str(own["unit"]).replace("_", " ")]
    if own.get("from_next_day"):
        words.append("from the next day")
    if own.get("end_of_day"):
        words.append("to the end of the day")
    return ", ".join(words)


def _pairs(rest: Mapping[str, Any]) -> str:
    return ", ".join(f"{key}: {_text(value)}" for key, value in rest.items())


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return _mapping_text(value)
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    return str(value)


def _mapping_text(value: Mapping[str, Any]) -> str:
    """Return a row such as a grant, a span or a level's tests; what is merely true is named alone."""
    if "role" in value:
        channels = value.get("channels")
        return f"{value['role']} (by {_text(channels)})" if channels else str(value["role"])
    if set(value) == {"amount", "unit"}:
        return f"{value['amount']} {_unit(value)}"
    return ", ".join(key if inner is True else f"{key} {_text(inner)}" for key, inner in value.items())
