from __future__ import annotations

from pathlib import Path

import pytest

from kefu.rules import main, read_coverage

CATALOGUE = """\
id\tsection\ttier\tservice\tkind\trule\tproof
A-ONE-1\tA-ONE\t1\tintake\tdata\tfirst\tx
A-ONE-2\tA-ONE\t2\tintake\tdata\tsecond "with one quote\tx
B-TWO-1\tB-TWO\t1\tcomplaints\tdata\tthird\tx
B-TWO-2\tB-TWO\t0\tcomplaints\tdata\tabout the source itself\tx
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with four rules, of which three count, one proved and one stated."""
    write(tmp_path / "docs/domain/rules.tsv", CATALOGUE)
    write(
        tmp_path / "tests/unit/test_some.py",
        'import pytest\n\n\n@pytest.mark.rule("A-ONE-1")\ndef test_some(): ...\n',
    )
    write(tmp_path / "services/complaints/regulations/standard.yaml", "days: {value: 3, source: B-TWO-1}\n")
    return tmp_path


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def run(repository: Path, *arguments: str) -> int:
    return main(["--root", str(repository), *arguments])


def test_a_rule_is_proved_by_a_mark_and_stated_by_a_regulation(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The table counts each rule once, and not those that describe the source itself."""
    assert run(repository) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[1:] == [
        ["complaints", "1", "1", "0", "1", "0"],
        ["intake", "1", "1", "1", "0", "0"],
        ["intake", "2", "1", "0", "0", "1"],
        ["proved:", "1", "of", "3", "(33.3", "%)"],
    ]


def test_an_id_that_no_rule_has_fails_the_report_and_is_named(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A misspelt id proves nothing, so it must not pass unseen."""
    write(
        repository / "tests/test_more.py",
        'import pytest\npytestmark = pytest.mark.rule("A-ONE-2", "A-ONE-9")\n',
    )
    assert run(repository) == 1
    assert "unknown id A-ONE-9: tests/test_more.py:2" in capsys.readouterr().out


def test_a_mark_inside_a_parameter_counts(repository: Path) -> None:
    """Rules proved by one case of a parametrized test are proved."""
    write(
        repository / "tests/test_cases.py",
        "import pytest\n\n"
        '@pytest.mark.parametrize("x", [pytest.param(1, marks=pytest.mark.rule("B-TWO-1"))])\n'
        "def test_cases(x): ...\n",
    )
    coverage = read_coverage(repository)
    assert coverage.proofs["B-TWO-1"] == ["tests/test_cases.py:3"]


@pytest.mark.parametrize(("least", "status"), [("33", 0), ("34", 1)])
def test_too_small_a_share_fails(repository: Path, least: str, status: int) -> None:
    """--min is a floor for the share that is proved, in percent."""
    assert run(repository, "--min", least) == status


def test_a_share_is_counted_over_the_rules_selected(repository: Path) -> None:
    """--service and --tier narrow what is counted."""
    assert run(repository, "--service", "intake", "--tier", "1", "--min", "100") == 0
    assert run(repository, "--section", "B-TWO", "--min", "1") == 1


def test_open_rules_are_listed_with_their_text(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--open names what is left to do, and nothing that is proved."""
    run(repository, "--open")
    shown = capsys.readouterr().out
    assert 'A-ONE-2  [intake, tier 2, open]  second "with one quote' in shown
    assert "B-TWO-1  [complaints, tier 1, stated]  third" in shown
    assert "A-ONE-1 " not in shown


def test_a_test_file_that_cannot_be_read_is_an_error_not_a_zero(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Broken syntax must not look like a rule without a proof."""
    write(repository / "tests/test_broken.py", "def broken(:\n")
    assert run(repository) == 2
    assert "test_broken.py" in capsys.readouterr().err
