"""What the standard handbooks ask of every organisation: respectful replies, integrity, limits that are there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from services.complaints.rulebook import PROFILES, load_rulebooks
from shared.clock import FixedClock
from shared.errors import RuleRefused
from shared.regulations import RegulationError
from tests.unit.complaints.fakes import PLAZA, PROPERTY, SHOP, World, beijing, clock
from tests.unit.complaints.liability_world import GM, Office, fields_of
from tests.unit.complaints.offer_world import FILE, Counter


@pytest.mark.rule("B-STD-18")
@pytest.mark.parametrize("final", [True, False])
def test_a_reply_that_blames_the_customer_is_refused(world: World, *, final: bool) -> None:
    """Guards respect: no reply goes out with a word of blame, be it the last one or one for now."""
    case = world.accept(world.open(PLAZA))
    before = world.cases.documents[case.id]
    with pytest.raises(RuleRefused) as error:
        world.do("reply", case, text="漏水是您自己的问题，与商场无关", final=final)
    assert error.value.rule == "B-STD-18"
    assert [(each.field, each.reason) for each in error.value.problems] == [("text", "holds 您自己的问题")]
    assert world.cases.documents[case.id] == before
    world.do("reply", case, text="漏水原因已查明，非商场管道，已请物业协助", final=final)


@pytest.mark.rule("B-SVN-11")
@pytest.mark.parametrize("org", [PROPERTY, PLAZA])
def test_private_gain_and_bribes_are_grounds_of_a_discipline_case(org: str) -> None:
    """Guards integrity: a report of a bribe leads to a sanction on a ground of its own."""
    office = Office(FixedClock(beijing("2026-03-02 09:00")), org)
    case = office.case(closed=False)
    office.liable("stf_a", case=case)
    arguments: dict[str, Any] = {
        "case_id": case.id,
        "staff": "stf_a",
        "severity": 2,
        "behaviour": "收受客户红包",
        "effects": "客户投诉",
    }
    error = office.refused("propose_sanction", RuleRefused, **arguments, ground="bribery")
    assert fields_of(error) == ["ground"]
    made = office.do("propose_sanction", **arguments, ground="integrity")
    decided = office.do("decide_sanction", by=GM, id=made["sanction_id"], approved=True)
    assert decided["state"] == "approved"
    (proposed,) = office.events("sanction_proposed")
    assert proposed.data["ground"] == "integrity"


GENERIC = """
profile: generic
extends: standard
versions:
  - version: "1"
    effective_from: 2020-01-01
    limits_required: {{value: [replied, handled], source: A-GEN-02}}
    clocks:
{clocks}
"""
RESPONSE = (
    "      response: {starts: received, ends: replied, duration: {amount: 2, unit: hours, source: A-GEN-02}}"
)
SOLUTION = (
    "      solution: {starts: received, ends: handled, duration: {amount: 24, unit: hours, source: A-GEN-03}}"
)


def generic(directory: Path, *clocks: str) -> Counter:
    """Return the desk of an organisation over a profile of its own with these clocks."""
    profiles, organisations = directory / "profiles", directory / "organisations"
    profiles.mkdir()
    organisations.mkdir()
    standard = (PROFILES / "standard.yaml").read_text(encoding="utf-8")
    (profiles / "standard.yaml").write_text(standard, encoding="utf-8")
    (profiles / "generic.yaml").write_text(GENERIC.format(clocks="\n".join(clocks)), encoding="utf-8")
    roles = "staff, complaint_handler, cs_head, manager, supervisor"
    text = FILE.format(org="shop", profile="generic", roles=roles)
    (organisations / "shop.yaml").write_text(text, encoding="utf-8")
    books = load_rulebooks(organisations, profiles)
    return Counter(FixedClock(beijing("2026-03-02 09:00")), "shop", books)


@pytest.mark.rule("A-GEN-02")
def test_a_profile_without_a_response_time_is_refused_and_with_one_it_is_kept(tmp_path: Path) -> None:
    """Guards the service standard: whoever must define a response time cannot leave it out."""
    (tmp_path / "without").mkdir()
    with pytest.raises(RegulationError) as error:
        generic(tmp_path / "without", SOLUTION)
    assert "no clock ends with replied, and A-GEN-02 asks for a limit" in str(error.value)
    shop = generic(tmp_path, RESPONSE, SOLUTION)
    case = shop.world.open("shop")
    assert clock(case, "response").due_at == beijing("2026-03-02 11:00")
    assert clock(case, "response").source == "A-GEN-02"


@pytest.mark.rule("A-GEN-03")
def test_a_profile_has_a_limit_for_solving_a_problem_and_it_is_breached_when_it_passes(
    tmp_path: Path,
) -> None:
    """Guards the resolution limit: it must be there, and not solved by then is told."""
    (tmp_path / "without").mkdir()
    with pytest.raises(RegulationError) as error:
        generic(tmp_path / "without", RESPONSE)
    assert "no clock ends with handled" in str(error.value)
    shop = generic(tmp_path, RESPONSE, SOLUTION)
    case = shop.world.open("shop")
    assert clock(case, "solution").due_at == beijing("2026-03-03 09:00")
    shop.world.do("decide_validity", case, valid=True, ground=None, reason="属实")
    shop.at("2026-03-03 09:00")
    shop.world.tick()
    assert {entry.data["clock"] for entry in shop.events("clock_breached")} == {"response", "solution"}


@pytest.mark.rule("A-ECO-08")
def test_returns_are_the_after_sale_posts_and_not_the_pre_sale_ones() -> None:
    """Guards the post: after-sale service proposes the return, pre-sale service cannot take it."""
    shop = Counter(FixedClock(beijing("2026-03-02 09:00")), SHOP)
    case = shop.case()
    wish: dict[str, Any] = {
        "case_id": case.id,
        "kind": "return",
        "amount": "0.00",
        "reason": "尺码不符",
        "goods": [{"item": "外套", "quantity": 1}],
    }
    error = shop.refused("propose_offer", RuleRefused, by="stf_presale", roles={"staff", "presale"}, **wish)
    assert error.rule == "B-ECM-18"
    made = shop.do("propose_offer", by="stf_after", roles={"staff", "aftersale"}, **wish)
    assert shop.offer(made["offer_id"]).proposed_by == "stf_after"
