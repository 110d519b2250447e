"""Profiles in several files: what lies beside each other, and what two files may not both say."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from shared.regulations.errors import Fault
from shared.regulations.loading import Loaded, read_all

_MAIN = """
profile: villa
versions:
  - version: "1"
    effective_from: 2020-01-01
    lamps:
      hall: {watts: 40, source: B-AAA-02}
"""
_ORG = """
org: house-demo
name: 演示
profile: villa
number_prefix: HOU
calendar: cn
time_zone: Asia/Shanghai
publishers: []
roles: [staff]
overrides:
  - version: "1"
    effective_from: 2020-01-01
    intake:
      lamps:
        attic: {watts: 60, source: organisation}
"""


def _sections(sections: Mapping[str, Any]) -> Mapping[str, Any]:
    return sections


def _load(folder: Path, **parts: str) -> Loaded[Mapping[str, Any]]:
    profiles, organisations = folder / "profiles", folder / "organisations"
    for directory in (profiles / "villa", organisations):
        directory.mkdir(parents=True)
    (profiles / "villa.yaml").write_text(_MAIN, encoding="utf-8")
    (organisations / "house-demo.yaml").write_text(_ORG, encoding="utf-8")
    for name, text in parts.items():
        (profiles / "villa" / f"{name}.yaml").write_text(text, encoding="utf-8")
    return read_all(profiles, organisations, _sections, "intake", ["intake"])


def _part(body: str, *, profile: str = "villa", version: str = "1") -> str:
    return f'profile: {profile}\nversions:\n  - version: "{version}"\n{body}'


ATTIC = "    lamps:\n      attic: {watts: 25, source: B-BBB-01}\n"


def test_what_stands_in_a_file_of_its_own_is_part_of_the_version(tmp_path: Path) -> None:
    """Promise: a profile may be split, faults find the right file, and an organisation still has the last word."""
    loaded = _load(tmp_path, more=_part(ATTIC))
    assert loaded.faults == ()
    (regulation,) = loaded.profiles["villa"]
    assert regulation.content["lamps"]["attic"]["watts"] == 25
    assert regulation.content["lamps"]["hall"]["watts"] == 40
    assert regulation.file_of("lamps.attic").endswith("villa/more.yaml")
    assert regulation.file_of("lamps.hall").endswith("villa.yaml")
    own = loaded.rulebooks.of_version("house-demo", "villa:1,house-demo:1")
    assert own.content["lamps"]["attic"] == {"watts": 60, "source": "organisation"}


def test_what_two_files_say_is_a_fault_that_names_both(tmp_path: Path) -> None:
    """Promise: no file silently wins over another."""
    loaded = _load(tmp_path, first=_part(ATTIC), second=_part(ATTIC))
    (fault,) = loaded.faults
    assert fault.file.endswith("second.yaml")
    assert (fault.path, "first.yaml" in fault.reason) == ("lamps.attic", True)
    over_main = _load(tmp_path / "other", more=_part("    lamps:\n      hall: {watts: 1, source: design}\n"))
    (fault,) = over_main.faults
    assert fault.path == "lamps.hall"
    assert "villa.yaml" in fault.reason


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (_part(ATTIC, profile="barn"), "profile"),
        (_part(ATTIC, version="9"), "versions.0.version"),
        (_part(f"    effective_from: 2021-01-01\n{ATTIC}"), "versions.0.effective_from"),
        (_part("    lamps:\n      attic: {watts: 25, source: nowhere}\n"), "lamps.attic.source"),
        ("profile: villa\n", "versions"),
    ],
)
def test_a_faulty_part_is_named_with_its_path(tmp_path: Path, text: str, path: str) -> None:
    """Promise: whoever writes a part learns where it is wrong."""
    (fault,) = _load(tmp_path, more=text).faults
    assert (fault.file.endswith("more.yaml"), fault.path) == (True, path)


def test_a_folder_without_its_profile_is_a_fault(tmp_path: Path) -> None:
    """Promise: a misspelt folder is not passed over."""
    stray = tmp_path / "profiles" / "vila"
    stray.mkdir(parents=True)
    (stray / "more.yaml").write_text(_part(ATTIC), encoding="utf-8")
    (fault,) = [each for each in _load_beside(tmp_path) if each.file.endswith("vila")]
    assert "vila.yaml" in fault.reason


def _load_beside(folder: Path) -> tuple[Fault, ...]:
    profiles, organisations = folder / "profiles", folder / "organisations"
    organisations.mkdir()
    (profiles / "villa.yaml").write_text(_MAIN, encoding="utf-8")
    (organisations / "house-demo.yaml").write_text(_ORG, encoding="utf-8")
    return read_all(profiles, organisations, _sections, "intake", ["intake"]).faults
