"""The part of the story about customer files: opened by hand and from a list, changed, classified, found."""

from __future__ import annotations

from typing import Any

from tests.contract.stage import Stage

PLAZA = "plaza-demo"


def tell_of_files(stage: Stage) -> None:
    """Let a plaza open a shop's file, keep it, take in a list, and look all of it up."""
    staff: dict[str, Any] = {"org": PLAZA, "roles": ("staff",)}
    full: dict[str, Any] = {"org": PLAZA, "roles": ("staff", "personal_data")}
    shop = {"kind": "company", "name": "测试商户", "phone": "13800090001", "unit": "A12"}
    opened = stage.ask(
        "intake.register_customer",
        **staff,
        customer=shop,
        reference="S-12",
        values={"licence_name": "测试商户服饰有限公司"},
        preferences=["18点后来电"],
        lifecycle="existing",
        next_follow_on="2027-03-01",
    )
    customer = opened["customer_id"]
    # Refused: the customer has a file.
    stage.call("intake.register_customer", **staff, customer=shop)
    stage.ask(
        "intake.update_customer",
        **staff,
        id=customer,
        values={"phone": "13800090002", "pain_points": ["客流少"]},
        preferences=["夜间施工提前通知"],
        reason="来电更正",
    )
    stage.call("intake.update_customer", **staff, id=customer, values={"colour": "红"}, reason="试")
    stage.ask("intake.check_customer", **staff, id=customer, how="confirmed", fields=["phone"])
    stage.ask("intake.check_customer", **staff, id=customer, how="reviewed")
    moved = {"phase": "after_sales", "lifecycle": "in_service", "reason": "已进场"}
    stage.ask("intake.move_customer", **staff, id=customer, **moved)
    # Refused: from there nobody becomes a potential customer.
    stage.call("intake.move_customer", **staff, id=customer, lifecycle="potential", reason="误")
    rows = [
        {
            "row": number,
            "customer": {"kind": "person", "name": f"测试{number}", "phone": f"1380009100{number}"},
            "reference": f"C-{number}",
            "values": {},
        }
        for number in range(2, 5)
    ]
    rows[2]["customer"] = {"kind": "person", "name": "测试4", "phone": "1"}
    boss: dict[str, Any] = {"org": PLAZA, "roles": ("staff", "supervisor")}
    stage.ask("intake.import_customers", **boss, rows=rows, origin="system", dry_run=True)
    stage.ask("intake.import_customers", **boss, rows=rows, origin="system")
    stage.ask("intake.import_customers", **boss, rows=rows[:2], origin="shared")
    owner = stage.ask("intake.search_customers", **staff, by="phone", text="138 0009 1002")[0]
    related = {"id": customer, "kind": "owner", "to": owner["customer_id"]}
    stage.ask("intake.relate_customer", **staff, **related, notes={"remark": "产权人"})
    stage.ask("intake.classify_customer", **staff, id=customer, step="extracted")
    stage.ask("intake.classify_customer", **staff, id=customer, step="submitted")
    stage.ask("intake.get_customer_file", **staff, id=customer)
    stage.ask("intake.get_customer_file", **full, id=customer)
    stage.ask("intake.search_customers", **full, by="name", text="cssh")
    stage.ask("intake.list_customers", **staff, incomplete=True)
    stage.ask("intake.list_customers", **staff, stale="reviewed", on="2030-01-01", limit=2)
    for by in ("class", "lifecycle", "origin", "field", "phase", "filing"):
        stage.ask("intake.count_customers", **staff, by=by)
    stage.ask("intake.list_missed_extractions", **staff, day="2026-11-23")
    contact = stage.ask("intake.list_contacts", **staff)[0]
    stage.ask("intake.customer_timeline", **staff, id=contact["customer_id"])
