"""An intake service of its own for every test."""

from __future__ import annotations

import pytest

from shared.clock import FixedClock
from tests.unit.intake.fakes import World, beijing


@pytest.fixture
def world() -> World:
    """Return a fresh world on a Monday morning in China."""
    return World(FixedClock(beijing("2026-03-02 09:00")))
