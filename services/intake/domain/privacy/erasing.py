"""Erasing (清除) a customer's personal data: the fields of a personal class are emptied, the history stays whole."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable
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
from shared.forgetting import ERASED, forget_answers, mapped
from shared.history import Cause

#: The digits of a number by which it is found in what was written in any way.
_SIGNIFICANT = 11
_SEPARATORS = re.compile(r"[\s\-.()]+")


def _spread(digits: str) -> re.Pattern[str]:
    """Return what finds a number however it is written, with its country code where it has one."""
    return re.compile(r"(?:\+?86[\s\-.()]*)?" + r"[\s\-.()]*".join(digits))


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

    def blanked(self, text: str, *, at_home: bool = False) -> str:
        """Return ``text`` with the number and the name marked as erased; the rest stays as it was written.

        A name alone may be somebody else's: it counts beside the number or the unit, or where ``at_home`` says
        that the text is about the unit.
        """
        plain = unicodedata.normalize("NFKC", text)
        pattern = None if self.phone is None else _spread(self.phone)
        called = pattern is not None and pattern.search(plain) is not None
        if pattern is not None and called:
            plain = pattern.sub(ERASED, plain)
        meant = called or at_home or (bool(self.unit) and self.unit in normal_unit(plain))
        if meant and self.name and self.name in normal_name(plain):
            called, plain = (
                True,
                re.sub(r"\s*".join(map(re.escape, self.name)), ERASED, plain, flags=re.IGNORECASE),
            )
        return plain if called else text

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
    removed = _empty(customer, "customer", rules)
    customer.name, customer.keys = ERASED, (f"erased|{customer.id}",)
    forget_answers(customer, removed)
    tell(customer, "customer", customer.id, request_id, at=at, cause=cause)


def erase_contact(contact: Contact, rules: Privacy, request_id: str, *, at: datetime, cause: Cause) -> None:
    """Empty what a contact says of its customer."""
    forget_answers(contact, _empty(contact, "contact", rules))
    tell(contact, "contact", contact.customer_id, request_id, at=at, cause=cause)


def erase_rejection(
    rejection: Rejection, customer_id: str, request_id: str, *, at: datetime, cause: Cause
) -> None:
    """Empty the body of a refused event; who sent it and why it was refused stay."""
    rejection.body = ERASED.encode()
    tell(rejection, "rejected_event", customer_id, request_id, at=at, cause=cause)


def tell(
    aggregate: Aggregate, subject: str, customer_id: str, request_id: str, *, at: datetime, cause: Cause
) -> None:
    """Record that the personal data of one thing was erased."""
    data = {
        "subject": subject,
        "subject_id": aggregate.id,
        "customer_id": customer_id,
        "request_id": request_id,
    }
    aggregate.record("personal_data_erased", data, at=at, cause=cause)


def _empty(aggregate: Aggregate, record: str, rules: Privacy) -> set[str]:
    """Empty every field whose class is not harmless, whoever the customer is; return the texts that stood there."""
    types = get_type_hints(type(aggregate))
    named = {spec.name for spec in fields(aggregate)}
    removed: set[str] = set()
    for name, rule in rules.of_record(record).items():
        if name in named and rule.data_class not in HARMLESS:
            mapped(getattr(aggregate, name), (), _noted(removed))
            setattr(aggregate, name, _nothing(types[name]))
    return removed


def _nothing(declared: Any) -> Any:
    """Return what a field of the type ``declared`` holds when it holds nothing."""
    if NoneType in get_args(declared):
        return None
    return ERASED if declared is str else (get_origin(declared) or declared)()


def _noted(removed: set[str]) -> Callable[[str], str]:
    def note(text: str) -> str:
        removed.add(text)
        return text

    return note


def _plain(body: bytes) -> str:
    r"""Return ``body`` as text, its escapes such as \u6d4b resolved and full-width forms folded."""
    text = body.decode("utf-8", errors="replace")
    try:
        text = json.dumps(json.loads(text), ensure_ascii=False)
    except (ValueError, RecursionError):
        # Not whole, or never JSON: searched as it is.
        text = re.sub(r"\\u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), text)
    return unicodedata.normalize("NFKC", text)
