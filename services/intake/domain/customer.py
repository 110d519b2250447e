"""Customer files (客户档案, 一户一档): who a customer is and by what it is recognised."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import phonenumbers

from shared.aggregate import Aggregate
from shared.history import Cause

#: Numbers without a country code are read as Chinese ones.
_REGION = "CN"


@dataclass(frozen=True, slots=True)
class CustomerClaim:
    """What a contact says of its customer. ``phone`` is in E.164 or None, ``unit`` the door or shop number."""

    kind: str
    name: str
    phone: str | None
    unit: str | None

    def keys(self, org: str) -> tuple[str, ...]:
        """Return what recognises this customer within ``org``, the surest first.

        A phone number is enough; without one, the name together with the unit.
        """
        if self.phone:
            return (f"{org}|phone|{self.phone}",)
        return (f"{org}|name|{normal_name(self.name)}|{normal_unit(self.unit)}",)


@dataclass(kw_only=True)
class Customer(Aggregate):
    """One customer's file; ``keys`` are unique over all files."""

    kind: str
    name: str
    phone: str | None
    unit: str | None
    keys: tuple[str, ...]
    opened_at: datetime

    @staticmethod
    def open(customer_id: str, org: str, claim: CustomerClaim, *, at: datetime, cause: Cause) -> Customer:
        """Open a file from the first contact (B-STD-08)."""
        customer = Customer(
            id=customer_id,
            org=org,
            kind=claim.kind,
            name=claim.name,
            phone=claim.phone,
            unit=claim.unit,
            keys=claim.keys(org),
            opened_at=at,
        )
        customer.mark_processed(cause.message_id)
        data = {"customer_id": customer_id, "kind": claim.kind}
        customer.record("customer_registered", data, at=at, cause=cause)
        return customer


def normal_name(name: str) -> str:
    """Return ``name`` as it is compared: full-width forms folded, spaces out, letters small."""
    return "".join(unicodedata.normalize("NFKC", name).split()).casefold()


def normal_unit(unit: str | None) -> str:
    """Return a unit's number as it is compared; empty when none is known."""
    return "".join(unicodedata.normalize("NFKC", unit or "").split()).upper()


@lru_cache(maxsize=8192)
def normal_phone(text: str) -> str | None:
    """Return the number in E.164, or None when it is no valid number."""
    try:
        number = phonenumbers.parse(unicodedata.normalize("NFKC", text), _REGION)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
