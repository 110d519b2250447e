"""Events: what services can record, what they really send, what the contracts say, and what consumers take."""

from __future__ import annotations

import ast
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from kefu.contracts import ROOT, Message, all_contracts
from services.followup.schemas_care import DeliveredSchema
from services.intake.schemas import ContactSchema
from services.names import SERVICES
from shared.clocks.digest import DIGEST, unpack
from shared.identity.masking import is_personal_key, mask_text
from shared.messaging.delivery import Outcome
from shared.messaging.envelope import parse
from tests.contract.examples import changed, faults, places, without
from tests.contract.json_schema import plain, schema_of
from tests.contract.stage import Handled, Published, Stage
from tests.contract.story import MONDAY, tell, told

CONTRACTS = all_contracts()
SENT = [
    pytest.param(name, message, id=f"{name}-{message.type}")
    for name, contract in CONTRACTS.items()
    for message in contract.sent().values()
]
every_service = pytest.mark.parametrize("service", SERVICES)
every_event = pytest.mark.parametrize(("service", "message"), SENT)

#: Fields that an event may lack.
OPTIONAL = {("traceparent",), ("data", "next_reply_at")}
#: Fields called "name" that name no person: a deadline's name is a code of the rulebook.
NAMES_OF_THINGS = {("data", "clocks", "name")}


class _Recorded(ast.NodeVisitor):
    """Collects the event types that ``record`` is called with; a variable counts as what was assigned to it."""

    def __init__(self) -> None:
        self.found: set[str] = set()
        self.unclear: list[int] = []
        self._assigned: dict[str, ast.expr] = {}

    def visit_Assign(self, node: ast.Assign) -> None:
        for target in node.targets:
            if isinstance(target, ast.Name):
                self._assigned[target.id] = node.value
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        if isinstance(node.func, ast.Attribute) and node.func.attr == "record":
            self._take(node.args[0])
        self.generic_visit(node)

    def _take(self, value: ast.expr) -> None:
        if isinstance(value, ast.Name) and value.id in self._assigned:
            value = self._assigned[value.id]
        if isinstance(value, ast.IfExp):
            self._take(value.body)
            self._take(value.orelse)
        elif isinstance(value, ast.Constant) and isinstance(value.value, str):
            self.found.add(value.value)
        else:
            self.unclear.append(value.lineno)


def recorded_by(service: str) -> set[str]:
    """Return every event type in the service's code."""
    found: set[str] = set()
    for path in code_of(service):
        visitor = _Recorded()
        visitor.visit(ast.parse(path.read_text(encoding="utf-8")))
        assert not visitor.unclear, f"{path}: write the event's type where it is recorded"
        found |= visitor.found
    return found | digests_of(service)


def digests_of(service: str) -> set[str]:
    """Return what carries the events of a service whose clocks fire; nobody records it, the outbox makes it."""
    return (
        {DIGEST}
        if any("fire_due(" in path.read_text(encoding="utf-8") for path in code_of(service))
        else set()
    )


@cache
def code_of(service: str) -> tuple[Path, ...]:
    """Return the modules of a service and what they import of ``shared``, through any chain of imports."""
    found: set[Path] = set()
    waiting = sorted((ROOT / "services" / service).rglob("*.py"))
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        found.add(path)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("shared"):
                names = [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
                files = [ROOT / f"{name.replace('.', '/')}.py" for name in names]
                waiting += [file for file in files if file.is_file()]
    return tuple(sorted(found))


@every_service
def test_every_event_in_the_code_is_in_the_contract_and_the_reverse(service: str) -> None:
    """No event goes out that the contract does not name, and none is promised that nobody records."""
    assert recorded_by(service) == set(CONTRACTS[service].sent())


def test_the_story_makes_every_service_send_every_event_of_its_contract() -> None:
    """Guards the next test: an event the story leaves out would be checked against nothing."""
    sent = {(each.source, each.routing_key) for each in told().published if each.source != "external"}
    assert sent == {(name, kind) for name, contract in CONTRACTS.items() for kind in contract.sent()}


def test_every_event_the_services_really_send_is_as_the_contract_says() -> None:
    """Envelope and data of whole cases, from the contact to the last callback, built by the domain itself."""
    for each in told().published:
        if each.source == "external":
            continue
        wrong = faults(each.document, CONTRACTS[each.source].sent()[each.routing_key].payload)
        assert not wrong, f"{each.source} {each.routing_key}: {wrong}"


def test_the_stories_events_are_numbered_without_gaps_and_never_twice() -> None:
    """The promise in the envelope: source and id are unique, sequence counts the events of one subject from 1.

    Whether an event came by itself or in a digest makes no difference to that.
    """
    numbers: dict[str, list[int]] = {}
    for each in told().published:
        if each.source == "external":
            continue
        event = parse(each.document)
        carried = unpack(event) if event.type == DIGEST else []
        for said in (event, *carried):
            # One event of the story is made up and stands for another replica's.
            if said.subject is not None and said.sequence is not None and said.sequence != 99:
                assert said.id == f"{said.subject}.{said.sequence}"
                numbers.setdefault(said.subject, []).append(said.sequence)
    for subject, found in numbers.items():
        assert found == list(range(1, len(found) + 1)), subject


@every_event
def test_no_field_may_be_added_to_an_event_or_left_out(service: str, message: Message) -> None:
    """What is sent is described to the last field: a slip, a personal one above all, fails the story's test."""
    del service
    for example in message.examples:
        event = example["payload"]
        for at, value in places(event):
            if isinstance(value, dict):
                assert faults(changed(event, (*at, "surprise"), 1), message.payload), at
                for name in value:
                    missing_is_wrong = bool(faults(without(event, (*at, name)), message.payload))
                    assert missing_is_wrong != ((*at, name) in OPTIONAL), (*at, name)


@every_event
def test_an_example_is_what_the_envelope_promises(service: str, message: Message) -> None:
    """Examples are read as our own consumers read events, and say who sent what in the same words."""
    for example in message.examples:
        event = parse(example["payload"])
        assert event.source == f"/kefu/{service}"
        assert event.type == message.type
        assert event.id == f"{event.subject}.{event.sequence}"
        assert event.subject in event.data.values()
        assert event.dataschema == f"urn:kefu:{service}:{message.type}:1"


@every_event
def test_no_event_has_a_place_for_personal_data(service: str, message: Message) -> None:
    """Events carry ids; who may see a name or a phone number asks intake by RPC."""
    del service
    for names in _properties(message.payload, ()):
        assert names in NAMES_OF_THINGS or not is_personal_key(names[-1]), ".".join(names)
    for example in message.examples:
        for at, value in places(example["payload"]):
            if isinstance(value, str):
                assert mask_text(value) == value, at


def test_the_names_that_are_not_personal_are_codes() -> None:
    """Guards the exception above: a person's name does not fit where a deadline's name stands."""
    message = CONTRACTS["complaints"].sent()["case_opened"]
    event = message.examples[0]["payload"]
    assert event["data"]["clocks"]
    assert faults(changed(event, ("data", "clocks", 0, "name"), "测试甲"), message.payload)
    assert faults(changed(event, ("data", "clocks", 0, "name"), "Zhang San"), message.payload)


def test_the_one_event_with_personal_data_comes_from_outside_and_goes_no_further() -> None:
    """The story's customers, by name, phone and words, appear in no event of ours."""
    personal = set()
    for each in told().published:
        if each.routing_key == "contact.received":
            data = each.document["data"]
            personal |= {data["customer"]["name"], data["customer"]["phone"], data["text"]}
    ours = b"".join(each.body for each in told().published if each.source != "external").decode()
    assert personal
    assert not [value for value in personal if value in ours]


def test_contact_received_is_described_as_intake_reads_it() -> None:
    """The data of the one event from outside: names, types, bounds, one to one with what the code loads."""
    (message,) = CONTRACTS["intake"].receivers()["on_external_events"].messages
    assert plain(message.payload["properties"]["data"]) == schema_of(ContactSchema)


def test_message_delivered_is_described_as_followup_reads_it() -> None:
    """The data of a gateway's report: names, types, bounds, one to one with what the code loads."""
    (message,) = CONTRACTS["followup"].receivers()["on_external_events"].messages
    assert plain(message.payload["properties"]["data"]) == schema_of(DeliveredSchema)


@cache
def lived() -> Stage:
    """Return services that have been through the story, so that they know what the examples speak of."""
    return tell()


def deliver(stage: Stage, source: str, event: dict[str, Any]) -> list[Handled]:
    """Publish one event as its source would and return what each consumer made of it."""
    user = source
    if source == "external":
        user = f"pub-{event['source'].split('/')[1]}"
    body = json.dumps(event, ensure_ascii=False).encode()
    return stage.deliver([Published(source, event["type"], body, user)])


@every_event
def test_every_consumer_takes_every_publishers_example(service: str, message: Message) -> None:
    """What a publisher's contract shows, each of its consumers acts on: no dead letter, nothing put off."""
    for example in message.examples:
        outcomes = deliver(lived(), service, example["payload"])
        assert {each.service for each in outcomes} == _consumers(service, message.type)
        for each in outcomes:
            assert each.outcome in {Outcome.DONE, Outcome.DUPLICATE}, (example["name"], each)


@every_event
def test_a_consumer_that_knows_nothing_yet_waits_at_most(service: str, message: Message) -> None:
    """Events may overtake each other: one about something not known yet is put off, never given up."""
    stage = Stage.at(MONDAY)
    for example in message.examples:
        for each in deliver(stage, service, example["payload"]):
            assert each.outcome is not Outcome.DEAD, each
            assert each.outcome is not Outcome.RETRY or "not known yet" in (each.reason or ""), each


@every_event
def test_a_consumer_passes_over_what_a_newer_publisher_adds(service: str, message: Message) -> None:
    """Adding a field breaks nobody, so publishers can be deployed before their consumers."""
    event = message.examples[0]["payload"]
    newer = changed(changed(event, ("data", "added_later"), {"x": [1]}), ("extension",), "later")
    for each in deliver(lived(), service, newer):
        assert each.outcome in {Outcome.DONE, Outcome.DUPLICATE}, each


@every_event
def test_an_event_without_its_data_is_given_up_by_whoever_needs_it(service: str, message: Message) -> None:
    """Guards the tests above: a consumer that takes just anything would pass them too."""
    event = changed(message.examples[0]["payload"], ("data",), {})
    event["id"] = f"{event['subject']}.9999"
    needy = [each for each in deliver(Stage.at(MONDAY), service, event) if each.service != "reporting"]
    for each in needy:
        assert each.outcome is Outcome.DEAD, each
        assert each.reason


def test_intake_registers_the_example_of_an_external_system() -> None:
    """Whoever publishes the contract's example gets a registered contact, not a rejection."""
    stage = Stage.at(MONDAY)
    (message,) = CONTRACTS["intake"].receivers()["on_external_events"].messages
    for example in message.examples:
        (handled,) = deliver(stage, "external", example["payload"])
        assert handled.outcome is Outcome.DONE, handled
    sent = [each.routing_key for each in stage.published]
    assert sent.count("contact_registered") == len(message.examples)
    assert "contact_rejected" not in sent


def _consumers(source: str, kind: str) -> set[str]:
    return {
        name
        for name, contract in CONTRACTS.items()
        for key, receiver in contract.receivers().items()
        if key == f"on_{source}_events" and kind in {message.type for message in receiver.messages}
    }


def _properties(schema: Any, at: tuple[str, ...]) -> set[tuple[str, ...]]:
    """Return the path of every property a schema names, list positions left out."""
    if isinstance(schema, list):
        return {path for each in schema for path in _properties(each, at)}
    if not isinstance(schema, dict):
        return set()
    found: set[tuple[str, ...]] = set()
    for keyword, value in schema.items():
        if keyword == "properties":
            for name, inner in value.items():
                found |= {(*at, name)} | _properties(inner, (*at, name))
        elif keyword in {"allOf", "anyOf", "oneOf", "items", "then", "else"}:
            found |= _properties(value, at)
    return found
