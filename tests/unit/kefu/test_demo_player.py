"""Playing the demo day against services that do their work, and against ones that do not."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import pytest

from kefu.demo import handling, player
from kefu.demo.dataset import generate_day
from kefu.demo.expectations import Expectations
from kefu.demo.model import Day, Item
from kefu.demo.player import NOBODY, Outcome, Player
from kefu.reach import Reach
from shared.errors import KefuError, NotFound, RuleRefused
from shared.ids import derived_id
from shared.messaging.dead_letters import DeadLetter
from shared.messaging.publisher import Fate, Outgoing

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
DAY = generate_day(1, NOW, "r1")
ORGS = {"plaza-demo", "property-demo", "retail-demo", "shop-demo", "it-demo"}
#: Its callbacks close no case.
BY_HAND = "retail-demo"
_CASE = {"decide_validity": None, "attempt_contact": None, "reply": "replied", "close_case": "closed"}

Row = dict[str, Any]


class Services:
    """All four services in one: what the player publishes has its effect at once."""

    def __init__(self, day: Day) -> None:
        self.day = day
        self.items: dict[bytes, Item] = {
            item.body: item for item in day.items if item.expected != "duplicate"
        }
        self.contacts: dict[str, Row] = {}
        self.rejected: list[Row] = []
        self.letters: list[DeadLetter] = []
        self.cases: dict[str, Row] = {}
        self.case_of: dict[str, str] = {}
        self.callbacks: dict[str, Row] = {}
        self.users: list[tuple[str, str | None]] = []
        #: What a test breaks: changes what an RPC answers or does.
        self.broken: dict[str, Callable[..., Any]] = {}
        self.lose: set[bytes] = set()

    # The bus.

    def take(self, url: str, message: Outgoing) -> Fate:
        self.users.append((url, message.user_id))
        item = self.items[message.body]
        if item.body in self.lose:
            return Fate.CONFIRMED
        if item.expected == "dead":
            self.letters.append(DeadLetter(f"why: {item.reason_hint}", 1, None, "", "", item.body))
        elif item.expected == "rejected":
            reasons = [{"field": f"data.{item.reason_hint}", "reason": "is wrong"}]
            org = item.org if item.org in ORGS else NOBODY
            self.rejected.append({"org": org, "event_id": item.event_id, "reasons": reasons})
        else:
            self._register(json.loads(item.body))
        return Fate.CONFIRMED

    def _register(self, event: Row) -> None:
        contact_id = derived_id("ct", event["source"], event["id"])
        if contact_id in self.contacts:
            return
        self.contacts[contact_id] = {"contact_id": contact_id, "org": event["org"], **event["data"]}
        if event["data"]["category"] != "complaint":
            return
        first = self.day.repeats.get(event["id"], event["id"])
        problem = event["data"]["complaint"]["problem"]
        self.case_of[contact_id] = f"cs_{first}"
        self.cases.setdefault(
            f"cs_{first}",
            {
                "case_id": f"cs_{first}", "org": event["org"], "state": "received", "rounds": 0,
                "households": self.day.households.get(problem, 1),
                "on_time": first not in self.day.overdue,
            },
        )  # fmt: skip

    # RPC.

    def __call__(self, _reach: Reach) -> Self:
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def ask(self, org: str, method: str, **arguments: Any) -> Any:
        if method in self.broken:
            return self.broken[method](org, **arguments)
        name = method.partition(".")[2]
        return getattr(self, f"_{name}")(org, **arguments)

    def order(self, org: str, _who: object, method: str, _key: str, **arguments: Any) -> Any:
        if method in self.broken:
            return self.broken[method](org, **arguments)
        name = method.partition(".")[2]
        if name in _CASE:
            return self._step(name, **arguments)
        return getattr(self, f"_{name}")(org, **arguments)

    def _step(self, name: str, *, id: str, **arguments: Any) -> None:  # noqa: A002 - as the RPC names it
        case = self.cases[id]
        if name == "decide_validity":
            case["valid"], case["state"] = arguments["valid"], "accepted"
        elif name == "reply" and arguments.get("final", True):
            case["rounds"] += 1
            case["state"] = "replied" if case["valid"] else "closed"
            callback_id = f"{id}-{case['rounds']}"
            self.callbacks[callback_id] = {"callback_id": callback_id, "round": case["rounds"], "case_id": id}
        elif name == "close_case":
            case["state"] = "closed"

    def _next_steps(self, _org: str, *, id: str) -> Row:  # noqa: A002 - as the RPC names it
        return {"case_id": id, "steps": []}

    def _get_settlement(self, _org: str, *, id: str) -> Row:  # noqa: A002 - as the RPC names it
        return {"case_id": id, "filings_due": []}

    def _complete_callback(self, _org: str, *, id: str, outcome: str, note: str) -> None:  # noqa: A002 - as the RPC names them
        callback = self.callbacks[id]
        callback["made"] = True
        case = self.cases[callback["case_id"]]
        if outcome == "dissatisfied":
            case["state"] = "accepted"
        elif case["org"] != BY_HAND:
            case["state"] = "closed"

    def _list_callbacks(self, _org: str, *, case_id: str, state: str) -> list[Row]:
        assert state == "open"
        return [
            row for row in list(self.callbacks.values()) if row["case_id"] == case_id and not row.get("made")
        ]

    def _get_case(self, _org: str, *, id: str) -> Row:  # noqa: A002 - as the RPC names it
        return dict(self.cases[id])

    def _get_case_of_contact(self, _org: str, *, contact_id: str) -> Row:
        if contact_id not in self.case_of:
            raise NotFound("no case")
        return dict(self.cases[self.case_of[contact_id]])

    def _count_contacts(self, org: str) -> dict[str, int]:
        return dict(Counter(row["category"] for row in list(self.contacts.values()) if row["org"] == org))

    def _list_contacts(self, org: str, *, limit: int, skip: int) -> list[Row]:
        return [row for row in list(self.contacts.values()) if row["org"] == org][skip : skip + limit]

    def _list_rejected(self, org: str, *, limit: int, skip: int) -> list[Row]:
        return [row for row in self.rejected if row["org"] == org][skip : skip + limit]

    def _month_statistics(self, org: str, *, month: str) -> Row:
        cases = [case for case in list(self.cases.values()) if case["org"] == org]
        own = {case["case_id"] for case in cases}
        mine = month == "2026-11"
        return {
            "contacts": {"total": sum(self._count_contacts(org).values()) * mine},
            "rejected_events": sum(row["org"] == org for row in self.rejected) * mine,
            "cases": {
                "received": len(cases) * mine,
                "closed": sum(case["state"] == "closed" for case in cases) * mine,
            },
            "callbacks": {
                "made": sum(
                    bool(row.get("made")) for row in list(self.callbacks.values()) if row["case_id"] in own
                )
                * mine
            },
        }

    def _publish_month_report(self, org: str, *, month: str) -> Row:
        return {"report_id": f"rp_{org}", "month": month}

    # Dead letters.

    def depth(self, queue: str) -> int:
        return len(self.letters) if queue.startswith("dlq.") else 0

    def peek(self, _queue: str, limit: int) -> list[DeadLetter]:
        return self.letters[:limit]


class Silent:
    """Says nothing."""

    def begin(self, title: str, total: int) -> None:
        return

    def advance(self, done: int) -> None:
        return

    def end(self) -> None:
        return


class ReachOfNothing(Reach):
    def url_of(self, user: str) -> str:
        return f"pyamqp://{user}"


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch) -> Services:
    stand_in = Services(DAY)

    class Bus:
        def __init__(self, url: str) -> None:
            self.url = url

        def publish(self, batch: Sequence[Outgoing]) -> list[Fate]:
            return [stand_in.take(self.url, message) for message in batch]

        def close(self) -> None:
            return

    monkeypatch.setattr(player, "Colleagues", stand_in)
    monkeypatch.setattr(player, "DeadLetters", lambda _url: stand_in)
    monkeypatch.setattr(player, "PipelinedPublisher", Bus)
    for module in (player, handling):
        monkeypatch.setattr(module, "PATIENCE", 0.05)
    return stand_in


def play() -> Outcome:
    reach = ReachOfNothing("pyamqp://nowhere", Path())
    return Player(reach, Expectations(DAY, NOW), "r1", Silent(), closed_by_hand={BY_HAND}).play()


def differing(outcome: Outcome) -> set[str]:
    return {figure.what for figure in outcome.figures if not figure.right}


def test_a_day_that_goes_well_comes_out_as_expected(services: Services) -> None:
    """Every number of the day is found, and nothing is complained of."""
    outcome = play()
    assert not differing(outcome)
    assert outcome.failures == []
    assert outcome.well
    assert set(outcome.reports) == ORGS


def test_every_message_goes_out_in_order_under_its_publishers_user(services: Services) -> None:
    """The broker vouches for the user of the connection and for no other."""
    play()
    assert [user for _, user in services.users] == [item.publisher for item in DAY.items]
    assert all(url == f"pyamqp://{user}" for url, user in services.users)


def test_a_day_can_be_played_into_a_stack_that_holds_others(services: Services) -> None:
    """What was there before is not counted."""
    services.contacts["ct_old"] = {"contact_id": "ct_old", "org": "plaza-demo", "category": "enquiry"}
    services.cases["cs_old"] = {"case_id": "cs_old", "org": "plaza-demo", "state": "closed"}
    services.rejected.append({"org": "plaza-demo", "event_id": "old", "reasons": []})
    services.letters.append(DeadLetter("old", 1, None, "", "", b"old"))
    assert play().well


def test_a_lost_contact_is_noticed(services: Services) -> None:
    """The day ends with what is missing, not with a wait for ever."""
    services.lose.add(next(item.body for item in DAY.items if item.expected == "accepted"))
    outcome = play()
    assert not outcome.well
    assert "contacts registered" in differing(outcome)
    assert any("355 of 356" in failure for failure in outcome.failures)


def test_a_contact_registered_twice_is_noticed(services: Services) -> None:
    """A repeat that had an effect is as wrong as a loss."""
    count = services._count_contacts
    services.broken["intake.count_contacts"] = lambda org: (
        count(org) | {"doubled": 1} if org == "it-demo" and services.contacts else count(org)
    )
    outcome = play()
    assert "sent again, no effect" in differing(outcome)


@pytest.mark.parametrize("kind", ["wrong reason", "missing"])
def test_a_rejection_for_the_wrong_reason_is_noticed(services: Services, kind: str) -> None:
    """It is not enough that something was rejected."""

    def listed(org: str, *, limit: int, skip: int) -> list[Row]:
        rows = services._list_rejected(org, limit=limit, skip=skip)
        return (
            rows[1:]
            if kind == "missing"
            else [{**row, "reasons": [{"field": "?", "reason": "?"}]} for row in rows]
        )

    services.broken["intake.list_rejected"] = listed
    assert "rejected for the right reason" in differing(play())


def test_a_message_missing_among_the_dead_letters_is_noticed(services: Services) -> None:
    """What nobody could read must be kept somewhere."""
    services.lose.add(next(item.body for item in DAY.items if item.expected == "dead"))
    assert "dead letters" in differing(play())


def test_a_refused_step_is_told_and_the_other_cases_go_on(services: Services) -> None:
    """One case that cannot be closed does not stop the day, but the day is not well."""
    refused: list[str] = []
    original = services._step

    def close(_org: str, *, id: str) -> None:  # noqa: A002 - as the RPC names it
        if not refused:
            refused.append(id)
            raise RuleRefused("prevention is missing", rule="B-RET-04")
        original("close_case", id=id)

    services.broken["complaints.close_case"] = close
    outcome = play()
    assert not outcome.well
    assert any("prevention is missing" in failure for failure in outcome.failures)
    assert differing(outcome) == {"cases in the state they were left in", "figures reporting agrees on"}


def test_reporting_that_lags_behind_is_told_by_number(services: Services) -> None:
    """Which figure of which organisation differs, and by how much."""
    original = services._month_statistics

    def lagging(org: str, *, month: str) -> Row:
        answer = original(org, month=month)
        if org == "shop-demo" and answer["callbacks"]["made"]:
            answer["callbacks"]["made"] -= 1
        return answer

    services.broken["reporting.month_statistics"] = lagging
    outcome = play()
    assert differing(outcome) == {"figures reporting agrees on"}
    assert any("callbacks made of shop-demo" in failure for failure in outcome.failures)


def test_a_late_complaint_that_counts_as_in_time_is_noticed(services: Services) -> None:
    """Clocks have to have fired for what was overdue when it arrived."""
    event_id = next(iter(DAY.overdue))
    original = services._get_case_of_contact

    def on_time(org: str, *, contact_id: str) -> Row:
        case = original(org, contact_id=contact_id)
        return {**case, "on_time": True} if case["case_id"] == f"cs_{event_id}" else case

    services.broken["complaints.get_case_of_contact"] = on_time
    assert "old complaints known to be late" in differing(play())


def test_what_the_services_raise_ends_the_day(services: Services) -> None:
    """With no service running there is nothing to play."""

    def absent(_org: str) -> None:
        raise KefuError("no service answers")

    services.broken["intake.count_contacts"] = absent
    with pytest.raises(KefuError, match="no service answers"):
        play()


def test_the_month_shown_is_the_one_the_contacts_came_in(services: Services) -> None:
    """Played shortly after midnight on the first, the day belongs to the month before."""
    early = datetime(2026, 11, 30, 16, 5, tzinfo=UTC)  # five past midnight on the first of December there
    expectations = Expectations(generate_day(1, early, "r1"), early)
    assert expectations.month == "2026-11"
    assert expectations.months == ("2026-11", "2026-12")
