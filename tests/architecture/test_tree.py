"""The shape of the tree and what must not be found in it."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from kefu.rules import read_coverage
from services.names import SERVICES

REPOSITORY = Path(__file__).resolve().parents[2]

#: What every service has, in the same places.
SHAPE = (
    "Dockerfile",
    "README.md",
    "__init__.py",
    "__main__.py",
    "asyncapi.yaml",
    "domain/__init__.py",
    "errors.py",
    "handlers/__init__.py",
    "metrics.py",
    "regulations/standard.yaml",
    "repository.py",
    "schemas.py",
    "service.py",
    "settings.py",
)

#: Modules with which a domain could do I/O, read a clock, make an id or throw dice.
IMPURE = {
    "asyncio",
    "io",
    "logging",
    "os",
    "pathlib",
    "random",
    "secrets",
    "shutil",
    "socket",
    "subprocess",
    "sys",
    "tempfile",
    "threading",
    "time",
    "urllib",
    "uuid",
}
CLOCK_READERS = {"now", "today", "utcnow"}
IO_BUILTINS = {"open", "print", "input"}

#: Words that mean something to a customer-service department and nothing to a mechanism.
DOMAIN_WORD = re.compile(
    r"complaint|customer|survey|household|hotline|penalt|refund|sanction|intake|followup|mystery",
    re.IGNORECASE,
)


def python_files(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted(REPOSITORY.glob(f"{folder}/**/*.py"))]


def place(path: Path) -> str:
    return str(path.relative_to(REPOSITORY))


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def test_there_are_exactly_the_four_services() -> None:
    """Intake, complaints, followup and reporting; a fifth would be a decision of its own."""
    found = {path.parent.name for path in REPOSITORY.glob("services/*/__init__.py")}
    assert found == set(SERVICES) == {"intake", "complaints", "followup", "reporting"}


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_has_the_same_shape(service: str) -> None:
    """Who knows one service finds their way in the others."""
    missing = [name for name in SHAPE if not (REPOSITORY / "services" / service / name).is_file()]
    assert missing == []


def impurities(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield the line and the name of everything in a module that reaches outside it."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from ((node.lineno, n.name) for n in names if n.name.split(".")[0] in IMPURE)
            case ast.ImportFrom(module=str(module)) if module.split(".")[0] in IMPURE:
                yield node.lineno, module
            case ast.Call(func=ast.Name(id=name)) if name in IO_BUILTINS:
                yield node.lineno, name
            case ast.Call(func=ast.Attribute(value=ast.Name(id="date" | "datetime"), attr=attr)) if (
                attr in CLOCK_READERS
            ):
                yield node.lineno, attr


@pytest.mark.parametrize("service", SERVICES)
def test_a_domain_does_no_io_reads_no_clock_and_makes_no_id(service: str) -> None:
    """The same facts give the same decision, today and when the case is argued about next year."""
    found = [
        f"{place(path)}:{line}: {name}"
        for path in python_files(f"services/{service}/domain")
        for line, name in impurities(parse(path))
    ]
    assert found == []


@pytest.mark.parametrize(
    "line",
    [
        "import os.path",
        "from uuid import uuid4",
        "import datetime\ndatetime.now()",
        "from datetime import date\ndate.today()",
        "open('x')",
    ],
)
def test_an_impure_line_is_noticed(line: str) -> None:
    """The test above is worth what this one shows."""
    assert list(impurities(ast.parse(line)))


def test_a_pure_line_is_left_alone() -> None:
    """An injected clock and a field called open are no reason to complain."""
    assert not list(impurities(ast.parse("import decimal\nclock.now()\ncase.open()")))


def words_of(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield every identifier and every text of a module but its docstrings, with the line."""
    prose = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str(text)) if id(node) not in prose:
                yield node.lineno, text
            case (
                ast.Name(id=name) | ast.arg(arg=name) | ast.Attribute(attr=name) | ast.keyword(arg=str(name))
            ):
                yield node.lineno, name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield node.lineno, name


def test_shared_holds_no_word_of_the_domain() -> None:
    """A mechanism that knows what a complaint is serves one service, not four."""
    found = [
        f"{place(path)}:{line}: {word[:60]}"
        for path in python_files("shared")
        for line, word in words_of(parse(path))
        if DOMAIN_WORD.search(word)
    ]
    assert found == []


def test_every_rule_cited_is_a_rule() -> None:
    """Ids in tests and regulations resolve to a line of docs/domain/rules.tsv inside the repository."""
    assert read_coverage(REPOSITORY).unknown() == {}


def test_every_rule_cited_in_code_or_documents_is_a_rule() -> None:
    """The same for comments, docstrings, contracts and pages, where a wrong id misleads just as well."""
    known = {rule.id for rule in read_coverage(REPOSITORY).rules}
    cited = re.compile(r"\b[AB]-[A-Z]{2,4}-\d{1,3}\b")
    folders = ("services", "shared", "kefu", "organisations", "docs")
    found = [
        f"{place(path)}: {rule}"
        for folder in folders
        for path in sorted((REPOSITORY / folder).rglob("*"))
        if path.suffix in {".py", ".yaml", ".md", ".json"} and path.is_file()
        for rule in sorted(set(cited.findall(path.read_text(encoding="utf-8"))) - known)
    ]
    assert found == []


def test_no_module_holds_two_concepts_worth_of_lines() -> None:
    """Beyond 500 lines a file is two files."""
    long = [
        f"{place(path)}: {lines} lines"
        for path in python_files("services", "shared", "kefu", "clients", "scripts", "benchmarks")
        if (lines := path.read_text(encoding="utf-8").count("\n")) > 500
    ]
    assert long == []


def test_no_secret_and_nothing_generated_is_kept_in_the_repository() -> None:
    """Keys, passwords and environments are made on the machine that uses them."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True, check=True
    ).stdout.split("\0")
    generated = re.compile(r"(^|/)(\.venv|\.kefu|__pycache__)/|\.(pem|key|pyc|log)$|(^|/)\.env$")
    assert [name for name in listed if generated.search(name)] == []


def test_locks_name_no_index_and_hash_every_package() -> None:
    """Every machine installs the same files, from whichever index it is set up to use."""
    for lock in sorted(REPOSITORY.glob("requirements/*.txt")):
        text = lock.read_text(encoding="utf-8")
        assert "://" not in text, lock.name
        pinned = re.findall(r"^[A-Za-z0-9._-]+==\S+(.*)\n(.*)", text, re.MULTILINE)
        assert pinned, lock.name
        assert all("--hash=sha256:" in following for _, following in pinned), lock.name
