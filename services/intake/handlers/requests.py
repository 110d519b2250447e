"""Use cases of requests: open by hand, act, pass on, accept, ask for help, involve departments, delay."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, Protocol

from services.intake.domain.contact import Contact
from services.intake.domain.duty.scope import Scope
from services.intake.domain.requests.filling import check_demands, read_all
from services.intake.domain.requests.request import Holder, Part, Request, newly
from services.intake.domain.requests.rules import Action, Kind, Process, RequestRules, Unit, holds
from services.intake.handlers.competence import Competence
from services.intake.handlers.requests_opening import Asked, open_request, routed, start_clock
from services.intake.handlers.requests_views import moved_view
from services.intake.handlers.ruling import Rules, Ruling
from shared.acting import Caller, Shelf, change, create, found
from shared.authority import must_hold
from shared.clock import Clock
from shared.clocks import Authority
from shared.errors import Conflict, NotFound, RuleRefused, ValidationFailed
from shared.history import Cause
from shared.regulations.values import DESIGN


class RequestShelf(Shelf[Request], Protocol):
    """Where requests are kept."""

    def same_open(self, org: str, customer_id: str, kind: str) -> Request | None:
        """Return an open request of a kind that a customer has already."""
        ...


class Contacts(Protocol):
    """Where contacts are."""

    def contact(self, contact_id: str, org: str) -> Contact | None:
        """Return one contact of ``org``."""
        ...


class HandleRequests:
    """Everything people do with requests."""

    def __init__(
        self, shelf: RequestShelf, contacts: Contacts, rules: Rules, clock: Clock, competence: Competence
    ) -> None:
        """Keep requests on ``shelf``, under the rulebooks of ``rules``; ``competence`` bounds who touches which."""
        self._shelf, self._contacts, self._rules, self._clock = shelf, contacts, rules, clock
        self._competence = competence

    def open_request(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Open a request by hand: for a contact, or without one, such as a task or a report upward.

        Raises RuleRefused by the rule of the kind when the caller may not, of the caller's post when it does not
        handle the kind, of the subtype when the customer's class has it not, of the field or demand that is not
        met, and of ``once`` when there is one already.
        """
        try:
            return self._create(call, data)
        except Conflict:
            # Somebody opened the only one there may be at the same moment: the second look finds theirs.
            return self._create(call, data)

    def _create(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        return create(
            self._shelf, call, data, "rq", lambda new, cause: self._opened(new, call, data, cause), moved_view
        )

    def _opened(self, new: str, call: Caller, data: Mapping[str, Any], cause: Cause) -> Request:
        now = self._clock.now()
        ruling = self._rules.in_force(call.org, now)
        rules = ruling.rules.requests
        kind = _kind(rules, data["kind"])
        must_hold(kind.by, call.roles, f"to open a {kind.code}", kind.source)
        reach = self._competence.of(call).reach
        if reach.kinds:
            reach.kinds.check(kind.code, "the kind")
        if data["level"] is not None and rules.level(data["level"]) is None:
            raise ValidationFailed(f"there is no level {data['level']!r}")
        contact = self._contact(call, data["contact_id"])
        customer_id = contact.customer_id if contact else data["customer_id"]
        only = bool(kind.once and customer_id and not data["separate"])
        if only:
            self._must_be_only(call.org, customer_id, kind)
        _check_subtype(kind, data["subtype"], data["customer_class"])
        facts = read_all(data["filled"], kind.fills, rules, f"a request of the kind {kind.code}")
        asked = Asked(
            kind=kind,
            level=data["level"] or kind.level,
            text=data["text"],
            by=call.actor,
            at=now,
            since=contact.received_at if contact else now,
            first_responsible=_first(contact, call),
            facts=facts,
            owner=_assigned(data, rules, reach),
            contact_id=contact.id if contact else None,
            customer_id=customer_id,
            customer_class=data["customer_class"],
            channel=contact.channel if contact else data["channel"],
            category=contact.category if contact else None,
            subtype=data["subtype"],
        )
        known = facts | {
            name: getattr(asked, name) for name in ("customer_class", "subtype", "channel", "level")
        }
        check_demands(kind.demands, known, ())
        request = open_request(new, call.org, asked, ruling, cause)
        if only:
            request.sole = f"{call.org}|{customer_id}|{kind.code}"
        return request

    def _contact(self, call: Caller, contact_id: str | None) -> Contact | None:
        if contact_id is None:
            return None
        return found(self._contacts.contact(contact_id, call.org), "contact", contact_id)

    def _must_be_only(self, org: str, customer_id: str, kind: Kind) -> None:
        existing = self._shelf.same_open(org, customer_id, kind.code)
        if existing is not None:
            message = (
                f"{existing.id} of the same customer is open: go on with it, or say that this one is separate"
            )
            raise RuleRefused(message, rule=kind.once, details={"request_id": existing.id})

    def act_on_request(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Take one of the actions of the request's process, with what it asks for.

        Raises RuleRefused by the rule of the action when the caller may not, it is out of turn, or a demand or a
        field is not met; ValidationFailed when the process has no such action or it takes no such field.
        """
        return self._change(call, data, lambda each, cause: self._act(each, call, data, cause))

    def _act(self, request: Request, call: Caller, data: Mapping[str, Any], cause: Cause) -> None:
        acting_for = self._taken_up(request, call)
        ruling, kind, process = self._governed(request)
        rules, now = ruling.rules.requests, self._clock.now()
        action = process.action(data["action"])
        if action is None:
            known = ", ".join(each.code for each in process.actions)
            raise ValidationFailed(
                f"the process {process.code} has no action {data['action']!r}, but {known}"
            )
        must_hold(action.by, call.roles, f"to {action.code}", action.source)
        filled = read_all(data["filled"], action.fills, rules, action.code)
        before = request.known()
        check_demands(action.demands, before | filled, request.taken)
        if action.stages and request.stage not in action.stages:
            message = f"{action.code} belongs to {', '.join(action.stages)}, not to {request.stage}"
            raise RuleRefused(message, rule=action.source)
        if action.closes:
            _must_be_answered(request, rules)
        stage = action.to or request.stage
        request.do(action.code, stage, call.actor, filled, now, cause, acting_for=acting_for)
        if action.routes:
            to, source = routed(kind, rules, request.known())
            request.lead_to(to, source, now, cause)
        self._follow(request, process, action, before, ruling, cause)

    def _follow(
        self,
        request: Request,
        process: Process,
        action: Action,
        before: Mapping[str, Any],
        ruling: Ruling,
        cause: Cause,
    ) -> None:
        """Let everything follow that the rulebook ties to ``action``."""
        rules, now = ruling.rules.requests, self._clock.now()
        level = rules.level(str(request.facts.get("level", request.level)))
        if level is not None:
            request.level, request.rank = level.code, level.rank
        request.do_tasks(action.does, now, cause)
        for code in action.meets:
            request.meet_clock(code, now, cause)
        for code in action.starts:
            start_clock(request, rules.clock(code), ruling, now, cause)
        known = request.known()
        effects = [each for each in action.effects if holds(each.when, known)]
        for effect in [*effects, *newly(process.effects, before, known)]:
            request.apply(effect, now, cause)
        if action.replies and request.replied_at is None:
            request.replied_at = now
        if action.closes:
            request.close(now, cause)

    def transfer_request(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Offer a request to a member of staff, or to a unit: its leader, or who stands in if that one is absent.

        Raises RuleRefused by the rule on passing on when a demand forbids it or nobody of the unit is there.
        """
        return self._change(call, data, lambda each, cause: self._offer(each, call, data, cause))

    def _offer(self, request: Request, call: Caller, data: Mapping[str, Any], cause: Cause) -> None:
        acting_for = self._taken_up(request, call)
        ruling, _, _ = self._governed(request)
        rules = ruling.rules.requests
        source = rules.handoff.source if rules.handoff else DESIGN
        check_demands(rules.handoff.demands if rules.handoff else (), request.known(), request.taken)
        to = Holder(staff=data["staff"])
        if data["unit"] is not None:
            to = _there(_unit(rules, data["unit"]), data["absent"], source)
        request.offer(to, call.actor, data["reason"], self._clock.now(), cause, acting_for=acting_for)

    def accept_request(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Take what was offered to the caller, or to a role of theirs, or what waits for such a role.

        Raises RuleRefused when it is somebody else's.
        """
        return self._change(call, data, lambda each, cause: self._accept(each, call, cause))

    def _accept(self, request: Request, call: Caller, cause: Cause) -> None:
        acting_for = self._taken_up(request, call)
        ruling, _, _ = self._governed(request)
        offered = request.offered
        to = offered.to if offered else request.owner
        theirs = to.staff is not None and to.staff in {call.actor, acting_for}
        if not (theirs or (to.staff is None and to.role in call.roles)):
            handoff = ruling.rules.requests.handoff
            raise RuleRefused(
                f"{request.id} is not offered to you", rule=handoff.source if handoff else DESIGN
            )
        # Who was the first to be asked answers until somebody accepts what they passed on, or for good.
        keep = ruling.rules.first_responsible.kept_on_transfer or offered is None
        keep = keep and request.first_responsible.staff is not None
        request.accept(call.actor, self._clock.now(), cause, keep_first=keep, acting_for=acting_for)

    def ask_help(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Ask a colleague or a role for help; the request stays with its owner."""

        def step(request: Request, cause: Cause) -> None:
            self._taken_up(request, call)
            request.ask_help(Holder(role=data["role"], staff=data["staff"]), self._clock.now(), cause)

        return self._change(call, data, step)

    def delay_request(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Let a clock take longer in all, for a reason; ``note`` says it in words.

        Raises RuleRefused by the rule of the clock when it may not be delayed, or not by the caller.
        """
        return self._change(call, data, lambda each, cause: self._delay(each, call, data, cause))

    def _delay(self, request: Request, call: Caller, data: Mapping[str, Any], cause: Cause) -> None:
        self._taken_up(request, call)
        ruling, _, _ = self._governed(request)
        rule = ruling.rules.requests.clock(data["clock"])
        if rule is None or request.clock(rule.code) is None:
            raise NotFound(f"{request.id} has no open clock {data['clock']!r}")
        if rule.delay is None:
            raise RuleRefused(f"the clock {rule.code} may not be delayed", rule=rule.source)
        role = must_hold(rule.delay.roles, call.roles, f"to delay {rule.code}", rule.delay.source)
        authority = Authority(data["reason"], call.actor, role)
        request.extend_clock(rule.code, data["amount"], authority, ruling.calendar, self._clock.now(), cause)
        request.facts["delay_reason"] = data["note"]

    def involve_departments(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Ask several departments at once, each to answer by its time; ``lead`` is the one with the demand."""

        def step(request: Request, cause: Cause) -> None:
            self._taken_up(request, call)
            rules = self._governed(request)[0].rules.requests
            for unit in (data["lead"], *(each["unit"] for each in data["departments"])):
                _unit(rules, unit)
            parts = [Part(each["unit"], each["answer_by"], call.actor) for each in data["departments"]]
            request.ask_departments(data["lead"], parts, self._clock.now(), cause)

        return self._change(call, data, step)

    def answer_department(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Enter a department's answer; without a unit, how the office rules between those that disagree.

        Raises RuleRefused when the caller is neither of the department's leaders nor, for a ruling, the office.
        """
        return self._change(call, data, lambda each, cause: self._answer(each, call, data, cause))

    def _answer(self, request: Request, call: Caller, data: Mapping[str, Any], cause: Cause) -> None:
        self._taken_up(request, call)
        rules, now = self._governed(request)[0].rules.requests, self._clock.now()
        departments = rules.departments
        if data["unit"] is None:
            office = departments.office if departments else None
            if office is None or not request.disputed:
                raise RuleRefused("there is nothing to rule on", rule=office.source if office else DESIGN)
            must_hold((office.value,), call.roles, "to rule between departments", office.source)
            request.rule(data["text"], call.actor, now, cause)
            return
        if data["unit"] not in {part.unit for part in request.parts}:
            raise NotFound(f"{data['unit']} has no part in {request.id}")
        unit = _unit(rules, data["unit"])
        must_hold(unit.leads, call.roles, "to answer for it", unit.source)
        request.answer_part(data["unit"], data["text"], agrees=data["agrees"], at=now, cause=cause)

    def _taken_up(self, request: Request, call: Caller) -> str | None:
        """Return for whom the caller acts, None when for themselves; RuleRefused when it is closed or not theirs."""
        request.must_be_open()
        return self._competence.of(call).acting_for(request, call.actor)

    def _change(
        self, call: Caller, data: Mapping[str, Any], step: Callable[[Request, Cause], None]
    ) -> dict[str, Any]:
        return change(self._shelf, call, data, "request", step, moved_view)

    def _governed(self, request: Request) -> tuple[Ruling, Kind, Process]:
        ruling = self._rules.of_version(request.org, request.regulation)
        kind = _kind(ruling.rules.requests, request.opening.kind)
        return ruling, kind, ruling.rules.requests.process_of(kind)


def _kind(rules: RequestRules, code: str) -> Kind:
    kind = rules.kind(code)
    if kind is None:
        known = ", ".join(each.code for each in rules.kinds) or "none"
        raise ValidationFailed(f"there is no kind of request {code!r}; there are {known}")
    return kind


def _check_subtype(kind: Kind, code: str | None, customer_class: str | None) -> None:
    if code is None:
        return
    subtype = next((each for each in kind.subtypes if each.code == code), None)
    if subtype is None:
        raise RuleRefused(f"{kind.code} has no subtype {code!r}", rule=kind.source)
    if subtype.classes and customer_class not in subtype.classes:
        raise RuleRefused(f"{code} is not for customers of the class {customer_class}", rule=subtype.source)


def _first(contact: Contact | None, call: Caller) -> Holder:
    if contact is None:
        return Holder(staff=call.actor)
    return Holder(role=contact.first_responsible.role, staff=contact.first_responsible.staff)


def _assigned(data: Mapping[str, Any], rules: RequestRules, reach: Scope) -> Holder | None:
    """Return whom the caller names, if anybody; what people of a unit that stays apart open is that unit's."""
    unit = data["unit"]
    if unit is None and reach.home and rules.unit(reach.home):
        unit = reach.home
    if unit is None and data["assigned_to"] is None:
        return None
    if unit and reach.units:
        reach.units.check(unit, "the unit")
    role = _unit(rules, unit).leader if unit else None
    return Holder(unit, role, data["assigned_to"])


def _unit(rules: RequestRules, code: str) -> Unit:
    unit = rules.unit(code)
    if unit is None:
        raise ValidationFailed(f"there is no unit {code!r}")
    return unit


def _there(unit: Unit, absent: Collection[str], source: str) -> Holder:
    """Return the first of those who lead ``unit`` that is there."""
    present = [role for role in unit.leads if role not in absent]
    if not present:
        raise RuleRefused(
            f"nobody in charge of {unit.code} is there: the request stays where it is", rule=source
        )
    return Holder(unit.code, present[0])


def _must_be_answered(request: Request, rules: RequestRules) -> None:
    """Refuse to close what departments have still to answer, or the office to rule on."""
    departments = rules.departments
    if departments is None:
        return
    if request.disputed and departments.office:
        raise RuleRefused("departments disagree: the office rules first", rule=departments.office.source)
    waiting = [part.unit for part in request.parts if part.answered_at is None]
    if waiting and departments.before_closing:
        raise RuleRefused(f"{', '.join(waiting)} has not answered", rule=departments.before_closing)
