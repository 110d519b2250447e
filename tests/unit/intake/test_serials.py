"""Contacts are numbered without gaps and without doubles, however many replicas number them."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from services.intake.domain.files.blind import BlindIndex
from services.intake.repository import IntakeRepository
from shared.clock import FixedClock
from shared.errors import Conflict
from shared.ids import CountingIds
from shared.mongo.runtime import Runtime
from shared.outbox import Sender
from tests.memory import PHONE_KEY
from tests.unit.shared.mongo.fake import Database

SERIES = "plaza-demo/2026-03-02"


@pytest.fixture
def database() -> Database:
    """An empty database."""
    return Database()


def _replica(database: Database) -> IntakeRepository:
    runtime = Runtime(
        settings=cast("Any", SimpleNamespace(outbox_grace=10.0)),
        clock=FixedClock(datetime(2026, 3, 2, tzinfo=UTC)),
        ids=CountingIds(),
        database=cast("Any", database),
        tickets=cast("Any", None),
        relay=cast("Sender", None),
    )
    return IntakeRepository(runtime, BlindIndex([PHONE_KEY]))


def test_serials_follow_each_other_and_a_lone_replica_does_not_look_them_up(database: Database) -> None:
    """One call of the database for a whole batch, from the third on."""
    replica = _replica(database)
    assert [replica.reserve_serials(SERIES, count) for count in (2, 3, 1, 4)] == [1, 3, 6, 7]
    looked_up = len(database["serials"].asked)
    assert replica.reserve_serials(SERIES, 5) == 11
    assert len(database["serials"].asked) == looked_up


def test_serials_another_replica_took_are_not_given_out_again(database: Database) -> None:
    """What a replica remembers is a guess; the database decides."""
    one, other = _replica(database), _replica(database)
    taken: list[int] = []
    for replica in (one, one, other, one, other, other, one):
        first = replica.reserve_serials(SERIES, 2)
        taken += [first, first + 1]
    assert taken == list(range(1, 15))


def test_a_replica_that_always_comes_second_gives_up(database: Database) -> None:
    """An endless loop would hold the queue; the batch is tried again by the broker."""
    other, serials = _replica(database), database["serials"]
    replica = _replica(database)
    replica.reserve_serials(SERIES, 1)

    def come_first() -> None:
        serials.rows[SERIES]["next"] += 1
        serials.before["update_one"] = come_first

    serials.before["update_one"] = come_first
    with pytest.raises(Conflict):
        replica.reserve_serials(SERIES, 1)
    serials.before.clear()
    assert other.reserve_serials(SERIES, 1) == serials.rows[SERIES]["next"] - 1
