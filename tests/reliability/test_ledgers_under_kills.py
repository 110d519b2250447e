"""Losses charged to staff while the service that charges them, and its database, are killed."""

from __future__ import annotations

import os
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from shared.errors import Conflict, DeadlineExceeded, Unavailable
from shared.messaging.rpc_client import RpcClient
from tests.integration.bus import Bus, eventually
from tests.integration.events import complaint
from tests.integration.paths import walk
from tests.integration.process_stack import ProcessStack
from tests.reliability.supervisor import Supervisor

RETAIL = "retail-demo"
SEEDS = range(401, 405 if os.environ.get("KEFU_TEST_DEEP") else 402)
CASES = 6
KILLS = 5
#: What each case costs each of the two who are liable for it, in yuan: 1,000 by 10 points, of which 3 and 2.
SHARES = {"one": Decimal("300.00"), "two": Decimal("200.00")}
_PERSISTENCE = 90.0


class Clerk:
    """Repeats each command under its key until it is answered, whoever dies meanwhile."""

    def __init__(self, stack: ProcessStack, subject: str, role: str) -> None:
        """Work as ``subject``."""
        self._token = stack.token(RETAIL, ("staff", role), subject=subject)
        self._url = stack.broker_url("operator")

    def do(self, method: str, **arguments: Any) -> dict[str, Any]:
        """Return the answer to a command."""
        key = uuid.uuid4().hex
        client = RpcClient(self._url, name="operator", timeout=2.0, token=self._token)
        deadline = time.monotonic() + _PERSISTENCE
        try:
            while True:
                try:
                    return dict(client.call(f"complaints.{method}", idempotency_key=key, **arguments))
                except (DeadlineExceeded, Unavailable, Conflict):
                    if time.monotonic() > deadline:
                        raise
        finally:
            client.close()


def closed_case(bus: Bus) -> str:
    """Return a retail case that is done with, so that it may be charged to somebody."""
    desk = bus.desk(RETAIL)
    event = complaint(RETAIL, claim={"complainant_type": "end_consumer", "demand": "exchange"})
    bus.publish("shop", event)
    case_id = str(desk.case_of(event)["case_id"])
    desk.do("complaints.decide_validity", id=case_id, valid=True, ground="quality_defect", reason="开裂")
    walk(bus, RETAIL, case_id)
    desk.do("complaints.reply", id=case_id, text="已换货", prevention="每批抽检")
    desk.do("complaints.close_case", id=case_id)
    return case_id


def charge(stack: ProcessStack, run: str) -> Callable[[str], str]:
    """Return what takes one case from the finding to the penalty approved."""
    hr, manager = Clerk(stack, "stf_hr", "hr_admin"), Clerk(stack, "stf_gm", "general_manager")

    def take(case_id: str) -> str:
        staff = [f"stf_{run}_{name}" for name in SHARES]
        finding = {"area": "production", "level": "person", "department": "sewing", "reason": "未检验"}
        hr.do("attribute_liability", case_id=case_id, persons=staff, **finding)
        points = [{"staff": who, "points": number} for who, number in zip(staff, ("3", "2"), strict=True)]
        base = {"loss": "1000", "total_points": "10", "reason": "按罚扣判定基准"}
        penalty = hr.do("propose_penalty", case_id=case_id, points=points, **base)
        manager.do("decide_penalty", id=penalty["penalty_id"], approved=True)
        return str(penalty["penalty_id"])

    return take


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.timeout(300)
def test_no_kill_loses_a_charge_or_makes_it_twice(stack: ProcessStack, seed: int) -> None:
    """Every penalty stands in every ledger it concerns, once, and each line of a ledger was published once.

    A penalty is one document and each person's ledger another: whoever dies in between leaves the rest to be
    caught up.
    """
    run, rng, done = f"r{seed}{uuid.uuid4().hex[:4]}", Random(seed), threading.Event()
    with Bus(stack) as bus:
        cases = [closed_case(bus) for _ in range(CASES)]
        began = datetime.now(UTC)
        with Supervisor(stack) as supervisor, ThreadPoolExecutor(CASES // 2) as desks:
            charged = desks.map(charge(stack, run), cases)
            for number in range(KILLS):
                done.wait(rng.uniform(0.2, 1.5))
                if number == KILLS // 2:
                    stack.restart_database()
                else:
                    supervisor.kill("complaints")
                    supervisor.wait_ready()
            penalties = list(charged)
        assert supervisor.crashes == []

        def all_posted() -> None:
            assert all(
                bus.desk(RETAIL, ("staff", "hr_admin")).ask("complaints.get_penalty", id=key)["state"]
                == "posted"
                for key in penalties
            )

        eventually(all_posted, timeout=_PERSISTENCE)
        for name, share in SHARES.items():
            mine = bus.desk(RETAIL, ("staff",), subject=f"stf_{run}_{name}")
            ledger = mine.ask("complaints.get_ledger", staff=f"stf_{run}_{name}")
            assert Counter(line["penalty_id"] for line in ledger["lines"]) == Counter(penalties)
            assert {line["amount"] for line in ledger["lines"]} == {str(share)}
            assert Decimal(ledger["lines"][-1]["balance"]) == share * CASES

        def published_once() -> None:
            events = bus.database("reporting")["events"].find(
                {"archived_at": {"$gte": began}, "type": "ledger_entry_posted"}
            )
            about = [event for event in events if run in str(event["data"]["staff"])]
            assert len(about) == CASES * len(SHARES)

        eventually(published_once, timeout=_PERSISTENCE)
