"""The month's statistics (月度统计表) as a document: contacts, cases, callbacks and key figures, with charts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from services.reporting.domain.documents.content import (
    Chart,
    Column,
    Document,
    KeyFigure,
    KeyFigures,
    Kind,
    Series,
    Shape,
    Table,
    Words,
)
from services.reporting.domain.month import Month

TITLE = Words("月度统计表", "Monthly statistics")
_COUNT = Column("count", Words("数量", "number"), Kind.COUNT)
_CASES = {
    "received": Words("受理投诉", "complaints received"),
    "valid": Words("有效", "valid"),
    "refused": Words("无效", "not valid"),
    "undecided": Words("待判定", "undecided"),
    "open": Words("处理中", "open"),
    "replied": Words("已回复", "replied"),
    "closed": Words("已结案", "closed"),
    "overdue": Words("超期未结", "overdue"),
    "late": Words("曾超期", "late at least once"),
    "reopened": Words("重新处理", "reopened"),
    "escalated": Words("升级", "escalated"),
}
_CALLBACKS = {
    "scheduled": Words("应回访", "scheduled"),
    "made": Words("已回访", "made"),
    "satisfied": Words("满意", "satisfied"),
    "overdue": Words("超期未回访", "overdue"),
}
#: Names of codes that most organisations have; of others the code itself is shown.
_NAMES = {
    "complaint": Words("投诉", "complaint"),
    "need": Words("需求", "need"),
    "enquiry": Words("咨询", "enquiry"),
    "repair": Words("报修", "repair"),
    "order": Words("订单", "order"),
    "suggestion": Words("建议", "suggestion"),
    "praise": Words("表扬", "praise"),
    "phone": Words("电话", "phone"),
    "visit": Words("来访", "visit"),
    "email": Words("邮件", "e-mail"),
    "web": Words("网站", "web"),
    "app": Words("应用", "app"),
    "wechat": Words("微信", "WeChat"),
    "sms": Words("短信", "text message"),
    "letter": Words("信函", "letter"),
}
_SIGNS = {"at_least": "≥", "at_most": "≤", "below": "<", "above": ">"}
_UNITS = {"percent": "%", "per_thousand": "‰"}
#: What stands for a rule where no handbook asks.
_NO_RULES = frozenset({"design", "organisation"})
#: More columns than this are no picture any more.
_MOST_BARS = 12


def month_document(
    organisation: str,
    month: Month,
    statistics: Mapping[str, Any],
    kpis: Sequence[Mapping[str, Any]],
    *,
    as_of: datetime,
    time_zone: str,
    language: str = "zh",
    version: int = 1,
    state: str = "draft",
) -> Document:
    """Return the document of a month's figures, ``statistics`` and ``kpis`` as calls answer them.

    ``language`` is that of the names in pictures, which cannot be in two. Key figures nothing was counted for and
    that have no target are left out.
    """
    cases, callbacks, contacts = statistics["cases"], statistics["callbacks"], statistics["contacts"]
    asked = [kpi for kpi in kpis if kpi["value"] is not None or kpi["target"] is not None]
    return Document(
        title=TITLE,
        organisation=organisation,
        period=str(month),
        as_of=as_of,
        time_zone=time_zone,
        version=version,
        state=state,
        provisional=as_of < month.ends(time_zone),
        sources=tuple(sorted({kpi["source"] for kpi in asked} - _NO_RULES)),
        blocks=(
            KeyFigures(tuple(_key_figure(kpi) for kpi in asked)),
            _chart(Words("投诉处理情况", "Complaints"), cases, _CASES, language),
            _table(Words("投诉", "Complaints"), cases, _CASES),
            _coded(Words("按级别的投诉", "Complaints by level"), "level", cases["by_level"]),
            _by_code(
                Words("来访类别", "Contacts by category"), contacts["by_category"], "category", language
            ),
            _coded(Words("按类别的来访", "Contacts by category"), "category", contacts["by_category"]),
            _coded(Words("按渠道的来访", "Contacts by channel"), "channel", contacts["by_channel"]),
            _table(Words("回访", "Callbacks"), callbacks, _CALLBACKS),
            _kpi_table(kpis),
        ),
    )


def _key_figure(kpi: Mapping[str, Any]) -> KeyFigure:
    kind = {"percent": Kind.PERCENT, "minutes": Kind.MINUTES}.get(kpi["unit"], Kind.NUMBER)
    return KeyFigure(
        name=Words(kpi["name"], kpi.get("english") or ""),
        value=None if kpi["value"] is None else Decimal(kpi["value"]),
        kind=kind,
        target=_target(kpi),
        met=kpi["met"],
        source=kpi["source"],
    )


def _target(kpi: Mapping[str, Any]) -> str | None:
    if kpi["target"] is None:
        return None
    return f"{_SIGNS[kpi['comparison']]} {kpi['target']}{_UNITS.get(kpi['unit'], '')}"


def _table(name: Words, counts: Mapping[str, Any], rows: Mapping[str, Words]) -> Table:
    item = Column("item", Words("项目", "item"))
    english = Column("english", Words("英文", "English"))
    # Both names, so that one table serves in either language.
    return Table(
        name=name,
        columns=(item, english, _COUNT),
        rows=tuple((words.zh, words.en, counts[code]) for code, words in rows.items()),
    )


def _coded(name: Words, key: str, rows: Sequence[Mapping[str, Any]]) -> Table:
    heads = {"level": Words("级别", "level"), "category": Words("类别", "category")}
    head = heads.get(key, Words("渠道", "channel"))
    total = sum(row["count"] for row in rows)
    return Table(
        name=name,
        columns=(
            Column(key, head),
            Column("name", Words("名称", "name")),
            _COUNT,
            Column("share", Words("占比", "share"), Kind.PERCENT),
        ),
        rows=tuple(
            (row[key], _named(row[key]).zh, row["count"], Decimal(100 * row["count"]) / total) for row in rows
        ),
        total=("合计", "", total, Decimal(100)) if total else None,
    )


def _named(code: str) -> Words:
    return _NAMES.get(code, Words(code))


def _chart(name: Words, counts: Mapping[str, Any], rows: Mapping[str, Words], language: str) -> Chart:
    return Chart(
        name=name,
        shape=Shape.BAR,
        categories=tuple(words.in_(language) for words in rows.values()),
        series=(Series(Words("数量", "number"), tuple(Decimal(counts[code]) for code in rows)),),
        unit=Words("件", "cases"),
    )


def _by_code(name: Words, rows: Sequence[Mapping[str, Any]], key: str, language: str) -> Chart:
    first = rows[:_MOST_BARS]
    return Chart(
        name=name,
        shape=Shape.BAR,
        categories=tuple(_named(row[key]).in_(language) for row in first),
        series=(Series(Words("数量", "number"), tuple(Decimal(row["count"]) for row in first)),),
        unit=Words("次", "contacts"),
    )


def _kpi_table(kpis: Sequence[Mapping[str, Any]]) -> Table:
    return Table(
        name=Words("全部指标", "All key figures"),
        columns=(
            Column("code", Words("代码", "code")),
            Column("name", Words("指标", "figure")),
            Column("numerator", Words("分子", "numerator"), Kind.NUMBER),
            Column("denominator", Words("分母", "denominator"), Kind.NUMBER),
            Column("value", Words("数值", "value"), Kind.NUMBER),
            Column("target", Words("目标", "target")),
            Column("source", Words("依据", "rule")),
        ),
        rows=tuple(
            (
                kpi["code"],
                kpi["name"],
                _number(kpi["numerator"]),
                _number(kpi["denominator"]),
                _number(kpi["value"]),
                _target(kpi) or "",
                kpi["source"],
            )
            for kpi in kpis
        ),
        notes=(Words("“—”表示没有可计算的数据", "“—” is a figure nothing was there to compute from"),),
    )


def _number(value: str | int | None) -> Decimal | None:
    return None if value is None else Decimal(str(value))
