"""Calendar months, as an organisation's own time zone cuts them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

_DECEMBER = 12
_FORM = re.compile(r"20[0-9]{2}-(0[1-9]|1[0-2])")


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """One calendar month; ``number`` is 1 to 12."""

    year: int
    number: int

    @staticmethod
    def of(text: str) -> Month:
        """Read ``2026-11``; raises ValueError for anything but a month of the years 2000 to 2099."""
        if not _FORM.fullmatch(text):
            raise ValueError(f"{text!r} is no month such as 2026-11")
        return Month(int(text[:4]), int(text[5:]))

    @staticmethod
    def containing(moment: datetime, zone: str) -> Month:
        """Return the month that the aware ``moment`` falls into in the time zone ``zone`` (IANA)."""
        local = moment.astimezone(ZoneInfo(zone))
        return Month(local.year, local.month)

    @property
    def next(self) -> Month:
        """Return the month after this one."""
        return Month(self.year + 1, 1) if self.number == _DECEMBER else Month(self.year, self.number + 1)

    @property
    def previous(self) -> Month:
        """Return the month before this one."""
        return Month(self.year - 1, _DECEMBER) if self.number == 1 else Month(self.year, self.number - 1)

    def day(self, number: int) -> date:
        """Return the ``number``-th day of the month; ValueError if it has no such day."""
        return date(self.year, self.number, number)

    def begins(self, zone: str) -> datetime:
        """Return the month's first instant in ``zone``, in UTC."""
        return datetime(self.year, self.number, 1, tzinfo=ZoneInfo(zone)).astimezone(UTC)

    def ends(self, zone: str) -> datetime:
        """Return the first instant after the month in ``zone``, in UTC."""
        return self.next.begins(zone)

    def last_moment(self, zone: str) -> datetime:
        """Return the month's last millisecond in ``zone``, in UTC: whose rulebook a report follows."""
        return self.ends(zone) - timedelta(milliseconds=1)

    def __str__(self) -> str:
        return f"{self.year:04}-{self.number:02}"
