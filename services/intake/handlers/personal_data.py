"""Use cases of seeing personal data: open a file, read fields in full, export; each is logged, refused or not."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Protocol

from services.intake.domain.customer import Customer
from services.intake.domain.privacy.access import Access, Outcome, ordered
from services.intake.domain.privacy.flags import PrivacyFile
from services.intake.domain.privacy.masking import in_full
from services.intake.domain.privacy.requests import DataRequest, Kind
from services.intake.domain.privacy.rules import DataClass, Privacy, Subject
from services.intake.errors import no_customer
from services.intake.handlers.access_log import Accesses
from shared.acting import Caller, Shelf, change
from shared.clock import Clock
from shared.errors import Problem, ValidationFailed
from shared.history import timestamp
from shared.identity.roles import PERSONAL_DATA
from shared.ids import derived_id

#: Callers that are systems of the deployment and not people.
_SYSTEM = "system"
#: What a spreadsheet would compute; a phone number with its country code is none.
_FORMULA = re.compile(r"[=@\t]|[+-](?!\d+\Z)")
_EVERY_FIELD = ("name", "phone", "unit")


class Customers(Protocol):
    """What these use cases need of the repository."""

    def customer(self, customer_id: str, org: str) -> Customer | None:
        """Return one customer's file."""
        ...

    def customers_after(self, org: str, after: str, limit: int) -> Sequence[Customer]:
        """Return the files with ids after ``after``, by id, without those that were erased."""
        ...

    def count_customers(self, org: str) -> int:
        """Return how many files there are, without those that were erased."""
        ...


class Flags(Shelf[PrivacyFile], Protocol):
    """Where customers' flags are kept."""

    def of(self, org: str, ids: Sequence[str]) -> Mapping[str, PrivacyFile]:
        """Return the flags with these ids, by customer."""
        ...


class PersonalData:
    """Who sees what of whom."""

    def __init__(
        self,
        customers: Customers,
        accesses: Accesses,
        requests: Shelf[DataRequest],
        flags: Flags,
        clock: Clock,
    ) -> None:
        """Show ``customers``, and log to ``accesses``."""
        self._customers, self._accesses, self._requests = customers, accesses, requests
        self._flags, self._clock = flags, clock

    def open_file(self, call: Caller, customer_id: str, *, full: bool) -> None:
        """Let the caller open a customer's file, masked or in ``full``; RuleRefused, and logged, without a role."""
        rules = self._accesses.find(call.org)
        self._file(call, customer_id)
        if rules is None:
            return
        access = Access(customer_id, ordered(_EVERY_FIELD), None, Outcome.REFUSED, rules.opening.source)
        if not {*rules.opening.roles, _SYSTEM} & call.roles:
            why = f"a customer's file is opened by {', '.join(rules.opening.roles)}"
            raise self._accesses.refuse(call, access, why)
        if full:
            self._accesses.write(call, replace(access, outcome=Outcome.READ, rule=rules.reading.source))

    def read(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return fields of one customer in full, for a role or on an approved request; RuleRefused otherwise."""
        rules = self._accesses.privacy(call.org)
        customer = self._file(call, data["id"])
        access = Access(
            customer.id,
            ordered(data["names"]),
            data["purpose"],
            Outcome.READ,
            rules.reading.source,
            request_id=data["request_id"],
        )
        self._check_use(call, rules, access)
        if not self._may_read(call, rules, rules.subject_of(customer.kind), access):
            why = (
                f"personal data is read in full with an approval by {', '.join(rules.reading.approvals)}: "
                "ask for it with request_personal_data, and name the granted request"
            )
            raise self._accesses.refuse(call, replace(access, outcome=Outcome.REFUSED), why)
        entry_id = self._accesses.write(call, access)
        values = {name: _text(getattr(customer, name)) for name in access.fields}
        return {"customer_id": customer.id, "values": values, "entry_id": entry_id}

    def _may_read(self, call: Caller, rules: Privacy, subject: Subject, access: Access) -> bool:
        if {PERSONAL_DATA, *rules.reading.roles} & call.roles:
            return True
        fields = rules.of_record("customer")
        if all(in_full(rules, fields[name], subject, call.roles) for name in access.fields):
            return True
        return self._approved(call, Kind.READ, access)

    def _approved(self, call: Caller, kind: Kind, access: Access) -> bool:
        if access.request_id is None or access.purpose is None:
            return False
        request = self._requests.get(access.request_id, call.org)
        now = self._clock.now()
        return request is not None and request.allows(
            kind, access.customer_id, access.purpose, call.actor, now
        )

    def _check_use(self, call: Caller, rules: Privacy, access: Access) -> None:
        """Check that there are such fields, and that they are kept for this purpose (使用目的)."""
        fields = rules.of_record("customer")
        known = [name for name in access.fields if name in fields and name in Customer.__dataclass_fields__]
        if len(known) < len(access.fields):
            problem = Problem("names", "names one that customers' files do not have")
            raise ValidationFailed("there is no such field", problems=(problem,))
        if rules.purpose(access.purpose or "") is None:
            codes = ", ".join(purpose.code for purpose in rules.purposes)
            problem = Problem("purpose", f"is not one of {codes}")
            raise ValidationFailed("there is no such purpose", problems=(problem,))
        for name in known:
            if access.purpose not in fields[name].purposes:
                refused = replace(access, outcome=Outcome.REFUSED, rule=fields[name].source)
                why = f"{name} is not kept for the purpose {access.purpose}"
                raise self._accesses.refuse(call, refused, why)

    def export(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return customers as CSV, for granted roles; many, or important data, only on an approved request."""
        rules = self._accesses.privacy(call.org)
        total = self._customers.count_customers(call.org)
        access = Access(
            None,
            ordered(data["names"]),
            data["purpose"],
            Outcome.REFUSED,
            rules.exporting.source,
            total,
            data["request_id"],
        )
        if not set(rules.exporting.roles) & call.roles:
            why = f"customers are exported by {', '.join(rules.exporting.roles)}"
            raise self._accesses.refuse(call, access, why)
        self._check_use(call, rules, access)
        rows = self._customers.customers_after(call.org, data["after"] or "", data["limit"])
        flags = self._flags.of(call.org, [_flags_id(row.id) for row in rows])
        needs = self._needs_approval(rules, access, [flags.get(row.id) for row in rows])
        if needs is not None and not self._approved(call, Kind.EXPORT, access):
            why, rule = needs
            why += f": this needs an approval by {', '.join(rules.exporting.approvals)}"
            raise self._accesses.refuse(call, replace(access, rule=rule), why)
        purpose = rules.purpose(data["purpose"])
        declined = {row for row, file in flags.items() if file.opt_out and purpose and purpose.marketing}
        sent = [row for row in rows if row.id not in declined]
        entry_id = self._accesses.write(call, replace(access, outcome=Outcome.EXPORTED, count=len(sent)))
        after = rows[-1].id if len(rows) == data["limit"] else None
        return {
            "count": len(sent),
            "total": total,
            "csv": _csv(access.fields, sent),
            "next_after": after,
            "entry_id": entry_id,
        }

    def _needs_approval(
        self, rules: Privacy, access: Access, flags: Sequence[PrivacyFile | None]
    ) -> tuple[str, str] | None:
        """Return why an export needs an approval and which rule says so, or None."""
        fields = rules.of_record("customer")
        for name in access.fields:
            if fields[name].data_class is DataClass.IMPORTANT:
                return f"{name} is important data", rules.class_rule(DataClass.IMPORTANT).source
        if any(file is not None and file.confidentiality_agreement for file in flags):
            return "a confidentiality agreement protects one of them", rules.confidentiality
        if access.count > rules.exporting.above.value:
            return f"there are more than {rules.exporting.above.value}", rules.exporting.source
        return None

    def set_flags(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Set whether a confidentiality agreement binds us, and whether the customer wants no marketing."""
        rules = self._accesses.privacy(call.org)
        customer = self._file(call, data["id"])
        file_id = _flags_id(customer.id)
        if self._flags.get(file_id, call.org) is None:
            self._flags.insert(PrivacyFile(id=file_id, org=call.org, customer_id=customer.id))
        agreement, opt_out, now = data["confidentiality_agreement"], data["opt_out"], self._clock.now()
        source = rules.opt_out if agreement is None else rules.confidentiality
        return change(
            self._flags,
            call,
            {**data, "id": file_id},
            "file",
            lambda file, cause: file.set_flags(
                agreement=agreement, opt_out=opt_out, source=source, at=now, cause=cause
            ),
            lambda file: self._privacy_view(rules, customer, file),
        )

    def privacy_of(self, call: Caller, customer_id: str) -> dict[str, Any]:
        """Return whom a file identifies, and its flags."""
        rules, customer = self._accesses.privacy(call.org), self._file(call, customer_id)
        return self._privacy_view(rules, customer, self._flags.get(_flags_id(customer_id), call.org))

    @staticmethod
    def _privacy_view(rules: Privacy, customer: Customer, file: PrivacyFile | None) -> dict[str, Any]:
        return {
            "customer_id": customer.id,
            "subject": rules.subject_of(customer.kind).value,
            "confidentiality_agreement": file is not None and file.confidentiality_agreement,
            "opt_out": file is not None and file.opt_out,
        }

    def catalogue(self, call: Caller) -> dict[str, Any]:
        """Return the classes with a rule for each stage of life, and every field with class, purposes and origin."""
        rules = self._accesses.privacy(call.org)
        stages = ("collect", "store", "use", "share", "open")
        return {
            "classes": [
                {
                    "class": row.code.value,
                    "name": row.name,
                    "stages": {stage: getattr(row, stage) for stage in stages},
                    "source": row.source,
                }
                for row in rules.classes
            ],
            "fields": [
                {
                    "field": row.code,
                    "class": row.data_class.value,
                    "subject": row.subject.value,
                    "purposes": list(row.purposes),
                    "collected": row.collected,
                    "derived": row.derived,
                    "source": row.source,
                }
                for row in rules.catalogue
            ],
        }

    def _file(self, call: Caller, customer_id: str) -> Customer:
        customer = self._customers.customer(customer_id, call.org)
        if customer is None:
            raise no_customer(customer_id)
        return customer


def _flags_id(customer_id: str) -> str:
    return derived_id("pf", customer_id)


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return timestamp(value) if isinstance(value, datetime) else str(value)


def _csv(fields: Sequence[str], rows: Sequence[Customer]) -> str:
    """Return a table with a head; what a spreadsheet would take for a formula is made text."""
    sheet = io.StringIO()
    writer = csv.writer(sheet, lineterminator="\n")
    writer.writerow(["customer_id", *fields])
    for row in rows:
        values = [_text(getattr(row, name)) or "" for name in fields]
        writer.writerow([row.id, *(f"'{value}" if _FORMULA.match(value) else value for value in values)])
    return sheet.getvalue()
