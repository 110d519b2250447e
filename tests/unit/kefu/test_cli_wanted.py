"""The topology the commands work with: quick, and never of older code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kefu import wanted
from kefu.topology import topology
from kefu.wanted import wanted_topology
from shared.messaging.topology import Topology


@pytest.fixture
def imports(monkeypatch: pytest.MonkeyPatch) -> list[Topology]:
    """Every time the entry points are imported for it."""
    made: list[Topology] = []

    def import_them() -> Topology:
        made.append(topology())
        return made[-1]

    monkeypatch.setattr(wanted, "_from_entry_points", import_them)
    return made


@pytest.fixture
def code(tmp_path: Path) -> Path:
    """A checkout of one file."""
    file = tmp_path / "services" / "intake" / "service.py"
    file.parent.mkdir(parents=True)
    file.write_text("types = ('#',)\n", encoding="utf-8")
    return tmp_path


def test_what_is_kept_is_what_the_entry_points_say(
    imports: list[Topology], code: Path, tmp_path: Path
) -> None:
    """The second time nothing is imported, and not one queue differs."""
    kept_in = tmp_path / "state" / "topology.json"
    first, second = (wanted_topology(code=code, kept_in=kept_in) for _ in range(2))
    assert first == second == topology()
    assert second.definitions(str) == topology().definitions(str)
    assert len(imports) == 1


def test_a_change_of_the_code_is_noticed(imports: list[Topology], code: Path, tmp_path: Path) -> None:
    """A new subscription without its queue would lose events."""
    kept_in = tmp_path / "topology.json"
    wanted_topology(code=code, kept_in=kept_in)
    (code / "services" / "intake" / "service.py").write_text("types = ('a', 'b')\n", encoding="utf-8")
    wanted_topology(code=code, kept_in=kept_in)
    (code / "services" / "intake" / "types.py").write_text("", encoding="utf-8")
    wanted_topology(code=code, kept_in=kept_in)
    assert len(imports) == 3


@pytest.mark.parametrize("damage", ["", "{", "[]", "{}", '{"code": 1}', '{"topology": {"services": 1}}'])
def test_a_damaged_file_counts_as_none(
    imports: list[Topology], code: Path, tmp_path: Path, damage: str
) -> None:
    """A run that was killed while writing must not stop the next one."""
    kept_in = tmp_path / "topology.json"
    wanted_topology(code=code, kept_in=kept_in)
    document = json.loads(kept_in.read_text("utf-8"))
    broken = json.loads(damage) if damage not in {"", "{"} else None
    if isinstance(broken, dict) and "topology" in broken:
        damage = json.dumps(document | broken)
    kept_in.write_text(damage, encoding="utf-8")
    assert wanted_topology(code=code, kept_in=kept_in) == topology()
    assert len(imports) == 2


def test_where_nothing_can_be_kept_it_works_all_the_same(
    imports: list[Topology], code: Path, tmp_path: Path
) -> None:
    """A container's file system is read-only."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    for _ in range(2):
        assert wanted_topology(code=code, kept_in=tmp_path / "file" / "topology.json") == topology()
    assert len(imports) == 2
