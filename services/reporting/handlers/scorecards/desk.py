"""Use cases of people: see a month's cards as they stand, and close a month for good."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from services.reporting.domain.month import Month
from services.reporting.domain.rulebook import ReportingRules
from services.reporting.domain.scorecards.card import Card, card_of, consequences
from services.reporting.domain.scorecards.closed import Adjustment, ClosedCard, ClosedMonth, closed_id
from services.reporting.domain.scorecards.definition import Scorecard
from services.reporting.errors import month_not_begun
from services.reporting.handlers.scorecards.facts import Rows, Told, gather
from services.reporting.handlers.scorecards.views import card_view
from services.reporting.metrics import SCORECARDS_CLOSED
from shared.acting import Caller, cause_of
from shared.aggregate import digest_of
from shared.clock import Clock
from shared.errors import Conflict, Forbidden, NotFound, Problem, ValidationFailed
from shared.history import timestamp
from shared.ruling import Rules

#: Who sees the cards of others.
MANAGERS = frozenset({"supervisor", "manager", "system"})
#: How many closed months before an open one are looked at for what came late.
_LATE_MONTHS = 12
_ZERO = Decimal(0)


class Months(Protocol):
    """Where closed months are kept."""

    def get(self, aggregate_id: str, org: str) -> ClosedMonth | None:
        """Return one of ``org``."""
        ...

    def insert(self, aggregate: ClosedMonth) -> bool:
        """Write a new one; False when it is there."""
        ...


class People(Protocol):
    """Who is on the staff."""

    def ids(self, org: str) -> list[str]:
        """Return everybody who is there."""
        ...


@dataclass(frozen=True, slots=True)
class _Month:
    """The month of one scorecard of one organisation, with the rulebook it ended under."""

    org: str
    code: str
    month: Month
    scorecard: Scorecard
    rules: ReportingRules
    version: str
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class _Standing:
    """A person's card as it stands."""

    card: Card
    adjustments: list[Adjustment]
    total: Decimal | None


class ScorecardDesk:
    """The cards of each organisation, computed afresh for every question until their month is closed."""

    def __init__(
        self, rows: Rows, months: Months, people: People, rules: Rules[ReportingRules], clock: Clock
    ) -> None:
        """Compute from ``rows``, keep what is closed in ``months``."""
        self._rows, self._months, self._people = rows, months, people
        self._rules, self._clock = rules, clock

    def get(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return one card; one's own, or for those who lead others anybody's."""
        person = data["person"] or call.actor
        if person != call.actor and not MANAGERS & call.roles:
            raise Forbidden("the card of somebody else is for supervisors and managers to see")
        month = self._month(call.org, data["scorecard"], data["month"])
        closed = self._closed(month)
        if closed is not None:
            card = closed.card(person)
            if card is None:
                raise NotFound(f"{person} had no card when {month.month} was closed")
            return _heading(month, person, closed) | dict(card.shown)
        return _heading(month, person, None) | dict(self._open_cards(month, [person])[person].shown)

    def page(self, org: str, data: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return a page of the cards of a month without their lines, by person."""
        month = self._month(org, data["scorecard"], data["month"])
        closed = self._closed(month)
        cards = closed.cards if closed else list(self._open_cards(month, None).values())
        start = data["skip"]
        return [
            _heading(month, card.person, closed)
            | {name: card.shown[name] for name in ("unit", "facts", "empty", "total", "consequences")}
            for card in cards[start : start + data["limit"]]
        ]

    def close(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Close a month that is over: its cards stay as they are; what comes late counts in the next open month.

        A repeat of the command gets the first answer; Conflict when somebody else closed the month.
        """
        month = self._month(call.org, data["scorecard"], data["month"])
        digest = digest_of({"scorecard": month.code, "month": str(month.month)})
        now = self._clock.now()
        if now < month.month.ends(str(month.zone)):
            problem = Problem("month", "is not over yet")
            raise ValidationFailed(
                f"{month.month} is not over yet: it is closed afterwards", problems=(problem,)
            )
        existing = self._closed(month)
        if existing is None:
            cards = list(self._open_cards(month, None).values())
            closing = ClosedMonth(
                id=closed_id(call.org, month.code, month.month),
                org=call.org,
                scorecard=month.code,
                month=str(month.month),
                regulation=month.version,
                closed_at=now,
                closed_by=call.actor,
            )
            closing.close(cards, cause_of(call))
            answer = {
                "scorecard": month.code,
                "month": str(month.month),
                "closed_at": timestamp(now),
                "closed_by": call.actor,
                "cards": len(cards),
                "warnings": sum(len(card.shown["consequences"]) for card in cards),
            }
            closing.remember_answer(call.key, digest, answer)
            if self._months.insert(closing):
                SCORECARDS_CLOSED.inc(len(cards))
                return answer
            existing = self._closed(month)
        answered = existing.answer_to(call.key, digest) if existing else None
        if answered is None:
            raise Conflict(
                f"{month.month} of {month.code} is closed: what comes late counts in the next open month"
            )
        return dict(answered)

    # --- computing ------------------------------------------------------------------------------------------

    def _open_cards(self, month: _Month, persons: list[str] | None) -> dict[str, ClosedCard]:
        """Return the cards of ``persons``, or of everybody there is or was something to tell of."""
        standing = self._standing(month, persons)
        before = self._totals_before(month, persons)
        begins = month.scorecard.begins.value if month.scorecard.begins else _ZERO
        cards: dict[str, ClosedCard] = {}
        for person in sorted(standing):
            each = standing[person]
            totals = [each.total, *(known.get(person, begins) for known in before)]
            follows = consequences(month.scorecard, totals)
            shown = card_view(each.card, each.adjustments, each.total, follows)
            cards[person] = ClosedCard(person, each.card.total, each.total, each.adjustments, shown)
        return cards

    def _standing(self, month: _Month, persons: list[str] | None) -> dict[str, _Standing]:
        told = self._told(month, persons)
        late = self._late(month, persons)
        everybody = persons if persons is not None else sorted({*told, *late, *self._people.ids(month.org)})
        standing = {}
        for person in everybody:
            known = told.get(person, Told())
            card = card_of(month.scorecard, known.facts, known.figures)
            adjustments = late.get(person, [])
            total = card.total
            if total is not None:
                total = sum((each.amount for each in adjustments), total)
            standing[person] = _Standing(card, adjustments, total)
        return standing

    def _told(self, month: _Month, persons: list[str] | None) -> dict[str, Told]:
        person = persons[0] if persons is not None and len(persons) == 1 else None
        return gather(self._rows, month.org, month.rules, month.scorecard, month.month, month.zone, person)

    def _totals_before(self, month: _Month, persons: list[str] | None) -> list[dict[str, Decimal | None]]:
        """Return everybody's totals of the months before that consequences look at, as far as there was a card."""
        found: list[dict[str, Decimal | None]] = []
        for back in range(1, month.scorecard.months_back + 1):
            earlier = self._before(month, back)
            if earlier is None:
                break
            closed = self._closed(earlier)
            if closed is not None:
                found.append({card.person: card.total for card in closed.cards})
            else:
                found.append({one: each.total for one, each in self._standing(earlier, persons).items()})
        return found

    def _late(self, month: _Month, persons: list[str] | None) -> dict[str, list[Adjustment]]:
        """Return what is known by now of the closed months just before, less what their cards already say."""
        found: dict[str, list[Adjustment]] = {}
        later: list[ClosedMonth] = []
        for back in range(1, _LATE_MONTHS + 1):
            earlier = self._before(month, back)
            closed = self._closed(earlier) if earlier else None
            if earlier is None or closed is None:
                break
            told = self._told(earlier, persons)
            begins = earlier.scorecard.begins.value if earlier.scorecard.begins else _ZERO
            for person in persons if persons is not None else sorted({*told, *_named(closed)}):
                known = told.get(person, Told())
                now = card_of(earlier.scorecard, known.facts, known.figures).total
                frozen = closed.card(person)
                settled = begins if frozen is None else frozen.own
                carried = sum(
                    (
                        each.amount
                        for one in later
                        for each in _adjusted(one, person)
                        if each.month == closed.month
                    ),
                    _ZERO,
                )
                amount = (_ZERO if now is None else now) - (_ZERO if settled is None else settled) - carried
                if amount:
                    found.setdefault(person, []).append(Adjustment(closed.month, amount))
            later.append(closed)
        return {person: sorted(each, key=lambda one: one.month) for person, each in found.items()}

    # --- finding --------------------------------------------------------------------------------------------

    def _month(self, org: str, code: str, month: Month) -> _Month:
        zone = self._rules.calendar(org).zone
        now = Month.containing(self._clock.now(), str(zone))
        if month > now:
            raise month_not_begun(str(month))
        found = self._known(org, code, month)
        if found is None:
            raise NotFound(f"your organisation's rulebook has no scorecard {code!r}")
        return found

    def _known(self, org: str, code: str, month: Month) -> _Month | None:
        zone = self._rules.calendar(org).zone
        # A month is measured by the rulebook it ended under.
        ruling = self._rules.in_force(org, month.last_moment(str(zone)))
        scorecard = ruling.rules.scorecard(code)
        if scorecard is None:
            return None
        return _Month(org, code, month, scorecard, ruling.rules, ruling.version, zone)

    def _before(self, month: _Month, back: int) -> _Month | None:
        wanted = month.month
        for _ in range(back):
            wanted = wanted.previous
        try:
            return self._known(month.org, month.code, wanted)
        except NotFound:
            return None

    def _closed(self, month: _Month) -> ClosedMonth | None:
        return self._months.get(closed_id(month.org, month.code, month.month), month.org)


def _named(closed: ClosedMonth) -> list[str]:
    return [card.person for card in closed.cards]


def _adjusted(closed: ClosedMonth, person: str) -> list[Adjustment]:
    card = closed.card(person)
    return card.adjustments if card else []


def _heading(month: _Month, person: str, closed: ClosedMonth | None) -> dict[str, Any]:
    return {
        "month": str(month.month),
        "person": person,
        "regulation": closed.regulation if closed else month.version,
        "closed_at": timestamp(closed.closed_at) if closed else None,
    }
