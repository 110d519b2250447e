"""Marshmallow fields for rulebooks: values with a source, tables of rows, durations.

Nothing is coerced: text is no number, a number is no truth value, and money is never a float.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, ClassVar, TypeVar

import marshmallow
from marshmallow import RAISE, fields, post_load

from shared.regulations.values import Sourced
from shared.worktime.durations import DAY_UNITS, Duration
from shared.worktime.errors import WorktimeError

Read = TypeVar("Read")

#: The arguments of a field that must be there.
REQUIRED: dict[str, Any] = {"required": True, "error_messages": {"required": "is missing"}}


class Value(fields.Field[Read]):
    """A field that is read by ``read`` alone; base of all others here and of a service's own."""

    def read(self, value: object) -> Read:
        """Return what ``value`` means, or raise marshmallow.ValidationError."""
        raise NotImplementedError

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Read:  # noqa: ARG002 - marshmallow's signature
        return self.read(value)


class Flag(Value[bool]):
    """``true`` or ``false``, nothing else."""

    def read(self, value: object) -> bool:
        """Read one value."""
        if not isinstance(value, bool):
            raise marshmallow.ValidationError(f"must be true or false: {value!r}")
        return value


class Whole(Value[int]):
    """A whole number of at least ``least``."""

    def __init__(self, *, least: int = 0, most: int | None = None, **kwargs: Any) -> None:
        """Take numbers from ``least`` to ``most``, both included."""
        super().__init__(**kwargs)
        self._least, self._most = least, most

    def read(self, value: object) -> int:
        """Read one value."""
        if isinstance(value, bool) or not isinstance(value, int):
            raise marshmallow.ValidationError(f"must be a whole number: {value!r}")
        if value < self._least or (self._most is not None and value > self._most):
            upper = f" to {self._most}" if self._most is not None else " up"
            raise marshmallow.ValidationError(f"must be from {self._least}{upper}: {value}")
        return value


class Exact(Value[Decimal]):
    """A number kept exactly, not negative: a whole number, or decimals written in quotes."""

    def read(self, value: object) -> Decimal:
        """Read one value."""
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise marshmallow.ValidationError(
                f'must be a whole number, or decimals in quotes such as "0.50": {value!r}'
            )
        try:
            number = Decimal(value)
        except InvalidOperation:
            raise marshmallow.ValidationError(f"is not a number: {value!r}") from None
        if not number.is_finite() or number < 0:
            raise marshmallow.ValidationError(f"must be a number of at least 0: {value!r}")
        return number


class Text(Value[str]):
    """Text that is not blank."""

    def read(self, value: object) -> str:
        """Read one value."""
        if not isinstance(value, str) or not value.strip():
            raise marshmallow.ValidationError(f"must be text: {value!r}")
        return value


class OneOf(Value[StrEnum]):
    """One of the values of an enumeration."""

    def __init__(self, kind: type[StrEnum], **kwargs: Any) -> None:
        """Take the values of ``kind``."""
        super().__init__(**kwargs)
        self._kind = kind

    def read(self, value: object) -> StrEnum:
        """Read one value."""
        for member in self._kind:
            if value == member.value:
                return member
        raise marshmallow.ValidationError(f"must be one of {', '.join(self._kind)}: {value!r}")


class Many(Value[tuple[Any, ...]]):
    """A list whose entries are all read by ``inner``; gives a tuple."""

    def __init__(self, inner: fields.Field[Any], *, least: int = 0, **kwargs: Any) -> None:
        """Demand at least ``least`` entries, all different."""
        super().__init__(**kwargs)
        self._inner, self._least = inner, least

    def read(self, value: object) -> tuple[Any, ...]:
        """Read one value."""
        if not isinstance(value, list):
            raise marshmallow.ValidationError("must be a list")
        if len(value) < self._least:
            raise marshmallow.ValidationError(f"must have at least {self._least} entries")
        read = read_each(dict(enumerate(value)), lambda _, entry: self._inner.deserialize(entry))
        codes = [getattr(entry, "code", entry) for entry in read]
        for code in codes:
            if codes.count(code) > 1:
                raise marshmallow.ValidationError(f"{code!r} is listed more than once")
        return read


class Table(Value[tuple[Any, ...]]):
    """A mapping of codes to rows; gives the rows in the order of the file, each with its code filled in."""

    def __init__(self, row: Row, *, key: str = "code", **kwargs: Any) -> None:
        """Put the code of a row into its field ``key``."""
        super().__init__(**kwargs)
        self._row, self._key = row, key

    def read(self, value: object) -> tuple[Any, ...]:
        """Read one value."""
        if not isinstance(value, Mapping):
            raise marshmallow.ValidationError("must be a mapping of codes to rows")
        return read_each(value, self._read_row)

    def _read_row(self, code: object, row: object) -> object:
        if not isinstance(code, str) or not isinstance(row, Mapping):
            raise marshmallow.ValidationError("must be a code with a mapping")
        if self._key in row:
            raise marshmallow.ValidationError(f"{self._key!r} is the key of the row and may not stand in it")
        return self._row.load({**row, self._key: code})


class Row(marshmallow.Schema):
    """A mapping with known keys that becomes an object of ``builds``, which gets each value by its name."""

    builds: ClassVar[Callable[..., Any]]

    class Meta:
        """Refuse what is not declared."""

        unknown = RAISE

    error_messages: dict[str, str] = {"unknown": "unknown key", "type": "must be a mapping"}  # noqa: RUF012 - as marshmallow declares it

    @post_load
    def _build(self, data: dict[str, Any], **_: object) -> object:
        return type(self).builds(**data)


def nested(row: Row, **kwargs: Any) -> fields.Field[Any]:
    """Return a field that reads one ``row``."""
    return fields.Nested(row, **kwargs)


def source() -> fields.Field[str]:
    """Return the field for the rule a value comes from; its form is checked when the file is read."""
    return Text(required=True, error_messages={"required": "is missing: every value names its source"})


class _SourcedRow(Row):
    builds = Sourced
    source = source()


def sourced(inner: fields.Field[Any], **kwargs: Any) -> fields.Field[Any]:
    """Return a field for ``{value: …, source: …}`` that gives a ``Sourced``."""
    inner.required = True
    inner.error_messages["required"] = "is missing"
    return fields.Nested(_SourcedRow.from_dict({"value": inner}), **kwargs)


class _DurationRow(Row):
    amount = Whole(least=1, required=True)
    unit = Text(required=True)
    from_next_day = Flag(load_default=False)
    end_of_day = Flag(load_default=False)
    source = source()

    @staticmethod
    def builds(*, source: str, **duration: Any) -> Sourced[Duration]:
        """Build the duration; what it refuses itself, such as an unknown unit, is a problem of the file."""
        try:
            built = Duration(**duration)
        except WorktimeError as error:
            raise marshmallow.ValidationError(error.message) from None
        if built.unit not in DAY_UNITS and (built.from_next_day or built.end_of_day):
            days = " and ".join(sorted(DAY_UNITS))
            raise marshmallow.ValidationError(
                f"from_next_day and end_of_day go with {days}, not {built.unit}"
            )
        return Sourced(built, source)


def sourced_duration(**kwargs: Any) -> fields.Field[Any]:
    """Return a field for a duration with its source; gives ``Sourced[Duration]``."""
    return fields.Nested(_DurationRow(), **kwargs)


def read_each(entries: Mapping[Any, object], read: Callable[[Any, Any], Read]) -> tuple[Read, ...]:
    """Return ``read(key, value)`` of all ``entries``; raises one ValidationError with the problems of all."""
    done: list[Read] = []
    problems: dict[Any, Any] = {}
    for key, entry in entries.items():
        try:
            done.append(read(key, entry))
        except marshmallow.ValidationError as error:
            problems[key] = error.messages
    if problems:
        raise marshmallow.ValidationError(problems)
    return tuple(done)
