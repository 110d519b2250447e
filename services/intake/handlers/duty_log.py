"""Use cases of the duty log (值班日志): write, follow up, sign, read, sample."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from services.intake.domain.duty.log import (
    FollowUp,
    LogEntry,
    LogPage,
    Open,
    checked_kind,
    checked_plan,
    sample,
)
from services.intake.domain.duty.rules import DutyRules, Signing
from services.intake.domain.recognising import normal_unit
from services.intake.handlers.ruling import Rules, Ruling
from shared.acting import Caller, cause_of, change, create, found
from shared.authority import must_be_granted, must_hold
from shared.clock import Clock
from shared.errors import NotFound, RuleRefused
from shared.history import timestamp
from shared.ids import derived_id
from shared.regulations.values import Sourced
from shared.worktime.calendar import DayKind

if TYPE_CHECKING:
    from services.intake.duty_kept import DutyKept


def granted(call: Caller, grant: Sourced[tuple[str, ...]] | None, step: str) -> None:
    """RuleRefused unless the rulebook leaves ``step`` open or grants it to one of the caller's roles."""
    if grant is not None:
        must_be_granted(grant, call.roles, step)


class DutyLog:
    """The duty log of each desk."""

    def __init__(self, kept: DutyKept, rules: Rules, clock: Clock) -> None:
        """Use the collections, the rulebooks and the clock."""
        self._kept, self._rules, self._clock = kept, rules, clock

    def write(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Write an entry on today's page; RuleRefused by whoever may not, or without what its kind asks."""
        now = self._clock.now()
        ruling = self._ruling(call, now)
        rules = ruling.rules.duty
        granted(call, rules.writers, "writing in the duty log")
        plan = checked_plan(rules, data["plan"])
        checked_kind(rules, data["kind"], data["fields"], planned=plan is not None)
        if data["corrects"] is not None:
            found(self._kept.entries.get(data["corrects"], call.org), "log entry", data["corrects"])
        today = now.astimezone(ruling.zone).date()
        work = Open(**data["work"]) if data["work"] else Open(important=True, due_on=today) if plan else None
        # The pages first: an entry never stands on a page nobody is asked to sign.
        for period, signing in _periods(today, rules):
            self._page(call, data["desk"], period, signing, ruling, now)

        def build(new: str, cause: Any) -> LogEntry:
            entry = LogEntry(
                id=new,
                org=call.org,
                desk=data["desk"],
                day=today,
                kind=data["kind"],
                text=data["text"],
                fields=dict(data["fields"]),
                written_by=call.actor,
                written_at=now,
                regulation=ruling.version,
                unit_id=unit_id(call.org, data["unit"]),
                corrects=data["corrects"],
                plan=data["plan"],
                points=list(plan.points) if plan else [],
                departments=list(plan.departments) if plan else [],
                work=work,
            )
            entry.write(cause)
            return entry

        return create(self._kept.entries, call, data, "le", build, entry_view)

    def follow_up(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Say what became of open work: settled, put off, or a point of its plan done."""
        now = self._clock.now()

        def step(entry: LogEntry, cause: Any) -> None:
            ruling = self._rules.of_version(call.org, entry.regulation)
            granted(call, ruling.rules.duty.writers, "writing in the duty log")
            made = FollowUp(
                data["action"],
                data["text"],
                call.actor,
                now.astimezone(ruling.zone),
                data["due_on"],
                data["point"],
            )
            entry.follow_up(made, cause, ruling.rules.duty)

        return change(self._kept.entries, call, data, "log entry", step, entry_view)

    def sign(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Sign the page of a day or a month; RuleRefused by another role, or while a holiday has no watch on it."""
        page_id = _page_id(call.org, data["desk"], data["period"])

        def step(page: LogPage, cause: Any) -> None:
            ruling = self._rules.of_version(call.org, page.regulation)
            signing = _signing(data["period"], ruling.rules.duty)
            must_hold(signing.roles, call.roles, "signing the duty log", signing.source)
            first, last = _days(data["period"])
            entries = self._kept.entries.of_page(call.org, page.desk, first, last)
            if any(entry.written_by == call.actor for entry in entries):
                raise RuleRefused("who wrote the log does not sign it", rule=signing.source)
            if first == last:
                _watched(first, {entry.kind for entry in entries}, ruling)
            page.sign(signing, call.actor, self._clock.now(), cause, entries=len(entries))

        return change(self._kept.pages, call, {**data, "id": page_id}, "page", step, LogPage.view)

    def page(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return a day's or a month's page with its entries; with a ``seed`` only the sample to be checked."""
        page = self._kept.pages.get(_page_id(call.org, data["desk"], data["period"]), call.org)
        rules = self._reading(call)
        entries = self._kept.entries.of_page(call.org, data["desk"], *_days(data["period"]))
        chosen = {entry.id for entry in entries}
        if data["seed"] is not None and rules.sample is not None:
            chosen = set(sample(sorted(chosen), rules.sample.percent, data["seed"]))
        shown = [entry_view(entry) for entry in entries if entry.id in chosen]
        end = data["skip"] + data["limit"]
        return {
            "page": page.view() if page else None,
            "total": len(entries),
            "entries": shown[data["skip"] : end],
        }

    def open_work(self, call: Caller, data: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the open work of a desk, the oldest first: the list of the shift that is on."""
        rows = self._kept.entries.open_work(call.org, data["desk"])
        return [entry_view(entry) for entry in rows[data["skip"] : data["skip"] + data["limit"]]]

    def unit_record(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return the contact record of a unit's month: what was noted about it, patrols too."""
        unit = unit_id(call.org, data["unit"])
        entries = self._kept.entries.of_unit(call.org, unit or "", *_days(data["month"]))
        return {"unit_id": unit, "month": data["month"], "entries": [entry_view(entry) for entry in entries]}

    def _reading(self, call: Caller) -> DutyRules:
        rules = self._ruling(call, self._clock.now()).rules.duty
        granted(call, rules.readers, "reading the duty log")
        return rules

    def _ruling(self, call: Caller, at: datetime) -> Ruling:
        return self._rules.in_force(call.org, at)

    def _page(
        self, call: Caller, desk: str, period: str, signing: Signing, ruling: Ruling, now: datetime
    ) -> None:
        new = _page_id(call.org, desk, period)
        if self._kept.pages.get(new, call.org) is not None:
            return
        page = LogPage(id=new, org=call.org, regulation=ruling.version, desk=desk, period=period)
        due = datetime.combine(_days(period)[1] + timedelta(days=1 + signing.days), time.min, ruling.zone)
        page.begin(signing, due, ruling.calendar, now, cause_of(call))
        # Somebody else may open the page at the same moment: then it is there.
        self._kept.pages.insert(page)


def unit_id(org: str, unit: str | None) -> str | None:
    """Return the id events know a unit by, as registering a contact derives it."""
    normal = normal_unit(unit) if unit else None
    return derived_id("un", org, normal) if normal else None


def entry_view(entry: LogEntry) -> dict[str, Any]:
    """Return the JSON shape of an entry with its words."""
    return {
        "entry_id": entry.id,
        "desk": entry.desk,
        "day": entry.day.isoformat(),
        "kind": entry.kind,
        "text": entry.text,
        "fields": dict(entry.fields),
        "written_by": entry.written_by,
        "written_at": timestamp(entry.written_at),
        "unit_id": entry.unit_id,
        "corrects": entry.corrects,
        "plan": entry.plan,
        "points_left": entry.points_left,
        "departments": list(entry.departments),
        "open": entry.is_open,
        "important": bool(entry.work and entry.work.important),
        "quantity": entry.work.quantity if entry.work else None,
        "due_on": entry.due_on.isoformat() if entry.due_on else None,
        "follow_ups": [
            {
                "action": step.action,
                "text": step.text,
                "by": step.by,
                "at": timestamp(step.at),
                "due_on": step.due_on.isoformat() if step.due_on else None,
                "point": step.point,
            }
            for step in entry.follow_ups
        ],
    }


def _page_id(org: str, desk: str, period: str) -> str:
    return derived_id("lp", org, desk, period)


def _periods(today: date, rules: DutyRules) -> list[tuple[str, Signing]]:
    found = []
    if rules.daily is not None:
        found.append((today.isoformat(), rules.daily))
    if rules.monthly is not None:
        found.append((f"{today:%Y-%m}", rules.monthly))
    return found


def _signing(period: str, rules: DutyRules) -> Signing:
    signing = rules.daily if len(period) == len("2025-03-03") else rules.monthly
    if signing is None:
        raise NotFound("the rulebook asks for no signature of such a page")
    return signing


def _days(period: str) -> tuple[date, date]:
    """Return the first and the last day of a day ``2025-03-03`` or a month ``2025-03``."""
    if len(period) == len("2025-03-03"):
        return date.fromisoformat(period), date.fromisoformat(period)
    first = date.fromisoformat(f"{period}-01")
    return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def _watched(day: date, kinds: set[str], ruling: Ruling) -> None:
    """RuleRefused when the page of a statutory holiday lacks a kind of entry it must have."""
    if ruling.calendar.day(day).kind is not DayKind.HOLIDAY:
        return
    for kind in ruling.rules.duty.kinds:
        if kind.on_holidays and kind.code not in kinds:
            raise RuleRefused(f"the log of a holiday has an entry of kind {kind.code}", rule=kind.source)
