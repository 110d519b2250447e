"""How values and the words around them look, in both languages."""

from __future__ import annotations

from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

from services.reporting.domain.documents.content import Document, Kind, Value, Words

NO_CASES = Words("无数据", "no cases")
NOTHING = Words("本期无记录", "nothing in this period")
UNKNOWN = "—"
PROVISIONAL = Words("暂计：本期尚未结束", "provisional: the period has not ended")
TARGET = Words("目标", "target")
KEY_FIGURES = Words("关键指标", "Key figures")
FIGURE, VALUE, MET = Words("指标", "figure"), Words("数值", "value"), Words("达标", "met")
YES, NO = Words("是", "yes"), Words("否", "no")
COVER = Words("封面", "Cover")
_STATES = {
    "draft": Words("草稿", "draft"),
    "submitted": Words("已提交", "submitted"),
    "approved": Words("已批准", "approved"),
    "returned": Words("已退回", "returned"),
    "filed": Words("已归档", "filed"),
    "published": Words("已发布", "published"),
}
#: The places each kind of number is shown with.
PLACES = {Kind.PERCENT: Decimal("0.1"), Kind.MONEY: Decimal("0.01"), Kind.MINUTES: Decimal("0.1")}
_SIGNS = {Kind.PERCENT: Words("%"), Kind.MINUTES: Words(" 分钟", " min")}
NUMBERS = frozenset({Kind.COUNT, Kind.NUMBER, Kind.PERCENT, Kind.MONEY, Kind.MINUTES})


def head(document: Document, language: str) -> list[tuple[str, str]]:
    """Return what stands above every document: label and value."""
    zone = ZoneInfo(document.time_zone)
    state = _STATES.get(document.state, Words(document.state)).in_(language)
    rows = [
        (Words("单位", "Organisation"), document.organisation),
        (Words("期间", "Period"), document.period),
        (
            Words("统计时点", "As of"),
            f"{document.as_of.astimezone(zone):%Y-%m-%d %H:%M} {document.time_zone}",
        ),
        (Words("版本", "Version"), f"{document.version} · {state}"),
    ]
    if document.sources:
        rows.append((Words("依据", "By rule"), ", ".join(document.sources)))
    return [(label.in_(language), value) for label, value in rows]


def rounded(value: Decimal, kind: Kind) -> Decimal:
    """Return a number with the places its kind is shown with, half up; money and shares are never more exact."""
    places = PLACES.get(kind)
    return value if places is None else value.quantize(places, ROUND_HALF_UP)


def shown(value: Value, kind: Kind, zone: str, language: str) -> str:
    """Return a value as text; what nobody can say is ``—``, and a share of nothing says so."""
    if value is None:
        return NO_CASES.in_(language) if kind is Kind.PERCENT else UNKNOWN
    if isinstance(value, datetime):
        return f"{value.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        number = rounded(value, kind)
        text = f"{number:,f}" if kind is not Kind.NUMBER else f"{number:f}"
        return text + _SIGNS.get(kind, Words("")).in_(language)
    return f"{value:,}" if isinstance(value, int) else value


#: From here on letters take two places of a line.
_WIDE = 0x2E80


def width(text: str) -> int:
    """Return how many places the longest line of a text takes; a Chinese letter takes two."""
    lines = (sum(2 if ord(letter) > _WIDE else 1 for letter in line) for line in text.split("\n"))
    return max(lines, default=0)
