"""The stack as child processes whose clock a test sets, for all services at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from shared.clock import FixedClock
from tests.integration.process_stack import ROOT, ProcessStack

_YEAR = timedelta(days=400)


class MovableTime(ProcessStack):
    """The stack at a moment of the test's choice; from there its clock goes on as clocks do."""

    def __init__(
        self, ahead: Path, *, begin: datetime | None = None, environment: Mapping[str, str] | None = None
    ) -> None:
        """Keep how far the clock is ahead in the file ``ahead``; ``begin`` is when the services start, if not now."""
        self._ahead = ahead
        self.set(begin or datetime.now(UTC))
        place = f"{ROOT / 'tests/integration/moved_clock'}:{ROOT}"
        moved = {"PYTHONPATH": place, "TESTS_CLOCK_AHEAD": str(ahead)}
        super().__init__(environment={**moved, **(environment or {})})

    def set(self, moment: datetime) -> None:
        """Let it be ``moment`` now; it must not be earlier than it already was for the services."""
        self._moved_by = moment - datetime.now(UTC)
        whole = self._ahead.with_suffix(".new")
        whole.write_text(str(self._moved_by.total_seconds()), encoding="ascii")
        whole.rename(self._ahead)

    def token(
        self,
        org: str,
        roles: Collection[str],
        *,
        subject: str = "stf_test",
        lifetime: timedelta = _YEAR,
    ) -> str:
        """Return a token of the stack's own time that the months to come do not end."""
        clock = FixedClock(datetime.now(UTC) + self._moved_by)
        return self._secrets.issuer(clock=clock).issue(subject, org, roles, lifetime)
