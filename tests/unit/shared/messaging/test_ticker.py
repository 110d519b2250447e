from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest.mock import Mock

import eventlet
import pytest
from eventlet.greenthread import GreenThread

from shared.errors import Unavailable
from shared.messaging import ticker
from shared.messaging.ticker import Ticker, every_tick
from tests.unit.shared.messaging.stage import service_settings


class Container:
    """Runs what it is given in green threads, as nameko does; the method's results are told one by one."""

    service_name = "desk"

    def __init__(self, tick: Callable[[], object], interval: float) -> None:
        self.tick = tick
        self.shared_extensions: dict[Any, Any] = {}
        self.config = {"settings": service_settings(clock_interval=interval)}
        self.threads: list[GreenThread] = []
        self.at_once = 0
        self.most_at_once = 0

    def spawn_managed_thread(self, run: Callable[[], None], identifier: str) -> None:
        assert identifier == "ticker tick"
        self.threads.append(eventlet.spawn(run))

    def spawn_worker(self, entrypoint: Ticker, args: Any, kwargs: Any, handle_result: Any) -> None:
        assert (args, kwargs) == ((), {})
        eventlet.spawn_n(self._work, entrypoint, handle_result)

    def _work(self, entrypoint: Ticker, handle_result: Any) -> None:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        eventlet.sleep(0)
        result, raised = None, None
        try:
            result = self.tick()
        except Exception as error:  # noqa: BLE001 - nameko catches as much
            raised = (type(error), error, None)
        self.at_once -= 1
        assert handle_result(entrypoint, result, raised) == (result, None)


def _ticking(tick: Callable[[], object], interval: float = 0.001) -> tuple[Ticker, Container]:
    container = Container(tick, interval)
    entry: Ticker = Ticker().bind(container, "tick")
    entry.setup()
    entry.start()
    return entry, container


class Ticks:
    """A method that is called so many times and then stops its ticker; ``results`` are returned or raised."""

    def __init__(self, *results: object, last: int) -> None:
        self.results = list(results)
        self.count, self.last = 0, last
        self.done = eventlet.event.Event()

    def __call__(self) -> object:
        self.count += 1
        if self.count == self.last:
            self.done.send(None)
        result = self.results.pop(0) if self.results else False
        if isinstance(result, Exception):
            raise result
        return result


def test_it_calls_again_and_again_one_call_at_a_time() -> None:
    """Two rounds side by side would fire the same things and fight over them."""
    ticks = Ticks(last=5)
    entry, container = _ticking(ticks)
    with eventlet.Timeout(30):
        ticks.done.wait()
        entry.stop()
    assert ticks.count >= 5
    assert container.most_at_once == 1


def test_while_there_is_more_to_do_it_does_not_wait() -> None:
    """A backlog after a standstill is worked off at once, whatever the interval."""
    ticks = Ticks(True, True, True, last=4)
    entry, _ = _ticking(ticks, interval=3600)
    with eventlet.Timeout(30):
        ticks.done.wait()
        entry.stop()
    assert ticks.count == 4


@pytest.mark.parametrize("error", [Unavailable("the database is away"), KeyError("13800000001")])
def test_a_call_that_fails_is_logged_and_tried_again_at_the_next_interval(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clocks of a service do not stand still because one round failed."""
    log = Mock()
    monkeypatch.setattr(ticker, "log", log)
    ticks = Ticks(error, last=2)
    entry, _ = _ticking(ticks)
    with eventlet.Timeout(30):
        ticks.done.wait()
        entry.stop()
    (call,) = log.error.call_args_list
    known = isinstance(error, Unavailable)
    assert call.kwargs["reason"] == ("the database is away" if known else None)
    assert call.kwargs["exc_info"] is (None if known else error)


def test_stopping_waits_for_the_call_in_hand_and_makes_no_other() -> None:
    """What a round has begun it finishes; then the service may go."""
    began, go_on = eventlet.event.Event(), eventlet.event.Event()
    finished: list[bool] = []

    def tick() -> bool:
        began.send(None)
        go_on.wait()
        finished.append(True)
        return True

    entry, container = _ticking(tick)
    with eventlet.Timeout(30):
        began.wait()
        stopping = eventlet.spawn(entry.stop)
        eventlet.sleep(0)
        assert not stopping.dead
        go_on.send(None)
        stopping.wait()
        container.threads[0].wait()
    assert finished == [True]


def test_stopping_does_not_wait_for_the_interval_to_pass() -> None:
    """A service that ticks once an hour still stops at once."""
    ticks = Ticks(last=1)
    entry, container = _ticking(ticks, interval=3600)
    with eventlet.Timeout(30):
        ticks.done.wait()
        eventlet.sleep(0)
        entry.stop()
        container.threads[0].wait()
    assert ticks.count == 1


def test_killing_is_repeatable_and_ends_the_thread() -> None:
    """Stop and kill may race; neither may fail."""
    ticks = Ticks(last=1)
    entry, container = _ticking(ticks, interval=3600)
    with eventlet.Timeout(30):
        ticks.done.wait()
        entry.kill()
        entry.kill()
        entry.stop()
        container.threads[0].wait()


def test_a_marked_method_is_an_entry_point() -> None:
    """It is found on the service class like any other."""

    class Service:
        @every_tick
        def tick(self) -> bool:
            return False

    (entry,) = vars(Service.tick)["nameko_entrypoints"]
    assert isinstance(entry, Ticker)
    assert Service().tick() is False
