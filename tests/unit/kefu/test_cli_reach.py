"""How the commands find a running stack."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from kefu.local.errors import LocalStackError
from kefu.reach import (
    OPERATOR,
    Reach,
    find_reach,
    organisation_names,
    setting,
    stack_file,
    with_login,
    without_login,
)
from kefu.secrets import Secrets, prepare, read_secrets
from shared.clock import SystemClock
from shared.errors import NotFound, ValidationFailed
from shared.identity import TokenVerifier, key_source


@pytest.fixture
def secrets(tmp_path: Path) -> Secrets:
    return prepare(tmp_path / "secrets")


@pytest.fixture
def noted(tmp_path: Path, secrets: Secrets) -> dict[str, str]:
    """The environment of a terminal beside a running stack."""
    environ = {"KEFU_HOME": str(tmp_path / "home")}
    path = stack_file(environ)
    path.parent.mkdir(parents=True)
    note = {"broker": "pyamqp://127.0.0.1:20001/kefu", "secrets": str(secrets.directory)}
    path.write_text(json.dumps(note), encoding="utf-8")
    return environ


def test_a_second_terminal_needs_no_flags(noted: dict[str, str], secrets: Secrets) -> None:
    """What `kefu up` wrote down is enough to reach the broker as any of its users."""
    parts = urlsplit(find_reach(noted).url_of(OPERATOR))
    assert (parts.scheme, parts.hostname, parts.port, parts.path) == ("pyamqp", "127.0.0.1", 20001, "/kefu")
    assert parts.username == OPERATOR
    assert unquote(parts.password or "") == secrets.password(OPERATOR)


def test_the_environment_overrides_what_is_noted(noted: dict[str, str]) -> None:
    """Whoever names another broker means that one, for the operator and for the publishers."""
    url = "pyamqp://operator:other@broker.example:5672/shared"
    reach = find_reach(noted | {"KEFU_BROKER_URL": url})
    assert reach.url_of(OPERATOR) == url
    parts = urlsplit(reach.publisher_url("hotline"))
    assert (parts.hostname, parts.path, parts.username) == ("broker.example", "/shared", "pub-hotline")


def test_without_a_stack_the_message_says_how_to_get_one(tmp_path: Path) -> None:
    """A newcomer who forgot to start the stack reads what to type."""
    with pytest.raises(LocalStackError, match="kefu up"):
        find_reach({"KEFU_HOME": str(tmp_path)})


def test_a_damaged_note_counts_as_none(tmp_path: Path) -> None:
    """A half-written or foreign file must not end in a traceback."""
    environ = {"KEFU_HOME": str(tmp_path)}
    stack_file(environ).parent.mkdir(parents=True)
    for damaged in ("", "{", "[]"):
        stack_file(environ).write_text(damaged, encoding="utf-8")
        with pytest.raises(LocalStackError):
            find_reach(environ)


def test_without_secrets_only_the_operator_is_known(tmp_path: Path) -> None:
    """A shared deployment may give out the operator's URL and nothing else."""
    environ = {"KEFU_HOME": str(tmp_path), "KEFU_BROKER_URL": "pyamqp://operator:pw@broker.example/kefu"}
    reach = find_reach(environ)
    assert reach.url_of(OPERATOR) == environ["KEFU_BROKER_URL"]
    with pytest.raises(LocalStackError, match="KEFU_SECRETS_DIR"):
        reach.publisher_url("hotline")
    with pytest.raises(LocalStackError, match="KEFU_SECRETS_DIR"):
        reach.token("me", "plaza-demo", ["staff"], timedelta(hours=1))


def test_a_token_is_accepted_by_the_services_keys(tmp_path: Path, secrets: Secrets) -> None:
    """The stack's own key signs it, so every service of the stack believes it."""
    reach = Reach("pyamqp://127.0.0.1/kefu", tmp_path, secrets)
    token = reach.token("demo-head", "plaza-demo", ["staff", "manager"], timedelta(minutes=5))
    verifier = TokenVerifier(key_source(file=secrets.jwks_file, url=None), SystemClock())
    caller = verifier.verify(token)
    assert (caller.subject, caller.org) == ("demo-head", "plaza-demo")
    assert caller.roles == {"staff", "manager"}


def test_a_setting_may_come_from_a_file(tmp_path: Path) -> None:
    """Containers get their secrets as files."""
    path = tmp_path / "url"
    path.write_text("pyamqp://operator:pw@rabbitmq/kefu\n", encoding="utf-8")
    assert (
        setting("KEFU_BROKER_URL", {"KEFU_BROKER_URL_FILE": str(path)})
        == "pyamqp://operator:pw@rabbitmq/kefu"
    )
    assert setting("KEFU_BROKER_URL", {"KEFU_BROKER_URL": " "}) is None
    with pytest.raises(ValidationFailed, match="cannot be read"):
        setting("KEFU_BROKER_URL", {"KEFU_BROKER_URL_FILE": str(tmp_path / "missing")})


def test_a_login_is_replaced_whole_and_quoted() -> None:
    """Passwords hold characters that mean something in a URL."""
    url = with_login("amqps://old:pass@broker.example:5671/my%2Fhost?heartbeat=5", "pub-shop", "a/b:c@d")
    parts = urlsplit(url)
    assert unquote(parts.password or "") == "a/b:c@d"
    assert without_login(url) == "amqps://broker.example:5671/my%2Fhost?heartbeat=5"


def test_organisations_are_listed_with_their_names(tmp_path: Path) -> None:
    """Commands that go through all organisations take the ids from the files."""
    (tmp_path / "two-demo.yaml").write_text("org: two-demo\nname: 测试乙\n", encoding="utf-8")
    (tmp_path / "one-demo.yaml").write_text("org: one-demo\nname: 测试甲\n", encoding="utf-8")
    assert organisation_names(tmp_path) == {"one-demo": "测试甲", "two-demo": "测试乙"}
    with pytest.raises(NotFound, match="KEFU_ORGANISATIONS_DIR"):
        organisation_names(tmp_path / "nowhere")


def test_secrets_are_read_without_writing_anything(secrets: Secrets) -> None:
    """In a container they lie on a read-only volume."""
    before = {path: path.stat().st_mtime_ns for path in secrets.directory.iterdir()}
    again = read_secrets(secrets.directory)
    assert again.password("operator") == secrets.password("operator")
    assert {path: path.stat().st_mtime_ns for path in secrets.directory.iterdir()} == before


def test_missing_secrets_are_told_with_the_command_that_makes_them(tmp_path: Path) -> None:
    """Nobody has to look up how a directory of secrets comes into being."""
    with pytest.raises(NotFound, match="kefu prepare"):
        read_secrets(tmp_path / "nowhere")
