"""Who may import whom: the contracts hold, and each of them would notice the import it is there for."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
LINTER = Path(sys.executable).parent / "lint-imports"
CONTRACTS = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]

#: A tree in which every kind of module stands once, with every import that is allowed and nothing else.
ALLOWED = {
    "kefu/__init__.py": "",
    "kefu/cli.py": "import shared.messaging",
    "services/__init__.py": "",
    "shared/__init__.py": "",
    "shared/clock.py": "import datetime",
    "shared/health.py": "import eventlet",
    "shared/runner.py": "import nameko",
    "shared/messaging/__init__.py": "",
    "shared/messaging/rpc.py": "import amqp, eventlet, kombu, nameko",
    "shared/mongo/__init__.py": "",
    "shared/mongo/client.py": "import bson, pymongo",
    **{
        f"services/{service}/{module}": text
        for service in ("intake", "complaints", "followup", "reporting")
        for module, text in {
            "__init__.py": "",
            "__main__.py": f"import eventlet, services.{service}.service",
            "domain/__init__.py": "",
            "domain/model.py": "import decimal, shared.clock",
            "handlers/__init__.py": "",
            "handlers/opening.py": f"import services.{service}.domain.model",
            "repository.py": f"import pymongo, services.{service}.domain.model",
            "schemas.py": "import marshmallow",
            "service.py": f"import nameko, services.{service}.handlers.opening, services.{service}.repository",
        }.items()
    },
}

#: Where a forbidden import is put, the import, and the contract that has to notice.
FORBIDDEN = [
    ("services/intake/handlers/opening.py", "services.complaints.schemas", "services-apart"),
    ("shared/clock.py", "services.intake", "shared-below"),
    ("shared/health.py", "kefu.cli", "shared-below"),
    ("services/followup/service.py", "kefu.cli", "services-below-kefu"),
    ("services/intake/domain/model.py", "marshmallow", "domain-pure"),
    ("services/reporting/domain/model.py", "bson", "domain-pure"),
    ("services/complaints/domain/model.py", "services.complaints.repository", "domain-pure"),
    ("services/complaints/domain/model.py", "services.complaints.handlers.opening", "domain-pure"),
    ("services/complaints/domain/model.py", "shared.mongo.client", "domain-pure"),
    ("services/complaints/domain/model.py", "prometheus_client", "domain-pure"),
    ("services/intake/handlers/opening.py", "nameko", "handlers-without-framework"),
    ("services/intake/handlers/opening.py", "shared.messaging.rpc", "handlers-without-framework"),
    ("services/intake/handlers/opening.py", "pymongo", "database-in-repositories"),
    ("shared/health.py", "pymongo", "database-in-repositories"),
    ("services/intake/schemas.py", "bson", "database-in-repositories"),
    ("kefu/cli.py", "pymongo", "database-in-repositories"),
    ("kefu/cli.py", "kombu", "bus-at-the-edge"),
    ("services/intake/repository.py", "eventlet", "bus-at-the-edge"),
    ("shared/mongo/client.py", "eventlet", "bus-at-the-edge"),
]


def lint(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [LINTER, "--no-cache", *arguments],
        cwd=directory,
        env={"PYTHONPATH": str(directory), "COLUMNS": "200"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=100,
    )


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the allowed tree under the project's own contracts."""
    for name, text in ALLOWED.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n", encoding="utf-8")
    project = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text(project, encoding="utf-8")
    return tmp_path


def test_the_project_keeps_its_contracts() -> None:
    """Services apart, domain pure, the driver and the bus each behind their one door."""
    done = lint(REPOSITORY)
    assert done.returncode == 0, done.stdout


def test_every_import_that_is_meant_to_be_possible_is(tree: Path) -> None:
    """A contract that forbids what the design asks for would be worked around, not kept."""
    done = lint(tree)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("where", "what", "contract"), FORBIDDEN, ids=[f"{where}-{what}" for where, what, _ in FORBIDDEN]
)
def test_a_forbidden_import_is_noticed(tree: Path, where: str, what: str, contract: str) -> None:
    """Each contract bites: one line too many in one module breaks just the contract meant for it."""
    with (tree / where).open("a", encoding="utf-8") as module:
        module.write(f"import {what}\n")
    done = lint(tree, "--contract", contract)
    assert done.returncode == 1, done.stdout
    assert "1 broken" in done.stdout


def test_no_contract_is_without_an_import_that_breaks_it() -> None:
    """Whoever adds a contract shows here that it works."""
    assert {contract for _, _, contract in FORBIDDEN} == {row["id"] for row in CONTRACTS["contracts"]}
