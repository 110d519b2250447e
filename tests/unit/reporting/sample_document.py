"""A document with everything a document may hold."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

from services.reporting.domain.documents.content import (
    Chart,
    Column,
    Document,
    Heading,
    KeyFigure,
    KeyFigures,
    Kind,
    Paragraph,
    Series,
    Shape,
    Table,
    Words,
)

FORMULA = "=HYPERLINK(1)"


def sample() -> Document:
    """Return the document."""
    october = datetime(2026, 10, 1, 3, 4, tzinfo=UTC)
    return Document(
        title=Words("投诉统计表", "Complaint statistics"),
        organisation="演示单位",
        period="2026-10",
        as_of=datetime(2026, 11, 3, 2, 0, tzinfo=UTC),
        time_zone="Asia/Shanghai",
        version=2,
        state="approved",
        provisional=True,
        sources=("A-LOG-82",),
        blocks=(
            Heading(Words("概况", "Overview")),
            Paragraph(Words("本月受理 <123> 起。\n其中有效 100 起。", "123 complaints.")),
            KeyFigures(
                (
                    KeyFigure(
                        Words("处理及时率", "On time"),
                        Decimal("97.25"),
                        target="≥ 95%",
                        met=True,
                        source="B-HOW-02",
                    ),
                    KeyFigure(Words("客户满意率", "Satisfaction"), None, target="≥ 98%"),
                )
            ),
            Chart(
                Words("按级别", "By level"),
                Shape.BAR,
                ("一般", "重大"),
                (
                    Series(Words("本月", "this month"), (Decimal(90), Decimal(20))),
                    Series(Words("上月", "last month"), (Decimal(80), None)),
                ),
                Words("起", "cases"),
            ),
            Table(
                Words("明细", "Details"),
                (
                    Column("what", Words("类别", "category")),
                    Column("count", Words("起数", "cases"), Kind.COUNT),
                    Column("share", Words("占比", "share"), Kind.PERCENT),
                    Column("money", Words("金额", "amount"), Kind.MONEY),
                    Column("day", Words("日期", "day"), Kind.DATE),
                    Column("at", Words("时间", "moment"), Kind.MOMENT),
                ),
                (
                    (FORMULA, 1200, Decimal("55.55"), Decimal("1234.5"), date(2026, 10, 1), october),
                    ("噪音\x07", 3, None, Decimal(-3), None, None),
                ),
                total=("合计", 1203, Decimal(100), Decimal("1231.5"), None, None),
                notes=(Words("金额单位：元", "amounts in yuan"),),
            ),
            Table(Words("空表", "Empty"), (Column("a", Words("甲", "a")),), ()),
        ),
    )
