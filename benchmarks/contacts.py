"""Contact events by the thousand: a third complaints, two contacts a customer, one organisation."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from shared.messaging.publisher import Outgoing

ORG = "plaza-demo"
USER = "pub-hotline"
_CATEGORIES = ("complaint", "need", "enquiry", "complaint", "repair", "suggestion")


def contact_event(run: str, number: int, *, complaint: bool | None = None) -> Outgoing:
    """Return the ``number``-th event of ``run``, valid and unlike every other."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    category = _CATEGORIES[number % 6] if complaint is None else ("complaint" if complaint else "need")
    data: dict[str, object] = {
        "channel": "phone",
        "category": category,
        "received_at": now,
        "customer": {
            "kind": "company",
            "name": f"测试商户{number // 2}",
            "phone": f"138{number // 2:08d}",
            "unit": f"A-{number // 2}",
        },
        "text": "空调不制冷, 已经报过一次, 请尽快安排人员上门检查并回复处理时间。" * 3,
    }
    if category == "complaint":
        data["complaint"] = {"problem": f"{run}-{number}", "complainant_type": "tenant", "amount": "120.00"}
    body = {
        "specversion": "1.0",
        "id": f"{run}-{number}",
        "source": "/hotline/bench",
        "type": "contact.received",
        "time": now,
        "datacontenttype": "application/json",
        "org": ORG,
        "data": data,
    }
    return Outgoing(
        "external.events",
        "contact.received",
        json.dumps(body, ensure_ascii=False).encode(),
        f"{run}-{number}",
        user_id=USER,
    )
