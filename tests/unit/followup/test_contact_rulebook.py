"""What a rulebook may say of contacts: quotas that fit their registers, and fields that can be looked up."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.followup.rulebook import read_rulebooks
from tests.unit.followup.contact_world import ORG

HEAD = """org: works-demo
name: 演示单位
profile: retail-chain
number_prefix: WRK
calendar: cn
time_zone: Asia/Shanghai
publishers: []
roles: [staff, supervisor]
overrides:
  - version: "2026.1"
    effective_from: 2020-01-01
    followup:
"""
QUOTA = """      contact_quotas:
        tea:
          name: 茶叙
          registers: [client_contact]
          subject: client
          source: organisation
"""
FORM = """      registers:
        tea_party:
          name: 茶叙
          source: organisation
          open: [{role: staff}]
          fields:
            guest: {name: 客人, type: party}
"""


def faults(folder: Path, text: str) -> str:
    (folder / f"{ORG}.yaml").write_text(HEAD + text, encoding="utf-8")
    return "\n".join(
        f"{fault.path}: {fault.reason}" for fault in read_rulebooks(folder).faults if ORG in fault.file
    )


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        ("registers: [no_such_form]", "tea.registers"),
        ("subject: result", "tea.subject"),
        ("rows: result", "tea.subject"),
        ("day: result", "tea.day"),
        ("state: [lost]", "tea.state"),
        ("share: {value: 5, source: organisation}", "tea.share"),
        ("every: year\n          share: {value: 101, source: organisation}", "tea.share"),
        ("every: year\n          within: {amount: 3, unit: days, source: organisation}", "tea.within"),
        ("first: [level_1]", "tea.first"),
    ],
)
def test_a_quota_that_could_not_be_counted_is_a_fault(tmp_path: Path, wrong: str, where: str) -> None:
    """Guards the start of the service: what makes no sense is found in the file, with its place."""
    key = wrong.partition(":")[0]
    kept = [line for line in QUOTA.splitlines() if not line.strip().startswith(f"{key}:")]
    assert faults(tmp_path, "\n".join([*kept, f"          {wrong}", ""])).count(where) == 1
    assert faults(tmp_path, QUOTA) == ""


@pytest.mark.parametrize(
    "wrong",
    [
        "{name: 等级, type: text, of: guest}",
        "{name: 等级, type: text, known: grade}",
        "{name: 等级, type: number, of: guest, known: grade}",
        "{name: 等级, type: text, of: host, known: grade}",
    ],
)
def test_a_field_that_could_not_be_looked_up_is_a_fault(tmp_path: Path, wrong: str) -> None:
    """Guards the definition: of somebody the form names, a code, and never half of it."""
    assert "tea_party.fields.rank" in faults(tmp_path, f"{FORM}            rank: {wrong}\n")
    assert (
        faults(tmp_path, f"{FORM}            rank: {{name: 等级, type: text, of: guest, known: grade}}\n")
        == ""
    )
