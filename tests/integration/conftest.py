"""One stack for all integration tests, as processes and, with the marker ``container``, in containers."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator

import pytest

from services.names import SERVICES
from tests.integration.bus import Bus
from tests.integration.compose import what_is_missing
from tests.integration.container_stack import ContainerStack
from tests.integration.process_stack import ProcessStack
from tests.integration.stack import Stack

#: ``processes`` or ``containers``: run the tests over this stack only. Unset, the markers decide.
CHOICE = "KEFU_TEST_STACK"
#: Seconds a test may take together with the stack it starts; images are built within it.
_WITH_START = 900
_LOG_LINES = 25

_BOTH = {
    "processes": pytest.param("processes"),
    "containers": pytest.param("containers", marks=pytest.mark.container),
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run every test that uses the stack over each kind of stack that was asked for."""
    if "stack" in metafunc.fixturenames:
        chosen = os.environ.get(CHOICE)
        kinds = [_BOTH[chosen]] if chosen else list(_BOTH.values())
        metafunc.parametrize("stack", kinds, indirect=True, scope="session")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give whichever test comes first the time to start the stack."""
    for item in items:
        if "stack" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.timeout(_WITH_START))


@pytest.fixture(scope="session")
def engine() -> None:
    """Containers can be run here; where not, say why, and fail if it was containers that were asked for."""
    missing = what_is_missing()
    if missing is not None and os.environ.get(CHOICE) == "containers":
        pytest.fail(missing)
    if missing is not None:
        pytest.skip(missing)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the end of every service's log with a test that failed."""
    report = yield
    stack: Stack | None = getattr(item, "funcargs", {}).get("stack")
    if report.failed and stack is not None:
        report.sections += [(f"log of {service}", stack.logs(service, _LOG_LINES)) for service in SERVICES]
    return report


@pytest.fixture(scope="session")
def stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    """A running stack that all tests share; each test uses customers, problems and events of its own."""
    if request.param == "processes":
        with ProcessStack() as processes:
            yield processes
        return
    request.getfixturevalue("engine")
    with ContainerStack() as containers:
        yield containers


@pytest.fixture(scope="session")
def bus(stack: Stack) -> Iterator[Bus]:
    """The stack's bus."""
    with Bus(stack) as connected:
        yield connected
