"""The contracts are AsyncAPI 3.0 documents, their references lead somewhere, and their examples are true."""

from __future__ import annotations

import copy
import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from kefu.contracts import (
    COMMON,
    ROOT,
    Contract,
    ContractError,
    Message,
    all_contracts,
    expand,
    follow,
    locate,
    read,
    references,
)
from services.names import SERVICES
from tests.contract.examples import faults

SCHEMA = Path(__file__).parent / "schemas" / "asyncapi-3.0.0.json"
#: As the file's note says; a changed copy is no longer the official one.
SCHEMA_SHA256 = "d4571a420e6ffb7fcc7066c95a6db1202f299a3c51daa103d0706bf30f95e626"
DOCUMENTS = [
    COMMON,
    COMMON.with_name("registers.yaml"),
    *(ROOT / "services" / service / "asyncapi.yaml" for service in SERVICES),
]
CONTRACTS = all_contracts()

every_document = pytest.mark.parametrize(
    "path", DOCUMENTS, ids=lambda path: f"{path.parent.name}-{path.stem}"
)
every_service = pytest.mark.parametrize("service", SERVICES)


@cache
def official() -> Draft7Validator:
    return Draft7Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))


def messages_of(contract: Contract) -> list[Message]:
    """Return every message that the service itself describes."""
    own = [
        message for call in contract.calls().values() for message in (*call.messages, call.reply) if message
    ]
    own += contract.sent().values()
    if "external_events" in contract.document["channels"]:
        own += contract.receivers()["on_external_events"].messages
    return own


OWN_MESSAGES = [
    pytest.param(message, id=f"{name}-{message.key}")
    for name, contract in CONTRACTS.items()
    for message in messages_of(contract)
]
every_message = pytest.mark.parametrize("message", OWN_MESSAGES)


def test_the_official_schema_is_the_one_its_note_names() -> None:
    """Guards that nobody bends the yardstick to fit a document."""
    assert hashlib.sha256(SCHEMA.read_bytes()).hexdigest() == SCHEMA_SHA256
    assert SCHEMA_SHA256 in (SCHEMA.parent / "README.md").read_text(encoding="utf-8")


@every_document
def test_a_contract_is_a_valid_asyncapi_document(path: Path) -> None:
    """Any AsyncAPI 3.0 tool can read the contracts."""
    document = read(path)
    errors = [
        f"{'/'.join(map(str, error.absolute_path))}: {error.message[:300]}"
        for error in official().iter_errors(document)
    ]
    assert not errors


def test_the_official_schema_refuses_what_is_no_asyncapi_document() -> None:
    """Guards the test above against a schema whose references silently check nothing."""
    document = copy.deepcopy(read(DOCUMENTS[2]))
    document["operations"]["get_contact"]["action"] = "sing"
    document["channels"]["rpc"]["bindings"]["amqp"]["is"] = "pigeon"
    paths = {tuple(error.absolute_path)[:2] for error in official().iter_errors(document)}
    assert {("operations", "get_contact"), ("channels", "rpc")} <= paths


@every_document
def test_every_reference_leads_somewhere(path: Path) -> None:
    """A reference into nothing, or in a circle, makes a contract worthless to every tool."""
    document = read(path)
    for reference in set(references(document)):
        target, pointer = locate(reference, path)
        assert target.is_relative_to(ROOT), f"{reference} leaves the repository"
        follow(read(target), pointer, target)
    expand(document, path)


def test_a_reference_that_leads_nowhere_is_named(tmp_path: Path) -> None:
    """Guards that the check above can fail, and says where."""
    path = tmp_path / "asyncapi.yaml"
    path.write_text("a: {$ref: '#/b/c'}\nb: {}\nd: {$ref: '#/e'}\ne: {$ref: '#/d'}\n", encoding="utf-8")
    document = read(path)
    with pytest.raises(ContractError, match="nothing at #/b/c"):
        expand(document["a"], path)
    with pytest.raises(ContractError, match="circle"):
        expand(document["d"], path)


@every_service
def test_operations_point_at_channels_and_at_messages_of_just_these_channels(service: str) -> None:
    """What AsyncAPI demands of an operation in words, beyond what its schema can check."""
    contract = CONTRACTS[service]
    for key, row in contract.document["operations"].items():
        pairs = [(row["channel"], row["messages"])]
        if "reply" in row:
            pairs.append((row["reply"]["channel"], row["reply"]["messages"]))
        for channel, messages in pairs:
            place = channel["$ref"].removeprefix("#")
            assert place.startswith("/channels/"), key
            assert messages, key
            for message in messages:
                assert message["$ref"].startswith(f"#{place}/messages/"), key


@every_service
def test_every_channel_and_every_message_is_used_by_an_operation(service: str) -> None:
    """Nothing is left behind in a contract when an operation goes."""
    document = CONTRACTS[service].document
    operations = list(references(document["operations"]))
    for name, channel in document["channels"].items():
        assert f"#/channels/{name}" in operations
        for message in channel["messages"]:
            assert f"#/channels/{name}/messages/{message}" in operations
    used = set(references(document["channels"]))
    assert {f"#/components/messages/{name}" for name in document["components"]["messages"]} <= used


@every_service
def test_every_schema_of_the_components_is_used(service: str) -> None:
    """The same for shapes; another contract may be the one that uses them."""
    used = {
        f"{target}#{pointer}"
        for path in DOCUMENTS
        for reference in references(read(path))
        for target, pointer in [locate(reference, path)]
    }
    contract = CONTRACTS[service]
    schemas = contract.document["components"]["schemas"]
    unused = [name for name in schemas if f"{contract.path}#/components/schemas/{name}" not in used]
    assert not unused


@every_message
def test_payload_and_headers_are_valid_json_schemas(message: Message) -> None:
    """A misspelt keyword would check nothing; at least its value has the right type."""
    Draft7Validator.check_schema(message.payload)
    Draft7Validator.check_schema(message.headers)


@every_message
def test_a_message_has_an_example_and_each_is_as_its_schema_says(message: Message) -> None:
    """Whoever copies an example sends something right."""
    assert message.examples
    names = [example["name"] for example in message.examples]
    assert len(set(names)) == len(names)
    for example in message.examples:
        assert not faults(example["payload"], message.payload), example["name"]
        if "headers" in example:
            assert not faults(example["headers"], message.headers), example["name"]


@every_service
def test_every_request_shows_its_headers(service: str) -> None:
    """Token and deadline are part of every call, so each example shows them."""
    for key, call in CONTRACTS[service].calls().items():
        for message in call.messages:
            assert {"nameko.auth_token", "nameko.deadline"} <= set(message.headers["required"]), key
            assert all("headers" in example for example in message.examples), key


@every_service
def test_objects_that_a_contract_describes_by_their_fields_take_no_others(service: str) -> None:
    """Strict where we speak: a field that slips into an event or an answer must be put into the contract first."""
    contract = CONTRACTS[service]
    loose = [
        path
        for path, schema in _objects(contract.document["components"]["schemas"], ())
        if "properties" in schema and schema.get("additionalProperties") is not False
    ]
    assert not loose


def _objects(node: Any, path: tuple[str, ...]) -> list[tuple[str, dict[str, Any]]]:
    if isinstance(node, list):
        return [each for part in node for each in _objects(part, path)]
    if not isinstance(node, dict):
        return []
    found = [("/".join(path), node)] if node.get("type") in ("object", ["object", "null"]) else []
    return found + [each for name, part in node.items() for each in _objects(part, (*path, name))]
