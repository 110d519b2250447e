"""The blind index: customers are found by a keyed hash of their phone number, and nobody reads it off the index."""

from __future__ import annotations

import hashlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake import application
from services.intake.application import Application
from services.intake.customers_kept import CustomersKept
from services.intake.domain.customer import Customer
from services.intake.domain.files.blind import BlindIndex
from services.intake.domain.recognising import CustomerClaim
from services.intake.settings import IntakeSettings
from shared.clock import FixedClock
from shared.history import Cause
from shared.ids import CountingIds
from shared.settings import SettingsInvalid, describe, load_settings
from tests.memory import memory_runtime
from tests.unit.intake.fakes import ORGANISATIONS, beijing
from tests.unit.intake.privacy_world import PLAZA, RETAIL, PrivacyWorld, agent, only

NUMBER, OTHER = "+8613800000001", "+8613800000002"
PERSON = {"kind": "person", "name": "测试甲", "phone": NUMBER}
FIRST, SECOND = "the first secret of this department", "the second secret of this department"


@pytest.fixture
def world() -> PrivacyWorld:
    return PrivacyWorld(ORGANISATIONS)


def found(app: Application, text: str, org: str = PLAZA) -> list[str]:
    """Return who is found by a number."""
    rows = app.files.read.search(org, "phone", text, limit=10, skip=0, full=True)
    return [row["customer_id"] for row in rows]


def rekeyed(world: PrivacyWorld, *secrets: str) -> Application:
    """Return the service over the same database, started with other secrets."""
    vars(world.runtime.settings)["phone_key"] = secrets
    return application.build(world.runtime)


def keys_of(world: PrivacyWorld) -> list[str]:
    return [key for row in world.runtime.database["customers"].find() for key in row["keys"]]


def test_a_customer_is_found_by_a_number_that_nothing_in_the_index_shows(world: PrivacyWorld) -> None:
    """Guards the index: it holds neither the number nor a hash that anybody could compute who has no key."""
    customer = world.customer(**PERSON)
    assert found(world.app, "138 0000 0001") == [customer]
    assert found(world.app, OTHER) == []
    (row,) = world.runtime.database["customers"].find()
    sought = repr((row["keys"], row["terms"]))
    assert "13800000001" not in sought
    for text in (NUMBER, f"{PLAZA}|phone|{NUMBER}"):
        assert hashlib.sha256(text.encode()).hexdigest()[:32] not in sought


def test_the_same_number_of_two_organisations_looks_different(world: PrivacyWorld) -> None:
    """Guards the border between organisations: nobody sees in the index that they share a customer."""
    one, two = world.customer(**PERSON), world.customer(RETAIL, **PERSON)
    assert (found(world.app, NUMBER), found(world.app, NUMBER, RETAIL)) == ([one], [two])
    assert len({key.rpartition("|")[2] for key in keys_of(world)}) == 2


def test_the_next_contact_with_the_same_number_is_the_same_customers(world: PrivacyWorld) -> None:
    """Guards recognition: hidden numbers recognise as well as open ones did."""
    first = world.customer(**PERSON)
    assert world.customer(**PERSON | {"name": "改名"}) == first
    assert world.customer(**PERSON | {"phone": OTHER}) != first


def test_two_clerks_at_once_open_one_file(world: PrivacyWorld) -> None:
    """Guards the unique index: what is hidden is still what no two files share."""
    kept = CustomersKept(world.runtime, BlindIndex([FIRST]))
    now = world.clock.now()

    def file(number: int) -> Customer:
        claim = CustomerClaim("person", f"测试{number}", NUMBER, None)
        return Customer.open(f"cu_{number}", PLAZA, claim, at=now, cause=Cause(f"m-{number}", "u-1"))

    assert kept.open_all([file(1)]).new == ("cu_1",)
    assert kept.open_all([file(2)]).known == ("cu_2",)


def test_a_changed_number_finds_and_the_old_one_does_not(world: PrivacyWorld) -> None:
    """Guards changing a file: it is told by the number it has and not by one it had."""
    customer = world.customer(**PERSON)
    data = {
        "id": customer,
        "values": {"phone": OTHER},
        "preferences": None,
        "transfer": None,
        "learned": False,
        "reason": "换号",
        "origin": "desk",
    }
    world.app.files.change.update(agent(PLAZA, "supervisor"), data)
    assert (found(world.app, NUMBER), found(world.app, OTHER)) == ([], [customer])
    assert world.customer(**PERSON) != customer


def test_a_new_secret_before_the_old_one_finds_everybody_and_hides_what_is_written(
    world: PrivacyWorld,
) -> None:
    """Guards the change of a secret: nobody is lost or opened twice, and files move over as they are written."""
    app = rekeyed(world, FIRST)
    world.app = app
    customer = world.customer(**PERSON)
    old = keys_of(world)
    world.app = rekeyed(world, SECOND, FIRST)
    assert found(world.app, NUMBER) == [customer]
    assert world.customer(**PERSON) == customer
    kept = CustomersKept(world.runtime, BlindIndex([SECOND, FIRST]))
    file = kept.get(customer, PLAZA)
    assert file is not None
    assert file.keys == (f"{PLAZA}|phone|{NUMBER}",)
    file.review(world.clock.now(), world.clock.now().date(), Cause("m-review", "u-1"))
    kept.save(file, since_seq=file.history.next_seq - 1)
    assert set(keys_of(world)).isdisjoint(old)
    assert found(rekeyed(world, SECOND), NUMBER) == [customer]
    assert found(rekeyed(world, FIRST), NUMBER) == []


@given(
    st.sampled_from(["name|甲|phone|1", "ref|crm|17", "name|phone|"]),
    st.from_regex(r"\+86[0-9]{11}", fullmatch=True),
)
def test_only_numbers_are_hidden_and_only_once(other: str, number: str) -> None:
    """Guards what else recognises: names and references stay, and what is hidden is not hidden again."""
    blind = BlindIndex([FIRST])
    assert blind.hidden(f"plaza|{other}") == f"plaza|{other}"
    hidden = blind.hidden(f"plaza|phone|{number}")
    assert number not in hidden
    assert blind.hidden(hidden) == hidden
    assert blind.lookup([f"plaza|phone|{number}"]) == {hidden: f"plaza|phone|{number}"}


def environment(folder: Path, **more: str) -> dict[str, str]:
    (folder / "jwks.json").write_text("{}", encoding="utf-8")
    return {
        "KEFU_BROKER_URL": "pyamqp://intake:secret@localhost:5672/kefu",
        "KEFU_MONGO_URL": "mongodb://localhost:27017",
        "KEFU_JWKS_FILE": str(folder / "jwks.json"),
        "KEFU_ORGANISATIONS_DIR": str(folder),
        **more,
    }


@pytest.mark.parametrize("given_key", [None, "short", f"{FIRST},short"])
def test_without_a_good_secret_intake_does_not_start(tmp_path: Path, given_key: str | None) -> None:
    """Guards production: there is no key that everybody knows, and a wrong one is not repeated in the message."""
    more = {} if given_key is None else {"KEFU_PHONE_KEY": given_key}
    with pytest.raises(SettingsInvalid) as refused:
        load_settings("intake", environment(tmp_path, **more), kind=IntakeSettings)
    assert only(refused.value.problems).field == "KEFU_PHONE_KEY"
    assert given_key is None or given_key not in str(refused.value)


def test_a_secret_is_read_from_a_file_and_never_shown(tmp_path: Path) -> None:
    """Guards logs: what is printed at the start does not hold it."""
    (tmp_path / "phone_key").write_text(f"{SECOND}, {FIRST}\n", encoding="utf-8")
    settings: Any = load_settings(
        "intake",
        environment(tmp_path, KEFU_PHONE_KEY_FILE=str(tmp_path / "phone_key")),
        kind=IntakeSettings,
    )
    assert settings.phone_key == (SECOND, FIRST)
    assert not {FIRST, SECOND} & {*repr(settings).split("'"), *repr(describe(settings)).split("'")}
    assert FIRST not in repr(describe(settings))


def test_a_database_with_other_secrets_recognises_nobody() -> None:
    """Guards a copy of the database: without the key it does not tell whose number is whose."""
    clock = FixedClock(beijing("2026-03-02 09:00"))
    settings = SimpleNamespace(organisations_dir=ORGANISATIONS)
    runtime = memory_runtime(clock, CountingIds(), settings=settings)
    runtime.database["customers"].insert_one(
        {"keys": [BlindIndex([FIRST]).hidden(f"{PLAZA}|phone|{NUMBER}")]}
    )
    assert CustomersKept(runtime, BlindIndex([SECOND])).by_keys([f"{PLAZA}|phone|{NUMBER}"]) == {}
