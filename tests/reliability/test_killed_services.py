"""Services are killed at any moment of their work: nothing acknowledged is lost, nothing happens twice."""

from __future__ import annotations

import threading
import uuid
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from tests.integration.process_stack import ProcessStack
from tests.reliability.evidence import Investigation
from tests.reliability.supervisor import Supervisor
from tests.reliability.workload import Workload

SEEDS = range(1, 21)
#: Seconds of load, within which each of the four services is killed once.
LOAD = 6.0


@pytest.mark.parametrize("seed", SEEDS)
def test_no_kill_of_a_service_loses_or_doubles_anything(
    stack: ProcessStack, seed: int, record_property: pytest.FixtureRequest
) -> None:
    """Each service dies once at a moment of the seed, while contacts, commands, duplicates and rubbish come in.

    Afterwards every acknowledged event and command has exactly one effect, every recorded event was
    delivered, and no history has a gap.
    """
    rng = Random(seed)
    run = f"k{seed}-{uuid.uuid4().hex[:6]}"
    investigation = Investigation(stack, datetime.now(UTC) - timedelta(milliseconds=1))
    try:
        with Supervisor(stack) as supervisor, Workload(stack, run, seed) as workload:
            pause = threading.Event()
            pause.wait(0.5)
            supervisor.kill_each(rng, within=LOAD, gently=0.1)
            pause.wait(0.5)
        verdict = investigation.settled_verdict(workload)
    finally:
        investigation.close()
    print(f"seed {seed}: {supervisor.kills} kills, crashes {supervisor.crashes}\n{verdict}")  # noqa: T201 - the scored map is what a reader of the report wants
    assert verdict.clean, f"\n{verdict}"
    assert supervisor.crashes == []
