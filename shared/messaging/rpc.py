"""RPC entry points: who may call, what they must send, by when; and errors that arrive whole at the caller."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Literal

from kombu.exceptions import KombuError
from marshmallow import RAISE, Schema, ValidationError
from nameko.constants import CALL_ID_STACK_CONTEXT_KEY
from nameko.extensions import DependencyProvider
from nameko.messaging import QueueConsumer
from nameko.rpc import Rpc, RpcConsumer

from shared import metrics
from shared.errors import DeadlineExceeded, KefuError, Problem, ValidationFailed
from shared.health import Health
from shared.identity import Caller, TokenVerifier, require_role
from shared.logging import get_logger
from shared.messaging.problems import declared_field, flatten_errors
from shared.messaging.publisher import CONNECTION_ERRORS
from shared.messaging.rpc_names import IDEMPOTENCY_KEY

log = get_logger(__name__)

_LOST: tuple[type[Exception], ...] = (*CONNECTION_ERRORS, KombuError)

_MAX_KEY = 128


@dataclass(frozen=True, slots=True)
class Call:
    """One call as the handler sees it: who calls, for which organisation, and under which key.

    ``key`` is the command's idempotency key, made unique per organisation and method; for a query it
    is a random id. ``org`` is the caller's own organisation: nobody reads or writes another's.
    """

    caller: Caller
    key: str
    traceparent: str | None = None

    @property
    def org(self) -> str:
        """Return the organisation every read and write of this call is scoped to."""
        return self.caller.org

    @property
    def actor(self) -> str:
        """Return the id of the member of staff or system that calls."""
        return self.caller.subject

    @property
    def roles(self) -> frozenset[str]:
        """Return the caller's roles."""
        return self.caller.roles


@dataclass(frozen=True, slots=True)
class Operation:
    """What a method declares about itself; contracts and documents are checked against it."""

    kind: Literal["command", "query"]
    roles: frozenset[str]
    schema: type[Schema]
    method: str = field(default="")


class _GuardedQueueConsumer(QueueConsumer):  # type: ignore[misc]  # nameko has no types
    """Drops requests that are not even JSON: there is nobody to answer, and they must not stop the service.

    Says in the readiness check whether it is really consuming.
    """

    consuming = False

    def setup(self) -> None:
        """Announce the readiness check."""
        super().setup()
        health: Health = self.container.config["health"]
        health.add_check("consuming rpc", lambda: self.consuming)

    def on_consume_ready(self, connection: Any, channel: Any, consumers: Any, **kwargs: Any) -> None:
        """Note that the broker delivers."""
        self.consuming = True
        super().on_consume_ready(connection, channel, consumers, **kwargs)

    def on_connection_error(self, exc: Exception, interval: float) -> None:
        """Note that it does not."""
        self.consuming = False
        super().on_connection_error(exc, interval)

    def on_connection_revived(self) -> None:
        """Note that consumers have to be set up again."""
        self.consuming = False
        super().on_connection_revived()

    def on_decode_error(self, message: Any, exc: Exception) -> None:
        """Reject the message; RPC queues have no dead letters, the caller's deadline tells it."""
        log.warning("undecodable request dropped", error=type(exc).__name__)
        message.reject(requeue=False)


class _GuardedRpcConsumer(RpcConsumer):  # type: ignore[misc]  # nameko has no types
    """Survives requests that cannot be answered; nameko's own would take the whole service down."""

    queue_consumer = _GuardedQueueConsumer()

    def handle_message(self, body: Any, message: Any) -> None:
        """Hand the request on, or drop it when it names no place for the answer."""
        if not isinstance(body, dict) or not message.properties.get("reply_to"):
            log.warning("request without shape or reply address dropped")
            self.queue_consumer.ack_message(message)
            return
        super().handle_message(body, message)

    def handle_result(self, message: Any, result: Any, exc_info: Any) -> Any:
        """Send the answer; if the broker is away the request comes again, and commands know their key."""
        try:
            return super().handle_result(message, result, exc_info)
        except _LOST as error:
            log.warning("answer not sent", error=type(error).__name__)
            self.queue_consumer.requeue_message(message)
            return result, exc_info


class GuardedRpc(Rpc):  # type: ignore[misc]  # nameko has no types
    """nameko's RPC entry point behind the guards above."""

    rpc_consumer = _GuardedRpcConsumer()

    def check_signature(self, args: Any, kwargs: Any) -> None:
        """Leave arguments to the operation's schema, which names what is wrong."""

    def unpack_message_headers(self, message: Any) -> dict[str, Any]:
        """Return the call's headers, without a call stack that is none: it would take the service down."""
        headers: dict[str, Any] = super().unpack_message_headers(message)
        stack = headers.get(CALL_ID_STACK_CONTEXT_KEY)
        if not isinstance(stack, list) or not all(isinstance(call, str) for call in stack):
            headers.pop(CALL_ID_STACK_CONTEXT_KEY, None)
        return headers


class CallContext(DependencyProvider):  # type: ignore[misc]  # nameko has no types
    """Gives each worker the headers its call came with and the means to check them."""

    def get_dependency(self, worker_ctx: Any) -> CallContext.Bound:
        """Return the context of one call."""
        return self.Bound(dict(worker_ctx.data), self.container.config["verifier"])

    @dataclass(frozen=True, slots=True)
    class Bound:
        """The headers of one call (``auth_token``, ``deadline``, ``traceparent``) and the token verifier."""

        headers: Mapping[str, Any]
        verifier: TokenVerifier


def _operation(
    kind: Literal["command", "query"], roles: tuple[str, ...], schema: type[Schema]
) -> Callable[..., Any]:
    """Wrap a service method ``(self, call, data) -> JSON-safe result`` into an RPC entry point."""
    loader = schema(unknown=RAISE)
    declared = Operation(kind, frozenset(roles), schema)

    def decorate(method: Callable[..., Any]) -> Any:
        name = method.__name__

        @wraps(method)
        def answer(self: Any, /, *args: Any, **kwargs: Any) -> Any:
            started = time.perf_counter()
            outcome = "ok"
            call: Call | None = None
            try:
                call = _admit(self.context, name, declared, args, kwargs)
                return method(self, call, _load(loader, kwargs))
            except KefuError as error:
                outcome = error.code
                if call is not None and kind == "command" and isinstance(error, ValidationFailed):
                    _tell(self, call, name, loader, error)
                error.args = (error.as_dict(),)
                raise
            except Exception as error:
                outcome = "error"
                reference = uuid.uuid4().hex[:12]
                log.exception("operation failed", method=name, reference=reference)
                hidden = KefuError(f"the service failed; its log says why under {reference}")
                hidden.args = (hidden.as_dict(),)
                raise hidden from error
            finally:
                metrics.RPC_REQUESTS.labels(method=name, outcome=outcome).inc()
                metrics.RPC_DURATION.labels(method=name).observe(time.perf_counter() - started)

        answer.operation = Operation(kind, declared.roles, schema, name)  # type: ignore[attr-defined]
        # Called with the method itself, nameko would drop the keyword.
        return GuardedRpc.decorator(expected_exceptions=KefuError)(answer)

    return decorate


def command(*roles: str, schema: type[Schema]) -> Callable[..., Any]:
    """Mark a method as a command: it changes something, once per idempotency key, for callers with one of ``roles``."""
    return _operation("command", roles, schema)


def query(*roles: str, schema: type[Schema]) -> Callable[..., Any]:
    """Mark a method as a query: it changes nothing, for callers with one of ``roles``."""
    return _operation("query", roles, schema)


def operations_of(service_class: type) -> dict[str, Operation]:
    """Return every operation a service class declares, by method name."""
    found = {}
    for name in dir(service_class):
        declared = getattr(getattr(service_class, name), "operation", None)
        if isinstance(declared, Operation):
            found[name] = declared
    return found


def _admit(
    context: CallContext.Bound,
    method: str,
    operation: Operation,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Call:
    """Check deadline, token, role and key, in this order, and take the key out of the arguments."""
    _check_deadline(context.headers.get("deadline"))
    caller = context.verifier.verify(_text_or_none(context.headers.get("auth_token")))
    require_role(caller, operation.roles)
    if args:
        message = f"{method} takes its arguments by name"
        raise ValidationFailed(message, problems=(Problem("args", "must be empty"),))
    key = kwargs.pop(IDEMPOTENCY_KEY, None)
    if operation.kind == "command":
        _check_key(key)
    unique = f"{caller.org}/{method}/{key}" if key else uuid.uuid4().hex
    return Call(caller, unique, _text_or_none(context.headers.get("traceparent")))


def _load(loader: Schema, kwargs: dict[str, Any]) -> Any:
    """Return the arguments as the method takes them; ValidationFailed says all that is wrong with them."""
    try:
        return loader.load(kwargs)
    except ValidationError as error:
        problems = flatten_errors(error.normalized_messages())
        message = "wrong arguments: " + "; ".join(f"{p.field}: {p.reason}" for p in problems)
        raise ValidationFailed(message, problems=problems) from error


def _tell(service: Any, call: Call, method: str, loader: Schema, error: ValidationFailed) -> None:
    """Let a service that wants to know note which fields of a command were wrong; the answer does not wait on it.

    Names that no schema declares are the sender's own text, and are not handed on.
    """
    note = getattr(service, "wrong_arguments", None)
    if note is None:
        return
    names = sorted({declared_field(loader, problem.field) for problem in error.problems})
    try:
        note(call, method, names)
    except Exception:
        log.exception("wrong arguments not noted", method=method)


def _check_deadline(deadline: object) -> None:
    """Refuse a call whose caller has stopped waiting; ``deadline`` is in Unix seconds, none means no limit."""
    if deadline is None:
        return
    if not isinstance(deadline, int | float):
        problem = Problem("deadline", "must be a number of Unix seconds")
        message = "the deadline header is no number"
        raise ValidationFailed(message, problems=(problem,))
    if time.time() > deadline:
        message = "the caller's deadline had passed before the call was taken up; nothing was done"
        raise DeadlineExceeded(message)


def _check_key(key: object) -> None:
    if not isinstance(key, str) or not 1 <= len(key) <= _MAX_KEY or not key.isprintable():
        problem = Problem(IDEMPOTENCY_KEY, f"must be text of 1 to {_MAX_KEY} printable characters")
        message = "a command needs an idempotency key, the same for every repeat of the same command"
        raise ValidationFailed(message, problems=(problem,))


def _text_or_none(value: object) -> str | None:
    return value if isinstance(value, str) else None


__all__ = [
    "IDEMPOTENCY_KEY",
    "Call",
    "CallContext",
    "Operation",
    "command",
    "operations_of",
    "query",
]
