from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from kefu.local import install
from kefu.local.errors import LocalStackError
from kefu.local.install import Environment


@pytest.fixture
def lock_file(tmp_path: Path) -> Path:
    path = tmp_path / "lock.txt"
    path.write_text("one==1\n", encoding="utf-8")
    return path


@pytest.fixture
def environment(tmp_path: Path, lock_file: Path) -> Environment:
    """An environment as it stands after a complete installation."""
    made = Environment(tmp_path / "env", (lock_file,))
    made.python.parent.mkdir(parents=True)
    made.python.touch()
    made.remember()
    return made


def hide_every_program(monkeypatch: pytest.MonkeyPatch) -> None:
    def which(_name: str, **_kwargs: object) -> None:
        return None

    monkeypatch.setattr(shutil, "which", which)
    monkeypatch.setattr(install, "_BROKER_PLACES", ())


def test_an_environment_is_current_until_its_lock_changes(environment: Environment, lock_file: Path) -> None:
    """A second `make setup` does nothing; a changed lock makes it work again."""
    assert environment.is_current()
    lock_file.write_text("one==2\n", encoding="utf-8")
    assert not environment.is_current()


def test_an_environment_whose_installation_broke_off_is_not_current(tmp_path: Path, lock_file: Path) -> None:
    """Only a finished installation is remembered."""
    broken_off = Environment(tmp_path / "env", (lock_file,))
    broken_off.python.parent.mkdir(parents=True)
    broken_off.python.touch()
    assert not broken_off.is_current()


def test_an_environment_that_was_moved_is_not_current(
    environment: Environment, lock_file: Path, tmp_path: Path
) -> None:
    """Its scripts name the place where it was made, so in another place they cannot run."""
    environment.place.rename(tmp_path / "elsewhere")
    assert not Environment(tmp_path / "elsewhere", (lock_file,)).is_current()


def test_an_environment_whose_python_is_gone_is_not_current(environment: Environment) -> None:
    """An interpreter removed by an upgrade of the machine is noticed."""
    environment.python.unlink()
    environment.python.symlink_to("/no/such/python")
    assert not environment.is_current()


def test_a_user_without_a_broker_is_told_every_way_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the right to install, the message names the package, the URL and the containers."""
    hide_every_program(monkeypatch)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(LocalStackError) as refused:
        install.ensure_broker()
    for way in ("apt-get install rabbitmq-server", "KEFU_BROKER_ADMIN_URL", "make up"):
        assert way in refused.value.message


def test_the_check_ends_with_the_message_and_a_status_scripts_can_use(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`make test` stops here with words, before a hundred tests fail for want of a broker."""
    hide_every_program(monkeypatch)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert install.main() == 1
    assert "RabbitMQ is needed and was not found" in capsys.readouterr().err


def test_an_installation_that_fails_shows_what_the_installer_said(environment: Environment) -> None:
    """The reason is in the installer's own last lines, so they are part of the message."""
    environment.python.write_text("#!/bin/sh\necho no such package: one\nexit 1\n", encoding="utf-8")
    environment.python.chmod(0o755)
    with pytest.raises(LocalStackError, match="no such package: one"):
        environment.pip_install("one")
