"""Use case: tell a caller what to say. The names in it are the caller's, and kept nowhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from services.followup.domain.callback import Callback
from services.followup.domain.rulebook import FollowupRules
from services.followup.domain.scripts import Script, say, variables_of
from services.followup.errors import no_callback, no_script
from services.followup.handlers.recording import local_day
from shared.clock import Clock
from shared.regulations import Rulebooks


class Callbacks(Protocol):
    """Where callbacks are found."""

    def callback(self, callback_id: str, org: str) -> Callback | None:
        """Return one callback."""
        ...


class Scripts:
    """What to say, by the rulebook of the callback or by the one in force."""

    def __init__(self, callbacks: Callbacks, rulebooks: Rulebooks[FollowupRules], clock: Clock) -> None:
        """Wish customers well by the day it is where they are."""
        self._callbacks, self._rulebooks, self._clock = callbacks, rulebooks, clock

    def words(self, org: str, query: Mapping[str, Any]) -> dict[str, Any]:
        """Return what to say on the callback ``id``, or by the script ``script``; NotFound for what is not there.

        Raises what ``say`` raises.
        """
        now = self._clock.now()
        rules, script = self._script(org, query)
        values = {"company": self._rulebooks.organisation(org).name, **query["values"]}
        said = say(
            script,
            rules.festivals,
            answer=query["answer"],
            values=values,
            today=local_day(self._rulebooks, org, now),
            more_questions=query["more_questions"],
        )
        return {
            "script": script.code,
            "version": script.version,
            "source": script.source,
            "courses": list(script.courses.value) if script.courses else [],
            "answers": list(script.answers()),
            "steps": [
                {
                    "step": each.step.code,
                    "part": each.step.part.value,
                    "text": each.text,
                    "question": each.step.question,
                    "variables": list(variables_of(each.step.text)),
                    "source": each.step.source,
                }
                for each in said
            ],
        }

    def _script(self, org: str, query: Mapping[str, Any]) -> tuple[FollowupRules, Script]:
        if query["id"] is None:
            rules = self._rulebooks.for_org(org, self._clock.now()).sections
            script = rules.script(query["script"])
        else:
            callback = self._callbacks.callback(query["id"], org)
            if callback is None:
                raise no_callback(query["id"])
            rules = self._rulebooks.of_version(org, callback.regulation).sections
            script = next((each for each in rules.scripts if callback.rule in each.callbacks), None)
        if script is None:
            raise no_script(query["script"] or query["id"])
        return rules, script
