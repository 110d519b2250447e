"""What the READMEs say of calls and events is what the contracts say."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from kefu import contracts
from kefu.cli.publishing import example_event
from kefu.contracts import BEGIN, END, ROOT, Contract, ContractError, all_contracts, main, part, rendered
from kefu.demo.dataset import generate_day
from services.names import SERVICES
from tests.contract.examples import faults

CONTRACTS = all_contracts()
#: READMEs whose tables are made from the contract; the others' are written by hand and checked word by word.
GENERATED = ("intake", "complaints", "reporting")
every_service = pytest.mark.parametrize("service", SERVICES)

_CODE = re.compile(r"`([^`\n]+)`")


def readme_of(service: str) -> str:
    return (ROOT / "services" / service / "README.md").read_text(encoding="utf-8")


def calls_in(text: str) -> dict[str, tuple[str, set[str]]]:
    """Return kind and the code words of the arguments of every call in a README's tables."""
    found = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) > 2 and cells[1] in {"command", "query"}:
            for name in _CODE.findall(cells[0]):
                found[name] = (cells[1], set(_CODE.findall(cells[2])))
    return found


@every_service
def test_a_readme_lists_every_call_with_its_kind_and_arguments(service: str) -> None:
    """Nobody reads of a call that is not there, or misses one that is."""
    listed = calls_in(readme_of(service))
    calls = CONTRACTS[service].calls()
    assert set(listed) == set(calls)
    for name, call in calls.items():
        kind, words = listed[name]
        (request,) = call.messages
        arguments = set(part(request.payload, "kwargs").get("properties", {})) - {"idempotency_key"}
        assert kind == call.kind, name
        assert arguments <= words, name


@every_service
def test_a_readme_names_every_event_that_the_service_sends(service: str) -> None:
    """Whoever wants to subscribe finds what there is."""
    named = set(_CODE.findall(readme_of(service)))
    assert set(CONTRACTS[service].sent()) <= named


@pytest.mark.parametrize("service", GENERATED)
def test_generated_tables_are_those_of_the_contract(service: str) -> None:
    """After a change of the contract: ``python -m kefu.contracts render``."""
    text = readme_of(service)
    assert rendered(text, CONTRACTS[service]) == text


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of one service whose README is out of date."""
    for service in SERVICES:
        (tmp_path / "services" / service).mkdir(parents=True)
    (tmp_path / "shared" / "contracts").mkdir(parents=True)
    contracts_of_all = sorted((ROOT / "shared" / "contracts").glob("*.yaml"))
    for path in (*contracts_of_all, *(ROOT / "services" / name / "asyncapi.yaml" for name in SERVICES)):
        (tmp_path / path.relative_to(ROOT)).write_bytes(path.read_bytes())
    readme = tmp_path / "services" / "intake" / "README.md"
    readme.write_text(f"# intake\n\n{BEGIN}\nold\n{END}\n\nafter\n", encoding="utf-8")
    monkeypatch.setattr(contracts, "ROOT", tmp_path)
    return readme


def test_rendering_mends_a_readme_that_is_out_of_date(
    elsewhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """``check`` says which README differs and fails; ``render`` replaces just what stands between the markers."""
    assert main(["check", "intake"]) == 1
    assert "services/intake/README.md differs" in capsys.readouterr().err
    assert main(["render", "intake"]) == 0
    assert main(["check", "intake"]) == 0
    text = elsewhere.read_text(encoding="utf-8")
    assert "| `register_contact` | command |" in text
    assert "old" not in text.split()
    assert text.startswith("# intake\n\n")
    assert text.endswith("\n\nafter\n")


def test_a_readme_without_markers_or_a_wrong_word_is_an_error(
    elsewhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is written over and the exit code tells scripts."""
    elsewhere.write_text("# by hand\n", encoding="utf-8")
    assert main(["render", "intake"]) == 1
    assert "lacks the lines" in capsys.readouterr().err
    assert elsewhere.read_text(encoding="utf-8") == "# by hand\n"
    assert main(["render", "complaints"]) == 1  # no README at all
    assert main(["paint"]) == 2
    assert main([]) == 2
    assert main(["render", "billing"]) == 2
    with pytest.raises(ContractError):
        rendered("# by hand\n", CONTRACTS["intake"])


def test_a_contract_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """A broken file says which it is instead of a stack of the parser's own words."""
    for text in ("a: [", "- a\n- b\n"):
        path = tmp_path / f"{len(text)}.yaml"
        path.write_text(text, encoding="utf-8")
        with pytest.raises(ContractError, match=path.name):
            Contract("intake", path)
    with pytest.raises(ContractError, match=r"none\.yaml"):
        Contract("intake", tmp_path / "none.yaml")


def contact_received() -> dict[str, Any]:
    (message,) = CONTRACTS["intake"].receivers()["on_external_events"].messages
    return message.payload


def test_the_readmes_first_event_is_as_the_contract_says() -> None:
    """The event a newcomer copies from the README is right."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    begin = text.rindex("{", 0, text.index('"specversion"'))
    event, _ = json.JSONDecoder().raw_decode(_without_trailing_commas(text[begin:]))
    assert not faults(event, contact_received())


def test_the_command_lines_example_is_as_the_contract_says() -> None:
    """So is what ``kefu publish --example`` prints."""
    assert not faults(example_event(datetime(2026, 11, 23, 1, 0, tzinfo=UTC)), contact_received())


def test_the_demo_days_good_events_are_as_the_contract_says() -> None:
    """Five organisations' systems send what the contract describes, hundreds of times, and its faults are faults."""
    schema = contact_received()
    day = generate_day(1, datetime(2026, 11, 22, 10, 0, tzinfo=UTC), "r1")
    accepted = [json.loads(item.body) for item in day.items if item.expected == "accepted"]
    assert len(accepted) > 300
    assert not [wrong for event in accepted for wrong in faults(event, schema)]


def _without_trailing_commas(text: str) -> str:
    return re.sub(r",(\s*[}\]])", r"\1", text)
