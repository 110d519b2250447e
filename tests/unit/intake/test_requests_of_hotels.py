"""What a hotel chain does for its hotels: two lists of services, consulting in time, and its expert departments."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.intake.rulebook import load_rulebooks
from tests.unit.intake.fakes import beijing
from tests.unit.intake.requests_world import Desk, instant, organisation, refused


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Return the desk of a hotel chain."""
    roles = ("sales_department", "training_department", "qa_department")
    return Desk(organisation(tmp_path, "hotel-franchise", roles=roles), tmp_path)


def asked(desk: Desk, kind: str, subtype: str, hotel: str | None = None) -> str:
    """Open what a hotel of a type asks for."""
    return desk.open(kind, subtype=subtype, customer_class=hotel, customer_id="cu_h1")


@pytest.mark.rule("A-HTL-01")
def test_each_type_of_hotel_has_its_own_list_of_services(desk: Desk) -> None:
    """Promise: ten for a partner, seven for a franchise hotel, and none of one for the other."""
    rules = load_rulebooks(desk.organisations).for_org(desk.org, desk.clock.now()).sections.requests
    kind = rules.kind("service_item")
    assert kind is not None
    lists = {
        hotel: [each for each in kind.subtypes if hotel in each.classes] for hotel in ("partner", "franchise")
    }
    assert {hotel: len(items) for hotel, items in lists.items()} == {"partner": 10, "franchise": 7}
    asked(desk, "service_item", "feasibility_plan", "franchise")
    with refused("A-HTL-20"):
        asked(desk, "service_item", "feasibility_plan", "partner")
    with refused("A-HTL-01"):
        asked(desk, "service_item", "swimming_pool", "partner")
    with refused("A-HTL-01"):
        desk.open("service_item", customer_class="partner")
    for hotel, items in lists.items():
        for item in items:
            asked(desk, "service_item", item.code, hotel)
            other = {"partner": "franchise", "franchise": "partner"}[hotel]
            with refused(item.source):
                asked(desk, "service_item", item.code, other)
    assert desk.count("kind")["service_item"] == 18


@pytest.mark.rule("A-HTL-03")
def test_a_consultation_has_its_consultant_within_a_day_and_an_answer(desk: Desk) -> None:
    """Promise: about operation, management or service; late is marked from the next day's same hour on."""
    with refused("A-HTL-03"):
        desk.open("consulting")
    with refused("A-HTL-03"):
        desk.open("consulting", filled={"topic": "weather"})
    first, second = (desk.open("consulting", filled={"topic": "operation"}) for _ in range(2))
    clock = desk.clocks(first)["consultant"]
    assert (instant(clock), clock["source"]) == (beijing("2026-03-03 10:00"), "A-HTL-03")
    with refused("A-HTL-03"):
        desk.act(first, "answer", outcome="建议调整房价")
    desk.act(first, "assign", consultant="A1")
    with refused("A-HTL-03"):
        desk.act(first, "answer")
    assert desk.act(first, "answer", outcome="建议调整房价")["closed"] is True
    assert desk.look(first)["facts"]["outcome"] == "建议调整房价"
    desk.at("2026-03-03 10:00")
    assert [row["request_id"] for row in desk.rows(state="overdue")] == [second]


@pytest.mark.rule("A-HTL-04")
def test_what_an_expert_department_does_goes_to_that_department(desk: Desk) -> None:
    """Promise: sales, training and QA inspection each have what is theirs, in the hands of who leads them."""
    for subtype in ("sales", "training", "qa"):
        asked(desk, "expert_service", subtype)
    assert desk.count("unit") == {"sales": 1, "training": 1, "qa": 1}
    for event in desk.events("request_opened"):
        owner = {"unit": event["subtype"], "role": f"{event['subtype']}_department", "staff": None}
        assert (event["owner"], event["source"]) == (owner, "A-HTL-04")
    with refused("A-HTL-04"):
        desk.open("expert_service")


@pytest.mark.rule("A-HTL-16")
@pytest.mark.parametrize("plan", ["investment_analysis", "market_strategy", "brand_alliance"])
def test_consulting_plans_are_for_partner_hotels(desk: Desk, plan: str) -> None:
    """Promise: a partner's brand alliance is taken, a franchise hotel's refused by the rule."""
    taken = asked(desk, "management_plan", plan, "partner")
    assert desk.look(taken)["subtype"] == plan
    for hotel in ("franchise", None):
        with refused("A-HTL-16"):
            asked(desk, "management_plan", plan, hotel)
