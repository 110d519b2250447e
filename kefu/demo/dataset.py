"""The demo day: some 350 contacts of five organisations, with everything that goes wrong on a real one."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from random import Random
from types import MappingProxyType

from kefu.demo.arrivals import Arrivals
from kefu.demo.contacts import Composer, Contact
from kefu.demo.faults import FAULTS, spoilt, undecodable
from kefu.demo.messages import Messages
from kefu.demo.model import Day, Item
from kefu.demo.people import People, phone_numbers
from kefu.demo.trades import ORGANISATIONS, trade

_RUN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
#: How many places later each message is sent a second time; two of them are sent a third time.
_RESENT_AFTER = (1, 2, 7, 15, 40, 90)
_SENT_THRICE = 2


def generate_day(seed: int, now: datetime, run: str) -> Day:
    """Return the day that ends at ``now``: the same arguments give the same bytes, on every machine.

    ``seed`` decides who says what and when; the numbers of things never change with it. ``now`` must be
    aware; contacts were received in the 24 hours before it, a few complaints 5 to 20 days before. ``run``
    marks event ids and problems, so that runs against one broker do not meet; customers are the same in
    all runs of a seed. Raises ValueError for a ``now`` without an offset or a ``run`` that is not 1 to 64
    letters, digits, dots, hyphens or underscores.
    """
    if now.tzinfo is None:
        raise ValueError("now must be aware: the day's peaks lie at local hours")
    if not _RUN.fullmatch(run):
        raise ValueError(f"run {run!r} is not 1 to 64 letters, digits, dots, hyphens or underscores")
    contacts, households = _contacts(seed, now, run)
    ids = {contact: f"{run}-{number:04d}" for number, contact in enumerate(contacts, start=1)}
    messages = Messages(_random(seed, "messages"))
    items = [messages.item(messages.event(contact, ids[contact]), contact) for contact in contacts]
    items = _with_faults(items, contacts, messages, now, run, _random(seed, "faults"))
    items = _with_duplicates(items, _wanted_twice(contacts, ids))
    return Day(
        items=tuple(items),
        plan=MappingProxyType({ids[c]: c.reaction for c in contacts if c.reaction is not None}),
        repeats=MappingProxyType({ids[c]: ids[c.first] for c in contacts if c.first is not None}),
        households=MappingProxyType(households),
        overdue=frozenset(ids[c] for c in contacts if c.overdue),
    )


def _contacts(seed: int, now: datetime, run: str) -> tuple[list[Contact], dict[str, int]]:
    """Return the contacts of all organisations in the order received, and the households of the groups."""
    phones = list(phone_numbers(_random(seed, "phones")))
    suffix = hashlib.sha256(run.encode()).hexdigest()[:8]
    contacts: list[Contact] = []
    households: dict[str, int] = {}
    for number, org in enumerate(ORGANISATIONS):
        # Randomness and numbers of its own for each: a new phrase in one leaves the others as they were.
        rng = _random(seed, org)
        people = People(trade(org), rng, iter(phones[number :: len(ORGANISATIONS)]))
        composer = Composer(trade(org), rng, people, Arrivals(now, rng), suffix)
        contacts += composer.contacts()
        households |= composer.households()
    return sorted(contacts, key=lambda contact: contact.received_at), households


def _with_faults(
    items: Sequence[Item],
    contacts: Sequence[Contact],
    messages: Messages,
    now: datetime,
    run: str,
    rng: Random,
) -> list[Item]:
    """Return ``items`` with every fault at a random place among them, each spoiling another enquiry."""
    enquiries = [contact for contact in contacts if contact.category == "enquiry"]
    spoils = zip(FAULTS, rng.sample(enquiries, k=len(FAULTS)), strict=True)
    mixed = list(items)
    for number, (fault, contact) in enumerate(spoils, 1):
        event = spoilt(messages.event(contact, f"{run}-f{number:03d}"), fault, now)
        item = messages.item(event, contact, "rejected", fault.hint)
        mixed.insert(rng.randrange(len(mixed) + 1), item)
    contact = rng.choice(enquiries)
    for item in undecodable(messages.item(messages.event(contact, f"{run}-u001"), contact)):
        mixed.insert(rng.randrange(len(mixed) + 1), item)
    return mixed


def _wanted_twice(contacts: Sequence[Contact], ids: Mapping[Contact, str]) -> list[str]:
    """Return the ids of the events to send again: those that would do the most harm if counted twice."""
    complaints = [contact for contact in contacts if contact.complaint is not None]
    kinds = (
        (contact for contact in complaints if contact.grouped),
        (contact for contact in complaints if contact.first is not None),
        (contact for contact in complaints if contact.complaint and contact.complaint.get("media")),
        (contact for contact in contacts if contact.category == "order"),
        (contact for contact in contacts if contact.category == "need"),
        (contact for contact in contacts if contact.category == "praise"),
    )
    return [ids[next(kind)] for kind in kinds]


def _with_duplicates(items: Sequence[Item], ids: Sequence[str]) -> list[Item]:
    """Return ``items`` with the events of ``ids`` sent again, byte for byte, some of them twice more."""
    mixed = list(items)
    for number, (event_id, later) in enumerate(zip(ids, _RESENT_AFTER, strict=True)):
        place = next(index for index, item in enumerate(mixed) if item.event_id == event_id)
        again = replace(mixed[place], expected="duplicate")
        mixed.insert(place + later, again)
        if number < _SENT_THRICE:
            mixed.append(again)
    return mixed


def _random(seed: int, purpose: str) -> Random:
    # Text seeds are hashed the same way on every machine; and nothing here has to be secret.
    return Random(f"{seed}:{purpose}")  # noqa: S311
