"""Settings: read whole, refused whole, shown without secrets."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from shared.settings import (
    ServiceSettings,
    SettingsInvalid,
    describe,
    load_settings,
    redact_url,
    seconds,
    variable,
)

PASSWORD = "s3/cr:et@x"


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """The least a service needs."""
    (tmp_path / "jwks.json").write_text("{}")
    return {
        "KEFU_BROKER_URL": "pyamqp://alpha:s3cret@localhost:5672/kefu",
        "KEFU_MONGO_URL": "mongodb://alpha:s3cret@localhost:27017,other:27018/?authSource=admin",
        "KEFU_ORGANISATIONS_DIR": str(tmp_path),
        "KEFU_JWKS_FILE": str(tmp_path / "jwks.json"),
    }


def problems_of(environ: dict[str, str]) -> dict[str, str]:
    with pytest.raises(SettingsInvalid) as refused:
        load_settings("alpha", environ)
    return {problem.field: problem.reason for problem in refused.value.problems}


def test_the_least_environment_gives_the_documented_defaults(environ: dict[str, str]) -> None:
    """A service with only its URLs, organisations and keys named runs with the defaults."""
    settings = load_settings("alpha", environ)
    assert settings.mongo_database == "kefu_alpha"
    assert (settings.http_host, settings.http_port, settings.log_level) == ("0.0.0.0", 8080, "INFO")  # noqa: S104
    assert (settings.worker_pool, settings.batch_size, settings.batch_wait) == (10, 200, 0.02)
    assert settings.retry_delays_ms == (1000, 5000, 30000, 120000, 600000)
    assert (settings.outbox_grace, settings.stop_timeout) == (10.0, 20.0)
    assert (settings.clock_interval, settings.clock_digest_above) == (1.0, 100)
    assert "-" in settings.replica


def test_every_variable_is_read_into_its_field_and_type(environ: dict[str, str], tmp_path: Path) -> None:
    """No variable is documented and then ignored."""
    del environ["KEFU_JWKS_FILE"]
    settings = load_settings(
        "alpha",
        {
            **environ,
            "KEFU_MONGO_DATABASE": "other",
            "KEFU_HTTP_HOST": "127.0.0.1",
            "KEFU_HTTP_PORT": "9000",
            "KEFU_JWKS_URL": "https://login.example/jwks.json",
            "KEFU_LOG_LEVEL": "debug",
            "KEFU_WORKER_POOL": "3",
            "KEFU_BATCH_SIZE": "50",
            "KEFU_BATCH_WAIT": "0.5",
            "KEFU_RETRY_DELAYS_MS": "10, 20",
            "KEFU_OUTBOX_GRACE": "1",
            "KEFU_STOP_TIMEOUT": "2",
            "KEFU_CLOCK_INTERVAL": "3",
            "KEFU_CLOCK_DIGEST_ABOVE": "7",
            "KEFU_REPLICA": "alpha-1",
        },
    )
    assert settings == ServiceSettings(
        service="alpha",
        broker_url=environ["KEFU_BROKER_URL"],
        mongo_url=environ["KEFU_MONGO_URL"],
        mongo_database="other",
        organisations_dir=tmp_path,
        jwks_url="https://login.example/jwks.json",
        http_host="127.0.0.1",
        http_port=9000,
        log_level="DEBUG",
        worker_pool=3,
        batch_size=50,
        batch_wait=0.5,
        retry_delays_ms=(10, 20),
        outbox_grace=1.0,
        stop_timeout=2.0,
        clock_interval=3.0,
        clock_digest_above=7,
        replica="alpha-1",
    )


def test_one_error_names_every_missing_and_every_wrong_variable(environ: dict[str, str]) -> None:
    """Whoever deploys mends everything in one go: all problems at once, each with what it should be."""
    wrong = {
        "KEFU_BROKER_URL": "http://localhost",
        "KEFU_HTTP_PORT": "http",
        "KEFU_WORKER_POOL": "0",
        "KEFU_BATCH_WAIT": "nan",
        "KEFU_RETRY_DELAYS_MS": "1000,,5",
        "KEFU_LOG_LEVEL": "loud",
        "KEFU_ORGANISATIONS_DIR": "/nowhere/at/all",
        "KEFU_MONGO_DATABASE": "a.b$c",
    }
    found = problems_of(wrong)
    assert set(found) == {*wrong, "KEFU_MONGO_URL", "KEFU_JWKS_FILE or KEFU_JWKS_URL"}
    assert "mongodb://" in found["KEFU_MONGO_URL"]
    assert "missing" in found["KEFU_MONGO_URL"]
    assert "'http' from the environment" in found["KEFU_HTTP_PORT"]
    assert "from 0 to 65535" in found["KEFU_HTTP_PORT"]
    with pytest.raises(SettingsInvalid) as refused:
        load_settings("alpha", wrong)
    assert all(name in str(refused.value) for name in found)


def test_a_wrong_secret_is_never_repeated(environ: dict[str, str]) -> None:
    """An error is printed and logged, so it does not show the value of a secret."""
    environ["KEFU_BROKER_URL"] = f"nonsense://alpha:{PASSWORD}@localhost"
    assert PASSWORD not in str(problems_of(environ))


def test_a_secret_is_read_from_the_file_named_without_its_last_newline(
    environ: dict[str, str], tmp_path: Path
) -> None:
    """Orchestrators mount secrets as files, and editors end files with a newline."""
    secret = tmp_path / "broker"
    secret.write_text(environ.pop("KEFU_BROKER_URL") + "\n")
    environ["KEFU_BROKER_URL_FILE"] = str(secret)
    assert load_settings("alpha", environ).broker_url == "pyamqp://alpha:s3cret@localhost:5672/kefu"


def test_a_file_that_cannot_be_read_is_one_more_problem(environ: dict[str, str], tmp_path: Path) -> None:
    """A missing mount is told beside the other problems, with the path and what was to be in it."""
    del environ["KEFU_BROKER_URL"]
    environ["KEFU_BROKER_URL_FILE"] = str(tmp_path / "gone")
    environ["KEFU_HTTP_PORT_FILE"] = str(tmp_path)
    found = problems_of(environ)
    assert set(found) == {"KEFU_BROKER_URL", "KEFU_HTTP_PORT"}
    assert str(tmp_path / "gone") in found["KEFU_BROKER_URL"]
    assert "pyamqp://" in found["KEFU_BROKER_URL"]


def test_a_value_given_twice_is_refused(environ: dict[str, str]) -> None:
    """Nobody has to guess which of two values counted."""
    environ["KEFU_BROKER_URL_FILE"] = environ["KEFU_JWKS_FILE"]
    environ["KEFU_JWKS_URL"] = "https://login.example/jwks.json"
    found = problems_of(environ)
    assert "only one" in found["KEFU_BROKER_URL"]
    assert "only one" in found["KEFU_JWKS_FILE or KEFU_JWKS_URL"]


def test_an_empty_variable_counts_as_not_set(environ: dict[str, str]) -> None:
    """Compose files pass on unset variables as empty ones."""
    environ["KEFU_HTTP_PORT"] = ""
    assert load_settings("alpha", environ).http_port == 8080
    environ["KEFU_MONGO_URL"] = " "
    assert "missing" in problems_of(environ)["KEFU_MONGO_URL"]


@dataclass(frozen=True, kw_only=True)
class WiderSettings(ServiceSettings):
    """A service's own settings."""

    window: float = field(default=60.0, metadata=variable(seconds(1, 600)))
    api_key: str = field(
        default="none", metadata=variable(seconds(1, 2), secret=True, default_for=lambda name: f"{name}-key")
    )


def test_a_service_adds_settings_of_its_own(environ: dict[str, str]) -> None:
    """A subclass's fields are read, checked, defaulted and masked like the others."""
    settings = load_settings("alpha", {**environ, "KEFU_WINDOW": "5"}, kind=WiderSettings)
    assert isinstance(settings, WiderSettings)
    assert settings.window == 5.0
    assert settings.api_key == "alpha-key"
    assert describe(settings)["api_key"] == "***"
    with pytest.raises(SettingsInvalid, match="KEFU_WINDOW"):
        load_settings("alpha", {**environ, "KEFU_WINDOW": "0"}, kind=WiderSettings)


def test_what_is_printed_at_start_holds_every_field_and_no_password(environ: dict[str, str]) -> None:
    """Settings are shown whole, so that a wrong one is seen; passwords are not, in no representation."""
    environ["KEFU_BROKER_URL"] = f"pyamqp://alpha:{PASSWORD}@localhost:5672/kefu"
    settings = load_settings("alpha", environ)
    shown = describe(settings)
    assert set(shown) == set(ServiceSettings.__dataclass_fields__)
    assert shown["broker_url"] == "pyamqp://alpha:***@localhost:5672/kefu"
    assert shown["mongo_url"] == "mongodb://alpha:***@localhost:27017,other:27018/?authSource=admin"
    assert shown["retry_delays_ms"] == [1000, 5000, 30000, 120000, 600000]
    for text in (str(shown), repr(settings)):
        assert "s3" not in text


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("amqp://localhost/kefu", "amqp://localhost/kefu"),
        ("amqp://user@localhost/kefu", "amqp://user@localhost/kefu"),
        ("amqp://:pw@localhost", "amqp://:***@localhost"),
        ("mongodb://u:p/w:x@y@h:1/?ssl=true", "mongodb://u:***@h:1/?ssl=true"),
        (
            "mongodb://h/?tlsCertificateKeyFilePassword=pw&w=1",
            "mongodb://h/?tlsCertificateKeyFilePassword=***&w=1",
        ),
        ("https://h/keys?access_token=pw", "https://h/keys?access_token=***"),
    ],
)
def test_passwords_are_masked_wherever_a_url_may_hold_them(url: str, shown: str) -> None:
    """Even a password that should have been quoted and was not stays hidden."""
    assert redact_url(url) == shown
