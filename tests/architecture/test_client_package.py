"""The client package is for other systems: it needs nothing of this repository, and no image takes it in."""

from __future__ import annotations

import ast
import re
import runpy
import subprocess
import sys
import tomllib
from pathlib import Path

import amqp
import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGE = REPOSITORY / "clients" / "python"
MODULES = sorted((PACKAGE / "src").rglob("*.py"))
PROJECT = tomllib.loads((PACKAGE / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def imported(path: Path) -> set[str]:
    """Return the top-level packages that a module imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Import(names=aliases):
                names |= {alias.name.partition(".")[0] for alias in aliases}
            case ast.ImportFrom(module=str(module)):
                names.add(module.partition(".")[0])
    return names


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_the_client_imports_only_what_it_declares(path: Path) -> None:
    """Another system installs this package alone."""
    assert imported(path) <= {*sys.stdlib_module_names, "kefu_publisher", "amqp"}


def test_the_client_depends_on_a_range_that_holds_what_is_tested_here() -> None:
    """It lives beside the libraries of others, so it asks for a range; the tests here run within it."""
    (dependency,) = PROJECT["dependencies"]
    span = re.fullmatch(r"amqp>=(\d+)\.(\d+),<(\d+)", dependency)
    assert span is not None, dependency
    lowest, below = (int(span[1]), int(span[2])), int(span[3])
    version = tuple(int(part) for part in amqp.__version__.split(".")[:2])
    assert lowest <= version < (below, 0)


def test_the_client_runs_on_every_python_it_names() -> None:
    """Newer syntax than 3.10 would only fail at the other system's."""
    assert PROJECT["requires-python"] == ">=3.10"
    for path in MODULES:
        ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 10))


def test_the_client_works_where_nothing_of_this_repository_is_installed(tmp_path: Path) -> None:
    """Its modules load from their own folder, with nothing of the services beside them."""
    program = (
        f"import sys; sys.path.insert(0, {str(PACKAGE / 'src')!r}); import kefu_publisher; "
        "print(sorted({name.partition('.')[0] for name in sys.modules} & {'services', 'shared', 'kefu'}))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_no_image_takes_the_client_in() -> None:
    """What goes to the builder is listed, and the client is not on the list."""
    lines = (REPOSITORY / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    assert not [line for line in rules if "clients" in line]


def test_the_readmes_example_runs(tmp_path: Path) -> None:
    """What is shown first is what is copied."""
    text = (PACKAGE / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    building = example.partition("with Publisher")[0]
    program = tmp_path / "readme.py"
    program.write_text(building, encoding="utf-8")
    assert "event" in runpy.run_path(str(program))
