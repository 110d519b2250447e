from __future__ import annotations

from pathlib import Path

import pytest
from mongomock.collection import Collection

from services.followup.handlers.periodic import MakePeriodicCallbacks
from services.followup.occasions_kept import RoundsKept
from shared.errors import Conflict, RuleRefused
from shared.metrics import REGISTRY
from tests.unit.followup.callback_world import ORG, Calls


def test_of_two_who_take_a_callback_one_has_it_and_the_other_is_told(tmp_path: Path) -> None:
    """The second is refused naming who has it, can neither take nor make it; the first's repeat changes nothing."""
    calls = Calls(tmp_path, "auto-dealer")
    calls.note("delivery")
    callback = calls.only()
    assert calls.take(callback, "anna")["taken_by"] == "anna"
    calls.take(callback, "anna")
    for attempt in (
        lambda: calls.take(callback, "ben"),
        lambda: calls.complete(callback, "satisfied", actor="ben"),
    ):
        with pytest.raises(Conflict) as told:
            attempt()
        assert told.value.details == {"taken_by": "anna"}
    assert len(calls.told("callback_taken")) == 1
    assert [row["callback_id"] for row in calls.listed("anna", list="mine")] == [callback["callback_id"]]
    assert calls.listed("ben", list="mine") == []


def test_an_overdue_callback_goes_to_the_role_of_its_rule(tmp_path: Path) -> None:
    """Whoever took it and let the time pass has it no longer."""
    rule = {"hand_over": {"value": "supervisor", "source": "organisation"}}
    calls = Calls(tmp_path, "auto-dealer", callbacks={"seven_day": rule})
    calls.note("delivery")
    calls.take(calls.only(), "anna")
    calls.day("2026-05-09T10:00")
    late = calls.only(list="overdue")
    assert (late["handed_to"], late["taken_by"]) == ("supervisor", None)
    assert calls.told("callback_due")[0]["handed_to"] == "supervisor"


@pytest.mark.rule("A-AUT-21")
def test_the_list_of_a_day_holds_who_is_to_be_called_by_pick_up_date(tmp_path: Path) -> None:
    """The list of 05-08 holds the six pick-ups of 05-01; five called leave one in the gap."""
    calls = Calls(tmp_path, "auto-dealer")
    for number in range(6):
        calls.note("delivery", f"cu_{number}")
    calls.note("delivery", "cu_next_day", when="2026-05-02T10:00")
    calls.day("2026-05-08T10:00")
    day = calls.listed(due_on="2026-05-08")
    assert {row["customer_id"] for row in day} == {f"cu_{number}" for number in range(6)}
    assert len(calls.listed(list="today")) == 6
    for row in day[:5]:
        calls.complete(row, "satisfied")
    assert [row["customer_id"] for row in calls.listed(list="today")] == [day[5]["customer_id"]]
    calls.day("2026-05-09T00:00")
    assert [row["customer_id"] for row in calls.listed(list="gaps")] == [day[5]["customer_id"]]


@pytest.mark.rule("A-LOG-54")
@pytest.mark.rule("A-LOG-75")
def test_key_clients_are_called_by_their_own_agent_every_so_many_days(tmp_path: Path) -> None:
    """Every thirty days as the organisation says; agent a1 sees own four, and is refused that of a2."""
    every = {"every": {"value": [{"days": 30}], "source": "organisation"}}
    calls = Calls(tmp_path, "logistics", callbacks={"key_client": every})
    for number, agent in enumerate(["a1", "a1", "a1", "a1", "a2"]):
        since = {"key_client_since": "2026-05-01"}
        calls.mark(f"cu_{number}", grade="key", agent=agent, dates=since)
    calls.mark("cu_small", grade="ordinary", agent="a1", dates={"key_client_since": "2026-05-01"})
    calls.day("2026-05-30T10:00")
    assert calls.listed() == []
    calls.day("2026-05-31T10:00")
    assert {row["customer_id"] for row in calls.listed("a1", list="mine")} == {"cu_0", "cu_1", "cu_2", "cu_3"}
    other = calls.only(actor="a2", list="mine")
    for attempt in (lambda: calls.take(other, "a1"), lambda: calls.complete(other, "satisfied", actor="a1")):
        with pytest.raises(RuleRefused) as refusal:
            attempt()
        assert refusal.value.rule == "A-LOG-75"
    assert calls.complete(other, "satisfied", actor="a2")["state"] == "done"


@pytest.mark.rule("B-ITS-13")
def test_a_delivered_project_is_called_about_monthly_for_a_year_and_then_quarterly(tmp_path: Path) -> None:
    """Accepted 2025-02-10: monthly until 2026-02-10, the next on 2026-05-10."""
    calls = Calls(tmp_path, "it-service", now="2025-02-10T09:00")
    calls.mark("cu_1", dates={"delivered": "2025-02-10"})
    days = [f"2025-{month:02}-10" for month in range(3, 13)]
    days += [f"2026-{month:02}-10" for month in (1, 2, 3, 4, 5, 6, 7, 8)]
    for day in days:
        calls.day(f"{day}T09:00")
    planned = sorted(row["replied_at"][:10] for row in calls.listed(limit=200))
    # The tenth in China begins on the ninth by UTC.
    monthly = [f"2025-{month:02}-09" for month in range(3, 13)] + ["2026-01-09", "2026-02-09"]
    assert planned == [*monthly, "2026-05-09", "2026-08-09"]


@pytest.mark.rule("B-DUT-26")
def test_every_household_is_called_every_month_by_its_end(tmp_path: Path) -> None:
    """The list of April is made on its first day, each household once, and is due by its last."""
    calls = Calls(tmp_path, "property", now="2025-03-31T23:00")
    for number in range(3):
        calls.mark(f"cu_{number}", type="household")
    calls.mark("cu_shop", type="shop")
    calls.day("2025-04-01T00:01")
    calls.day("2025-04-02T09:00")
    april = [row for row in calls.listed(rule="household") if row["replied_at"] >= "2025-03-31T16"]
    assert {row["customer_id"] for row in april} == {"cu_0", "cu_1", "cu_2"}
    assert [row["due_at"] for row in april] == ["2025-04-30T16:00:00.000Z"] * 3
    assert {row["due_source"] for row in april} == {"B-DUT-26"}


@pytest.mark.rule("B-DET-09")
def test_a_customer_quiet_for_as_long_as_configured_is_called_once(tmp_path: Path) -> None:
    """After ninety days without a contact one callback; none in a handbook that gives no days; anew after another."""
    every = {"every": {"value": [{"days": 90}], "source": "organisation"}}
    calls = Calls(tmp_path, "retail-chain", now="2026-05-01T10:00", callbacks={"quiet_customer": every})
    calls.mark("cu_1", dates={"last_contact": "2026-05-01"})
    for day in ("2026-07-29", "2026-07-30", "2026-10-30"):
        calls.day(f"{day}T10:00")
    assert calls.only()["rule"] == "quiet_customer"
    assert calls.only()["replied_at"][:10] == "2026-07-29"
    calls.mark("cu_1", dates={"last_contact": "2026-10-30"})
    calls.day("2027-02-01T10:00")
    assert len(calls.listed()) == 2


def test_without_days_of_an_organisation_nobody_is_called_for_being_quiet(tmp_path: Path) -> None:
    """The handbook gives no figure, so none is made up."""
    calls = Calls(tmp_path, "retail-chain")
    calls.mark("cu_1", dates={"last_contact": "2020-01-01"})
    calls.day("2026-05-02T10:00")
    assert calls.listed() == []


def test_a_round_goes_on_where_it_was_cut_off_and_calls_everybody_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages of two; the process dies after a page was written but not remembered, and another takes over."""
    calls = Calls(tmp_path, "property")
    for number in range(7):
        calls.mark(f"cu_{number}", type="household")
    built = calls.app.callbacks.make_periodic

    def another() -> MakePeriodicCallbacks:
        return MakePeriodicCallbacks(
            calls.app.people,
            built._callbacks,
            RoundsKept(calls.runtime),
            built._scheduler,
            built._rulebooks,
            calls.clock,
            calls.runtime.ids,
            at_once=2,
        )

    assert another()()
    with monkeypatch.context() as patched:
        patched.setattr(Collection, "replace_one", _die)
        with pytest.raises(ConnectionError):
            another()()
    survivor = another()
    while survivor():
        pass
    listed = [row["customer_id"] for row in calls.listed(rule="household", limit=200)]
    assert sorted(listed) == [f"cu_{number}" for number in range(7)]
    assert len(calls.told("callback_scheduled")) == 7


def test_who_wants_to_be_left_alone_is_not_called_unasked(tmp_path: Path) -> None:
    """Consent withdrawn or data erased: no periodic callback."""
    calls = Calls(tmp_path, "property")
    for customer in ("cu_out", "cu_in"):
        calls.mark(customer, type="household")
    calls.hear("privacy_flags_set", {"customer_id": "cu_out", "opt_out": True, "restricted": False})
    calls.day("2026-05-02T10:00")
    assert [row["customer_id"] for row in calls.listed(rule="household")] == ["cu_in"]


def test_what_was_made_is_found_by_customer_and_rule(tmp_path: Path) -> None:
    """Every list is of one organisation, and takes a filter."""
    calls = Calls(tmp_path, "auto-dealer")
    calls.note("delivery", "cu_1")
    calls.note("workshop_exit", "cu_1")
    calls.note("delivery", "cu_2")
    assert {row["rule"] for row in calls.listed(customer_id="cu_1")} == {"seven_day", "three_day"}
    assert len(calls.listed(rule="seven_day")) == 2
    assert (
        calls.app.desk.callbacks("elsewhere", {"limit": 50, "skip": 0, "state": None, "case_id": None}) == []
    )
    assert calls.app.desk.callback(ORG, calls.only(rule="three_day")["callback_id"])["calls"] == []


def _die(*_: object, **__: object) -> None:
    raise ConnectionError


def test_a_page_of_gaps_goes_on_where_the_one_before_ended(tmp_path: Path) -> None:
    """Given up and overdue callbacks stand in one list by due time, whatever pages it is read in."""
    tries = {"amount": 120, "unit": "minutes", "source": "organisation"}
    rule = {"attempts": {"most": 1, "spacing": tries, "source": "organisation"}}
    calls = Calls(tmp_path, "auto-dealer", callbacks={"seven_day": rule})
    for number in range(4):
        calls.note("delivery", f"cu_{number}", when=f"2026-05-0{number + 1}T10:00")
    calls.day("2026-05-10T10:00")
    for each in calls.listed()[::2]:
        calls.complete(each, "unreachable")
    calls.day("2026-05-13T10:00")
    whole = calls.listed(list="gaps")
    assert [row["customer_id"] for row in whole] == [f"cu_{number}" for number in range(4)]
    assert [row["state"] for row in whole] == ["given_up", "open", "given_up", "open"]
    assert [row for skip in range(4) for row in calls.listed(list="gaps", limit=1, skip=skip)] == whole
    assert calls.listed(list="gaps", limit=2, skip=1) == whole[1:3]


def test_operators_see_what_is_to_be_called_and_how_late_it_is(tmp_path: Path) -> None:
    """Promise: passed, today and later are all there is to call, and what has passed has one age."""
    calls = Calls(tmp_path, "auto-dealer")
    for number, when in enumerate(("2026-05-01T10:00", "2026-05-07T10:00", "2026-05-08T10:00")):
        calls.note("delivery", f"cu_{number}", when)
    calls.day("2026-05-14T23:00")
    calls.app.observe()

    def shown(name: str, **labels: str) -> float | None:
        return REGISTRY.get_sample_value(name, {"organisation": ORG, **labels})

    due = {each: shown("kefu_open_callbacks", due=each) for each in ("passed", "today", "later")}
    late = {each: shown("kefu_overdue_callbacks", age=each) for each in ("hour", "day", "week", "more")}
    assert due == {"passed": len(calls.listed(list="overdue")), "today": 1, "later": 1}
    assert sum(each or 0 for each in late.values()) == due["passed"]
    assert late["week"] == 1
