"""What a rulebook says about authority (审批权限) and offers (赔偿、减价、退货、换货、退款、保险索赔).

Everything a handbook leaves open is ``None`` or empty, and what rests on it is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from shared.authority import Authority
from shared.regulations.values import Sourced
from shared.worktime import Duration


class Need(StrEnum):
    """What an offer of some kind must say beside its sum."""

    #: The sales business rule the sum follows.
    REFERENCE = "reference"
    #: The goods returned or exchanged, each with its quantity.
    GOODS = "goods"
    #: The policy under which the goods are insured.
    POLICY = "policy"
    #: The clause of the contract.
    CLAUSE = "clause"
    #: The note of the meeting at which it was negotiated.
    MEETING_NOTE = "meeting_note"


class Danger(StrEnum):
    """What a case threatens to become (B-JKC-45)."""

    MASS_COMPLAINT = "mass_complaint"
    MEDIA = "media"


class Way(StrEnum):
    """How something was reported or filed."""

    PHONE = "phone"
    SMS = "sms"
    PAPER = "paper"
    EMAIL = "email"
    SYSTEM = "system"


#: The record of a first report, beside those of the units something is filed with.
FIRST_REPORT = "first_report"


@dataclass(frozen=True, slots=True)
class Requirement:
    """One thing an offer must say, and the rule that asks for it."""

    what: Need
    source: str


@dataclass(frozen=True, slots=True)
class FilingRule:
    """A unit that cases of ``levels`` are filed with (备案) before money is paid on them and before they close."""

    code: str
    name: str
    levels: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True)
class FirstReportRule:
    """In danger report first (先行报告): in one of ``ways``, before anything is approved, and file with a unit."""

    ways: tuple[Way, ...]
    filed_with: str
    source: str


@dataclass(frozen=True, slots=True)
class DelegationRule:
    """The roles whose holders may let somebody else act for them, for at most so many days."""

    roles: tuple[str, ...]
    at_most_days: int
    source: str


@dataclass(frozen=True, slots=True)
class AuthorityRules:
    """The matrix, and what must be reported and filed beside it; see ``shared.authority``."""

    matrix: tuple[Authority, ...] = ()
    filings: tuple[FilingRule, ...] = ()
    first_report: FirstReportRule | None = None
    delegation: DelegationRule | None = None

    def filing(self, code: str) -> FilingRule | None:
        """Return the unit called ``code``."""
        return next((rule for rule in self.filings if rule.code == code), None)

    def roles(self) -> Iterator[tuple[str, str]]:
        """Yield every role named, with its dotted path below the key ``authority``."""
        for row in self.matrix:
            for number, place in enumerate(row.places):
                for position, role in enumerate(place.roles):
                    yield f"matrix.{row.code}.sequence.{number}.roles.{position}", role
        for position, role in enumerate(self.delegation.roles if self.delegation is not None else ()):
            yield f"delegation.roles.{position}", role


@dataclass(frozen=True, slots=True)
class CopyRule:
    """Where a paper goes after payment: the original or a copy."""

    code: str
    name: str


@dataclass(frozen=True, slots=True)
class AgreementRule:
    """A supplementary agreement (补充协议): its text is what is approved; signed before payment, filed after it."""

    filed: tuple[CopyRule, ...]
    source: str


@dataclass(frozen=True, slots=True)
class OfferKind:
    """One kind of offer. ``basis`` says what it rests on where that is not the matrix alone.

    ``pay_within`` runs from the approval; ``payments`` are the roles that pay this kind, where others than usual
    do. With ``tell_customer`` the payment says when the customer was told to collect.
    """

    code: str
    name: str
    source: str
    requires: tuple[Requirement, ...] = ()
    basis: str | None = None
    agreement: AgreementRule | None = None
    pay_within: Sourced[Duration] | None = None
    payments: Sourced[tuple[str, ...]] | None = None
    tell_customer: Sourced[bool] | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """The written plan for one problem after the sale (B-ECM-39): four blocks of text."""

    code: str
    name: str
    calming: str
    compensation: str
    courier_claim: str
    tracing: str
    source: str


@dataclass(frozen=True, slots=True)
class OfferRules:
    """The roles that propose and those that pay, and the kinds there are."""

    proposals: Sourced[tuple[str, ...]] | None = None
    payments: Sourced[tuple[str, ...]] | None = None
    kinds: tuple[OfferKind, ...] = ()
    plans: tuple[Plan, ...] = ()

    def kind(self, code: str) -> OfferKind | None:
        """Return the kind called ``code``."""
        return next((kind for kind in self.kinds if kind.code == code), None)

    def plan(self, code: str) -> Plan | None:
        """Return the plan for the problem ``code``."""
        return next((plan for plan in self.plans if plan.code == code), None)

    def payers(self, kind: OfferKind) -> Sourced[tuple[str, ...]] | None:
        """Return the roles that pay offers of ``kind``; None where the rulebook names nobody."""
        return kind.payments or self.payments

    def roles(self) -> Iterator[tuple[str, str]]:
        """Yield every role named, with its dotted path below the key ``offers``."""
        named = {"proposals": self.proposals, "payments": self.payments}
        named |= {f"kinds.{kind.code}.payments": kind.payments for kind in self.kinds}
        for path, rule in named.items():
            for number, role in enumerate(rule.value if rule is not None else ()):
                yield f"{path}.value.{number}", role
