"""The door for other systems: what each may send, and what becomes of a publisher that sends rubbish."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.intake.rulebook import load_rulebooks
from shared.errors import Unavailable
from shared.regulations.errors import RegulationError
from shared.regulations.values import Sourced
from tests.unit.intake.fakes import ORGANISATIONS, received
from tests.unit.intake.privacy_world import PLAZA, PROPERTY, PrivacyWorld, agent, only

LIMIT = 500
PAGE = {"limit": 200, "skip": 0}


@pytest.fixture
def world() -> PrivacyWorld:
    return PrivacyWorld(ORGANISATIONS)


def rubbish(number: int, org: str = PLAZA) -> dict[str, Any]:
    return received(org, f"bad-{number}", channel="pager")


def sent(number: int) -> dict[str, Any]:
    """Return the ``number``-th sound event."""
    customer = {"kind": "person", "name": "测试甲", "phone": f"138{number:08d}"}
    return received(event_id=f"good-{number}", customer=customer)


def kept(world: PrivacyWorld) -> int:
    """Return how many rejected events are kept."""
    return world.runtime.database["rejected_events"].count_documents({})


def throttled(world: PrivacyWorld, org: str = PLAZA) -> list[dict[str, Any]]:
    return world.app.door.throttled(agent(org, "supervisor"), PAGE)


def test_a_thousand_wrong_events_are_kept_up_to_the_limit_and_counted_beyond(world: PrivacyWorld) -> None:
    """Guards the list of rejected events against one publisher: it is told once, and what is sound gets through."""
    for start in range(0, 1000, 200):
        world.take(*(rubbish(number) for number in range(start, start + 200)), sent(start))
    assert kept(world) == LIMIT
    assert len(world.events("contact_rejected")) == LIMIT
    told = only(world.events("publisher_throttled"))
    assert (told["publisher"], told["limit"], told["over"], told["source"]) == (
        "hotline",
        LIMIT,
        100,
        "design",
    )
    row = only(throttled(world))
    assert (row["over"], row["fields"]) == (500, [{"field": "data.channel", "count": 500}])
    assert len(world.events("contact_registered")) == 5


def test_the_next_hour_begins_anew_and_others_are_not_concerned(world: PrivacyWorld) -> None:
    """Guards the limit's reach: one publisher, one organisation, one hour."""
    for start in range(0, 600, 200):
        world.take(*(rubbish(number) for number in range(start, start + 200)))
    world.take(rubbish(9000), user="pub-crm")
    world.take(rubbish(9001, PROPERTY))
    assert kept(world) == LIMIT + 2
    world.clock.advance(timedelta(hours=1))
    world.take(rubbish(9002))
    assert kept(world) == LIMIT + 3
    assert only(throttled(world))["over"] == 100


def test_what_the_broker_delivers_again_counts_once(
    world: PrivacyWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards the count: after a crash between counting and keeping, the same batch changes nothing twice."""
    for start in range(0, 400, 200):
        world.take(*(rubbish(number) for number in range(start, start + 200)))
    last = [rubbish(number) for number in range(400, 600)]

    def dies(*_: object) -> None:
        raise Unavailable("the process died")

    with monkeypatch.context() as patched:
        patched.setattr(world.app.receive._repository, "reject", dies)
        with pytest.raises(Unavailable):
            world.take(*last)
    assert only(throttled(world))["over"] == 100
    for _ in range(2):
        world.take(*reversed(last))
    assert kept(world) == LIMIT
    assert only(throttled(world))["over"] == 100
    only(world.events("publisher_throttled"))


@settings(max_examples=8, deadline=None)
@given(batches=st.lists(st.lists(st.integers(0, 12), max_size=8), max_size=8))
def test_every_wrong_event_is_either_kept_or_counted_once(batches: list[list[int]]) -> None:
    """Guards the sum: whatever is delivered in whichever batches, kept and counted make up all there were."""
    world = PrivacyWorld(ORGANISATIONS)
    small = Sourced(4, "design")
    world.app.door._limit = lambda *_: small  # type: ignore[method-assign]
    for batch in batches:
        world.take(*(rubbish(number) for number in batch))
    different = {number for batch in batches for number in batch}
    rejected = kept(world)
    counted = sum(row["over"] for row in throttled(world))
    assert rejected + counted == len(different)
    assert rejected == min(4, len(different))


def test_what_cannot_be_told_whom_it_is_for_is_limited_too(world: PrivacyWorld) -> None:
    """Guards the list of those that name no organisation of ours."""
    for start in range(0, 600, 200):
        world.take(*(rubbish(number, "harbour") for number in range(start, start + 200)))
    assert kept(world) == LIMIT
    assert only(throttled(world, "-"))["over"] == 100


@pytest.mark.parametrize(
    ("user", "channel", "wrong"),
    [
        ("pub-property-fees", "phone", {"data.channel"}),
        ("pub-property-fees", "web", set()),
        ("pub-hotline", "phone", set()),
    ],
)
def test_a_publisher_sends_what_its_organisation_lists_for_it(
    world: PrivacyWorld, user: str, channel: str, wrong: set[str]
) -> None:
    """Guards the door per publisher: the fee system may send what came by web and nothing else."""
    world.take(received(PROPERTY, channel=channel), user=user)
    rejected = world.events("contact_rejected")
    assert {reason["field"] for row in rejected for reason in row["reasons"]} == wrong
    assert len(world.events("contact_registered")) == (not wrong)


def test_a_type_that_is_not_listed_is_refused(tmp_path: Path) -> None:
    """Guards the types per publisher: field and reason are named, and where the contract is."""
    world = PrivacyWorld(
        _with(tmp_path, "types: [contact.received], channels: [web]", "types: [fees.overdue]")
    )
    world.take(received(PROPERTY, channel="web"), user="pub-property-fees")
    rejected = only(world.events("contact_rejected"))
    assert [reason["field"] for reason in rejected["reasons"]] == ["type"]
    assert rejected["contract"].startswith("urn:kefu:contact.received:1")


@pytest.mark.parametrize(
    "wrong",
    ["chanels: [web]", "channels: web", "channels: ['不行']", "channels: [web]}\n  nobody: {types: [x]"],
)
def test_a_limit_that_cannot_be_meant_is_found_at_the_start(tmp_path: Path, wrong: str) -> None:
    """Guards against a limit that silently limits nothing."""
    folder = _with(tmp_path, "types: [contact.received], channels: [web]", wrong)
    with pytest.raises(RegulationError, match="publisher_limits"):
        load_rulebooks(folder)


def _with(tmp_path: Path, before: str, after: str) -> Path:
    folder = tmp_path / "organisations"
    folder.mkdir()
    for path in ORGANISATIONS.glob("*.yaml"):
        text = path.read_text(encoding="utf-8")
        (folder / path.name).write_text(text.replace(before, after), encoding="utf-8")
    return folder


def test_every_rejection_names_the_contract(world: PrivacyWorld) -> None:
    """Guards the way back: whoever is refused hears, and the operator sees, what an event must look like."""
    world.take(rubbish(1))
    rejected = only(world.events("contact_rejected"))
    shown = world.app.desk.rejection(PLAZA, rejected["rejected_id"], actor="u-1", full=False)
    assert rejected["contract"] == shown["contract"] == "urn:kefu:contact.received:1 (docs/publishing.md)"
    assert (Path(__file__).parents[3] / "docs" / "publishing.md").exists()


def test_the_same_source_and_id_is_one_contact_in_one_batch_and_over_batches(world: PrivacyWorld) -> None:
    """Guards batches: an import sent again, in whole or in part and in another order, registers nothing twice."""
    events = [sent(number) for number in range(30)]
    world.take(*events, *events[:10])
    world.take(*reversed(events[5:]))
    world.take(*events)
    assert len(world.events("contact_registered")) == 30
    assert world.runtime.database["contacts"].count_documents({}) == 30
