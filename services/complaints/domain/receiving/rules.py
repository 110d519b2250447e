"""What a rulebook says about receiving complaints: sources, opinions, refusals, late entry, cards, what is overdue."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from string import Formatter
from typing import TYPE_CHECKING

from services.complaints.domain.rulebook import ClockEnd, Grant
from shared.regulations.values import Sourced
from shared.worktime import Duration

if TYPE_CHECKING:
    from services.complaints.domain.rulebook import ComplaintRules


class CardValue(StrEnum):
    """What of a case a record card repeats; everything else on it is entered by hand."""

    NUMBER = "number"
    CUSTOMER = "customer_id"
    UNIT = "unit_id"
    CHANNEL = "channel"
    SOURCE = "source"
    COMPLAINANT = "complainant_type"
    DEMAND = "demand"
    AMOUNT = "amount"
    PROBLEM = "problem"
    LEVEL = "level"
    RECEIVED_AT = "received_at"
    HANDLER = "handler"
    PREVENTION = "prevention"


@dataclass(frozen=True, slots=True)
class Grants:
    """Who may do something, and the rule that says so."""

    grants: tuple[Grant, ...]
    source: str


@dataclass(frozen=True, slots=True)
class OpinionRule:
    """Who gives an opinion before another person decides; ``required``: nothing is decided without one."""

    grants: tuple[Grant, ...]
    source: str
    required: bool = True


@dataclass(frozen=True, slots=True)
class SourceRule:
    """Where complaints come from (投诉来源): a shop, a call centre, a regulator.

    ``channels`` are those whose complaints are of this source unless somebody enters another one; ``owners`` are
    the roles that alone work on its cases, anybody the rulebook's steps name where it is empty; ``department`` is
    who answers for it; ``by_audit``: it is counted by audit (监审); ``priority`` 1 is the most urgent.
    """

    code: str
    name: str
    source: str
    channels: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    department: str | None = None
    by_audit: bool = False
    priority: int | None = None


@dataclass(frozen=True, slots=True)
class RefusalRule:
    """The polite refusal (婉拒) of a complaint that does not stand: its words, with a place for each variable.

    ``binding``: the customer is answered with these words and in no others.
    """

    text: str
    source: str
    binding: bool = False

    @property
    def variables(self) -> tuple[str, ...]:
        """Return the names of the places in the text, in order, each once."""
        names = (name for _, name, _, _ in Formatter().parse(self.text) if name)
        return tuple(dict.fromkeys(names))


@dataclass(frozen=True, slots=True)
class LateEntryRule:
    """That a complaint entered late through oversight counts as an escalation; ``within`` is what late means.

    Without ``within`` whoever may report it judges that by themselves.
    """

    by: Grants
    within: Sourced[Duration] | None = None


@dataclass(frozen=True, slots=True)
class CardField:
    """One field of a record card: repeated from the case where ``value`` is given, else entered."""

    code: str
    name: str
    required: bool = True
    value: CardValue | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class CardRule:
    """The form on which a complaint is recorded (投诉登记表、投诉处理单).

    ``approvals`` are the roles that check and approve it; ``before_closing`` says that a case does not close
    before the card is complete, and approved where somebody is to approve it.
    """

    name: str
    grants: tuple[Grant, ...]
    form: tuple[CardField, ...]
    source: str
    approvals: Grants | None = None
    before_closing: Sourced[bool] | None = None

    def field(self, code: str) -> CardField | None:
        """Return the field called ``code``."""
        return next((each for each in self.form if each.code == code), None)

    @property
    def holds_up_closing(self) -> bool:
        """Return whether a case waits for its card."""
        return self.before_closing is not None and self.before_closing.value


@dataclass(frozen=True, slots=True)
class OverdueRule:
    """What counts as overdue (投诉超时): a missed clock that one of ``ends`` meets.

    With ``by_audit`` only on cases of a source that is counted by audit.
    """

    code: str
    name: str
    ends: tuple[ClockEnd, ...]
    source: str
    by_audit: bool = False


@dataclass(frozen=True, slots=True)
class ReceivingRules:
    """The part of a rulebook about receiving complaints; what is ``None`` or empty is not asked for.

    ``impartial``: whoever the case is about takes no step on it.
    """

    sources: tuple[SourceRule, ...] = ()
    clarify: Grants | None = None
    opinion: OpinionRule | None = None
    impartial: Sourced[bool] | None = None
    refusal: RefusalRule | None = None
    late_entry: LateEntryRule | None = None
    overdue: tuple[OverdueRule, ...] = ()
    record_card: CardRule | None = None

    def origin(self, code: str) -> SourceRule | None:
        """Return the source called ``code``."""
        return next((rule for rule in self.sources if rule.code == code), None)


def origin_of(rules: ComplaintRules, channel: str) -> str:
    """Return the source of what comes in through ``channel``; the channel itself where no source names it."""
    sources = rules.receiving.sources if rules.receiving is not None else ()
    return next((rule.code for rule in sources if channel in rule.channels), channel)
