"""Judging bodies by the contracts' schemas, and small changes to an example that a contract must notice."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from typing import Any

from jsonschema import Draft7Validator, FormatChecker, ValidationError
from jsonschema.validators import extend

Json = dict[str, Any]
#: Where something stands in a body: names of properties and positions in lists.
Place = tuple[str | int, ...]

_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})")
FORMATS = FormatChecker(formats=())


@FormatChecker.checks(FORMATS, "date-time", raises=ValueError)
def _is_moment(value: object) -> bool:
    if not isinstance(value, str):
        return True
    datetime.fromisoformat(value)
    return _MOMENT.fullmatch(value) is not None


@FormatChecker.checks(FORMATS, "date", raises=ValueError)
def _is_date(value: object) -> bool:
    return not isinstance(value, str) or bool(datetime.strptime(value, "%Y-%m-%d"))  # noqa: DTZ007 - a date has no zone


@lru_cache(maxsize=256)
def _pattern(text: str) -> re.Pattern[str]:
    """Return a pattern as ECMA 262 means it: $ is the very end, digits are those of ASCII."""
    return re.compile(re.sub(r"(?<!\\)\$", r"\\Z", text), re.ASCII)


def _matches(_: object, pattern: str, value: object, __: object) -> Iterator[ValidationError]:
    if isinstance(value, str) and not _pattern(pattern).search(value):
        yield ValidationError(f"{value!r} does not match {pattern!r}")


_Judge: Any = extend(Draft7Validator, {"pattern": _matches})  # type: ignore[no-untyped-call]  # the stubs lack it


def faults(body: Any, schema: Json) -> list[str]:
    """Return what is wrong with ``body``, one line a fault, empty when it is as ``schema`` says."""
    found = _Judge(schema, format_checker=FORMATS).iter_errors(body)
    return [f"{'.'.join(map(str, error.absolute_path)) or '(whole)'}: {error.message}" for error in found]


def places(body: Any, at: Place = ()) -> Iterator[tuple[Place, Any]]:
    """Yield every value in ``body`` with its place, the whole first."""
    yield at, body
    if isinstance(body, dict):
        for name, value in body.items():
            yield from places(value, (*at, name))
    if isinstance(body, list):
        for position, value in enumerate(body):
            yield from places(value, (*at, position))


def changed(body: Any, at: Place, value: Any) -> Any:
    """Return a copy of ``body`` with ``value`` at the place."""
    if not at:
        return value
    result = copy.deepcopy(body)
    node = result
    for step in at[:-1]:
        node = node[step]
    node[at[-1]] = value
    return result


def without(body: Any, at: Place) -> Any:
    """Return a copy of ``body`` without what stands at the place."""
    result = copy.deepcopy(body)
    node = result
    for step in at[:-1]:
        node = node[step]
    del node[at[-1]]
    return result
