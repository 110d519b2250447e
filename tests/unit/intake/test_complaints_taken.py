"""Complaints from the desk that takes them to the case they become: in any form, by the right post, with a clock."""

from __future__ import annotations

from typing import Any

import pytest

from services.intake.rulebook import load_rulebooks
from shared.clock import FixedClock
from shared.errors import RuleRefused
from tests.unit.complaints.fakes import PROPERTY, RETAIL, entries, envelope
from tests.unit.complaints.receiving_world import Reception
from tests.unit.intake.fakes import ORGANISATIONS, beijing, customer
from tests.unit.intake.on_duty import Intake
from tests.unit.intake.requests_world import Desk

_CLAIM = {"problem": "lift-noise"}


class House:
    """A desk and the complaints service behind it, with one clock between them."""

    def __init__(self, org: str, at: str) -> None:
        """Open both at ``at``."""
        clock = FixedClock(beijing(at))
        self.desk, self.reception = Desk(org, clock=clock), Reception(org, clock=clock)

    def complain(self, number: int, channel: str, **claim: Any) -> dict[str, Any]:
        """Let a member of staff take a complaint in, and what they recorded reach the complaints service."""
        taken = self.desk.register(
            category="complaint", channel=channel, customer=customer(number), complaint=_CLAIM | claim
        )
        (routed,) = [each for each in self.desk.published if each.entry.type == "contact_routed"][-1:]
        told = envelope("intake", "contact_routed", routed.org, routed.entry.id, dict(routed.entry.data))
        (delivery,) = self.reception.world.take(told)
        assert delivery.reason is None
        return taken


@pytest.mark.rule("A-PRM-28")
def test_a_call_the_front_desk_marks_as_complaint_becomes_a_case_with_owner_and_clock() -> None:
    """Promise: the call is kept with its content, the case has its first responsible person and runs."""
    house = House(PROPERTY, "2026-05-06 09:05")
    taken = house.complain(1, "phone")
    kept = house.desk.app.desk.contact(PROPERTY, taken["contact_id"])
    assert (kept["text"], kept["first_responsible"]["staff"]) == ("请问几点关门？", "u-1")
    assert kept["received_at"] == "2026-05-06T01:05:00.000Z"
    case = house.reception.world.case_of(taken["contact_id"], PROPERTY)
    (opened,) = entries(case, "case_opened")
    assert opened.data["taken_by"] == "u-1"
    clocks = house.reception.world.look.case(PROPERTY, case.id)["deadlines"]
    assert {clock["state"] for clock in clocks} == {"running"}
    # Its people report to the director and to nobody else.
    intake = Intake(PROPERTY, "2026-05-06 09:00")
    for staff, post in (("D", "director"), ("F", "front_desk")):
        intake.do("enter_member", "hr", "manager", staff=staff, unit="management_office", post=post)
        intake.do("change_member", "hr", "manager", staff=staff, action="induct")
    assert intake.do("get_superior", "F", staff="F", to="D")["superior"] == "D"
    with pytest.raises(RuleRefused) as refused:
        intake.do("get_superior", "F", staff="F", to="F2")
    assert refused.value.rule == "A-PRM-28"


@pytest.mark.rule("B-CCP-23")
def test_complaints_in_any_form_come_into_one_register_and_the_property_clerk_handles_them() -> None:
    """Promise: by letter, phone, fax and visit, four rows of one register, registered and answered by the clerk."""
    house = House(PROPERTY, "2026-03-02 09:00")
    forms = ("letter", "phone", "fax", "counter")
    rules = load_rulebooks(ORGANISATIONS).for_org(PROPERTY, beijing("2026-03-02 09:00")).sections
    assert {form.source for form in map(rules.channel, forms) if form} == {"B-CCP-23"}
    taken = {form: house.complain(number, form)["contact_id"] for number, form in enumerate(forms)}
    cases = [house.reception.world.case_of(contact, PROPERTY) for contact in taken.values()]
    ledger = house.reception.ledger()
    assert {row["case_id"] for row in ledger["rows"]} == {case.id for case in cases}
    for case in cases:
        house.reception.world.walk(house.reception.world.accept(house.reception.world.walk(case)))
        house.reception.refused("reply", case, RuleRefused, roles={"staff", "engineering"}, text="已处理")
        answered = house.reception.do("reply", case, roles={"staff", "property_clerk"}, text="已处理")
        assert answered["state"] == "replied"


@pytest.mark.rule("B-RET-07")
def test_a_store_confirms_the_reason_its_superior_rules_and_a_refusal_has_its_words() -> None:
    """Promise: the store's no reaches the superior, who rules; the customer is told politely before it is closed."""
    house = House(RETAIL, "2026-03-02 09:00")
    taken = house.complain(1, "counter", complainant_type="end_consumer", demand="exchange")
    case = house.reception.world.case_of(taken["contact_id"], RETAIL)
    store, superior = {"staff", "store_staff"}, {"staff", "store_superior"}
    ruling: dict[str, Any] = {"valid": False, "reason": "人为损坏"}
    # Nobody rules before the store has looked into it.
    house.reception.refused("decide_validity", case, RuleRefused, roles=superior, by="boss", **ruling)
    found = {"reason_stands": False, "finding": "人为损坏"}
    house.reception.world.do("take_step", case, step="store_check", filled=found, roles=store, actor="clerk")
    house.reception.do("give_opinion", case, by="clerk", roles=store, stands=False, text="人为损坏")
    assert house.reception.seen(case)["opinion"]["stands"] is False
    house.reception.refused("decide_validity", case, RuleRefused, roles=store, by="clerk", **ruling)
    house.reception.do("decide_validity", case, roles=superior, by="boss", **ruling)
    asked = house.reception.seen(case)["refusal"]
    assert asked["variables"] == ["surname", "title", "finding"]
    house.reception.refused("close", case, RuleRefused, roles=superior, by="boss")
    told = {"surname": "测试", "title": "先生", "finding": "人为损坏"}
    house.reception.do("tell_refusal", case, roles=store, by="clerk", way="in_person", values=told)
    assert house.reception.kept(case).state == "closed"


@pytest.mark.rule("B-RET-07")
def test_the_store_finds_out_for_what_came_to_it_and_for_nothing_else() -> None:
    """Promise: of a complaint that went straight to customer service a store has no opinion, by the rule."""
    house = House(RETAIL, "2026-03-02 09:00")
    taken = house.complain(1, "direct_cs", complainant_type="end_consumer", demand="exchange")
    case = house.reception.world.case_of(taken["contact_id"], RETAIL)
    said: dict[str, Any] = {"stands": False, "text": "人为损坏", "roles": {"staff", "store_staff"}}
    assert house.reception.refused("give_opinion", case, RuleRefused, **said).rule == "B-RET-07"
