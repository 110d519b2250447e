"""What is offered: the kind, the sum, and what a kind must say beside it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from services.complaints.domain.liability.checks import refused, wrong
from services.complaints.domain.money.rules import Need, OfferKind, OfferRules


@dataclass(frozen=True, slots=True)
class Goods:
    """Goods returned or exchanged, and how many of them."""

    item: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Terms:
    """An offer's terms; ``amount`` in yuan, two decimals. ``agreement`` names the text of the agreement.

    Whatever of them changes, the approvals given are void: nobody approved this.
    """

    kind: str
    amount: Decimal
    reason: str
    goods: tuple[Goods, ...] = ()
    reference: str | None = None
    policy: str | None = None
    clause: str | None = None
    meeting_note: str | None = None
    agreement: str | None = None


def kind_of(rules: OfferRules, code: str) -> OfferKind:
    """Return the kind called ``code``; ValidationFailed where the rulebook has none of that name."""
    kind = rules.kind(code)
    if kind is None:
        known = ", ".join(kind.code for kind in rules.kinds) or "none: the rulebook names no kind"
        raise wrong("kind", f"must be one of {known}")
    return kind


def check_terms(kind: OfferKind, terms: Terms) -> None:
    """Refuse terms that lack what the kind asks for: ValidationFailed, RuleRefused with the rule that asks.

    Only an offer of goods may come to nothing.
    """
    if terms.amount == 0 and not terms.goods:
        raise wrong("amount", "must be more than 0 where no goods are returned or exchanged")
    for requirement in kind.requires:
        if not getattr(terms, requirement.what.value):
            message = f"{kind.name} needs {_SAID[requirement.what]}"
            raise refused(message, requirement.source, requirement.what.value, "is missing")
    if kind.agreement is not None and terms.agreement is None:
        message = f"{kind.name} needs a supplementary agreement, whose text is what is approved"
        raise refused(message, kind.agreement.source, "agreement", "is missing")
    if kind.agreement is None and terms.agreement is not None:
        raise wrong("agreement", f"does not belong to {kind.code}")


_SAID = {
    Need.REFERENCE: "the business rule it follows",
    Need.GOODS: "the goods and how many of them",
    Need.POLICY: "the policy under which they are insured",
    Need.CLAUSE: "the clause of the contract",
    Need.MEETING_NOTE: "the note of the meeting at which it was negotiated",
}
