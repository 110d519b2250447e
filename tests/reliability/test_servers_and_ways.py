"""Broker and database die under load, and the ways to them fail: work stops for a while, nothing is lost."""

from __future__ import annotations

import threading
from collections.abc import Callable
from random import Random

import pytest

from services.names import SERVICES
from tests.integration.bus import Bus, eventually
from tests.integration.events import complaint
from tests.integration.process_stack import ProcessStack
from tests.reliability.conftest import Proxies, Trial

PLAZA = "plaza-demo"
#: Longer than two heartbeats of a service's connections, after which a silent one is given up.
NOTICED_AFTER = 90.0


def passing(seconds: float) -> None:
    """Let the load run on for so many seconds."""
    threading.Event().wait(seconds)


@pytest.mark.parametrize("seed", [201, 202])
def test_no_kill_of_the_broker_loses_or_doubles_anything(
    trial: Trial, stack: ProcessStack, seed: int
) -> None:
    """What the broker confirmed it still has; what it did not is sent again; what was done is not done again."""
    with trial(seed) as supervisor:
        passing(Random(seed).uniform(1, 3))
        stack.restart_broker()
        supervisor.wait_ready()
        passing(2)
    assert supervisor.crashes == [], "a service outlives its broker's death"


@pytest.mark.parametrize("seed", [301, 302, 303])
def test_no_kill_of_the_database_loses_or_doubles_anything(
    trial: Trial, stack: ProcessStack, seed: int
) -> None:
    """What was acknowledged is on disk; queues are held while the database is away; half done is done again."""
    rng = Random(seed)
    with trial(seed) as supervisor:
        for _ in range(2):
            passing(rng.uniform(0.5, 2))
            stack.restart_database()
        supervisor.wait_ready()
        passing(2)
    assert supervisor.crashes == [], "a service outlives its database's death"


def test_everything_may_die_in_one_run(trial: Trial, stack: ProcessStack) -> None:
    """Services, database and broker, one upon the other."""
    rng = Random(401)
    with trial(401) as supervisor:
        passing(1)
        supervisor.kill_each(rng, within=2)
        stack.restart_database()
        supervisor.kill_each(rng, within=1)
        stack.restart_broker()
        supervisor.kill(rng.choice(SERVICES))
        supervisor.wait_ready()
        passing(1)


FAULTS: dict[str, Callable[[Proxies], None]] = {
    "broker down": lambda proxies: proxies.broker.down(),
    "broker silent both ways": lambda proxies: proxies.broker.blackhole(),
    "nothing reaches the broker": lambda proxies: proxies.broker.blackhole(to_client=False),
    "nothing comes from the broker": lambda proxies: proxies.broker.blackhole(to_server=False),
    "broker slow": lambda proxies: proxies.broker.slow(0.05),
    "database down": lambda proxies: proxies.database.down(),
    "database silent both ways": lambda proxies: proxies.database.blackhole(),
    "nothing comes from the database": lambda proxies: proxies.database.blackhole(to_server=False),
    "database slow": lambda proxies: proxies.database.slow(0.05),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_on_intakes_ways_loses_and_doubles_nothing(trial: Trial, proxies: Proxies, name: str) -> None:
    """Consumer, relay and RPC of one service meet the fault in the middle of their work; then it passes."""
    seed = 500 + list(FAULTS).index(name)
    with trial(seed) as supervisor:
        passing(1)
        assert min(proxies.broker.connections, proxies.database.connections) > 0
        FAULTS[name](proxies)
        passing(3)
        proxies.broker.heal()
        proxies.database.heal()
        supervisor.wait_ready()
        passing(1)
    assert supervisor.crashes == []


def test_connections_cut_five_times_a_second_lose_and_double_nothing(trial: Trial, proxies: Proxies) -> None:
    """Hardly a batch is through before its connection is gone; it is through in the end, once."""
    with trial(601) as supervisor:
        passing(1)
        for _ in range(20):
            passing(0.2)
            proxies.broker.reset()
        supervisor.wait_ready()
        passing(1)
    assert supervisor.crashes == []


def test_a_way_that_is_lost_without_a_word_is_noticed_and_another_one_is_taken(
    stack: ProcessStack, proxies: Proxies
) -> None:
    """Connections that will never answer again are given up by their heartbeats, without anybody's help."""
    with Bus(stack) as bus:
        proxies.broker.blackhole(only_old=True)
        event = complaint(PLAZA)
        bus.publish("hotline", event)
        desk = bus.desk(PLAZA)

        def registered_and_opened() -> None:
            desk.ask("complaints.get_case_of_contact", contact_id=desk.contact_of(event)["contact_id"])

        eventually(registered_and_opened, timeout=NOTICED_AFTER)


def test_a_service_says_that_it_is_not_ready_while_a_server_is_away(
    stack: ProcessStack, proxies: Proxies
) -> None:
    """Whoever watches learns it from the service itself, and learns when it is over."""
    with Bus(stack) as bus:
        for fault in (proxies.database.down, proxies.broker.down):
            fault()

            def not_ready() -> None:
                assert not bus.ready("intake")

            eventually(not_ready)
            assert bus.ready("complaints")
            proxies.database.heal()
            proxies.broker.heal()
            stack.wait_ready("intake")
