"""What a campaign makes of one page of persons: messages, tasks or marks, each once whatever is repeated."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from services.followup.care_kept import MessagesKept
from services.followup.domain.care.campaign import Campaign
from services.followup.domain.care.rules import CareKind, Makes
from services.followup.domain.message import Message
from services.followup.domain.person import Known, Person
from services.followup.domain.rulebook import FollowupRules, MessageTemplate
from services.followup.errors import no_template
from services.followup.handlers.people import People
from services.followup.metrics import MESSAGES_REQUESTED
from shared.errors import KefuError
from shared.history import Cause
from shared.ids import derived_id
from shared.mongo.registers import RecordsKept
from shared.registers.handlers.keeping import KeepRegisters
from shared.ruling import Ruling
from shared.worktime import due

SYSTEM = "system"

#: Persons dealt with in one step; each task is a write of its own.
PAGE: Mapping[Makes, int] = {Makes.MESSAGE: 1000, Makes.TASK: 100, Makes.MARK: 1000}


@dataclass(frozen=True, slots=True)
class Run:
    """One step of a campaign: under which rules, at which instant, in whose name."""

    campaign: Campaign
    kind: CareKind
    ruling: Ruling[FollowupRules]
    sender: str
    now: datetime

    @property
    def today(self) -> date:
        """Return the organisation's day."""
        return self.now.astimezone(self.ruling.zone).date()

    @property
    def month(self) -> str:
        """Return the name of the organisation's month that the cap counts in."""
        return f"{self.campaign.org}/{self.today:%Y-%m}"

    def wanted(self, people: Sequence[Person]) -> dict[str, tuple[Person, str]]:
        """Return who is chosen, by the id of what they get, with the date of theirs that is spoken of.

        The id follows from kind, person and the date, or else the campaign's occasion: two campaigns that speak
        of the same birthday make one message.
        """
        found: dict[str, tuple[Person, str]] = {}
        for person in people:
            day = self.kind.wants(person, self.today, self.campaign.variables)
            if day is None:
                continue
            occasion = f"on {day}" if day else self.campaign.occasion
            key = f"care/{self.campaign.org}/{self.kind.code}/{occasion}/{person.id}"
            found[derived_id("rd" if self.kind.makes is Makes.TASK else "ms", key)] = (person, key)
        return found


@dataclass(frozen=True, slots=True)
class Reached:
    """How many of a page got something, and how many did not, by reason."""

    sent: int
    skipped: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class _Opening:
    """The service's own call that opens a task."""

    org: str
    key: str
    actor: str = SYSTEM
    roles: frozenset[str] = frozenset({"staff", SYSTEM})
    traceparent: str | None = None


class Pages:
    """Deals with pages."""

    def __init__(
        self, messages: MessagesKept, registers: KeepRegisters, records: RecordsKept, people: People
    ) -> None:
        """Use what keeps messages, records and people."""
        self._messages, self._registers = messages, registers
        self._records, self._people = records, people

    def reach(self, run: Run, people: Sequence[Person]) -> Reached | None:
        """Make what the campaign makes for each; None when somebody else was at the same page: look again."""
        wanted = run.wanted(people)
        if run.kind.makes is Makes.MESSAGE:
            return self._send(run, wanted)
        if run.kind.makes is Makes.TASK:
            return self._assign(run, wanted)
        return self._mark(run, wanted)

    def _send(self, run: Run, wanted: Mapping[str, tuple[Person, str]]) -> Reached | None:
        skipped: Counter[str] = Counter()
        # What is there already is either this campaign's, from before a crash, or another's of the same occasion.
        before = self._messages.campaigns_of(list(wanted)) if wanted else {}
        sent = sum(campaign == run.campaign.id for campaign in before.values())
        skipped["already_told"] = len(before) - sent
        fresh = {made: person for made, (person, _) in wanted.items() if made not in before}
        counts = self._counts(run, fresh)
        cap = run.ruling.rules.care.cap
        messages = []
        for made, person in fresh.items():
            if run.kind.asks_consent and person.opted_out:
                skipped["opted_out"] += 1
            elif counts is not None and cap is not None and counts[person.id] >= cap.value:
                skipped["monthly_cap"] += 1
            else:
                place = None if counts is None else f"{run.month}/{person.id}/{counts[person.id]}"
                messages.append(_message(run, made, person, place))
        if messages and self._messages.insert_all(messages).known:
            return None
        MESSAGES_REQUESTED.labels(template=run.kind.template).inc(len(messages))
        return Reached(sent + len(messages), +skipped)

    def _counts(self, run: Run, fresh: Mapping[str, Person]) -> Counter[str] | None:
        """Return what each got this month; None where nothing is counted."""
        if run.ruling.rules.care.cap is None or not run.kind.asks_consent or not fresh:
            return None
        return self._messages.in_month(run.month, [person.id for person in fresh.values()])

    def _assign(self, run: Run, wanted: Mapping[str, tuple[Person, str]]) -> Reached:
        skipped: Counter[str] = Counter()
        sent = 0
        for made, (person, key) in wanted.items():
            before = self._records.get(made, run.campaign.org)
            if before is not None:
                ours = before.values.get("campaign") == run.campaign.id
                sent, skipped["already_told"] = sent + ours, skipped["already_told"] + (not ours)
            elif run.kind.asks_consent and person.opted_out:
                skipped["opted_out"] += 1
            else:
                refused = self._open(run, person, key)
                sent, skipped["refused"] = sent + (not refused), skipped["refused"] + refused
        return Reached(sent, +skipped)

    def _open(self, run: Run, person: Person, key: str) -> bool:
        """Open a task; True when the register does not take what it would hold."""
        values = {"customer": person.id, "campaign": run.campaign.id}
        given = {**run.campaign.variables, **run.kind.values, **values}
        data = {"register": run.kind.register, "values": given}
        try:
            self._registers.open_record(_Opening(run.campaign.org, key), data)
        except KefuError as error:
            if error.transient:
                raise
            return True
        return False

    def _mark(self, run: Run, wanted: Mapping[str, tuple[Person, str]]) -> Reached:
        known = [
            Known(run.campaign.org, person.id, run.campaign.started_at, traits=run.kind.marks)
            for person, _ in wanted.values()
        ]
        if known:
            self._people.note(known)
        return Reached(len(known), {})


def _message(run: Run, made: str, person: Person, place: str | None) -> Message:
    template, kind = template_of(run), run.kind
    within = kind.acknowledge.within if kind.acknowledge else None
    message = Message(
        id=made,
        org=run.campaign.org,
        template=template.code,
        template_source=template.source,
        regulation=run.campaign.regulation,
        customer_id=person.id,
        variables={"sender": run.sender, **run.campaign.variables},
        requested_at=run.now,
        campaign_id=run.campaign.id,
        channel=kind.channel,
        purpose=kind.purpose,
        awaits=kind.acknowledge is not None,
        acknowledge_by=due(run.ruling.calendar, run.now, within.value).at if within else None,
        month=run.month if place else None,
        place=place,
    )
    message.request(Cause(run.campaign.id, SYSTEM))
    return message


def template_of(run: Run) -> MessageTemplate:
    """Return the words a campaign sends; NotFound when its version of the rulebook has none."""
    template = run.ruling.rules.message(run.kind.template or "")
    if template is None:
        raise no_template(run.kind.template or "")
    return template
