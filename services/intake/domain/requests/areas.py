"""Which area (片区) an address lies in: by its street, or by the sides of the lines it lies on."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

#: How people say on which side of a street, river or hill something lies, with the other side of it.
SIDES: Mapping[str, str] = {"以北": "以南", "以南": "以北", "以东": "以西", "以西": "以东"}
_BETWEEN = re.compile(r"[、,;\s]+")


@dataclass(frozen=True, slots=True)
class Area:
    """A part of the map: ``streets`` lie in it whole, ``borders`` are lines with the side inside (人民西路以北)."""

    code: str
    name: str
    streets: tuple[str, ...]
    borders: tuple[str, ...]
    source: str


def area_of(areas: Sequence[Area], address: str) -> str | None:
    """Return the one area that ``address`` lies in; None when it lies in none, or what it says fits several.

    An address is a street, or what lies around it, one after another: 人民西路以南、燕泉河以西.
    """
    said = {part for part in _BETWEEN.split(unicodedata.normalize("NFKC", address)) if part}
    fitting = [area.code for area in areas if _lies_in(area, said)]
    return fitting[0] if len(fitting) == 1 else None


def _lies_in(area: Area, said: set[str]) -> bool:
    beyond = {other_side(border) for border in area.borders}
    return not said.isdisjoint((*area.streets, *area.borders)) and said.isdisjoint(beyond)


def other_side(border: str) -> str | None:
    """Return the other side of the line that ``border`` names; None when it names no side."""
    side = SIDES.get(border[-2:])
    return f"{border[:-2]}{side}" if side and len(border) > len(side) else None
