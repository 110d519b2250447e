from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pymongo.errors as failures
import pytest
from pymongo.errors import PyMongoError

from shared import metrics
from shared.errors import NotFound, Unavailable
from shared.mongo import client as module
from shared.mongo.client import _Timer, connect, database_errors, ping, wait_for_database

SECRET = "13800000001"


@pytest.mark.parametrize(
    "error",
    [
        failures.AutoReconnect(SECRET),
        failures.ConnectionFailure(SECRET),
        failures.NetworkTimeout(SECRET),
        failures.ServerSelectionTimeoutError(SECRET),
        failures.NotPrimaryError(SECRET),
        failures.ExecutionTimeout(SECRET),
        failures.WTimeoutError(SECRET),
        failures.WriteConcernError(SECRET, 91),
        *(failures.OperationFailure(SECRET, code) for code in (6, 7, 89, 91, 189, 10107, 11600, 11602)),
        failures.BulkWriteError({"writeErrors": [], "writeConcernErrors": [{"code": 64}]}),
        failures.BulkWriteError({"writeErrors": [{"index": 0, "code": 11600}]}),
        failures.BulkWriteError({"writeErrors": [{"code": 11000}, {"code": 10107}]}),
    ],
    ids=repr,
)
def test_what_may_pass_by_itself_is_unavailable(error: PyMongoError) -> None:
    """The consumer holds its queue for it instead of giving the message up; no document is quoted."""
    with pytest.raises(Unavailable) as raised, database_errors():
        raise error
    assert type(error).__name__ in raised.value.message
    assert SECRET not in raised.value.message
    assert raised.value.__cause__ is error


@pytest.mark.parametrize(
    "error",
    [
        failures.DuplicateKeyError("E11000", 11000),
        failures.OperationFailure("not authorized", 13),
        failures.OperationFailure("no code"),
        failures.DocumentTooLarge("too large"),
        failures.BulkWriteError({"writeErrors": [{"index": 0, "code": 11000}], "writeConcernErrors": []}),
        NotFound("ours"),
        KeyError("not the database's"),
    ],
    ids=repr,
)
def test_every_other_error_goes_through_as_it_is(error: Exception) -> None:
    """Waiting would not help."""
    with pytest.raises(type(error)) as raised, database_errors():
        raise error
    assert raised.value is error


def test_every_write_waits_for_a_majority_and_the_journal_whatever_the_url_says() -> None:
    """What is acknowledged survives the loss of any one server."""
    database = connect("mongodb://nowhere:1/?w=1&journal=false", "desk", max_pool_size=7)
    try:
        assert database.write_concern.document == {"w": "majority", "j": True}
        assert database["things"].write_concern.document == {"w": "majority", "j": True}
        assert database.codec_options.tz_aware is True
        assert database.name == "desk"
        options = database.client.options
        assert options.pool_options.max_pool_size == 7
        assert options.server_selection_timeout == 5
        assert options.pool_options.connect_timeout == 5
        assert options.pool_options.socket_timeout == 20
    finally:
        database.client.close()


def _database(*answers: Exception | None) -> Any:
    given = list(answers)

    def command(name: str) -> None:
        assert name == "ping"
        answer = given.pop(0) if len(given) > 1 else given[0]
        if answer is not None:
            raise answer

    return cast("Any", SimpleNamespace(client=SimpleNamespace(admin=SimpleNamespace(command=command))))


def test_a_server_that_answers_is_there() -> None:
    """Readiness asks this."""
    assert ping(_database(None)) is True
    assert ping(_database(failures.ServerSelectionTimeoutError("x"))) is False


def test_a_service_waits_for_its_database_and_says_what_to_do_when_it_does_not_come(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Databases start more slowly than services."""
    now = [100.0]
    fake = SimpleNamespace(monotonic=lambda: now[0], sleep=lambda s: now.__setitem__(0, now[0] + s))
    monkeypatch.setattr(module, "time", fake)
    away = failures.ServerSelectionTimeoutError("x")
    wait_for_database(_database(away, away, None), 30.0)
    assert now[0] == pytest.approx(100.4)
    with pytest.raises(Unavailable, match="check KEFU_MONGO_URL"):
        wait_for_database(_database(away), 30.0)
    assert now[0] == pytest.approx(130.4, abs=0.3)


def test_every_command_is_timed_by_its_name_and_outcome() -> None:
    """A slow database shows before anybody complains."""

    def count(outcome: str) -> float:
        labels = {"command": "insert", "outcome": outcome}
        return metrics.REGISTRY.get_sample_value("kefu_mongo_command_seconds_count", labels) or 0.0

    before = {outcome: count(outcome) for outcome in ("ok", "error")}
    event = cast("Any", SimpleNamespace(command_name="insert", duration_micros=1_500))
    timer = _Timer()
    timer.started(event)
    timer.succeeded(event)
    timer.failed(event)
    assert all(count(outcome) - known == 1 for outcome, known in before.items())
