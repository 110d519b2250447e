"""The people of the demo: who calls the services, in which roles, for which organisation."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from types import TracebackType
from typing import Any, Self

from kefu.reach import OPERATOR, Reach
from shared.errors import KefuError, Unavailable
from shared.messaging.rpc_client import RpcClient

_SHIFT = timedelta(hours=4)
_CALL_TIMEOUT = 15.0
_TRIES = 4


class Colleague(Enum):
    """One person of each organisation: the subject of its tokens, and its roles."""

    HANDLER = ("demo-handler", ("staff", "complaint_handler", "cs_head", "ops_cs", "store_superior"))
    #: At the store, or on duty at the estate.
    FRONT = ("demo-front", ("staff", "store_staff", "duty_staff", "property_clerk"))
    #: Of the department that looks into a case, and its superiors, who may not approve their own work.
    DEPARTMENT = ("demo-department", ("staff", "handling_dept", "technical_supervisor", "domestic_sales"))
    SUPERIOR = ("demo-superior", ("staff", "handling_superior", "ops_supervisor", "department_manager"))
    OFFICE = ("demo-office", ("staff", "hr_admin"))
    LEADER = ("demo-leader", ("staff", "general_manager", "company_leader"))
    #: Somebody else than the handler, who may not call back about cases of their own.
    CALLER = ("demo-caller", ("staff", "followup_agent"))
    HEAD = ("demo-head", ("staff", "supervisor", "manager"))

    @property
    def subject(self) -> str:
        """The staff id."""
        return str(self.value[0])

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles the token carries."""
        return tuple(self.value[1])


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of one story only: the subject of the token, and the roles it carries."""

    subject: str
    roles: tuple[str, ...]


class Colleagues:
    """Calls the services in their names; may be shared between threads, each gets a connection of its own."""

    def __init__(self, reach: Reach) -> None:
        """Call over the broker that ``reach`` names, as its operator."""
        self._reach = reach
        self._url = reach.url_of(OPERATOR)
        self._tokens: dict[tuple[str, Colleague | Person], str] = {}
        self._own = threading.local()
        self._clients: list[RpcClient] = []
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        """Connections are opened when they are needed."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close every thread's connection."""
        for client in self._clients:
            client.close()

    def ask(
        self, org: str, method: str, *, who: Colleague | Person = Colleague.HEAD, **arguments: Any
    ) -> Any:
        """Return the answer to a query, of the head of ``org`` unless ``who`` is somebody else."""
        return self._call(org, who, method, None, arguments)

    def order(self, org: str, who: Colleague | Person, method: str, key: str, **arguments: Any) -> Any:
        """Give a command once under the idempotency ``key``, and again under the same key if that may help."""
        return self._call(org, who, method, key, arguments)

    def _call(
        self, org: str, who: Colleague | Person, method: str, key: str | None, arguments: dict[str, Any]
    ) -> Any:
        for left in reversed(range(_TRIES)):
            try:
                return self._client().call(
                    method, token=self._token(org, who), idempotency_key=key, **arguments
                )
            except KefuError as error:
                again = error.transient or error.code == "deadline_exceeded"
                if not left or not again:
                    raise
        raise Unavailable(f"{method} was not answered")

    def _token(self, org: str, who: Colleague | Person) -> str:
        with self._lock:
            if (org, who) not in self._tokens:
                self._tokens[org, who] = self._reach.token(who.subject, org, who.roles, _SHIFT)
            return self._tokens[org, who]

    def _client(self) -> RpcClient:
        client: RpcClient | None = getattr(self._own, "client", None)
        if client is None:
            client = self._own.client = RpcClient(self._url, name=OPERATOR, timeout=_CALL_TIMEOUT)
            with self._lock:
                self._clients.append(client)
        return client
