"""What holds for every test: markers by folder, and property tests that no slow machine can fail."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

_TESTS = Path(__file__).parent

# A deadline per example would be a wall-clock test of a shared machine; pytest's timeout is the net.
settings.register_profile("kefu", deadline=None, print_blob=True, max_examples=50)
# `make test-deep`: for the night, and for whoever changed an invariant.
settings.register_profile("deep", deadline=None, print_blob=True, max_examples=2_000)
settings.load_profile("deep" if os.environ.get("KEFU_TEST_DEEP") else "kefu")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what lies in tests/integration and tests/reliability, so that nobody can forget to."""
    for item in items:
        folder = item.path.relative_to(_TESTS).parts[0]
        if folder in ("integration", "reliability"):
            item.add_marker(folder)
