"""Who sees personal data in full, and that everybody who does, or is refused, stands in the access log."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from shared.errors import Conflict, NotFound, RuleRefused, ValidationFailed
from tests.unit.intake.privacy_world import (
    CALLS,
    FREIGHT,
    PLAZA,
    PROPERTY,
    As,
    PrivacyWorld,
    agent,
    only,
    organisations,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return organisations(tmp_path_factory.mktemp("privacy") / "organisations")


@pytest.fixture
def world(folder: Path) -> PrivacyWorld:
    return PrivacyWorld(folder)


@pytest.mark.rule("B-FDK-03")
def test_a_phone_number_is_read_only_with_the_supervisors_approval(world: PrivacyWorld) -> None:
    """Guards disclosure: no approval no number, naming the rule; with one, this customer and purpose only."""
    customer, other = (
        world.customer(PROPERTY),
        world.customer(PROPERTY, kind="person", name="测试乙", phone="13800000002"),
    )
    clerk, boss = agent(PROPERTY), agent(PROPERTY, "supervisor", actor="u-2")
    masked = world.app.desk.customer(PROPERTY, customer, actor="u-1", full=False)
    assert masked["phone"].endswith("****0001")
    with pytest.raises(RuleRefused) as refused:
        world.read(clerk, customer, "phone")
    assert refused.value.rule == "B-FDK-03"
    request = world.ask(agent(PROPERTY), "read", customer)
    with pytest.raises(RuleRefused):
        world.read(agent(PROPERTY), customer, "phone", request_id=request)
    world.decide(boss, request)
    shown = world.read(agent(PROPERTY), customer, "phone", request_id=request)
    assert shown["values"] == {"phone": "+8613800000001"}
    for call, wanted in ((agent(PROPERTY), other), (agent(PROPERTY, actor="u-3"), customer)):
        with pytest.raises(RuleRefused):
            world.read(call, wanted, "phone", request_id=request)
    outcomes = [
        (row["customer_id"] == customer, row["outcome"], row["source"]) for row in world.log(PROPERTY)
    ]
    assert sorted(outcomes) == sorted(
        [
            (True, "refused", "B-FDK-03"),
            (True, "refused", "B-FDK-03"),
            (True, "read", "B-FDK-03"),
            (False, "refused", "B-FDK-03"),
            (True, "refused", "B-FDK-03"),
        ]
    )


def test_an_approval_ends_after_its_minutes(world: PrivacyWorld) -> None:
    """Guards that an approval is for now and not for ever: the thirtieth minute is too late."""
    customer = world.customer()
    request = world.ask(agent(), "read", customer)
    answer = world.decide(agent(PLAZA, "supervisor", actor="u-2"), request)
    assert answer["valid_until"] == "2026-03-02T01:30:00.000Z"
    world.clock.advance(timedelta(minutes=29, seconds=59))
    world.read(agent(), customer, "phone", request_id=request)
    world.clock.advance(timedelta(seconds=1))
    with pytest.raises(RuleRefused):
        world.read(agent(), customer, "phone", request_id=request)


def test_nobody_decides_their_own_request_and_nobody_twice(world: PrivacyWorld) -> None:
    """Guards the second person: not even a supervisor approves what the supervisor asked for."""
    customer = world.customer()
    request = world.ask(agent(PLAZA, "supervisor"), "read", customer)
    with pytest.raises(RuleRefused, match="second person"):
        world.decide(agent(PLAZA, "supervisor"), request)
    with pytest.raises(RuleRefused, match="approved by supervisor"):
        world.decide(agent(actor="u-2"), request)
    world.decide(agent(PLAZA, "supervisor", actor="u-2"), request, granted=False)
    with pytest.raises(Conflict):
        world.decide(agent(PLAZA, "supervisor", actor="u-2"), request)
    with pytest.raises(RuleRefused):
        world.read(agent(PLAZA, "supervisor"), customer, "phone", request_id=request)


@pytest.mark.parametrize(
    ("org", "rule"),
    [
        pytest.param(PLAZA, "B-DET-03", marks=pytest.mark.rule("B-DET-03")),
        pytest.param(PROPERTY, "B-FDK-03"),
        pytest.param(FREIGHT, "A-LOG-52"),
    ],
)
def test_an_unauthorised_look_is_one_line_in_the_log(world: PrivacyWorld, org: str, rule: str) -> None:
    """Guards that who was refused is known afterwards: who, when, which fields and why; never the values."""
    customer = world.customer(org)
    with pytest.raises(RuleRefused) as refused:
        world.read(agent(org, actor="u-9"), customer, "name", "phone")
    assert refused.value.rule == rule
    line = only(world.log(org, customer_id=customer))
    assert (line["by"], line["at"], line["fields"]) == ("u-9", "2026-03-02T01:00:00.000Z", ["name", "phone"])
    assert (line["outcome"], line["source"], line["purpose"]) == ("refused", rule, "service")
    assert only(world.events("personal_data_accessed"))["source"] == rule
    assert "13800000001" not in world.all_events()
    assert "测试甲" not in world.all_events()


@pytest.mark.parametrize(
    ("org", "right", "rule"),
    [
        pytest.param(CALLS, "service_desk", "B-TEL-04", marks=pytest.mark.rule("B-TEL-04")),
        pytest.param(FREIGHT, "supervisor", "A-LOG-52", marks=pytest.mark.rule("A-LOG-52")),
        pytest.param(PLAZA, "staff", "B-ONS-04", marks=pytest.mark.rule("B-ONS-04")),
        pytest.param(PROPERTY, "staff", "A-PRM-33", marks=pytest.mark.rule("A-PRM-33")),
    ],
)
def test_a_customers_file_is_opened_by_its_roles_only(
    world: PrivacyWorld, org: str, right: str, rule: str
) -> None:
    """Guards the file: without the role it stays shut, which is logged; a system of ours may open it."""
    customer = world.customer(org)
    outsider = As(org, "u-9", frozenset({"telemarketing"}))
    with pytest.raises(RuleRefused) as refused:
        world.app.personal_data.open_file(outsider, customer, full=False)
    assert refused.value.rule == rule
    line = only(world.log(org))
    assert (line["by"], line["customer_id"], line["outcome"]) == ("u-9", customer, "refused")
    for role in (right, "system"):
        world.app.personal_data.open_file(As(org, "u-1", frozenset({role})), customer, full=False)
    world.app.personal_data.open_file(As(org, "u-1", frozenset({right})), customer, full=True)
    assert [row["outcome"] for row in world.log(org)].count("read") == 1


@pytest.mark.parametrize(
    ("org", "rule"),
    [
        pytest.param(PLAZA, "B-MAI-09", marks=pytest.mark.rule("B-MAI-09")),
        pytest.param(PROPERTY, "B-DUT-28", marks=pytest.mark.rule("B-DUT-28")),
    ],
)
def test_the_log_says_who_opened_a_file_to_those_who_may_ask(
    world: PrivacyWorld, org: str, rule: str
) -> None:
    """Guards the audit trail: user and time of each reading; who is no auditor is refused, and logged as well."""
    customer = world.customer(org)
    world.app.personal_data.open_file(agent(org, "personal_data", actor="u-5"), customer, full=True)
    world.clock.advance(timedelta(minutes=7))
    world.read(agent(org, "personal_data", actor="u-5"), customer, "name")
    lines = world.log(org, customer_id=customer)
    assert [(row["by"], row["at"]) for row in lines] == [
        ("u-5", "2026-03-02T01:07:00.000Z"),
        ("u-5", "2026-03-02T01:00:00.000Z"),
    ]
    world.clock.advance(timedelta(minutes=1))
    with pytest.raises(RuleRefused) as refused:
        world.app.accesses.read_log(agent(org), {"customer_id": customer, "sample_of": None})
    assert refused.value.rule == rule
    assert world.log(org, limit=1)[0]["fields"] == ["access_log"]


def test_an_auditor_draws_the_same_sample_with_the_same_seed(world: PrivacyWorld) -> None:
    """Guards sampling: so many lines, each at most once, the same each time, and other ones with another seed."""
    customer = world.customer()
    for _ in range(20):
        world.read(agent(PLAZA, "personal_data"), customer, "phone")
    drawn = [
        [row["entry_id"] for row in world.log(sample_of="2026-03", seed=seed, limit=5)]
        for seed in ("a", "a", "b")
    ]
    assert drawn[0] == drawn[1] != drawn[2]
    assert [len(set(rows)) for rows in drawn] == [5, 5, 5]
    assert len(world.log(sample_of="2026-03", seed="a", limit=50)) == 20
    assert world.log(sample_of="2026-04") == []


def test_a_repeated_reading_is_one_line(world: PrivacyWorld) -> None:
    """Guards idempotency: a call sent twice is one reading; the same key for something else is refused."""
    customer, call = world.customer(), agent(PLAZA, "personal_data")
    assert world.read(call, customer, "phone") == world.read(call, customer, "phone")
    assert len(world.log()) == 1
    with pytest.raises(Conflict):
        world.read(call, customer, "name")


def test_there_is_nothing_to_read_of_nobody_and_no_field_or_purpose_of_ones_own(world: PrivacyWorld) -> None:
    """Guards against guesses: unknown customers, fields and purposes are named as such."""
    customer, reader = world.customer(), agent(PLAZA, "personal_data")
    with pytest.raises(NotFound):
        world.read(reader, "cu_none", "phone")
    for names, purpose in ((("version",), "service"), (("phone",), "gossip")):
        with pytest.raises(ValidationFailed):
            world.read(reader, customer, *names, purpose=purpose)


def test_another_organisation_has_no_such_customer(world: PrivacyWorld) -> None:
    """Guards the border between organisations."""
    customer = world.customer(PLAZA)
    with pytest.raises(NotFound):
        world.read(agent(PROPERTY, "personal_data"), customer, "phone")
    with pytest.raises(NotFound):
        world.ask(agent(PROPERTY, "service_desk"), "erase", customer)
