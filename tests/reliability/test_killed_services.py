"""Services are killed at any moment of their work: nothing acknowledged is lost, nothing happens twice."""

from __future__ import annotations

import os
import threading
from random import Random

import pytest

from services.names import SERVICES
from tests.integration.process_stack import ProcessStack
from tests.reliability.conftest import Trial

SEEDS = range(1, 21 if os.environ.get("KEFU_TEST_DEEP") else 11)
#: Seconds within which each of the four services is killed once, and of load before and after that.
KILLS = 4.0
BEFORE = 1.0
AFTER = 1.0


def passing(seconds: float) -> None:
    """Let the load run on for so many seconds."""
    threading.Event().wait(seconds)


@pytest.mark.parametrize("seed", SEEDS)
def test_no_kill_of_a_service_loses_or_doubles_anything(trial: Trial, seed: int) -> None:
    """Each service dies once at a moment of the seed, while contacts, commands, duplicates and rubbish come in.

    Afterwards every acknowledged event and command has exactly one effect, every recorded event was
    delivered, and no history has a gap.
    """
    with trial(seed) as supervisor:
        passing(BEFORE)
        supervisor.kill_each(Random(seed), within=KILLS)
        supervisor.wait_ready()
        passing(AFTER)
    assert supervisor.crashes == [], "only those that were killed may end"


def test_services_asked_to_stop_finish_what_they_do_and_end_well(trial: Trial, stack: ProcessStack) -> None:
    """SIGTERM under load: no new work, what runs is finished, exit code 0 well before anybody would kill it."""
    with trial(101) as supervisor:
        passing(BEFORE)
        codes = {service: supervisor.terminate(service) for service in SERVICES}
        supervisor.wait_ready()
        passing(AFTER)
    assert codes == dict.fromkeys(SERVICES, 0)
    assert supervisor.crashes == []
