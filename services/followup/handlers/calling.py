"""Use cases of those who call back before they call: take a callback, and move it to the time the customer asks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.followup.domain.callback import Callback
from services.followup.domain.rulebook import CallbackRule, FollowupRules
from services.followup.errors import no_rule
from services.followup.handlers.views import callback_view
from services.followup.handlers.when import CallTimes
from shared.acting import Shelf, change
from shared.clock import Clock
from shared.handling import Calling
from shared.history import Cause
from shared.regulations import Rulebooks


class AgreeCalls:
    """Each of two who take the same callback at once is told who has it."""

    def __init__(
        self, kept: Shelf[Callback], rulebooks: Rulebooks[FollowupRules], times: CallTimes, clock: Clock
    ) -> None:
        """A callback stays under the version of the rulebook it was made under."""
        self._kept, self._rulebooks, self._times, self._clock = kept, rulebooks, times, clock

    def take(self, call: Calling, data: Mapping[str, Any]) -> dict[str, Any]:
        """Let the caller have a callback; see ``Callback.claim`` for what is refused."""

        def step(callback: Callback, cause: Cause) -> None:
            callback.claim(call.actor, self._rule(callback), self._clock.now(), cause)

        return change(self._kept, call, data, "callback", step, self._view)

    def appoint(self, call: Calling, data: Mapping[str, Any]) -> dict[str, Any]:
        """Move a callback to the time agreed with the customer (预约); see ``Callback.appoint`` for what is refused."""

        def step(callback: Callback, cause: Cause) -> None:
            at = data["at"]
            permitted = self._times.permitted(callback, at)
            callback.appoint(at, permitted, self._rule(callback), self._clock.now(), cause)

        return change(self._kept, call, data, "callback", step, self._view)

    def _rule(self, callback: Callback) -> CallbackRule:
        rule = self._rulebooks.of_version(callback.org, callback.regulation).sections.callback(callback.rule)
        if rule is None:
            raise no_rule(callback.rule)
        return rule

    def _view(self, callback: Callback) -> dict[str, Any]:
        return callback_view(callback, self._clock.now())
