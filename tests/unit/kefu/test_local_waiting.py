from __future__ import annotations

import time

import pytest

from kefu.local.waiting import wait_until


def test_what_holds_already_is_not_waited_for() -> None:
    """A condition is asked even when no time is left."""
    assert wait_until(lambda: True, 0)


def test_waiting_ends_when_the_condition_comes_true() -> None:
    """Asked again and again until it holds."""
    answers = iter([False, False, True])
    assert wait_until(lambda: next(answers), 30)
    assert next(answers, None) is None


def test_waiting_gives_up_at_the_deadline() -> None:
    """What never comes is told as False, not before its time."""
    begun = time.monotonic()
    assert not wait_until(lambda: False, 0.05)
    assert time.monotonic() - begun >= 0.05


def test_what_the_condition_raises_is_passed_on() -> None:
    """A probe that is broken is no reason to wait."""
    with pytest.raises(ZeroDivisionError):
        wait_until(lambda: bool(1 / 0), 30)
