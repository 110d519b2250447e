"""Commands on dossiers: open, amend, hand in, move, mark, excuse, lend, sign for, read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from services.intake.domain.dossiers.checking import stands
from services.intake.domain.dossiers.dossier import Dossier
from services.intake.domain.dossiers.parts import Act, Brought
from services.intake.domain.dossiers.rules import DossierRule, Make
from services.intake.errors import no_customer
from services.intake.handlers.dossier_reading import allow, dossier_view, rule_of
from services.intake.handlers.ruling import Rules
from shared.acting import Caller, Shelf, change, create
from shared.clock import Clock
from shared.errors import NotFound, Problem, ValidationFailed
from shared.history import Cause

_WHAT = "dossier"
#: The kind of subject whose ids are those of customers' files.
_CUSTOMER = "customer"

Step = Callable[[Dossier, DossierRule, Act], dict[str, Any]]


class Customers(Protocol):
    """Where customers' files are."""

    def customer(self, customer_id: str, org: str, /) -> object | None:
        """Return one of ``org``."""
        ...


class KeepDossiers:
    """The commands; each answers the dossier's id and what it did."""

    def __init__(self, kept: Shelf[Dossier], customers: Customers, rules: Rules, clock: Clock) -> None:
        """Keep dossiers on the shelf ``kept``."""
        self._kept, self._customers, self._rules, self._clock = kept, customers, rules, clock

    def open(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Open a dossier about one subject; Conflict when there is one of this kind already."""
        now = self._clock.now()
        ruling = self._rules.in_force(call.org, now)
        rule = ruling.rules.dossier(data["kind"])
        if rule is None:
            problem = Problem("kind", "is no kind of dossier in your rulebook")
            raise ValidationFailed("the dossier cannot be opened", problems=(problem,))
        if data["about"] == _CUSTOMER and self._customers.customer(data["about_id"], call.org) is None:
            raise no_customer(data["about_id"])
        allow(rule, call)

        def build(new: str, cause: Cause) -> Dossier:
            dossier = Dossier(
                id=new,
                org=call.org,
                regulation=ruling.version,
                kind=rule.code,
                about=data["about"],
                about_id=data["about_id"],
                opened_at=now,
                updated_at=now,
                facts=dict(data["facts"]),
                keeper=data["keeper"],
                responsible=data["responsible"],
            )
            act = Act(call.actor, call.roles, now, cause, ruling.calendar, ruling.zone)
            dossier.open(rule, act)
            return dossier

        def answer(dossier: Dossier) -> dict[str, Any]:
            return {"dossier_id": dossier.id, "missing": [lack.item for lack in dossier.lacks(rule)]}

        return create(self._kept, call, data, "ds", build, answer)

    def amend(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Change facts, keeper, responsible person or how long it is kept."""
        changes = {name: value for name, value in data.items() if name != "id" and value is not None}
        _require("id", "comes with nothing that is to change", holds=bool(changes))

        def step(dossier: Dossier, rule: DossierRule, act: Act) -> dict[str, Any]:
            dossier.amend(rule, act, changes)
            return _standing(dossier, rule)

        return self._do(call, data, step)

    def hand_in(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Take documents in; answers their numbers and what is still missing."""
        _require("documents", "names none", holds=bool(data["documents"]))

        def step(dossier: Dossier, rule: DossierRule, act: Act) -> dict[str, Any]:
            brought = [
                Brought(**{**document, "make": Make(document["make"])}) for document in data["documents"]
            ]
            return {"pieces": list(dossier.hand_in(rule, act, brought)), **_standing(dossier, rule)}

        return self._do(call, data, step)

    def move(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Let documents reach a stage: filed, passed on, returned, distributed, handed to the customer."""

        def step(dossier: Dossier, rule: DossierRule, act: Act) -> dict[str, Any]:
            stage = rule.stage(data["stage"])
            if stage is None:
                raise _unknown("stage", rule)
            how = {"to": data["to"], "copy_kept": data["copy_kept"]}
            moved = dossier.move(rule, act, stage, data["pieces"], **how)
            return {"pieces": list(moved), "closed_requests": list(dossier.closed_requests)}

        return self._do(call, data, step)

    def mark(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Give a mark, or plan the day it is to be given by."""
        given = data["at"] is not None or data["piece"] is not None
        _require("due", "goes neither with at nor with piece", holds=data["due"] is None or not given)

        def step(dossier: Dossier, rule: DossierRule, act: Act) -> dict[str, Any]:
            mark = rule.mark(data["mark"])
            if mark is None:
                raise _unknown("mark", rule)
            if data["due"] is not None:
                dossier.plan(rule, act, mark, data["due"])
            else:
                dossier.mark(rule, act, mark, at=data["at"], piece=data["piece"])
            return {"mark": mark.code, "stands": stands(mark, dossier.given)}

        return self._do(call, data, step)

    def excuse(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Note why documents will be late; answers whether it was early enough to count."""

        def step(dossier: Dossier, rule: DossierRule, act: Act) -> dict[str, Any]:
            noted = dossier.excuse(rule, act, data["items"], reason=data["reason"], of=data["explained_by"])
            return {"valid": noted.valid}

        return self._do(call, data, step)

    def lend(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Ask for a loan, grant or refuse it, or take the documents back."""
        asks, due_back = data["mode"] == "request", data["due_back"]
        whole = bool(data["pieces"]) and due_back is not None
        _require("mode", "is asked for with pieces and due_back", holds=whole or not asks)
        _require("loan", "is the number of a loan asked for before", holds=asks == (data["loan"] is None))

        def step(dossier: Dossier, rule: DossierRule, act: Act) -> dict[str, Any]:
            number = data["loan"]
            match data["mode"]:
                case "request":
                    number = dossier.ask_loan(rule, act, data["pieces"], due_back).number
                case "return":
                    dossier.return_loan(rule, act, number)
                case mode:
                    dossier.decide_loan(rule, act, number, granted=mode == "grant")
            return {"loan": number, "state": dossier.loans[number - 1].state.value}

        return self._do(call, data, step)

    def sign(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Note that the customer signed a slip for papers, or that the slip was passed on."""
        one = bool(data["pieces"]) == (data["receipt"] is None)
        _require("pieces", "were signed for, or receipt is passed on: one of both", holds=one)

        def step(dossier: Dossier, rule: DossierRule, act: Act) -> dict[str, Any]:
            if data["receipt"] is None:
                return {"receipt": dossier.sign_receipt(rule, act, data["pieces"]).number}
            return {"receipt": dossier.pass_receipt(rule, act, data["receipt"]).number}

        return self._do(call, data, step)

    def read(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Show a dossier to a reader and leave an entry of it; a repeat of the command leaves no second one."""

        def step(dossier: Dossier, rule: DossierRule, act: Act) -> dict[str, Any]:
            source = rule.source if rule.confidential is None else rule.confidential.source
            dossier.be_read(act, data["purpose"], source)
            return {}

        self._do(call, data, step)
        dossier = self._kept.get(data["id"], call.org)
        if dossier is None:
            raise NotFound(f"there is no dossier {data['id']!r} in your organisation")
        return dossier_view(dossier, rule_of(self._rules, dossier), self._clock.now())

    def _do(self, call: Caller, data: Mapping[str, Any], step: Step) -> dict[str, Any]:
        """Take ``step`` on the dossier under the rules it was opened by, if the caller may work on it."""
        done: dict[str, Any] = {}

        def once(dossier: Dossier, cause: Cause) -> None:
            ruling = self._rules.of_version(dossier.org, dossier.regulation)
            rule = rule_of(self._rules, dossier)
            allow(rule, call)
            act = Act(call.actor, call.roles, self._clock.now(), cause, ruling.calendar, ruling.zone)
            done.clear()
            done.update(step(dossier, rule, act))

        def answer(dossier: Dossier) -> dict[str, Any]:
            return {"dossier_id": dossier.id, **done}

        return change(self._kept, call, data, _WHAT, once, answer)


def _standing(dossier: Dossier, rule: DossierRule) -> dict[str, Any]:
    return {"complete": dossier.complete, "missing": [lack.item for lack in dossier.lacks(rule)]}


def _unknown(what: str, rule: DossierRule) -> ValidationFailed:
    codes = ", ".join(each.code for each in (rule.stages if what == "stage" else rule.marks))
    problem = Problem(what, f"is not one of {codes}" if codes else "is none: the rulebook names none")
    return ValidationFailed(f"{rule.code} has no such {what}", problems=(problem,))


def _require(argument: str, reason: str, *, holds: bool) -> None:
    if not holds:
        problem = Problem(argument, reason)
        raise ValidationFailed(f"{argument} {reason}", problems=(problem,))
