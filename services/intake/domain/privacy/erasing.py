"""Erasing (清除) a customer's personal data: the fields of a personal class are emptied, the history stays whole."""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass, fields
from datetime import datetime
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

from services.intake.domain.contact import Contact
from services.intake.domain.customer import Customer
from services.intake.domain.privacy.rules import HARMLESS, Privacy
from services.intake.domain.recognising import normal_name, normal_unit
from services.intake.domain.rejection import Rejection
from shared.aggregate import Aggregate
from shared.history import Cause

#: What stands where words stood.
ERASED = "[已清除]"
#: The digits of a number by which it is found in what was written in any way.
_SIGNIFICANT = 11
_SEPARATORS = re.compile(r"[\s\-.()]+")


@dataclass(frozen=True, slots=True)
class Traces:
    """By what a customer's data is found in a text: its phone number, or its name together with its unit."""

    phone: str | None
    name: str
    unit: str

    @staticmethod
    def of(customer: Customer) -> Traces:
        """Return the traces of a customer that was not erased yet."""
        digits = re.sub(r"\D", "", customer.phone or "")[-_SIGNIFICANT:]
        return Traces(digits or None, normal_name(customer.name), normal_unit(customer.unit))

    def found_in(self, body: bytes) -> bool:
        """Return whether ``body`` speaks of the customer, as far as that can be told."""
        text = _plain(body)
        if self.phone and self.phone in _SEPARATORS.sub("", text):
            return True
        return bool(self.unit) and self.name in normal_name(text) and self.unit in normal_unit(text)


def is_erased(customer: Customer) -> bool:
    """Return whether the customer's data was erased."""
    return customer.name == ERASED


def erase_customer(
    customer: Customer, rules: Privacy, request_id: str, *, at: datetime, cause: Cause
) -> None:
    """Empty a customer's file; nothing recognises the customer by it any more."""
    _empty(customer, "customer", rules)
    customer.name, customer.keys = ERASED, (f"erased|{customer.id}",)
    customer.record(
        "personal_data_erased", _data("customer", customer.id, customer.id, request_id), at=at, cause=cause
    )


def erase_contact(contact: Contact, rules: Privacy, request_id: str, *, at: datetime, cause: Cause) -> None:
    """Empty what a contact says of its customer."""
    _empty(contact, "contact", rules)
    data = _data("contact", contact.id, contact.customer_id, request_id)
    contact.record("personal_data_erased", data, at=at, cause=cause)


def erase_rejection(
    rejection: Rejection, customer_id: str, request_id: str, *, at: datetime, cause: Cause
) -> None:
    """Empty the body of a refused event; who sent it and why it was refused stay."""
    rejection.body = ERASED.encode()
    data = _data("rejected_event", rejection.id, customer_id, request_id)
    rejection.record("personal_data_erased", data, at=at, cause=cause)


def _data(subject: str, subject_id: str, customer_id: str, request_id: str) -> dict[str, Any]:
    return {
        "subject": subject,
        "subject_id": subject_id,
        "customer_id": customer_id,
        "request_id": request_id,
    }


def _empty(aggregate: Aggregate, record: str, rules: Privacy) -> None:
    """Empty every field whose class is not harmless, whoever the customer is."""
    types = get_type_hints(type(aggregate))
    named = {spec.name for spec in fields(aggregate)}
    for name, rule in rules.of_record(record).items():
        if name in named and rule.data_class not in HARMLESS:
            setattr(aggregate, name, _nothing(types[name]))


def _nothing(declared: Any) -> Any:
    """Return what a field of the type ``declared`` holds when it holds nothing."""
    if NoneType in get_args(declared):
        return None
    return ERASED if declared is str else (get_origin(declared) or declared)()


def _plain(body: bytes) -> str:
    r"""Return ``body`` as text, its escapes such as \u6d4b resolved and full-width forms folded."""
    text = body.decode("utf-8", errors="replace")
    try:
        text = json.dumps(json.loads(text), ensure_ascii=False)
    except (ValueError, RecursionError):
        # Not whole, or never JSON: searched as it is.
        text = re.sub(r"\\u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), text)
    return unicodedata.normalize("NFKC", text)
