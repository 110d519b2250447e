"""Builds callbacks and messages from what happened on a case, by the organisation's rulebook and calendar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from services.followup.domain.callback import CLOCK, Callback
from services.followup.domain.facts import CaseOpened, CaseReplied, ContactAttempted
from services.followup.domain.message import Message
from services.followup.domain.planning import Planned, callbacks_for_reply
from services.followup.domain.rulebook import FollowupRules
from services.followup.errors import no_callback_rule, no_template
from shared.clock import Clock
from shared.clocks.clock import Deadline
from shared.errors import Problem, ValidationFailed
from shared.history import Cause
from shared.ids import derived_id
from shared.messaging.envelope import CloudEvent
from shared.regulations import Organisation, Regulation, Rulebooks
from shared.worktime import Calendars, WorktimeError

#: Who acts when nobody does: the service itself.
SYSTEM = "system"


class Scheduler:
    """Knows the rulebooks and calendars; does no I/O."""

    def __init__(self, rulebooks: Rulebooks[FollowupRules], calendars: Calendars, clock: Clock) -> None:
        """Everything is scheduled under the rulebook in force when it happened."""
        self._rulebooks = rulebooks
        self._calendars = calendars
        self._clock = clock

    def callbacks(self, event: CloudEvent, fact: CaseReplied) -> list[Callback]:
        """Return the callbacks the reply calls for, ready to be written.

        Their ids follow from case, rule and round, so the same reply always gives the same callbacks.
        Raises NotFound for an organisation without a rulebook or a rulebook without the callback the case
        needs, ValidationFailed when the time cannot be reckoned with.
        """
        organisation = self._rulebooks.organisation(event.org)
        regulation = self._rulebooks.for_org(event.org, fact.replied_at)
        planned = callbacks_for_reply(
            regulation.sections, valid=fact.valid, needs_callback=fact.needs_callback
        )
        if fact.needs_callback and not planned:
            raise no_callback_rule(event.org)
        return [self._callback(plan, organisation, regulation, event, fact) for plan in planned]

    def message(self, event: CloudEvent, fact: ContactAttempted) -> Message | None:
        """Return the message to be sent at once, if any; its id follows from the event, so it is sent once.

        Raises NotFound for an organisation without a rulebook, or a rulebook without the template.
        """
        if fact.message is None:
            return None
        regulation = self._rulebooks.for_org(event.org, fact.attempted_at)
        return self._message(event, fact, regulation, fact.message, fact.attempted_at, {})

    def receipt(self, event: CloudEvent, fact: CaseOpened) -> Message | None:
        """Return the receipt for a complaint whose channel the rulebook wants one for, else None; as ``message``."""
        regulation = self._rulebooks.for_org(event.org, fact.opened_at)
        rule = regulation.sections.receipt
        if rule is None or fact.channel not in rule.channels:
            return None
        return self._message(event, fact, regulation, rule.message, fact.opened_at, {"number": fact.number})

    def _message(
        self,
        event: CloudEvent,
        fact: CaseOpened | ContactAttempted,
        regulation: Regulation[FollowupRules],
        code: str,
        at: datetime,
        variables: Mapping[str, str],
    ) -> Message:
        template = regulation.sections.message(code)
        if template is None:
            raise no_template(code)
        message = Message(
            id=derived_id("ms", event.source, event.id),
            org=event.org,
            template=template.code,
            template_source=template.source,
            regulation=regulation.version,
            case_id=fact.case_id,
            contact_id=fact.contact_id,
            customer_id=fact.customer_id,
            # Who sends, and the case's number: neither is personal, or the customer's own words.
            variables={"sender": self._rulebooks.organisation(event.org).name, **variables},
            attempted_at=at,
            requested_at=self._clock.now(),
        )
        message.request(cause_of(event))
        return message

    def _callback(
        self,
        plan: Planned,
        organisation: Organisation,
        regulation: Regulation[FollowupRules],
        event: CloudEvent,
        fact: CaseReplied,
    ) -> Callback:
        callback = Callback(
            id=derived_id("cb", fact.case_id, plan.rule.code, str(fact.round)),
            org=event.org,
            case_id=fact.case_id,
            case_number=fact.number,
            contact_id=fact.contact_id,
            customer_id=fact.customer_id,
            rule=plan.rule.code,
            regulation=regulation.version,
            round=fact.round,
            handler=fact.handler,
            replied_at=fact.replied_at,
            scheduled_at=self._clock.now(),
            deadline=self._deadline(plan, organisation, fact.replied_at),
        )
        callback.schedule(cause_of(event))
        return callback

    def _deadline(self, plan: Planned, organisation: Organisation, start: datetime) -> Deadline | None:
        if plan.due is None:
            return None
        calendar = self._calendars.by_name(organisation.calendar)
        try:
            return Deadline.begin(CLOCK, plan.due.value, calendar, start, source=plan.due.source)
        except WorktimeError as error:
            problem = Problem("data.replied_at", error.message)
            raise ValidationFailed("the callback's time cannot be reckoned", problems=(problem,)) from error


def cause_of(event: CloudEvent) -> Cause:
    """Return the event as the cause of what follows from it."""
    return Cause(event.key, SYSTEM, event.traceparent)


def check_calendars(organisations: Sequence[Organisation], calendars: Calendars) -> None:
    """Raise ValidationFailed naming every organisation whose calendar does not exist."""
    problems = []
    for organisation in organisations:
        try:
            calendars.by_name(organisation.calendar)
        except WorktimeError as error:
            problems.append(Problem(f"{organisation.id}.calendar", error.message))
    if problems:
        text = "; ".join(f"{problem.field}: {problem.reason}" for problem in problems)
        raise ValidationFailed(
            f"organisations name calendars that do not exist: {text}", problems=tuple(problems)
        )
