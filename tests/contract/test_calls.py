"""Calls: entry points, their roles and arguments, their answers and errors, held against the contracts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from marshmallow import RAISE, Schema, ValidationError
from nameko.exceptions import serialize

from kefu.contracts import COMMON, all_contracts, expand, part
from kefu.topology import SERVICES
from shared.errors import ERRORS, KefuError, Problem, error_from_dict
from shared.messaging.problems import flatten_errors
from shared.messaging.rpc import IDEMPOTENCY_KEY, Operation, operations_of
from tests.contract.examples import Json, Place, changed, faults, places, without
from tests.contract.json_schema import plain, schema_of
from tests.contract.story import told

CONTRACTS = all_contracts()
CALLS = [
    pytest.param(service.name, name, operation, id=f"{service.name}.{name}")  # type: ignore[attr-defined]  # nameko's convention
    for service in SERVICES
    for name, operation in operations_of(service).items()
]
every_service = pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
every_call = pytest.mark.parametrize(("service", "name", "operation"), CALLS)

#: What only the code checks, in its own words; the contract tells it in a description.
TOLD_IN_WORDS = {
    "must be a date such as 2026-01-31",
    "goes without a list of customers",
    "goes without a size",
    "names an invitation twice",
    "names one twice",
    "names a callback, or a script",
    "must not be blank",
    "holds control characters",
    "must be one line",
    "is no valid phone number",
    "belongs only to a reply that is not final",
    "names either staff or a department",
    "is needed by the action",
    "either the id or the code",
    "must be 0 to 399 days after the first",
    "lies before the first",
    "is no window of the calendar",
    "give the one or the other: window, or month",
    "is missing: say what the key is one of",
    "is missing: say which",
    "must be given, or else staff, not both",
}
#: Answers that count by codes of the rulebook: whichever there are.
TALLIES = {"count_contacts", "request_statistics"}
#: Values put wherever an argument stands. Whole numbers for truth values are left to Python, where 1 is True.
ODD_VALUES: tuple[Any, ...] = (
    None, "", " ", "x", "Upper Case", "a\nb", "a\n", "a" * 40, "a" * 101, "a" * 5000, "-", "é", "2026-11", "2026-13",
    "2026-11-23T08:50:00", "2026-11-23T08:50:00+08:00", "2026-11-23", "5000.00", "1.234", "-1", "1e5", "9" * 13,
    "reached", "open", "complaint", "enquiry", "company", -1, 2, 200, 201, 1000, 1001, 100_001, 10**12, 1.5,
    True, False, [], {}, ["x"], {"x": "y"}, {"X y": "z"}, {"x": ""}, {"x": 1}, {"problem": "p"},
    {"kind": "person", "name": "测试丙", "phone": None}, {"kind": "person", "name": "测试丙", "unit": "A-1"},
)  # fmt: skip


def contract_arguments(service: str, name: str) -> Json:
    """Return the contract's schema of the arguments, the idempotency key among them."""
    (request,) = CONTRACTS[service].calls()[name].messages
    return part(request.payload, "kwargs")


@every_service
def test_every_entry_point_is_in_the_contract_and_every_call_of_the_contract_has_its_entry_point(
    service: Any,
) -> None:
    """A call nobody described, or a description nobody answers to, is found before a caller finds it."""
    assert set(CONTRACTS[service.name].calls()) == set(operations_of(service))


@every_call
def test_kind_and_roles_are_those_of_the_entry_point(service: str, name: str, operation: Operation) -> None:
    """Who may call is part of the promise; a right taken away or given is a change of the contract."""
    call = CONTRACTS[service].calls()[name]
    assert call.kind == operation.kind
    assert call.roles == operation.roles


@every_call
def test_the_arguments_are_those_the_entry_point_takes(service: str, name: str, operation: Operation) -> None:
    """Names, types, bounds and what is required: one to one with what the code loads."""
    expected = schema_of(operation.schema, unknown=RAISE)
    if operation.kind == "command":
        key = plain(expand({"$ref": "#/components/schemas/idempotency_key"}, COMMON))
        expected["properties"][IDEMPOTENCY_KEY] = key
        expected["required"] = sorted([*expected.get("required", ()), IDEMPOTENCY_KEY])
    assert plain(contract_arguments(service, name)) == expected


@every_call
def test_the_contracts_request_examples_are_taken(service: str, name: str, operation: Operation) -> None:
    """Whoever sends an example as it stands is not told that its arguments are wrong."""
    (request,) = CONTRACTS[service].calls()[name].messages
    for example in request.examples:
        assert example["payload"]["args"] == []
        arguments = dict(example["payload"]["kwargs"])
        assert (IDEMPOTENCY_KEY in arguments) == (operation.kind == "command")
        arguments.pop(IDEMPOTENCY_KEY, None)
        assert not _code_says(operation.schema, arguments), example["name"]


@every_call
def test_contract_and_code_agree_on_what_is_wrong(service: str, name: str, operation: Operation) -> None:
    """Thousands of slightly wrong arguments are judged alike by both, but for what only words can tell."""
    contract = contract_arguments(service, name)
    (request,) = CONTRACTS[service].calls()[name].messages
    arguments = request.examples[0]["payload"]["kwargs"]
    key = {IDEMPOTENCY_KEY: arguments[IDEMPOTENCY_KEY]} if IDEMPOTENCY_KEY in arguments else {}
    for wrong in _wrong(operation.schema, {k: v for k, v in arguments.items() if k not in key}):
        by_contract = faults({**key, **wrong}, contract)
        by_code = _code_says(operation.schema, wrong)
        if by_contract or not {problem.reason for problem in by_code} <= TOLD_IN_WORDS:
            assert by_contract, f"the code alone refuses {wrong!r}: {by_code}"
            assert by_code, f"the contract alone refuses {wrong!r}: {by_contract}"


def _wrong(schema: type[Schema], example: Json) -> Iterator[Json]:
    yield example
    yield example | {"surprise": 1}
    full = example | {field: None for field in schema().load_fields if field not in example}
    seen: set[object] = set()
    for at, value in places(full):
        # Rows of one list that look alike are judged alike: the first of them stands for all.
        kind = tuple("*" if isinstance(step, int) else step for step in at), type(value), _names(full, at)
        if not at or kind in seen:
            continue
        seen.add(kind)
        yield without(full, at)
        for odd in ODD_VALUES:
            yield changed(full, at, odd)
            yield changed(example, at, odd) if at[0] in example else example


def _names(body: Json, at: Place) -> frozenset[str]:
    """Return the names beside the value at ``at``, by which rows of one list are told apart."""
    around: Any = body
    for step in at[:-1]:
        around = around[step]
    return frozenset(around) if isinstance(around, dict) else frozenset()


def _code_says(schema: type[Schema], arguments: Json) -> tuple[Problem, ...]:
    try:
        schema(unknown=RAISE).load(json.loads(json.dumps(arguments)))
    except ValidationError as error:
        return flatten_errors(error.normalized_messages())
    return ()


def test_every_reply_the_services_really_give_is_as_the_contract_says() -> None:
    """The story calls every operation through its entry point, as it would be called over the bus."""
    for answered in told().answered:
        reply = CONTRACTS[answered.service].calls()[answered.method].reply
        assert reply is not None
        wrong = faults(answered.reply, reply.payload)
        assert not wrong, f"{answered.service}.{answered.method}: {wrong}"


def test_the_story_gets_a_result_from_every_call() -> None:
    """Guards the test above: an operation the story leaves out would be checked against nothing."""
    got = {(each.service, each.method) for each in told().answered if each.reply["error"] is None}
    assert got == {(name, call) for name, contract in CONTRACTS.items() for call in contract.calls()}


@every_service
def test_a_field_missing_from_an_answer_or_added_to_it_is_noticed(service: Any) -> None:
    """Answers are strict too: nothing a caller relies on goes, and nothing comes without a word in the contract."""
    for name, call in CONTRACTS[service.name].calls().items():
        assert call.reply is not None
        for example in call.reply.examples:
            reply = example["payload"]
            if not isinstance(reply["result"], dict) or name in TALLIES:
                continue
            assert faults(changed(reply, ("result", "surprise"), 1), call.reply.payload), name
            for field in reply["result"]:
                assert faults(without(reply, ("result", field)), call.reply.payload), f"{name}: {field}"


@cache
def reply_schema() -> Json:
    schema: Json = expand({"$ref": "#/components/schemas/reply"}, COMMON)
    return schema


@pytest.mark.parametrize("kind", [*ERRORS.values(), KefuError], ids=lambda kind: kind.__name__)
def test_every_error_of_the_family_crosses_the_bus_as_the_contract_says(kind: type[KefuError]) -> None:
    """Code, problems, rule and details arrive whole, and the caller raises the same error again."""
    problems = (Problem("customer.phone", "is no valid phone number"),)
    error = kind("that cannot be done", problems=problems, rule="B-JKC-52", details={"state": "closed"})
    # What an entry point does before nameko takes over.
    error.args = (error.as_dict(),)
    reply = json.loads(json.dumps({"result": None, "error": serialize(error)}))
    assert not faults(reply, reply_schema())
    again = error_from_dict(reply["error"]["exc_args"][0])
    assert type(again) is kind
    assert again.as_dict() == error.as_dict()


def test_the_contract_knows_every_error_of_the_family_and_no_other() -> None:
    """A new error is a change of the contract."""
    error = part(reply_schema(), "error")["anyOf"][1]
    family: set[type[KefuError]] = {KefuError, *ERRORS.values()}
    assert set(part(error, "exc_type")["enum"]) == {kind.__name__ for kind in family}
    refusal = part(error, "exc_args")["items"]
    assert set(part(refusal, "code")["enum"]) == {kind.code for kind in family}


@pytest.mark.parametrize(
    "reply",
    [
        {
            "result": 1,
            "error": {"exc_type": "TypeError", "exc_path": "builtins.TypeError", "exc_args": [], "value": ""},
        },
        {"result": None},
        {"result": None, "error": "broken"},
        {"result": None, "error": None, "warning": "x"},
    ],
)
def test_a_reply_of_another_shape_is_noticed(reply: Json) -> None:
    """Guards that the frame of replies checks something."""
    assert faults(reply, reply_schema())
