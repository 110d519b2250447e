"""Customers leave the system as a table only with the right, and under two pairs of eyes where it is many."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
import yaml

from shared.errors import RuleRefused
from tests.unit.intake.privacy_world import (
    PLAZA,
    PROPERTY,
    SHOP,
    As,
    PrivacyWorld,
    agent,
    only,
    organisations,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return organisations(tmp_path_factory.mktemp("exports") / "organisations")


@pytest.fixture
def world(folder: Path) -> PrivacyWorld:
    return PrivacyWorld(folder)


def manager(org: str = PLAZA) -> As:
    return agent(org, "manager", actor="m-1")


def crowd(world: PrivacyWorld, count: int, org: str = PLAZA) -> list[str]:
    return [
        world.customer(org, kind="person", name=f"测试{number}", phone=f"1380000{number:04d}")
        for number in range(count)
    ]


def rows_of(answer: dict[str, str]) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(answer["csv"])))


@pytest.mark.parametrize(
    ("org", "rule"),
    [
        pytest.param(PLAZA, "B-SVN-10", marks=pytest.mark.rule("B-SVN-10")),
        pytest.param(PROPERTY, "B-CCP-10", marks=pytest.mark.rule("B-CCP-10")),
        pytest.param(SHOP, "B-WWS-02", marks=pytest.mark.rule("B-WWS-02")),
    ],
)
def test_an_export_without_the_role_is_refused_and_logged(world: PrivacyWorld, org: str, rule: str) -> None:
    """Guards the customer list: whoever may not take it out is refused by rule, and stands in the log."""
    crowd(world, 2, org)
    with pytest.raises(RuleRefused) as refused:
        world.export(agent(org, "personal_data", actor="u-9"))
    assert refused.value.rule == rule
    line = only(world.log(org))
    assert (line["by"], line["outcome"], line["source"], line["count"]) == ("u-9", "refused", rule, 2)
    assert line["fields"] == ["name", "phone"]


@pytest.mark.rule("A-JD14-10")
def test_a_managers_export_of_a_hundred_is_logged_with_user_and_time(world: PrivacyWorld) -> None:
    """Guards the trace of an export: who, when and how many; the same export by an agent is refused."""
    crowd(world, 100)
    answer = world.export(manager())
    assert (answer["count"], answer["total"]) == (100, 100)
    assert {row["phone"] for row in rows_of(answer)} == {f"+861380000{n:04d}" for n in range(100)}
    with pytest.raises(RuleRefused) as refused:
        world.export(agent())
    assert refused.value.rule == "B-SVN-10"
    lines = [(row["by"], row["at"], row["outcome"], row["count"]) for row in world.log()]
    assert sorted(lines) == [
        ("m-1", "2026-03-02T01:00:00.000Z", "exported", 100),
        ("u-1", "2026-03-02T01:00:00.000Z", "refused", 100),
    ]
    assert "+8613" not in world.all_events()


def test_more_than_a_hundred_need_a_second_person_however_small_the_pages(world: PrivacyWorld) -> None:
    """Guards the limit: it is of all customers there are, so cutting the export into pages does not help."""
    crowd(world, 101)
    with pytest.raises(RuleRefused, match="approval by supervisor") as refused:
        world.export(manager(), limit=10)
    assert refused.value.rule == "B-SVN-10"
    request = world.ask(manager(), "export")
    world.decide(agent(PLAZA, "supervisor", actor="u-2"), request)
    seen: list[str] = []
    after = None
    while True:
        answer = world.export(manager(), limit=40, after=after, request_id=request)
        seen += [row["customer_id"] for row in rows_of(answer)]
        after = answer["next_after"]
        if after is None:
            break
    assert len(seen) == len(set(seen)) == 101


@pytest.mark.rule("B-DSE-04")
def test_important_data_is_exported_with_approval_only(folder: Path, tmp_path: Path) -> None:
    """Guards important data (非涉密重要数据): one row of it needs a second person; without it none is needed."""
    mine = organisations(tmp_path / "organisations")
    path = mine / f"{PLAZA}.yaml"
    file = yaml.safe_load(path.read_text(encoding="utf-8"))
    row = {"class": "important", "purposes": ["service"], "collected": "contact", "source": "organisation"}
    intake = file["overrides"][0]["intake"]
    intake["privacy"] = {"catalogue": {"customer.unit": row}}
    path.write_text(yaml.safe_dump(file, allow_unicode=True), encoding="utf-8")
    world = PrivacyWorld(mine)
    world.customer(kind="person", name="测试甲", phone="13800000001", unit="A-1")
    world.export(manager(), "name")
    with pytest.raises(RuleRefused, match="important") as refused:
        world.export(manager(), "name", "unit")
    assert refused.value.rule == "B-DSE-04"
    request = world.ask(manager(), "export")
    world.decide(agent(PLAZA, "supervisor", actor="u-2"), request)
    assert only(rows_of(world.export(manager(), "name", "unit", request_id=request)))["unit"] == "A-1"
    assert PrivacyWorld(folder).export(manager(), "unit")["count"] == 0


@pytest.mark.rule("B-STD-03")
def test_who_opted_out_is_on_no_marketing_list(world: PrivacyWorld) -> None:
    """Guards privacy: opting out holds for marketing until it is taken back, and not for service."""
    declined, other = crowd(world, 2)
    world.flags(agent(), declined, opt_out=True)
    listed = rows_of(world.export(manager(), "name", purpose="marketing"))
    assert [row["customer_id"] for row in listed] == [other]
    assert world.export(manager(), "name")["count"] == 2
    assert only(world.events("privacy_flags_set"))["source"] == "B-STD-03"
    world.flags(agent(), declined, opt_out=False)
    assert world.export(manager(), "name", purpose="marketing")["count"] == 2


@pytest.mark.rule("B-STD-15")
def test_a_confidentiality_agreement_is_on_the_file_and_kept(world: PrivacyWorld) -> None:
    """Guards the agreement (保密协议): it stands on the file, and the customer leaves in no export unapproved."""
    bound, other = crowd(world, 2)
    world.flags(agent(), bound, confidentiality_agreement=True)
    assert world.app.personal_data.privacy_of(agent(), bound)["confidentiality_agreement"] is True
    assert world.app.personal_data.privacy_of(agent(), other)["confidentiality_agreement"] is False
    with pytest.raises(RuleRefused, match="confidentiality agreement") as refused:
        world.export(manager(), "name")
    assert refused.value.rule == "B-STD-15"
    assert only(world.events("privacy_flags_set"))["source"] == "B-STD-15"


def test_data_is_used_for_the_purpose_it_is_kept_for(world: PrivacyWorld) -> None:
    """Guards the purpose: a flat's number is kept for service, so no marketing list gets it."""
    world.customer(kind="person", name="测试甲", phone="13800000001", unit="A-1")
    with pytest.raises(RuleRefused, match="purpose marketing") as refused:
        world.export(manager(), "unit", purpose="marketing")
    assert refused.value.rule == "B-DSE-08"


def test_a_name_that_is_a_formula_stays_a_name(world: PrivacyWorld) -> None:
    """Guards whoever opens the table: what a customer wrote is never computed."""
    world.customer(kind="person", name="=1+1", phone="13800000001")
    row = only(rows_of(world.export(manager())))
    assert (row["name"], row["phone"]) == ("'=1+1", "+8613800000001")
