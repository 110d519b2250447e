"""The tables at the end of a demo day, made to fit a hundred columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from kefu.demo.arrivals import LOCAL
from kefu.demo.expectations import Figure
from kefu.demo.figures import Row, Shown
from kefu.demo.scenes import Story
from kefu.demo.stack import Place

WIDTH = 100
_ROWS = 15
_CATEGORIES = {
    "need": "需求",
    "enquiry": "咨询",
    "repair": "报修",
    "order": "订单",
    "suggestion": "建议",
    "praise": "表扬",
    "complaint": "投诉",
}
_STATES = {"received": "受理", "accepted": "处理中", "refused": "无效", "replied": "已回复", "closed": "结案"}
_CLOCK_STATES = {
    "running": "进行中",
    "warned": "已预警",
    "breached": "超期",
    "met": "按时",
    "met_late": "逾期完成",
    "paused": "暂停",
    "superseded": "作废",
}
_STATISTICS: tuple[tuple[str, str, str], ...] = (
    ("contacts", "total", "contacts 来访"),
    ("", "rejected_events", "rejected events 拒收"),
    ("cases", "received", "complaints received 投诉受理"),
    ("cases", "valid", "  valid 有效"),
    ("cases", "refused", "  refused 无效"),
    ("cases", "undecided", "  undecided 待判定"),
    ("cases", "open", "open 处理中"),
    ("cases", "replied", "replied 已回复"),
    ("cases", "closed", "closed 已结案"),
    ("cases", "overdue", "overdue 超期未结"),
    ("cases", "late", "late at least once 曾超期"),
    ("cases", "reopened", "reopened 重新处理"),
    ("cases", "escalated", "escalated 升级"),
    ("callbacks", "scheduled", "callbacks scheduled 应回访"),
    ("callbacks", "made", "callbacks made 已回访"),
    ("callbacks", "satisfied", "  satisfied 满意"),
    ("callbacks", "overdue", "callbacks overdue 超期未回访"),
)
#: How units of key figures are written.
_UNITS = {"percent": " %", "per_thousand": " ‰", "minutes": " min"}


def all_tables(shown: Shown, names: Mapping[str, str]) -> Iterator[Table]:
    """Yield every table of the day, in the order in which a contact becomes a report."""
    yield contacts_table(shown, names)
    yield cases_table(shown)
    yield clocks_table(shown)
    yield callbacks_table(shown)
    yield rejected_table(shown)
    yield statistics_table(shown)
    yield kpis_table(shown)


def contacts_table(shown: Shown, names: Mapping[str, str]) -> Table:
    """Return contacts by category and organisation."""
    table = _table("Contacts by category 来访")
    table.add_column("organisation", overflow="fold")
    for code, name in _CATEGORIES.items():
        table.add_column(f"{code}\n{name}", justify="right")
    table.add_column("all\n合计", justify="right")
    sums: Counter[str] = Counter()
    for org, counts in shown.contacts.items():
        sums.update(counts)
        table.add_row(f"{org}\n{_short_name(names.get(org, ''))}", *_counts(counts))
    table.add_section()
    table.add_row("all 合计", *_counts(sums))
    return table


def cases_table(shown: Shown) -> Table:
    """Return cases by level: where they stand, how many are overdue, which deadline comes next."""
    table = _table("Complaint cases by level 投诉案件")
    table.add_column("organisation\n  level 级别", no_wrap=True)
    for state, name in _STATES.items():
        table.add_column(f"{state}\n{name}", justify="right", no_wrap=True)
    table.add_column("overdue\n超期", justify="right", no_wrap=True)
    table.add_column("next deadline\n下一时限", overflow="fold")
    for org, cases in shown.cases.items():
        table.add_row(org)
        for level in sorted({case["level"] for case in cases}):
            own = [case for case in cases if case["level"] == level]
            states = Counter(case["state"] for case in own)
            overdue = sum(case["overdue"] for case in own)
            table.add_row(
                f"  {level}",
                *(_number(states[state]) for state in _STATES),
                f"[red]{overdue}[/red]" if overdue else "·",
                _next_deadline(own),
            )
        table.add_section()
    return table


def clocks_table(shown: Shown) -> Table:
    """Return the clocks of all cases: how many warned, were met in time, were met late or are overdue."""
    table = _table("Clocks of complaint cases 时限与预警")
    table.add_column("organisation\n  clock 时限", no_wrap=True)
    for state, name in _CLOCK_STATES.items():
        table.add_column(f"{state.replace('_', ' ')}\n{name}", justify="right", no_wrap=True)
    for org, cases in shown.cases.items():
        table.add_row(org)
        clocks = [clock for case in cases for clock in case["deadlines"]]
        for label in sorted({clock["name"] for clock in clocks}):
            own = [clock for clock in clocks if clock["name"] == label]
            states = Counter(clock["state"] for clock in own)
            # A clock that was late when it was first looked at has breached and not warned before.
            timely = [clock for clock in own if clock["state"] not in ("breached", "met_late")]
            states["warned"] = sum(any(point["passed"] for point in clock["warnings"]) for clock in timely)
            numbers = [_number(states[state]) for state in _CLOCK_STATES]
            table.add_row(f"  {label}", *numbers)
        table.add_section()
    return table


def callbacks_table(shown: Shown) -> Table:
    """Return the callbacks still to be made, those due first at the top, those without a time last."""
    rows = [(org, row) for org, callbacks in shown.callbacks.items() for row in callbacks]
    rows.sort(key=lambda pair: (pair[1]["due_at"] is None, pair[1]["due_at"] or "", pair[1]["case_number"]))
    table = _table(f"Callbacks due 待回访: {len(rows)}")
    for column in ("organisation", "case", "round", "replied", "due 时限", "by rule"):
        table.add_column(column, no_wrap=True, justify="right" if column == "round" else "left")
    for org, row in rows[:_ROWS]:
        due = local_time(row["due_at"]) if row["due_at"] else "no time given"
        table.add_row(
            org,
            row["case_number"],
            str(row["round"]),
            local_time(row["replied_at"]),
            f"[red]{due} overdue[/red]" if row["overdue"] else due,
            row["due_source"] or "",
        )
    _say_what_is_left_out(table, len(rows) - _ROWS)
    return table


def rejected_table(shown: Shown) -> Table:
    """Return the rejected events with field and reason; what they held is not shown."""
    rows = [(org, row) for org, rejected in shown.rejected.items() for row in rejected]
    table = _table(f"Rejected events 拒收: {len(rows)}")
    table.add_column("organisation", no_wrap=True)
    table.add_column("event", no_wrap=True, max_width=24, overflow="ellipsis")
    table.add_column("from", no_wrap=True)
    table.add_column("field: reason", ratio=1)
    for org, row in sorted(rows, key=lambda pair: (pair[0], pair[1]["event_id"] or "")):
        reasons = "; ".join(f"{reason['field']}: {reason['reason']}" for reason in row["reasons"])
        table.add_row(org, _plain(row["event_id"] or "?"), row["publisher"], _plain(reasons))
    return table


def statistics_table(shown: Shown) -> Table:
    """Return the month's statistics, one column an organisation."""
    table = _table(f"Statistics of {shown.month} 投诉统计表")
    table.add_column("", no_wrap=True)
    for org in shown.statistics:
        table.add_column(org, justify="right", no_wrap=True)
    for section, name, title in _STATISTICS:
        values = [
            statistics[section][name] if section else statistics[name]
            for statistics in shown.statistics.values()
        ]
        table.add_row(title, *map(_number, values))
    return table


def kpis_table(shown: Shown) -> Table:
    """Return the key figures with their targets and the rules that set them."""
    table = _table(f"Key figures of {shown.month} 指标")
    table.add_column("organisation", no_wrap=True)
    table.add_column("key figure", no_wrap=True)
    table.add_column("counted", justify="right", no_wrap=True)
    table.add_column("value", justify="right", no_wrap=True)
    table.add_column("target", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_column("source", no_wrap=True)
    for org, kpis in shown.kpis.items():
        # Most of the catalogue is for other days than this one.
        shown_here = [kpi for kpi in kpis if kpi["value"] is not None or kpi["target"] is not None]
        for number, kpi in enumerate(shown_here):
            table.add_row(
                "" if number else org,
                kpi["name"],
                f"{kpi['numerator']}/{kpi['denominator']}",
                "–" if kpi["value"] is None else f"{kpi['value']}{_UNITS.get(kpi['unit'], '')}",
                _target(kpi),
                {True: "[green]met[/green]", False: "[red]missed[/red]", None: ""}[kpi["met"]],
                kpi["source"],
            )
        table.add_section()
    return table


def places_table(places: Sequence[Place]) -> Table:
    """Return where metrics, logs and everything else of the stack are."""
    table = _table("Where to look")
    table.add_column("", no_wrap=True)
    table.add_column("address", overflow="fold")
    table.add_column("log or folder", overflow="fold")
    for place in places:
        table.add_row(place.name, place.address, place.log)
    return table


def story_table(story: Story) -> Table:
    """Return what happened in a whole case, beside what the rules make of it."""
    table = _table(f"{story.title} · {story.org}")
    table.add_column("what happened 经过", ratio=1)
    table.add_column("by the rules 应", no_wrap=True)
    table.add_column("found 实", no_wrap=True)
    table.add_column("", no_wrap=True)
    if story.note:
        table.caption, table.caption_justify = story.note, "left"
    for row in story.told:
        verdict = "[green]=[/green]" if row.right else "[red]DIFFERS[/red]"
        table.add_row(_plain(row.what), _plain(row.expected), _plain(row.found), verdict)
    return table


def figures_table(figures: Sequence[Figure]) -> Table:
    """Return the numbers the day had to come to beside those it came to."""
    table = _table("The day in numbers")
    table.add_column("", no_wrap=True)
    table.add_column("expected", justify="right")
    table.add_column("found", justify="right")
    table.add_column("")
    for figure in figures:
        verdict = "[green]=[/green]" if figure.right else "[red]DIFFERS[/red]"
        table.add_row(figure.what, str(figure.expected), str(figure.found), verdict)
    return table


def local_time(text: str) -> str:
    """Return an RFC 3339 instant as people of the organisations write it, to the minute."""
    return f"{datetime.fromisoformat(text).astimezone(LOCAL):%m-%d %H:%M}"


def _table(title: str) -> Table:
    return Table(
        title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, width=None, pad_edge=False
    )


def _short_name(name: str) -> str:
    """Return the name without what stands in brackets behind it."""
    return name.partition("（")[0]


def _counts(counts: Mapping[str, int]) -> list[str]:
    return [*(_number(counts.get(code, 0)) for code in _CATEGORIES), str(sum(counts.values()))]


def _number(value: int) -> str:
    return str(value) if value else "·"


def _next_deadline(cases: Sequence[Row]) -> str:
    """Return the earliest deadline still running; ``?`` marks one whose calendar is not official yet."""
    running = [clock for case in cases for clock in case["deadlines"] if clock["state"] == "running"]
    if not running:
        return ""
    first = min(running, key=lambda clock: clock["due_at"])
    mark = "?" if first["provisional"] else ""
    return f"{local_time(first['due_at'])}{mark} {first['name']}"


def _target(kpi: Mapping[str, Any]) -> str:
    if kpi["target"] is None:
        return "none given"
    sign = {"at_least": "≥", "at_most": "≤", "below": "<", "above": ">"}[kpi["comparison"]]
    return f"{sign} {kpi['target']}{_UNITS.get(kpi['unit'], '')}"


def _plain(text: str) -> str:
    """Return text of somebody else's so that the table shows it as it is."""
    return text.replace("[", r"\[")


def _say_what_is_left_out(table: Table, count: int) -> None:
    if count > 0:
        table.caption = f"and {count} more"
        table.caption_justify = "left"
