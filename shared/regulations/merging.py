"""Laying one layer of a rulebook over another, remembering which file said what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.regulations.errors import Fault


class Layers:
    """Sections merged from several files, the base first.

    Mappings merge, lists replace, ``null`` takes a value away. A mapping that names a ``source`` is one
    statement and replaces what it covers whole, so a value never keeps the source of another.
    """

    def __init__(self) -> None:
        """Begin with nothing."""
        self.sections: dict[str, Any] = {}
        self.faults: list[Fault] = []
        self._files: dict[str, str] = {}
        self._top = ""

    def lay(self, sections: Mapping[str, Any], file: str) -> None:
        """Lay ``sections`` of ``file`` over what is there; faults of the merge are kept in ``faults``."""
        self._top = file
        self.sections = self._merge(self.sections, sections, "", file)

    def file_of(self, path: str) -> str:
        """Return the file that said what stands at ``path`` or around it; the topmost file if none did."""
        while path:
            if path in self._files:
                return self._files[path]
            path = path.rpartition(".")[0]
        return self._top

    def _merge(
        self, base: Mapping[str, Any], over: Mapping[str, Any], place: str, file: str
    ) -> dict[str, Any]:
        merged = dict(base)
        for key, value in over.items():
            path = f"{place}.{key}" if place else str(key)
            if "source" in base and not isinstance(value, Mapping):
                reason = f"changes a value of {base['source']} without naming a source of its own"
                self.faults.append(Fault(file, path, reason))
            below = base.get(key)
            if value is None:
                merged.pop(key, None)
                self._files[path] = file
            elif isinstance(value, Mapping) and isinstance(below, Mapping) and "source" not in value:
                merged[key] = self._merge(below, value, path, file)
            else:
                merged[key] = value
                self._claim(value, path, file)
        return merged

    def _claim(self, node: object, place: str, file: str) -> None:
        self._files[place] = file
        if isinstance(node, Mapping):
            for key, value in node.items():
                self._claim(value, f"{place}.{key}", file)
        elif isinstance(node, list):
            for number, value in enumerate(node):
                self._claim(value, f"{place}.{number}", file)
