"""Unclear claims: a case is opened all the same, is not found valid, and is clarified as a first claim is checked."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.complaints.domain.settled import OfferFact
from shared.errors import Conflict, NotFound, RuleRefused, ValidationFailed
from shared.history import Cause
from tests.unit.complaints.fakes import PLAZA, PROPERTY, RETAIL, FakeCall, clock, entries, types
from tests.unit.complaints.offer_world import books
from tests.unit.complaints.receiving_world import Reception

VALID: dict[str, Any] = {"valid": True, "ground": "quality_defect", "reason": "现场核实属实"}


@pytest.fixture
def chain() -> Reception:
    """Return the reception of a chain of shops, whose handbook lists complainants and demands."""
    return Reception(RETAIL)


@pytest.fixture
def plaza() -> Reception:
    """Return the reception of a shopping centre, whose handbook lists neither."""
    return Reception(PLAZA)


@pytest.mark.rule("B-RET-01")
def test_a_supplier_gets_a_case_but_nobody_finds_it_valid_before_it_is_known_who_complains(
    chain: Reception,
) -> None:
    """An event cannot be refused; so the case is opened, and it is the decision that waits."""
    case = chain.open(complainant_type="supplier")
    assert entries(case, "case_opened")[0].data["unclear"] == ["complainant_type"]
    assert chain.seen(case)["unclear"] == [
        {
            "field": "complainant_type",
            "listed": ["end_consumer", "agent", "franchisee"],
            "rule": "B-RET-01",
        }
    ]

    error = chain.refused("decide_validity", case, RuleRefused, **VALID)
    assert error.rule == "B-RET-01"
    assert [problem.field for problem in error.problems] == ["complainant_type"]
    wrong = chain.refused("clarify_claim", case, RuleRefused, complainant_type="supplier2", reason="来电核实")
    assert wrong.rule == "B-RET-01"

    chain.do("clarify_claim", case, complainant_type="agent", reason="来电核实为代理商")
    assert chain.seen(case)["unclear"] == []
    assert chain.do("decide_validity", case, **VALID)["state"] == "accepted"


@pytest.mark.rule("B-RET-02")
@pytest.mark.parametrize("demand", ["price_cut", "return", "exchange", "damages", "criticism"])
def test_a_complaint_stands_once_the_customer_asks_for_one_of_the_five_things(
    chain: Reception, demand: str
) -> None:
    """Criticism and suggestions count like money and goods; asking for nothing, or for something else, does not."""
    case = chain.open(demand=None)
    assert chain.refused("decide_validity", case, RuleRefused, **VALID).rule == "B-RET-02"
    other = chain.refused("clarify_claim", case, RuleRefused, demand="apology", reason="来电核实")
    assert (other.rule, other.problems[0].field) == ("B-RET-02", "demand")

    chain.do("clarify_claim", case, demand=demand, reason="来电核实")

    # The other half of the rule: a matter of Article 3 must have occurred.
    mind = {**VALID, "ground": "changed_mind"}
    assert chain.refused("decide_validity", case, RuleRefused, **mind).rule == "B-RET-03"
    assert chain.do("decide_validity", case, **VALID)["state"] == "accepted"


def test_an_unclear_claim_can_be_found_not_to_stand(chain: Reception) -> None:
    """Nobody has to ask a customer what they want of a shop that was never theirs."""
    case = chain.open(complainant_type=None, demand=None)
    answer = chain.do("decide_validity", case, valid=False, reason="非本公司商品")
    assert answer["state"] == "refused"


def test_where_the_rulebook_lists_nothing_nothing_is_unclear(plaza: Reception) -> None:
    """Profiles without lists behave as they did."""
    case = plaza.open(complainant_type=None, demand="anything")
    assert plaza.seen(case)["unclear"] == []
    assert plaza.do("decide_validity", case, valid=True, reason="属实")["state"] == "accepted"


def test_the_event_says_what_is_known_now_and_no_word_of_the_reason(chain: Reception) -> None:
    """Consumers see the claim as it stands; what staff wrote stays in the case."""
    case = chain.open(complainant_type=None, demand=None)
    chain.do("clarify_claim", case, by="stf_clerk", demand="return", amount="12.50", reason="王女士来电说明")
    (event,) = entries(chain.kept(case), "claim_clarified")
    clocks = event.data["clocks"]
    assert dict(event.data) == {
        "case_id": case.id,
        "changed": ["demand", "amount"],
        "complainant_type": None,
        "demand": "return",
        "problem": "lift-stuck",
        "amount": "12.50",
        "unit_id": None,
        "source": "phone",
        "unclear": ["complainant_type"],
        "by": "stf_clerk",
        "role": "ops_cs",
        "clarified_at": "2026-03-02T01:00:00.000Z",
        "clocks": clocks,
    }
    assert [clock["name"] for clock in clocks] == ["close"]
    assert [(note.kind, note.text) for note in chain.kept(case).notes] == [
        ("clarification", "王女士来电说明")
    ]


def test_who_may_clarify_is_data_of_the_rulebook(chain: Reception) -> None:
    """A shop clarifies what it took in itself and nothing else."""
    phone, counter = chain.open(), chain.open("ct_2", channel="counter")
    store: dict[str, Any] = {"roles": {"staff", "store_staff"}, "reason": "当面核实", "demand": "return"}
    assert chain.refused("clarify_claim", phone, RuleRefused, **store).rule == "B-RET-17"
    chain.do("clarify_claim", counter, **store)
    assert chain.kept(counter).claim.demand == "return"


def test_a_higher_sum_lifts_the_level_and_a_lower_one_never_lets_it_fall(plaza: Reception) -> None:
    """As with a linked complaint: upward by itself, with the clocks of the new level."""
    case = plaza.open()
    plaza.do("clarify_claim", case, amount="60000.00", reason="客户补充")
    assert plaza.kept(case).level == "major"
    plaza.do("clarify_claim", case, amount="10.00", reason="客户更正")
    assert (plaza.kept(case).level, plaza.kept(case).claim.amount) == ("major", Decimal("10.00"))


def test_nothing_new_is_refused_and_so_is_a_repeat_under_another_key(plaza: Reception) -> None:
    """A clarification that changes nothing leaves no trace."""
    case = plaza.open(demand="damages")
    plaza.refused("clarify_claim", case, ValidationFailed, demand="damages", reason="再说一遍")
    plaza.refused("clarify_claim", case, ValidationFailed, reason="没有内容")


def test_the_same_key_clarifies_once_and_gets_the_same_answer(plaza: Reception) -> None:
    """A client that lost the answer asks again; nothing happens twice."""
    case = plaza.open()
    given = {"amount": "60000.00", "reason": "客户补充", "key": "k-1"}
    first = plaza.do("clarify_claim", case, **given)
    assert plaza.do("clarify_claim", case, **given) == first
    assert types(plaza.kept(case)).count("claim_clarified") == 1
    with pytest.raises(Conflict):
        plaza.do("clarify_claim", case, amount="1.00", reason="客户补充", key="k-1")


def test_a_claim_that_turns_out_to_be_the_same_problem_joins_its_matter_and_lifts_all(
    plaza: Reception,
) -> None:
    """Four households have the problem; the fifth only called it something else."""
    others = [plaza.open(f"ct_{number}", unit=f"un_{number}") for number in range(4)]
    case = plaza.open("ct_9", unit="un_9", problem="strange-noise")
    assert {plaza.kept(each).level for each in others} == {"general"}

    plaza.do("clarify_claim", case, problem="lift-stuck", reason="同一部电梯")

    kept = plaza.kept(case)
    assert (kept.level, kept.households, kept.matter_id) == ("important", 5, others[0].matter_id)
    assert {plaza.kept(each).level for each in others} == {"important"}
    assert not kept.recount
    assert "matter_counted" in [entry.data.get("step") for entry in kept.history]


def test_a_process_that_dies_after_the_clarification_leaves_the_counting_to_the_timer(
    plaza: Reception,
) -> None:
    """The second write cannot be forgotten: the case stays marked until the matter was counted."""
    others = [plaza.open(f"ct_{number}", unit=f"un_{number}") for number in range(4)]
    case = plaza.open("ct_9", unit="un_9", problem="strange-noise")
    plaza.recount.of = lambda *_: None  # type: ignore[method-assign]  # the process dies here
    plaza.do("clarify_claim", case, problem="lift-stuck", reason="同一部电梯")
    assert {plaza.kept(each).level for each in others} == {"general"}

    assert plaza.recount() is False

    assert {plaza.kept(each).level for each in others} == {"important"}
    assert plaza.cases.to_recount(10) == []


def test_a_repeat_of_the_call_also_finishes_what_was_left_half_done(plaza: Reception) -> None:
    """Whoever called and got no answer need not wait for the timer."""
    others = [plaza.open(f"ct_{number}", unit=f"un_{number}") for number in range(4)]
    case = plaza.open("ct_9", unit="un_9", problem="strange-noise")
    given = {"problem": "lift-stuck", "reason": "同一部电梯", "key": "k-1"}
    whole, plaza.recount.of = plaza.recount.of, lambda *_: None  # type: ignore[method-assign]  # dies here
    plaza.do("clarify_claim", case, **given)
    plaza.recount.of = whole  # type: ignore[method-assign]  # and is started again
    plaza.do("clarify_claim", case, **given)
    assert {plaza.kept(each).level for each in others} == {"important"}


def test_of_two_changes_at_the_same_moment_neither_is_lost(plaza: Reception) -> None:
    """The second is taken again upon what the first left, and once."""
    case = plaza.open()
    plaza.cases.between["save"] = lambda: plaza.do("clarify_claim", case, demand="damages", reason="另一人")
    plaza.do("clarify_claim", case, amount="60000.00", reason="客户补充")
    kept = plaza.kept(case)
    assert (kept.claim.demand, kept.claim.amount, kept.level) == ("damages", Decimal("60000.00"), "major")
    assert types(kept).count("claim_clarified") == 2
    assert kept.history.verify() == []


def test_two_open_cases_of_one_customer_never_become_the_same_complaint(plaza: Reception) -> None:
    """The second is told that somebody came before; it does not vanish, and neither does the first."""
    plaza.open("ct_1", customer="cu_1")
    case = plaza.open("ct_2", customer="cu_1", problem="strange-noise")
    plaza.refused("clarify_claim", case, Conflict, problem="lift-stuck", reason="同一部电梯")


def test_a_case_with_offers_keeps_its_problem(plaza: Reception) -> None:
    """Sums count together over the matter: nobody splits them by calling the problem something else."""
    case = plaza.open()
    kept = plaza.kept(case)
    kept.offers["of_1"] = OfferFact(1, open=True)
    kept.record("case_progressed", {"case_id": case.id}, at=case.opened_at, cause=Cause("offer", "system"))
    plaza.cases.save(kept, since_seq=case.history.next_seq)
    error = plaza.refused("clarify_claim", case, RuleRefused, problem="other", reason="更正")
    assert error.rule == "design"


def test_a_clarified_source_brings_its_owners_and_its_clocks_from_the_moment_of_receipt(
    tmp_path: Path,
) -> None:
    """A call by the bureau of industry came in by phone; once that is known it is the manager's."""
    extra = """
overrides:
  - version: "1"
    effective_from: 2020-01-01
    complaints:
      clocks:
        bureau:
          starts: received
          ends: replied
          sources: [industry_bureau]
          duration: {amount: 5, unit: hours, source: organisation}
"""
    office = Reception("office", books(tmp_path, "office", "membership", extra))
    case = office.open()
    assert case.deadlines == []
    office.clock.advance(timedelta(hours=2))

    office.do("clarify_claim", case, source="industry_bureau", reason="来电人为工商局")

    kept = office.kept(case)
    assert (kept.source, clock(kept, "bureau").started_at) == ("industry_bureau", case.received_at)
    assert office.refused("decide_validity", case, RuleRefused, valid=True, reason="属实").rule == "A-JD1-08"
    office.do("clarify_claim", case, source="shop_rating", roles={"manager"}, reason="误记")
    assert not clock(office.kept(case), "bureau").open
    error = office.refused("clarify_claim", case, ValidationFailed, source="mars", reason="误记")
    assert error.problems[0].field == "source"


def test_nobody_clarifies_another_organisations_claim(plaza: Reception) -> None:
    """Organisations do not see each other's cases."""
    case = plaza.open()
    with pytest.raises(NotFound):
        plaza._methods["clarify_claim"](
            FakeCall(PROPERTY, "k", frozenset({"complaint_handler"})),
            {
                **dict.fromkeys(("complainant_type", "demand", "problem", "amount", "media", "lawsuit")),
                "unit_id": None,
                "source": None,
                "id": case.id,
                "reason": "x",
            },
        )


@settings(max_examples=40, deadline=None)
@given(
    steps=st.lists(
        st.fixed_dictionaries(
            {},
            optional={
                "amount": st.sampled_from(["0.00", "5000.00", "5000.01", "49999.99", "50000.00"]),
                "media": st.booleans(),
                "lawsuit": st.booleans(),
                "problem": st.sampled_from(["lift-stuck", "smell"]),
                "unit_id": st.sampled_from(["un_1", "un_2", "un_9"]),
            },
        ),
        max_size=6,
    )
)
def test_whatever_is_clarified_in_whatever_order_no_level_ever_falls(steps: list[dict[str, Any]]) -> None:
    """The level of every case is at least what its claim and its matter ask for, and what it was before."""
    plaza = Reception(PLAZA)
    for number in range(4):
        plaza.open(f"ct_{number}", unit=f"un_{number}")
    case = plaza.open("ct_9", unit="un_9", problem="smell")
    ranks = ["general", "important", "major"]
    rules = plaza.books.for_org(PLAZA, case.received_at).sections
    for step in steps:
        before = {each.id: ranks.index(each.level) for each in plaza.cases.all()}
        try:
            plaza.do("clarify_claim", case, reason="核实", **step)
        except ValidationFailed:
            continue
        for each in plaza.cases.all():
            facts = each.claim.facts(each.households, each.escalations)
            asked = ranks.index(rules.level_of(facts).level.code)
            assert ranks.index(each.level) >= max(before[each.id], asked)
            assert each.history.verify() == []
    assert plaza.cases.to_recount(10) == []
