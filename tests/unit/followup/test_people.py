"""People: what is told of customers in any order ends the same, is of one organisation, and can be forgotten."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import reduce
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.followup import application
from services.followup.domain.person import Known, Person, Told
from services.followup.handlers.people import People
from services.followup.people_kept import PeopleKept
from services.followup.schemas_people import MarkPeople
from shared.clock import FixedClock
from shared.errors import Conflict, NotFound
from shared.ids import CountingIds
from shared.messaging.delivery import Delivery, Outcome
from shared.messaging.envelope import CONTENT_TYPE
from tests.memory import memory_runtime

ORGANISATIONS = Path(__file__).parents[3] / "organisations"
MORNING = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
ORG = "plaza-demo"


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a system."""

    key: str = "k-1"
    org: str = ORG
    actor: str = "crm"
    traceparent: str | None = None


@pytest.fixture
def clock() -> FixedClock:
    """A clock that stands still."""
    return FixedClock(MORNING)


@pytest.fixture
def people(clock: FixedClock) -> People:
    """People over an empty database."""
    kept = PeopleKept(memory_runtime(clock, CountingIds()))
    kept.ensure_indexes()
    return People(kept, clock)


def rows(*given: dict[str, Any]) -> list[dict[str, Any]]:
    """Return rows as the entry point reads them."""
    return list(MarkPeople().load({"rows": list(given)})["rows"])


_moments = st.integers(0, 3).map(lambda minutes: MORNING + timedelta(minutes=minutes))
_values = st.sampled_from([None, "level_1", "level_2"])
_known = st.builds(
    Known,
    org=st.just(ORG),
    customer_id=st.just("cu_1"),
    at=_moments,
    kind=st.sampled_from([None, "person", "company"]),
    units=st.sampled_from([(), ("un_1",), ("un_2",)]),
    traits=st.dictionaries(st.sampled_from(["grade", "phase"]), _values, max_size=2),
    dates=st.dictionaries(st.just("birthday"), st.sampled_from([None, "1990-05-20"]), max_size=1),
    opted_out=st.sampled_from([None, True, False]),
)


@given(st.lists(_known, max_size=6), st.randoms(use_true_random=False))
def test_any_order_and_any_repetition_of_what_is_told_gives_the_same_person(
    known: list[Known], random: Any
) -> None:
    """Guards events that come late or twice, and two replicas that take turns."""
    mixed = [*known, *random.sample(known, len(known))]
    random.shuffle(mixed)

    def person(told: list[Known]) -> Person:
        return reduce(Told.with_, told, Told(ORG, "cu_1")).person()

    assert person(known) == person(mixed)


@given(st.lists(_known, min_size=1, max_size=4), st.integers(0, 4))
def test_nothing_is_known_of_who_was_erased_whatever_comes_before_or_after(
    known: list[Known], place: int
) -> None:
    """Guards an erasure against an older event that comes after it."""
    told = [*known]
    told.insert(place, Known(ORG, "cu_1", MORNING, erased=True))
    person = reduce(Told.with_, told, Told(ORG, "cu_1")).person()
    assert person == Person("cu_1", ORG, erased=True)
    assert person.tokens() == []


def test_people_are_chosen_by_traits_kind_and_unit_page_by_page(people: People) -> None:
    """Guards every campaign, survey and plan: whom it is for is found, each once, in one order."""
    marks = [
        {"customer_id": f"cu_{number}", "traits": {"grade": "level_1" if number % 2 else "level_2"}}
        for number in range(6)
    ]
    people.mark(Call(), rows(*marks, {"customer_id": "cu_9", "kind": "company", "units": ["un_1"]}))
    first = people.page(ORG, {"grade": "level_1"}, limit=2)
    rest = people.page(ORG, {"grade": "level_1"}, after=first[-1].id, limit=2)
    assert [person.id for person in (*first, *rest)] == ["cu_1", "cu_3", "cu_5"]
    assert [person.id for person in people.page(ORG, {"kind": "company", "unit": "un_1"})] == ["cu_9"]
    assert (people.count(ORG), people.count(ORG, {"grade": "level_2"})) == (7, 3)


def test_a_trait_that_is_taken_away_chooses_nobody_any_more(people: People, clock: FixedClock) -> None:
    """Guards what a level decides: who lost it is not invited."""
    people.mark(Call(), rows({"customer_id": "cu_1", "traits": {"vip": "yes"}}))
    clock.advance(timedelta(minutes=1))
    people.mark(Call("k-2"), rows({"customer_id": "cu_1", "traits": {"vip": None}}))
    assert people.page(ORG, {"vip": "yes"}) == []
    assert people.view(ORG, "cu_1")["traits"] == []


def test_a_command_that_comes_again_late_undoes_nothing_said_since(people: People, clock: FixedClock) -> None:
    """Guards against a caller's retry that arrives after somebody else's correction."""
    early = rows({"customer_id": "cu_1", "traits": {"grade": "level_1"}})
    people.mark(Call("early"), early)
    clock.advance(timedelta(minutes=5))
    people.mark(Call("late"), rows({"customer_id": "cu_1", "traits": {"grade": "level_2"}}))
    clock.advance(timedelta(minutes=5))
    assert people.mark(Call("early"), early) == {"marked": 1}
    assert [person.traits["grade"] for person in people.page(ORG)] == ["level_2"]
    with pytest.raises(Conflict):
        people.mark(Call("early"), rows({"customer_id": "cu_2"}))


def test_people_of_another_organisation_are_neither_seen_nor_changed(people: People) -> None:
    """Guards tenants from each other, even where somebody guesses an id."""
    people.mark(Call(), rows({"customer_id": "cu_1", "traits": {"vip": "yes"}}))
    people.mark(Call("k-2", org="retail-demo"), rows({"customer_id": "cu_1", "traits": {"vip": "no"}}))
    assert [person.traits for person in people.page(ORG)] == [{"vip": "yes"}]
    assert people.page("it-demo") == []
    with pytest.raises(NotFound):
        people.view("it-demo", "cu_1")


def _event(kind: str, number: int, at: str, /, **data: Any) -> Delivery:
    document = {
        "specversion": "1.0",
        "id": f"ev_{number}.1",
        "source": "/kefu/intake",
        "type": kind,
        "time": at,
        "org": ORG,
        "data": data,
    }
    return Delivery(
        json.dumps(document).encode(), kind, CONTENT_TYPE, "intake", redelivered=False, tag=number
    )


def test_intake_tells_of_kind_unit_phase_consent_and_erasure(clock: FixedClock) -> None:
    """Guards the way from a contact to whom there is to follow up, through the service's own entry."""
    settings = SimpleNamespace(organisations_dir=ORGANISATIONS)
    app = application.build(memory_runtime(clock, CountingIds(), settings=settings))
    told = [
        _event("customer_registered", 1, "2026-03-02T01:00:00Z", customer_id="cu_1", kind="household"),
        _event("contact_registered", 2, "2026-03-02T01:00:01Z", customer_id="cu_1", unit_id="un_7"),
        _event(
            "customer_changed", 3, "2026-03-02T01:01:00Z", customer_id="cu_1", change="phase", value_to="post"
        ),
        _event(
            "customer_changed", 4, "2026-03-02T01:02:00Z", customer_id="cu_1", change="fields", value_to=None
        ),
        _event("privacy_flags_set", 5, "2026-03-02T01:03:00Z", customer_id="cu_1", opt_out=True),
        _event("customer_registered", 6, "2026-03-02T01:00:00Z", customer_id="cu_2", kind="person"),
        _event("privacy_flags_set", 7, "2026-03-02T01:03:00Z", customer_id="cu_1"),
    ]
    app.consequences("intake", told)
    assert app.people.get(ORG, "cu_1") == Person(
        "cu_1", ORG, "household", ("un_7",), {"phase": "post"}, {}, opted_out=True
    )
    assert [each.outcome for each in told] == [Outcome.DONE] * 6 + [Outcome.DEAD]
    for subject, erased in (("contact", False), ("customer", True)):
        gone = _event(
            "personal_data_erased",
            8,
            "2026-03-02T02:00:00Z",
            customer_id="cu_1",
            subject=subject,
            subject_id="x_1",
        )
        app.consequences("intake", [gone])
        person = app.people.get(ORG, "cu_1")
        assert person is not None
        assert person.erased is erased
    assert app.people.count(ORG) == 2


def test_a_walk_through_many_pages_meets_everybody_chosen_once(people: People) -> None:
    """Promise: the pages together are all who are chosen, in order, and only the last is not full."""
    ids = [f"cu_{number:03}" for number in range(130)]
    grades = ["level_1", "level_2"]
    given = [
        {"customer_id": each, "traits": {"grade": grades[number % 2]}} for number, each in enumerate(ids)
    ]
    people.mark(Call(), rows(*given))
    pages, after = [], None
    while page := people.page(ORG, {"grade": "level_2"}, after=after, limit=2):
        pages.append([person.id for person in page])
        after = page[-1].id
    assert [each for page in pages for each in page] == ids[1::2]
    assert {len(page) for page in pages[:-1]} == {2}
