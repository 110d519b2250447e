"""One long-lived stack for all reliability tests: what one run leaves behind, the next one works beside."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.process_stack import ProcessStack

#: Seconds a run may take together with the stack it starts, on a machine that is slow as well.
_LONGEST = 400


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give every run the time it needs, whichever comes first and starts the stack."""
    for item in items:
        if "stack" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.timeout(_LONGEST))
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def stack() -> Iterator[ProcessStack]:
    """Broker, database and the four services as processes."""
    with ProcessStack() as processes:
        yield processes
