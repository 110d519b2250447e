from __future__ import annotations

import signal
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from kefu.local import processes
from kefu.local.errors import LocalStackError
from kefu.local.ports import HOST, free_port
from kefu.local.processes import ServiceProcess

#: Answers 503 twice, then 200; ends with status 7 when asked to stop, at once when told to be broken.
PRETENDED_SERVICE = textwrap.dedent(
    f"""
    import http.server, os, signal, sys

    print(sorted(name for name in os.environ if name.startswith("KEFU_")), flush=True)
    if os.environ.get("KEFU_BROKEN"):
        sys.exit("KEFU_BROKEN is set")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
    answers = [503, 503]

    class Pages(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(answers.pop() if answers else 200)
            self.end_headers()

    http.server.HTTPServer(({HOST!r}, int(os.environ["KEFU_HTTP_PORT"])), Pages).serve_forever()
    """
)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository whose one service, ``pretended``, is ready from the third time it is asked."""
    service = tmp_path / "services" / "pretended"
    service.mkdir(parents=True)
    (tmp_path / "services" / "__init__.py").touch()
    (service / "__init__.py").touch()
    (service / "__main__.py").write_text(PRETENDED_SERVICE, encoding="utf-8")
    monkeypatch.setattr(processes, "REPOSITORY", tmp_path)
    return tmp_path


@pytest.fixture
def service(repository: Path) -> Iterator[ServiceProcess]:
    process = ServiceProcess("pretended", {"KEFU_HTTP_PORT": str(free_port())}, repository / "logs")
    yield process
    process.kill()


def test_a_service_is_waited_for_until_it_says_it_is_ready(service: ServiceProcess) -> None:
    """A process that is up but not yet consuming does not count as ready."""
    service.start()
    service.wait_ready(30)
    log = service.log_path.read_text(encoding="utf-8")
    assert log.count('"GET /readyz') == 3
    assert service.running
    assert service.pid is not None


def test_a_service_asked_to_stop_may_end_by_itself(service: ServiceProcess) -> None:
    """terminate() passes on the exit code, so that an unclean end is seen."""
    service.start()
    service.wait_ready(30)
    assert service.terminate(30) == 7
    assert not service.running
    assert service.pid is None


def test_a_service_killed_can_be_started_again(service: ServiceProcess) -> None:
    """The tests that kill services go on with the same object."""
    service.start()
    service.wait_ready(30)
    service.kill()
    assert service.terminate() == -signal.SIGKILL
    service.start()
    service.wait_ready(30)


def test_a_service_that_ends_at_once_is_told_with_its_log(repository: Path) -> None:
    """Wrong settings show as what the service itself said about them, not as a time-out."""
    broken = ServiceProcess(
        "pretended", {"KEFU_HTTP_PORT": str(free_port()), "KEFU_BROKEN": "yes"}, repository / "logs"
    )
    broken.start()
    with pytest.raises(
        LocalStackError, match=r"(?s)pretended is not running \(status 1\).*KEFU_BROKEN is set"
    ):
        broken.wait_ready(30)


def test_a_service_that_is_slow_is_told_and_left_running(service: ServiceProcess) -> None:
    """Whoever waits decides what becomes of a service that takes long."""
    service.start()
    with pytest.raises(LocalStackError, match="was not ready within 0 s"):
        service.wait_ready(0)
    assert service.running


def test_a_developers_own_settings_do_not_reach_the_service(
    service: ServiceProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the settings given count, whatever the shell has set."""
    monkeypatch.setenv("KEFU_BROKER_URL", "pyamqp://elsewhere")
    service.start()
    service.wait_ready(30)
    assert service.log_path.read_text(encoding="utf-8").startswith("['KEFU_HTTP_PORT']")


def test_a_service_that_never_ran_has_no_exit_code(service: ServiceProcess) -> None:
    """Stopping what was never started is no error: clean-up code need not remember."""
    assert service.terminate() is None
    service.kill()
    assert not service.running
