"""What calls for callbacks beside replies on cases: closed requests, occasions, and callbacks that failed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from services.followup.domain.callback import About, Callback
from services.followup.domain.occasion import Occasion
from services.followup.domain.planning import Matter
from services.followup.domain.rulebook import Trigger
from services.followup.handlers.consequences import read_data
from services.followup.handlers.scheduling import Scheduler, cause_of
from services.followup.metrics import CALLBACKS_SCHEDULED
from services.followup.schemas import (
    CallbackFailedSchema,
    OccasionNotedSchema,
    RequestClosedSchema,
    RequestOpenedSchema,
)
from shared.acting import cause_of as cause_of_call
from shared.clock import Clock
from shared.errors import Conflict
from shared.handling import Calling
from shared.history import timestamp
from shared.ids import derived_id
from shared.messaging.envelope import CloudEvent


class Callbacks(Protocol):
    """What is needed of the callbacks' repository."""

    def get(self, aggregate_id: str, org: str) -> Callback | None:
        """Return one of ``org``."""
        ...

    def schedule(self, callbacks: Sequence[Callback]) -> Any:
        """Write callbacks; return which were new and which known."""
        ...


class Occasions(Protocol):
    """What is needed of the occasions' repository."""

    def get(self, aggregate_id: str, org: str) -> Occasion | None:
        """Return one of ``org``."""
        ...

    def insert(self, aggregate: Occasion) -> bool:
        """Write a new one; False when it is there."""
        ...

    def before(self, occasion: Occasion) -> set[str]:
        """Return the codes of what happened under the same reference before."""
        ...


class Requests(Protocol):
    """What is needed of what is known of requests."""

    def note(self, org: str, request_id: str, known: Mapping[str, str | datetime | None]) -> dict[str, Any]:
        """Add what one event tells and return all that is known."""
        ...


class NoteOccasions:
    """Use case of staff and of other systems: something happened with a customer."""

    def __init__(self, kept: Occasions, clock: Clock) -> None:
        """The callbacks follow from the event that is written with the occasion."""
        self._kept, self._clock = kept, clock

    def __call__(self, call: Calling, data: Mapping[str, Any]) -> dict[str, Any]:
        """Note an occasion once for its ``key``; Conflict when something else was noted under it."""
        occasion = Occasion(
            id=derived_id("oc", call.org, data["key"]),
            org=call.org,
            customer_id=data["customer_id"],
            occasion=data["occasion"],
            at=data["at"],
            unit=data["unit_id"],
            reference=data["reference"],
            handler=data["handler"],
            noted_at=self._clock.now(),
        )
        occasion.note(cause_of_call(call))
        if not self._kept.insert(occasion):
            known = self._kept.get(occasion.id, call.org)
            if known is None or _view(known) != _view(occasion):
                raise Conflict("the key was used for another occasion: take a new one")
        return _view(occasion)


class CallBack:
    """Reactions to events; each gives the same callbacks however often, and in whatever order, it is repeated."""

    def __init__(
        self,
        callbacks: Callbacks,
        occasions: Occasions,
        requests: Requests,
        scheduler: Scheduler,
    ) -> None:
        """Use the scheduler for what is to be made, the others for what is kept."""
        self._callbacks, self._occasions, self._requests = callbacks, occasions, requests
        self._scheduler = scheduler

    def request_opened(self, event: CloudEvent) -> None:
        """Remember whose request it is; its closing may have come before."""
        known = dict(read_data(event, _REQUEST_OPENED))
        self._request(event, str(known.pop("request_id")), known)

    def request_closed(self, event: CloudEvent) -> None:
        """Call back on a request that is closed, as soon as it is known whose it is."""
        request_id = str(read_data(event, _REQUEST_CLOSED)["request_id"])
        self._request(event, request_id, {"closed_at": event.time})

    def _request(self, event: CloudEvent, request_id: str, told: Mapping[str, Any]) -> None:
        known = self._requests.note(event.org, request_id, told)
        if known.get("closed_at") is None or known.get("customer_id") is None:
            return
        matter = Matter(
            About.REQUEST,
            reference=request_id,
            customer_id=known["customer_id"],
            happened_at=known["closed_at"],
            occasion=known["kind"],
            subtype=known["subtype"],
            contact_id=known["contact_id"],
        )
        self._schedule(event, Trigger.REQUEST_CLOSED, matter)

    def occasion_noted(self, event: CloudEvent) -> None:
        """Call back on an occasion."""
        occasion = self._occasions.get(str(read_data(event, _OCCASION)["occasion_id"]), event.org)
        if occasion is None:
            return
        matter = Matter(
            About.OCCASION,
            reference=occasion.id,
            customer_id=occasion.customer_id,
            happened_at=occasion.at,
            occasion=occasion.occasion,
            handler=occasion.handler,
            unit=occasion.unit,
        )
        self._schedule(event, Trigger.OCCASION, matter, self._occasions.before(occasion))

    def callback_failed(self, event: CloudEvent) -> None:
        """Call again on another level where the rulebook says so.

        A customer who was discontent with a case is called again after the case's next reply.
        """
        failed = self._callbacks.get(str(read_data(event, _FAILED)["callback_id"]), event.org)
        if failed is None or failed.about is About.CASE:
            return
        matter = Matter(
            About.CALLBACK,
            reference=failed.id,
            customer_id=failed.customer_id,
            happened_at=failed.ended_at or failed.replied_at,
            occasion=failed.rule,
            contact_id=failed.contact_id,
            handler=failed.handler,
            unit=failed.unit,
        )
        self._schedule(event, Trigger.CALLBACK_FAILED, matter)

    def _schedule(
        self, event: CloudEvent, trigger: Trigger, matter: Matter, before: Collection[str] = ()
    ) -> None:
        wanted = self._scheduler.called_for(event.org, trigger, matter, cause_of(event), before=before)
        if not wanted:
            return
        known = set(self._callbacks.schedule(wanted).known)
        for callback in wanted:
            if callback.id not in known:
                CALLBACKS_SCHEDULED.labels(rule=callback.rule).inc()


_REQUEST_OPENED, _REQUEST_CLOSED = RequestOpenedSchema(), RequestClosedSchema()
_OCCASION, _FAILED = OccasionNotedSchema(), CallbackFailedSchema()


def _view(occasion: Occasion) -> dict[str, Any]:
    return {
        "occasion_id": occasion.id,
        "customer_id": occasion.customer_id,
        "occasion": occasion.occasion,
        "at": timestamp(occasion.at),
        "unit_id": occasion.unit,
        "reference": occasion.reference,
        "handler": occasion.handler,
    }
