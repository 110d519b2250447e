"""Whether a complaint stands, decided in two steps by two people, and how a customer is told that it does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from shared.errors import RuleRefused, ValidationFailed
from tests.unit.complaints.fakes import PLAZA, PROPERTY, RETAIL, entries, types
from tests.unit.complaints.offer_world import books
from tests.unit.complaints.receiving_world import Reception

HEAD = """
overrides:
  - version: "1"
    effective_from: 2020-01-01
    complaints:
"""
OPINION = f"""{HEAD}
      receiving:
        opinion: {{grants: [{{role: complaint_handler}}], source: organisation}}
"""
BINDING = f"""{HEAD}
      clocks:
        refusal:
          starts: found_invalid
          ends: replied
          applies_to: invalid
          duration: {{amount: 2, unit: hours, source: organisation}}
      receiving:
        refusal:
          text: "{{surname}}{{title}}，编号{{number}}：{{finding}}。"
          binding: true
          source: organisation
"""
TOLD: dict[str, Any] = {"surname": "测试", "title": "先生", "finding": "商品未经本店售出"}


@pytest.fixture
def council(tmp_path: Path) -> Reception:
    """Return an organisation that wants an opinion before every decision."""
    return Reception("council", books(tmp_path, "council", "membership", OPINION))


@pytest.fixture
def polite(tmp_path: Path) -> Reception:
    """Return an organisation that refuses in its own words and in no others, within two hours."""
    return Reception("polite", books(tmp_path, "polite", "membership", BINDING))


def test_the_decision_waits_for_an_opinion_and_is_another_persons(council: Reception) -> None:
    """Two people look at every complaint; the second may see it otherwise."""
    case = council.open()
    decision: dict[str, Any] = {"valid": True, "reason": "属实"}
    assert council.refused("decide_validity", case, RuleRefused, **decision).rule == "organisation"
    council.do("give_opinion", case, by="stf_1", stands=False, text="证据不足")
    error = council.refused("decide_validity", case, RuleRefused, by="stf_1", **decision)
    assert "who prepared it" in error.message

    assert council.do("decide_validity", case, by="stf_2", **decision)["state"] == "accepted"

    (event,) = entries(council.kept(case), "opinion_given")
    assert dict(event.data) == {
        "case_id": case.id,
        "stands": False,
        "ground": None,
        "by": "stf_1",
        "role": "complaint_handler",
        "given_at": "2026-03-02T01:00:00.000Z",
    }
    assert council.seen(case)["opinion"]["by"] == "stf_1"
    council.refused("give_opinion", case, RuleRefused, stands=True, text="太晚")


def test_a_later_opinion_takes_the_place_of_an_earlier_one(council: Reception) -> None:
    """Whoever gave the one that counts may not decide; whoever was overruled may."""
    case = council.open()
    council.do("give_opinion", case, by="stf_1", stands=False, text="证据不足")
    council.do("give_opinion", case, by="stf_2", stands=True, text="补充了照片")
    decision: dict[str, Any] = {"valid": True, "reason": "属实"}
    council.refused("decide_validity", case, RuleRefused, by="stf_2", **decision)
    council.do("decide_validity", case, by="stf_1", **decision)


def test_opinions_are_for_the_role_the_rulebook_names_and_only_where_it_asks_for_them(
    council: Reception,
) -> None:
    """A manager decides here and gives no opinions; a profile without the rule knows none."""
    case = council.open()
    council.refused("give_opinion", case, RuleRefused, roles={"manager"}, stands=True, text="属实")
    plaza = Reception(PLAZA)
    other = plaza.open()
    assert plaza.refused("give_opinion", other, RuleRefused, stands=True, text="属实").rule == "design"
    assert plaza.seen(other)["opinion"] is None
    plaza.do("decide_validity", other, valid=True, reason="属实")


def test_whoever_is_complained_about_neither_opines_nor_decides(council: Reception) -> None:
    """Nobody judges a complaint about themselves."""
    case = council.open()
    council.name_accused(case, "stf_1")
    council.refused("give_opinion", case, RuleRefused, by="stf_1", stands=False, text="无中生有")
    council.do("give_opinion", case, by="stf_2", stands=True, text="属实")
    council.refused("decide_validity", case, RuleRefused, by="stf_1", valid=False, reason="无中生有")


@pytest.mark.rule("A-RED-03")
def test_a_case_shows_when_it_was_answered_and_its_handler_is_nobody_it_is_about(tmp_path: Path) -> None:
    """Promptly and fairly: opened, first response and closing are told, and the accused handles nothing of it."""
    office = Reception("riverside", books(tmp_path, "riverside", "real-estate"))
    staff = {"staff", "cs_staff", "complaint_handler", "manager"}
    case = office.open()
    office.world.walk(case)
    office.name_accused(case, "stf_accused")
    accused: dict[str, Any] = {"by": "stf_accused", "roles": staff}
    for valid in (True, False):
        decision: dict[str, Any] = {"valid": valid, "reason": "核实"}
        error = office.refused("decide_validity", case, RuleRefused, **accused, **decision)
        assert error.rule == "A-RED-03"
    office.do("decide_validity", case, roles=staff, valid=True, reason="属实")
    for method in ("progress", "reply"):
        assert office.refused(method, case, RuleRefused, **accused, text="跟进").rule == "A-RED-03"
    interim: dict[str, Any] = {"text": "跟进", "final": False, "next_reply_at": "2026-03-02T15:00:00+08:00"}
    assert office.refused("reply", case, RuleRefused, **accused, **interim).rule == "A-RED-03"
    office.world.at("2026-03-02 09:20")
    office.do(
        "reply", case, roles=staff, text="今日上门", final=False, next_reply_at="2026-03-02T15:00:00+08:00"
    )
    office.world.at("2026-03-02 16:00")
    office.do("reply", case, roles=staff, text="已处理")

    (row,) = office.ledger()["rows"]
    assert (row["opened_at"], row["first_response_at"], row["replied_at"]) == (
        "2026-03-02T01:00:00.000Z",
        "2026-03-02T01:20:00.000Z",
        "2026-03-02T08:00:00.000Z",
    )


def test_a_complaint_that_does_not_stand_closes_only_after_the_customer_was_told_in_these_words(
    polite: Reception,
) -> None:
    """The words with their places, the deadline, and what follows: the case closes once they were said."""
    case = polite.open()
    polite.do("decide_validity", case, valid=False, reason="非本会商品")
    asked = polite.seen(case)["refusal"]
    assert asked["variables"] == ["surname", "title", "finding"]
    assert (asked["due_at"], asked["told_at"]) == ("2026-03-02T03:00:00.000Z", None)
    # Not in words of one's own, and not around them.
    assert polite.refused("reply", case, RuleRefused, text="不受理").rule == "organisation"
    polite.refused("close", case, RuleRefused)
    polite.world.at("2026-03-02 10:59")

    answer = polite.do("tell_refusal", case, by="stf_2", way="phone", values=TOLD)

    kept = polite.kept(case)
    assert (answer["state"], kept.on_time) == ("closed", True)
    assert types(kept)[-4:] == ["refusal_told", "clock_met", "case_replied", "case_closed"]
    assert kept.notes[-1].text == "测试先生，编号NO-ct_1：商品未经本店售出。"
    (event,) = entries(kept, "refusal_told")
    assert "测试" not in str(dict(event.data))
    told = polite.seen(case)["refusal"]
    assert (told["way"], told["told_by"], told["told_at"]) == ("phone", "stf_2", "2026-03-02T02:59:00.000Z")


def test_a_customer_told_too_late_was_told_too_late(polite: Reception) -> None:
    """The deadline is two hours from the finding, whatever the timer does."""
    case = polite.open()
    polite.do("decide_validity", case, valid=False, reason="非本会商品")
    polite.world.at("2026-03-02 11:00")
    polite.do("tell_refusal", case, way="phone", values=TOLD)
    assert polite.kept(case).on_time is False


def test_a_refusal_that_leaves_a_place_empty_or_fills_one_it_does_not_have_is_not_said(
    polite: Reception,
) -> None:
    """Half a sentence is no politeness."""
    case = polite.open()
    polite.do("decide_validity", case, valid=False, reason="非本会商品")
    less = {name: value for name, value in TOLD.items() if name != "finding"}
    error = polite.refused("tell_refusal", case, RuleRefused, way="phone", values=less)
    assert [problem.field for problem in error.problems] == ["values.finding"]
    more = {**TOLD, "discount": "10%"}
    polite.refused("tell_refusal", case, ValidationFailed, way="phone", values=more)


def test_what_stands_is_not_refused(polite: Reception) -> None:
    """The words are for complaints that were found not to stand, and for no others."""
    case = polite.open()
    polite.refused("tell_refusal", case, RuleRefused, way="phone", values=TOLD)
    polite.do("decide_validity", case, valid=True, reason="属实")
    polite.refused("tell_refusal", case, RuleRefused, way="phone", values=TOLD)
    assert polite.seen(case)["refusal"] is None


def test_a_shop_refuses_politely_in_the_words_of_its_handbook_or_in_its_own() -> None:
    """The chain's handbook prescribes politeness and no words; the store itself may say them (B-RET-15, B-RET-17)."""
    chain = Reception(RETAIL)
    case = chain.world.walk(chain.open(channel="counter"))
    chain.do("decide_validity", case, valid=False, reason="已过退换期")
    assert chain.seen(case)["refusal"]["rule"] == "B-RET-17"
    chain.do("tell_refusal", case, roles={"staff", "store_staff"}, way="in_person", values=TOLD)
    assert chain.kept(case).state == "closed"
    other = chain.open("ct_2")
    chain.do("decide_validity", other, valid=False, reason="已过退换期")
    assert chain.do("reply", other, text="抱歉，已过退换期")["state"] == "closed"


def test_where_the_rulebook_has_no_words_there_is_nothing_to_say() -> None:
    """Profiles without the rule answer with a reply, as before."""
    property_office = Reception(PROPERTY)
    case = property_office.world.walk(property_office.open())
    roles = {"staff", "complaint_handler", "cs_head", "duty_staff"}
    property_office.do("decide_validity", case, valid=False, reason="非本物业", roles=roles)
    error = property_office.refused("tell_refusal", case, RuleRefused, way="phone", values=TOLD, roles=roles)
    assert error.rule == "design"
