from __future__ import annotations

import json
import time
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest
from amqp.exceptions import ConnectionForced
from kombu.exceptions import OperationalError
from marshmallow import Schema, fields
from nameko.exceptions import MethodNotFound, serialize
from nameko.messaging import QueueConsumer
from nameko.rpc import Rpc, RpcConsumer

from shared import metrics
from shared.errors import (
    Conflict,
    DeadlineExceeded,
    Forbidden,
    KefuError,
    NotFound,
    Problem,
    RuleRefused,
    Unauthenticated,
    Unavailable,
    ValidationFailed,
    error_from_dict,
)
from shared.health import Health
from shared.identity import Caller
from shared.messaging import rpc as module
from shared.messaging.rpc import (
    Call,
    CallContext,
    GuardedRpc,
    Operation,
    command,
    operations_of,
    query,
)

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
AGENT = Caller("stf_1", "plaza", None, frozenset({"agent"}), "tok_1")


class Verifier:
    """Knows one good token."""

    def verify(self, token: str | None) -> Caller:
        if token != "good":
            message = "the token's signature does not match: it was forged or changed"
            raise Unauthenticated(message if token else "the call carries no token")
        return AGENT


class OrderSchema(Schema):
    number = fields.Integer(required=True)
    note = fields.String()


class Desk:
    """A service with one command and two queries; what its methods are given is kept."""

    name = "desk"

    def __init__(self, **headers: Any) -> None:
        given = {"auth_token": "good", "traceparent": TRACE, **headers}
        self.context = CallContext.Bound(given, Verifier())  # type: ignore[arg-type]  # a stand-in
        self.calls: list[tuple[Call, dict[str, Any]]] = []
        self.error: Exception | None = None

    @command("agent", "supervisor", schema=OrderSchema)
    def place_order(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        self.calls.append((call, data))
        if self.error:
            raise self.error
        return {"done": data["number"]}

    @query("agent", schema=OrderSchema)
    def show_order(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        self.calls.append((call, data))
        return data

    @query("manager", schema=OrderSchema)
    def show_figures(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        raise AssertionError("nobody here is a manager")


def _refused(desk: Desk, method: str = "place_order", /, *args: Any, **arguments: Any) -> KefuError:
    """Return the error a call ends with, as the caller gets it: through nameko's serialisation."""
    with pytest.raises(KefuError) as raised:
        getattr(desk, method)(*args, **arguments)
    sent = json.loads(json.dumps(serialize(raised.value)))
    arrived = error_from_dict(sent["exc_args"][0])
    assert type(arrived) is type(raised.value)
    assert arrived.message == raised.value.message
    return arrived


def test_a_command_reaches_its_method_with_the_caller_and_checked_arguments() -> None:
    """The handler never sees a header, a token or raw input."""
    desk = Desk()
    assert desk.place_order(number="7", idempotency_key="k1") == {"done": 7}
    ((call, data),) = desk.calls
    assert data == {"number": 7}
    assert (call.org, call.actor, call.roles) == ("plaza", "stf_1", frozenset({"agent"}))
    assert (call.key, call.traceparent) == ("plaza/place_order/k1", TRACE)


def test_the_same_key_means_different_things_to_different_methods_and_organisations() -> None:
    """Clients number their commands as they like; what was answered to one is no answer to another."""
    keys = set()
    for org in ("plaza", "retail"):
        desk = Desk()
        caller = Caller("stf_1", org, None, frozenset({"agent"}), "tok_1")
        desk.context = CallContext.Bound({"auth_token": "x"}, Mock(verify=lambda _, caller=caller: caller))
        desk.place_order(number=1, idempotency_key="k1")
        desk.show_order(number=1, idempotency_key="k1")
        keys |= {call.key for call, _ in desk.calls}
    assert len(keys) == 4


def test_a_query_needs_no_key_and_every_one_is_its_own() -> None:
    """Nothing is remembered of it."""
    desk = Desk()
    assert desk.show_order(number=1) == desk.show_order(number=1) == {"number": 1}
    assert len({call.key for call, _ in desk.calls}) == 2


@pytest.mark.parametrize("key", [None, "", "x" * 129, "a\nb", "a\x00", 7, ["k"], "\ud800"])
def test_a_command_without_a_usable_key_is_refused(key: object) -> None:
    """Without one, a repeat after a lost answer would do it twice."""
    desk = Desk()
    arguments: dict[str, Any] = {} if key is None else {"idempotency_key": key}
    error = _refused(desk, number=1, **arguments)
    assert isinstance(error, ValidationFailed)
    assert [problem.field for problem in error.problems] == ["idempotency_key"]
    assert desk.calls == []


def test_a_key_of_the_greatest_length_is_taken() -> None:
    """128 characters hold any client's scheme."""
    assert Desk().place_order(number=1, idempotency_key="客" * 128) == {"done": 1}


def test_a_call_whose_caller_has_stopped_waiting_is_not_begun() -> None:
    """It was told that nothing happened, so nothing may happen."""
    desk = Desk(deadline=time.time() - 0.001)
    assert isinstance(_refused(desk, number=1, idempotency_key="k"), DeadlineExceeded)
    assert desk.calls == []
    assert Desk(deadline=time.time() + 60).place_order(number=1, idempotency_key="k") == {"done": 1}
    assert Desk(deadline=None).place_order(number=1, idempotency_key="k") == {"done": 1}


def test_a_deadline_that_is_no_number_is_refused() -> None:
    """Taking it for "none" would let a call run whose caller may be long gone."""
    error = _refused(Desk(deadline="soon"), number=1, idempotency_key="k")
    assert [problem.field for problem in error.problems] == ["deadline"]


@pytest.mark.parametrize("token", [None, "", "forged", 7, {"sub": "boss"}])
def test_without_a_valid_token_nobody_gets_in(token: object) -> None:
    """Missing, forged, or not even text."""
    desk = Desk(auth_token=token)
    assert isinstance(_refused(desk, number=1, idempotency_key="k"), Unauthenticated)
    assert desk.calls == []


def test_a_role_the_operation_does_not_name_is_forbidden() -> None:
    """Before its arguments are looked at: who may not call learns nothing of what would be right."""
    error = _refused(Desk(), "show_figures", wrong=True)
    assert isinstance(error, Forbidden)
    assert error.details == {"roles_needed": ["manager"]}


def test_who_calls_is_checked_before_what_is_asked() -> None:
    """A stranger cannot probe the arguments."""
    assert isinstance(_refused(Desk(auth_token="forged"), "place_order", 1, 2), Unauthenticated)


def test_arguments_by_position_are_refused() -> None:
    """Names survive a change of signature, positions do not."""
    desk = Desk()
    error = _refused(desk, "place_order", 7, idempotency_key="k")
    assert isinstance(error, ValidationFailed)
    assert "by name" in error.message
    assert desk.calls == []


def test_every_argument_that_is_wrong_is_named() -> None:
    """Unknown ones too: a slip in a name must not pass for an argument left out."""
    error = _refused(Desk(), number="many", noet="x", idempotency_key="k")
    assert isinstance(error, ValidationFailed)
    assert set(error.problems) == {
        Problem("number", "Not a valid integer."),
        Problem("noet", "Unknown field."),
    }
    assert "number: Not a valid integer." in error.message


def test_an_argument_called_self_is_an_argument_like_any_other() -> None:
    """What it is called in our code is nothing a caller can run into."""
    error = _refused(Desk(), number=1, self=2, idempotency_key="k")
    assert [problem.field for problem in error.problems] == ["self"]


@pytest.mark.parametrize(
    "error",
    [
        NotFound("no such order"),
        Conflict("changed meanwhile"),
        RuleRefused("not by the one who asked", rule="R-7"),
        ValidationFailed("wrong", problems=(Problem("number", "is taken"),)),
        Unavailable("the database is away"),
    ],
    ids=lambda error: error.code,
)
def test_a_refusal_of_the_handler_arrives_whole(error: KefuError) -> None:
    """Class, message, problems and rule, as raised."""
    desk = Desk()
    desk.error = error
    arrived = _refused(desk, number=1, idempotency_key="k")
    assert (arrived.problems, arrived.rule) == (error.problems, error.rule)


def test_an_unforeseen_error_is_hidden_behind_a_reference(caplog: pytest.LogCaptureFixture) -> None:
    """Its text may quote personal data or passwords; the log has it under the same reference."""
    desk = Desk()
    desk.error = KeyError("13800000001")
    arrived = _refused(desk, number=1, idempotency_key="k")
    assert type(arrived) is KefuError
    assert "13800000001" not in json.dumps(arrived.as_dict())
    reference = arrived.message.rpartition(" ")[2]
    assert len(reference) == 12
    assert reference in caplog.text


def test_calls_are_counted_by_method_and_outcome() -> None:
    """Also those that were never let in."""

    def count(outcome: str) -> float:
        labels = {"method": "place_order", "outcome": outcome}
        return metrics.REGISTRY.get_sample_value("kefu_rpc_requests_total", labels) or 0.0

    before = {outcome: count(outcome) for outcome in ("ok", "unauthenticated", "error")}
    Desk().place_order(number=1, idempotency_key="k")
    _refused(Desk(auth_token="forged"))
    broken = Desk()
    broken.error = ZeroDivisionError()
    _refused(broken, number=1, idempotency_key="k")
    assert all(count(outcome) - known == 1 for outcome, known in before.items())


def test_a_service_is_asked_for_its_operations() -> None:
    """Contracts are checked against what the code declares."""
    assert operations_of(Desk) == {
        "place_order": Operation("command", frozenset({"agent", "supervisor"}), OrderSchema, "place_order"),
        "show_order": Operation("query", frozenset({"agent"}), OrderSchema, "show_order"),
        "show_figures": Operation("query", frozenset({"manager"}), OrderSchema, "show_figures"),
    }
    for name in operations_of(Desk):
        (entry,) = vars(getattr(Desk, name))["nameko_entrypoints"]
        assert isinstance(entry, GuardedRpc)
        assert entry.expected_exceptions is KefuError


def test_each_worker_gets_the_headers_of_its_own_call() -> None:
    """And the verifier the service was started with."""
    provider: Any = CallContext()
    provider.container = SimpleNamespace(config={"verifier": "verifier"})
    data = {"auth_token": "good", "deadline": 1.0}
    bound = provider.get_dependency(SimpleNamespace(data=data))
    data["auth_token"] = "changed"
    assert bound == CallContext.Bound({"auth_token": "good", "deadline": 1.0}, "verifier")  # type: ignore[arg-type]  # a stand-in


class Message:
    """A request as kombu hands it over."""

    def __init__(self, **properties: Any) -> None:
        self.properties = {"reply_to": "there", "content_type": "application/json", **properties}
        self.headers: dict[str, Any] = {}
        self.delivery_info = {"routing_key": "desk.place_order"}
        self.rejected: list[bool] = []

    def reject(self, *, requeue: bool) -> None:
        self.rejected.append(requeue)


@pytest.fixture
def consumer() -> Any:
    """A guarded consumer of requests whose queue is a stand-in."""
    guarded: Any = module._GuardedRpcConsumer()
    guarded.queue_consumer = Mock()
    guarded.container = SimpleNamespace(service_name="desk")
    return guarded


@pytest.mark.parametrize(
    ("body", "reply_to"), [([], "there"), ("text", "there"), (None, "there"), ({}, None), ({}, "")]
)
def test_a_request_nobody_can_answer_is_dropped(body: object, reply_to: str | None, consumer: Any) -> None:
    """Answering it would fail, and the failure would end the service."""
    message = Message(reply_to=reply_to)
    consumer.handle_message(body, message)
    consumer.queue_consumer.ack_message.assert_called_once_with(message)


def test_a_request_without_arguments_or_method_is_answered_with_an_error(
    consumer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The caller learns of it; nothing else happens."""
    answers: list[type[BaseException]] = []
    monkeypatch.setattr(
        RpcConsumer, "handle_result", lambda _self, _message, _result, exc_info: answers.append(exc_info[0])
    )
    consumer.handle_message({"args": [], "kwargs": {}}, Message())
    assert answers == [MethodNotFound]


@pytest.mark.parametrize("error", [OSError(), EOFError(), ConnectionForced("x"), OperationalError("x")])
def test_an_answer_that_cannot_be_sent_gives_the_request_back(
    error: Exception, consumer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes again, and a command knows its key; the service lives on."""
    monkeypatch.setattr(RpcConsumer, "handle_result", Mock(side_effect=error))
    message = Message()
    assert consumer.handle_result(message, {"done": 1}, None) == ({"done": 1}, None)
    consumer.queue_consumer.requeue_message.assert_called_once_with(message)
    consumer.queue_consumer.ack_message.assert_not_called()


def test_an_answer_that_is_sent_is_left_to_nameko(consumer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The guard adds nothing where nothing fails."""
    monkeypatch.setattr(RpcConsumer, "handle_result", Mock(return_value=("r", None)))
    assert consumer.handle_result(Message(), "r", None) == ("r", None)
    consumer.queue_consumer.requeue_message.assert_not_called()


def test_a_request_that_is_no_json_is_rejected_for_good() -> None:
    """Given back it would come again and again."""
    message = Message()
    module._GuardedQueueConsumer().on_decode_error(message, ValueError("x"))
    assert message.rejected == [False]


def test_readiness_follows_the_consumer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ready only while the broker really delivers requests."""
    for name in ("setup", "on_consume_ready", "on_connection_error", "on_connection_revived"):
        monkeypatch.setattr(QueueConsumer, name, Mock())
    health = Health()
    guarded: Any = module._GuardedQueueConsumer()
    guarded.container = SimpleNamespace(config={"health": health})
    guarded.setup()
    seen = [health.ready()]
    guarded.on_consume_ready(None, None, None)
    seen.append(health.ready())
    guarded.on_connection_error(OSError(), 1.0)
    seen.append(health.ready())
    guarded.on_consume_ready(None, None, None)
    guarded.on_connection_revived()
    seen.append(health.ready())
    assert seen == [False, True, False, False]


@pytest.mark.parametrize("stack", [None, 7, "text", {"a": 1}, [1, 2], [None], ["fine", 3]], ids=repr)
def test_a_call_stack_that_is_none_cannot_end_the_service(stack: object) -> None:
    """Nameko joins what this header holds, outside of everything that catches errors."""
    message = Message()
    message.headers = {"nameko.call_id_stack": stack, "nameko.auth_token": "good", "nameko.deadline": 1.0}
    unpacked = GuardedRpc().unpack_message_headers(message)
    assert unpacked == {"auth_token": "good", "deadline": 1.0}


def test_a_call_stack_that_is_one_is_kept() -> None:
    """It tells in the log which call led to which."""
    message = Message()
    message.headers = {"nameko.call_id_stack": ["orders.place.1"]}
    assert GuardedRpc().unpack_message_headers(message) == {"call_id_stack": ["orders.place.1"]}
    assert issubclass(GuardedRpc, Rpc)


def test_the_schema_and_not_the_signature_decides_about_arguments() -> None:
    """Nameko's own check would say less, in words nobody can act on."""
    GuardedRpc().check_signature((1, 2), {"x": 1})
