"""Plays a demo day through a running stack: publishes it, does what staff do about it, checks what came of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from threading import Event
from typing import Any

from kefu.demo.colleagues import Colleague, Colleagues
from kefu.demo.expectations import (
    Expectations,
    Expected,
    Figure,
    dead_as_expected,
    rejected_as_expected,
    reported_figures,
)
from kefu.demo.handling import PATIENCE, STATES, Handling, Task
from kefu.demo.model import Item
from kefu.demo.progress import Teller
from kefu.local.waiting import wait_until
from kefu.reach import OPERATOR, Reach
from shared.errors import KefuError, NotFound
from shared.messaging.dead_letters import DeadLetters
from shared.messaging.publisher import Fate, Outgoing, PipelinedPublisher
from shared.messaging.topology import EXTERNAL, EXTERNAL_EXCHANGE, dead_letter_queue, events_queue

#: Whose rejected events belong to no organisation.
NOBODY = "-"
#: More callers at once bring nothing on two cores.
_COLLEAGUES_AT_ONCE = 4
_PAGE = 200
_INTAKE_QUEUE = events_queue(EXTERNAL, "intake")
_DEAD_QUEUE = dead_letter_queue(_INTAKE_QUEUE)


@dataclass(slots=True)
class Outcome:
    """What became of the day: the numbers, and in plain words whatever went wrong beside them."""

    figures: list[Figure] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    reports: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def well(self) -> bool:
        """Return whether everything became as the day says."""
        return not self.failures and all(figure.right for figure in self.figures)


class Player:
    """Plays one day once."""

    def __init__(
        self,
        reach: Reach,
        expectations: Expectations,
        run: str,
        teller: Teller,
        *,
        closed_by_hand: Collection[str],
    ) -> None:
        """``run`` is what the day's event ids begin with; ``closed_by_hand`` as for ``Handling``."""
        self._reach = reach
        self._wanted = expectations
        self._run = run
        self._tell = teller
        self._closed_by_hand = closed_by_hand
        self._colleagues = Colleagues(reach)
        self._letters = DeadLetters(reach.url_of(OPERATOR))
        self._stop = Event()
        self._outcome = Outcome()

    def play(self) -> Outcome:
        """Play the day and return what became of it.

        A reaction that is refused, or something that does not happen in time, is told in the outcome and
        ends neither the day nor the other cases. Raises Unavailable when the broker goes away, NotFound when
        a service is not running.
        """
        with self._colleagues, self._letters:
            before = {org: self._reported(org) for org in self._wanted.orgs}
            contacts = self._count_contacts()
            dead = self._letters.depth(_DEAD_QUEUE)
            self._publish(self._wanted.day.items)
            if self._see_contacts(contacts):
                cases = self._see_cases()
                self._handle(cases)
                self._see_states(cases)
                self._see_reporting(before)
            self._publish_reports()
            self._check(contacts, dead)
        return self._outcome

    def _publish(self, items: Sequence[Item]) -> None:
        """Publish in the day's order, each message as the user of the system it comes from."""
        self._tell.begin("messages published", len(items))
        publishers: dict[str, PipelinedPublisher] = {}
        confirmed = 0
        try:
            for start, run in _runs(items):
                user = run[0].publisher
                if user not in publishers:
                    publishers[user] = PipelinedPublisher(self._reach.url_of(user))
                batch = [
                    Outgoing(
                        exchange=EXTERNAL_EXCHANGE,
                        routing_key=item.routing_key,
                        body=item.body,
                        message_id=f"{self._run}-{number}",
                        content_type=item.content_type,
                        user_id=user,
                    )
                    for number, item in enumerate(run, start)
                ]
                confirmed += publishers[user].publish(batch).count(Fate.CONFIRMED)
                self._tell.advance(confirmed)
        finally:
            for publisher in publishers.values():
                publisher.close()
        self._tell.end()
        self._figure("messages the broker took", len(items), confirmed)

    def _see_contacts(self, before: int) -> bool:
        wanted = len(self._wanted.contacts)
        return self._until("contacts registered", wanted, lambda: self._count_contacts() - before)

    def _see_cases(self) -> dict[str, dict[str, Any]]:
        """Return the case of every complaint by event id, once each has one and groups are counted."""
        found: dict[str, dict[str, Any]] = {}

        def look() -> int:
            for contact in self._wanted.complaints:
                if not self._complete(found.get(contact.event_id), contact):
                    self._look_up(contact, found)
            return sum(self._complete(found.get(c.event_id), c) for c in self._wanted.complaints)

        self._until("complaints with their case", len(self._wanted.complaints), look)
        return found

    def _complete(self, case: dict[str, Any] | None, contact: Expected) -> bool:
        households = self._wanted.day.households.get(contact.problem or "", 1)
        return case is not None and case["households"] >= households

    def _look_up(self, contact: Expected, found: dict[str, dict[str, Any]]) -> None:
        method = "complaints.get_case_of_contact"
        try:
            found[contact.event_id] = self._colleagues.ask(contact.org, method, contact_id=contact.contact_id)
        except NotFound:
            return

    def _handle(self, cases: dict[str, dict[str, Any]]) -> None:
        tasks = [
            Task(
                contact.org,
                cases[contact.event_id]["case_id"],
                contact.event_id,
                self._wanted.reaction(contact),
            )
            for contact in self._wanted.complaints
            if self._wanted.has_plan(contact) and contact.event_id in cases
        ]
        handling = Handling(self._colleagues, self._run, closed_by_hand=self._closed_by_hand, stop=self._stop)
        self._tell.begin("cases handled by staff", len(tasks))
        with ThreadPoolExecutor(_COLLEAGUES_AT_ONCE) as pool:
            running = {pool.submit(handling.play, task): task for task in tasks}
            try:
                for done, future in enumerate(as_completed(running), 1):
                    error = future.exception()
                    if isinstance(error, KefuError):
                        task = running[future]
                        self._fail(f"{task.org}, case of {task.name}: {error.message}")
                    elif error is not None:
                        raise error
                    self._tell.advance(done)
            except BaseException:
                self._stop.set()
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        self._tell.end()

    def _see_states(self, cases: dict[str, dict[str, Any]]) -> None:
        """Wait until every case is where staff left it, and every one that was late is known to be."""
        planned = [c for c in self._wanted.complaints if self._wanted.has_plan(c) and c.event_id in cases]
        settled: set[str] = set()

        def look() -> int:
            for contact in planned:
                if contact.event_id not in settled:
                    self._look_up(contact, cases)
                    if self._settled(contact, cases[contact.event_id]):
                        settled.add(contact.event_id)
            return len(settled)

        self._until("cases in the state they were left in", len(planned), look)
        opened = {case["case_id"] for case in cases.values()}
        joined = sum(
            event in cases and first in cases and cases[event]["case_id"] == cases[first]["case_id"]
            for event, first in self._wanted.day.repeats.items()
        )
        self._figure("cases opened", len(self._wanted.day.plan), len(opened))
        self._figure("repeats joined to the first case", len(self._wanted.day.repeats), joined)
        late = sum(event in cases and not cases[event]["on_time"] for event in self._wanted.day.overdue)
        self._figure("old complaints known to be late", len(self._wanted.day.overdue), late)

    def _settled(self, contact: Expected, case: dict[str, Any]) -> bool:
        late = contact.event_id in self._wanted.day.overdue
        planned = STATES[self._wanted.reaction(contact).stage]
        return bool(case["state"] == planned and not (late and case["on_time"]))

    def _see_reporting(self, before: dict[str, dict[str, int]]) -> None:
        wanted: dict[tuple[str, str], int] = {}
        for org in self._wanted.orgs:
            for name, rise in self._wanted.reported(org).items():
                wanted[org, name] = before[org][name] + rise
        now: dict[tuple[str, str], int] = {}

        def look() -> int:
            for org in self._wanted.orgs:
                now.update({(org, name): value for name, value in self._reported(org).items()})
            return sum(now.get(key) == value for key, value in wanted.items())

        if not self._until("figures reporting agrees on", len(wanted), look):
            for (org, name), value in wanted.items():
                if now.get((org, name)) != value:
                    self._fail(f"reporting counts {now.get((org, name))} {name} of {org} instead of {value}")

    def _publish_reports(self) -> None:
        month = self._wanted.month
        for org in self._wanted.orgs:
            key = f"{self._run}/report/{month}"
            self._outcome.reports[org] = self._colleagues.order(
                org, Colleague.HEAD, "reporting.publish_month_report", key, month=month
            )

    def _check(self, contacts_before: int, dead_before: int) -> None:
        """Count what must have become of each message; by now the queue has long been empty."""
        wanted, items = self._wanted, self._wanted.day.items
        registered = {row for org in wanted.orgs for row in self._contact_ids(org)}
        present = sum(contact.contact_id in registered for contact in wanted.contacts)
        rows = [row for org in (*wanted.orgs, NOBODY) for row in self._pages(org, "intake.list_rejected")]
        rejected = rejected_as_expected(wanted.rejected, rows)
        depth = self._letters.depth(_DEAD_QUEUE)
        letters = [(letter.body, letter.reason) for letter in self._letters.peek(_DEAD_QUEUE, depth)]
        dead = dead_as_expected(wanted.dead, letters)
        added = self._count_contacts() - contacts_before
        waiting = self._letters.depth(_INTAKE_QUEUE)
        repeats = len(items) - waiting - added - rejected - (depth - dead_before)
        self._figure("contacts registered once each", len(wanted.contacts), min(present, added))
        self._figure("sent again, no effect", sum(i.expected == "duplicate" for i in items), repeats)
        self._figure("rejected for the right reason", len(wanted.rejected), rejected)
        self._figure("dead letters", len(wanted.dead), dead)

    def _reported(self, org: str) -> dict[str, int]:
        months = [
            self._colleagues.ask(org, "reporting.month_statistics", month=month)
            for month in self._wanted.months
        ]
        return reported_figures(months)

    def _count_contacts(self) -> int:
        counts = (self._colleagues.ask(org, "intake.count_contacts") for org in self._wanted.orgs)
        return sum(sum(count.values()) for count in counts)

    def _contact_ids(self, org: str) -> Iterator[str]:
        for row in self._pages(org, "intake.list_contacts"):
            yield row["contact_id"]

    def _pages(self, org: str, method: str) -> Iterator[dict[str, Any]]:
        skip = 0
        while True:
            page = self._colleagues.ask(org, method, limit=_PAGE, skip=skip)
            yield from page
            if len(page) < _PAGE:
                return
            skip += _PAGE

    def _until(self, title: str, wanted: int, look: Callable[[], int]) -> bool:
        """Tell how many ``look`` finds until they are all; return False and note it when nothing moves any more."""
        self._tell.begin(title, wanted)
        last = before = 0

        def further() -> bool:
            nonlocal last
            last = look()
            self._tell.advance(min(last, wanted))
            return last >= wanted or last > before

        # A slow machine gets all the time it needs, as long as something moves.
        while wait_until(further, PATIENCE) and last < wanted:
            before = last
        enough = last >= wanted
        self._tell.end()
        self._figure(title, wanted, last)
        if not enough:
            self._fail(f"{title}: only {last} of {wanted}, and nothing moved for {PATIENCE:g} s")
        return enough

    def _figure(self, what: str, expected: int, found: int) -> None:
        self._outcome.figures.append(Figure(what, expected, found))

    def _fail(self, text: str) -> None:
        self._outcome.failures.append(text)


def _runs(items: Sequence[Item]) -> Iterator[tuple[int, list[Item]]]:
    """Yield stretches of consecutive items of one publisher, with the number of the first."""
    start = 0
    for number in range(1, len(items) + 1):
        if number == len(items) or items[number].publisher != items[start].publisher:
            yield start, list(items[start:number])
            start = number
