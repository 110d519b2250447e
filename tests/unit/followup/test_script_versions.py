"""Talk scripts in versions: approved by another than who wrote them, each replaced by the next."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.followup.register_world import Office, refused


def written(office: Office, version: str, author: str = "a-1") -> str:
    return office.open("talk_script", office.by(author), title="开场白", version=version, content="您好")


@pytest.mark.rule("A-JD6-04")
def test_a_script_without_approver_is_not_used_and_an_approved_one_replaces_the_last(tmp_path: Path) -> None:
    """Promise: agents and the author himself approve nothing; v2, once approved, replaces v1 and not before."""
    office = Office(tmp_path, "standard")
    first, second = written(office, "v1"), written(office, "v2")
    office.act(first, "approve", office.by("u-9", "supervisor"))
    assert refused(office.act, second, "approve", office.by("a-2")) == "A-JD6-04"
    assert refused(office.act, second, "approve", office.by("a-1", "supervisor")) == "A-JD6-04"
    assert [office.get(each)["state"] for each in (first, second)] == ["approved", "draft"]
    office.act(second, "approve", office.by("u-9", "supervisor"))
    assert [office.get(each)["state"] for each in (first, second)] == ["replaced", "approved"]


@pytest.mark.rule("B-ECM-16")
def test_version_two_of_a_sales_script_has_its_author_and_date(tmp_path: Path) -> None:
    """Promise: v2 of another agent replaces v1, by this rule and no hand; who wrote it and when stands in it."""
    office = Office(tmp_path, "online-store")
    first, second = written(office, "v1"), written(office, "v2", "a-2")
    office.act(first, "approve", office.by("u-9", "supervisor"))
    assert refused(office.act, first, "replace", office.by("u-9", "manager")) == "B-ECM-16"
    office.act(second, "approve", office.by("u-9", "supervisor"))
    values = office.get(second)["values"]
    assert (values["author"], values["written_on"]) == ("a-2", "2026-05-06")
    assert office.get(first)["state"] == "replaced"
