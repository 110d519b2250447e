"""``kefu regulation``: what it prints, how it ends, and that no bad file gets past it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from typer.testing import CliRunner, Result

from kefu.cli.app import app
from services.complaints.rulebook import load_rulebooks
from services.names import SERVICES
from shared.regulations import RegulationError

ROOT = Path(__file__).parents[3]
PLAZA = "services/complaints/regulations/commercial-plaza.yaml"
PROPERTY = "services/followup/regulations/property.yaml"
RETAIL = "services/intake/regulations/retail-chain.yaml"
KPIS = "services/reporting/regulations/property.yaml"
DEMO = "organisations/plaza-demo.yaml"


def kefu(*arguments: str) -> Result:
    result = CliRunner().invoke(app, ["regulation", *arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of all rulebook files, laid out like a checkout."""
    shutil.copytree(ROOT / "organisations", tmp_path / "organisations")
    for service in SERVICES:
        shutil.copytree(
            ROOT / "services" / service / "regulations", tmp_path / "services" / service / "regulations"
        )
    return tmp_path


Change = Callable[[str, str, str], None]


@pytest.fixture
def change(tree: Path) -> Change:
    """Changes one place of one file of the copy."""

    def change_file(file: str, old: str, new: str) -> None:
        path = tree / file
        text = path.read_text(encoding="utf-8")
        assert text.count(old) >= 1
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    return change_file


def test_sound_files_are_told_to_be_ok() -> None:
    """One line a service and one an organisation, and the exit code scripts look at."""
    result = kefu("check")

    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) == len(SERVICES) + 7
    assert all(line.startswith("OK") for line in result.stdout.splitlines())
    assert "云桥商业广场（演示）" in result.stdout


FAULTS = {
    "an unknown key": (
        (PLAZA, "    repeat_escalates:", "    repeat_escalate:"),
        "repeat_escalate: unknown key",
    ),
    "a wrong unit": (
        (PLAZA, "amount: 3, unit: hours", "amount: 3, unit: hour"),
        "clocks.first_contact.duration: the unit must be one of minutes, hours",
    ),
    "two versions from one day": (
        (
            PLAZA,
            'versions:\n  - version: "2026.1"\n',
            'versions:\n  - {version: "2026.0", effective_from: 2020-01-01}\n  - version: "2026.1"\n',
        ),
        "versions: effective_from 2020-01-01 is given more than once; two versions may not be in force",
    ),
    "a level without a deadline": (
        (PLAZA, "          major: {", "          # major: {"),
        "clocks.close.by_level.major: the level has no deadline",
    ),
    "a limit taken off a level below one that has it": (
        (
            PLAZA,
            "          general: {amount: 3,",
            "          # general: {amount: 3,",
        ),
        "clocks.close.by_level.general: the level has no deadline",
    ),
    "a role nobody holds": (
        ("organisations/retail-demo.yaml", "ops_cs, ", ""),
        "nobody of retail-demo holds the role 'ops_cs'",
    ),
    "a role misspelt in a rulebook": (
        (RETAIL, "target: ops_cs", "target: opscs"),
        "categories.complaint.target: nobody of retail-demo holds the role 'opscs'",
    ),
    "a calendar that does not exist": (
        (DEMO, "calendar: cn", "calendar: atlantis"),
        "calendar: there is no calendar called 'atlantis'",
    ),
    "a value without a source": (
        (KPIS, "target: {value: 50, source: A-PRM-02}", "target: {value: 50}"),
        "kpis.callback_rate_of_handled.target.source: is missing: every value names its source",
    ),
    "a source that does not exist": (
        (PLAZA, "source: B-JKC-52", "source: B-JKC-99"),
        "clocks.first_contact.duration.source: there is no rule B-JKC-99: B-JKC ends with B-JKC-63",
    ),
    "a source of another trade": (
        (PROPERTY, "source: B-PRO-14", "source: B-JKC-50"),
        "B-JKC-50 belongs to another trade; property rests on",
    ),
    "a base that does not exist": (
        (PROPERTY, "extends: standard", "extends: basics"),
        "extends: there is no profile 'basics'",
    ),
    "profiles that extend each other": (
        (
            "services/followup/regulations/standard.yaml",
            "profile: standard",
            "profile: standard\nextends: property",
        ),
        "extends: the profiles extend each other in a circle: property -> standard -> property",
    ),
    "an unknown profile": (
        (DEMO, "profile: commercial-plaza", "profile: market-hall"),
        "profile: there is no profile 'market-hall'",
    ),
    "broken YAML": ((PROPERTY, "versions:", "versions: ["), "is not valid YAML: "),
    "a key written twice": (
        (DEMO, "calendar: cn", "calendar: cn\ncalendar: de"),
        "is not valid YAML: the key 'calendar' is written twice, again in line",
    ),
}


@pytest.mark.parametrize(("edit", "reason"), FAULTS.values(), ids=FAULTS.keys())
def test_a_bad_file_is_named_with_path_and_reason(
    edit: tuple[str, str, str], reason: str, tree: Path, change: Change
) -> None:
    """One line a fault, exit code 1, nothing called OK."""
    change(*edit)

    result = kefu("check", str(tree))

    assert result.exit_code == 1
    assert "OK" not in result.stdout
    named = [line for line in result.stdout.splitlines() if reason in line]
    assert named
    assert named[0].startswith(str(tree))
    assert "role nobody" in reason or named[0].startswith((str(tree / edit[0]), str(tree / "services")))


def test_all_faults_come_at_once_each_on_one_line(tree: Path, change: Change) -> None:
    """Whoever mends the files runs the check once, and a fault four services see is told once."""
    for edit, _ in list(FAULTS.values())[:2]:
        change(*edit)
    change(DEMO, "calendar: cn", "calendar: atlantis")
    change(PROPERTY, "source: B-PRO-14", "source: B-PRO-99")

    result = kefu("check", str(tree))

    files = [line.split(": ")[0] for line in result.stdout.splitlines()]
    assert files == [str(tree / file) for file in (DEMO, PLAZA, PLAZA, PROPERTY)]
    assert "4 faults found" in result.stderr


def test_the_check_is_the_one_at_the_start_of_a_service(tree: Path, change: Change) -> None:
    """What the command says, a service says too, in the same words, and does not start."""
    change(PLAZA, "source: B-JKC-52", "source: B-JKC-99")
    change("organisations/retail-demo.yaml", "store_superior", "store_helper")

    with pytest.raises(RegulationError) as refused:
        load_rulebooks(tree / "organisations", tree / "services/complaints/regulations")

    assert [str(fault) for fault in refused.value.faults] == kefu("check", str(tree)).stdout.splitlines()
    assert len(refused.value.faults) == 2


def test_faults_can_be_read_by_a_program(tree: Path, change: Change) -> None:
    """JSON in both cases, with the same exit codes."""
    sound = kefu("check", str(tree), "--json")
    change(DEMO, "calendar: cn", "calendar: atlantis")
    faulty = kefu("check", str(tree), "--json")

    assert (sound.exit_code, faulty.exit_code) == (0, 1)
    assert json.loads(sound.stdout)["ok"] is True
    assert json.loads(sound.stdout)["faults"] == []
    assert json.loads(faulty.stdout)["faults"] == [
        {
            "file": str(tree / DEMO),
            "path": "calendar",
            "reason": "there is no calendar called 'atlantis'",
        }
    ]


def test_a_directory_of_organisations_alone_is_checked_with_the_services_own_profiles(tree: Path) -> None:
    """What a deployment mounts can be checked before it is mounted."""
    assert kefu("check", str(tree / "organisations")).exit_code == 0


def test_the_organisations_of_the_environment_are_checked(
    tree: Path, change: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same variable that the services read."""
    monkeypatch.setenv("KEFU_ORGANISATIONS_DIR", str(tree / "organisations"))
    change(DEMO, "calendar: cn", "calendar: atlantis")

    assert "atlantis" in kefu("check").stdout


def test_a_directory_without_any_rulebook_is_refused(tmp_path: Path) -> None:
    """A wrong path must not be called OK."""
    result = kefu("check", str(tmp_path))

    assert result.exit_code == 1
    assert "holds neither organisations/" in result.stderr


def statement(shape: dict[str, Any], service: str, path: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = shape["services"][service]["statements"]
    (row,) = [row for row in found if row["path"] == path]
    return row


def test_a_rulebook_is_shown_with_value_unit_source_and_layer() -> None:
    """What is inherited names the layer it comes from: base, profile or the organisation itself."""
    shape = json.loads(kefu("show", "plaza-demo", "--json").stdout)

    close = statement(shape, "complaints", "clocks.close.by_level.important")
    assert (close["value"], close["unit"], close["source"], close["layer"]) == (
        "7",
        "working days, from the next day, to the end of the day",
        "B-JKC-55",
        "commercial-plaza",
    )
    assert statement(shape, "complaints", "close_condition")["layer"] == "standard"
    assert statement(shape, "followup", "callbacks.complaint.due")["layer"] == "plaza-demo"
    assert statement(shape, "intake", "channels.counter")["source"] == "organisation"
    assert "grounds" in shape["services"]["complaints"]["says_nothing_on"]
    assert list(shape["services"]) == list(SERVICES)


def test_a_grant_with_a_rule_of_its_own_keeps_it() -> None:
    """Two rules may name the roles of one step."""
    shape = json.loads(kefu("diff", "property", "standard", "--json").stdout)

    rows = {row["path"]: row["left"] for row in shape["differences"] if row["left"]}
    assert rows["steps.reply.grants.duty_staff"]["source"] == "B-PRO-11"
    assert rows["steps.reply.grants.property_clerk"]["source"] == "B-CCP-23"


def test_one_service_can_be_shown_alone_and_the_columns_stand_straight() -> None:
    """Chinese characters take two columns and are counted so."""
    result = kefu("show", "retail-demo", "--service", "complaints")

    assert result.exit_code == 0
    assert "禾田连锁门店（演示）" in result.stdout
    assert "numbering" not in result.stdout
    lines = result.stdout.splitlines()
    begin = next(n for n, line in enumerate(lines) if line.lstrip().startswith("rule"))
    rows = [line for line in lines[begin:] if line.rstrip().endswith("retail-chain")]
    ends = {cell_len(line.rstrip()) for line in rows}
    assert len(rows) > 10
    assert ends == {cell_len(rows[0].rstrip())}


def test_the_rulebook_of_another_day_can_be_shown(tree: Path, change: Change) -> None:
    """A version is shown from the day it comes into force, by the organisation's own calendar day."""
    change(
        "services/intake/regulations/retail-chain.yaml",
        "versions:\n",
        'versions:\n  - {version: "2030.1", effective_from: 2030-07-01}\n',
    )

    def versions(day: str) -> str:
        result = kefu("show", "retail-demo", "--at", day, "--json", "--dir", str(tree))
        version: str = json.loads(result.stdout)["services"]["intake"]["version"]
        return version

    assert versions("2030-06-30") == "standard:2026.1,retail-chain:2026.1"
    assert versions("2030-07-01") == "standard:2026.1,retail-chain:2030.1"


def test_two_versions_of_a_profile_can_be_compared(tree: Path, change: Change) -> None:
    """PROFILE@VERSION; only what differs is told, with both values."""
    path = tree / "services/reporting/regulations/retail-chain.yaml"
    with path.open("a", encoding="utf-8") as file:
        file.write(
            '  - version: "2030.1"\n    effective_from: 2030-01-01\n'
            "    month_report_by_day: {value: 5, source: B-RET-33}\n"
        )
    result = kefu("diff", "retail-chain@2026.1", "retail-chain@2030.1", "--json", "--dir", str(tree))

    (row,) = [row for row in json.loads(result.stdout)["differences"] if row["service"] == "reporting"]
    assert (row["path"], row["left"]["value"], row["right"]["value"]) == ("month_report_by_day", "10", "5")


def test_a_table_of_differences_has_a_column_for_each_side() -> None:
    """Two organisations, a profile and an organisation, anything with anything."""
    result = kefu("diff", "retail-chain", "plaza-demo")

    assert result.exit_code == 0
    assert "clocks.first_contact" in result.stdout
    assert "B-RET-32" in result.stdout
    assert kefu("diff", "plaza-demo", "plaza-demo").stdout == "plaza-demo and plaza-demo say the same\n"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("atlantis", "there is no profile and no organisation 'atlantis'; known are the profiles"),
        ("retail-chain@1999", "profile 'retail-chain' has no version '1999'; its versions are 2026.1"),
    ],
)
def test_an_unknown_name_is_refused_with_those_there_are(name: str, expected: str) -> None:
    """Exit code 1 and plain words."""
    result = kefu("diff", "standard", name)

    assert result.exit_code == 1
    assert expected in result.stderr


def test_a_profile_not_yet_in_force_is_refused() -> None:
    """Nothing is in force before the first version."""
    result = kefu("diff", "standard", "retail-chain", "--at", "2019-12-31")

    assert result.exit_code == 1
    assert "no version in force on 2019-12-31" in result.stderr


CASE = '{"households":7,"amount":"6000","media":false,"received_at":"2025-03-05T10:00:00+08:00","valid":true}'


def test_a_case_is_explained_in_words() -> None:
    """Level and why, clocks with due and warnings, who may do what, what is due after."""
    result = kefu("explain", "plaza-demo", CASE)

    assert result.exit_code == 0
    for part in (
        "level important 重要投诉: households and amount (B-JKC-41)",
        "  important: households from 5; here 7: met (B-JKC-41)",
        "clock close: accepted to closed, 7 working days, from the next day, to the end of the day (B-JKC-55)",
        "  due 2025-03-15T00:00:00+08:00, the first instant that is too late; final",
        "closes after: callback (B-SVN-05)",
        "complaint_handler",
    ):
        assert part in result.stdout


def test_a_case_is_explained_to_a_program() -> None:
    """The same as JSON."""
    shape = json.loads(kefu("explain", "plaza-demo", CASE, "--json").stdout)

    assert shape["level"]["code"] == "important"
    assert {clock["name"]: clock["due"] for clock in shape["clocks"]} == {
        "first_contact": "2025-03-05T13:00:00+08:00",
        "close": "2025-03-15T00:00:00+08:00",
    }


def test_a_case_in_a_file_whose_clocks_rest_is_explained(tmp_path: Path) -> None:
    """What does not run is said, and a limit that is missing on purpose is told from a forgotten one."""
    path = tmp_path / "case.json"
    path.write_text('{"valid": false}', encoding="utf-8")

    result = kefu("explain", "plaza-demo", f"@{path}")

    assert "clock close does not run: runs only on valid cases; 3 working days" in result.stdout


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ("{", "the facts are not JSON"),
        ("[]", "the facts must be a JSON object"),
        ("@/nowhere/case.json", "/nowhere/case.json cannot be read"),
        ('{"colour": "red"}', "colour: is no fact; known are households"),
        ('{"households": 0}', "households: must be a whole number of at least 1: 0"),
        ('{"households": true}', "households: must be a whole number"),
        ('{"amount": "much"}', "amount: must be a sum of yuan"),
        ('{"amount": -1}', "amount: must be a sum of at least 0"),
        ('{"amount": NaN}', "amount: must be"),
        ('{"amount": [1]}', "amount: must be a sum of yuan"),
        ('{"media": "no"}', "media: must be true or false"),
        ('{"received_at": "2025-03-05T10:00:00"}', "received_at: lacks its offset from UTC"),
        ('{"received_at": 5}', "received_at: must be a time such as"),
        ('{"channel": " "}', "channel: must be text"),
        (
            '{"received_at": "2025-03-05T10:00:00+08:00", "decided_at": "2025-03-05T09:00:00+08:00"}',
            "decided_at: lies before received_at",
        ),
    ],
)
def test_wrong_facts_are_wrong_usage(facts: str, expected: str) -> None:
    """Exit code 2, with every fact at fault."""
    result = kefu("explain", "plaza-demo", facts)

    assert result.exit_code == 2
    assert expected in result.stderr


@pytest.mark.parametrize(
    "arguments", [("show", "atlantis"), ("explain", "atlantis", "{}"), ("show", "retail-chain")]
)
def test_an_unknown_organisation_is_refused_with_those_there_are(arguments: tuple[str, ...]) -> None:
    """A profile is no organisation."""
    result = kefu(*arguments)

    assert result.exit_code == 1
    assert "known are estate-demo, it-demo, plaza-demo" in result.stderr


def test_a_day_that_is_none_is_wrong_usage() -> None:
    """Exit code 2."""
    result = kefu("show", "plaza-demo", "--at", "tomorrow")

    assert result.exit_code == 2
    assert "write a day such as 2026-01-31" in result.stderr


@pytest.mark.parametrize(
    "command", [("show", "plaza-demo"), ("diff", "standard", "property"), ("explain", "plaza-demo", "{}")]
)
def test_nothing_is_shown_of_faulty_files(command: tuple[str, ...], tree: Path, change: Change) -> None:
    """A rulebook that no service would start with is not explained either."""
    change(PROPERTY, "source: B-PRO-14", "source: B-PRO-99")

    result = kefu(*command, "--dir", str(tree))

    assert result.exit_code == 1
    assert "there is no rule B-PRO-99" in result.stderr
    assert result.stdout == ""


def test_the_worked_example_of_the_manual_is_sound_and_gives_the_dates_it_says(tmp_path: Path) -> None:
    """Whoever copies it gets what is written beside it."""
    manual = (ROOT / "docs/regulations.md").read_text(encoding="utf-8")
    example = manual.split("```yaml\n# organisations/riverside.yaml\n")[1].split("```")[0]
    (tmp_path / "riverside.yaml").write_text(example, encoding="utf-8")

    def explained(facts: str) -> dict[str, str]:
        result = kefu("explain", "riverside", facts, "--json", "--dir", str(tmp_path))
        return {clock["name"]: clock["due"] for clock in json.loads(result.stdout)["clocks"]}

    assert kefu("check", str(tmp_path)).exit_code == 0
    march = explained('{"received_at": "2025-03-05T10:00:00+08:00"}')
    assert march == {"handled": "2025-03-09T00:00:00+08:00", "first_contact": "2025-03-05T15:30:00+08:00"}
    assert all(f"clock `{name}` due {due}" in manual for name, due in march.items())
    assert list(explained('{"received_at": "2025-03-05T10:00:00+08:00", "amount": "800"}')) == [
        "first_contact"
    ]
    assert explained('{"received_at": "2025-07-01T10:00:00+08:00"}')["first_contact"].startswith(
        "2025-07-01T12:00"
    )
