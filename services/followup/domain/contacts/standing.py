"""When a customer was last in contact, and until when the next contact is due (客户联系周期)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from typing import ClassVar
from zoneinfo import ZoneInfo

from services.followup.domain.contacts.quotas import Quota
from shared.history import Cause
from shared.ids import derived_id
from shared.regulations.values import Sourced
from shared.timed import Timed
from shared.worktime import Calendar

#: The clock that runs from one contact to the next.
NEXT_CONTACT = "next_contact"


@dataclass(kw_only=True)
class Standing(Timed):
    """One customer under one quota that gives an interval."""

    subject: ClassVar[str] = "contact_standing"

    quota: str
    customer_id: str
    last_on: date | None = None

    def contacted(
        self,
        quota: Quota,
        last_on: date | None,
        calendar: Calendar,
        zone: ZoneInfo,
        at: datetime,
        cause: Cause,
    ) -> bool:
        """Take the day of the last contact as it is now known; return whether that changed anything.

        A later day meets the clock; a day that a correction took back only moves its beginning.
        """
        if last_on == self.last_on:
            return False
        if self.last_on is not None and last_on is not None and last_on > self.last_on:
            self.meet_clock(NEXT_CONTACT, at, cause)
        self.last_on = last_on
        if last_on is None or quota.within is None:
            self.drop_clock(NEXT_CONTACT, at, cause)
            return True
        since = datetime.combine(last_on, time.min, zone)
        due = Sourced(quota.within.value, quota.source)
        self.begin_clock(NEXT_CONTACT, due, calendar, at, cause, since=since)
        return True


def standing_id(org: str, quota: str, customer_id: str) -> str:
    """Return the id of how a customer stands under a quota."""
    return derived_id("cs", org, quota, customer_id)
