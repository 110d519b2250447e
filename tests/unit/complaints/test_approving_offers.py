"""Approvals: nobody for themselves or what concerns them, in order, in somebody's place only as far as allowed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from services.complaints.domain.money.offer import Offer
from shared.clock import FixedClock
from shared.errors import Conflict, NotFound, RuleRefused, ValidationFailed
from tests.unit.complaints.fakes import beijing
from tests.unit.complaints.offer_world import AGENT, CASHIER, ROLES, SENIOR, VICE, Counter, books

MORNING = "2025-03-03 09:00"
DEPUTY = "stf_deputy"


@pytest.fixture
def plaza() -> Counter:
    """A shopping centre on a Monday morning, whose vice president and senior executive may delegate."""
    return Counter(FixedClock(beijing(MORNING)))


def decide(counter: Counter, offer_id: str, **given: Any) -> dict[str, Any]:
    """Return the arguments of an approval of the sum an offer has."""
    return {"id": offer_id, "approved": True, "amount": str(counter.offer(offer_id).terms.amount)} | given


def delegate(counter: Counter, **given: Any) -> str:
    arguments = {
        "by": VICE,
        "delegate": DEPUTY,
        "role": "cs_vice_president",
        "until": "2025-03-10T18:00:00+08:00",
    }
    return str(counter.do("grant_delegation", **arguments | given)["delegation_id"])


def test_nobody_approves_what_they_proposed_or_changed(plaza: Counter) -> None:
    """Not even with the role: the refusal names the rule of the authority."""
    both = ROLES[AGENT] | ROLES[VICE]
    own = plaza.propose(plaza.case())
    refused = plaza.refused("decide_offer", RuleRefused, by=AGENT, roles=both, **decide(plaza, own))
    assert refused.rule == "B-JKC-44"
    plaza.do("change_offer", by="stf_two", roles=both, id=own, amount="20.00", reason="x")
    for author in (AGENT, "stf_two"):
        plaza.refused("decide_offer", RuleRefused, by=author, roles=both, **decide(plaza, own))
    assert plaza.approve(own)["state"] == "approved"


def test_the_person_complained_about_neither_proposes_nor_approves_nor_pays(plaza: Counter) -> None:
    """Whoever the case is about stands aside from all of it, and the refusal names a rule."""
    case = plaza.case()
    offer_id = plaza.propose(case)
    plaza.do("name_accused", id=case.id, staff=[VICE, CASHIER])
    assert plaza.refused("decide_offer", RuleRefused, by=VICE, **decide(plaza, offer_id)).rule == "B-JKC-44"
    plaza.do("name_accused", id=case.id, staff=[AGENT])
    other = {"case_id": case.id, "kind": "compensation", "amount": "1", "reason": "x"}
    plaza.refused("propose_offer", RuleRefused, **other)
    plaza.approve(offer_id, "stf_other_vice", roles=ROLES[VICE])
    plaza.do("answer_offer", by="stf_agent_two", roles=ROLES[AGENT], id=offer_id, accepted=True)
    plaza.refused("pay_offer", RuleRefused, by=CASHIER, id=offer_id, evidence="V-1")
    plaza.pay(offer_id, by="stf_other_cashier", roles=ROLES[CASHIER])
    plaza.refused("name_accused", ValidationFailed, id=case.id, staff=[VICE])


def test_an_approval_by_somebody_named_afterwards_is_not_enough_for_the_payment(plaza: Counter) -> None:
    """Known too late is known in time for the money."""
    case = plaza.case()
    offer_id = plaza.through(case)
    plaza.do("name_accused", id=case.id, staff=[VICE])
    refused = plaza.refused("pay_offer", RuleRefused, by=CASHIER, id=offer_id, evidence="V-1")
    assert refused.rule == "B-JKC-44"
    plaza.approve(offer_id, "stf_other_vice", roles=ROLES[VICE])
    assert plaza.pay(offer_id)["state"] == "paid"


def test_of_two_approvers_at_once_one_wins_and_the_other_is_told(plaza: Counter) -> None:
    """Both looked at the same proposal; the second is told who came first, and nothing is approved twice."""
    offer_id = plaza.propose(plaza.case())
    plaza.offers.offers.between = lambda: plaza.approve(offer_id)
    late = plaza.refused(
        "decide_offer", Conflict, by="stf_other_vice", roles=ROLES[VICE], **decide(plaza, offer_id)
    )
    assert VICE in late.message
    assert [signature.by for signature in plaza.offer(offer_id).signatures] == [VICE]
    assert len(plaza.events("offer_approved")) == 1


def test_a_change_at_the_moment_of_the_approval_leaves_no_approval_of_what_nobody_saw(plaza: Counter) -> None:
    """The approver looked at 3,000, somebody made it 4,000: the approval is refused, not moved over."""
    offer_id = plaza.propose(plaza.case(), "3000.00")
    plaza.offers.offers.between = lambda: plaza.do("change_offer", id=offer_id, amount="4000.00", reason="x")
    plaza.refused("decide_offer", Conflict, by=VICE, **decide(plaza, offer_id))
    assert (plaza.state(offer_id), plaza.offer(offer_id).signatures) == ("proposed", [])


def test_a_delegate_approves_in_the_place_of_who_is_away(plaza: Counter) -> None:
    """Both names stand behind the approval."""
    mandate = delegate(plaza)
    offer_id = plaza.propose(plaza.case())
    plaza.refused("decide_offer", RuleRefused, by=DEPUTY, **decide(plaza, offer_id))
    plaza.approve(offer_id, DEPUTY, delegation=mandate)
    (given,) = plaza.events("approval_given")
    assert (given.data["by"], given.data["for"], given.data["role"]) == (DEPUTY, VICE, "cs_vice_president")
    plaza.accept(offer_id)
    assert plaza.pay(offer_id)["state"] == "paid"


@pytest.mark.parametrize(
    ("granted", "at", "amount", "says"),
    [
        ({}, "2025-03-10 18:00", "10.00", "has expired"),
        ({"since": "2025-03-04T00:00:00+08:00"}, MORNING, "10.00", "has not begun"),
        ({"limit": "1000"}, MORNING, "1000.01", "reaches to 1000.00"),
    ],
)
def test_a_delegation_reaches_only_as_far_and_as_long_as_it_says(
    plaza: Counter, granted: dict[str, Any], at: str, amount: str, says: str
) -> None:
    """Expired, not begun or too small: refused with the rule that allows delegations at all."""
    mandate = delegate(plaza, **granted)
    offer_id = plaza.propose(plaza.case(), amount)
    plaza.at(at)
    refused = plaza.refused(
        "decide_offer", RuleRefused, by=DEPUTY, **decide(plaza, offer_id, delegation=mandate)
    )
    assert refused.rule == "organisation"
    assert says in refused.message
    assert plaza.state(offer_id) == "proposed"


def test_the_limit_of_a_delegation_counts_all_that_was_approved_in_the_matter(plaza: Counter) -> None:
    """Ten times 200 is 2,000, in somebody's place as well."""
    mandate = delegate(plaza, limit="300.00")
    case = plaza.case()
    first, second = plaza.propose(case, "200.00"), plaza.propose(case, "200.00")
    plaza.approve(first, DEPUTY, delegation=mandate)
    refused = plaza.refused(
        "decide_offer", RuleRefused, by=DEPUTY, **decide(plaza, second, delegation=mandate)
    )
    assert "400.00" in refused.message


def test_a_delegation_is_no_way_around_the_ban_on_approving_for_oneself(plaza: Counter) -> None:
    """Neither the delegate nor the one in whose place they act may have prepared it or be concerned."""
    offer_id = plaza.propose(plaza.case(), by=VICE, roles=ROLES[AGENT] | ROLES[VICE])
    mandate = delegate(plaza)
    plaza.refused("decide_offer", RuleRefused, by=DEPUTY, **decide(plaza, offer_id, delegation=mandate))
    own = delegate(plaza, delegate=AGENT)
    other = plaza.propose(plaza.case())
    plaza.refused("decide_offer", RuleRefused, by=AGENT, **decide(plaza, other, delegation=own))
    case = plaza.case()
    third = plaza.propose(case)
    plaza.do("name_accused", id=case.id, staff=[VICE])
    plaza.refused("decide_offer", RuleRefused, by=DEPUTY, **decide(plaza, third, delegation=mandate))


def test_delegations_are_given_by_holders_of_the_role_for_a_limited_time(plaza: Counter) -> None:
    """Not by somebody without the role, not of a role that is not delegated, not to oneself, not for a year."""
    later = "2025-03-10T00:00:00+08:00"
    role = "cs_vice_president"
    granted = {"delegate": DEPUTY, "role": role, "until": later}
    assert plaza.refused("grant_delegation", RuleRefused, by=AGENT, **granted).rule == "organisation"
    plaza.refused("grant_delegation", RuleRefused, by=CASHIER, **granted | {"role": "manager"})
    plaza.refused(
        "grant_delegation", RuleRefused, by=VICE, **granted | {"until": "2025-04-03T09:00:01+08:00"}
    )
    for wrong, field in (
        ({"delegate": VICE}, "delegate"),
        ({"until": "2025-03-03T08:00:00+08:00"}, "until"),
        ({"since": "2025-03-11T00:00:00+08:00"}, "until"),
        ({"limit": "-1"}, "limit"),
    ):
        refused = plaza.refused("grant_delegation", ValidationFailed, by=VICE, **granted | wrong)
        assert [problem.field for problem in refused.problems] == [field]
    assert plaza.offers.delegations.all() == []


def test_a_delegation_is_revoked_by_whoever_gave_it_and_ends_then(plaza: Counter) -> None:
    """What was approved before stays approved; nothing is approved after."""
    mandate = delegate(plaza)
    first, second = (plaza.propose(plaza.case()) for _ in range(2))
    plaza.approve(first, DEPUTY, delegation=mandate)
    assert plaza.refused("revoke_delegation", RuleRefused, by=DEPUTY, id=mandate).rule == "organisation"
    plaza.do("revoke_delegation", by=VICE, id=mandate)
    refused = plaza.refused(
        "decide_offer", RuleRefused, by=DEPUTY, **decide(plaza, second, delegation=mandate)
    )
    assert "was revoked" in refused.message
    assert plaza.state(first) == "approved"
    plaza.refused("revoke_delegation", Conflict, by=VICE, id=mandate)
    rows = plaza.do("delegations", principal=VICE)
    assert [row["revoked_at"] is None for row in rows] == [False]
    assert plaza.do("delegations", delegate=SENIOR) == []


def test_a_delegation_is_for_the_person_it_names(plaza: Counter) -> None:
    """Somebody else's delegation and one that does not exist give no right."""
    mandate = delegate(plaza)
    offer_id = plaza.propose(plaza.case())
    plaza.refused("decide_offer", RuleRefused, by="stf_x", **decide(plaza, offer_id, delegation=mandate))
    plaza.refused("decide_offer", NotFound, by=DEPUTY, **decide(plaza, offer_id, delegation="dl_none"))


def test_granting_a_delegation_again_under_its_key_gives_one(plaza: Counter) -> None:
    """A repeat makes no second delegation."""
    assert delegate(plaza, key="k-1") == delegate(plaza, key="k-1")
    assert len(plaza.events("delegation_granted")) == 1
    plaza.refused(
        "grant_delegation",
        Conflict,
        by=VICE,
        key="k-1",
        delegate=DEPUTY,
        role="cs_vice_president",
        until="2025-03-05T00:00:00+08:00",
    )


def test_where_the_rulebook_allows_no_delegation_there_is_none() -> None:
    """Silence is no permission."""
    shop = Counter(FixedClock(beijing(MORNING)), "shop-demo")
    refused = shop.refused(
        "grant_delegation",
        RuleRefused,
        by="stf_head",
        roles={"supervisor"},
        delegate=DEPUTY,
        role="supervisor",
        until="2025-03-05T00:00:00+08:00",
    )
    assert refused.rule == "design"


BOARD = """
overrides:
  - version: "1"
    effective_from: 2020-01-01
    complaints:
      offers:
        kinds:
          compensation: {name: 赔偿, source: organisation}
      authority:
        matrix:
          small: {up_to: "100.00", sequence: [{roles: [supervisor]}], source: organisation}
          large:
            sequence: [{roles: [supervisor]}, {roles: [manager, cs_head], quorum: 2}]
            source: organisation
"""


@pytest.fixture
def council(tmp_path: Path) -> Counter:
    """An organisation in which two of its heads approve after the supervisor."""
    return Counter(FixedClock(beijing(MORNING)), "council", books(tmp_path, "council", "membership", BOARD))


def test_a_quorum_is_of_different_people_in_its_turn(council: Counter) -> None:
    """Nobody counts twice, whatever roles they hold, and nobody comes before their turn."""
    offer_id = council.propose(council.case(), "100.01")
    early = council.refused(
        "decide_offer", RuleRefused, by="stf_m", roles={"manager"}, **decide(council, offer_id)
    )
    assert "supervisor sign first" in early.message
    council.approve(offer_id, "stf_s", roles={"supervisor", "manager"})
    council.refused(
        "decide_offer", RuleRefused, by="stf_s", roles={"supervisor", "manager"}, **decide(council, offer_id)
    )
    council.approve(offer_id, "stf_m", roles={"manager"})
    council.refused("decide_offer", RuleRefused, by="stf_m", roles={"cs_head"}, **decide(council, offer_id))
    assert council.state(offer_id) == "proposed"
    explained = council.do("explain", id=offer_id)
    assert (explained["awaits"], explained["missing"]) == (["manager", "cs_head"], 1)
    council.approve(offer_id, "stf_h", roles={"cs_head"})
    assert council.state(offer_id) == "approved"


def test_a_sum_on_the_border_belongs_to_the_lower_row(council: Counter) -> None:
    """Up to 100 is with the 100."""
    offer_id = council.propose(council.case(), "100.00")
    council.approve(offer_id, "stf_s", roles={"supervisor"})
    assert council.state(offer_id) == "approved"


def test_an_approver_refuses_only_in_their_turn(council: Counter) -> None:
    """A refusal is an approver's word too; it ends the offer."""
    offer_id = council.propose(council.case(), "500.00")
    refusal: dict[str, Any] = {"id": offer_id, "approved": False, "amount": "500.00"}
    council.refused("decide_offer", RuleRefused, by="stf_m", roles={"manager"}, **refusal)
    council.do("decide_offer", by="stf_s", roles={"supervisor"}, **refusal)
    assert council.state(offer_id) == "refused"
    council.refused("decide_offer", Conflict, by="stf_s", roles={"supervisor"}, **decide(council, offer_id))
    assert isinstance(council.offer(offer_id), Offer)
