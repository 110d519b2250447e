"""Composing the contacts of one organisation: who says what, when, through which channel."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import cycle, islice
from random import Random

from kefu.demo.arrivals import DESK_CHANNELS, Arrivals
from kefu.demo.model import Reaction
from kefu.demo.people import People, Person
from kefu.demo.reactions import Reactions
from kefu.demo.shares import allot
from kefu.demo.trades import Group, Problem, Text, Trade, common_words

#: Of the contacts that are no complaints, how many come from customers who have been in touch before.
_KNOWN_CUSTOMERS = 0.25
#: Households agree on a problem within hours, so they use what is at hand at any time of day.
_GROUP_CHANNELS = ("phone", "wechat", "app", "phone")
#: A first complaint leaves the rest of the day for the second.
_FIRST_HOURS_OF_REPEATED = 14
#: The shortest clocks run two and three hours; this share of complaints is young enough to meet them.
_FRESH_SHARE = 0.6
_FRESH_MINUTES = 90
_FIRST_HOURS_OF_GROUP = 10
#: Who has such a matter presses for an answer and sends proof.
_PRESSING = frozenset({"complaint", "repair"})
#: Who takes these writes his name on them; the other channels need nobody.
_TAKEN_CHANNELS = DESK_CHANNELS | {"phone"}


@dataclass(frozen=True, slots=True, eq=False)
class Contact:
    """One contact before it becomes a message.

    ``complaint`` is the JSON shape of the complaint. A complaint that opens a case has a ``reaction``; one
    that raises an earlier one again has that as ``first``. ``overdue`` ones were received days ago,
    ``grouped`` ones raise a problem that other households raise too.
    """

    trade: Trade
    category: str
    channel: str
    received_at: datetime
    person: Person
    text: str
    taken_by: str | None = None
    order: str | None = None
    complaint: Mapping[str, object] | None = None
    reaction: Reaction | None = None
    first: Contact | None = None
    overdue: bool = False
    grouped: bool = False


class _Slots(dict[str, str]):
    """The words one customer fills into a text; drawn when first asked for, the same ever after."""

    def __init__(self, trade: Trade, person: Person, rng: Random) -> None:
        super().__init__()
        self._choices = trade.slots
        self._rng = rng
        if person.unit is not None:
            self["unit"] = person.unit

    def __missing__(self, name: str) -> str:
        if name == "order":
            self[name] = f"DD{self._rng.randrange(10**8):08d}"
        else:
            self[name] = self._rng.choice(self._choices[name])
        return self[name]


class Composer:
    """Composes all contacts of one organisation, complaints first; use it once."""

    def __init__(
        self, trade: Trade, rng: Random, people: People, arrivals: Arrivals, problem_suffix: str
    ) -> None:
        """``problem_suffix`` keeps the problems of one run apart from those of another."""
        self._trade = trade
        self._rng = rng
        self._people = people
        self._arrivals = arrivals
        self._suffix = problem_suffix
        single = sum(problem.times for problem in trade.complaints)
        justified = sum(problem.times for problem in trade.complaints if problem.valid)
        grouped = sum(group.households for group in trade.groups)
        self._channels = allot(trade.channels, single + sum(trade.contacts.values()), rng)
        self._reactions = Reactions(trade, rng, justified + grouped)

    def contacts(self) -> list[Contact]:
        """Return the contacts in no particular order."""
        made: list[Contact] = []
        # Complaints that come back through another channel choose theirs before the desk takes the rest.
        for problem in sorted(self._trade.complaints, key=lambda problem: problem.repeated is None):
            for index in range(problem.times):
                made += self._single(problem, index)
        for group in self._trade.groups:
            made += self._grouped(group)
        for category, count in self._trade.contacts.items():
            made += [self._other(category, text) for text in self._texts(self._trade.texts[category], count)]
        return made

    def households(self) -> dict[str, int]:
        """Return how many households stand behind each problem that several raise."""
        return {self._key(group.problem): group.households for group in self._trade.groups}

    def _other(self, category: str, text: Text) -> Contact:
        person = self._people.any(text.kind, _KNOWN_CUSTOMERS)
        channel = self._channels.pop()
        return self._contact(category, channel, self._arrivals.draw(channel), person, text.text)

    def _single(self, problem: Problem, index: int) -> list[Contact]:
        again = problem.repeated if index == 0 else None
        channel = self._channels.pop()
        if again is not None:
            channel = self._swap(channel, lambda name: name != again.channel and name not in DESK_CHANNELS)
        hours = _FIRST_HOURS_OF_REPEATED if again is not None and again.hours is not None else 24
        if self._fresh(problem, again, channel):
            received_at = self._arrivals.recently(_FRESH_MINUTES)
        else:
            received_at = self._arrivals.draw(channel, days_ago=problem.old_days or 0, first_hours=hours)
        person = self._people.new(problem.kind)
        # Only groups share a problem: the same matter at two customers is two problems.
        key = self._key(problem, index if problem.times > 1 else None)
        slots = _Slots(self._trade, person, self._rng)
        text = problem.texts[index % len(problem.texts)]
        first = self._complaint(problem, key, index, channel, received_at, person, text, slots)
        if again is None:
            return [first]
        if again.hours is None:
            later = self._arrivals.draw(again.channel)
        else:
            later = self._arrivals.after(received_at, hours=again.hours)
        return [first, self._again(first, again.channel, later, again.text, slots)]

    def _fresh(self, problem: Problem, again: object, channel: str) -> bool:
        """Return whether the complaint is one that staff can still answer in time when the day is played."""
        if problem.old_days or again is not None or channel in DESK_CHANNELS:
            return False
        return self._rng.random() < _FRESH_SHARE

    def _grouped(self, group: Group) -> list[Contact]:
        problem, key = group.problem, self._key(group.problem)
        outbreak = self._arrivals.draw("phone", first_hours=_FIRST_HOURS_OF_GROUP)
        made = []
        for index in range(group.households):
            person = self._people.new(problem.kind)
            slots = _Slots(self._trade, person, self._rng)
            received_at = outbreak + timedelta(seconds=self._rng.randrange(group.hours * 3600))
            text = problem.texts[index % len(problem.texts)]
            channel = self._rng.choice(_GROUP_CHANNELS)
            contact = self._complaint(problem, key, index, channel, received_at, person, text, slots)
            made.append(replace(contact, grouped=True))
        if group.second_call is not None:
            first = min(made, key=lambda contact: contact.received_at)
            channel = "phone" if first.channel != "phone" else "app"
            later = self._arrivals.after(first.received_at, hours=2)
            slots = _Slots(self._trade, first.person, self._rng)
            made.append(self._again(first, channel, later, group.second_call, slots))
        return made

    def _complaint(
        self,
        problem: Problem,
        key: str,
        index: int,
        channel: str,
        received_at: datetime,
        person: Person,
        text: str,
        slots: _Slots,
    ) -> Contact:
        complaint = {
            "problem": key,
            "complainant_type": problem.complainant,
            "ground": problem.ground,
            "demand": problem.demand,
            "amount": problem.amount(index),
            "media": problem.media,
            "lawsuit": problem.lawsuit,
        }
        contact = self._contact("complaint", channel, received_at, person, text, slots)
        return replace(
            contact,
            complaint={name: value for name, value in complaint.items() if value is not None},
            reaction=self._reactions.to(problem),
            overdue=problem.old_days is not None,
        )

    def _again(self, first: Contact, channel: str, moment: datetime, text: str, slots: _Slots) -> Contact:
        contact = self._contact("complaint", channel, moment, first.person, text, slots)
        return replace(contact, complaint=first.complaint, first=first)

    def _contact(
        self,
        category: str,
        channel: str,
        received_at: datetime,
        person: Person,
        text: str,
        slots: _Slots | None = None,
    ) -> Contact:
        slots = _Slots(self._trade, person, self._rng) if slots is None else slots
        return Contact(
            trade=self._trade,
            category=category,
            channel=channel,
            received_at=received_at,
            person=person,
            text=self._wrapper(category, channel).format(text=text.format_map(slots)),
            taken_by=self._rng.choice(self._trade.staff) if channel in _TAKEN_CHANNELS else None,
            order=slots.get("order"),
        )

    def _wrapper(self, category: str, channel: str) -> str:
        words = common_words()
        if category == "praise":
            # Whoever praises waits for nothing.
            return "{text}"
        pressing = words.pressing.get(channel, ()) if category in _PRESSING else ()
        return self._rng.choice([*words.wrappers[channel], *pressing])

    def _texts(self, texts: Sequence[Text], count: int) -> list[Text]:
        shuffled = self._rng.sample(list(texts), k=len(texts))
        return list(islice(cycle(shuffled), count))

    def _swap(self, channel: str, fits: Callable[[str], bool]) -> str:
        """Change ``channel`` against the next in the bag that ``fits``, unless it does itself."""
        if fits(channel):
            return channel
        place = next(index for index in reversed(range(len(self._channels))) if fits(self._channels[index]))
        taken, self._channels[place] = self._channels[place], channel
        return taken

    def _key(self, problem: Problem, index: int | None = None) -> str:
        number = "" if index is None else f"-{index + 1}"
        return f"{problem.key}{number}-{self._suffix}"
