"""Use cases that change customer files: register by hand, enter, confirm, move, relate, extract and classify."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from services.intake.domain.customer import OPENED, Customer
from services.intake.domain.files.parts import Handover, Opening
from services.intake.domain.files.rules import FileRules
from services.intake.domain.files.values import BASIC, Entering, check_basic
from services.intake.domain.recognising import CustomerClaim, normal_phone, reference_key
from services.intake.handlers.ruling import Rules
from shared.acting import Caller, change, create
from shared.clock import Clock
from shared.errors import Conflict, Problem, RuleRefused, ValidationFailed
from shared.history import Cause
from shared.regulations.values import DESIGN

if TYPE_CHECKING:
    from services.intake.customers_kept import CustomersKept

#: Where data entered by hand comes from unless the caller says otherwise.
BY_HAND = "desk"


class ChangeFiles:
    """Every command is once per key; of two that change a file at once one comes after the other."""

    def __init__(self, kept: CustomersKept, rules: Rules, clock: Clock) -> None:
        """Use the files, the rulebooks and the clock."""
        self._kept, self._rules, self._clock = kept, rules, clock

    def register(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Open a file by hand; Conflict, naming the file there is, when the customer has one (A-LOG-09)."""
        rules, how = self.entering(call.org, data["origin"])
        claim: CustomerClaim = data["customer"]

        def build(new: str, cause: Cause) -> Customer:
            taken = self._kept.by_keys(claim.keys(call.org))
            for customer in taken.values():
                message = f"this customer has a file: {customer.id}"
                raise Conflict(message, details={"customer_id": customer.id})
            made = opened(rules, new, call.org, claim, data["values"], how, cause)
            if data["reference"]:
                made.recognise_by(reference_key(call.org, how.origin, data["reference"]))
            if data["lifecycle"]:
                made.move(rules, "lifecycle", data["lifecycle"], how.today, OPENED, how.at, cause)
            made.follow(rules, data["next_follow_on"])
            if data["preferences"]:
                made.prefer(data["preferences"], how, OPENED, cause)
            return made

        return create(self._kept, call, data, "cu", build, standing_view)

    def update(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Enter values, preferences, or hand the unit over to another owner; old values are kept."""
        rules, how = self.entering(call.org, data["origin"])
        values = with_phone(data["values"])

        def step(customer: Customer, cause: Cause) -> None:
            given = data["transfer"]
            if given is not None:
                if rules.transfer is None:
                    raise RuleRefused("the rulebook knows no transfer of owners", rule=DESIGN)
                facts = Handover(given["arrears"], tuple(given["copies"]), given["special_case"], call.roles)
                customer.hand_over(rules, rules.transfer, facts, values, how, data["reason"], cause)
            elif values:
                customer.enter(rules, values, how, data["reason"], cause, learned=data["learned"])
            if data["preferences"] is not None:
                customer.prefer(data["preferences"], how, data["reason"], cause)

        return change(self._kept, call, data, "customer", step, standing_view)

    def check(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Enter that the customer confirmed the data, or that somebody reviewed the file, on a day."""
        rules, how = self.entering(call.org, BY_HAND)
        on = data["on"] or how.today
        if on > how.today:
            raise ValidationFailed(
                "the day lies in the future", problems=(Problem("on", "lies in the future"),)
            )

        def step(customer: Customer, cause: Cause) -> None:
            if data["how"] == "confirmed":
                customer.confirm(rules, data["fields"], how, on, cause)
            else:
                customer.review(how.at, on, cause)

        return change(self._kept, call, data, "customer", step, standing_view)

    def move(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Move the customer to another phase or state of life, with the day, and set the next follow-up."""
        rules, how = self.entering(call.org, BY_HAND)
        on = data["on"] or how.today

        def step(customer: Customer, cause: Cause) -> None:
            for what in ("phase", "lifecycle"):
                if data[what] is not None:
                    customer.move(rules, what, data[what], on, data["reason"], how.at, cause)
            customer.follow(rules, data["next_follow_on"])

        return change(self._kept, call, data, "customer", step, standing_view)

    def relate(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Say what another customer or a member of staff is to this one, or that this ended."""
        rules, how = self.entering(call.org, BY_HAND)

        def step(customer: Customer, cause: Cause) -> None:
            notes = None if data["ended"] else data["notes"]
            customer.relate(rules, data["kind"], data["to"], notes, how.at, cause)

        return change(self._kept, call, data, "customer", step, standing_view)

    def classify(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Take a step of filing: extracted, submitted, classified (A-MEM-02)."""
        rules, how = self.entering(call.org, BY_HAND)

        def step(customer: Customer, cause: Cause) -> None:
            customer.file_step(rules, data["step"], data["class_"], call.roles, how.today, how.at, cause)

        return change(self._kept, call, data, "customer", step, standing_view)

    def entering(self, org: str, origin: str) -> tuple[FileRules, Entering]:
        """Return the rules in force and the circumstances of an entry; refused for an unknown origin."""
        now = self._clock.now()
        ruling = self._rules.in_force(org, now)
        rules = ruling.rules.files
        if rules.origins and origin not in {each.code for each in rules.origins}:
            known = ", ".join(each.code for each in rules.origins)
            problem = Problem("origin", f"is not one of {known}")
            raise ValidationFailed(f"origin {problem.reason}", problems=(problem,))
        return rules, Entering(origin, now, now.astimezone(ruling.zone).date())


def opened(
    rules: FileRules,
    new: str,
    org: str,
    claim: CustomerClaim,
    values: Mapping[str, Any],
    how: Entering,
    cause: Cause,
) -> Customer:
    """Return a new file with its first values; refused without the fields that must come with it."""
    for code in BASIC:
        if code in values:
            problem = Problem(f"values.{code}", "stands beside the values, not among them")
            raise ValidationFailed(f"{problem.field} {problem.reason}", problems=(problem,))
    given = {"name": claim.name, "phone": claim.phone, "unit": claim.unit} | dict(values)
    for field in rules.fields:
        if field.must_come(claim.kind, how.origin) and given.get(field.code) is None:
            problem = Problem(field.code, "is missing: no file is opened without it")
            raise RuleRefused(f"{field.code} {problem.reason}", rule=field.source, problems=(problem,))
    check_basic(rules, claim.kind, {"name": claim.name, "phone": claim.phone, "unit": claim.unit})
    opening = Opening(rules, None, how.today)
    made = Customer.open(new, org, claim, at=how.at, cause=cause, opening=opening, origin=how.origin)
    made.enter(rules, values, how, OPENED, cause, change=OPENED)
    return made


def with_phone(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``values`` with a phone number in the one form it is kept in."""
    phone = values.get("phone")
    if phone is None:
        return dict(values)
    normal = normal_phone(phone) if isinstance(phone, str) else None
    if normal is None:
        problem = Problem("phone", "is no valid phone number")
        raise ValidationFailed("phone is no valid phone number", problems=(problem,))
    return {**values, "phone": normal}


def standing_view(customer: Customer) -> dict[str, Any]:
    """Return what every command on a file answers: where it stands, without personal data."""
    return {
        "customer_id": customer.id,
        "phase": customer.phase,
        "lifecycle": customer.lifecycle,
        "class": customer.group,
        "filing": customer.filing,
        "lacking": list(customer.lacking),
        "pending": sorted(customer.pending),
    }
