"""One long-lived stack for all reliability tests: what one run leaves behind, the next one works beside."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from kefu.local.ports import free_port
from shared.testing.proxy import FaultProxy
from tests.integration.process_stack import ProcessStack
from tests.reliability.evidence import Investigation
from tests.reliability.supervisor import Supervisor
from tests.reliability.workload import Workload

#: Seconds a run may take together with the stack it starts, on a machine that is slow as well.
_LONGEST = 400

#: Starts the load of a seed under supervision, and after it judges what it left behind.
Trial = Callable[[int], AbstractContextManager[Supervisor]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give every run the time it needs, whichever comes first and starts the stack."""
    for item in items:
        if "stack" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.timeout(_LONGEST))
            item.add_marker(pytest.mark.slow)


@dataclass(frozen=True, slots=True)
class Proxies:
    """What stands between intake and its two servers."""

    broker: FaultProxy
    database: FaultProxy


@pytest.fixture(scope="session")
def ways() -> Iterator[tuple[ProcessStack, Proxies]]:
    """The stack, with intake reaching broker and database through proxies that let everything pass."""
    broker, database = free_port(), free_port()
    with FaultProxy(broker, port=free_port()) as to_broker, FaultProxy(database, port=free_port()) as to_base:
        stack = ProcessStack(
            broker_ports={"": broker, "intake": to_broker.port},
            database_ports={"": database, "intake": to_base.port},
        )
        with stack:
            yield stack, Proxies(to_broker, to_base)


@pytest.fixture(scope="session")
def stack(ways: tuple[ProcessStack, Proxies]) -> ProcessStack:
    """Broker, database and the four services as processes."""
    return ways[0]


@pytest.fixture
def proxies(ways: tuple[ProcessStack, Proxies]) -> Iterator[Proxies]:
    """The proxies on intake's ways, healed after the test whatever it did."""
    yield ways[1]
    ways[1].broker.heal()
    ways[1].database.heal()


@pytest.fixture
def trial(stack: ProcessStack, capsys: pytest.CaptureFixture[str]) -> Trial:
    """Load while the ``with`` block breaks things; then nothing may be lost, doubled or unexpected."""

    @contextmanager
    def run(seed: int) -> Iterator[Supervisor]:
        mark = f"r{seed}-{uuid.uuid4().hex[:6]}"
        investigation = Investigation(stack, datetime.now(UTC) - timedelta(milliseconds=1))
        try:
            with Supervisor(stack) as supervisor, Workload(stack, mark, seed) as workload:
                yield supervisor
            verdict = investigation.settled_verdict(workload)
            with capsys.disabled():
                print(f"\n{mark}: {supervisor.kills} kills, ended by themselves: {supervisor.crashes}")  # noqa: T201 - the scored map is the result
                print(verdict)  # noqa: T201 - see above
            assert verdict.clean, f"\n{verdict}"
        finally:
            investigation.forget_the_dead()
            investigation.close()

    return run
