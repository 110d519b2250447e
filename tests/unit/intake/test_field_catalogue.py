"""The catalogue of personal data: every field has a class, a purpose and an origin, or the service does not start."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from services.intake.domain.privacy.masking import shown
from services.intake.domain.privacy.rules import DataClass, Subject
from services.intake.rulebook import PROFILES, load_rulebooks
from shared.regulations.errors import RegulationError
from tests.unit.intake.fakes import ORGANISATIONS, received
from tests.unit.intake.privacy_world import PLAZA, PrivacyWorld, agent


@pytest.fixture
def world() -> PrivacyWorld:
    return PrivacyWorld(ORGANISATIONS)


def loading(tmp_path: Path, *change: str) -> str:
    """Return the faults found at the start when ``change`` is made in the standard profile."""
    profiles = tmp_path / "regulations"
    shutil.copytree(PROFILES, profiles)
    path = profiles / "standard.yaml"
    text = path.read_text(encoding="utf-8")
    assert change[0] in text
    path.write_text(text.replace(change[0], change[1], 1), encoding="utf-8")
    with pytest.raises(RegulationError) as caught:
        load_rulebooks(ORGANISATIONS, profiles)
    return str(caught.value)


@pytest.mark.rule("B-DSE-01")
def test_every_class_has_a_rule_for_each_of_the_five_stages(world: PrivacyWorld, tmp_path: Path) -> None:
    """Guards the life cycle (收集、存储、使用、共享、开放): none of its stages may be left unsaid."""
    classes = world.app.personal_data.catalogue(agent())["classes"]
    assert {row["class"] for row in classes} == {code.value for code in DataClass}
    for row in classes:
        assert list(row["stages"]) == ["collect", "store", "use", "share", "open"]
        assert all(row["stages"].values())
    assert "open: is missing" in loading(tmp_path, "          open: 可开放\n", "")


@pytest.mark.rule("B-DSE-08")
def test_every_field_has_a_purpose_and_an_origin_and_one_without_a_class_stops_the_start(
    world: PrivacyWorld, tmp_path: Path
) -> None:
    """Guards collection: what is gathered in duty is in the catalogue with purpose and source, or not at all."""
    rows = {row["field"]: row for row in world.app.personal_data.catalogue(agent())["fields"]}
    assert (rows["customer.phone"]["purposes"], rows["customer.phone"]["collected"]) == (
        ["service", "marketing"],
        "contact",
    )
    assert rows["customer.phone"]["source"] == "B-DSE-08"
    assert all(row["purposes"] and row["collected"] for row in rows.values())
    assert "contact.text has no class" in loading(tmp_path, "contact.text:", "contact.words:")


@pytest.mark.rule("B-DSE-05")
def test_what_is_derived_and_identifies_a_person_is_personal(world: PrivacyWorld, tmp_path: Path) -> None:
    """Guards derived data: a habit of complaining is personal, and no rulebook can say otherwise."""
    rows = {row["field"]: row for row in world.app.personal_data.catalogue(agent())["fields"]}
    habit = rows["customer.complaint_habit"]
    assert (habit["class"], habit["derived"], habit["source"]) == ("personal", True, "B-DSE-05")
    before = "customer.complaint_habit:\n          {class: personal"
    assert "(B-DSE-05)" in loading(tmp_path, before, before.replace("personal", "internal"))


@pytest.mark.rule("B-DSE-06")
def test_an_identity_number_is_shown_masked_and_biometrics_are_refused_at_the_door(
    world: PrivacyWorld,
) -> None:
    """Guards sensitive data: agents see 110***********1234; a fingerprint is never taken, naming the rule."""
    rules = world.app.accesses.privacy(PLAZA)
    values = {"id_number": "110101199001011234", "phone": "13800000001", "name": "测试甲", "unit": "A-1"}
    assert shown(rules, "customer", values, Subject.PERSON, {"staff"}) == {
        "id_number": "110***********1234",
        "phone": "138****0001",
        "name": "测**",
        "unit": None,
    }
    granted = shown(rules, "customer", values, Subject.PERSON, {"staff"}, granted={"phone"})
    assert (granted["phone"], granted["name"]) == ("13800000001", "测**")
    event = received(
        customer={"kind": "person", "name": "测试甲", "phone": "13800000001", "fingerprint": "x"}
    )
    world.take(event)
    (refused,) = world.events("contact_rejected")
    (reason,) = refused["reasons"]
    assert reason["field"] == "data.customer.fingerprint"
    assert "B-DSE-06" in reason["reason"]
    assert (
        world.app.desk.contacts(PLAZA, {"category": None, "received_from": None, "limit": 9, "skip": 0}) == []
    )


@pytest.mark.rule("B-DSE-07")
def test_a_merchants_file_identifies_a_unit_and_a_households_a_person(world: PrivacyWorld) -> None:
    """Guards the subject (主体): a shop's name is unit information anybody reads, a person's phone is not."""
    shop = world.customer(kind="company", name="测试商户", phone="13800000007")
    person = world.customer(kind="household", name="测试乙", phone="13800000008")
    subjects = [world.app.personal_data.privacy_of(agent(), each)["subject"] for each in (shop, person)]
    assert subjects == ["unit", "person"]
    assert world.read(agent(), shop, "name")["values"] == {"name": "测试商户"}
    rule = world.app.accesses.privacy(PLAZA).class_rule(DataClass.UNIT)
    assert (rule.source, rule.shown_to) == ("B-DSE-07", ("staff",))
