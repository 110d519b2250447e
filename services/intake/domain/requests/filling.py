"""What is filled in on requests: each value is read as its field says, and refused by the field's rule."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, TypeVar

from services.intake.domain.requests.rules import Demand, Field, PriceList, RequestRules, Shape, holds
from shared.errors import RuleRefused, ValidationFailed
from shared.history import moment_of, timestamp
from shared.regulations.values import DESIGN
from shared.worktime.counting import FIRST_YEAR, LAST_YEAR

_Day = TypeVar("_Day", bound=date)
_NUMBER = re.compile(r"\d{1,9}", re.ASCII)


def read_all(
    filled: Mapping[str, Any], asked: Sequence[str], rules: RequestRules, where: str
) -> dict[str, Any]:
    """Return the ``filled`` fields as they are kept; ValidationFailed when one is not among those ``asked``.

    Moments and days are kept as text, a fee is reckoned from what was charged for.
    """
    strange = sorted(set(filled) - set(asked))
    if strange:
        known = ", ".join(asked) or "nothing"
        raise ValidationFailed(f"{where} takes {known}, not {', '.join(strange)}")
    read = {code: _read(rules.field(code), value, rules.price_list) for code, value in filled.items()}
    for code in [code for code in read if rules.field(code).shape is Shape.PRICED]:
        read["fee"] = str(_fee(read[code], rules.price_list))
    if rules.areas and "street" in read:
        read["area"] = rules.area_of(read["street"])
    return read


def check_demands(demands: Sequence[Demand], known: Mapping[str, Any], taken: Sequence[str]) -> None:
    """Raise RuleRefused, by the rule of the demand, for the first of ``demands`` that is not met."""
    for demand in demands:
        if holds(demand.when, known) and not _met(demand, known, taken):
            what = demand.field or f"the action {demand.action}"
            wanted = f" as one of {', '.join(map(str, demand.values))}" if demand.values else ""
            raise RuleRefused(f"{what} is needed before this{wanted}", rule=demand.source)


def _met(demand: Demand, known: Mapping[str, Any], taken: Sequence[str]) -> bool:
    if demand.action:
        return demand.action in taken
    value = known.get(demand.field or "")
    if demand.values:
        return (False if value is None else value) in demand.values
    if demand.holds:
        return str(known.get(demand.holds, "")) in str(value or "")
    return value not in (None, "", [])


def _read(field: Field, value: object, prices: PriceList | None) -> Any:
    read = _value(field, value)
    if read is None:
        raise RuleRefused(
            f"{field.code} must be a {field.shape.value}{_bounds(field)}, not {value!r}", rule=field.source
        )
    if field.shape is Shape.PRICED:
        listed = {item.code for item in prices.items} if prices else set()
        strange = [item for item in read if item not in listed]
        if strange:
            raise RuleRefused(
                f"{', '.join(strange)} is not on the price list", rule=prices.source if prices else DESIGN
            )
    return read


def _bounds(field: Field) -> str:
    if field.shape is Shape.CHOICE:
        return f" of {', '.join(field.choices)}"
    return f" of at least {field.least}" if field.shape is Shape.COUNT else ""


def _value(field: Field, value: object) -> Any:
    """Return ``value`` as it is kept; None when it is none of that shape."""
    if field.shape is Shape.FLAG:
        return value if isinstance(value, bool) else None
    if field.shape is Shape.PRICED:
        return list(value) if isinstance(value, list) else None
    if not isinstance(value, str) or not value.strip():
        return None
    try:
        return _TEXTS[field.shape](field, value)
    except (ValueError, OverflowError):
        return None


_TEXTS: Mapping[Shape, Callable[[Field, str], Any]] = {
    Shape.TEXT: lambda _, value: value,
    Shape.COUNT: lambda field, value: (
        int(value) if _NUMBER.fullmatch(value) and int(value) >= field.least else None
    ),
    Shape.CHOICE: lambda field, value: value if value in field.choices else None,
    Shape.MOMENT: lambda _, value: timestamp(_countable(moment_of(value))),
    Shape.DAY: lambda _, value: _countable(date.fromisoformat(value)).isoformat(),
}


def _countable(day: _Day) -> _Day:
    """Return ``day``; ValueError where a clock that ends on it would leave the years that are counted."""
    if not FIRST_YEAR < day.year < LAST_YEAR:
        message = f"{day.year} is outside the years that are counted"
        raise ValueError(message)
    return day


def _fee(items: Sequence[str], prices: PriceList | None) -> Decimal:
    by_code = {item.code: item.price for item in prices.items} if prices else {}
    return sum((by_code[item] for item in items), Decimal(0))
