"""By what a customer is recognised, however a name, a unit or a number was written: each file's unique keys."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import lru_cache

import phonenumbers

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


def reference_key(org: str, origin: str, reference: str) -> str:
    """Return what recognises a customer by the number another system gave it."""
    return f"{org}|ref|{origin}|{normal_unit(reference)}"


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
