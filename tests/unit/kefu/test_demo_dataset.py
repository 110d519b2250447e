"""What the demo day promises to those who play it and to those who check what became of it."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from collections import Counter, defaultdict
from dataclasses import astuple
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from kefu.demo.arrivals import DESK_CHANNELS, LOCAL
from kefu.demo.dataset import generate_day
from kefu.demo.faults import FAULTS
from kefu.demo.model import Day, Item
from kefu.demo.people import PHONE_RANGES
from kefu.demo.trades import ORGANISATIONS, SYSTEMS, common_words
from services.complaints.rulebook import load_rulebooks as complaint_rulebooks
from services.followup.rulebook import load_rulebooks as followup_rulebooks
from services.intake.handlers.reading import ContactReader, Refused
from services.intake.rulebook import load_rulebooks as intake_rulebooks

ROOT = Path(__file__).parents[3]
#: A Sunday evening, a working morning after a long holiday, the small hours of a new year: all local.
MOMENTS = (
    datetime(2026, 11, 22, 18, 0, tzinfo=LOCAL),
    datetime(2026, 10, 9, 9, 30, 15, 123456, tzinfo=LOCAL),
    datetime(2027, 1, 1, 2, 5, tzinfo=LOCAL),
)
SEEDS = (1, 2, 20_261_122)
PEAK_HOURS = frozenset({10, 11, 14, 15, 16, 19, 20})
CATEGORIES = {"need", "enquiry", "repair", "order", "suggestion", "praise", "complaint"}
CHANNELS = {"phone", "wechat", "app", "web", "email", "counter", "letter", "chat"}

every_day = pytest.mark.parametrize(("seed", "now"), list(zip(SEEDS, MOMENTS, strict=True)))


@cache
def day_of(seed: int = 1, now: datetime = MOMENTS[0], run: str = "r1") -> Day:
    return generate_day(seed, now, run)


def events(day: Day) -> dict[str, dict[str, Any]]:
    """The accepted events by id, in the order of sending."""
    return {json.loads(item.body)["id"]: json.loads(item.body) for item in of(day, "accepted")}


def of(day: Day, expected: str) -> list[Item]:
    return [item for item in day.items if item.expected == expected]


def complaints(day: Day) -> dict[str, dict[str, Any]]:
    return {key: event for key, event in events(day).items() if event["data"]["category"] == "complaint"}


def fingerprint(day: Day) -> str:
    parts = repr([astuple(item) for item in day.items]), repr(sorted(day.plan.items())), repr(day.households)
    return hashlib.sha256("|".join(parts).encode()).hexdigest()


def received(event: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(event["data"]["received_at"])


def test_the_same_arguments_give_the_same_bytes() -> None:
    """Whoever repeats a run gets the same day, in another process and however the moment is written."""
    now = MOMENTS[0]
    code = (
        "import sys; sys.path[:0] = sys.argv[1:3]; import test_demo_dataset as t;"
        "print(t.fingerprint(t.generate_day(1, t.MOMENTS[0], 'r1')))"
    )
    elsewhere = subprocess.run(
        [sys.executable, "-c", code, str(ROOT), str(Path(__file__).parent)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": "4711"},
    ).stdout.strip()
    assert fingerprint(generate_day(1, now, "r1")) == elsewhere
    assert fingerprint(generate_day(1, now.astimezone(UTC), "r1")) == elsewhere
    assert fingerprint(generate_day(1, now.astimezone(timezone(timedelta(hours=-7))), "r1")) == elsewhere


def test_another_seed_changes_who_says_what_but_never_how_much() -> None:
    """Counts that tests and tables rely on hold for every seed."""
    one, other = day_of(1), day_of(2)
    assert {item.body for item in one.items}.isdisjoint(item.body for item in other.items)
    for count in (
        lambda day: Counter(item.expected for item in day.items),
        lambda day: Counter((item.org, item.expected) for item in of(day, "accepted")),
        lambda day: Counter(event["data"]["category"] for event in events(day).values()),
        lambda day: Counter(reaction.stage for reaction in day.plan.values()),
        lambda day: sorted(day.households.items()),
        lambda day: len(day.overdue),
        lambda day: len(day.repeats),
    ):
        assert count(one) == count(other)


def test_two_runs_share_customers_but_neither_event_ids_nor_problems() -> None:
    """A second run against the same broker is no repetition of the first."""
    one, other = day_of(run="r1"), day_of(run="r2")
    ids = [{item.event_id for item in day.items if item.event_id} for day in (one, other)]
    problems = [{e["data"]["complaint"]["problem"] for e in complaints(day).values()} for day in (one, other)]
    phones = [{e["data"]["customer"]["phone"] for e in events(day).values()} for day in (one, other)]
    assert ids[0].isdisjoint(ids[1])
    assert problems[0].isdisjoint(problems[1])
    assert phones[0] == phones[1]


@every_day
def test_event_ids_are_unique_but_for_duplicates(seed: int, now: datetime) -> None:
    """An id stands for one event only."""
    ids = [
        item.event_id for item in day_of(seed, now).items if item.event_id and item.expected != "duplicate"
    ]
    assert len(ids) == len(set(ids))


@every_day
def test_the_day_has_300_contacts_of_five_organisations_in_all_categories_and_channels(
    seed: int, now: datetime
) -> None:
    """The day shows everything the product takes in."""
    found = events(day_of(seed, now)).values()
    assert len(found) >= 300
    categories = defaultdict(set)
    for event in found:
        categories[event["org"]].add(event["data"]["category"])
    assert categories == dict.fromkeys(ORGANISATIONS, CATEGORIES)
    assert {event["data"]["channel"] for event in found} == CHANNELS


@every_day
def test_texts_are_written_out_and_hardly_ever_the_same(seed: int, now: datetime) -> None:
    """No slot stays unfilled, and a list of contacts does not look copied."""
    texts = [event["data"]["text"] for event in events(day_of(seed, now)).values()]
    assert not [text for text in texts if re.search(r"[{}]", text)]
    assert not [text for text in texts if not re.search(r"[\u4e00-\u9fff]{4}", text)]
    assert len(set(texts)) >= 0.95 * len(texts)


@every_day
def test_the_real_intake_takes_refuses_and_drops_each_message_as_expected(seed: int, now: datetime) -> None:
    """What the day expects is what the product does, with the organisations and rulebooks it ships."""
    reader = ContactReader(intake_rulebooks(ROOT / "organisations"), timedelta(minutes=5))
    for item in day_of(seed, now).items:
        try:
            reader.read(item.body, item.content_type, item.routing_key, item.publisher, now)
        except Refused as refused:
            outcome, reason = ("dead" if refused.rejection is None else "rejected"), str(refused)
        else:
            outcome, reason = "accepted", ""
        wanted = "accepted" if item.expected == "duplicate" else item.expected
        assert (outcome, item.body) == (wanted, item.body), reason
        assert (item.reason_hint or "") in reason.lower()
        assert (item.reason_hint is None) == (outcome == "accepted")


@every_day
def test_every_code_the_day_uses_is_one_the_rulebooks_permit(seed: int, now: datetime) -> None:
    """No complaint and no reaction of the day is refused for a code nobody knows."""
    complaint_rules = complaint_rulebooks(ROOT / "organisations")
    followup_rules = followup_rulebooks(ROOT / "organisations")
    day = day_of(seed, now)
    for event_id, event in complaints(day).items():
        rules = complaint_rules.for_org(event["org"], received(event)).sections
        complaint = event["data"]["complaint"]
        for field, choices in (
            ("complainant_type", rules.complainant_types),
            ("demand", rules.demands),
            ("ground", rules.grounds),
        ):
            codes = {choice.code for choice in choices}
            assert (
                not codes or complaint.get(field) in codes or (field == "ground" and field not in complaint)
            )
        reaction = day.plan.get(event_id)
        if reaction is None or reaction.reply is None or not reaction.valid:
            continue
        assert not rules.grounds or reaction.ground in {choice.code for choice in rules.grounds}
        assert rules.prevention_required is None or reaction.prevention
        assert rules.next_reply_time_required is None or reaction.next_reply
        callback = followup_rules.for_org(event["org"], now).sections.callback("complaint")
        for answer in reaction.callbacks:
            assert callback is not None
            assert callback.outcome(answer.outcome) is not None


@every_day
def test_contacts_come_in_over_the_last_24_hours_and_are_published_before_now(
    seed: int, now: datetime
) -> None:
    """Nothing arrives from the future, and only the old complaints from before yesterday."""
    day = day_of(seed, now)
    for event_id, event in events(day).items():
        age = now - received(event)
        if event_id in day.overdue:
            assert timedelta(days=5) < age < timedelta(days=20)
        else:
            assert timedelta(0) < age <= timedelta(hours=24)
        assert received(event) < datetime.fromisoformat(event["time"]) <= now


@every_day
def test_contacts_are_sent_in_the_order_they_were_received(seed: int, now: datetime) -> None:
    """The player needs no sorting; what is refused or repeated stands in between."""
    moments = [received(event) for event in events(day_of(seed, now)).values()]
    assert moments == sorted(moments)


@every_day
def test_the_day_has_its_peaks_and_the_desk_its_hours(seed: int, now: datetime) -> None:
    """Seven of 24 hours bring most of the contacts; nobody stands at the counter at night."""
    day = day_of(seed, now)
    today = [event for event_id, event in events(day).items() if event_id not in day.overdue]
    hours = Counter(received(event).astimezone(LOCAL).hour for event in today)
    assert sum(hours[hour] for hour in PEAK_HOURS) > len(today) / 2
    for peak, lull in (((10, 11), (12, 13)), ((14, 15, 16), (17, 18)), ((19, 20), (22, 23))):
        assert sum(hours[hour] for hour in peak) / len(peak) > sum(hours[hour] for hour in lull) / len(lull)
    desk = [received(event) for event in today if event["data"]["channel"] in DESK_CHANNELS]
    assert desk
    assert all(9 <= moment.astimezone(LOCAL).hour < 18 for moment in desk)


@every_day
def test_eight_complaints_are_old_enough_to_be_overdue_at_once(seed: int, now: datetime) -> None:
    """Overdue cases exist from the first minute, in every organisation."""
    day = day_of(seed, now)
    old = [complaints(day)[event_id] for event_id in day.overdue]
    assert len(old) >= 8
    assert {event["org"] for event in old} == set(ORGANISATIONS)


@every_day
def test_repeats_come_later_from_the_same_customer_through_another_channel(seed: int, now: datetime) -> None:
    """A repeat belongs to the first complaint and is no case of its own."""
    day = day_of(seed, now)
    found = complaints(day)
    assert len(day.repeats) >= 6
    order = list(found)
    for again, first in day.repeats.items():
        assert order.index(first) < order.index(again)
        assert received(found[first]) < received(found[again])
        one, other = found[first]["data"], found[again]["data"]
        assert one["customer"] == other["customer"]
        assert one["complaint"]["problem"] == other["complaint"]["problem"]
        assert one["channel"] != other["channel"]
        assert again not in day.plan
        assert first in day.plan


@every_day
def test_one_problem_has_7_households_and_one_has_12(seed: int, now: datetime) -> None:
    """Households are counted by unit: who calls twice counts once, and nobody else shares a problem."""
    day = day_of(seed, now)
    units = defaultdict(set)
    calls: Counter[str] = Counter()
    for event in complaints(day).values():
        problem, customer = event["data"]["complaint"]["problem"], event["data"]["customer"]
        units[problem].add((event["org"], customer.get("unit", customer["phone"])))
        calls[problem] += 1
    shared = {problem: len(found) for problem, found in units.items() if len(found) > 1}
    assert shared == day.households
    assert sorted(shared.values()) == [7, 12]
    assert {org for problem in shared for org, _ in units[problem]} == {"plaza-demo"}
    assert sorted(calls[problem] for problem in shared) == [7, 13]


@every_day
def test_amounts_at_the_borders_of_the_levels_media_and_lawsuits_occur(seed: int, now: datetime) -> None:
    """The day shows on which side of each border a case falls."""
    at_plaza = [
        event["data"]["complaint"]
        for event in complaints(day_of(seed, now)).values()
        if event["org"] == "plaza-demo"
    ]
    amounts = {complaint.get("amount") for complaint in at_plaza}
    assert {"5000.00", "5000.01", "49999.99", "50000.00"} <= amounts
    assert any(complaint["media"] for complaint in at_plaza)
    assert any(complaint["lawsuit"] for complaint in at_plaza)


@every_day
def test_duplicates_are_the_very_bytes_of_an_event_sent_before(seed: int, now: datetime) -> None:
    """A re-send is told by its id alone, because nothing else differs."""
    sent: dict[str, Item] = {}
    duplicates = 0
    for item in day_of(seed, now).items:
        if item.expected == "accepted":
            assert item.event_id is not None
            sent[item.event_id] = item
        elif item.expected == "duplicate":
            first = sent[str(item.event_id)]
            assert (item.body, item.content_type, item.publisher) == (
                first.body,
                first.content_type,
                first.publisher,
            )
            duplicates += 1
    assert duplicates >= 5


@every_day
def test_every_kind_of_fault_occurs_once_with_its_hint(seed: int, now: datetime) -> None:
    """Each way to be wrong is there, so each refusal can be looked at."""
    day = day_of(seed, now)
    assert len(FAULTS) >= 8
    assert sorted(str(item.reason_hint) for item in of(day, "rejected")) == sorted(f.hint for f in FAULTS)
    assert sorted(str(item.reason_hint) for item in of(day, "dead")) == [
        "content type",
        "json",
        "json",
        "object",
    ]


@every_day
def test_messages_name_the_publisher_and_the_key_of_their_event(seed: int, now: datetime) -> None:
    """The broker's user and the routing key agree with the body, so that a refusal has one reason only."""
    for item in day_of(seed, now).items:
        assert item.publisher.removeprefix("pub-") in SYSTEMS
        if item.event_id is None:
            continue
        event = json.loads(item.body)
        assert (item.routing_key, item.event_id, item.org) == (event["type"], event["id"], event["org"])


@every_day
def test_no_phone_number_and_no_name_could_be_a_real_one(seed: int, now: datetime) -> None:
    """Whoever sees the demo sees that nobody's data is in it."""
    day = day_of(seed, now)
    for item in day.items:
        for number in re.findall(r"(?<![0-9a-f])1\d{10}(?![0-9a-f])", item.body.decode("utf-8", "replace")):
            assert number.startswith(PHONE_RANGES)
    words = common_words()
    for event in events(day).values():
        assert re.search("|".join([*words.given_names, *words.firm_marks]), event["data"]["customer"]["name"])


@every_day
def test_a_phone_number_belongs_to_one_customer(seed: int, now: datetime) -> None:
    """Customers are recognised by it."""
    customers: dict[str, dict[str, str]] = {}
    for event in events(day_of(seed, now)).values():
        customer = event["data"]["customer"]
        assert customers.setdefault(customer["phone"], customer) == customer
    assert 200 < len(customers) < len(events(day_of(seed, now)))


@every_day
def test_the_plan_has_a_reaction_to_every_case_and_leaves_cases_of_every_state(
    seed: int, now: datetime
) -> None:
    """At the end of the day there is something in every column of the tables."""
    day = day_of(seed, now)
    assert set(day.plan) == set(complaints(day)) - set(day.repeats)
    stages = Counter(reaction.stage for reaction in day.plan.values())
    share = {stage: count / len(day.plan) for stage, count in stages.items()}
    assert 0.2 < share["untouched"] + share["accepted"] < 0.45
    assert 0.05 < share["refused"] < 0.2
    assert 0.1 < share["replied"] < 0.35
    assert 0.25 < share["satisfied"] + share["reworked"] < 0.5
    assert 0.03 < share["dissatisfied"] < 0.15
    assert share["reworked"] > 0.03


@every_day
def test_reactions_hold_what_their_stage_needs_and_nothing_beyond_it(seed: int, now: datetime) -> None:
    """The player never finds a reply without words or a callback before the reply."""
    for reaction in day_of(seed, now).plan.values():
        if reaction.stage == "untouched":
            assert (reaction.reason, reaction.contacts, reaction.reply) == ("", (), None)
            continue
        assert reaction.reason
        if reaction.reply is not None:
            assert reaction.reply
            assert reaction.contacts[-1] == "reached"
        outcomes = [answer.outcome for answer in reaction.callbacks]
        assert all(answer.opinion for answer in reaction.callbacks)
        assert (reaction.rework_reply is not None) == (outcomes == ["dissatisfied", "satisfied"])
        if reaction.stage in {"refused", "accepted"}:
            assert not reaction.callbacks
        if not reaction.valid:
            assert reaction.ground is None


@pytest.mark.parametrize("run", ["", " ", "a b", "-x", "x" * 65, "日", "a\n"])
def test_a_run_that_would_not_fit_into_an_id_is_refused(run: str) -> None:
    """The mistake is told before anything is published."""
    with pytest.raises(ValueError, match="run"):
        generate_day(1, MOMENTS[0], run)


def test_a_moment_without_an_offset_is_refused() -> None:
    """A naive time would put the peaks at other hours on every machine."""
    with pytest.raises(ValueError, match="aware"):
        generate_day(1, MOMENTS[0].replace(tzinfo=None), "r1")
