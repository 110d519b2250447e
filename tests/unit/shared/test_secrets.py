"""The secrets of a private deployment: made once, kept, readable by their owner only."""

from __future__ import annotations

import base64
import hashlib
import json
import stat
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import pytest

from kefu.secrets import BROKER_USERS, prepare
from shared.clock import SystemClock
from shared.errors import NotFound, Unavailable, ValidationFailed
from shared.identity import TokenVerifier, key_source

if TYPE_CHECKING:
    from pathlib import Path


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def test_a_second_preparation_changes_nothing(tmp_path: Path) -> None:
    """The broker and running services already know these secrets."""
    first = prepare(tmp_path / "secrets")
    before = contents(tmp_path / "secrets")
    again = prepare(tmp_path / "secrets")
    assert contents(tmp_path / "secrets") == before
    for user in first.users:
        assert again.password(user) == first.password(user)
        assert again.password_hash(user) == first.password_hash(user)


def test_two_deployments_share_no_secret(tmp_path: Path) -> None:
    """Nothing is built in: every secret is random."""
    one, other = prepare(tmp_path / "one"), prepare(tmp_path / "other")
    passwords = [secrets.password(user) for secrets in (one, other) for user in secrets.users]
    assert len(set(passwords)) == 2 * len(one.users)
    assert one.issuer().kid != other.issuer().kid


def test_only_the_owner_may_read_them_even_if_that_was_loosened(tmp_path: Path) -> None:
    """Directory 0700, files 0600, set right again at every start."""
    directory = tmp_path / "secrets"
    prepare(directory)
    for path in (directory, *directory.iterdir()):
        path.chmod(0o755)
    prepare(directory)
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    for name in ("private_key.pem", "jwks.json", "passwords.json", "phone_key", "survey_key"):
        assert stat.S_IMODE((directory / name).stat().st_mode) == 0o600


def test_there_is_a_user_for_each_service_tool_and_publisher(tmp_path: Path) -> None:
    """One user each, so that each gets just the permissions it needs."""
    assert set(prepare(tmp_path, publishers=("alpha", "beta")).users) == {
        *BROKER_USERS,
        "pub-alpha",
        "pub-beta",
    }


def test_a_new_publisher_gets_a_password_and_nobody_elses_changes(tmp_path: Path) -> None:
    """Adding a publisher must not lock out the others."""
    before = prepare(tmp_path, publishers=("alpha",))
    after = prepare(tmp_path, publishers=("alpha", "beta"))
    assert {user: after.password(user) for user in before.users} == {
        user: before.password(user) for user in before.users
    }
    assert after.password("pub-beta")
    assert "pub-beta" in prepare(tmp_path, publishers=()).users


def test_the_hash_is_the_one_the_broker_computes(tmp_path: Path) -> None:
    """RabbitMQ: base64 of four bytes of salt and SHA-256 over salt and password."""
    secrets = prepare(tmp_path)
    raw = base64.b64decode(secrets.password_hash("intake"))
    assert len(raw) == 4 + 32
    assert hashlib.sha256(raw[:4] + secrets.password("intake").encode()).digest() == raw[4:]
    salts = {base64.b64decode(secrets.password_hash(user))[:4] for user in secrets.users}
    assert len(salts) > 1


def test_the_url_gives_back_user_password_and_virtual_host(tmp_path: Path) -> None:
    """Whatever is in a password, it survives the URL."""
    prepare(tmp_path)
    document = json.loads((tmp_path / "passwords.json").read_text())
    document["intake"]["password"] = "a/b:c@d%20 é"
    (tmp_path / "passwords.json").write_text(json.dumps(document))
    parts = urlsplit(prepare(tmp_path).broker_url("intake", "::1", 5679, vhost="a/b"))
    assert (parts.scheme, parts.hostname, parts.port) == ("pyamqp", "::1", 5679)
    assert unquote(parts.password or "") == "a/b:c@d%20 é"
    assert unquote(parts.path[1:]) == "a/b"
    assert prepare(tmp_path).broker_url("pub-crm", "localhost", 5672).endswith("@localhost:5672/kefu")


def test_tokens_it_issues_are_verified_with_the_key_it_publishes(tmp_path: Path) -> None:
    """The command line issues and the services verify."""
    secrets = prepare(tmp_path)
    token = secrets.issuer().issue("stf_1", "org_1", ["clerk"], timedelta(minutes=5))
    verifier = TokenVerifier(key_source(file=secrets.jwks_file), SystemClock())
    assert verifier.verify(token).subject == "stf_1"
    assert "d" not in json.loads(secrets.jwks_file.read_text())["keys"][0]


def test_a_lost_or_damaged_public_document_is_written_again(tmp_path: Path) -> None:
    """It follows from the private key, so nothing is lost with it."""
    secrets = prepare(tmp_path)
    before = secrets.jwks_file.read_bytes()
    secrets.jwks_file.unlink()
    prepare(tmp_path)
    assert secrets.jwks_file.read_bytes() == before
    secrets.jwks_file.write_text("{")
    prepare(tmp_path)
    assert secrets.jwks_file.read_bytes() == before


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"admin": 1}', '{"admin": {"password": "", "salt": "00000000"}}']
)
def test_damaged_passwords_are_refused_and_not_replaced(tmp_path: Path, content: str) -> None:
    """New passwords would lock everyone out of a broker that knows the old ones."""
    prepare(tmp_path)
    (tmp_path / "passwords.json").write_text(content)
    with pytest.raises(ValidationFailed, match=r"passwords\.json"):
        prepare(tmp_path)
    assert (tmp_path / "passwords.json").read_text() == content


def test_a_damaged_private_key_is_refused_and_not_replaced(tmp_path: Path) -> None:
    """The same for the key that signs tokens."""
    prepare(tmp_path)
    (tmp_path / "private_key.pem").write_text("x")
    with pytest.raises(ValidationFailed, match=r"private_key\.pem"):
        prepare(tmp_path)


def test_a_directory_that_cannot_be_made_is_told_in_plain_words(tmp_path: Path) -> None:
    """A file stands where the directory should be."""
    (tmp_path / "taken").write_text("")
    with pytest.raises(Unavailable, match="taken"):
        prepare(tmp_path / "taken")


def test_an_unknown_user_is_told_who_there_is(tmp_path: Path) -> None:
    """A typing mistake in a user's name is mended at a glance."""
    secrets = prepare(tmp_path)
    with pytest.raises(NotFound, match="pub-hotline"):
        secrets.broker_url("pub-hotlin", "localhost", 5672)


def test_no_representation_shows_a_secret(tmp_path: Path) -> None:
    """Printing or logging the object gives nothing away."""
    secrets = prepare(tmp_path)
    assert not any(secrets.password(user) in repr(secrets) + str(secrets) for user in secrets.users)
