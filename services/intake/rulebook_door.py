"""Reading what the rulebooks say of the door for other systems."""

from __future__ import annotations

from services.intake.domain.door import Door
from shared.regulations.fields import REQUIRED, Row, Whole, sourced


class DoorRow(Row):
    """The section ``door``."""

    builds = Door
    rejected_an_hour = sourced(Whole(least=1), **REQUIRED)
