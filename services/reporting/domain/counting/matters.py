"""What each kind of matter adds to the figures, computed from its events alone, whatever their order of arrival."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

from services.reporting.domain.case import CaseFact
from services.reporting.domain.counting.cells import Amounts, Cell, Counted, added, exact
from services.reporting.domain.event import ArchivedEvent, in_order
from services.reporting.domain.tally import SATISFIED, tally
from shared.history import moment_of

Day = Callable[[datetime], str]
Events = Sequence[ArchivedEvent]
#: The cell without its organisation and kind, and what is added to it.
Part = tuple[Mapping[str, str], Mapping[str, int | Decimal]]

_MINUTE = 60


def local_day(zone: str) -> Day:
    """Return what tells the local day (ISO) of an instant in ``zone``."""
    place = ZoneInfo(zone)
    return lambda moment: moment.astimezone(place).date().isoformat()


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _requests(events: Events, day: Day) -> list[Part]:
    """A need or repair counts on the day it was opened: done, on time, passed around, solved by the first contact."""
    by_type: dict[str, list[ArchivedEvent]] = {}
    for event in events:
        by_type.setdefault(event.type, []).append(event)
    opening = by_type.get("request_opened", [None])[0]
    if opening is None:
        return []
    data = opening.data
    closing = by_type.get("request_closed", [None])[-1]
    passed = sum(each.data.get("change") == "accepted" for each in by_type.get("request_passed_on", ()))
    handed = len(by_type.get("request_passed_on", ()))
    repeats = len(by_type.get("request_repeated", ()))
    holder = data.get("first_responsible") or {}
    where = {
        "day": day(opening.time),
        "category": data["kind"],
        "unit": _text(holder.get("unit")),
        "person": _text(holder.get("staff")),
        "level": _text(data.get("level")),
        "channel": _text(data.get("channel")),
        "project": _text(data.get("area")),
    }
    counts: dict[str, int | Decimal] = {
        "opened": 1,
        "passed": int(handed > 0),
        "passes": passed,
        "repeated": int(repeats > 0),
    }
    if closing is not None:
        counts |= {
            "done": 1,
            "done_on_time": int(closing.data["on_time"] is True),
            "first_contact": int(not handed and not repeats),
            "minutes": exact(Decimal(int((closing.time - opening.time).total_seconds())) / _MINUTE),
        }
    return [(where, counts)]


def _callbacks(events: Events, day: Day) -> list[Part]:
    """A callback of whatever counts on the day it is due, else on the day it was planned."""
    planned = next((event for event in events if event.type == "callback_scheduled"), None)
    if planned is None:
        return []
    data = planned.data
    due = moment_of(data["due_at"]) if data.get("due_at") else planned.time
    made = next(
        (e for e in reversed(events) if e.type in {"callback_completed", "callback_unsatisfied"}), None
    )
    types = Counter(event.type for event in events)
    counts: dict[str, int | Decimal] = {
        "due": int(not types["callback_superseded"]),
        "superseded": int(types["callback_superseded"] > 0),
        "given_up": int(types["callback_given_up"] > 0),
        "passed": int(types["callback_due"] > 0),
    }
    where = {
        "day": day(due),
        "category": _text(data.get("rule")),
        "channel": _text(data.get("about")),
        "person": _text(made.data.get("by")) if made else "",
    }
    if made is not None:
        counts |= {
            "made": 1,
            "made_on_time": int(made.data.get("on_time") is True),
            "satisfied": int(made.data["outcome"] == SATISFIED),
            f"outcome.{made.data['outcome']}": 1,
        }
    return [(where, counts)]


def _surveys(events: Events, day: Day) -> list[Part]:
    """Whoever was asked counts on the day of the invitation; of each dimension how often and how much was scored."""
    asked = next((event for event in events if event.type == "survey_invited"), None)
    answer = next((event for event in reversed(events) if event.type == "survey_answered"), None)
    first = asked or answer
    if first is None:
        return []
    where = {
        "day": day(first.time),
        "category": first.data["kind"],
        "channel": _text(answer.data.get("channel")) if answer else "",
    }
    counts: dict[str, int | Decimal] = {"asked": int(asked is not None), "answered": int(answer is not None)}
    for row in answer.data["scores"] if answer else ():
        score = exact(row["score"])
        counts |= {
            f"scored.{row['dimension']}": 1,
            f"sum.{row['dimension']}": score,
            f"score.{row['dimension']}.{score:f}": 1,
        }
    return [(where, counts)]


def _quality(events: Events, day: Day) -> list[Part]:
    """One card filled in; scored again, the last card holds."""
    last = events[-1]
    data = last.data
    where = {"day": day(last.time), "category": data["kind"], "person": _text(data.get("agent"))}
    return [
        (
            where,
            {
                "scored": 1,
                "passed": int(data.get("passed") is True),
                "points": exact(data["total"]),
                "of": exact(data["of"]),
                "faults": int(data.get("faults") or 0),
            },
        )
    ]


def _visits(events: Events, day: Day) -> list[Part]:
    """A visit counts on the day of its first word; ``state.…`` is where it stands now."""
    first, last = events[0].data, events[-1].data
    where = {
        "day": day(events[0].time),
        "category": _text(first.get("purpose")),
        "unit": _text(first.get("desk")),
    }
    done = {f"done.{event.data['action']}": 1 for event in events}
    return [(where, {"opened": 1, f"state.{last['state']}": 1, **done})]


def _customers(events: Events, day: Day) -> list[Part]:
    """A customer counts when registered, and with each change of grade, phase or state on the day of the change."""
    parts: list[Part] = []
    for event in events:
        if event.type == "customer_registered":
            parts.append(({"day": day(event.time), "category": event.data["kind"]}, {"registered": 1}))
        elif event.data.get("value_to"):
            at, change = day(moment_of(event.data["changed_at"])), event.data["change"]
            counts = {f"{change}.{event.data['value_to']}": 1, change: 1}
            if event.data.get("value_from"):
                counts[f"{change}.from.{event.data['value_from']}"] = 1
            parts.append(({"day": at, "category": change}, counts))
    return parts


def _records(events: Events, day: Day) -> list[Part]:
    """A form counts on the day it was opened: its state, its numbers summed, its flags and choices counted."""
    first = events[0]
    if first.type != "record_opened":
        return []
    last = events[-1].data
    values = {row["field"]: row["value"] for row in last["values"]}
    state = next(
        (
            event.data["to"]
            if event.type == "record_acted" and event.data.get("done")
            else event.data["state"]
            for event in reversed(events)
            if event.type == "record_opened" or (event.type == "record_acted" and event.data.get("done"))
        ),
        "",
    )
    where = {
        "day": day(first.time),
        "category": first.data["register"],
        "unit": _text(values.get("unit")),
        "person": _text(values.get("staff")),
        "project": _text(values.get("project")),
    }
    counts: dict[str, int | Decimal] = {"opened": 1, f"state.{state}": 1}
    for name, value in values.items():
        counts |= _counted_value(name, value)
    counts |= {f"flag.{flag}": 1 for flag in last.get("flags", ())}
    return [(where, counts)]


def _counted_value(name: str, value: object) -> dict[str, int | Decimal]:
    """Return what one value of a form adds: a number its sum, a flag or choice how often it was so."""
    if isinstance(value, bool):
        return {f"is.{name}": int(value), f"filled.{name}": 1}
    if not isinstance(value, str | int):
        return {}
    try:
        return {f"sum.{name}": exact(value), f"filled.{name}": 1}
    except InvalidOperation:
        return {f"is.{name}.{value}": 1, f"filled.{name}": 1}


def _figures(events: Events, day: Day) -> list[Part]:  # noqa: ARG001 - all kinds are computed alike
    """What was measured elsewhere stands on the first day of its period, as the last statement has it."""
    data = events[-1].data
    where = {
        "day": data["begins_on"],
        "category": data["figure"],
        "level": data["window"],
        "unit": _text(data.get("unit")),
        "person": _text(data.get("person")),
        "project": _text(data.get("project")),
    }
    amounts = {
        name: exact(data[name])
        for name in ("numerator", "denominator", "value")
        if data.get(name) is not None
    }
    return [(where, {"stated": 1, **amounts})]


_KINDS: Mapping[str, tuple[Callable[[Events, Day], list[Part]], frozenset[str]]] = {
    "requests": (
        _requests,
        frozenset({"request_opened", "request_closed", "request_passed_on", "request_repeated"}),
    ),
    "callbacks": (
        _callbacks,
        frozenset(
            {
                "callback_scheduled",
                "callback_due",
                "callback_superseded",
                "callback_given_up",
                "callback_completed",
                "callback_unsatisfied",
            }
        ),
    ),
    "surveys": (_surveys, frozenset({"survey_invited", "survey_answered"})),
    "quality": (_quality, frozenset({"item_scored"})),
    "visits": (_visits, frozenset({"visit_changed"})),
    "customers": (_customers, frozenset({"customer_registered", "customer_changed"})),
    "records": (_records, frozenset({"record_opened", "record_acted", "record_corrected"})),
    "figures": (_figures, frozenset({"figure_reported"})),
}

#: Which kind of matter an event tells of, by its type.
KIND_OF = {kind: name for name, (_, types) in _KINDS.items() for kind in types}
#: Whose word counts, for each kind of matter.
COUNTED_BY: Mapping[str, frozenset[str]] = {
    "requests": frozenset({"intake"}),
    "callbacks": frozenset({"followup"}),
    "surveys": frozenset({"followup"}),
    "quality": frozenset({"followup"}),
    "visits": frozenset({"intake"}),
    "customers": frozenset({"intake"}),
    "records": frozenset({"intake", "followup", "reporting"}),
    "figures": frozenset({"reporting"}),
}
#: Cases are folded by themselves; everything that can be counted.
COUNTED_KINDS = ("cases", *_KINDS)


def count_matter(kind: str, subject: str, org: str, zone: str, events: Iterable[ArchivedEvent]) -> Counted:
    """Return what the matter ``subject`` adds, from its ``events``; those of other kinds are passed over."""
    compute, types = _KINDS[kind]
    known = [event for event in in_order(events) if event.type in types]
    parts = compute(known, local_day(zone)) if known else []
    return Counted(f"{kind}:{subject}", org, len(known), _cells(org, kind, parts))


def count_case(case: CaseFact, zone: str) -> Counted:
    """Return what a case adds; nothing while its opening has not arrived."""
    parts: list[Part] = []
    if case.received_at is not None:
        where = {"day": local_day(zone)(case.received_at), "level": case.level or ""}
        counts: dict[str, int | Decimal] = dict(tally(case))
        for name, minutes, at in (
            ("responded", "minutes_to_response", case.responded_at),
            ("answered", "minutes_to_answer", case.replied_at),
        ):
            if at is not None:
                lasted = Decimal(int((at - case.received_at).total_seconds())) / _MINUTE
                counts |= {name: 1, minutes: exact(lasted)}
        parts.append((where, counts))
    return Counted(f"cases:{case.id}", case.org, case.events, _cells(case.org, "cases", parts))


def _cells(org: str, kind: str, parts: Iterable[Part]) -> dict[Cell, Amounts]:
    cells: dict[Cell, list[Amounts]] = {}
    for where, counts in parts:
        amounts = {name.replace("$", "_"): Decimal(count) for name, count in counts.items() if count}
        cells.setdefault(Cell(org=org, kind=kind, **where), []).append(amounts)
    return {cell: added(many) for cell, many in cells.items()}
