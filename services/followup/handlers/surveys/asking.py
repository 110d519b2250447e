"""Use case: ask the people of a wave, page by page, at the turns of the timer: count, draw, invite, remind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from services.followup.domain.person import Person
from services.followup.domain.rulebook import FollowupRules
from services.followup.domain.surveys.definition import SurveyKind
from services.followup.domain.surveys.invitation import Invitation
from services.followup.domain.surveys.sampling import Stratum, allocate, draw, wanted
from services.followup.domain.surveys.wave import COUNT, DRAW, Job, Wave
from services.followup.handlers.surveys.finding import kind_of
from services.followup.handlers.surveys.messaging import Messaging
from shared.clock import Clock
from shared.errors import Conflict, KefuError
from shared.history import Cause
from shared.ids import derived_id
from shared.logging import get_logger
from shared.ruling import Rules

log = get_logger(__name__)

#: People looked at in one turn, and waves in one round.
PAGE, WAVES = 500, 20
_NOBODY = ""


class Waves(Protocol):
    """Where waves are kept."""

    def at_work(self, limit: int) -> list[Wave]:
        """Return waves whose people are being counted, drawn or reminded."""
        ...

    def save(self, aggregate: Wave, *, since_seq: int) -> None:
        """Write a changed one."""
        ...


class Asked(Protocol):
    """Where invitations are kept."""

    def add(self, invitations: Sequence[Invitation]) -> object:
        """Write invitations; those already there stay as they are."""
        ...

    def unanswered(self, wave_id: str, after: str | None, limit: int) -> list[Invitation]:
        """Return those of a wave not answered yet behind an id."""
        ...

    def counts(self, wave_id: str) -> dict[str, int]:
        """Return the counts of a wave's facts."""
        ...


class PeopleToAsk(Protocol):
    """Who there is."""

    def get(self, org: str, customer_id: str) -> Person | None:
        """Return one customer."""
        ...

    def page(
        self, org: str, where: Mapping[str, str] | None = None, *, after: str | None = None, limit: int = 1000
    ) -> list[Person]:
        """Return customers by id."""
        ...


class Ask:
    """One call is one page of every wave under way; any number of replicas may do the same page at once.

    Invitations have ids that follow from wave and person, so a page done twice asks nobody twice.
    """

    def __init__(
        self,
        waves: Waves,
        asked: Asked,
        people: PeopleToAsk,
        messaging: Messaging,
        rules: Rules[FollowupRules],
        clock: Clock,
    ) -> None:
        """Use what keeps waves, invitations and people, and sends messages."""
        self._waves, self._asked, self._people = waves, asked, people
        self._messaging, self._rules, self._clock = messaging, rules, clock

    def __call__(self) -> bool:
        """Do a page of each; return whether there may be more at once."""
        done = 0
        for wave in self._waves.at_work(WAVES):
            try:
                self._turn(wave)
            except Conflict:
                # Another replica did the page.
                done += 1
            except KefuError as error:
                if error.transient:
                    raise
                log.warning("a survey cannot go on", wave=wave.id, error=str(error))
            else:
                done += 1
        return bool(done)

    def _turn(self, wave: Wave) -> None:
        if wave.job is None:
            return
        since = wave.history.next_seq
        now, cause = self._clock.now(), Cause(f"{wave.id}/{wave.job.what}", "system")
        kind = kind_of(self._rules, wave)
        if wave.job.what == COUNT:
            self._count(wave, kind, now, cause)
        elif wave.job.what == DRAW:
            self._draw(wave, kind, now, cause)
        else:
            self._remind(wave, kind, now)
        self._waves.save(wave, since_seq=since)

    def _count(self, wave: Wave, kind: SurveyKind, now: datetime, cause: Cause) -> None:
        people, last = self._page(wave)
        sizes = {stratum.code: stratum.size for stratum in wave.strata}
        for person in people:
            layer = _layer(wave, person)
            sizes[layer] = sizes.get(layer, 0) + 1
        if last is not None:
            wave.strata = [Stratum(code, size) for code, size in sorted(sizes.items())]
            wave.go_on(last)
            return
        percent = kind.share.value if kind.share else wave.plan.percent
        shares = allocate(sizes, wanted(sum(sizes.values()), wave.plan.size, percent))
        wave.strata = [Stratum(code, size, shares[code]) for code, size in sorted(sizes.items())]
        wave.job = Job(DRAW)
        if not wave.strata:
            wave.have_sent(0, now, cause)

    def _draw(self, wave: Wave, kind: SurveyKind, now: datetime, cause: Cause) -> None:
        people, last = self._page(wave)
        strata = {stratum.code: stratum for stratum in wave.strata}
        chosen: list[Person] = []
        for person in people:
            stratum = strata.get(_layer(wave, person))
            if stratum is None:
                continue
            strata[stratum.code], taken = draw(stratum, wave.plan.seed, person.id)
            if taken:
                chosen.append(person)
        wave.strata = [strata[each.code] for each in wave.strata]
        self._invite(wave, kind, chosen, now, cause)
        if last is not None:
            wave.go_on(last)
            return
        sent = sum(n for name, n in self._asked.counts(wave.id).items() if name.startswith("state/"))
        wave.have_sent(sent, now, cause)

    def _invite(
        self, wave: Wave, kind: SurveyKind, chosen: Iterable[Person], now: datetime, cause: Cause
    ) -> None:
        invitations: dict[str, Invitation] = {}
        for person in chosen:
            for unit in person.units if kind.per_unit else (None,):
                one = Invitation(
                    id=derived_id("sv", wave.id, person.id if unit is None else f"unit/{unit}"),
                    org=wave.org,
                    wave_id=wave.id,
                    kind=wave.kind,
                    method=wave.plan.method.value if wave.plan.method else None,
                    invited_at=now,
                    customer_id=person.id,
                    unit=unit,
                    stratum=_layer(wave, person) or None,
                )
                one.invite(kind, cause)
                invitations.setdefault(one.id, one)
        if invitations:
            self._asked.add([*invitations.values()])
            self._messaging.invite(wave, kind, [*invitations.values()], now)

    def _remind(self, wave: Wave, kind: SurveyKind, now: datetime) -> None:
        after = wave.job.after if wave.job else None
        rows = self._asked.unanswered(wave.id, after, PAGE)
        self._messaging.remind(wave, kind, rows, now)
        wave.go_on(rows[-1].id if len(rows) == PAGE else None)

    def _page(self, wave: Wave) -> tuple[list[Person], str | None]:
        """Return the next of the target who may be asked, and the id to go on behind; None at the end."""
        plan, after = wave.plan, wave.job.after if wave.job else None
        if plan.customers:
            named = (self._people.get(wave.org, each) for each in sorted(set(plan.customers)))
            return [person for person in named if person and _may_be_asked(person)], None
        rows = self._people.page(wave.org, plan.where or {}, after=after, limit=PAGE)
        last = rows[-1].id if len(rows) == PAGE else None
        return [person for person in rows if _may_be_asked(person)], last


def _may_be_asked(person: Person) -> bool:
    return not (person.erased or person.opted_out)


def _layer(wave: Wave, person: Person) -> str:
    return (person.trait(wave.plan.stratify) if wave.plan.stratify else None) or _NOBODY
