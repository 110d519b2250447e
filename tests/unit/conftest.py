"""Reading the profiles of the repository once for all unit tests of a process: they do not change meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from shared.regulations import loading

_SERVICES = Path(__file__).parents[2] / "services"
_read_profiles: Callable[..., Any] = loading._read_profiles
_profile: Callable[..., Any] = loading._Builder.profile
_documents: dict[object, tuple[Any, tuple[Any, ...]]] = {}
_built: dict[object, tuple[Any, tuple[Any, ...]]] = {}


def _profiles_once(directory: Path, refuse_source: Any, faults: list[Any]) -> Any:
    if not directory.is_relative_to(_SERVICES):
        return _read_profiles(directory, refuse_source, faults)
    key = directory, refuse_source
    if key not in _documents:
        found: list[Any] = []
        _documents[key] = _read_profiles(directory, refuse_source, found), tuple(found)
    (names, documents), known = _documents[key]
    faults.extend(known)
    return names, dict(documents)


def _profile_once(self: Any, name: str, faults: list[Any]) -> Any:
    chain = self._chains[name]
    if not Path(chain[-1].file).is_relative_to(_SERVICES):
        return _profile(self, name, faults)
    # The documents are those kept above, so that an id stands for what it stood for.
    key = self._service, name, tuple(map(id, chain))
    if key not in _built:
        found: list[Any] = []
        _built[key] = _profile(self, name, found), tuple(found)
    regulations, known = _built[key]
    faults.extend(known)
    return regulations


setattr(loading, "_read_profiles", _profiles_once)  # noqa: B010 - to a type checker a function stays what it is
setattr(loading._Builder, "profile", _profile_once)  # noqa: B010
