"""Use case: what follows here from events, of intake and of followup itself, each once.

What happens to one thing because of another goes through the event: it is in the outbox from the moment the first
is written, so that nothing is lost when a process dies in between. A reaction must give the same when it is repeated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from marshmallow import Schema, ValidationError

from services.followup.domain.person import Known
from services.followup.handlers.people import People, known_by
from services.followup.schemas_own import OWN
from services.followup.schemas_people import TELLING
from shared.errors import KefuError, ValidationFailed
from shared.handling import Incoming
from shared.messaging.envelope import CloudEvent, Undecodable, decode, parse
from shared.messaging.problems import flatten_errors

#: What to do at an event of a service; safe to repeat.
Reaction = Callable[[CloudEvent], None]


class Consequences:
    """Takes whole batches; what they tell of people is written in one go."""

    def __init__(self, people: People, reactions: Mapping[tuple[str, str], Sequence[Reaction]]) -> None:
        """React with ``reactions``, by the service that tells and the type of its event."""
        self._people, self._reactions = people, reactions

    def __call__(self, source: str, deliveries: Sequence[Incoming]) -> None:
        """Act on each delivery, or give it up; raises what another try may help against."""
        known: list[Known] = []
        for delivery in deliveries:
            try:
                event = parse(decode(delivery.body, delivery.content_type))
                if source == "intake":
                    known += _told(event)
                elif event.type in OWN:
                    read_data(event, OWN[event.type])
                for react in self._reactions.get((source, event.type), ()):
                    react(event)
            except (Undecodable, KefuError) as error:
                if isinstance(error, KefuError) and error.transient:
                    raise
                delivery.dead(str(error))
        if known:
            self._people.note(known)


def _told(event: CloudEvent) -> list[Known]:
    schema = TELLING.get(event.type)
    if schema is None:
        return []
    known = known_by(event, read_data(event, schema))
    return [] if known is None else [known]


def read_data(event: CloudEvent, schema: Schema) -> Mapping[str, object]:
    """Return an event's data as ``schema`` reads it; ValidationFailed naming what is wrong, without the values."""
    try:
        data: Mapping[str, object] = schema.load(event.data)
    except ValidationError as error:
        problems = flatten_errors(error.normalized_messages(), "data")
        text = "; ".join(f"{problem.field}: {problem.reason}" for problem in problems)
        raise ValidationFailed(f"{event.type} has the wrong shape: {text}", problems=problems) from error
    return data
