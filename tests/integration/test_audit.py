"""The audit over the real bus and a real database: silent about what went its way, and not about what was changed."""

from __future__ import annotations

from typing import Any

from bson.decimal128 import Decimal128

from tests.integration.bus import Bus, eventually
from tests.integration.events import complaint

PLAZA = "plaza-demo"


def found(bus: Bus, subject: str, *ids: str) -> list[tuple[str, str]]:
    """Return what an audit says about these, looking through every page of the organisation."""
    operator = bus.desk(PLAZA, ("operator",), subject="operator")
    rows: list[dict[str, Any]] = []
    after, seen, total = None, 0, None
    while True:
        page = operator.ask("complaints.audit_page", subject=subject, after=after, limit=3)
        total = page["total"] if total is None else total
        rows += page["findings"]
        seen += page["checked"]
        after = page["next_after"]
        if after is None:
            break
    assert seen >= total
    return [(row["id"], row["invariant"]) for row in rows if row["id"] in ids]


def test_what_is_changed_behind_the_services_back_is_found(bus: Bus) -> None:
    """A case that was compensated and closed audits clean; a sum and a level put into the database do not."""
    desk = bus.desk(PLAZA)
    event = complaint(PLAZA)
    bus.publish("hotline", event)
    case_id = str(desk.case_of(event)["case_id"])
    desk.do("complaints.decide_validity", id=case_id, valid=True, reason="属实")
    terms: dict[str, Any] = {"kind": "compensation", "amount": "500.00", "reason": "协商一致"}
    offer_id = str(desk.do("complaints.propose_offer", case_id=case_id, **terms)["offer_id"])
    vice = bus.desk(PLAZA, ("staff", "cs_vice_president"), subject="stf_vice")
    vice.do("complaints.decide_offer", id=offer_id, approved=True, amount="500.00")
    desk.do("complaints.answer_offer", id=offer_id, accepted=True)
    cashier = bus.desk(PLAZA, ("staff", "manager"), subject="stf_cashier")
    paid = bus.metric("complaints", "kefu_offer_steps_total", step="paid")
    cashier.do("complaints.pay_offer", id=offer_id, evidence="V-1")
    assert bus.metric("complaints", "kefu_offer_steps_total", step="paid") == paid + 1
    desk.do("complaints.attempt_contact", id=case_id, outcome="reached")
    desk.do("complaints.reply", id=case_id, text="已赔偿")
    (callback,) = desk.callbacks_of(case_id, 1)
    desk.do("followup.complete_callback", id=callback["callback_id"], outcome="satisfied")
    eventually(lambda: desk.case_of(event, state="closed"))
    assert found(bus, "cases", case_id) == []
    assert found(bus, "offers", offer_id) == []

    database = bus.database("complaints")
    database["offers"].update_one({"_id": offer_id}, {"$set": {"movements.0.amount": Decimal128("900.00")}})
    database["cases"].update_one({"_id": case_id}, {"$set": {"level": "major"}})
    assert set(found(bus, "offers", offer_id)) == {(offer_id, "payment")}
    # A major case would have had to be filed.
    assert set(found(bus, "cases", case_id)) == {(case_id, "level"), (case_id, "closed")}
    database["offers"].update_one({"_id": offer_id}, {"$set": {"movements.0.amount": Decimal128("500.00")}})
    database["cases"].update_one({"_id": case_id}, {"$set": {"level": "general"}})
    assert found(bus, "offers", offer_id) == found(bus, "cases", case_id) == []
