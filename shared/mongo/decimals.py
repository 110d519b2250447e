"""Exact sums in documents: Decimal in the code, Decimal128 in the database, never a float."""

from __future__ import annotations

from decimal import Decimal
from typing import overload

from bson.decimal128 import Decimal128


@overload
def kept(value: Decimal) -> Decimal128: ...
@overload
def kept(value: None) -> None: ...
@overload
def kept(value: Decimal | None) -> Decimal128 | None: ...
def kept(value: Decimal | None) -> Decimal128 | None:
    """Return what is kept of ``value``, its decimals as they are."""
    return None if value is None else Decimal128(value)


@overload
def read(value: Decimal128) -> Decimal: ...
@overload
def read(value: None) -> None: ...
@overload
def read(value: Decimal128 | None) -> Decimal | None: ...
def read(value: Decimal128 | None) -> Decimal | None:
    """Return the sum that was kept."""
    return None if value is None else value.to_decimal()
