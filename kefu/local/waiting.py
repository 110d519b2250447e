"""Waiting for a condition, with a deadline."""

from __future__ import annotations

import time
from collections.abc import Callable

_FIRST_PAUSE = 0.01
_LONGEST_PAUSE = 0.2


def wait_until(condition: Callable[[], bool], timeout: float) -> bool:
    """Return True as soon as ``condition`` holds, False when it does not within ``timeout`` seconds.

    It is asked at least once, at growing intervals of at most 0.2 s; what it raises is passed on.
    """
    deadline = time.monotonic() + timeout
    pause = _FIRST_PAUSE
    while not condition():
        left = deadline - time.monotonic()
        if left <= 0:
            return False
        time.sleep(min(pause, left))
        pause = min(pause * 1.5, _LONGEST_PAUSE)
    return True
