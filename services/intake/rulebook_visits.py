"""Reading the visits section of the rulebooks."""

from __future__ import annotations

from services.intake.domain.duty.visit import Purpose, VisitRules
from shared.regulations.fields import REQUIRED, Flag, Many, Row, Table, Text, Whole, source, sourced


class _PurposeRow(Row):
    builds = Purpose
    code = Text(**REQUIRED)
    name = Text(**REQUIRED)
    counter = Text(**REQUIRED)
    source = source()


class VisitsRow(Row):
    """The section ``visits``; every key may be left out."""

    builds = VisitRules
    purposes = Table(_PurposeRow())
    entitled = sourced(Flag())
    approval = sourced(Flag())
    identity = sourced(Whole(least=1))
    outcome = sourced(Flag())
    listed = sourced(Many(Text(), least=1))
