"""What shops, carriers, developers, call centres and after-sales write down in forms of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.unit.intake.fakes import beijing
from tests.unit.intake.register_office import Office, refused
from tests.unit.intake.register_world import office_of


@pytest.fixture
def shop() -> Office:
    return Office("shop-demo")


@pytest.fixture
def developer(tmp_path: Path) -> Office:
    return office_of(tmp_path, "real-estate")


@pytest.fixture
def centre(tmp_path: Path) -> Office:
    return office_of(tmp_path, "call-centre")


@pytest.fixture
def carrier(tmp_path: Path) -> Office:
    return office_of(tmp_path, "logistics")


def version(shop: Office, number: int, supersedes: str | None = None) -> str:
    return shop.open(
        "complaint_procedure",
        shop.by("u-3", "complaint_handler"),
        procedure="退款投诉",
        number=number,
        content=f"第{number}版",
        supersedes=supersedes,
    )


@pytest.mark.rule("B-MBY-14")
def test_the_complaint_post_draws_the_procedure_up_and_nobody_else(shop: Office) -> None:
    """Promise: version 1 has an author in that post; another role is refused."""
    form = {"procedure": "退款投诉", "number": 1, "content": "x"}
    other = refused("complaint_procedure", shop.by("u-8", "supervisor"), step=shop.open, **form)
    assert other.rule == "B-MBY-14"
    record = version(shop, 1)
    assert refused(record, "put_in_force", shop.by("u-8"), step=shop.act, in_use=True).rule == "B-MBY-14"
    assert shop.get(record)["values"]["author"] == "u-3"


@pytest.mark.rule("B-MBY-14")
def test_a_new_version_takes_the_place_of_the_old_which_is_kept(shop: Office) -> None:
    """Promise: one version is in force at a time; what it superseded can still be read as it was."""
    author = ("u-3", "complaint_handler")
    first = version(shop, 1)
    shop.act(first, "put_in_force", shop.by(*author), in_use=True)
    loose: dict[str, Any] = {"procedure": "退款投诉", "number": 2, "content": "x"}
    assert refused("complaint_procedure", shop.by(*author), step=shop.open, **loose).rule == "B-MBY-14"
    second = version(shop, 2, first)
    both = refused(second, "put_in_force", shop.by(*author), step=shop.act, in_use=True)
    assert (both.rule, both.details["record_id"]) == ("B-MBY-14", first)
    shop.act(first, "supersede", shop.by(*author))
    shop.act(second, "put_in_force", shop.by(*author), in_use=True)
    assert shop.find(register="complaint_procedure", state="in_force") == [second]
    old = shop.get(first)
    assert (old["state"], old["values"]["content"]) == ("superseded", "第1版")
    assert shop.get(second)["values"]["supersedes"] == first
    forked = refused(
        "complaint_procedure", shop.by(*author), step=shop.open, **loose | {"number": 3, "supersedes": first}
    )
    assert forked.rule == "B-MBY-14"


@pytest.mark.rule("A-LOG-12")
def test_the_dispatch_list_of_a_day_holds_every_confirmed_order_of_it(carrier: Office) -> None:
    """Promise: no confirmed order of the day is missing, none unconfirmed or of another day is in it."""
    desk = ("u-1", "service_desk")
    orders = {
        number: carrier.open("dispatch_order", carrier.by(*desk), order=number, day=day)
        for number, day in (
            ("D1", "2024-05-06"),
            ("D2", "2024-05-06"),
            ("D3", "2024-05-06"),
            ("D4", "2024-05-07"),
        )
    }
    for number in ("D1", "D2", "D4"):
        carrier.act(orders[number], "confirm", carrier.by(*desk))
    wanted: dict[str, Any] = {"register": "dispatch_order", "state": "confirmed"}
    assert set(carrier.find(**wanted, where={"day": "2024-05-06"})) == {orders["D1"], orders["D2"]}
    carrier.act(orders["D4"], "postpone", carrier.by(*desk), day="2024-05-06")
    assert len(carrier.find(**wanted, where={"day": "2024-05-06"})) == 3
    again = refused("dispatch_order", carrier.by(*desk), step=carrier.open, order="D1", day="2024-05-09")
    assert again.rule == "A-LOG-12"
    assert refused(orders["D3"], "dispatch", carrier.by("u-2"), step=carrier.act).rule == "A-LOG-12"
    carrier.act(orders["D1"], "cancel", carrier.by(*desk))
    assert set(carrier.find(**wanted, where={"day": "2024-05-06"})) == {orders["D2"], orders["D4"]}
    for step in ("confirm", "postpone", "cancel"):
        assert refused(orders["D3"], step, carrier.by("u-2"), step=carrier.act).rule == "A-LOG-12"
    for short in ({"order": "D9"}, {"day": "2024-05-06"}):
        assert refused("dispatch_order", carrier.by(*desk), step=carrier.open, **short).rule == "A-LOG-12"


@pytest.mark.rule("A-LOG-12")
def test_a_day_whose_shipments_were_not_issued_is_missing(carrier: Office) -> None:
    """Promise: each day's information goes out and whoever dispatches is told; a day without is named."""
    desk = ("u-1", "service_desk")
    assert refused("daily_shipment", carrier.by("u-2"), step=carrier.open, orders=2).rule == "A-LOG-12"
    assert refused("daily_shipment", carrier.by(*desk), step=carrier.open).rule == "A-LOG-12"
    record = carrier.open("daily_shipment", carrier.by(*desk), orders=2)
    told = carrier.told(record, "record_noticed")
    assert [(each["to"], each["source"]) for each in told] == [("staff", "A-LOG-12")]
    assert refused("daily_shipment", carrier.by(*desk), step=carrier.open, orders=3).rule == "A-LOG-12"
    carrier.pass_time(beijing("2026-03-03 00:30"))
    assert carrier.missing("daily_shipment") == []
    carrier.pass_time(beijing("2026-03-04 00:30"))
    (missing,) = carrier.missing("daily_shipment")
    assert (missing["first_day"], missing["source"]) == ("2026-03-03", "A-LOG-12")


@pytest.mark.rule("A-RED-04")
def test_work_on_a_project_belongs_to_one_of_three_stages(developer: Office) -> None:
    """Promise: each stage lists its own tasks; a fourth stage there is not."""
    tasks = {
        developer.open(
            "project_task", developer.by("u-1"), project="P1", stage="before_handover", task=f"{n}"
        )
        for n in range(3)
    }

    def of_stage(stage: str) -> set[str]:
        return set(developer.find(register="project_task", where={"project": "P1", "stage": stage}))

    assert of_stage("before_handover") == tasks
    assert of_stage("after_handover") == set()
    other = {"project": "P1", "stage": "demolition", "task": "x"}
    assert refused("project_task", developer.by("u-1"), step=developer.open, **other).rule == "A-RED-04"
    assert refused("project_task", developer.by("u-1"), step=developer.open, project="P1", task="x").rule == (
        "A-RED-04"
    )


@pytest.mark.rule("A-RED-05")
def test_an_opinion_on_a_drawing_is_kept_with_its_answer(developer: Office) -> None:
    """Promise: it names what it is about; whoever gave it does not answer it."""
    form = {"project": "P1", "subject": "design", "drawing": "D3", "opinion": "垃圾房远离住户"}
    unnamed = {key: value for key, value in form.items() if key != "drawing"}
    assert refused("design_opinion", developer.by("u-1"), step=developer.open, **unnamed).rule == "A-RED-05"
    record = developer.open("design_opinion", developer.by("u-1"), **form)
    own = refused(record, "answer", developer.by("u-1"), step=developer.act, answer="x")
    assert own.rule == "A-RED-05"
    assert refused(record, "answer", developer.by("u-2"), step=developer.act).rule == "A-RED-05"
    developer.act(record, "answer", developer.by("u-2"), answer="已改至北侧")
    shown = developer.get(record)
    assert (shown["state"], shown["values"]["drawing"], shown["values"]["answer"]) == (
        "answered",
        "D3",
        "已改至北侧",
    )


@pytest.mark.rule("A-RED-06")
def test_a_meeting_on_the_site_has_attendees_and_issues(developer: Office) -> None:
    """Promise: the log of the day names who was there and what was found; without either it is none."""
    log: dict[str, Any] = {
        "project": "P1",
        "held_on": "2024-05-06",
        "attendees": [{"person": "u-1"}],
        "issues": [{"issue": "电梯井渗水"}],
        "equipment": "二号电梯已到场",
    }
    for empty in ("attendees", "issues"):
        refusal = refused(
            "engineering_meeting", developer.by("u-1"), step=developer.open, **log | {empty: []}
        )
        assert refusal.rule == "A-RED-06"
    record = developer.open("engineering_meeting", developer.by("u-1"), **log)
    wanted = {"project": "P1", "held_on": "2024-05-06"}
    assert developer.find(register="engineering_meeting", where=wanted) == [record]


@pytest.mark.rule("A-RED-10")
def test_buyers_opinions_are_counted_by_topic(developer: Office) -> None:
    """Promise: of five opinions three on charges are three; one without a topic is refused."""
    for number, topic in enumerate(("charge", "safety", "charge", "cleaning", "charge")):
        developer.open(
            "buyer_opinion", developer.by("u-1"), customer=f"cu_{number}", topic=topic, opinion="x"
        )
    asked: dict[str, Any] = {
        "register": "buyer_opinion",
        "by": "topic",
        "sums": [],
        "opened_from": None,
        "opened_before": None,
    }
    figures = developer.app.read_registers.register_statistics(developer.by("u-1"), asked)
    assert (figures["total"], figures["by_field"]["charge"]) == (5, 3)
    untold = {"customer": "cu_9", "opinion": "x"}
    assert refused("buyer_opinion", developer.by("u-1"), step=developer.open, **untold).rule == "A-RED-10"


@pytest.mark.rule("A-TEL-05")
def test_a_branchs_task_is_late_on_the_day_after_it_was_due(centre: Office) -> None:
    """Promise: in time to the end of the day asked for, late from then on; none without such a day."""
    task = {"asked_by": "B2", "asked_of": "总部", "task": "补发工牌"}
    assert refused("cooperation_task", centre.by("u-1"), step=centre.open, **task).rule == "A-TEL-05"
    record = centre.open("cooperation_task", centre.by("u-1"), **task, due="2026-05-08")
    done = centre.open("cooperation_task", centre.by("u-1"), **task, due="2026-05-08")
    centre.act(done, "finish", centre.by("u-2"), result="已补发")
    centre.pass_time(beijing("2026-05-08 23:59"))
    assert centre.get(record)["flags"] == []
    centre.pass_time(beijing("2026-05-09 00:00"))
    assert centre.get(record)["flags"] == ["late:due"]
    assert [each["source"] for each in centre.told(record, "record_flagged")] == ["A-TEL-05"]
    assert centre.find(register="cooperation_task", overdue=True) == [record]


@pytest.mark.rule("A-CCC-09")
def test_a_partners_order_is_complete_from_a_call(centre: Office) -> None:
    """Promise: incomplete until a call completed it, and the order says which."""
    record = centre.open("partner_order", centre.by("u-1"), order="O1", customer="cu_1")
    assert centre.get(record)["state"] == "incomplete"
    assert refused(record, "complete", centre.by("u-1"), step=centre.act).rule == "A-CCC-09"
    centre.act(record, "complete", centre.by("u-1"), contact="ct_7")
    shown = centre.get(record)
    assert (shown["state"], shown["values"]["contact"]) == ("complete", "ct_7")


@pytest.mark.rule("A-CCC-10")
def test_an_inbound_call_becomes_a_consultation_and_then_a_deal(centre: Office) -> None:
    """Promise: the consultation belongs to one call, and the day of the deal is kept."""
    assert refused("consultation", centre.by("u-1"), step=centre.open).rule == "A-CCC-10"
    record = centre.open("consultation", centre.by("u-1"), contact="ct_1")
    assert centre.get(record)["state"] == "consult"
    assert refused("consultation", centre.by("u-1"), step=centre.open, contact="ct_1").rule == "A-CCC-10"
    centre.pass_time(beijing("2026-03-03 10:00"))
    centre.act(record, "mark_deal", centre.by("u-1"))
    shown = centre.get(record)
    assert (shown["state"], shown["values"]["deal_on"]) == ("deal", "2026-03-03")


@pytest.mark.rule("A-AFT-14")
def test_a_repair_point_is_checked_and_signed_before_it_works(tmp_path: Path) -> None:
    """Promise: applied, checked, signed, active; no step is left out, and none without its paper."""
    office = office_of(tmp_path, "product-after-sales")
    record = office.open("repair_point", office.by("u-1"), point="SP9")
    passed = [office.get(record)["state"]]
    assert refused(record, "activate", office.by("u-1"), step=office.act).rule == "A-AFT-14"
    assert refused(record, "sign", office.by("u-1"), step=office.act, contract="C9").rule == "A-AFT-14"
    assert refused(record, "check", office.by("u-1"), step=office.act).rule == "A-AFT-14"
    passed.append(office.act(record, "check", office.by("u-1"), findings="设备齐全")["state"])
    passed.append(office.act(record, "sign", office.by("u-1"), contract="C9")["state"])
    passed.append(office.act(record, "activate", office.by("u-1"))["state"])
    assert passed == ["applied", "checked", "signed", "active"]
