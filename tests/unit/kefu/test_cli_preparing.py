"""``kefu prepare``, ``kefu topology`` and ``kefu version``."""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from typer.testing import CliRunner, Result

from kefu.cli.app import app
from services.names import SERVICES

ROOT = Path(__file__).parents[3]


def kefu(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what the commands keep out of the checkout."""
    monkeypatch.setenv("KEFU_HOME", str(tmp_path / "home"))


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    place = tmp_path / "prepared"
    assert kefu("prepare", str(place), "--broker-host", "rabbitmq").exit_code == 0
    return place


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def test_a_second_preparation_changes_nothing(directory: Path) -> None:
    """Containers are started over and over; the broker already knows these passwords."""
    before = contents(directory)
    assert kefu("prepare", str(directory), "--broker-host", "rabbitmq").exit_code == 0
    assert contents(directory) == before


def test_everything_compose_names_is_there(directory: Path) -> None:
    """The stack in containers mounts this directory at /run/kefu and names its files."""
    deployed = (ROOT / "docker-compose.yml", ROOT / "deploy" / "rabbitmq" / "rabbitmq.conf")
    named = {name for path in deployed for name in re.findall(r"/run/kefu/([\w.]+)", path.read_text("utf-8"))}
    assert len(named) >= len(SERVICES) + 2
    assert named <= set(contents(directory))


def test_only_the_owner_can_read_what_is_secret(directory: Path) -> None:
    """URLs hold passwords."""
    for path in directory.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path.name


def test_each_url_is_of_a_user_that_the_definitions_make(directory: Path) -> None:
    """A service that the broker does not know would never start."""
    users = {row["name"] for row in json.loads((directory / "definitions.json").read_bytes())["users"]}
    for name in (*SERVICES, "operator"):
        parts = urlsplit((directory / f"broker_url_{name}").read_text("utf-8").strip())
        assert (parts.username, parts.hostname, parts.port) == (name, "rabbitmq", 5672)
        assert name in users


def test_the_brokers_own_configuration_loads_the_definitions(directory: Path) -> None:
    """Mounted as it is, it makes the official image ready."""
    assert "load_definitions = /run/kefu/definitions.json" in (directory / "rabbitmq.conf").read_text("utf-8")


def test_a_place_that_cannot_be_written_ends_with_three(tmp_path: Path) -> None:
    """The message names the place, and nothing is half done elsewhere."""
    blocked = tmp_path / "file"
    blocked.write_text("not a directory", encoding="utf-8")
    result = kefu("prepare", str(blocked / "below"))
    assert result.exit_code == 3
    assert str(blocked) in result.stderr


def test_declaring_needs_to_know_where(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the variable and how it looks."""
    monkeypatch.delenv("KEFU_BROKER_ADMIN_URL", raising=False)
    result = kefu("topology", "declare")
    assert result.exit_code == 3
    assert "KEFU_BROKER_ADMIN_URL" in result.stderr


def test_the_definitions_can_be_printed(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For a broker that somebody else runs; the hashes are those of the secrets prepared before."""
    monkeypatch.setenv("KEFU_SECRETS_DIR", str(directory))
    printed = json.loads(kefu("topology", "definitions").stdout)
    assert printed == json.loads((directory / "definitions.json").read_bytes())


def test_definitions_of_secrets_that_are_not_there_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Passwords made up on the spot would fit nothing that runs."""
    monkeypatch.setenv("KEFU_SECRETS_DIR", str(tmp_path / "nowhere"))
    result = kefu("topology", "definitions")
    assert result.exit_code == 1
    assert "kefu prepare" in result.stderr


def test_the_version_is_that_of_the_project() -> None:
    """Bug reports begin with it."""
    declared = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text("utf-8"), re.MULTILINE)
    assert declared is not None
    assert kefu("version").stdout.startswith(f"kefu {declared[1]} ")
