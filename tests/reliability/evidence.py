"""What a run left behind in the services' own databases, held against what its callers were told."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from kombu.connection import Connection
from pymongo import MongoClient

from kefu.topology import topology
from services.complaints.rulebook import load_rulebooks
from services.intake.rulebook import load_rulebooks as load_intake_rulebooks
from services.names import SERVICES
from shared.messaging.dead_letters import DeadLetters
from shared.messaging.topology import dead_letter_queue
from shared.testing.checker import Ledger, Score, chain_faults, same, score_ledger, table
from tests.integration.process_stack import ProcessStack
from tests.reliability.desks import FILED_WITH
from tests.reliability.shift import CONTACTS, DEAD, ORG, REJECTED
from tests.reliability.workload import Workload

Document = dict[str, Any]

#: The event each command records, by which its effect is known.
EFFECTS = {
    "intake.register_contact": ("contact_registered",),
    "complaints.decide_validity": ("case_accepted", "case_refused"),
    "complaints.attempt_contact": ("contact_attempted",),
    "complaints.record_progress": ("case_progressed",),
    "complaints.reply": ("case_replied",),
    "complaints.propose_offer": ("offer_proposed",),
    "complaints.decide_offer": ("approval_given",),
    "complaints.answer_offer": ("offer_accepted", "offer_declined"),
    "complaints.pay_offer": ("offer_paid",),
    "complaints.record_filing": ("filing_recorded",),
    "followup.complete_callback": ("callback_attempted", "callback_completed", "callback_unsatisfied"),
}
#: Collections of aggregates: where each service keeps what has a history, and when it was made.
AGGREGATES = (
    ("intake", "customers", "opened_at"),
    ("intake", "contacts", "registered_at"),
    ("intake", "rejected_events", "rejected_at"),
    ("intake", "requests", "opening.opened_at"),
    ("complaints", "cases", "opened_at"),
    ("complaints", "offers", "proposed_at"),
    ("followup", "callbacks", "scheduled_at"),
    ("followup", "messages", "requested_at"),
    ("followup", "records", "opened_at"),
    ("followup", "survey_waves", "planned_at"),
    ("followup", "survey_invitations", "invited_at"),
    ("reporting", "reports", "published_at"),
)
_PATIENCE = 90.0
_ORGANISATIONS = Path(__file__).parents[2] / "organisations"


@dataclass(frozen=True)
class Verdict:
    """The scored map of one run and everything else that must be empty."""

    scores: Sequence[Score]
    faults: Sequence[str]

    @property
    def clean(self) -> bool:
        """Return whether nothing was lost, doubled, unexpected or out of order."""
        return not self.faults and all(row.clean for row in self.scores)

    def __str__(self) -> str:
        return "\n".join([table(self.scores), *self.faults])


class Investigation:
    """Reads the databases of a stack; sees what was made since it was begun."""

    def __init__(self, stack: ProcessStack, since: datetime) -> None:
        """Look at aggregates made from ``since`` on."""
        self._stack = stack
        self._since = since
        declared = topology(retry_delays_ms=stack.retry_delays_ms).queues()
        self._queues = [name for name, _ in declared if not name.startswith("dlq.")]
        self._client: MongoClient[Document] = MongoClient(
            stack.database_url(), tz_aware=True, serverSelectionTimeoutMS=10_000
        )

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def settled_verdict(self, workload: Workload) -> Verdict:
        """Return the verdict once it is clean and stays so, or as it is after a minute and a half.

        Lost may only mean late until then; doubled and unexpected never heal, so waiting hides nothing.
        """
        deadline = time.monotonic() + _PATIENCE
        while True:
            late = time.monotonic() > deadline
            if late or (self._queues_are_empty() and not self._open_tickets()):
                verdict = self.verdict(workload)
                if verdict.clean or late:
                    return verdict
            time.sleep(0.2)

    def forget_the_dead(self) -> None:
        """Empty the dead-letter queues, so that the next run looks only at its own."""
        with Connection(self._stack.broker_url("admin"), connect_timeout=5) as connection:
            channel = connection.channel()
            for subscription in topology().subscriptions:
                channel.queue_purge(dead_letter_queue(subscription.queue))

    def verdict(self, workload: Workload) -> Verdict:
        """Return the verdict on what is there now."""
        archive = self._made("reporting", "events", "archived_at", {"_id": 1, "subject": 1})
        documents = {
            (service, kind): self._made(service, kind, moment) for service, kind, moment in AGGREGATES
        }
        recorded = _entries(documents)
        contacts = documents["intake", "contacts"]
        cases = documents["complaints", "cases"]
        offers = documents["complaints", "offers"]
        callbacks = documents["followup", "callbacks"]
        ledger = workload.ledger
        scores = [
            score_ledger(CONTACTS, ledger, Counter(_publishers_causes(contacts, workload.shared.run))),
            score_ledger(REJECTED, ledger, Counter(_ids(documents["intake", "rejected_events"]))),
            # A message may die twice, the broker's confirmation of the first death being lost: once counts.
            score_ledger(DEAD, ledger, Counter(set(self._dead(workload.shared.run)))),
            *_command_scores(ledger, contacts, [*cases, *offers], callbacks),
            same("contact numbers", _numbers(contacts), _numbers(contacts)),
            same("complaints to cases", _complaints(contacts), _raised(cases)),
            same("contacts to requests", _asking(contacts), _asked_by(documents["intake", "requests"])),
            same("replies to callbacks", _replies(cases), _called(callbacks)),
            same("callbacks' results to cases", _results(callbacks), _taken(cases)),
            same("vain calls to messages", _vain(cases), _requests(documents["followup", "messages"])),
            same("offers to cases", _offers(offers), _noted(cases)),
            same("late complaints to breaches", workload.shared.late & _ids(contacts), _breaches(cases)),
            same("recorded to archived", recorded, self._of_this_run(archive, set(recorded))),
            same("cases to figures", _ids(cases), self._facts("cases", _ids(cases))),
            same("contacts to figures", _ids(contacts), self._facts("contacts", _ids(contacts))),
        ]
        every = [document for rows in documents.values() for document in rows]
        faults = [*chain_faults(every), *_households(cases), *_endings(cases, callbacks)]
        return Verdict(scores, [*faults, *self._open_tickets(), *workload.shared.failures])

    def _made(
        self, service: str, kind: str, moment: str, fields: Mapping[str, int] | None = None
    ) -> list[Document]:
        collection = self._client[f"kefu_{service}"][kind]
        return list(collection.find({moment: {"$gte": self._since}}, fields))

    def _of_this_run(self, archive: Sequence[Document], recorded: set[str]) -> list[str]:
        """Return the archived entries but for those that an aggregate from before the run recorded."""
        older = sorted({row["subject"] for row in archive if row["_id"] not in recorded})
        before: set[str] = set()
        if older:
            documents = {
                (service, kind): list(self._client[f"kefu_{service}"][kind].find({"_id": {"$in": older}}))
                for service, kind, _ in AGGREGATES
            }
            before = set(_entries(documents)) - recorded
        return [row["_id"] for row in archive if row["_id"] not in before]

    def _facts(self, kind: str, ids: set[str]) -> list[str]:
        found = self._client["kefu_reporting"][kind].find({"_id": {"$in": sorted(ids)}}, {"_id": 1})
        return [row["_id"] for row in found]

    def _open_tickets(self) -> list[str]:
        """Return the tickets that hold an entry; one that names nothing was left by a write that never was."""
        faults = []
        for service in SERVICES:
            database = self._client[f"kefu_{service}"]
            for ticket in database["outbox_tickets"].find():
                for kind, key, since in ticket["refs"]:
                    document = database[kind].find_one({"_id": key}, {"history": 1})
                    if document is not None and len(document["history"]) >= since:
                        faults.append(f"{service} holds a ticket for {kind} {key} from {since}")
                        break
        return faults

    def _queues_are_empty(self) -> bool:
        with DeadLetters(self._stack.broker_url("admin")) as queues:
            return all(queues.depth(name) == 0 for name in self._queues)

    def _dead(self, run: str) -> Iterable[str]:
        with DeadLetters(self._stack.broker_url("operator")) as letters:
            for subscription in topology().subscriptions:
                for letter in letters.peek(dead_letter_queue(subscription.queue), 10_000):
                    mark = letter.body.decode(errors="replace")
                    if run in mark:
                        start = mark.index(run)
                        yield f"{subscription.queue} {mark[start:].split(chr(34))[0]}"


def _command_scores(
    ledger: Ledger, contacts: list[Document], complaints: list[Document], callbacks: list[Document]
) -> list[Score]:
    places = {"intake": contacts, "complaints": complaints, "followup": callbacks}
    scores = []
    for method, types in EFFECTS.items():
        prefix = f"{ORG}/{method.partition('.')[2]}/"
        documents = places[method.partition(".")[0]]
        causes = [e["cause"] for d in documents for e in d["history"] if e["type"] in types]
        effects = Counter(cause for cause in causes if cause.startswith(prefix))
        scores.append(score_ledger(method, ledger, effects))
    return scores


def _ids(documents: Iterable[Document]) -> set[str]:
    return {str(document["_id"]) for document in documents}


def _publishers_causes(contacts: Iterable[Document], run: str) -> list[str]:
    causes = [contact["history"][0]["cause"] for contact in contacts]
    return [cause for cause in causes if cause.startswith(f"/{run}#") or "/register_contact/" not in cause]


def _numbers(contacts: Iterable[Document]) -> list[str]:
    return [f"{contact['org']} {contact['number']}" for contact in contacts]


def _complaints(contacts: Iterable[Document]) -> list[str]:
    return [contact["_id"] for contact in contacts if contact["routed_to"] == "complaints"]


def _raised(cases: Iterable[Document]) -> list[str]:
    return [contact for case in cases for contact in case["contacts"]]


def _asking(contacts: Iterable[Document]) -> list[str]:
    """Return the contacts that by the rulebook of their day become a request, each of which opens one."""
    books = load_intake_rulebooks(_ORGANISATIONS)
    asking = []
    for contact in contacts:
        rules = books.for_org(contact["org"], contact["received_at"]).sections.requests
        if contact["routed_to"] == "desk" and rules.kind_for(contact["category"], contact["channel"]):
            asking.append(contact["_id"])
    return asking


def _asked_by(requests: Iterable[Document]) -> list[str]:
    """Return by which contacts requests were opened, once for each request."""
    return [row["opening"]["contact_id"] for row in requests if row["opening"]["contact_id"]]


def _entries_of(documents: Iterable[Document], *types: str) -> list[Document]:
    return [entry for document in documents for entry in document["history"] if entry["type"] in types]


def _replies(cases: Iterable[Document]) -> list[str]:
    replies = (entry["data"] for entry in _entries_of(cases, "case_replied"))
    return [f"{data['case_id']} {data['round']}" for data in replies if data["needs_callback"]]


def _called(callbacks: Iterable[Document]) -> list[str]:
    return [f"{callback['case_id']} {callback['round']}" for callback in callbacks]


def _results(callbacks: Iterable[Document]) -> list[str]:
    return [
        f"/kefu/followup#{entry['id']}"
        for entry in _entries_of(callbacks, "callback_completed", "callback_unsatisfied")
    ]


def _taken(cases: Iterable[Document]) -> list[str]:
    return [key for case in cases for key in case["processed"] if key.startswith("/kefu/followup#")]


def _vain(cases: Iterable[Document]) -> list[str]:
    attempts = _entries_of(cases, "contact_attempted")
    return [f"/kefu/complaints#{entry['id']}" for entry in attempts if entry["data"]["message"]]


def _requests(messages: Iterable[Document]) -> list[str]:
    return [message["history"][0]["cause"] for message in messages]


def _offers(offers: Iterable[Document]) -> list[str]:
    return [f"{offer['_id']} {offer['stood']} {offer['opened']}" for offer in offers if offer["stood"]]


def _noted(cases: Iterable[Document]) -> list[str]:
    return [
        f"{key} {seq} {is_open}" for case in cases for key, (seq, is_open) in case.get("offers", {}).items()
    ]


def _breaches(cases: Iterable[Document]) -> list[str]:
    breached = []
    for case in cases:
        first = [e for e in _entries_of([case], "clock_breached") if e["data"]["clock"] == "first_contact"]
        breached += [case["contacts"][0]] * len(first)
    return breached


def _entries(documents: Mapping[tuple[str, str], list[Document]]) -> list[str]:
    return [
        f"/kefu/{service}#{entry['id']}"
        for (service, _), rows in documents.items()
        for document in rows
        for entry in document["history"]
    ]


def _households(cases: Iterable[Document]) -> list[str]:
    """Return the open cases that were not looked at again when the number of households reached a border.

    Between two borders of the rulebook the number changes nothing, and no case is written anew for it.
    """
    books = load_rulebooks(_ORGANISATIONS)
    matters: dict[str, list[Document]] = {}
    for case in cases:
        if case["valid"] is not False:
            matters.setdefault(case["matter_id"], []).append(case)
    faults = []
    for matter, members in matters.items():
        households = len({case["unit_id"] or case["customer_id"] for case in members})
        faults += [
            f"case {case['_id']} knows {case['households']} of {households} households of {matter}"
            for case in members
            if case["state"] != "closed"
            and books.of_version(case["org"], case["regulation"]).sections.households_matter(
                case["households"], households
            )
        ]
    return faults


def _endings(cases: Iterable[Document], callbacks: Iterable[Document]) -> list[str]:
    """Return the cases that do not stand where the result of their last callback puts them."""
    by_id = {case["_id"]: case for case in cases}
    faults = []
    for callback in callbacks:
        case = by_id[callback["case_id"]]
        if callback["state"] != "done" or callback["round"] != case["rounds"]:
            continue
        wanted = "closed" if callback["effect"] == "close" else "accepted"
        if wanted == "closed" and _waits_rightly(case):
            continue
        if case["state"] != wanted:
            faults.append(f"case {case['_id']} is {case['state']}, its last callback wants it {wanted}")
    return faults


def _waits_rightly(case: Document) -> bool:
    """Return whether a case stays open for an offer that is not settled, or because it is still to be filed."""
    open_offers = any(is_open for _, is_open in case.get("offers", {}).values())
    filed = {filing["unit"] for filing in case.get("filings", ())}
    unit = FILED_WITH.get(case["level"])
    return case.get("waits_to_close") is not None and (
        open_offers or (unit is not None and unit not in filed)
    )
