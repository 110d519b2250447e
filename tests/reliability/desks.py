"""The people at their desks: each command goes out under its key until it is answered."""

from __future__ import annotations

import queue
import time
from random import Random
from typing import Any

from shared.errors import Conflict, DeadlineExceeded, NotFound, RuleRefused, Unavailable
from shared.messaging.rpc_client import RpcClient
from tests.integration.events import contact_id_of, enquiry
from tests.reliability.shift import ORG, PERSISTENCE, Shared, Worker, command_key

#: With which unit a complaint of a level is filed before it closes (B-JKC-46, B-JKC-47).
FILED_WITH = {"important": "customer_relations", "major": "board"}
_RPC_TIMEOUT = 1.5
_ROUNDS = 2


class Caller(Worker):
    """A worker that calls: commands are repeated under their key until they are answered."""

    def __init__(self, shared: Shared, rng: Random) -> None:
        super().__init__(shared, rng)
        self._number = 0
        self._client = RpcClient(shared.stack.broker_url("operator"), name="operator", timeout=_RPC_TIMEOUT)

    def work(self) -> None:
        super().work()
        self._client.close()

    def do(self, method: str, subject: str, **arguments: Any) -> dict[str, Any] | None:
        """Carry a command out; None if it was refused or could not be had answered."""
        self._number += 1
        key = f"{self.shared.run}-{self}-{self._number}"
        full = command_key(method, key)
        token = self.shared.token(subject)
        self.shared.ledger.attempt(method, full)
        deadline = time.monotonic() + PERSISTENCE
        while time.monotonic() < deadline:
            try:
                answer = self._client.call(method, token=token, idempotency_key=key, **arguments)
            except (DeadlineExceeded, Unavailable, Conflict):
                continue
            except RuleRefused:
                self.shared.ledger.refuse(method, full)
                return None
            self.shared.ledger.acknowledge(method, full)
            return dict(answer)
        return None

    def ask(self, method: str, **arguments: Any) -> Any:
        """Return the answer to a query, None if nobody answered in time."""
        token = self.shared.token("reader")
        try:
            return self._client.call(method, token=token, **arguments)
        except (DeadlineExceeded, Unavailable, NotFound):
            return None


class Handler(Caller):
    """Handles complaint cases one after the other, from the decision to the callback."""

    def __init__(self, shared: Shared, rng: Random, number: int) -> None:
        super().__init__(shared, rng)
        self._name = f"handler{number}"
        self._filed: set[tuple[str, str]] = set()

    def __str__(self) -> str:
        return self._name

    def toil(self) -> None:
        while not self.shared.stop.is_set():
            try:
                event = self.shared.taken.get(timeout=0.2)
            except queue.Empty:
                continue
            case = self._case_of(event)
            if case is not None and self.shared.claim(case["case_id"]):
                self._handle(case["case_id"])

    def _case_of(self, event: dict[str, Any]) -> dict[str, Any] | None:
        while not self.shared.stop.is_set():
            case = self.ask("complaints.get_case_of_contact", contact_id=contact_id_of(event))
            if case is not None:
                return dict(case)
            self.shared.stop.wait(0.1)
        return None

    def _handle(self, case_id: str) -> None:
        valid = self.rng.random() < 0.85
        decided = self.do("complaints.decide_validity", self._name, id=case_id, valid=valid, reason="核实")
        if decided is None:
            return
        outcome = self.rng.choice(["reached", "unreachable"])
        self.do("complaints.attempt_contact", self._name, id=case_id, outcome=outcome)
        if valid:
            self.do("complaints.record_progress", self._name, id=case_id, text="处理中")
            if self.rng.random() < 0.6:
                self._compensate(case_id)
        for round_number in range(1, _ROUNDS + 1):
            if self.shared.stop.is_set():
                return
            replied = self.do("complaints.reply", self._name, id=case_id, text="已处理")
            if replied is not None and valid:
                self._file(case_id)
            if replied is None or not valid or not self._call_back(case_id, round_number):
                return

    def _compensate(self, case_id: str) -> None:
        """Offer the customer a sum and take it as far as it goes; some offers are left lying for ever."""
        sum_of_money = f"{self.rng.randrange(1, 5_000)}.00"
        terms = {"case_id": case_id, "kind": "compensation", "amount": sum_of_money, "reason": "核实"}
        offer = self.do("complaints.propose_offer", self._name, **terms)
        if offer is None or self.rng.random() < 0.1:
            return
        decision = {"id": offer["offer_id"], "approved": True, "amount": sum_of_money}
        if self.do("complaints.decide_offer", "approver", **decision) is None:
            return
        accepted = self.rng.random() < 0.8
        self.do("complaints.answer_offer", self._name, id=offer["offer_id"], accepted=accepted)
        if accepted:
            self.do("complaints.pay_offer", "cashier", id=offer["offer_id"], evidence="V-1")

    def _file(self, case_id: str) -> None:
        """File the case with the unit its level asks for; without that it does not close."""
        case = self.ask("complaints.get_case", id=case_id)
        unit = FILED_WITH.get(case["level"]) if case is not None else None
        if unit is not None and (case_id, unit) not in self._filed and self.rng.random() < 0.8:
            self._filed.add((case_id, unit))
            self.do("complaints.record_filing", self._name, id=case_id, unit=unit, way="paper")

    def _call_back(self, case_id: str, round_number: int) -> bool:
        """Make the callback of a round; return whether the case is to be replied to again."""
        callback = self._callback(case_id, round_number)
        if callback is None:
            return False
        while not self.shared.stop.is_set():
            outcome = self.rng.choice(["unreachable", "satisfied", "satisfied", "dissatisfied"])
            if round_number == _ROUNDS and outcome == "dissatisfied":
                outcome = "neutral"
            made = self.do(
                "followup.complete_callback", "caller", id=callback["callback_id"], outcome=outcome
            )
            if made is None:
                return False
            if outcome != "unreachable":
                return outcome == "dissatisfied" and self._reopened(case_id)
        return False

    def _callback(self, case_id: str, round_number: int) -> dict[str, Any] | None:
        while not self.shared.stop.is_set():
            for callback in self.ask("followup.list_callbacks", case_id=case_id) or []:
                if callback["round"] == round_number:
                    return dict(callback)
            self.shared.stop.wait(0.1)
        return None

    def _reopened(self, case_id: str) -> bool:
        while not self.shared.stop.is_set():
            case = self.ask("complaints.get_case", id=case_id)
            if case is not None and case["state"] == "accepted":
                return True
            self.shared.stop.wait(0.1)
        return False


class Clerk(Caller):
    """Registers contacts by hand, each under its own key."""

    def toil(self) -> None:
        while not self.shared.stop.wait(self.rng.uniform(0.05, 0.4)):
            data = enquiry(ORG)["data"] | {"text": self.shared.run}
            self.do("intake.register_contact", "clerk", **data)
