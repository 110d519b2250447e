"""Builds callbacks and messages from what happened, by the organisation's rulebook and calendar."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from services.followup.domain.callback import CLOCK, About, Callback
from services.followup.domain.facts import CaseOpened, CaseReplied, ContactAttempted
from services.followup.domain.message import Message
from services.followup.domain.person import Person
from services.followup.domain.planning import Matter, Planned, callbacks_for, callbacks_for_reply
from services.followup.domain.quiet import permitted_from
from services.followup.domain.rulebook import FollowupRules, Trigger
from services.followup.errors import no_callback_rule, no_template
from shared.clock import Clock
from shared.clocks.clock import Deadline
from shared.errors import Problem, ValidationFailed
from shared.history import Cause
from shared.ids import derived_id
from shared.messaging.envelope import CloudEvent
from shared.regulations import Organisation, Regulation, Rulebooks
from shared.regulations.values import Sourced
from shared.worktime import Calendars, Duration, WorktimeError
from shared.worktime.country_zones import COUNTRY_ZONES

#: Who acts when nobody does: the service itself.
SYSTEM = "system"


class Scheduler:
    """Knows the rulebooks and calendars, and whom to ask who a customer is."""

    def __init__(
        self,
        rulebooks: Rulebooks[FollowupRules],
        calendars: Calendars,
        clock: Clock,
        person: Callable[[str, str], Person | None] = lambda _org, _customer: None,
    ) -> None:
        """Everything is scheduled under the rulebook in force when it happened; ``person`` tells of a customer.

        Customers are asked for only where a rulebook has quiet hours, or callbacks that one agent alone makes.
        """
        self._person = person
        self._rulebooks = rulebooks
        self._calendars = calendars
        self._clock = clock

    def callbacks(self, event: CloudEvent, fact: CaseReplied) -> list[Callback]:
        """Return the callbacks the reply calls for, ready to be written.

        Their ids follow from case, rule and round, so the same reply always gives the same callbacks.
        Raises NotFound for an organisation without a rulebook or a rulebook without the callback the case
        needs, ValidationFailed when the time cannot be reckoned with.
        """
        regulation = self._rulebooks.for_org(event.org, fact.replied_at)
        planned = callbacks_for_reply(
            regulation.sections, valid=fact.valid, needs_callback=fact.needs_callback
        )
        if fact.needs_callback and not planned:
            raise no_callback_rule(event.org)
        matter = Matter(
            About.CASE,
            reference=fact.case_id,
            customer_id=fact.customer_id,
            happened_at=fact.replied_at,
            case_id=fact.case_id,
            case_number=fact.number,
            contact_id=fact.contact_id,
            handler=fact.handler,
            round=fact.round,
        )
        return self.planned(event.org, planned, matter, cause_of(event))

    def called_for(
        self, org: str, trigger: Trigger, matter: Matter, cause: Cause, *, before: Collection[str] = ()
    ) -> list[Callback]:
        """Return the callbacks ``trigger`` calls for on ``matter``, ready to be written; raises as ``callbacks``."""
        rules = self._rulebooks.for_org(org, matter.happened_at).sections
        return self.planned(org, callbacks_for(rules, trigger, matter, before=before), matter, cause)

    def planned(
        self,
        org: str,
        plans: Sequence[Planned],
        matter: Matter,
        cause: Cause,
        *,
        who: Person | None = None,
    ) -> list[Callback]:
        """Return the callbacks of ``plans``, ready to be written; ``who`` is the customer, if known already.

        Nobody is called who was erased.
        """
        regulation = self._rulebooks.for_org(org, matter.happened_at)
        asked = regulation.sections.quiet_hours or any(plan.rule.by_agent for plan in plans)
        person = self._person(org, matter.customer_id) if plans and asked and who is None else who
        if person is not None and person.erased:
            return []
        return [self._callback(plan, org, regulation, matter, person, cause) for plan in plans]

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
        org: str,
        regulation: Regulation[FollowupRules],
        matter: Matter,
        person: Person | None,
        cause: Cause,
    ) -> Callback:
        now, zone = self._clock.now(), zone_of(person)
        own = ZoneInfo(self._rulebooks.organisation(org).time_zone)
        hours = regulation.sections.quiet_hours
        callback = Callback(
            id=derived_id("cb", matter.reference, plan.rule.code, str(matter.round)),
            org=org,
            case_id=matter.case_id,
            case_number=matter.case_number,
            contact_id=matter.contact_id,
            customer_id=matter.customer_id,
            rule=plan.rule.code,
            regulation=regulation.version,
            round=matter.round,
            handler=matter.handler,
            replied_at=matter.happened_at,
            scheduled_at=now,
            deadline=self._deadline(plan, org, matter),
            about=matter.about,
            reference=matter.reference,
            occasion=matter.occasion,
            unit=matter.unit,
            level=plan.rule.level,
            zone=zone,
            agent=person.trait(plan.rule.by_agent.value) if person and plan.rule.by_agent else None,
            hand_over=plan.rule.hand_over.value if plan.rule.hand_over else None,
            permitted_from=permitted_from(hours, now, ZoneInfo(zone) if zone else own),
        )
        callback.schedule(cause)
        return callback

    def _deadline(self, plan: Planned, org: str, matter: Matter) -> Deadline | None:
        due = plan.due
        if due is None and matter.until is not None:
            minutes = max(1, int((matter.until - matter.happened_at) / timedelta(minutes=1)))
            due = Sourced(Duration(minutes, "minutes"), plan.rule.trigger.source)
        if due is None:
            return None
        calendar = self._calendars.by_name(self._rulebooks.organisation(org).calendar)
        try:
            return Deadline.begin(CLOCK, due.value, calendar, matter.happened_at, source=due.source)
        except WorktimeError as error:
            problem = Problem("data.replied_at", error.message)
            raise ValidationFailed("the callback's time cannot be reckoned", problems=(problem,)) from error


def zone_of(person: Person | None) -> str | None:
    """Return the zone a customer lives in by its trait ``country``; None where nobody said, or it has several."""
    country = person.trait("country") if person else None
    return COUNTRY_ZONES.get(country.lower()) if country else None


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
