"""Whatever becomes of callbacks: each that is due was made, or somebody finds it in the list of gaps."""

from __future__ import annotations

import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from shared.errors import Conflict, RuleRefused, ValidationFailed
from tests.unit.followup.callback_world import Calls

_TRIES: dict[str, Any] = {
    "most": 2,
    "spacing": {"amount": 120, "unit": "minutes", "source": "organisation"},
    "source": "organisation",
}
picks = st.integers(0, 7)


class AnyCallbacks(RuleBasedStateMachine):
    """Members buy, agents call or do not, customers answer or do not, and time passes."""

    def __init__(self) -> None:
        super().__init__()
        self._place = tempfile.TemporaryDirectory()
        self.made = 0

    @initialize()
    def begin(self) -> None:
        self.calls = Calls(Path(self._place.name), "membership", callbacks={"member": {"attempts": _TRIES}})
        self.somebody_buys()

    def teardown(self) -> None:
        self._place.cleanup()

    @rule()
    def somebody_buys(self) -> None:
        now = self.calls.clock.now()
        self.made += 1
        self.calls.note("purchase", f"cu_{self.made}", now.isoformat()[:19])

    @rule(pick=picks, outcome=st.sampled_from(["satisfied", "dissatisfied", "unreachable"]))
    def somebody_calls(self, pick: int, outcome: str) -> None:
        all_of_them = self.calls.listed()
        try:
            self.calls.complete(all_of_them[pick % len(all_of_them)], outcome)
        except (RuleRefused, Conflict, ValidationFailed):
            return

    @rule(pick=picks, hours=st.integers(1, 100))
    def another_time_is_agreed_on(self, pick: int, hours: int) -> None:
        all_of_them = self.calls.listed()
        callback = all_of_them[pick % len(all_of_them)]
        when = self.calls.clock.now() + timedelta(hours=8 + hours)
        try:
            self.calls.appoint(callback, when.isoformat()[:19])
        except (RuleRefused, Conflict, ValidationFailed):
            return

    @rule(hours=st.integers(1, 90), ticks=st.booleans())
    def time_passes(self, hours: int, *, ticks: bool) -> None:
        self.calls.clock.advance(timedelta(hours=hours))
        if ticks:
            self.calls.app.fire_clocks()
            self.calls.follow()

    @precondition(lambda self: self.made)
    @invariant()
    def each_due_callback_was_made_or_is_a_gap(self) -> None:
        now = self.calls.clock.now()
        rows = self.calls.listed()
        assert sorted(row["customer_id"] for row in rows) == sorted(f"cu_{n + 1}" for n in range(self.made))
        missed = {
            row["callback_id"]
            for row in rows
            if row["state"] == "given_up"
            or (row["state"] == "open" and datetime.fromisoformat(row["due_at"]) <= now)
        }
        assert {row["callback_id"] for row in self.calls.listed(list="gaps")} == missed
        overdue = {row["callback_id"] for row in self.calls.listed(list="overdue")}
        assert overdue == {
            row["callback_id"] for row in rows if row["callback_id"] in missed and row["state"] == "open"
        }


TestCallbacks = AnyCallbacks.TestCase
TestCallbacks.settings = settings(
    max_examples=12, stateful_step_count=15, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
