"""Made-up customers: names nobody bears, phone numbers nobody has, units of the right building."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from kefu.demo.trades import Trade, common_words

#: Where every phone number of the day begins; four digits follow.
PHONE_RANGES = ("1380000", "1390000")
_NUMBERS_PER_RANGE = 10_000


@dataclass(frozen=True, slots=True)
class Person:
    """One customer of one organisation."""

    kind: str
    name: str
    phone: str
    unit: str | None

    def as_data(self) -> dict[str, str]:
        """Return the JSON shape of the contact's customer."""
        shape = {"kind": self.kind, "name": self.name, "phone": self.phone}
        return shape if self.unit is None else {**shape, "unit": self.unit}


def phone_numbers(rng: Random) -> Iterator[str]:
    """Yield distinct made-up phone numbers in random order; ends after 20,000."""
    count = len(PHONE_RANGES) * _NUMBERS_PER_RANGE
    for number in rng.sample(range(count), k=count):
        span, rest = divmod(number, _NUMBERS_PER_RANGE)
        yield f"{PHONE_RANGES[span]}{rest:04d}"


class People:
    """The customers of one organisation: makes new ones and remembers those already made."""

    def __init__(self, trade: Trade, rng: Random, phones: Iterator[str]) -> None:
        """``phones`` yields numbers that no other organisation of the day uses."""
        self._trade = trade
        self._rng = rng
        self._phones = phones
        self._known: dict[str, list[Person]] = {}
        self._units = {kind: self._all_units(kind) for kind in trade.units}

    def new(self, kind: str) -> Person:
        """Return a customer of ``kind`` never seen before, in a unit nobody else has."""
        units = self._units.get(kind)
        person = Person(kind, self._name(kind), next(self._phones), units.pop() if units else None)
        self._known.setdefault(kind, []).append(person)
        return person

    def any(self, kind: str, share_known: float) -> Person:
        """Return a customer of ``kind``, by the chance of ``share_known`` one who has been here before."""
        known = self._known.get(kind)
        if known and self._rng.random() < share_known:
            return self._rng.choice(known)
        return self.new(kind)

    def _name(self, kind: str) -> str:
        words = common_words()
        parts: tuple[Sequence[str], ...]
        if kind == "company":
            parts = (words.firm_marks, words.firm_words, self._trade.firm_kinds)
        else:
            parts = (words.surnames, words.given_names)
        return "".join(self._rng.choice(part) for part in parts)

    def _all_units(self, kind: str) -> list[str]:
        layout = self._trade.units[kind]
        lowest, highest = layout.floors
        units = [
            layout.layout.format(building=building, floor=floor, door=door)
            for building in layout.buildings
            for floor in range(lowest, highest + 1)
            for door in range(1, layout.doors + 1)
        ]
        self._rng.shuffle(units)
        return units
