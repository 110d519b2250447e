"""What a rulebook says about quality checks (质检): samples, score cards and phrases, as immutable values."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from shared.registers.definition import Confidential
from shared.regulations.values import Sourced


class Marking(StrEnum):
    """What is entered for an item of a card: a mark, yes or no, a count that must not be too high."""

    MARK = "mark"
    YES_NO = "yes_no"
    AT_MOST = "at_most"
    PHRASE = "phrase"


class Scan(StrEnum):
    """What is looked for in a talk: words said anywhere, at its end, never, or before something else."""

    PRESENT = "present"
    AT_END = "at_end"
    BANNED = "banned"
    BEFORE = "before"


class Period(StrEnum):
    """What stretch of time a sample is of, where it is of one."""

    MONTH = "month"
    QUARTER = "quarter"


@dataclass(frozen=True, slots=True)
class Phrase:
    """One rule about the wording of a talk.

    ``groups`` are alternatives: of each group one must have been said by the agent (``banned``: none of any).
    ``until`` is what all of them come before, whoever says it. The rule applies only to talks in which one of
    ``when`` is said. ``{number}`` in words stands for any number. ``alert`` makes a failure one.
    """

    code: str
    name: str
    scan: Scan
    groups: tuple[tuple[str, ...], ...]
    source: str
    until: tuple[str, ...] = ()
    when: tuple[str, ...] = ()
    alert: bool = False


@dataclass(frozen=True, slots=True)
class CardItem:
    """One item of a score card: ``most`` is the highest mark, or the highest count that passes.

    An item of the kind phrase is marked by scanning for ``phrase``. Failing a ``fatal`` one loses all points. An
    ``optional`` one may be left out and then does not count.
    """

    code: str
    name: str
    marking: Marking
    source: str
    most: Decimal = Decimal(1)
    weight: Decimal = Decimal(1)
    fatal: bool = False
    optional: bool = False
    phrase: str | None = None

    @property
    def worth(self) -> Decimal:
        """Return the points it can bring before weighing."""
        return self.most if self.marking is Marking.MARK else Decimal(1)


@dataclass(frozen=True, slots=True)
class Card:
    """A score card (评分表): its items, and from how many percent on it is passed."""

    code: str
    name: str
    items: tuple[CardItem, ...]
    source: str
    pass_at: Sourced[Decimal] | None = None

    def item(self, code: str) -> CardItem | None:
        """Return the item called ``code``."""
        return next((item for item in self.items if item.code == code), None)


@dataclass(frozen=True, slots=True)
class Weight:
    """A rule that draws items more often: those whose ``attribute`` is one of ``values``, or at most so much."""

    code: str
    attribute: str
    weight: int
    source: str
    values: tuple[str, ...] = ()
    at_most: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Approval:
    """Whose signature ends a sample, and until which day of the month after its period."""

    roles: tuple[str, ...]
    source: str
    by_day: int | None = None


@dataclass(frozen=True, slots=True)
class SampleRule:
    """One kind of sample (抽查): of what, how much, drawn by whom, scored with which card, ended how.

    Of ``percent``, ``least`` and ``size`` the highest counts; with none of them given whoever draws says how
    many. ``strata`` are the attributes each of whose values gets its share. ``period`` says what it is of;
    with ``once`` there is one sample of a matter and period. ``people`` says that it is drawn from customers.
    ``roles`` may do anything with it but approve; where it names none, all staff may.
    """

    code: str
    name: str
    item: str
    source: str
    roles: Sourced[tuple[str, ...]] | None = None
    card: Sourced[str] | None = None
    percent: Sourced[Decimal] | None = None
    least: Sourced[int] | None = None
    size: Sourced[int] | None = None
    strata: Sourced[tuple[str, ...]] | None = None
    weights: tuple[Weight, ...] = ()
    period: Period | None = None
    once: bool = False
    people: bool = False
    summary: Sourced[bool] | None = None
    blind: bool = False
    target: Sourced[Decimal] | None = None
    approval: Approval | None = None
    confidential: Confidential | None = None


@dataclass(frozen=True, slots=True)
class QualityRules:
    """The section ``quality`` of one version of an organisation's rulebook."""

    samples: tuple[SampleRule, ...] = ()
    cards: tuple[Card, ...] = ()
    phrases: tuple[Phrase, ...] = ()
    #: Whoever is checked does not check.
    not_own: Sourced[bool] | None = None

    def sample(self, code: str) -> SampleRule | None:
        """Return the kind of sample called ``code``."""
        return next((rule for rule in self.samples if rule.code == code), None)

    def card(self, rule: SampleRule) -> Card | None:
        """Return the card that ``rule`` is scored with."""
        code = None if rule.card is None else rule.card.value
        return next((card for card in self.cards if card.code == code), None)

    def phrase(self, code: str | None) -> Phrase | None:
        """Return the rule about wording called ``code``."""
        return next((phrase for phrase in self.phrases if phrase.code == code), None)
