from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kefu.local.children import Child, tail
from kefu.local.install import REPOSITORY
from kefu.local.waiting import wait_until

FOREVER = "import signal; print('up', flush=True); signal.pause()"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {FOREVER}"
PATIENCE = 30


@pytest.fixture
def children() -> Iterator[list[Child]]:
    """The children a test starts; whatever still runs afterwards is killed."""
    started: list[Child] = []
    yield started
    for child in started:
        child.kill()


def start(children: list[Child], directory: Path, program: str) -> Child:
    child = Child(
        "child",
        [sys.executable, "-c", program],
        env=dict(os.environ),
        cwd=directory,
        log_path=directory / "child.log",
    )
    children.append(child)
    return child


def await_words(path: Path, words: str) -> None:
    assert wait_until(lambda: words in tail(path), PATIENCE), tail(path)


def is_alive(pid: int) -> bool:
    """Whether the process runs; one that has ended but was not collected yet (a zombie) does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_child_that_listens_is_ended_by_sigterm(children: list[Child], tmp_path: Path) -> None:
    """terminate() gives the program the chance to end by itself."""
    child = start(children, tmp_path, FOREVER)
    await_words(child.log_path, "up")
    assert child.running
    assert child.terminate(PATIENCE) == -signal.SIGTERM
    assert not child.running


def test_a_child_that_does_not_listen_is_killed(children: list[Child], tmp_path: Path) -> None:
    """terminate() always ends with the child gone."""
    child = start(children, tmp_path, STUBBORN)
    await_words(child.log_path, "up")
    assert child.terminate(0.1) == -signal.SIGKILL
    assert not child.running


def test_what_a_killed_child_started_goes_with_it(children: list[Child], tmp_path: Path) -> None:
    """kill() leaves no grandchildren behind."""
    program = "import subprocess, sys; print(subprocess.Popen(['sleep', '600']).pid, 'up', flush=True); input"
    child = start(children, tmp_path, program + f"; {FOREVER}")
    await_words(child.log_path, "up")
    grandchild = int(tail(child.log_path).split()[0])
    assert is_alive(grandchild)
    child.kill()
    assert wait_until(lambda: not is_alive(grandchild), PATIENCE)


def test_a_program_that_is_missing_says_so_in_the_log(children: list[Child], tmp_path: Path) -> None:
    """A wrong path is told as such, not as a silent death."""
    child = Child("child", ["/no/such/program"], env={}, cwd=tmp_path, log_path=tmp_path / "child.log")
    children.append(child)
    assert wait_until(lambda: not child.running, PATIENCE)
    assert child.exit_code == 127
    assert "cannot run /no/such/program" in child.last_words()


def test_a_child_outlives_the_thread_that_asked_for_it(children: list[Child], tmp_path: Path) -> None:
    """Servers may be started from a pool whose workers end long before the servers do."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        child = pool.submit(start, children, tmp_path, FOREVER).result()
    await_words(child.log_path, "up")
    # The pool's thread is gone. The kernel's signal would have come with its end, before this child's own.
    after = Child(
        "after", [sys.executable, "-c", "pass"], env={}, cwd=tmp_path, log_path=tmp_path / "after.log"
    )
    children.append(after)
    assert wait_until(lambda: not after.running, PATIENCE)
    assert child.running


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's help exists on Linux only")
@pytest.mark.parametrize("end", ["os.kill(os.getpid(), signal.SIGKILL)", "os._exit(3)", "sys.exit(0)"])
def test_no_child_outlives_its_parent(end: str, tmp_path: Path) -> None:
    """However the parent ends, orderly or killed, a child that ignores SIGTERM ends too."""
    parent = textwrap.dedent(
        f"""
        import os, signal, sys
        from pathlib import Path
        from kefu.local import children
        from kefu.local.waiting import wait_until

        log = Path("child.log").resolve()
        child = children.Child("child", [sys.executable, "-c", {STUBBORN!r}], env={{}}, cwd=log.parent, log_path=log)
        assert wait_until(lambda: "up" in children.tail(log), {PATIENCE})
        print(child.pid, flush=True)
        children.stop_all.__defaults__ = (0.1,)
        {end}
        """
    )
    done = subprocess.run(
        [sys.executable, "-c", parent],
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        timeout=PATIENCE * 2,
    )
    pid = int(done.stdout)
    assert wait_until(lambda: not is_alive(pid), PATIENCE)


def test_the_tail_of_a_log_is_its_last_lines(tmp_path: Path) -> None:
    """Error messages show the end of a log, whatever is in it and however long it is."""
    log = tmp_path / "some.log"
    log.write_bytes(b"\xff" * 200_000 + b"\n" + b"".join(b"line %d\n" % number for number in range(50)))
    assert tail(log, 2) == "line 48\nline 49"
    assert tail(tmp_path / "missing.log") == ""
