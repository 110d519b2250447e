"""Single values in the definitions of registers: what may stand at a key, and what is said of what may not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal, InvalidOperation

import marshmallow

from shared.clocks import Before, WarnPoint
from shared.regulations.fields import Many, Text, Value, Whole, read_each
from shared.worktime import WorktimeError

_YEAR_DAY = re.compile(r"\d\d-\d\d", re.ASCII)
#: A year that has every day.
_LEAP_YEAR = 2024
_CLOCK_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


class Plain(Value[object]):
    """A value to compare with or to fill in: text, a number, a truth, or a list of them."""

    def read(self, value: object) -> object:
        """Read one value; numbers stay exact."""
        if isinstance(value, list):
            return tuple(self.read(each) for each in value)
        if isinstance(value, bool) or (isinstance(value, str) and value.strip()):
            return value
        if isinstance(value, int):
            return str(value)
        raise marshmallow.ValidationError(f"must be text, a whole number or true or false: {value!r}")


class Number(Value[Decimal]):
    """A number, also below 0: whole, or decimals in quotes."""

    def read(self, value: object) -> Decimal:
        """Read one value."""
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise marshmallow.ValidationError(f"must be a number, decimals in quotes: {value!r}")
        try:
            number = Decimal(value)
        except InvalidOperation:
            raise marshmallow.ValidationError(f"is not a number: {value!r}") from None
        if not number.is_finite():
            raise marshmallow.ValidationError(f"is not a number: {value!r}")
        return number


class Pattern(Text):
    """A regular expression."""

    def read(self, value: object) -> str:
        """Read one value."""
        text = super().read(value)
        try:
            re.compile(text)
        except re.error as error:
            raise marshmallow.ValidationError(f"is no regular expression: {error}") from None
        return text


class ClockTime(Text):
    """A time of day such as "17:30"."""

    def read(self, value: object) -> str:
        """Read one value."""
        text = super().read(value)
        if not _CLOCK_TIME.fullmatch(text):
            raise marshmallow.ValidationError(f'must be a time of day such as "17:30": {value!r}')
        return text


class YearDay(Text):
    """A day of any year such as "04-30"; "02-29" is the last of February."""

    def read(self, value: object) -> str:
        """Read one value."""
        text = super().read(value)
        try:
            if not _YEAR_DAY.fullmatch(text):
                raise ValueError
            date.fromisoformat(f"{_LEAP_YEAR}-{text}")
        except ValueError:
            raise marshmallow.ValidationError(
                f'must be a day of the year such as "04-30": {value!r}'
            ) from None
        return text


class Options(Value[tuple[tuple[str, str], ...]]):
    """A mapping of codes to names."""

    def read(self, value: object) -> tuple[tuple[str, str], ...]:
        """Read the mapping."""
        if not isinstance(value, Mapping) or not value:
            raise marshmallow.ValidationError("must be a mapping of codes to names")
        return read_each(value, lambda code, name: (Text().read(code), Text().read(name)))


class Codes(Value[tuple[str, ...]]):
    """One code, or a list of codes."""

    def read(self, value: object) -> tuple[str, ...]:
        """Read them."""
        if isinstance(value, str):
            value = [value]
        return Many(Text()).read(value)


class Fills(Value[tuple[tuple[str, object], ...]]):
    """A mapping of fields to what stands in them."""

    def read(self, value: object) -> tuple[tuple[str, object], ...]:
        """Read the mapping."""
        if not isinstance(value, Mapping) or not value:
            raise marshmallow.ValidationError("must be a mapping of fields to values")
        return read_each(value, lambda code, given: (Text().read(code), Plain().read(given)))


class Copies(Value[tuple[tuple[str, tuple[str, ...]], ...]]):
    """A mapping of fields to the field, or the fields, they are copied from."""

    def read(self, value: object) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Read the mapping."""
        if not isinstance(value, Mapping) or not value:
            raise marshmallow.ValidationError("must be a mapping of fields to fields")
        return read_each(value, lambda code, given: (Text().read(code), Codes().read(given)))


class Hours(Value[tuple[str, str]]):
    """Two times of one day, the earlier first."""

    def read(self, value: object) -> tuple[str, str]:
        """Read both."""
        times = Many(ClockTime()).read(value)
        if len(times) != len(("begins", "ends")) or times[0] >= times[1]:
            raise marshmallow.ValidationError("must be two times of day, the earlier first")
        return times[0], times[1]


class Point(Value[WarnPoint]):
    """A percentage of the time that has passed, or ``{amount, unit}`` before its end."""

    def read(self, value: object) -> WarnPoint:
        """Read one point."""
        if not isinstance(value, Mapping):
            return Whole(least=1, most=99).read(value)
        if set(value) != {"amount", "unit"}:
            raise marshmallow.ValidationError("must be a percentage, or amount and unit")
        try:
            return Before(value["amount"], value["unit"])
        except WorktimeError as error:
            raise marshmallow.ValidationError(error.message) from None
