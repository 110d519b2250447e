"""Use cases of campaigns (活动): start one, let the timer reach everybody once, look at what became of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from services.followup.care_kept import CampaignsKept, MessagesKept
from services.followup.domain.care.campaign import Campaign
from services.followup.domain.care.festivals import day_of
from services.followup.domain.care.rules import CareKind, Festival, stretch_of
from services.followup.domain.message import Status
from services.followup.domain.person import Person
from services.followup.domain.rulebook import FollowupRules
from services.followup.handlers.campaigns_pages import PAGE, SYSTEM, Pages, Run
from services.followup.handlers.people import People
from shared.acting import Caller, cause_of, found
from shared.clock import Clock
from shared.errors import Conflict, NotFound, RuleRefused, ValidationFailed
from shared.history import Cause, timestamp
from shared.ids import derived_id
from shared.logging import get_logger
from shared.regulations import Rulebooks
from shared.ruling import Rules, Ruling

log = get_logger(__name__)

#: Campaigns that take a step in one round of the timer.
_AT_ONCE = 10


class Campaigns:
    """What people and the timer do with campaigns; safe to repeat, on any number of replicas."""

    def __init__(
        self,
        campaigns: CampaignsKept,
        messages: MessagesKept,
        pages: Pages,
        people: People,
        rulebooks: Rulebooks[FollowupRules],
        rules: Rules[FollowupRules],
        clock: Clock,
        page: Callable[[CareKind], int] = lambda kind: PAGE[kind.makes],
    ) -> None:
        """Take ``page`` persons of a campaign of a kind in one step."""
        self._campaigns, self._messages, self._pages, self._people = campaigns, messages, pages, people
        self._rulebooks, self._rules, self._clock, self._page = rulebooks, rules, clock, page
        #: Campaigns of today that were seen to be there.
        self._begun: set[str] = set()
        #: Festivals without a day that were told of.
        self._unknown: set[str] = set()

    def start(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Start the campaign of ``kind`` for its ``occasion``; one that was started before is answered as it is.

        Raises NotFound for no such kind, Forbidden naming the kind's rule for a role that may not, Conflict when
        the same occasion was started for others or with other words, RuleRefused when the customer's date is
        outside the days of the reminder.
        """
        now = self._clock.now()
        ruling = self._rules.in_force(call.org, now)
        kind = _kind(ruling, data["kind"])
        kind.check_starter(call.roles)
        if kind.reminder is not None:
            self._check_date(call.org, kind, data["customer_id"], now.astimezone(ruling.zone).date())
        campaign = self._begun_by(call.org, ruling, kind, data["occasion"], now)
        campaign.where = {**data["where"], **kind.where}
        campaign.variables, campaign.customer_id = dict(data["variables"]), data["customer_id"]
        campaign.started_by = call.actor
        campaign.next_at = max(now, data["starts_at"] or now)
        campaign.start(cause_of(call))
        if self._campaigns.insert(campaign):
            return _described(campaign)
        before = found(self._campaigns.get(campaign.id, call.org), "campaign", campaign.id)
        asked = ("where", "variables", "customer_id")
        if any(getattr(before, name) != getattr(campaign, name) for name in asked):
            raise Conflict(f"{kind.code} was started for {campaign.occasion} before, for others or otherwise")
        return _described(before)

    def _check_date(self, org: str, kind: CareKind, customer_id: str | None, today: date) -> None:
        if customer_id is None:
            raise ValidationFailed(f"{kind.code} comes by itself: say for which customer it is to come now")
        person = self._people.get(org, customer_id)
        if person is None:
            raise NotFound(f"nobody told of a customer {customer_id!r} of your organisation")
        if kind.reminder is not None and kind.reminder.occurrence(person, today) is None:
            message = f"today is outside the days of {kind.name} for this customer"
            raise RuleRefused(message, rule=kind.reminder.source)

    def round(self) -> bool:
        """Begin what begins by itself today and deal with a page of every campaign; return whether there is more."""
        now = self._clock.now()
        self._begin(now)
        running = self._campaigns.running(now, _AT_ONCE)
        more = [self._step(campaign, now) for campaign in running]
        return any(more)

    def _begin(self, now: datetime) -> None:
        due = {campaign.id: campaign for campaign in self._of_today(now)}
        missing = [campaign for key, campaign in due.items() if key not in self._begun]
        if missing:
            self._campaigns.insert_all(missing)
        self._begun = set(due)

    def _of_today(self, now: datetime) -> Iterator[Campaign]:
        for organisation in self._rulebooks.organisations:
            try:
                ruling = self._rules.in_force(organisation.id, now)
            except NotFound:
                continue
            today = now.astimezone(ruling.zone).date()
            for kind in ruling.rules.care.kinds:
                for occasion in self._occasions(organisation.id, ruling, kind, today):
                    campaign = self._begun_by(organisation.id, ruling, kind, occasion, now)
                    campaign.start(Cause(campaign.id, SYSTEM))
                    yield campaign

    def _occasions(
        self, org: str, ruling: Ruling[FollowupRules], kind: CareKind, today: date
    ) -> Iterator[str]:
        """Yield for which occasions a kind begins by itself today."""
        if kind.reminder is not None and kind.reminder.begins is not None:
            yield today.isoformat()
        if kind.every is not None:
            yield stretch_of(kind.every.value, today)
        for festival in ruling.rules.care.festivals_of(kind):
            day = self._day_of(org, festival, today.year)
            if day == today:
                yield f"{today.year}-{festival.code}"

    def _day_of(self, org: str, festival: Festival, year: int) -> date | None:
        """Return the day; None where nobody knows it, which is said once."""
        try:
            return day_of(festival, year)
        except ValidationFailed as error:
            fault = f"{org}/{festival.code}/{year}"
            if fault not in self._unknown:
                self._unknown.add(fault)
                log.error("a festival has no day", org=org, festival=festival.code, reason=str(error))  # noqa: TRY400 - nobody needs to see where
            return None

    def _begun_by(
        self, org: str, ruling: Ruling[FollowupRules], kind: CareKind, occasion: str, now: datetime
    ) -> Campaign:
        return Campaign(
            id=derived_id("cp", org, kind.code, occasion),
            org=org,
            kind=kind.code,
            occasion=occasion,
            regulation=ruling.version,
            where=dict(kind.where),
            variables={},
            customer_id=None,
            started_by=SYSTEM,
            started_at=now,
            next_at=now,
        )

    def _step(self, campaign: Campaign, now: datetime) -> bool:
        """Take one step of a campaign and save it; whoever comes second leaves it to the other."""
        since = campaign.history.next_seq
        ruling = self._rules.of_version(campaign.org, campaign.regulation)
        kind = _kind(ruling, campaign.kind)
        quiet = ruling.rules.quiet_until(now.astimezone(ruling.zone))
        if quiet is not None:
            campaign.wait(quiet)
            self._campaigns.save_all([(campaign, since)])
            return False
        sender = self._rulebooks.organisation(campaign.org).name
        run = Run(campaign, kind, ruling, sender, now)
        size = self._page(kind)
        people = self._persons(campaign, size)
        if people:
            reached = self._pages.reach(run, people)
            if reached is None:
                return True
            campaign.dealt_with(people[-1].id, reached.sent, reached.skipped)
        if len(people) < size or campaign.customer_id is not None:
            campaign.finish(now, Cause(campaign.id, SYSTEM))
        self._campaigns.save_all([(campaign, since)])
        return True

    def _persons(self, campaign: Campaign, size: int) -> Sequence[Person]:
        if campaign.customer_id is None:
            return self._people.page(campaign.org, campaign.where, after=campaign.cursor, limit=size)
        person = self._people.get(campaign.org, campaign.customer_id)
        return [] if person is None else [person]

    def campaign(self, org: str, campaign_id: str) -> dict[str, Any]:
        """Return a campaign with how many of its messages stand where."""
        campaign = found(self._campaigns.get(campaign_id, org), "campaign", campaign_id)
        by_status = self._messages.by_status(campaign_id)
        return {
            **_described(campaign),
            "messages": [{"status": status.value, "number": by_status[status]} for status in Status],
        }

    def campaigns(self, org: str, query: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return a page of campaigns, newest first."""
        listed = self._campaigns.listed(org, query["kind"], query["limit"], query["skip"])
        return [_described(campaign) for campaign in listed]


def _kind(ruling: Ruling[FollowupRules], code: str) -> CareKind:
    kind = ruling.rules.care.kind(code)
    if kind is None:
        raise NotFound(f"the rulebook has no campaign of the kind {code!r}")
    return kind


def _described(campaign: Campaign) -> dict[str, Any]:
    """Return the JSON shape of a campaign, without what became of its messages."""
    return {
        "campaign_id": campaign.id,
        "kind": campaign.kind,
        "occasion": campaign.occasion,
        "state": campaign.state.value,
        "where": [{"code": code, "value": value} for code, value in sorted(campaign.where.items())],
        "started_by": campaign.started_by,
        "started_at": timestamp(campaign.started_at),
        "next_at": timestamp(campaign.next_at) if campaign.next_at else None,
        "finished_at": timestamp(campaign.finished_at) if campaign.finished_at else None,
        **campaign.counts(),
    }
