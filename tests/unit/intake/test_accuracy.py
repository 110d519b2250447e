"""Field errors are counted by member of staff, and nothing of what was entered is kept."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from services.intake.schemas import WrongEntryQuery
from services.intake.service import IntakeService
from shared.errors import Unauthenticated, ValidationFailed
from shared.identity import Caller, TokenVerifier
from shared.messaging.rpc import IDEMPOTENCY_KEY, CallContext
from tests.unit.intake.fakes import PLAZA, contact_data
from tests.unit.intake.requests_world import Desk, organisation


class _Tokens:
    """Who calls is written in the token."""

    def verify(self, token: str | None) -> Caller:
        if token is None:
            raise Unauthenticated("the call carries no token")
        org, staff = token.split("/")
        return Caller(staff, org, None, frozenset({"staff", "supervisor"}), "tok_1")


def _enter(desk: Desk, staff: str | None, key: str, **arguments: Any) -> Any:
    """Call ``register_contact`` as it comes from the bus."""
    service: Any = IntakeService()
    service.app = desk.app
    token = {"auth_token": f"{desk.org}/{staff}"} if staff else {}
    service.context = CallContext.Bound(token, cast("TokenVerifier", _Tokens()))
    return service.register_contact(**arguments, **{IDEMPOTENCY_KEY: key})


def _wrong(desk: Desk, staff: str | None, key: str, **changes: Any) -> None:
    arguments = contact_data(**{"received_at": desk.clock.now().isoformat()} | changes)
    with pytest.raises((ValidationFailed, Unauthenticated)):
        _enter(desk, staff, key, **arguments)


def _counted(desk: Desk, **asked: Any) -> list[dict[str, Any]]:
    return desk.app.accuracy.count(desk.person(), WrongEntryQuery().load(asked))


@pytest.mark.rule("B-STD-16")
def test_field_errors_are_counted_by_agent_and_told_with_the_rule() -> None:
    """Promise: who enters data wrongly shows, by field, whether the shape or the rulebook refuses it."""
    desk = Desk(PLAZA)
    _wrong(desk, "A1", "1", channel="Not A Code", customer={"kind": "person", "name": "甲", "phone": "12"})
    _wrong(desk, "A1", "2", channel="smoke")
    _wrong(desk, "A2", "1", text="")
    _enter(desk, "A3", "1", **contact_data(received_at=desk.clock.now().isoformat()))
    assert _counted(desk) == [
        {"staff": "A1", "count": 2, "fields": {"channel": 2, "customer.phone": 1}},
        {"staff": "A2", "count": 1, "fields": {"text": 1}},
    ]
    told = desk.events("wrong_entry_noted")
    assert [(row["staff"], row["fields"]) for row in told] == [
        ("A1", ["channel", "customer.phone"]),
        ("A1", ["channel"]),
        ("A2", ["text"]),
    ]
    assert {(row["method"], row["day"], row["source"]) for row in told} == {
        ("register_contact", "2026-03-02", "B-STD-16")
    }


def test_a_command_sent_again_counts_once_and_a_stranger_not_at_all() -> None:
    """Promise: a repeat of the same wrong command is no second mistake; without a token nobody made one."""
    desk = Desk(PLAZA)
    for _ in range(3):
        _wrong(desk, "A1", "same", text="")
    _wrong(desk, None, "other", text="")
    assert [row["count"] for row in _counted(desk)] == [1]


def test_nothing_of_what_was_entered_is_kept_not_even_as_the_name_of_a_field() -> None:
    """Promise: what a caller writes where a field's name belongs is nobody's to read later."""
    desk = Desk(PLAZA)
    _wrong(
        desk, "A1", "1", **{"王小明 13800001111": "x"}, customer={"kind": "person", "13800001111": "王小明"}
    )
    kept = repr(list(desk.runtime.database["wrong_entries"].find()))
    assert "王小明" not in kept
    assert "138" not in kept
    (row,) = _counted(desk)
    assert "(undeclared)" in row["fields"]


def test_one_persons_mistakes_of_a_day_are_counted_up_to_the_rulebooks_number(tmp_path: Path) -> None:
    """Promise: nobody fills the database by being wrong, and the next day counts anew."""
    limit = {"wrong_entries_a_day": {"value": 2, "source": "organisation"}}
    desk = Desk(organisation(tmp_path, "property", intake=limit), organisations=tmp_path)
    for number in range(5):
        _wrong(desk, "A1", str(number), text="")
    assert [row["count"] for row in _counted(desk)] == [2]
    desk.clock.advance(timedelta(days=1))
    _wrong(desk, "A1", "next", text="")
    today = desk.clock.now().date().isoformat()
    assert [row["count"] for row in _counted(desk, first=today)] == [1]
    assert [row["count"] for row in _counted(desk)] == [3]


def test_a_count_that_cannot_be_written_changes_nothing_of_the_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Promise: the caller is told what is wrong, also while the count cannot be kept."""
    desk = Desk(PLAZA)
    broken = SimpleNamespace(note=lambda *_: 1 / 0)
    service_app = SimpleNamespace(accuracy=broken, desk=desk.app.desk)
    monkeypatch.setattr(desk, "app", service_app)
    _wrong(desk, "A1", "1", text="")
