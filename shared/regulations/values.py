"""A value together with the rule it comes from; pure, so that domain code may hold it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

Value = TypeVar("Value")

#: The source of what an organisation decided itself because its handbook leaves it open.
ORGANISATION = "organisation"
#: The source of a mechanism's own default that no handbook speaks about.
DESIGN = "design"


@dataclass(frozen=True, slots=True)
class Sourced(Generic[Value]):
    """A value and its source: a rule id such as ``B-JKC-52``, ``organisation`` or ``design``."""

    value: Value
    source: str
