"""Reading how things are numbered: a pattern that never gives the same number twice."""

from __future__ import annotations

from string import Formatter
from typing import Any

import marshmallow
from marshmallow import validates_schema

from shared.numbering import Numbering, Restart
from shared.regulations.fields import REQUIRED, OneOf, Row, Text, Whole, source

_PLACES = {"prefix", "date", "serial"}
#: How fine a date must be written so that a number that starts again cannot come twice.
_DATE_PARTS = {
    Restart.DAILY: ("%Y", "%m", "%d"),
    Restart.MONTHLY: ("%Y", "%m"),
    Restart.YEARLY: ("%Y",),
    Restart.NEVER: (),
}


class NumberingRow(Row):
    """How the things of one series are numbered."""

    builds = Numbering
    pattern = Text(**REQUIRED)
    date = Text(**REQUIRED)
    digits = Whole(least=1, most=12, **REQUIRED)
    restarts = OneOf(Restart, **REQUIRED)
    source = source()

    @validates_schema
    def _numbers_are_unique(self, data: dict[str, Any], **_: object) -> None:
        try:
            places = {name for _, name, _, _ in Formatter().parse(data["pattern"]) if name is not None}
        except ValueError as error:
            raise marshmallow.ValidationError(str(error), "pattern") from None
        if places != _PLACES:
            raise marshmallow.ValidationError(
                "must hold {prefix}, {date} and {serial}, nothing else", "pattern"
            )
        missing = [part for part in _DATE_PARTS[data["restarts"]] if part not in data["date"]]
        if missing:
            raise marshmallow.ValidationError(
                f"lacks {', '.join(missing)}, so a number that restarts {data['restarts']} would come twice",
                "date",
            )
