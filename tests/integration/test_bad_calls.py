"""Bad calls: refused by the right error with field and reason, nothing done, and every service minds its work."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from kefu.secrets import prepare
from services.names import SERVICES
from shared.errors import (
    Conflict,
    DeadlineExceeded,
    Forbidden,
    NotFound,
    RuleRefused,
    Unauthenticated,
    ValidationFailed,
    error_from_dict,
)
from tests.integration.bus import EVERY_ROLE, Bus
from tests.integration.events import complaint
from tests.integration.raw_rpc import RawRpc

PLAZA = "plaza-demo"
RETAIL = "retail-demo"

#: A query of each service that any reader may ask.
QUERIES = {
    "intake": "intake.count_contacts",
    "complaints": "complaints.summarise_cases",
    "followup": "followup.list_callbacks",
    "reporting": "reporting.month_statistics",
}
ARGUMENTS: dict[str, dict[str, Any]] = {"reporting": {"month": "2020-05"}}


@pytest.fixture(autouse=True, scope="module")
def unmoved(bus: Bus) -> Iterator[None]:
    """After all of these tests every service is the process it was, and ready."""
    before = bus.born()
    yield
    assert bus.born() == before
    assert all(bus.ready(service) for service in SERVICES)


@pytest.fixture
def raw(bus: Bus) -> Iterator[RawRpc]:
    with RawRpc(bus.stack.broker_url("operator")) as connected:
        yield connected


@pytest.fixture
def case_id(bus: Bus) -> str:
    """A case that was just opened."""
    event = complaint(PLAZA)
    bus.publish("hotline", event)
    return str(bus.desk(PLAZA).case_of(event)["case_id"])


def untouched(bus: Bus, case_id: str) -> None:
    """Assert that nothing happened to the case since it was opened."""
    entries = bus.desk(PLAZA).ask("complaints.get_case_history", id=case_id)["entries"]
    assert [entry["type"] for entry in entries] == ["case_opened"]


@pytest.mark.parametrize("service", SERVICES)
def test_a_call_without_a_token_or_with_one_that_is_no_token_is_refused(bus: Bus, service: str) -> None:
    """Nobody unknown gets an answer, whatever they put in the token's place."""
    arguments = ARGUMENTS.get(service, {})
    for token in (None, "", "nonsense", "a.b.c", "\x00", "e" * 9000):
        with pytest.raises(Unauthenticated):
            bus.call(QUERIES[service], token=token, **arguments)


@pytest.mark.parametrize("service", SERVICES)
def test_a_forged_or_changed_or_expired_token_is_refused(bus: Bus, service: str, tmp_path: Path) -> None:
    """Only the deployment's own key makes callers, and only until the token's end."""
    arguments = ARGUMENTS.get(service, {})
    forged = prepare(tmp_path).issuer().issue("stf_test", PLAZA, EVERY_ROLE, timedelta(hours=1))
    good = bus.stack.token(PLAZA, EVERY_ROLE)
    header, payload, signature = good.split(".")
    other = bus.stack.token(RETAIL, EVERY_ROLE).split(".")
    changed = f"{header}.{other[1]}.{signature}"
    expired = bus.stack.token(PLAZA, EVERY_ROLE, lifetime=timedelta(minutes=-5))
    for token in (forged, changed, f"{header}.{payload}.", expired):
        with pytest.raises(Unauthenticated):
            bus.call(QUERIES[service], token=token, **arguments)


@pytest.mark.parametrize("service", SERVICES)
def test_a_caller_without_a_role_is_told_which_one_is_needed(bus: Bus, service: str) -> None:
    """Forbidden names the roles, so that whoever grants them need not guess."""
    desk = bus.desk(PLAZA, ("visitor",))
    with pytest.raises(Forbidden) as refused:
        desk.ask(QUERIES[service], **ARGUMENTS.get(service, {}))
    assert refused.value.details["roles_needed"]


@pytest.mark.rule("B-RET-05")
def test_a_step_taken_by_the_wrong_role_is_refused_by_the_rulebooks_rule(bus: Bus) -> None:
    """Who may decide is the rulebook's word: a store's superior only on what the store took in itself."""
    event = complaint(RETAIL, claim={"complainant_type": "end_consumer", "demand": "return"})
    bus.publish("shop", event)
    case_id = bus.desk(RETAIL).case_of(event)["case_id"]
    superior = bus.desk(RETAIL, ("staff", "store_superior"))
    decision = {"id": case_id, "valid": True, "ground": "quality_defect", "reason": "开裂"}
    with pytest.raises(RuleRefused) as refused:
        superior.do("complaints.decide_validity", **decision)
    assert refused.value.rule == "B-RET-05"
    service = bus.desk(RETAIL, ("staff", "ops_cs"))
    assert service.do("complaints.decide_validity", **decision)["state"] == "accepted"


def test_another_organisations_things_do_not_exist(bus: Bus, case_id: str) -> None:
    """A caller of one organisation can neither see nor change what belongs to another."""
    stranger = bus.desk(RETAIL)
    for method in ("complaints.get_case", "complaints.get_case_history", "complaints.explain_level"):
        with pytest.raises(NotFound):
            stranger.ask(method, id=case_id)
    with pytest.raises(NotFound):
        stranger.do("complaints.attempt_contact", id=case_id, outcome="reached")
    assert stranger.ask("followup.list_callbacks", case_id=case_id) == []
    assert stranger.ask("reporting.list_archive", about=case_id) == []
    untouched(bus, case_id)


@pytest.mark.parametrize(
    ("method", "arguments", "field"),
    [
        ("complaints.decide_validity", {"valid": True, "reason": "x", "urgent": True}, "urgent"),
        ("complaints.decide_validity", {"valid": True, "reason": "x", "$set": {"state": "closed"}}, "$set"),
        ("complaints.decide_validity", {"valid": True}, "reason"),
        ("complaints.decide_validity", {"valid": "yes", "reason": "x"}, "valid"),
        ("complaints.decide_validity", {"valid": True, "reason": "属实\x00"}, "reason"),
        ("complaints.decide_validity", {"valid": True, "reason": "x", "ground": "leak\n"}, "ground"),
        ("complaints.reply", {"text": "x" * 4001}, "text"),
        ("complaints.reply", {"text": "\x1b[2J"}, "text"),
        ("complaints.reply", {"text": "x", "final": False, "next_reply_at": "soon"}, "next_reply_at"),
        ("complaints.reply", {"text": "x", "prevention": " "}, "prevention"),
        ("complaints.record_progress", {"text": "x", "step": "a b"}, "step"),
        ("complaints.attempt_contact", {"outcome": "maybe"}, "outcome"),
        ("complaints.attempt_contact", {"outcome": ["reached"]}, "outcome"),
    ],
)
def test_wrong_arguments_of_a_command_are_named_and_nothing_is_done(
    bus: Bus, case_id: str, method: str, arguments: dict[str, Any], field: str
) -> None:
    """The error says which argument is wrong; the case stays as it was."""
    with pytest.raises(ValidationFailed) as refused:
        bus.desk(PLAZA).do(method, id=case_id, **arguments)
    assert field in {problem.field for problem in refused.value.problems}
    untouched(bus, case_id)


@pytest.mark.parametrize(
    "method", ["intake.get_contact", "complaints.get_case", "followup.get_callback", "intake.get_customer"]
)
def test_an_id_is_text_and_nothing_else(bus: Bus, method: str) -> None:
    """An operator in the place of an id never reaches the database."""
    desk = bus.desk(PLAZA)
    for value in ({"$ne": None}, ["x"], 7, None, "", "x" * 300, "a\x00b", "a\n"):
        with pytest.raises(ValidationFailed) as refused:
            desk.ask(method, id=value)
        assert {problem.field for problem in refused.value.problems} == {"id"}


@pytest.mark.parametrize("service", SERVICES)
def test_an_unknown_argument_of_a_query_is_named(bus: Bus, service: str) -> None:
    """A misspelt argument is an error, never silently another question."""
    with pytest.raises(ValidationFailed) as refused:
        bus.desk(PLAZA).ask(QUERIES[service], **ARGUMENTS.get(service, {}), colour="red")
    assert [problem.field for problem in refused.value.problems] == ["colour"]


@pytest.mark.parametrize("key", [None, "", "k" * 129, "a\nb", 7])
def test_a_command_without_a_proper_key_is_refused(bus: Bus, case_id: str, key: object) -> None:
    """Without a key a repeat could not be told from a second command."""
    arguments = {} if key is None else {"idempotency_key": key}
    with pytest.raises(ValidationFailed) as refused:
        # Under the client's own parameter, which would not send such keys.
        bus.call(
            "complaints.attempt_contact",
            token=bus.stack.token(PLAZA, EVERY_ROLE),
            id=case_id,
            outcome="reached",
            **arguments,  # type: ignore[arg-type]
        )
    assert [problem.field for problem in refused.value.problems] == ["idempotency_key"]
    untouched(bus, case_id)


def test_a_repeated_command_gets_its_first_answer_and_takes_effect_once(bus: Bus, case_id: str) -> None:
    """A caller that lost the answer asks again with the same key and changes nothing."""
    desk, key = bus.desk(PLAZA), uuid.uuid4().hex
    wish: dict[str, Any] = {"id": case_id, "valid": True, "reason": "属实"}
    first = desk.do("complaints.decide_validity", key=key, **wish)
    assert [desk.do("complaints.decide_validity", key=key, **wish) for _ in range(3)] == [first] * 3
    entries = desk.ask("complaints.get_case_history", id=case_id)["entries"]
    assert [entry["type"] for entry in entries] == ["case_opened", "case_accepted"]
    with pytest.raises(Conflict):
        desk.do("complaints.decide_validity", key=key, **{**wish, "valid": False})
    assert desk.ask("complaints.get_case", id=case_id)["valid"] is True


def test_a_key_used_by_another_organisation_is_another_key(bus: Bus) -> None:
    """Keys are each organisation's own: nobody can be answered from somebody else's command."""
    key = uuid.uuid4().hex
    data = complaint(PLAZA)["data"] | {"taken_by": "stf_test"}
    ours = bus.desk(PLAZA).do("intake.register_contact", key=key, **data)
    theirs = bus.desk("property-demo").do("intake.register_contact", key=key, **data)
    assert ours["contact_id"] != theirs["contact_id"]


def test_a_command_whose_deadline_has_passed_is_not_carried_out(bus: Bus, raw: RawRpc, case_id: str) -> None:
    """Whoever stopped waiting finds nothing done: the service looks at the deadline before anything else."""
    request = {
        "args": [],
        "kwargs": {"id": case_id, "outcome": "reached", "idempotency_key": uuid.uuid4().hex},
    }
    headers = {"nameko.auth_token": bus.stack.token(PLAZA, EVERY_ROLE)}
    late = raw.answer(
        "complaints.attempt_contact", request, headers={**headers, "nameko.deadline": 1_700_000_000.0}
    )
    assert isinstance(error_from_dict(late["error"]["exc_args"][0]), DeadlineExceeded)
    unreadable = raw.answer(
        "complaints.attempt_contact", request, headers={**headers, "nameko.deadline": "soon"}
    )
    assert unreadable["error"]["exc_args"][0]["problems"][0]["field"] == "deadline"
    untouched(bus, case_id)


def test_positional_arguments_are_refused_by_name(bus: Bus, raw: RawRpc, case_id: str) -> None:
    """Arguments have names, so that an added one never shifts the others."""
    headers = {"nameko.auth_token": bus.stack.token(PLAZA, EVERY_ROLE)}
    request = {"args": [case_id], "kwargs": {}}
    answer = raw.answer("complaints.get_case", request, headers=headers)
    assert answer["error"]["exc_args"][0]["problems"] == [{"field": "args", "reason": "must be empty"}]


def test_a_method_or_a_service_that_does_not_exist_is_not_found(bus: Bus) -> None:
    """A misspelt name is told at once, not after the deadline."""
    desk = bus.desk(PLAZA)
    for method in (
        "complaints.destroy",
        "complaints.__init__",
        "complaints.fire_clocks",
        "comlaints.get_case",
    ):
        with pytest.raises(NotFound):
            desk.ask(method)


GARBAGE: dict[str, dict[str, Any]] = {
    "nothing at all": {"body": b""},
    "broken JSON": {"body": b'{"args": ['},
    "not UTF-8": {"body": b"\xff\xfe\xff"},
    "a list": {"body": b"[1, 2]"},
    "text": {"body": b'"hello"'},
    "null": {"body": b"null"},
    "no answer wanted": {"body": b'{"args": [], "kwargs": {}}'},
    "answers into the void": {"body": b'{"args": [], "kwargs": {}}', "reply_to": "nobody-there"},
    "answers to nobody": {"body": b'{"args": [], "kwargs": {}}', "reply_to": ""},
    "no arguments": {"body": b"{}", "reply_to": "nobody-there"},
    "arguments that are none": {"body": b'{"args": 5, "kwargs": "x"}', "reply_to": "nobody-there"},
    "keywords that are a list": {"body": b'{"args": [], "kwargs": [["id", 1]]}', "reply_to": "nobody-there"},
    "another content type": {"body": b"id: 1", "content_type": "application/x-yaml"},
    "a pickle": {"body": b"cos\nsystem\n(S'true'\ntR.", "content_type": "application/x-python-serialize"},
    "no content type": {"body": b'{"args": [], "kwargs": {}}', "content_type": None},
    "an unknown encoding": {"body": b"{}", "content_encoding": "martian"},
    "headers of every kind": {
        "body": b'{"args": [], "kwargs": {}}',
        "reply_to": "nobody-there",
        "headers": {"nameko.auth_token": 7, "nameko.deadline": [1], "nameko.call_id_stack": "x", "x": None},
    },
    "nested too deep": {"body": b"[" * 100_000},
    "five megabytes": {"body": b'{"args": [], "kwargs": {"x": "' + b"x" * 5_000_000 + b'"}}'},
}


@pytest.mark.parametrize("name", GARBAGE)
def test_garbage_in_the_place_of_a_request_takes_no_service_down(bus: Bus, raw: RawRpc, name: str) -> None:
    """What cannot be answered is dropped; the call after it is answered as ever."""
    desk = bus.desk(PLAZA)
    for service, method in QUERIES.items():
        raw.send(method, **GARBAGE[name])
        raw.send(f"{service}.no_such_method", **GARBAGE[name])
    for service, method in QUERIES.items():
        desk.ask(method, **ARGUMENTS.get(service, {}))


def test_a_request_of_a_wrong_shape_is_told_so(bus: Bus, raw: RawRpc) -> None:
    """Whoever can be answered is."""
    halves: list[dict[str, Any]] = [{}, {"args": []}, {"kwargs": {}}]
    for incomplete in halves:
        assert raw.answer("complaints.get_case", incomplete)["error"]["exc_type"] == "MalformedRequest"
    for args, kwargs in ((5, {}), ([], "x"), ([], [1])):
        assert raw.answer("complaints.get_case", {"args": args, "kwargs": kwargs})["error"]
